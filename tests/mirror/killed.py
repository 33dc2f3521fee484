"""Syncs, and kills itself before or behind a given statement. A line of stdin is a sync: [URL, FILE, STEP, FULL].

Each sync is a process of its own, forked from this one, which has imported everything; its exit status is printed when
it has ended. A step beyond the last one, or 0, lets it end.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from typing import Any

import pyarrow as pa

from agentcalls import Client
from agentcalls.mirror import sync
from agentcalls.mirror.databases.in_duckdb import InDuckDB
from agentcalls.mirror.databases.in_sqlite import InSQLite
from agentcalls_mock import FULL_KEY

AGENTS = ["agent_demo", "agent_2", "agent_one"]


def killing(real: Any, left: list[int]) -> Any:
    def method(*arguments: Any, **named: Any) -> Any:
        count(left)
        found = real(*arguments, **named)
        count(left)
        return found

    return method


def count(left: list[int]) -> None:
    left[0] -= 1
    if left[0] == 0:
        os.kill(os.getpid(), signal.SIGKILL)


def run(url: str, path: str, step: int, *, full: bool) -> None:
    left = [step]
    for kind in (InSQLite, InDuckDB):
        for name in ("run", "load", "put"):
            setattr(kind, name, killing(getattr(kind, name), left))
    with Client(api_key=FULL_KEY, base_url=url) as client:
        outcome = sync(client, AGENTS, path, full=full)
    assert outcome.complete


def main() -> None:
    pa.array([1])
    for line in sys.stdin:
        url, path, step, full = json.loads(line)
        process = os.fork()
        if not process:
            status = 0
            try:
                run(url, path, step, full=full)
            except Exception:  # noqa: BLE001 (the test sees it)
                traceback.print_exc()
                status = 1
            os._exit(status)
        print(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
