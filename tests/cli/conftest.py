"""The command line in this process, and what it runs against."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from agentcalls.cli.program import app
from agentcalls_mock import FULL_KEY, Fault, Seeding, create_app, open_store, serving
from faults import FaultServer

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

    from typer.testing import Result


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch, mock_url: str, tmp_path: Path) -> Generator[None]:
    """Settings that open the mock, no file, and a terminal that is no other program's business."""
    for name in ("NO_COLOR", "FORCE_COLOR", "GITHUB_ACTIONS", "PY_COLORS", "COLUMNS", "LINES"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AGENTCALLS_PROFILE", "AGENTCALLS_TIMEOUT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("TZ", "XXX-3")  # three hours east of UTC
    monkeypatch.setenv("AGENTCALLS_API_KEY", FULL_KEY)
    monkeypatch.setenv("AGENTCALLS_BASE_URL", mock_url)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    # Shared, or each report would make its script anew.
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path.parent / "cache"))
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def cli() -> Callable[..., Result]:
    """Runs a command line in this process, its output in a pipe."""

    def run(*arguments: str, **options: Any) -> Result:
        return CliRunner().invoke(app, list(arguments), prog_name="agentcalls", **options)

    return run


@pytest.fixture
def config(tmp_path: Path) -> Callable[[str], Path]:
    """Writes config.toml, for its owner's eyes only."""

    def write(text: str) -> Path:
        path = tmp_path / "config" / "agentcalls" / "config.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o600)
        return path

    return write


@pytest.fixture
def failing() -> Callable[..., Any]:
    """Serves a mock all of whose requests, or every so many, go wrong in the same way."""

    @contextmanager
    def serve(kind: str, every: int = 1) -> Generator[str]:
        with (
            open_store(Seeding(calls=500)) as store,
            serving(create_app(store, fault=Fault(kind, every))) as url,
        ):
            yield url

    return serve


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Generator[FaultServer]:
    """A server that answers as it is told, in place of the mock."""
    with FaultServer() as server:
        monkeypatch.setenv("AGENTCALLS_BASE_URL", server.url)
        yield server
