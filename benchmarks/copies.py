"""The measures of a copy that is kept up to date: requests, CPU and memory of syncs, for DuckDB and for SQLite."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from benchmarks.figures import Figure, figure, ratio
from benchmarks.server import COUNT_PATH
from benchmarks.serving import counted
from benchmarks.team import end_of, team_server
from benchmarks.workers import Worker

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from benchmarks.measures import Scale

    Ask = Callable[[str], dict[str, float]]

_MIB = 2**20
_ENDINGS = ("duckdb", "sqlite")
_SMALL, _LARGE = 40, 5_000
_A_DAY, _APART = 50, 47  # 50 calls a day are 47 times 37 seconds apart
_ONE_A_DAY = 2_335  # times 37 seconds


@contextmanager
def copier(url: str, ending: str, *, agents: int, calls: int, apart: int = 1) -> Generator[Ask]:
    """A process that syncs the agents to a new file; its clock stands where the first calls end."""
    with TemporaryDirectory() as folder:
        command = [sys.executable, "-W", "ignore", "-m", "benchmarks.copier", url]
        command += [f"{folder}/calls.{ending}", f"--agents={agents}"]
        command += [f"--now={end_of(calls, apart=apart)}"]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        ) as process:
            tell, told = process.stdin, process.stdout
            if not (tell and told):
                raise RuntimeError("A pipe is missing.")

            def ask(what: str) -> dict[str, float]:
                tell.write(f"{what}\n")
                found: dict[str, float] = json.loads(told.readline())
                return found

            yield ask
            tell.close()


def many_small(scale: Scale) -> dict[str, Figure]:
    """Many agents of 40 calls, one a day: requests and CPU of the first sync, and of one with 1 % new calls."""
    agents, figures = 5 * scale.agents, dict[str, Figure]()
    for ending in _ENDINGS:
        with (
            team_server(_SMALL, apart=_ONE_A_DAY, new=0.01 * _SMALL) as url,
            copier(url, ending, agents=agents, calls=_SMALL, apart=_ONE_A_DAY) as ask,
        ):
            first = ask("sync")
            asked_first = counted(url, COUNT_PATH)
            second = ask("sync")
            asked_second = counted(url, COUNT_PATH)
        _check(first["calls"] == _SMALL * agents, second["calls"] > 0)
        figures[f"sync requests/an agent, {ending}"] = figure([asked_first / agents])
        figures[f"sync again requests/an agent, {ending}"] = figure([asked_second / agents])
        figures[f"sync again/sync, {ending}"] = figure([second["cpu"] / first["cpu"]])
        figures[f"cpu s/sync of small agents, {ending}"] = figure([first["cpu"]])
    return figures


def nothing_new(scale: Scale) -> dict[str, Figure]:
    """The CPU of a sync over the same agents that finds nothing new, beside asking alone."""
    agents, figures = 5 * scale.agents, dict[str, Figure]()
    for ending in _ENDINGS:
        with (
            team_server(_SMALL, apart=_ONE_A_DAY) as url,
            copier(url, ending, agents=agents, calls=_SMALL, apart=_ONE_A_DAY) as ask,
        ):
            ask("sync")
            ask("ask")
            taken = [(ask("sync"), ask("ask")) for _ in range(scale.runs)]
        _check(all(ours["calls"] == 0 and theirs["calls"] for ours, theirs in taken))
        cpu = [[one["cpu"] for one in each] for each in zip(*taken, strict=True)]
        figures[f"nothing new/asking, {ending}"] = ratio(*cpu)
        figures[f"cpu s/nothing new, {ending}"] = figure(cpu[0])
    return figures


def few_large(scale: Scale) -> dict[str, Figure]:
    """20 agents of 5,000 calls, 50 a day: a sync a day later, beside the first one, in requests."""
    agents, figures = max(2, scale.agents // 50), dict[str, Figure]()
    for ending in _ENDINGS:
        with (
            team_server(_LARGE, apart=_APART, new=_A_DAY, changed=_A_DAY) as url,
            copier(url, ending, agents=agents, calls=_LARGE, apart=_APART) as ask,
        ):
            first = ask("sync")
            asked_first = counted(url, COUNT_PATH)
            second = ask("sync")
            asked_second = counted(url, COUNT_PATH)
        _check(first["calls"] == _LARGE * agents, second["calls"] == _A_DAY * agents)
        figures[f"sync a day later/sync requests, {ending}"] = figure([asked_second / asked_first])
    return figures


def first_load(scale: Scale) -> dict[str, Figure]:
    """The CPU of loading a long listing into a copy, beside raw that only reads the same pages."""
    calls = scale.streams[0][1] // 2
    figures: dict[str, Figure] = {}
    taken: dict[str, list[float]] = {"raw": [], **{ending: [] for ending in _ENDINGS}}
    with team_server(calls) as url, Worker("raw", url) as raw:
        raw.ask("read", calls=calls)
        for _ in range(scale.runs):
            taken["raw"].append(raw.ask("read", calls=calls)["cpu"])
            for ending in _ENDINGS:
                with copier(url, ending, agents=1, calls=calls) as ask:
                    found = ask("sync")
                _check(found["calls"] == calls)
                taken[ending].append(found["cpu"])
    for ending in _ENDINGS:
        figures[f"load, {ending}"] = ratio(taken[ending], taken["raw"])
        figures[f"cpu µs/load {ending}"] = figure([s / calls * 1e6 for s in taken[ending]])
    return figures


def growth(scale: Scale) -> dict[str, Figure]:
    """How much larger the process gets with the first load of ten times as many agents of 5,000 calls."""
    name, most = scale.streams[-1]
    figures: dict[str, Figure] = {}
    for ending in _ENDINGS:
        sizes: list[float] = []
        for calls in (most // 10, most):
            agents = calls // _LARGE
            with (
                team_server(_LARGE) as url,
                copier(url, ending, agents=agents, calls=_LARGE) as ask,
            ):
                found = ask("sync")
            _check(found["calls"] == calls)
            sizes.append(found["most"])
        if all(sizes):
            figures[f"growth/copy {name} more, {ending}"] = figure([(sizes[1] - sizes[0]) / _MIB])
            figures[f"MiB/copy {name}, {ending}"] = figure([sizes[1] / _MIB])
    return figures


def _check(*right: bool) -> None:
    if not all(right):
        raise RuntimeError("A sync brought another number of calls than there were.")


COPIES: tuple[Callable[[Scale], dict[str, Figure]], ...] = (
    many_small,
    nothing_new,
    few_large,
    first_load,
    growth,
)
"""The measures of this module."""
