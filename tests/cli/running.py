"""The command line as a process, its output in pipes or on a terminal, and in this process on a terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest

from agentcalls.cli import main

# The environment is always passed: readline, which pytest imports, puts COLUMNS into the one below Python's.
COMMAND = [sys.executable, "-m", "agentcalls.cli"]


def run_process(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """The result of a command line as a process, its output in pipes."""
    return subprocess.run(
        [*COMMAND, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=dict(os.environ),
        **options,
    )


def run_in_terminal(*arguments: str, columns: int = 80) -> tuple[int, str]:
    """The exit code of a command line, and what a terminal of this width is sent."""
    ours, theirs = open_terminal(columns)
    with subprocess.Popen(
        [*COMMAND, *arguments], stdin=theirs, stdout=theirs, stderr=theirs, env=dict(os.environ)
    ) as process:
        os.close(theirs)
        sent = read_to_end(ours)
    return process.returncode, sent


def run_here(*arguments: str, columns: int = 80) -> tuple[int, str]:
    """What `run_in_terminal` gives, of this process, which has imported everything and whose coverage is measured."""
    ours, theirs = open_terminal(columns)
    with ThreadPoolExecutor(1) as pool:
        # A terminal takes only so much that is not read.
        reading = pool.submit(read_to_end, ours)
        with (
            os.fdopen(theirs, "w", encoding="utf-8") as terminal,
            pytest.MonkeyPatch.context() as patch,
        ):
            patch.setenv("COLUMNS", str(columns))  # Rich asks the terminals that Python began with
            patch.setattr(sys, "stdout", terminal)
            patch.setattr(sys, "stderr", terminal)
            code = main(list(arguments))
        return code, reading.result()


def open_terminal(columns: int) -> tuple[int, int]:
    """Both ends of a terminal of this width: ours to read, and the program's to write."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    return ours, theirs


def read_to_end(ours: int) -> str:
    """What a terminal was sent until nobody held its other end any more."""
    sent = b""
    # Linux calls that an error of the device.
    with suppress(OSError):
        while chunk := os.read(ours, 65_536):
            sent += chunk
    os.close(ours)
    return sent.decode().replace("\r\n", "\n")
