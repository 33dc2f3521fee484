"""One client in a separate process: it reads the listing on command, and prints the cost.

    python -m benchmarks.worker NAME URL [--agents N]

Each line on standard input is a command; each answer is a line of JSON:

    read    the whole listing: calls, CPU seconds of the process (all its threads), wall seconds
    keep    the whole listing into a list: calls, bytes that Python allocated and still holds
    grow    the whole listing, keeping nothing: calls, the largest growth of the resident set in bytes
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import sys
import time
import tracemalloc
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import ours, peers
from benchmarks.ours import NotAvailableError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    Take = Callable[[Callable[[object], object]], int]

_STATM = Path("/proc/self/statm")
_PAGE_BYTES = 4096
_SAMPLE_EVERY = 500


def taker(name: str, url: str, agents: int) -> Take:
    """A function that reads the listing and returns the number of its calls.

    It passes each call to a function, or each progress of an export.
    """
    sync: dict[str, Callable[..., Callable[[], Iterator[object]]]] = {**ours.SYNC, **peers.SYNC}
    more: dict[str, Any] = {"agents": agents} if agents else {}
    if name in ours.EXPORTS:
        return ours.EXPORTS[name](url)
    if name in ours.COMMANDS:
        return ours.COMMANDS[name](url, agents=agents)
    if name in sync:
        read = sync[name](url, **more)

        def take(each: Callable[[object], object]) -> int:
            count = 0
            for count, call in enumerate(read(), 1):  # noqa: B007 (its last value is the result)
                each(call)
            return count

        return take

    awaited: dict[str, Callable[[str], Callable[[], AsyncIterator[object]]]] = {
        **ours.ASYNC,
        **peers.ASYNC,
    }
    runner = asyncio.Runner()

    async def opened() -> Callable[[], AsyncIterator[object]]:
        return awaited[name](url)

    read_async = runner.run(opened())

    async def take_async(each: Callable[[object], object]) -> int:
        count = 0
        async for call in read_async():
            each(call)
            count += 1
        return count

    return lambda each: runner.run(take_async(each))


def read(take: Take) -> dict[str, float]:
    """The CPU and wall seconds of one reading."""
    gc.collect()
    cpu, wall = time.process_time(), time.perf_counter()
    count = take(_ignore)
    return {
        "calls": count,
        "cpu": time.process_time() - cpu,
        "wall": time.perf_counter() - wall,
    }


def keep(take: Take) -> dict[str, float]:
    """The bytes that the calls of one reading hold, in a list."""
    take(_ignore)
    gc.collect()
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    kept: list[object] = []
    count = take(kept.append)
    gc.collect()
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return {"calls": count, "bytes": after - before}


def grow(take: Take, every: int) -> dict[str, float]:
    """The largest growth of the resident set while reading, in bytes, from its size at the first call."""
    if not _STATM.exists():
        raise NotAvailableError("the resident set: this system has no /proc")
    first = most = seen = 0

    def sample(_: object) -> None:
        nonlocal first, most, seen
        seen += 1
        if seen % every == 1 % every:
            now = int(_STATM.read_text(encoding="ascii").split()[1]) * _PAGE_BYTES
            first = first or now
            most = max(most, now)

    gc.collect()
    return {"calls": take(sample), "bytes": most - first}


def _ignore(_: object) -> None:
    pass


def main() -> None:
    """Answer commands until standard input ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name")
    parser.add_argument("url")
    parser.add_argument("--agents", type=int, default=0)
    asked = parser.parse_args()
    commands: dict[str, Callable[[Take], dict[str, float]]] = {
        "read": read,
        "keep": keep,
        "grow": partial(grow, every=1 if asked.name in ours.EXPORTS else _SAMPLE_EVERY),
    }
    try:
        take = taker(asked.name, asked.url, asked.agents)
    except NotAvailableError as missing:
        print(json.dumps({"missing": str(missing)}), flush=True)
        return
    print(json.dumps({}), flush=True)
    for line in sys.stdin:
        print(json.dumps(commands[line.strip()](take)), flush=True)
    os._exit(0)  # aiohttp would say that its session is still open, as it should be


if __name__ == "__main__":
    main()
