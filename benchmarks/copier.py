"""Syncs a copy in a separate process, and prints what each sync cost.

    python -m benchmarks.copier URL FILE --agents N [--now SECONDS]

Each line on standard input is a command; each answer is a line of JSON with the calls that came, the CPU seconds of the
process, and the largest size of its resident set so far, in bytes:

    sync    bring the copy up to date, without an audit
    ask     ask as a sync does that finds a copy, and write nothing
"""

from __future__ import annotations

import argparse
import gc
import json
import re
import sys
import time
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.ours import KEY

if TYPE_CHECKING:
    from collections.abc import Callable

    from agentcalls import Client

_STATUS = Path("/proc/self/status")


def sync(client: Client, agents: list[str], path: str) -> int:
    """The calls that are new in the copy; raises `RuntimeError` unless the sync is complete."""
    from agentcalls.mirror import sync  # noqa: PLC0415 (a version of ours may lack it)

    outcome = sync(client, agents, path, audit=0)
    if not outcome.complete:
        raise RuntimeError(str(outcome.why))
    return outcome.written.new


def ask(client: Client, agents: list[str], _: str) -> int:
    """The calls of the last day of each agent."""
    many = client.calls.list_many(agents, since=timedelta(days=1))
    found = sum(1 for _ in many)
    if not many.report.complete:
        raise RuntimeError(str(many.report.reason))
    return found


_COMMANDS = {"sync": sync, "ask": ask}


def measured(
    take: Callable[[Client, list[str], str], int], url: str, agents: int, path: str, now: float
) -> dict[str, float]:
    """What a command costs with a new client."""
    from agentcalls import Client  # noqa: PLC0415 (as above)
    from agentcalls.clock import Clock  # noqa: PLC0415 (as above)

    clock = Clock(wall=lambda: now) if now else Clock()
    names = [f"agent_{number}" for number in range(agents)]
    gc.collect()
    cpu = time.process_time()
    with Client(api_key=KEY, base_url=url, clock=clock) as client:
        calls = take(client, names, path)
    cpu = time.process_time() - cpu
    most = re.search(r"VmHWM:\s+(\d+)", _STATUS.read_text("ascii")) if _STATUS.exists() else None
    return {"calls": calls, "cpu": cpu, "most": int(most[1]) * 1024 if most else 0}


def main() -> None:
    """Answer commands until standard input ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("path")
    parser.add_argument("--agents", type=int, required=True)
    parser.add_argument("--now", type=float, default=0, help="the time, in Unix seconds")
    asked = parser.parse_args()
    for module in ("syncing", "databases.in_duckdb", "databases.in_sqlite"):
        import_module(f"agentcalls.mirror.{module}")  # start-up is measured elsewhere
    for module in ("duckdb", "pyarrow") if asked.path.endswith(".duckdb") else ():
        import_module(module)
    for line in sys.stdin:
        take = _COMMANDS[line.strip()]
        print(
            json.dumps(measured(take, asked.url, asked.agents, asked.path, asked.now)), flush=True
        )


if __name__ == "__main__":
    main()
