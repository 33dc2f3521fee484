"""The page server as a child process."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.request import urlopen

if TYPE_CHECKING:
    from collections.abc import Generator


@contextmanager
def page_server(
    total: int,
    *,
    latency_ms: float = 0,
    jitter_ms: float = 0,
    per_second: int = 0,
    unknown_field: bool = False,
) -> Generator[str]:
    """The base URL of a server whose listings have `total` rows; it ends with the block."""
    command = ["benchmarks.server", f"--total={total}"]
    command += [f"--latency-ms={latency_ms}", f"--jitter-ms={jitter_ms}"]
    command += [f"--per-second={per_second}"]
    command += ["--unknown-field"] if unknown_field else []
    with served(command) as url:
        yield url


@contextmanager
def served(command: list[str]) -> Generator[str]:
    """The base URL of a server that is a module with its options; it ends with the block."""
    with subprocess.Popen(
        [sys.executable, "-m", *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None  # noqa: S101 (it is a pipe)
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            assert process.stdin is not None  # noqa: S101 (it is a pipe)
            process.stdin.close()


def counted(url: str, path: str) -> int:
    """What the server counted since it was last asked: `COUNT_PATH`, or `REFUSED_PATH`."""
    with urlopen(url + path) as told:  # noqa: S310 (our own server)
        return int(told.read())
