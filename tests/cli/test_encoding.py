"""Data is UTF-8 in each pipe and file, and nothing warns. Each cell is a process: Python reads these at its start."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from agentcalls_mock import FULL_KEY
from cli.running import COMMAND

if TYPE_CHECKING:
    from pathlib import Path

ENVIRONMENTS = {
    "a Windows code page": {"PYTHONIOENCODING": "cp1252"},
    "no code page but ASCII": {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
    "warnings are errors": {"PYTHONWARNINGS": "error"},
}
TEXTS = ("json", "ndjson", "csv")
COMMANDS = {
    **{f"list {form}": ("list", "agent_demo", "--all", "--format", form) for form in TEXTS},
    **{f"export {form}": ("export", "agent_demo", "-o", "-", "--format", form) for form in TEXTS},
    **{f"file {form}": ("export", "agent_demo", "-o", f"calls.{form}") for form in TEXTS},
    "export excel-csv": ("export", "agent_demo", "-o", "-", "--format", "excel-csv"),
}
FOREIGN = "opérateur injoignable"
LIBRARY = """
import asyncio, agentcalls
async def read():
    async with agentcalls.AsyncClient() as client:
        return len(await client.calls.list("agent_demo").all())
with agentcalls.Client() as client:
    print(len(client.calls.list("agent_demo").all()), asyncio.run(read()))
"""


def run(
    mock_url: str, folder: Path, cell: str, *command: str
) -> subprocess.CompletedProcess[bytes]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    where = {"AGENTCALLS_API_KEY": FULL_KEY, "AGENTCALLS_BASE_URL": mock_url}
    return subprocess.run(
        command,
        env=kept | where | ENVIRONMENTS[cell],
        cwd=folder,
        capture_output=True,
        timeout=60,
        check=False,
    )


@pytest.mark.share("cell")
@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("cell", ENVIRONMENTS)
def test_data_is_utf_8_whatever_the_process_believes(
    cell: str, command: str, mock_url: str, tmp_path: Path
) -> None:
    ended = run(mock_url, tmp_path, cell, *COMMAND, *COMMANDS[command])
    assert ended.returncode == 0, ended.stderr
    files = [path.read_bytes() for path in tmp_path.iterdir()]
    (data,) = files or [ended.stdout]
    assert FOREIGN in data.decode("utf-8")
    assert len(data.splitlines()) >= 1
    assert b"Traceback" not in ended.stderr
    assert b"Warning" not in ended.stderr


def test_table_is_readable_where_it_cannot_be_encoded(mock_url: str, tmp_path: Path) -> None:
    words = ("list", "agent_demo", "--all", "--format", "table")
    ended = run(mock_url, tmp_path, "no code page but ASCII", *COMMAND, *words)
    assert ended.returncode == 0, ended.stderr
    assert rb"op\xe9rateur injoignable" in ended.stdout
    assert ended.stdout.isascii()


def test_library_warns_of_nothing(mock_url: str, tmp_path: Path) -> None:
    ended = run(
        mock_url, tmp_path, "warnings are errors", sys.executable, "-X", "dev", "-c", LIBRARY
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, b"250 250\n", b"")
