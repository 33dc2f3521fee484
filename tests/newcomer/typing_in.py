"""Commands typed one after another into one shell on a terminal, and the lines that then stand on it."""

from __future__ import annotations

import os
import re
import subprocess
import threading
from typing import TYPE_CHECKING

from attrs import frozen

from cli.running import open_terminal, read_to_end

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

LONGEST_SECONDS = 120
_MARK = "\x1e"
_CONTROL = re.compile(r"(\x1b\[[0-9;?]*[A-Za-z]|\n|\r)")


@frozen
class Answer:
    """How a command ended, and what it left on the terminal, colours included."""

    command: str
    code: int
    text: str

    @property
    def lines(self) -> list[str]:
        """What stands there, without colours and without spaces at the ends of lines."""
        plain = re.sub(r"\x1b\[[0-9;]*m", "", self.text)
        return [line.rstrip() for line in plain.splitlines()]


def typed(
    commands: Sequence[str], folder: Path, environ: Mapping[str, str], columns: int = 80
) -> list[Answer]:
    """What becomes of commands in one shell: a variable that one of them sets is there for the next."""
    script = "\n".join(f"{command}\nprintf '\\036%s\\036' $?" for command in commands)
    ours, theirs = open_terminal(columns)
    settings = {"TERM": "xterm-256color", "LANG": "C.UTF-8", **environ}
    with subprocess.Popen(
        ["bash", "--noprofile", "--norc", "-c", script],
        cwd=folder,
        env=settings,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    ) as shell:
        watchdog = threading.Timer(LONGEST_SECONDS, shell.kill)
        watchdog.start()
        os.close(theirs)
        parts = read_to_end(ours).split(_MARK)
        watchdog.cancel()
    return [
        Answer(command, int(code), settled(sent))
        for command, sent, code in zip(commands, parts[::2], parts[1::2], strict=False)
    ]


def settled(sent: str) -> str:
    """What stands on a terminal in the end: a line that was erased or written over is gone, colours stay."""
    lines, row = [""], 0
    for part in _CONTROL.split(sent):
        if part == "\n":
            row += 1
            lines += [""] * (row + 1 - len(lines))
        elif part == "\x1b[1A":
            row -= 1
        elif part == "\x1b[2K":
            lines[row] = ""
        elif not part.startswith("\x1b") or part.endswith("m"):
            lines[row] += part.replace("\r", "")
    return "\n".join(lines).rstrip("\n")
