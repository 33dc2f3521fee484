"""The goals, each with its figure: the table for `make bench-check`."""

from __future__ import annotations

from attrs import frozen


@frozen
class Goal:
    """A figure and its largest allowed value."""

    figure: str
    """Its key among the results."""
    most: float
    text: str
    unit: str = ""
    """"" for a ratio."""


GOALS = (
    Goal("plain/raw", 0.50, "plain paging, sequential, CPU per call / raw generated client"),
    Goal("plain/bimpeai", 0.50, "the same / bimpeai at limit=100"),
    Goal("plain/httpx + msgspec", 0.98, "the same / httpx.Client.get and a msgspec Struct"),
    Goal("plain/retell-sdk", 0.29, "the same / retell-sdk"),
    Goal("exact/raw", 0.60, "exact paging, sequential, CPU per call / raw"),
    Goal("exact-8/ideal", 1.40, "200 pages at 50 ms, 8 in flight, exact: wall / ideal"),
    Goal("exact-8/raw", 0.17, "the same / raw"),
    Goal("exact-8/bimpeai", 0.17, "the same / bimpeai"),
    Goal("plain-8/ideal", 1.20, "the same, exact=False / ideal"),
    Goal("plain-8/raw", 0.145, "the same, exact=False / raw"),
    Goal("exact-16/raw", 0.10, "exact, 16 in flight, sync: wall / raw"),
    Goal("async-exact-16/raw", 0.10, "exact, 16 in flight, async: wall / raw"),
    Goal("exact-32/raw", 0.065, "exact, 32 in flight, sync: wall / raw"),
    Goal("async-exact-32/raw", 0.065, "exact, 32 in flight, async: wall / raw"),
    Goal(
        "beyond/a day of 200k",
        40,
        "a day in the middle of 200,000 calls at 50 ms: beyond those that hold it",
        "requests",
    ),
    Goal("beyond/a day of 1M", 40, "the same of 1,000,000 calls", "requests"),
    Goal("decode/raw", 0.22, "decode a page of 100 / raw from_dict with json"),
    Goal("unknown/raw", 0.70, "an unknown field in every row, plain, CPU / raw"),
    Goal("growth/sync 200k", 6, "RSS growth, streaming 200,000 calls, sync, 8 in flight", "MiB"),
    Goal("growth/sync 1M", 6, "the same, 1,000,000 calls", "MiB"),
    Goal("growth/async 200k", 4, "RSS growth, streaming 200,000 calls, async", "MiB"),
    Goal("growth/async 1M", 4, "the same, 1,000,000 calls", "MiB"),
    Goal("growth/sync more", 1, "1,000,000 calls beyond 200,000, sync", "MiB"),
    Goal("growth/async more", 1, "1,000,000 calls beyond 200,000, async", "MiB"),
    Goal("kept/raw", 0.60, "bytes per Call kept in a list / raw"),
    Goal("import/httpx", 0.10, "import agentcalls, CPU / import httpx"),
    Goal("cold/raw", 1.20, "import, construct, first page, CPU / raw"),
    Goal("install/distributions", 15, "core install on 3.11", "distributions"),
    Goal("install/size", 7.5, "core install on 3.11", "MB"),
    Goal(
        "many-agents/one",
        0.08,
        "1,000 agents of 300 calls at 20 ms, 32 in flight: wall / one by one",
    ),
    *(
        Goal(f"{name}/list_many, {size}", 1.30, f"agentcalls {name}, {size}: wall / list_many")
        for size in ("400 agents at 20 ms", "1,000 agents at 50 ms")
        for name in ("export", "stats", "report", "check")
    ),
    Goal("export-csv/exact", 1.60, "export to CSV, sequential, CPU per call / iterating the calls"),
    Goal("export-ndjson/exact", 1.60, "the same to NDJSON"),
    Goal("export-parquet/exact", 1.60, "the same to Parquet"),
    Goal("growth/export-csv 1M", 8, "RSS growth, 1,000,000 calls to CSV", "MiB"),
    Goal("growth/export-ndjson 1M", 8, "the same to NDJSON", "MiB"),
    Goal("growth/export-parquet 1M", 150, "the same to Parquet", "MiB"),
)
"""In the order of the issues that set them. "1 MiB more" is how "the same for both" is judged."""
