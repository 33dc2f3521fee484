"""A page, read as a newcomer reads it: its commands and programs, in order, and the outputs that stand below them."""

from __future__ import annotations

import os
import re
import secrets
import signal
import socket
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import frozen

from agentcalls.cli.commands.report.script import cache_path
from newcomer.typing_in import Answer, typed

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

_BLOCK = re.compile(
    r"^```(console|python)(?: title=\"(\S+)\")?\n(.*?)^```$", re.MULTILINE | re.DOTALL
)
_MOCK = re.compile(r"(?:agentcalls(?: |-)|make )mock\b")
_DONE = re.compile(r"pip install |python3 -m venv |make ")
_PORT = "127.0.0.1:8010"
# What no two runs share: how much of the rate limit is left, and for how long.
_PASSING = re.compile(r"[\d,]+ of 1,000,000 requests left, until \d\d:\d\d:\d\d")
_STANDING = "999,998 of 1,000,000 requests left, until 12:00:10"


@frozen
class Step:
    """A command, or a program without a name of its own, of a page."""

    command: str
    program: str = ""


def steps(page: str) -> list[Step]:
    """What a page tells its reader to type or to run, in order."""
    found: list[Step] = []
    for kind, title, body in _BLOCK.findall(page):
        if kind == "console":
            found += [Step(line) for line in re.findall(r"^\$ (.*)$", body, re.MULTILINE)]
        elif not title:
            found.append(Step(f"python example_{len(found)}.py", body))
    return found


def files(page: str) -> dict[str, str]:
    """The programs that a page tells its reader to save, by their names."""
    return {title: body for kind, title, body in _BLOCK.findall(page) if kind == "python" and title}


def extras(page: str) -> set[str]:
    """The extras that a page installs."""
    named = re.findall(r"^\$ pip install .*\[([\w,]+)\]", page, re.MULTILINE)
    return {extra for extras in named for extra in extras.split(",")}


def settings_of(home: Path) -> dict[str, str]:
    """The environment of somebody new, with the commands of this one's on PATH."""
    return {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(home),
        # Or each report would make the script of its charts anew.
        "XDG_CACHE_HOME": str(cache_path(os.environ).parent),
    }


def walked(page: str, folder: Path, environ: Mapping[str, str], columns: int = 80) -> list[Answer]:
    """How each step of a page ended, in a shell in this folder; what installs is taken as done, and so is `make`.

    The page's mock listens at a port that is free here, and the page's own port stands in what is returned.
    """
    port = f"127.0.0.1:{free_port()}"
    for name, text in files(page).items():
        (folder / name).write_text(text.replace(_PORT, port), encoding="utf-8")
    answers: list[Answer] = []
    waiting: list[str] = []
    with ExitStack() as mocks:
        for step in steps(page):
            if step.program:
                name = step.command.partition(" ")[2]
                (folder / name).write_text(step.program, encoding="utf-8")
            if _MOCK.match(step.command):
                command = f"{step.command} --port {port.rpartition(':')[2]}"
                line = mocks.enter_context(running(command, folder, environ))
                answers.append(Answer(step.command, 0, line.replace(port, _PORT)))
            elif not _DONE.match(step.command):
                waiting.append(step.command.replace(_PORT, port))
        answers += [
            Answer(
                answer.command.replace(port, _PORT),
                answer.code,
                _PASSING.sub(_STANDING, answer.text.replace(port, _PORT)),
            )
            for answer in typed(waiting, folder, environ, columns)
        ]
    return answers


def rewritten(page: str, answers: list[Answer]) -> str:
    """The page with these outputs below its commands."""
    outputs = {answer.command: answer.lines for answer in answers}

    def block(match: re.Match[str]) -> str:
        if match[1] != "console":
            return match[0]
        lines: list[str] = []
        for command in re.findall(r"^\$ (.*)$", match[3], re.MULTILINE):
            lines += [f"$ {command}", *outputs.get(command, [])]
        return "\n".join(["```console", *lines, "```"])

    return _BLOCK.sub(block, page)


@contextmanager
def running(command: str, folder: Path, environ: Mapping[str, str]) -> Generator[str]:
    """The first line of a server, which is stopped at the end."""
    with subprocess.Popen(
        ["bash", "-c", f"exec {command}"],
        cwd=folder,
        env=dict(environ),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as server:
        try:
            assert server.stdout
            yield server.stdout.readline().rstrip("\n")
        finally:
            server.send_signal(signal.SIGTERM)


def free_port() -> int:
    """A free port of four digits, as that of the pages, so that tables keep their widths."""
    while True:
        port = 8011 + secrets.randbelow(1900)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
