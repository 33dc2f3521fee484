"""Runs the library and the command line in a strange process, one for each line of stdin: forked, so that it is quick.

A line is JSON: the environment, the limits of the process, the streams to close, the folders in which nothing can be
opened with the error instead, whether threads can be had, and the words of a command line, or none for the library. A
line of JSON comes back: the exit code, stdout and stderr.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import sys
import tempfile
import threading
import time
import traceback
from typing import Any, NoReturn

import altair as _altair  # noqa: F401, ICN001 (as below)
import vl_convert

from agentcalls import AgentCallsError, AsyncClient, Client
from agentcalls.cli import main as command_line
from agentcalls.cli.commands.tail import polling
from agentcalls.cli.program import COMMANDS, loaded

# What is imported on first use is there before anything is strange.
Client(api_key="sk_12345678", base_url="https://host.test").close()
for _name in COMMANDS:
    loaded(_name)
vl_convert.javascript_bundle = lambda *_: "charts"  # making it takes seconds


def library() -> int:
    """Read an agent's calls in both flavours, and print each result."""

    async def read() -> int:
        async with AsyncClient(max_retries=0) as client:
            return len(await client.calls.list("agent_demo").all())

    def read_here() -> int:
        with Client(max_retries=0) as client:
            return len(client.calls.list("agent_demo").all())

    for run in (read_here, lambda: asyncio.run(read())):
        try:
            sys.stdout.write(f"{run()}\n")
        except AgentCallsError as error:
            sys.stdout.write(f"{type(error).__name__} {error}\n")
    return 0


def interrupted(*_: object) -> NoReturn:
    """Ctrl-C, the end of `tail`."""
    raise KeyboardInterrupt


def no_thread(*_: object, **__: object) -> NoReturn:
    """What CPython does where the system gives no thread; a limit does not hold for root."""
    raise RuntimeError("can't start new thread")


def guard(refused: dict[str, int]) -> None:
    """Refuse to open anything in these folders, for root, too."""

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event not in {"open", "os.mkdir", "os.listdir", "os.rename"}:
            return
        path = os.fsdecode(arguments[0]) if isinstance(arguments[0], str | bytes) else ""
        for folder, number in refused.items():
            if path.startswith(folder):
                raise OSError(number, os.strerror(number), path)

    sys.addaudithook(hook)


def strange(cell: dict[str, Any], out: int, err: int) -> int:
    """What comes of a cell; in a process of its own, which ends."""
    os.environ.clear()
    os.environ.update(cell["env"])
    time.tzset()
    for number, handle in ((1, out), (2, err)):
        os.dup2(handle, number)
    for name in cell["closed"]:
        os.close({"stdin": 0, "stdout": 1, "stderr": 2}[name])
        setattr(sys, name, None)
    for limit, value in cell["limits"].items():
        resource.setrlimit(getattr(resource, limit), (value, value))
    setattr(polling, "wait_while_read", interrupted)  # noqa: B010 (it is not exported)
    if not cell["threads"]:
        threading.Thread.start = no_thread  # type: ignore[method-assign]
    guard(cell["refused"])
    try:
        return command_line(cell["words"]) if cell["words"] else library()
    except SystemExit as error:
        return int(error.code or 0)


def main() -> None:
    for line in sys.stdin:
        cell = json.loads(line)
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            process = os.fork()
            if not process:
                code = 99
                try:
                    code = strange(cell, out.fileno(), err.fileno())
                    for stream in filter(None, (sys.stdout, sys.stderr)):
                        stream.flush()
                except BaseException:  # noqa: BLE001 (the test sees it)
                    os.write(err.fileno(), traceback.format_exc().encode())
                os._exit(code)
            code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
            texts = [(file.seek(0), file.read().decode(errors="replace"))[1] for file in (out, err)]
        sys.stdout.write(f"{json.dumps([code, *texts])}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
