"""How each peer reads the same number of rows: each reader pages as in the peer's documentation.

An SDK for another API reads a listing in the shape of that API (see `rows.py`).
"""

# The peers are in a separate environment, which type checkers do not see.
# pyright: reportMissingImports=false, reportMissingTypeStubs=false
# ruff: noqa: PLC0415 (each process imports only the client that it measures)

from __future__ import annotations

import asyncio
import json
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime  # noqa: TC003 (msgspec looks it up)
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import msgspec

from benchmarks.ours import AGENT, KEY

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

PATH = f"/api/v1/console/agents/{AGENT}/calls"
LIMIT = 100
HEADERS = {"Authorization": f"Bearer {KEY}"}


class FloorCall(msgspec.Struct):
    """A call of the log, read by msgspec directly."""

    id: str
    source: str | None
    destination: str
    status: str
    direction: str
    created_on: datetime
    duration_seconds: int | None
    is_test_call: bool
    error_reason: str | None
    end_reason: str | None
    ringing_at: datetime | None
    ended_at: datetime | None


class FloorMeta(msgspec.Struct):
    """The part of `meta` that a reader needs."""

    has_next_page: bool
    page_count: int


class FloorPage(msgspec.Struct):
    """A page of calls."""

    meta: FloorMeta
    data: list[FloorCall]


def raw(url: str) -> Callable[[], Iterator[object]]:
    """The generated client that agentcalls wraps, page by page until the last page in `meta`."""
    from agentcalls_api import AuthenticatedClient
    from agentcalls_api.api.calls import list_calls
    from agentcalls_api.models import CallPage

    client = AuthenticatedClient(base_url=url, token=KEY)

    def read() -> Iterator[object]:
        number, more = 0, True
        while more:
            number += 1
            page = list_calls.sync(AGENT, client=client, page=number, limit=LIMIT)
            if not isinstance(page, CallPage):
                raise TypeError(f"The generated client gave {page!r}.")
            yield from page.data
            more = page.meta is not None and page.meta.has_next_page

    return read


def bimpeai(url: str) -> Callable[[], Iterator[object]]:
    """The vendor's own SDK, at the largest page that the API allows; its default is 20."""
    from bimpeai import BimpeAI

    client = BimpeAI(api_key=KEY, base_url=url)
    return lambda: iter(client.calls.list(AGENT, limit=LIMIT))


def httpx_json(url: str) -> Callable[[], Iterator[object]]:
    """`httpx.Client.get` and `json`: rows are dicts."""
    return _httpx(url, json.loads, lambda page: page["data"], lambda p: p["meta"]["has_next_page"])


def httpx_msgspec(url: str) -> Callable[[], Iterator[object]]:
    """`httpx.Client.get` and a msgspec Struct: typed rows at the lowest cost with stock httpx."""
    decode = msgspec.json.Decoder(FloorPage).decode
    return _httpx(url, decode, lambda page: page.data, lambda page: page.meta.has_next_page)


def pool_of_eight(url: str) -> Callable[[], Iterator[object]]:
    """A pool of eight threads over `httpx.Client.get`, and the same Struct, as one writes it by hand: not exact."""
    import httpx

    decode = msgspec.json.Decoder(FloorPage).decode
    client = httpx.Client(base_url=url, headers=HEADERS)

    def page(number: int) -> FloorPage:
        response = client.get(PATH, params={"page": number, "limit": LIMIT})
        response.raise_for_status()
        return decode(response.content)

    def read() -> Iterator[object]:
        first = page(1)
        yield from first.data
        with ThreadPoolExecutor(8) as pool:
            for other in pool.map(page, range(2, first.meta.page_count + 1)):
                yield from other.data

    return read


def stdlib_msgspec(url: str) -> Callable[[], Iterator[object]]:
    """The standard library's `http.client` and the same Struct, one page after another."""
    from http.client import HTTPConnection

    decode = msgspec.json.Decoder(FloorPage).decode
    connection = HTTPConnection(url.removeprefix("http://"))

    def get(number: int) -> FloorPage:
        connection.request("GET", f"{PATH}?page={number}&limit={LIMIT}", headers=HEADERS)
        response = connection.getresponse()
        body = response.read()
        if response.status != HTTPStatus.OK:
            raise RuntimeError(response.reason)
        return decode(body)

    return lambda: _one_by_one(get)


def rust_msgspec(url: str) -> Callable[[], Iterator[object]]:
    """The client of pyreqwest, which is written in Rust, and the same Struct, one page after another."""
    from pyreqwest.client import SyncClientBuilder

    decode = msgspec.json.Decoder(FloorPage).decode
    client = SyncClientBuilder().default_headers(HEADERS).error_for_status(enable=True).build()

    def get(number: int) -> FloorPage:
        query = {"page": number, "limit": LIMIT}
        return decode(client.get(f"{url}{PATH}").query(query).build().send().bytes())

    return lambda: _one_by_one(get)


def _one_by_one(get: Callable[[int], FloorPage]) -> Iterator[object]:
    number, more = 0, True
    while more:
        number += 1
        page = get(number)
        yield from page.data
        more = page.meta.has_next_page


def _httpx(
    url: str,
    decode: Callable[[bytes], Any],
    rows: Callable[[Any], list[object]],
    has_next: Callable[[Any], bool],
) -> Callable[[], Iterator[object]]:
    import httpx

    client = httpx.Client(base_url=url, headers=HEADERS)

    def read() -> Iterator[object]:
        number, more = 0, True
        while more:
            number += 1
            response = client.get(PATH, params={"page": number, "limit": LIMIT})
            response.raise_for_status()
            page = decode(response.content)
            yield from rows(page)
            more = has_next(page)

    return read


def aiohttp_msgspec(url: str, *, window: int) -> Callable[[], AsyncIterator[object]]:
    """Aiohttp and the same Struct, so many pages in flight: not exact."""
    import aiohttp

    decode = msgspec.json.Decoder(FloorPage).decode
    sessions: list[Any] = []

    async def page(number: int) -> FloorPage:
        params = {"page": number, "limit": LIMIT}
        async with sessions[0].get(PATH, params=params) as response:
            response.raise_for_status()
            return decode(await response.read())

    async def read() -> AsyncIterator[object]:
        if not sessions:
            sessions.append(aiohttp.ClientSession(url, headers=HEADERS))
        first = await page(1)
        for row in first.data:
            yield row
        last, under_way = first.meta.page_count, deque[asyncio.Task[FloorPage]]()
        for number in range(2, last + window + 1):
            if number <= last:
                under_way.append(asyncio.create_task(page(number)))
            if under_way and (len(under_way) == window or number > last):
                for row in (await under_way.popleft()).data:
                    yield row

    return read


def retell(url: str) -> Callable[[], Iterator[object]]:
    """retell-sdk's call list without auto paging: the reader passes `pagination_key` on."""
    from retell import Retell

    client = Retell(api_key=KEY, base_url=url)

    def read() -> Iterator[object]:
        page = client.call.list(limit=LIMIT)
        yield from page.items
        while page.has_more:
            page = client.call.list(limit=LIMIT, pagination_key=page.pagination_key)
            yield from page.items

    return read


def openai(url: str) -> Callable[[], Iterator[object]]:
    """Openai's list of files, with its auto paging."""
    from openai import OpenAI

    client = OpenAI(api_key=KEY, base_url=f"{url}/v1")
    return lambda: iter(client.files.list(limit=LIMIT))


def stripe(url: str) -> Callable[[], Iterator[object]]:
    """Stripe's list of charges, with `auto_paging_iter`; its rows hold the fields of a call."""
    from stripe import StripeClient

    client = StripeClient(KEY, base_addresses={"api": url})
    return lambda: client.v1.charges.list({"limit": LIMIT}).auto_paging_iter()


def twilio(url: str) -> Callable[[], Iterator[object]]:
    """Twilio's `calls.stream`."""
    from twilio.rest import Client

    client = Client("AC0", KEY)
    client.api.base_url = url
    return lambda: client.calls.stream(page_size=LIMIT)


SYNC = {
    "raw": raw,
    "bimpeai": bimpeai,
    "httpx + json": httpx_json,
    "httpx + msgspec": httpx_msgspec,
    "pool of eight": pool_of_eight,
    "http.client + msgspec": stdlib_msgspec,
    "pyreqwest + msgspec": rust_msgspec,
    "retell-sdk": retell,
    "openai": openai,
    "stripe": stripe,
    "twilio": twilio,
}
"""The blocking readers, by their names in the tables."""

ASYNC = {
    "aiohttp + msgspec": partial(aiohttp_msgspec, window=1),
    "aiohttp + msgspec, 8": partial(aiohttp_msgspec, window=8),
}
"""The async readers."""
