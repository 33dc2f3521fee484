"""How each peer reads the same number of rows: each reader pages as in the peer's documentation.

An SDK for another API reads a listing in the shape of that API (see `rows.py`).
"""

# The peers are in a separate environment, which type checkers do not see.
# pyright: reportMissingImports=false, reportMissingTypeStubs=false
# ruff: noqa: PLC0415 (each process imports only the client that it measures)

from __future__ import annotations

import json
from datetime import datetime  # noqa: TC003 (msgspec looks it up)
from typing import TYPE_CHECKING, Any

import msgspec

from benchmarks.ours import AGENT, KEY

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

PATH = f"/api/v1/console/agents/{AGENT}/calls"
LIMIT = 100


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


def _httpx(
    url: str,
    decode: Callable[[bytes], Any],
    rows: Callable[[Any], list[object]],
    has_next: Callable[[Any], bool],
) -> Callable[[], Iterator[object]]:
    import httpx

    client = httpx.Client(base_url=url, headers={"Authorization": f"Bearer {KEY}"})

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


def aiohttp_msgspec(url: str) -> Callable[[], AsyncIterator[object]]:
    """Aiohttp and the same Struct, one page after another."""
    import aiohttp

    decode = msgspec.json.Decoder(FloorPage).decode
    sessions: list[Any] = []

    async def read() -> AsyncIterator[object]:
        if not sessions:
            headers = {"Authorization": f"Bearer {KEY}"}
            sessions.append(aiohttp.ClientSession(url, headers=headers))
        number, more = 0, True
        while more:
            number += 1
            params = {"page": number, "limit": LIMIT}
            async with sessions[0].get(PATH, params=params) as response:
                response.raise_for_status()
                page = decode(await response.read())
            for row in page.data:
                yield row
            more = page.meta.has_next_page

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
    "retell-sdk": retell,
    "openai": openai,
    "stripe": stripe,
    "twilio": twilio,
}
"""The blocking readers, by their names in the tables."""

ASYNC = {"aiohttp + msgspec": aiohttp_msgspec}
"""The async readers."""
