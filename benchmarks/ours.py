"""How agentcalls reads a listing in each measure.

An option that the facade does not have raises `NotAvailableError`, and the measure has no figure.
"""

from __future__ import annotations

import json
import os
import re
import time
from contextlib import redirect_stderr, redirect_stdout
from datetime import datetime, timedelta
from functools import partial
from io import BytesIO, TextIOWrapper
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Literal, cast

from benchmarks.rows import call

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    Concurrency = int | Literal["auto"]

KEY = "sk_bench_0123456789abcdef0123456789abcdef"
AGENT = "agent_0"


class NotAvailableError(Exception):
    """The facade cannot do what is measured."""


def sync_reader(
    url: str, *, concurrency: Concurrency, exact: bool = True
) -> Callable[[], Iterator[object]]:
    """A function that reads the whole listing with one client, which stays open."""
    from agentcalls import Client  # noqa: PLC0415 (imports are measured)

    client = _made(Client, url, concurrency)
    return lambda: iter(client.calls.list(AGENT, exact=exact))


def default_reader(url: str, *, borrows: bool = False) -> Callable[[], Iterator[object]]:
    """The same with the default settings; `borrows` passes an `http_client`."""
    import httpx  # noqa: PLC0415 (imports are measured)

    from agentcalls import Client  # noqa: PLC0415 (the same)

    http = httpx.Client() if borrows else None
    client = Client(api_key=KEY, base_url=url, http_client=http)
    return lambda: iter(client.calls.list(AGENT))


def async_default_reader(url: str, *, borrows: bool = False) -> Callable[[], AsyncIterator[object]]:
    """The same for asyncio."""
    import httpx  # noqa: PLC0415 (imports are measured)

    from agentcalls import AsyncClient  # noqa: PLC0415 (the same)

    http = httpx.AsyncClient() if borrows else None
    client = AsyncClient(api_key=KEY, base_url=url, http_client=http)
    return lambda: aiter(client.calls.list(AGENT))


def async_reader(
    url: str, *, concurrency: Concurrency, exact: bool = True
) -> Callable[[], AsyncIterator[object]]:
    """The same for asyncio."""
    from agentcalls import AsyncClient  # noqa: PLC0415 (imports are measured)

    client = _made(AsyncClient, url, concurrency)
    return lambda: aiter(client.calls.list(AGENT, exact=exact))


def day_in_the_middle(url: str, *, calls: int) -> tuple[int, float]:
    """How many calls a day in the middle of so many has, and the seconds that a new client takes to read them."""
    from agentcalls import Client  # noqa: PLC0415 (a version of it may lack what this reads with)

    until = datetime.fromisoformat(json.loads(call(calls // 2))["created_on"])
    with Client(api_key=KEY, base_url=url) as client:
        return _span(client, since=until - timedelta(days=1), until=until)


def last_days(url: str, *, calls: int) -> Iterator[tuple[int, float]]:
    """The same for the last day, again and again by one client, which finds out the order the first time."""
    from agentcalls import Client  # noqa: PLC0415 (the same)

    newest = datetime.fromisoformat(json.loads(call(calls - 1))["created_on"])
    with Client(api_key=KEY, base_url=url) as client:
        while True:
            yield _span(client, since=newest - timedelta(days=1))


def _span(client: Any, **span: datetime) -> tuple[int, float]:
    began = time.perf_counter()
    listing = client.calls.list(AGENT, **span)
    found = len(listing.all())
    if not listing.report.complete:
        raise RuntimeError(str(listing.report.reason))
    return found, time.perf_counter() - began


def many_reader(
    url: str, *, agents: int, concurrency: int, **filters: Any
) -> Callable[[], Iterator[object]]:
    """A function that reads the listings of many agents: in turn at a concurrency of 1, otherwise with `list_many`."""
    from agentcalls import Client  # noqa: PLC0415 (imports are measured)

    client = _made(Client, url, concurrency)
    names = [f"agent_{number}" for number in range(agents)]
    if concurrency == 1:
        return lambda: (call for name in names for call in client.calls.list(name))
    return lambda: iter(client.calls.list_many(names, **filters))


def exporter(url: str, *, ending: str) -> Callable[[Callable[[object], object]], int]:
    """A function that exports the whole listing to a file, one request at a time, with a callback per progress told."""
    from agentcalls import Client, ConfigurationError  # noqa: PLC0415 (imports are measured)

    try:
        from agentcalls.export import export  # noqa: PLC0415 (the same)
        from agentcalls.export.formats import format_of  # noqa: PLC0415 (the same)

        format_of(ending)
    except (ImportError, ConfigurationError) as error:
        raise NotAvailableError(str(error)) from error
    client = _made(Client, url, 1)

    def take(each: Callable[[object], object]) -> int:
        with TemporaryDirectory() as folder:
            return export(client, [AGENT], f"{folder}/calls{ending}", progress=each).calls

    return take


def _made(kind: Callable[..., Any], url: str, concurrency: Concurrency) -> Any:
    settings: dict[str, Any] = {"api_key": KEY, "base_url": url}
    try:
        return kind(**settings, concurrency=concurrency)
    except TypeError as error:
        if concurrency != 1:
            raise NotAvailableError("concurrency") from error
        return kind(**settings)


def commander(
    url: str, command: str, *, agents: int
) -> Callable[[Callable[[object], object]], int]:
    """A function that runs a command in this process over many agents, and returns the number of calls read."""
    try:
        from agentcalls.cli import main  # noqa: PLC0415 (imports are measured)
        from agentcalls.table.extras import need  # noqa: PLC0415 (the same)

        for module in _NEEDED[command]:
            need(module)
    except (ImportError, ValueError) as error:
        raise NotAvailableError(str(error)) from error
    os.environ |= {"AGENTCALLS_API_KEY": KEY, "AGENTCALLS_BASE_URL": url}
    names, how = [f"agent_{number}" for number in range(agents)], _COMMANDS[command]

    def run(agents: list[str]) -> int:
        with (
            TemporaryDirectory() as folder,
            redirect_stdout(_Output()) as out,
            redirect_stderr(_Output()) as err,
        ):
            Path(folder, "agents").write_text("\n".join(agents), encoding="ascii")
            files = ["--agents-file", f"{folder}/agents"]
            files += ["-o", f"{folder}/made{_ENDINGS[command]}"] if command in _ENDINGS else []
            code = main([command, *files, *how, "--concurrency", str(COMMAND_WINDOW)])
            if code:
                raise RuntimeError(f"{command} ended with {code}: {err.text()}")
            return _calls_told(out.text() or err.text())

    run(names[:1])  # what it imports
    return lambda _: run(names)


class _Output(TextIOWrapper):
    def __init__(self) -> None:
        super().__init__(BytesIO(), encoding="utf-8", write_through=True)

    def text(self) -> str:
        return cast("BytesIO", self.buffer).getvalue().decode()


def _calls_told(text: str) -> int:
    if text.startswith("{"):
        total = json.loads(text)["total"]
        return int(total["calls"]) + int(total.get("under_way", 0))
    found = re.search(r"([0-9,]+) calls", text)
    return int(found[1].replace(",", "")) if found else 0


COMMAND_WINDOW = 8
"""How many requests the commands have in flight at once."""

_NEEDED = {
    "stats": ("typer",),
    "check": ("typer",),
    "export": ("typer",),
    "report": ("typer", "altair", "jinja2", "vl_convert"),
}
_ENDINGS = {"export": ".csv", "report": ".html"}
_COMMANDS = {
    "stats": ["--json"],
    "check": ["--json", "--since", "2000-01-01", "--include-test", "--max-failure-rate", "100%"],
    "export": [],
    "report": [],
}

SYNC: dict[str, Callable[..., Callable[[], Iterator[object]]]] = {
    "plain": partial(sync_reader, concurrency=1, exact=False),
    "exact": partial(sync_reader, concurrency=1, exact=True),
    **{
        f"plain-{window}": partial(sync_reader, concurrency=window, exact=False)
        for window in (8, 16, 32)
    },
    **{
        f"exact-{window}": partial(sync_reader, concurrency=window, exact=True)
        for window in (8, 16, 32)
    },
    "default": default_reader,
    "http_client": partial(default_reader, borrows=True),
    "auto": partial(sync_reader, concurrency="auto"),
    "one-agent-after-another": partial(many_reader, concurrency=1),
    "many-agents-32": partial(many_reader, concurrency=32),
    "list_many": partial(many_reader, concurrency=COMMAND_WINDOW),
    "list_many since": partial(many_reader, concurrency=COMMAND_WINDOW, since="2000-01-01"),
}
"""The readers of `Client` by the names in the measures."""

ASYNC: dict[str, Callable[..., Callable[[], AsyncIterator[object]]]] = {
    "async default": async_default_reader,
    "async http_client": partial(async_default_reader, borrows=True),
    "async-auto": partial(async_reader, concurrency="auto"),
    "async-plain": partial(async_reader, concurrency=1, exact=False),
    "async-exact": partial(async_reader, concurrency=1, exact=True),
    **{
        f"async-exact-{window}": partial(async_reader, concurrency=window, exact=True)
        for window in (8, 16, 32)
    },
}
"""The readers of `AsyncClient`."""

EXPORTS = {
    f"export-{name}": partial(exporter, ending=f".{name}")
    for name in ("ndjson", "csv", "parquet", "sqlite", "duckdb")
}
"""The exporters by the names in the measures."""

COMMANDS = {name: partial(commander, command=name) for name in _COMMANDS}
"""The commands over many agents by the names in the measures."""
