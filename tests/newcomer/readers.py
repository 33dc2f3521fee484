"""Readers of a whole listing by page numbers, and what each loses and repeats while the pages shift."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bimpeai
import httpx

from agentcalls import Client
from agentcalls_api import AuthenticatedClient
from agentcalls_api.api.calls import list_calls
from agentcalls_api.models import CallPage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agentcalls_mock import MockCallsAPI

AGENT, CALLS = "agent_1", 250


def by_bimpeai(url: str, key: str) -> Iterator[str]:
    with bimpeai.BimpeAI(api_key=key, base_url=url) as client:
        for call in client.calls.list(AGENT, limit=100):
            yield call.id


def by_raw(url: str, key: str) -> Iterator[str]:
    number, more = 0, True
    with AuthenticatedClient(base_url=url, token=key) as client:
        while more:
            number += 1
            page = list_calls.sync(AGENT, client=client, page=number, limit=100)
            assert isinstance(page, CallPage)
            yield from (call.id for call in page.data)
            more = bool(page.meta and page.meta.has_next_page)


def by_httpx(url: str, key: str) -> Iterator[str]:
    number, more = 0, True
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}) as client:
        while more:
            number += 1
            path = f"/api/v1/console/agents/{AGENT}/calls"
            answer = client.get(path, params={"page": number, "limit": 100})
            answer.raise_for_status()
            page = answer.json()
            yield from (call["id"] for call in page["data"])
            more = page["meta"]["has_next_page"]


def by_dlt(url: str, key: str) -> Iterator[str]:
    # Its import takes seconds.
    from dlt.sources.helpers.rest_client.client import RESTClient  # noqa: PLC0415
    from dlt.sources.helpers.rest_client.paginators import PageNumberPaginator  # noqa: PLC0415

    client = RESTClient(
        base_url=f"{url}/api/v1/console",
        headers={"Authorization": f"Bearer {key}"},
        paginator=PageNumberPaginator(base_page=1, total_path="meta.page_count"),
        data_selector="data",
    )
    for page in client.paginate(f"agents/{AGENT}/calls", params={"limit": 100}):
        yield from (row["id"] for row in page)


def by_us(url: str, key: str) -> Iterator[str]:
    with Client(api_key=key, base_url=url) as client:
        yield from (call.id for call in client.calls.list(AGENT) if call.id)


def lost_and_repeated(
    api: MockCallsAPI, change: str, read: Callable[[str, str], Iterator[str]]
) -> tuple[int, int]:
    """How many calls that were there throughout a reader did not give, and how many it gave again."""
    api.reset()
    api.add_agent(AGENT, calls=CALLS)
    before = {call.id for call in api.calls(AGENT)}
    api.shift(deletions=int(change == "deletions"), inserts=int(change == "inserts"))
    ids = list(read(api.base_url, api.api_key))
    throughout = before & {call.id for call in api.calls(AGENT)}
    return len(throughout - set(ids)), len(ids) - len(set(ids))
