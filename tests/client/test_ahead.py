"""Pages under way at once: in order, no more than asked for, none in vain, and nothing left behind."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from agentcalls import AsyncClient, Client, ConfigurationError
from agentcalls_mock import FULL_KEY, Seeding, create_app, open_store, serving

if TYPE_CHECKING:
    from collections.abc import Generator

    from flavours import MakeClient


# The same lines again and again, which others prove.

CALLS = 2500
FIRST_WALK = 3
"""Requests that a client's first walk of several pages takes more: two probes, and its first page again."""


class Counting:
    """An ASGI application that counts the requests to the one it wraps, and how many there are at once."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self.reset()

    def reset(self) -> None:
        self.requests = self.at_once = self.most_at_once = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        self.requests += 1
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await self._app(scope, receive, send)
        finally:
            self.at_once -= 1


@pytest.fixture(scope="module")
def slow_api() -> Generator[tuple[Counting, str]]:
    """The mock with 2,500 calls, 20 ms from request to answer, so that requests do meet."""
    seeding = Seeding(calls=CALLS, now=datetime(2026, 11, 23, tzinfo=UTC))
    with open_store(seeding) as store:
        app = Counting(create_app(store, latency_seconds=0.02))
        with serving(app) as url:
            yield app, url


@pytest.fixture
def api(slow_api: tuple[Counting, str]) -> Counting:
    slow_api[0].reset()
    return slow_api[0]


@pytest.fixture
def client(make_client: MakeClient, slow_api: tuple[Counting, str]) -> Client:
    return make_client(api_key=FULL_KEY, base_url=slow_api[1], clock=None)


@pytest.mark.share("concurrency")
@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("concurrency", [1, 2, 8, 32])
def test_calls_come_in_order_and_once_with_no_more_requests_at_once_than_asked_for(
    client: Client, api: Counting, concurrency: int, *, exact: bool
) -> None:
    listing = client.calls.list("agent_demo", concurrency=concurrency, exact=exact)
    calls = listing.all()
    assert len({call.id for call in calls}) == len(calls) == CALLS
    assert [call.created_on for call in calls] == sorted(
        (call.created_on for call in calls), reverse=True
    )
    assert listing.report.complete is exact
    assert api.most_at_once <= concurrency
    assert (api.most_at_once > 1) is (concurrency > 1)
    assert api.requests == listing.report.requests <= 31 + (FIRST_WALK if exact else 0)


def test_eight_are_under_way_at_once_where_nothing_else_is_said(
    client: Client, api: Counting
) -> None:
    client.calls.list("agent_demo").all()
    assert 2 < api.most_at_once <= 8


def test_stopping_within_half_a_page_costs_one_request(client: Client, api: Counting) -> None:
    client.calls.list("agent_demo").first()
    assert api.requests == 1
    assert len(client.calls.list("agent_demo", max_items=50).all()) == 50
    assert api.requests == 2
    for _, _ in zip(range(50), client.calls.list("agent_demo"), strict=False):
        pass
    assert api.requests == 3


def test_max_items_asks_ahead_for_no_more_than_it_needs(client: Client, api: Counting) -> None:
    for more in (FIRST_WALK, 0):
        api.reset()
        assert len(client.calls.list("agent_demo", max_items=300).all()) == 300
        assert api.requests <= 4 + more


def test_no_request_is_sent_after_leaving_the_loop(client: Client, api: Counting) -> None:
    for number, _ in enumerate(client.calls.list("agent_demo")):
        if number == 120:
            break
    client.close()
    # The first, the eight that its second half began, and one in the place of the second: of 28. The first page that is
    # asked for again gives no new call, and so makes room at once.
    assert api.requests <= 10 + FIRST_WALK + 1


@pytest.mark.parametrize("passed", [False, True])
def test_closing_leaves_no_thread(slow_api: tuple[Counting, str], *, passed: bool) -> None:
    before = threading.active_count()
    http = httpx.Client() if passed else None
    with Client(api_key=FULL_KEY, base_url=slow_api[1], http_client=http) as client:
        calls = iter(client.calls.list("agent_demo"))
        for _ in range(200):
            next(calls)
        assert (threading.active_count() > before) is passed
    assert threading.active_count() == before
    if http:
        http.close()
    with pytest.raises(ConfigurationError, match="closed"):
        list(calls)


def test_leaving_an_async_loop_leaves_no_task(slow_api: tuple[Counting, str]) -> None:
    async def main() -> None:
        async with AsyncClient(api_key=FULL_KEY, base_url=slow_api[1]) as client:
            calls = aiter(client.calls.list("agent_demo"))
            for _ in range(200):
                await anext(calls)
            assert len(asyncio.all_tasks()) > 1
            await calls.aclose()
            assert len(asyncio.all_tasks()) == 1
            assert [call async for call in calls] == []
            others = aiter(client.calls.list("agent_demo"))
            for _ in range(200):
                await anext(others)
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(main())


def test_async_iterator_that_is_dropped_cancels_its_tasks(slow_api: tuple[Counting, str]) -> None:
    async def main() -> None:
        async with AsyncClient(api_key=FULL_KEY, base_url=slow_api[1]) as client:
            number = 0
            async for _ in client.calls.list("agent_demo"):
                number += 1
                if number == 200:
                    break
            gc.collect()
            others = asyncio.all_tasks() - {asyncio.current_task()}
            assert all(task.cancelling() for task in others)

    asyncio.run(main())


def test_threads_share_a_client(slow_api: tuple[Counting, str]) -> None:
    counts: Counter[int] = Counter()
    with Client(api_key=FULL_KEY, base_url=slow_api[1]) as client:

        def read() -> None:
            counts[len(client.calls.list("agent_demo", status="failed").all())] += 1

        readers = [threading.Thread(target=read) for _ in range(4)]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join()
    ((_, readings),) = counts.items()
    assert readings == 4


@pytest.mark.parametrize("concurrency", [0, 65, True, "8", 1.5])
def test_concurrency_out_of_bounds_is_refused(client: Client, concurrency: Any) -> None:
    with pytest.raises(ConfigurationError, match="concurrency"):
        client.calls.list("agent_demo", concurrency=concurrency)
    with pytest.raises(ConfigurationError, match="concurrency"):
        Client(api_key="sk_1", base_url="https://host", concurrency=concurrency)
