"""`agentcalls push`: what it says. What it does is tested in tests/mirror/test_pushing.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agentcalls.cli import main
from agentcalls.mirror import InUseError, Pushed
from agentcalls_mock import FULL_KEY

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

SAID = [
    (Pushed(0, None), "Nothing in calls.duckdb is new to dlt:postgres.\n"),
    (Pushed(1, None), "Pushed 1 call of calls.duckdb to dlt:postgres.\n"),
    (Pushed(1200, None), "Pushed 1,200 calls of calls.duckdb to dlt:postgres.\n"),
]


@pytest.mark.parametrize(("pushed", "sentence"), SAID)
def test_it_says_how_many_calls_it_pushed(
    pushed: Pushed,
    sentence: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked: dict[str, Any] = {}

    def push(path: str, destination: str, **options: Any) -> Pushed:
        asked.update(path=path, destination=destination, **options)
        return pushed

    monkeypatch.setattr("agentcalls.mirror.push", push, raising=False)
    assert main(["push", "calls.duckdb", "--to", "dlt:postgres", "--dataset", "raw", "--full"]) == 0
    assert capsys.readouterr().err == sentence
    assert asked == {
        "path": "calls.duckdb",
        "destination": "postgres",
        "dataset": "raw",
        "table_format": None,
        "full": True,
    }


@pytest.mark.parametrize("to", ["postgres", "dlt:", "postgresql://host"])
def test_a_destination_is_one_of_dlt(to: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["push", "calls.duckdb", "--to", to]) == 2
    assert f"--to takes dlt: and a destination of dlt, such as dlt:postgres; not {to!r}." in (
        capsys.readouterr().err
    )


def test_a_copy_in_use_is_an_error_and_no_wrong_option(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def push(*_: object, **__: object) -> Pushed:
        raise InUseError("Another sync is writing calls.duckdb.")

    monkeypatch.setattr("agentcalls.mirror.push", push, raising=False)
    assert main(["push", "calls.duckdb", "--to", "dlt:duckdb"]) == 1
    assert "Another sync is writing calls.duckdb." in capsys.readouterr().err


def test_a_sync_hands_on_what_it_brought(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    mock_url: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked: list[tuple[str, str]] = []

    def push(path: str, destination: str) -> Pushed:
        asked.append((path, destination))
        return Pushed(1, None)

    monkeypatch.setattr("agentcalls.mirror.push", push, raising=False)
    monkeypatch.setenv("AGENTCALLS_API_KEY", FULL_KEY)
    monkeypatch.setenv("AGENTCALLS_BASE_URL", mock_url)
    to = str(tmp_path / "calls.sqlite")
    command = ["sync", "agent_one", "--to", to, "--push"]
    assert main([*command, "dlt:postgres"]) == 0
    assert asked == [(to, "postgres")]
    assert capsys.readouterr().err.endswith(f"Pushed 1 call of {to} to dlt:postgres.\n")
    assert main([*command, "postgres"]) == 2
    assert "--push takes dlt:" in capsys.readouterr().err
    # What did come of a sync is handed on, also where some agent failed.
    assert main(["sync", "agent_one", "agent_of_nobody", *command[2:], "dlt:postgres"]) == 3
    assert len(asked) == 2
