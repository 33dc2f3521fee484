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
    method: str = "runs"
    """How it is measured: one of `METHODS`."""


METHODS = {
    "runs": "processes that stay open read in turn; of three runs with new processes, the median of each run's median",
    "wall": "the same with slow answers; the median of three readings",
    "fresh": "a new interpreter each time, in turn; the median",
    "command": "a new process each time, in turn with its peer, start-up included; the median",
    "once": "one run",
}
"""The methods of the goals, as the readme's table names them."""


GOALS = (
    Goal("default/raw", 0.35, "default settings, CPU per call / raw generated client"),
    Goal("async default/raw", 0.45, "the same, async / raw"),
    Goal("http_client/raw", 0.65, "default settings through an `http_client` / raw"),
    Goal("async http_client/raw", 0.65, "the same, async / raw"),
    Goal("plain/raw", 0.35, "plain paging, sequential, CPU per call / raw generated client"),
    Goal("plain/bimpeai", 0.50, "the same / bimpeai at limit=100"),
    Goal("plain/httpx + msgspec", 0.98, "the same / httpx.Client.get and a msgspec Struct"),
    Goal("plain/retell-sdk", 0.29, "the same / retell-sdk"),
    Goal("exact/raw", 0.60, "exact paging, sequential, CPU per call / raw"),
    *(
        Goal(figure, most, text, method="wall")
        for figure, most, text in (
            (
                "exact-8/pool of eight",
                1.0,
                "200 pages at 50 ms, default: wall / eight threads over httpx",
            ),
            ("async-exact-8/pool of eight", 1.0, "the same, async / eight threads over httpx"),
            ("exact-8/ideal", 1.40, "default / ideal"),
            ("exact-8/raw at 50 ms", 0.17, "default / raw"),
            ("exact-8/bimpeai", 0.17, "default / bimpeai"),
            ("plain-8/ideal", 1.20, "exact=False / ideal"),
            ("plain-8/raw at 50 ms", 0.145, "exact=False / raw"),
            ("exact-16/raw at 50 ms", 0.10, "16 in flight / raw"),
            ("async-exact-16/raw at 50 ms", 0.10, "16 in flight, async / raw"),
            ("exact-32/raw at 50 ms", 0.045, "32 in flight / raw"),
            ("async-exact-32/raw at 50 ms", 0.045, "32 in flight, async / raw"),
            ("auto/exact-8", 1.0, '`concurrency="auto"` / 8'),
            ("async-auto/async-exact-8", 1.0, '`concurrency="auto"`, async / 8'),
        )
    ),
    Goal(
        "more 429s/auto",
        0,
        'four answers a second: 429s of "auto" beyond those of 8',
        method="wall",
    ),
    Goal("more 429s/async-auto", 0, "the same, async", method="wall"),
    *(
        Goal(f"beyond/{span}", most, text, "requests", method="wall")
        for span, most, text in (
            (
                "a day of 200k",
                40,
                "a day in the middle of 200,000 calls: beyond those that hold it",
            ),
            ("a day of 1M", 40, "the same of 1,000,000 calls"),
            (
                "the last day of 200k",
                2,
                "the last day of 200,000 calls, the order known: requests that hold none of it",
            ),
            ("the last day of 1M", 2, "the same of 1,000,000 calls"),
        )
    ),
    Goal("decode/raw", 0.22, "decode a page of 100 / raw from_dict with json", method="fresh"),
    Goal("unknown/raw", 0.70, "an unknown field in every row, plain, CPU / raw"),
    Goal(
        "growth/sync 200k",
        6,
        "RSS growth, streaming 200,000 calls, sync, 8 in flight",
        "MiB",
        method="once",
    ),
    Goal("growth/sync 1M", 6, "the same, 1,000,000 calls", "MiB", method="once"),
    Goal(
        "growth/async 200k", 4, "RSS growth, streaming 200,000 calls, async", "MiB", method="once"
    ),
    Goal("growth/async 1M", 4, "the same, 1,000,000 calls", "MiB", method="once"),
    Goal("growth/sync more", 1, "1,000,000 calls beyond 200,000, sync", "MiB", method="once"),
    Goal("growth/async more", 1, "1,000,000 calls beyond 200,000, async", "MiB", method="once"),
    Goal("kept/raw", 0.60, "bytes per Call kept in a list / raw", method="once"),
    Goal("import/httpx", 0.10, "import agentcalls, CPU / import httpx", method="fresh"),
    Goal("import Client/httpx", 1.0, "import the Client, CPU / import httpx", method="fresh"),
    Goal("cold/raw", 1.20, "import, construct, first page, CPU / raw", method="fresh"),
    Goal("install/distributions", 15, "core install on 3.11", "distributions", method="once"),
    Goal("install/size", 7.5, "core install on 3.11", "MB", method="once"),
    Goal(
        "many-agents/one",
        0.08,
        "1,000 agents of 300 calls at 20 ms, 32 in flight: wall / one by one",
        method="wall",
    ),
    *(
        Goal(
            f"{name}/list_many, {size}",
            1.30,
            f"agentcalls {name}, {size}: wall / list_many",
            method="wall",
        )
        for size in ("400 agents at 20 ms", "1,000 agents at 50 ms")
        for name in ("export", "stats", "report", "check")
    ),
    Goal("export-ndjson/raw", 0.45, "export to NDJSON, one request at a time, CPU per call / raw"),
    Goal("export-csv/raw", 0.55, "the same to CSV"),
    Goal("export-parquet/raw", 0.65, "the same to Parquet"),
    Goal("export-sqlite/raw", 1.2, "the same to SQLite"),
    Goal("export-duckdb/raw", 1.2, "the same to DuckDB"),
    Goal(
        "export/curl and jq",
        1.0,
        "`agentcalls export` of 200,000 calls as NDJSON, CPU / that of `curl` and `jq`",
        method="command",
    ),
    Goal("start ms/list", 200, "`agentcalls list`, CPU", "ms", method="command"),
    Goal("start ms/--help", 120, "`agentcalls --help`, CPU", "ms", method="command"),
    Goal("cpu s/report of 10,000", 2, "a report of 10,000 calls, CPU", "s", method="command"),
    Goal("growth/export-csv 1M", 8, "RSS growth, 1,000,000 calls to CSV", "MiB", method="once"),
    Goal("growth/export-ndjson 1M", 8, "the same to NDJSON", "MiB", method="once"),
    Goal("growth/export-parquet 1M", 150, "the same to Parquet", "MiB", method="once"),
    # Copies.
    *(
        Goal(f"{figure}, {ending}", most, f"{text}: {kind}", unit, method=method)
        for ending, kind in (("sqlite", "SQLite"), ("duckdb", "DuckDB"))
        for figure, most, text, unit, method in (
            (
                "sync requests/an agent",
                1.02,
                "sync of 5,000 agents of 40 calls, requests / agents",
                "",
                "once",
            ),
            ("sync again requests/an agent", 1.05, "the same with 1 % new calls", "", "once"),
            ("sync again/sync", 0.6, "its CPU / that of the first", "", "once"),
            (
                "nothing new/asking",
                1.3,
                "sync that finds nothing new, CPU / asking alone",
                "",
                "fresh",
            ),
            (
                "sync a day later/sync requests",
                0.05,
                "20 agents of 5,000 calls, 50 a day: requests of a sync a day later / the first",
                "",
                "once",
            ),
            ("load", 1.5, "100,000 calls into a copy, CPU / raw", "", "fresh"),
            (
                "growth/copy 1M more",
                64,
                "RSS, 1,000,000 calls into a copy beyond 100,000",
                "MiB",
                "once",
            ),
        )
    ),
)
"""In the order of the issues that set them. "1 MiB more" is how "the same for both" is judged."""
