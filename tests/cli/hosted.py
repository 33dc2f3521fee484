"""Runs the library and the command line in a strange process, one for each line of stdin: forked, so that it is quick.

A line is JSON: the environment, the limits of the process, the streams to close, and the words of a command line, or
none for the library. A line of JSON comes back: the exit code, stdout and stderr.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import sys
import tempfile
import time
import traceback
from typing import Any

from agentcalls import AgentCallsError, AsyncClient, Client
from agentcalls.cli import main as command_line
from agentcalls.cli import program as _program  # noqa: F401 (as below)

# What is imported on first use is there before anything is strange.
Client(api_key="sk_12345678", base_url="https://host.test").close()


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
