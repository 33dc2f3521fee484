"""The measures: each starts its processes, reads in turn, and returns figures by key, or none if it cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.request import urlopen

from attrs import frozen

from benchmarks.figures import Figure, figure, ratio
from benchmarks.ours import EXPORTS, NotAvailableError, day_in_the_middle
from benchmarks.server import COUNT_PATH
from benchmarks.serving import page_server
from benchmarks.workers import Worker, in_turn

if TYPE_CHECKING:
    from collections.abc import Callable

_MIB = 2**20
_COMMANDS = {
    "export": "list_many",
    "stats": "list_many",
    "report": "list_many",
    "check": "list_many since",
}
_JUDGED = [
    "default",
    "async default",
    "http_client",
    "plain",
    "exact",
    "raw",
    "bimpeai",
    "httpx + msgspec",
    "retell-sdk",
]
_SHOWN = ["async-plain", "async-exact", "raw", "openai", "stripe", "twilio", "httpx + json"]
_SHOWN += ["aiohttp + msgspec"]


@frozen(kw_only=True)
class Scale:
    """The amount of measuring."""

    pages: int
    """Pages of 100 calls in a listing with slow answers."""
    cpu_pages: int
    """Pages in a listing for CPU time: few, so that the clients of a round are compared within a second."""
    rounds: int
    """Rounds for CPU time."""
    latency_rounds: int
    """Rounds for wall time."""
    agents: int
    """Agents that are read in parallel, and one after another."""
    commands: tuple[tuple[int, int], ...]
    """Agents that the commands read, and the milliseconds of each answer."""
    streams: tuple[tuple[str, int], ...]
    """Names and lengths of the listings for memory measures."""


FULL = Scale(
    pages=200,
    cpu_pages=50,
    rounds=31,
    latency_rounds=3,
    agents=1_000,
    commands=((400, 20), (1_000, 50)),
    streams=(("200k", 200_000), ("1M", 1_000_000)),
)
QUICK = Scale(
    pages=50,
    cpu_pages=25,
    rounds=7,
    latency_rounds=1,
    agents=60,
    commands=((60, 20),),
    streams=(("200k", 20_000), ("1M", 100_000)),
)


def sequential(scale: Scale) -> dict[str, Figure]:
    """CPU per call without waits: the clients in the goals."""
    return _cpu(_JUDGED, scale.cpu_pages, scale.rounds)


def others(scale: Scale) -> dict[str, Figure]:
    """The same for the other clients, in fewer rounds, without goals."""
    figures = _cpu(_SHOWN, scale.cpu_pages, -(-scale.rounds // 4))
    del figures["cpu µs/raw"]
    return figures


def unknown_field(scale: Scale) -> dict[str, Figure]:
    """The same with an unknown field in every row."""
    figures = _cpu(["plain", "raw"], scale.cpu_pages, scale.rounds, unknown_field=True)
    return {"unknown/raw": figures["plain/raw"]}


def _cpu(
    names: list[str], pages: int, rounds: int, *, unknown_field: bool = False
) -> dict[str, Figure]:
    calls = pages * 100
    with page_server(calls, unknown_field=unknown_field) as url:
        taken = in_turn(names, url, calls=calls, rounds=rounds)
    cpu = {name: [one["cpu"] for one in each] for name, each in taken.items()}
    figures = {f"cpu µs/{name}": figure([s / calls * 1e6 for s in cpu[name]]) for name in cpu}
    figures |= {f"{name}/raw": ratio(cpu[name], cpu["raw"]) for name in cpu if name != "raw"}
    against = [name for name in ("bimpeai", "httpx + msgspec", "retell-sdk") if name in cpu]
    return figures | {f"plain/{name}": ratio(cpu["plain"], cpu[name]) for name in against}


def latency(scale: Scale) -> dict[str, Figure]:
    """Wall time if each answer takes 50 ms."""
    ours = ["exact-8", "plain-8"]
    ours += [f"{flavour}exact-{window}" for window in (16, 32) for flavour in ("", "async-")]
    calls = scale.pages * 100
    with page_server(calls, latency_ms=50) as url:
        taken = in_turn(
            [*ours, "raw", "bimpeai"], url, calls=calls, rounds=scale.latency_rounds, warm=False
        )
    wall = {name: [one["wall"] for one in rounds] for name, rounds in taken.items()}
    ideal = (1 + -(-(scale.pages - 1) // 8)) * 0.050
    figures = {f"wall s/{name}": figure(wall[name]) for name in wall}
    figures |= {f"{name}/raw": ratio(wall[name], wall["raw"]) for name in wall if name != "raw"}
    for name in ("exact-8", "plain-8"):
        if name in wall:
            figures[f"{name}/ideal"] = figure([seconds / ideal for seconds in wall[name]])
            figures[f"{name}/bimpeai"] = ratio(wall[name], wall["bimpeai"])
    return figures


def time_windows(scale: Scale) -> dict[str, Figure]:
    """A day in the middle of a long listing at 50 ms: seconds, and requests beyond those that hold its calls."""
    figures: dict[str, Figure] = {}
    for name, calls in scale.streams:
        with page_server(calls, latency_ms=50) as url:
            seconds: list[float] = []
            beyond: list[float] = []
            for _ in range(scale.latency_rounds):
                found, wall = day_in_the_middle(url, calls=calls)
                with urlopen(url + COUNT_PATH) as told:  # noqa: S310 (our own server)
                    beyond.append(int(told.read()) - -(-found // 100))
                seconds.append(wall)
        figures[f"wall s/a day of {name}"] = figure(seconds)
        figures[f"beyond/a day of {name}"] = figure(beyond)
    return figures


def memory(scale: Scale) -> dict[str, Figure]:
    """The growth of the process while streaming, and the memory of a kept call."""
    figures: dict[str, Figure] = {}
    for flavour, reader in (("sync", "exact-8"), ("async", "async-exact-8")):
        grown = {name: _growth(reader, calls) for name, calls in scale.streams}
        known = {name: size for name, size in grown.items() if size is not None}
        figures |= {f"growth/{flavour} {name}": figure([n / _MIB]) for name, n in known.items()}
        if len(known) == len(grown):
            few, many = known.values()
            figures[f"growth/{flavour} more"] = figure([(many - few) / _MIB])
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
    calls = 300 * scale.agents
    with page_server(300, latency_ms=20) as url:
        try:
            together = Worker("many-agents-32", url, agents=scale.agents)
        except NotAvailableError:
            return {}
        with together, Worker("one-agent-after-another", url, agents=scale.agents) as one:
            fast = [together.ask("read", calls=calls)["wall"] for _ in range(2)]
            slow = one.ask("read", calls=calls)["wall"]
    figures = {"wall s/many agents": figure(fast), "wall s/one agent after another": figure([slow])}
    return figures | {"many-agents/one": figure([seconds / slow for seconds in fast])}


def commands(scale: Scale) -> dict[str, Figure]:
    """Wall time of the commands over many agents of one page each, beside `list_many` with the same filters."""
    rows, figures = 50, dict[str, Figure]()
    for agents, latency in scale.commands:
        calls, size = rows * agents, f"{agents:,} agents at {latency} ms"
        with page_server(rows, latency_ms=latency) as url:
            for name, base in _COMMANDS.items():
                try:
                    command = Worker(name, url, agents=agents)
                except NotAvailableError:
                    continue
                with command, Worker(base, url, agents=agents) as listing:
                    command.ask("read", calls=calls)  # what it imports
                    taken = [
                        (
                            command.ask("read", calls=calls)["wall"],
                            listing.ask("read", calls=calls)["wall"],
                        )
                        for _ in range(scale.latency_rounds)
                    ]
                ours, theirs = zip(*taken, strict=True)
                figures[f"{name}/list_many, {size}"] = ratio(list(ours), list(theirs))
                figures[f"wall s/{name}, {size}"] = figure(list(ours))
    return figures


def exports(scale: Scale) -> dict[str, Figure]:
    """CPU per call of exports beside reading the same pages with raw, and the growth of the process in a long one."""
    names = list(EXPORTS)
    calls = scale.pages * 100
    with page_server(calls) as url:
        taken = in_turn(["raw", *names], url, calls=calls, rounds=-(-scale.rounds // 4))
    cpu = {name: [one["cpu"] for one in each] for name, each in taken.items()}
    figures = {f"{name}/raw": ratio(cpu[name], cpu["raw"]) for name in names if name in cpu}
    name, longest = scale.streams[-1]
    for exporter in ("export-csv", "export-ndjson", "export-parquet"):
        size = _growth(exporter, longest)
        if size is not None:
            figures[f"growth/{exporter} {name}"] = figure([size / _MIB])
    return figures


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
    time_windows,
    memory,
    many_agents,
    commands,
    exports,
)
"""The measures that read from a page server."""
