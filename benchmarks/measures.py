"""The measures: each starts its processes, reads in turn, and returns figures by key, or none if it cannot."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from attrs import frozen

from benchmarks.figures import Figure, figure, of_runs, ratio, ratio_of_runs
from benchmarks.ours import EXPORTS, NotAvailableError, day_in_the_middle, last_days
from benchmarks.server import COUNT_PATH, REFUSED_PATH
from benchmarks.serving import counted, page_server
from benchmarks.workers import Worker, in_turn

if TYPE_CHECKING:
    from collections.abc import Callable

_MIB = 2**20
_JUDGED = [
    "default",
    "async default",
    "http_client",
    "async http_client",
    "plain",
    "exact",
    "raw",
    "bimpeai",
    "httpx + msgspec",
    "retell-sdk",
]
_BESIDE = ["default", "raw"]
_SHOWN = [*_BESIDE, "async-plain", "async-exact", "httpx + json", "openai", "stripe", "twilio"]
_SHOWN += ["pool of eight", "aiohttp + msgspec", "aiohttp + msgspec, 8", "http.client + msgspec"]
_SHOWN += ["pyreqwest + msgspec"]
_LIMITED = {"exact-8": "auto", "async-exact-8": "async-auto"}
_PER_SECOND = 4


@frozen(kw_only=True)
class Scale:
    """The amount of measuring."""

    pages: int
    """Pages of 100 calls in a listing with slow answers."""
    cpu_pages: int
    """Pages in a listing for CPU time: few, so that the clients of a round are compared within a second."""
    runs: int
    """Runs for CPU time and for wall time."""
    rounds: int
    """Rounds of each run for CPU time."""
    starts: int
    """Fresh interpreters of each program."""
    limited_pages: int
    """Pages in a listing with four answers a second."""
    agents: int
    """Agents that are read in parallel."""
    commands: tuple[tuple[int, int], ...]
    """Agents that the commands read, and the milliseconds of each answer."""
    streams: tuple[tuple[str, int], ...]
    """Names and lengths of the listings for memory measures."""


FULL = Scale(
    pages=200,
    cpu_pages=50,
    runs=3,
    rounds=9,
    starts=12,
    limited_pages=20,
    agents=1_000,
    commands=((400, 20), (1_000, 50)),
    streams=(("200k", 200_000), ("1M", 1_000_000)),
)
QUICK = Scale(
    pages=50,
    cpu_pages=25,
    runs=1,
    rounds=5,
    starts=4,
    limited_pages=8,
    agents=60,
    commands=((60, 20),),
    streams=(("200k", 20_000), ("1M", 100_000)),
)


def sequential(scale: Scale) -> dict[str, Figure]:
    """CPU per call without waits: the clients in the goals."""
    taken = _cpu(_JUDGED, scale.cpu_pages, scale, scale.rounds)
    against = [name for name in ("bimpeai", "httpx + msgspec", "retell-sdk") if name in taken]
    figures = _by_call(taken, scale.cpu_pages)
    return figures | {
        f"plain/{name}": ratio_of_runs(taken["plain"], taken[name]) for name in against
    }


def others(scale: Scale) -> dict[str, Figure]:
    """The same for the other clients, in fewer rounds, without goals; beside the default settings."""
    taken = _cpu(_SHOWN, scale.cpu_pages, scale, -(-scale.rounds // 4))
    figures = _by_call(taken, scale.cpu_pages)
    for name in _BESIDE:
        del figures[f"cpu µs/{name}"]
        figures.pop(f"{name}/raw", None)
    peers = [name for name in taken if name not in _BESIDE]
    return figures | {
        f"{name}/default": ratio_of_runs(taken[name], taken["default"]) for name in peers
    }


def unknown_field(scale: Scale) -> dict[str, Figure]:
    """The same with an unknown field in every row."""
    taken = _cpu(["plain", "raw"], scale.cpu_pages, scale, scale.rounds, unknown_field=True)
    return {"unknown/raw": ratio_of_runs(taken["plain"], taken["raw"])}


def _cpu(
    names: list[str], pages: int, scale: Scale, rounds: int, *, unknown_field: bool = False
) -> dict[str, list[list[float]]]:
    # The CPU seconds of each reading, by client and run; each run has new processes.
    calls = pages * 100
    with page_server(calls, unknown_field=unknown_field) as url:
        turns = [(name,) for name in names]
        runs = [in_turn(turns, url, calls=calls, rounds=rounds) for _ in range(scale.runs)]
    return {name: [[one["cpu"] for one in run[name]] for run in runs] for name in runs[0]}


def _by_call(taken: dict[str, list[list[float]]], pages: int) -> dict[str, Figure]:
    per_call = {
        name: [[seconds / pages * 1e4 for seconds in run] for run in runs]
        for name, runs in taken.items()
    }
    figures = {f"cpu µs/{name}": of_runs(runs) for name, runs in per_call.items()}
    return figures | {
        f"{name}/raw": ratio_of_runs(runs, taken["raw"])
        for name, runs in taken.items()
        if name != "raw"
    }


def latency(scale: Scale) -> dict[str, Figure]:
    """Wall time if each answer takes 50 ms."""
    flavours = ("", "async-")
    ours = [f"{flavour}exact-{window}" for window in (8, 16, 32) for flavour in flavours]
    ours += ["plain-8", *(f"{flavour}auto" for flavour in flavours)]
    peers = ["pool of eight", "aiohttp + msgspec, 8"]
    calls = scale.pages * 100
    with page_server(calls, latency_ms=50) as url:
        turns = [*((name,) for name in (*ours, *peers)), ("raw", "bimpeai")]
        taken = in_turn(turns, url, calls=calls, rounds=scale.runs, warm=False)
    wall = {name: [one["wall"] for one in rounds] for name, rounds in taken.items()}
    ideal = (1 + -(-(scale.pages - 1) // 8)) * 0.050
    figures = {f"wall s/{name}": figure(wall[name]) for name in wall}
    figures |= {f"{name}/raw at 50 ms": ratio(wall[name], wall["raw"]) for name in [*ours, *peers]}
    for name in ("exact-8", "plain-8"):
        figures[f"{name}/ideal"] = figure([seconds / ideal for seconds in wall[name]])
        figures[f"{name}/bimpeai"] = ratio(wall[name], wall["bimpeai"])
    for flavour in flavours:
        eight = f"{flavour}exact-8"
        figures[f"{eight}/pool of eight"] = ratio(wall[eight], wall["pool of eight"])
        figures[f"{flavour}auto/{eight}"] = ratio(wall[f"{flavour}auto"], wall[eight])
    figures |= {f"{name}/exact-8": ratio(wall[name], wall["exact-8"]) for name in peers}
    return figures


def rate_limit(scale: Scale) -> dict[str, Figure]:
    """What "auto" costs beside eight in flight if the server answers four requests a second: 429s, and wall time.

    Nearly all of it is waiting, so all read at the same time, each from a server of its own.
    """
    names = [*_LIMITED, *_LIMITED.values()] * scale.runs
    with ThreadPoolExecutor(len(names)) as pool:
        told = list(pool.map(partial(_limited, scale.limited_pages * 100), names))
    figures: dict[str, Figure] = {}
    for eight, auto in _LIMITED.items():
        ours, theirs = (
            [one for name, one in zip(names, told, strict=True) if name == asked]
            for asked in (auto, eight)
        )
        for name, taken in ((auto, ours), (eight, theirs)):
            figures[f"429s/{name}"] = figure([refused for refused, _ in taken])
            figures[f"wall s/{name} at 4 a second"] = figure([wall for _, wall in taken])
        refused = [figures[f"429s/{name}"].value for name in (auto, eight)]
        figures[f"more 429s/{auto}"] = figure([refused[0] - refused[1]])
        figures[f"{auto}/{eight} at 4 a second"] = ratio(
            [wall for _, wall in ours], [wall for _, wall in theirs]
        )
    return figures


def _limited(calls: int, name: str) -> tuple[int, float]:
    # The 429s that the server counted, and the seconds.
    with page_server(calls, per_second=_PER_SECOND) as url, Worker(name, url) as worker:
        wall = worker.ask("read", calls=calls)["wall"]
        return counted(url, REFUSED_PATH), wall


def time_windows(scale: Scale) -> dict[str, Figure]:
    """A day of a long listing at 50 ms: seconds, and requests beyond those that hold its calls."""
    figures: dict[str, Figure] = {}
    for name, calls in scale.streams:
        with page_server(calls, latency_ms=50) as url:
            middle = [_beyond(url, day_in_the_middle(url, calls=calls)) for _ in range(scale.runs)]
            last = [
                (counted(url, f"{COUNT_PATH}?newest={found}"), seconds)
                for found, seconds in islice(last_days(url, calls=calls), scale.runs + 1)
            ]
        for what, taken in ((f"a day of {name}", middle), (f"the last day of {name}", last[1:])):
            figures[f"beyond/{what}"] = figure([beyond for beyond, _ in taken])
            figures[f"wall s/{what}"] = figure([seconds for _, seconds in taken])
    return figures


def _beyond(url: str, read: tuple[int, float]) -> tuple[int, float]:
    # The requests beyond ⌈calls / 100⌉, and the seconds.
    found, seconds = read
    return counted(url, COUNT_PATH) - -(-found // 100), seconds


def memory(scale: Scale) -> dict[str, Figure]:
    """The growth of the process in long readings and exports, and the memory of a kept call."""
    asked = {
        f"{flavour} {name}": (reader, calls)
        for flavour, reader in (("sync", "exact-8"), ("async", "async-exact-8"))
        for name, calls in scale.streams
    }
    name, longest = scale.streams[-1]
    asked |= {
        f"{exporter} {name}": (exporter, longest)
        for exporter in ("export-csv", "export-ndjson", "export-parquet")
    }
    with ThreadPoolExecutor(2) as pool:  # the growth is not a matter of time
        grown = dict(zip(asked, pool.map(lambda one: _growth(*one), asked.values()), strict=True))
    known = {what: size / _MIB for what, size in grown.items() if size is not None}
    figures = {f"growth/{what}": figure([size]) for what, size in known.items()}
    shorter, longer = (name for name, _ in scale.streams)
    for flavour in ("sync", "async"):
        if {f"{flavour} {shorter}", f"{flavour} {longer}"} <= known.keys():
            more = known[f"{flavour} {longer}"] - known[f"{flavour} {shorter}"]
            figures[f"growth/{flavour} more"] = figure([more])
    calls = scale.pages * 100
    kept: dict[str, float] = {}
    with page_server(calls) as url:
        for name in ("plain", "raw"):
            with Worker(name, url) as worker:
                kept[name] = worker.ask("keep", calls=calls)["bytes"] / calls
    figures |= {f"bytes a call/{name}": figure([n]) for name, n in kept.items()}
    return figures | {"kept/raw": figure([kept["plain"] / kept["raw"]])}


def many_agents(scale: Scale) -> dict[str, Figure]:
    """Wall time for the listings of many agents, 300 calls each, if each answer takes 20 ms."""
    # One after another, ten times as many take ten times as long: a twentieth is read, so as not to take minutes.
    share = 20
    few = scale.agents // share
    with page_server(300, latency_ms=20) as url:
        try:
            together = Worker("many-agents-32", url, agents=scale.agents)
        except NotAvailableError:
            return {}
        with together, Worker("one-agent-after-another", url, agents=few) as one:
            taken = [
                (
                    together.ask("read", calls=300 * scale.agents)["wall"],
                    one.ask("read", calls=300 * few)["wall"] * share,
                )
                for _ in range(scale.runs)
            ]
    fast, slow = ([pair[place] for pair in taken] for place in (0, 1))
    figures = {"wall s/many agents": figure(fast), "wall s/one agent after another": figure(slow)}
    return figures | {"many-agents/one": ratio(fast, slow)}


def commands(scale: Scale) -> dict[str, Figure]:
    """Wall time of the commands over many agents of one page each, beside `list_many` with the same filters."""
    rows, figures = 50, dict[str, Figure]()
    # Two read at the same time, the listings as the commands: they do little but wait.
    pairs = (("list_many", "list_many since"), ("export", "stats"), ("report", "check"))
    for agents, latency in scale.commands:
        size = f"{agents:,} agents at {latency} ms"
        with page_server(rows, latency_ms=latency) as url:
            taken = in_turn(
                pairs, url, calls=rows * agents, rounds=scale.runs, warm=False, agents=agents
            )
        wall = {name: [one["wall"] for one in each] for name, each in taken.items()}
        for name in ("export", "stats", "report", "check"):
            if name in wall:
                listing = wall["list_many since" if name == "check" else "list_many"]
                figures[f"{name}/list_many, {size}"] = ratio(wall[name], listing)
                figures[f"wall s/{name}, {size}"] = figure(wall[name])
    return figures


def exports(scale: Scale) -> dict[str, Figure]:
    """CPU per call of exports beside reading the same pages with raw."""
    taken = _cpu(["raw", *EXPORTS], scale.pages, scale, -(-scale.rounds // 4))
    return {
        f"{name}/raw": ratio_of_runs(taken[name], taken["raw"]) for name in EXPORTS if name in taken
    }


def _growth(reader: str, calls: int) -> float | None:
    try:
        with page_server(calls) as url, Worker(reader, url) as worker:
            return worker.ask("grow", calls=calls)["bytes"]
    except NotAvailableError:
        return None


NETWORKED: tuple[Callable[[Scale], dict[str, Figure]], ...] = (
    sequential,
    others,
    unknown_field,
    latency,
    rate_limit,
    time_windows,
    memory,
    many_agents,
    commands,
    exports,
)
"""The measures that read from a page server."""
