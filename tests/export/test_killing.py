"""SIGKILL while exporting, at steps of the export and at requests that the server is answering, and going on.

Libraries that write by themselves meet a limit on the size of files, too.

AGENTCALLS_KILLS=50 (`make nightly`) kills each format's export 50 times; the normal run is a taste of it.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import closing, suppress
from datetime import UTC, datetime
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

import killed
from agentcalls import Client
from agentcalls.export import Progress, export
from agentcalls_mock import FULL_KEY, Seeding, create_app, open_store, serving
from exports import ENDINGS, rows_of

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

# The same lines again and again, which others prove.

_KILLS = int(os.environ.get("AGENTCALLS_KILLS", "0"))
_CALLS = 3_600
_REQUESTS = 50  # some fewer are enough for one export
_STEPS = 40  # the same
_SAME_BYTES = ("csv", "json", "gz", "zst", "jsonl")


class StoppedError(Exception):
    pass


def stop_building(progress: Progress) -> None:
    if progress.built:
        raise StoppedError


class Killer:
    """The mock, which kills a process in the middle of answering its request number `left`; and the processes."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self._left = 0
        self._process = 0
        self._forking = subprocess.Popen(
            [sys.executable, killed.__file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            self._left -= 1
            if self._left == 0:
                os.kill(self._process, signal.SIGKILL)
        await self._app(scope, receive, send)

    def export(
        self, url: str, path: Path, *, resume: bool, step: int = 0, request: int = 0, size: int = -1
    ) -> int:
        """The exit status of an export that is killed at a step or a request of its own, or whose files are limited."""
        forking = self._forking
        assert forking.stdin is not None
        assert forking.stdout is not None
        self._left = 0
        print(json.dumps([url, str(path), resume, step, size]), file=forking.stdin)
        self._process, self._left = int(forking.stdout.readline()), request
        return int(forking.stdout.readline())

    def close(self) -> None:
        with self._forking as forking:
            assert forking.stdin is not None
            forking.stdin.close()


@pytest.fixture(scope="module")
def killer() -> Generator[tuple[Killer, str]]:
    seeding = Seeding(calls=_CALLS, now=datetime(2026, 11, 23, 12, tzinfo=UTC))
    with (
        open_store(seeding) as store,
        closing(Killer(create_app(store))) as app,
        serving(app) as url,
    ):
        yield app, url


@pytest.mark.share
@pytest.mark.parametrize("ending", ENDINGS if _KILLS else ["csv", "json.gz", "parquet"])
def test_an_export_that_is_killed_again_and_again_ends_as_one_that_was_not(
    ending: str, killer: tuple[Killer, str], tmp_path: Path
) -> None:
    app, url = killer
    whole = tmp_path / f"whole.{ending}"
    with Client(api_key=FULL_KEY, base_url=url) as client:
        export(client, killed.AGENTS, whole, journal_calls=killed.JOURNAL_CALLS)
    random = Random(f"50 kills of {ending}")
    kills = rounds = 0
    while kills < (_KILLS or 2):
        rounds += 1
        path = tmp_path / f"round {rounds}.{ending}"
        resume = False
        while not path.exists():
            step, request = random.randint(1, _STEPS), 0
            if random.random() < 0.4:
                step, request = 0, random.randint(1, _REQUESTS)
            status = app.export(url, path, resume=resume, step=step, request=request)
            assert status in {0, -signal.SIGKILL}
            kills += status != 0
            assert path.exists() or status != 0
            resume = True
        left = path.with_name(f"{path.name}.partial")
        if left.exists():
            # The file has its name, and is not written again; without a journal or a receipt it is anyone's.
            known = (left / "journal").exists() or "user.agentcalls.export" in os.listxattr(path)
            assert app.export(url, path, resume=True) == (0 if known else 1)
        if ending.endswith(_SAME_BYTES):
            assert path.read_bytes() == whole.read_bytes()
        assert rows_of(path) == rows_of(whole)
        assert not left.exists()


@pytest.mark.share
@pytest.mark.parametrize("ending", ENDINGS if _KILLS else ["sqlite", "duckdb"])
def test_a_limit_on_the_size_of_files_leaves_no_half(
    ending: str, killer: tuple[Killer, str], tmp_path: Path
) -> None:
    app, url = killer
    path = tmp_path / f"calls.{ending}"
    random = Random(f"limits of {ending}")
    ends: list[int] = []
    # Of the rows, or once they are all there, of what a library writes.
    for size in (300_000, *(random.randint(20_000, 200_000) for _ in range(_KILLS or 1))):
        ends.append(app.export(url, path, resume=True, size=size))
        assert ends[-1] in {0, killed.DISK}
        assert not path.exists() or ends[-1] == 0
        if not ending.endswith(_SAME_BYTES) and killed.DISK in ends and not path.exists():
            with Client(api_key=FULL_KEY, base_url=url) as client, suppress(StoppedError):
                export(client, killed.AGENTS, path, resume=True, progress=stop_building)
    assert killed.DISK in ends or ending.endswith((".gz", ".zst"))  # they may be that small
    assert app.export(url, path, resume=True) == 0
    with Client(api_key=FULL_KEY, base_url=url) as client:
        export(client, killed.AGENTS, tmp_path / f"whole.{ending}")
    assert rows_of(path) == rows_of(tmp_path / f"whole.{ending}")
    assert {entry.name for entry in tmp_path.iterdir()} == {path.name, f"whole.{ending}"}
