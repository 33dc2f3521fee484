"""`MockCallsAPI`: what a test says of the API is so, and what it says wrongly is refused with a sentence."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from http import HTTPStatus
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings

from agentcalls import (
    APIConnectionError,
    APITimeoutError,
    AsyncClient,
    Call,
    Client,
    ConfigurationError,
    InternalServerError,
    NotFoundError,
)
from agentcalls.testing import strategies
from agentcalls_mock import FULL_KEY, MockCallsAPI
from agentcalls_mock.background import Background

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
NAIVE = NOON.replace(tzinfo=None)


@pytest.fixture(scope="module")
def served() -> Generator[MockCallsAPI]:
    with MockCallsAPI() as api:
        yield api


@pytest.fixture
def api(served: MockCallsAPI) -> MockCallsAPI:
    served.reset()
    return served


def statuses(api: MockCallsAPI) -> list[int | None]:
    return [request.status for request in api.requests]


def ids(client: Client, agent_id: str = "agent_1") -> list[str]:
    return [call.id for call in client.calls.list(agent_id)]


# Agents and calls.


def test_calls_come_newest_first_with_what_was_left_out(api: MockCallsAPI) -> None:
    api.add_agent("agent_1", name="Front desk")
    added = [api.add_call("agent_1", status=status) for status in ("ended", "failed", "queued")]
    assert ids(api.client()) == [call.id for call in reversed(added)]
    assert [call.id for call in api.calls("agent_1")] == ["call_3", "call_2", "call_1"]
    queued, failed, ended = api.client().calls.list("agent_1", strict=True)
    assert (queued.ended_at, failed.error_reason) == (None, "SIP 503 Service Unavailable")
    assert ended.ended_at
    assert ended.ended_at > ended.created_on
    assert api.client().agents.list().all()[0].name == "Front desk"


@pytest.mark.parametrize(
    "status",
    ["queued", "ringing", "answered", "ended", "busy", "failed", "cancelled", "teleported"],
)
def test_a_call_of_any_status_is_as_the_contract_says(api: MockCallsAPI, status: str) -> None:
    api.add_agent("agent_1")
    added = api.add_call("agent_1", status=status)
    (call,) = api.client(strict=True).calls.list("agent_1")
    assert (call.id, call.status) == (added.id, status)


def test_an_agent_has_as_many_made_up_calls_as_asked(api: MockCallsAPI) -> None:
    api.add_agent("agent_1", calls=250)
    api.add_agent("agent_2", calls=1)
    assert len(api.calls("agent_1")) == len(ids(api.client())) == 250
    api.add_call("agent_1")
    assert len(api.calls("agent_1")) == 251
    api.clear()
    with pytest.raises(NotFoundError):
        ids(api.client())
    api.add_agent("agent_1")
    assert ids(api.client()) == []


@pytest.mark.parametrize(
    ("created", "shown"),
    [
        (datetime(2026, 11, 23, 13, 0, 0, 1999, timezone(timedelta(hours=1))), "12:00:00.001Z"),
        ("2026-11-23T14:00:00+02:00", "12:00:00.000Z"),
        ("2026-11-23T12:00:00Z", "12:00:00.000Z"),
        (NOON + timedelta(milliseconds=289), "12:00:00.289Z"),
    ],
)
def test_times_are_kept_to_the_millisecond_in_utc(
    api: MockCallsAPI, created: datetime | str, shown: str
) -> None:
    api.add_agent("agent_1")
    added = api.add_call("agent_1", created_on=created)
    assert added.created_on == f"2026-11-23T{shown}"
    (call,) = api.client().calls.list("agent_1")
    assert call.created_on == datetime.fromisoformat(added.created_on)


def test_a_call_that_was_read_can_be_added_again(api: MockCallsAPI) -> None:
    api.add_agent("agent_1", calls=7)
    before = api.client().calls.list("agent_1").all()
    api.clear()
    api.add_agent("agent_1")
    for call in before:
        api.add_call("agent_1", **call.to_dict())
    assert api.client().calls.list("agent_1").all() == before


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(listing=strategies.listings(max_size=12))
def test_a_listing_that_is_drawn_is_what_the_api_gives_of_it(
    listing: list[Call], served: MockCallsAPI
) -> None:
    served.reset()
    served.add_agent("agent_1")
    for call in listing:
        served.add_call("agent_1", **call.to_dict())
    assert served.client().calls.list("agent_1").all() == listing


WRONG: list[tuple[Callable[[MockCallsAPI], object], type[Exception], str]] = [
    (lambda api: api.add_call("agent1"), LookupError, "did you mean 'agent_1'"),
    (lambda api: api.calls("nobody"), LookupError, "no agent 'nobody'; there is 'agent_1'"),
    (lambda api: api.fail(500, agent_id="agent1"), LookupError, "did you mean 'agent_1'"),
    (lambda api: api.add_call(7), TypeError, "agent_id takes a text, not 7"),  # type: ignore[arg-type]
    (lambda api: api.add_agent(""), ValueError, "id is empty"),
    (lambda api: api.add_agent("a", id="b"), TypeError, "first argument"),
    (lambda api: api.add_agent("agent_1"), ValueError, "agent 'agent_1' already"),
    (lambda api: api.add_agent("a", calls=-1), ValueError, "calls takes a whole number from 0"),
    (
        lambda api: api.add_agent("a", nam="x"),
        TypeError,
        "no field of an agent; did you mean 'name'",
    ),
    (lambda api: api.add_call("agent_1", statuss="x"), TypeError, "did you mean 'status'"),
    (lambda api: api.add_call("agent_1", colour="x"), TypeError, "'colour' is no field of a call$"),
    (lambda api: api.add_call("agent_1", status=None), TypeError, "status takes str, not None"),
    (lambda api: api.add_call("agent_1", duration_seconds="9"), TypeError, "takes int or None"),
    (lambda api: api.add_call("agent_1", duration_seconds=True), TypeError, "takes int or None"),
    (lambda api: api.add_call("agent_1", duration_seconds=2**63), ValueError, "beyond 64 bits"),
    (lambda api: api.add_call("agent_1", is_test_call=1), TypeError, "takes bool, not 1"),
    (lambda api: api.add_call("agent_1", created_on=1700000000), TypeError, "an aware datetime"),
    (lambda api: api.add_call("agent_1", created_on="yesterday"), ValueError, "no ISO 8601 time"),
    (
        lambda api: api.add_call("agent_1", ended_at=NAIVE),
        ValueError,
        "no time zone",
    ),
    (lambda api: api.add_call("agent_1", created_on="2026-01-01"), ValueError, "no time zone"),
    (lambda api: api.add_call("agent_1", created_on="9999-12-31T23:59:59Z"), ValueError, "years"),
    (lambda api: api.add_call("agent_1", end_reason="\ud800"), ValueError, "half a character"),
    (lambda api: api.add_call("agent_1", id="call_1"), ValueError, "a call 'call_1' already"),
    (lambda api: api.add_call("agent_1", id=""), ValueError, "id is empty"),
    (lambda api: setattr(api, "now", NAIVE), ValueError, "now has no time zone"),
    (lambda api: setattr(api, "now", "2026-11-23"), TypeError, "now takes an aware datetime"),
    (lambda api: setattr(api, "now", NOON.replace(year=1)), ValueError, "now is not in the years"),
    (lambda api: setattr(api, "now", NOON.replace(year=9999)), ValueError, "now is not in the y"),
    (lambda api: api.fail(200), ValueError, "status takes a whole number from 400 to 599"),
    (lambda api: api.fail("503"), ValueError, "status takes a whole number"),  # type: ignore[arg-type]
    (lambda api: api.fail(503, times=0), ValueError, "times takes a whole number from 1"),
    (lambda api: api.fail(503, times=True), ValueError, "times takes a whole number"),
    (lambda api: api.fail(503, after_page=-1), ValueError, "after_page takes"),
    (lambda api: api.fail(429, retry_after=-1), ValueError, "retry_after takes seconds"),
    (lambda api: api.fail(429, retry_after="30"), ValueError, "retry_after takes seconds from 0"),  # type: ignore[arg-type]
    (lambda api: api.fail(429, retry_after=10**400), ValueError, "retry_after takes seconds"),
    (lambda api: api.slow(float("nan")), ValueError, "slow takes seconds"),
    (lambda api: api.slow(timedelta(seconds=1)), ValueError, "slow takes seconds"),  # type: ignore[arg-type]
    (lambda api: api.slow(seconds=True), ValueError, "slow takes seconds"),
    (lambda api: api.shift(inserts=-1), ValueError, "inserts takes"),
    (lambda api: api.shift(), ValueError, "inserts or deletions"),
    (lambda api: api.rate_limit(-1), ValueError, "requests takes"),
    (lambda api: api.rate_limit(1, 0), ValueError, "per takes seconds above 0"),
    (lambda api: api.rate_limit(1, "1"), ValueError, "per takes seconds above 0"),  # type: ignore[arg-type]
]


@pytest.mark.parametrize(("wrong", "kind", "says"), WRONG)
def test_what_is_wrong_is_refused_and_changes_nothing(
    api: MockCallsAPI,
    wrong: Callable[[MockCallsAPI], object],
    kind: type[Exception],
    says: str,
) -> None:
    api.add_agent("agent_1")
    api.add_call("agent_1")
    before = api.calls("agent_1")
    with pytest.raises(kind, match=says):
        wrong(api)
    assert api.calls("agent_1") == before
    assert ids(api.client()) == ["call_1"]
    assert statuses(api) == [200]
    assert [agent.id for agent in api.client().agents.list()] == ["agent_1"]


def test_an_id_of_the_test_s_own_is_not_given_again(api: MockCallsAPI) -> None:
    api.add_agent("agent_1")
    for number in (2, 4, 5):
        api.add_call("agent_1", id=f"call_{number}")
    api.shift(inserts=2, times=1)
    api.add_call("agent_1")
    assert len(ids(api.client())) == 4
    assert len(api.calls("agent_1")) == 6


def test_calls_that_are_added_go_by_the_time_that_was_set_last(api: MockCallsAPI) -> None:
    api.add_agent("agent_1")
    api.add_call("agent_1")
    api.now = NOON
    assert api.add_call("agent_1").created_on == "2026-11-23T11:59:00.000Z"
    assert api.add_call("agent_1").created_on == "2026-11-23T11:59:00.001Z"


# The record.


def test_requests_are_kept_in_order_and_no_key_is_in_them(api: MockCallsAPI) -> None:
    api.add_agent("agent/é", calls=1)
    client = api.client(auth="x-api-key")
    client.calls.list("agent/é", status="ended", search=FULL_KEY).page(1)
    with suppress(NotFoundError):
        client.calls.get(FULL_KEY, "call_1")
    httpx.get(f"{api.base_url}/nowhere", headers={"Authorization": f"Bearer {FULL_KEY}"})
    httpx.get(
        f"{api.base_url}/nowhere", headers={"Authorization": "Basic c2VjcmV0", "Cookie": "a=b"}
    )
    first, second, third, fourth = api.requests
    assert (first.agent_id, second.agent_id, third.agent_id) == ("agent/é", "***", None)
    assert first.query["status"] == "ended"
    assert first.headers["x-api-key"] == "***"
    assert third.headers["authorization"] == "Bearer ***"
    assert (fourth.headers["authorization"], fourth.headers["cookie"]) == ("Basic ***", "***")
    assert statuses(api) == [200, 404, 404, 404]
    assert FULL_KEY not in repr(api.requests)
    assert third.path == "/nowhere"


def test_a_wrong_key_is_not_in_the_record_either(api: MockCallsAPI) -> None:
    httpx.get(
        f"{api.base_url}/{'sk_live_secret'}?q=sk_live_secret",
        headers={"X-Api-Key": "sk_live_secret"},
    )
    assert "sk_live" not in repr(api.requests)


# What goes wrong.


def test_a_fault_of_some_times_ends_by_itself(api: MockCallsAPI) -> None:
    api.now = NOON
    api.add_agent("agent_1", calls=3)
    outage = api.fail(503, times=2, retry_after=30)
    assert len(ids(api.client())) == 3
    assert statuses(api) == [503, 503, 200]
    assert (outage.hits, outage.left) == (2, 0)
    assert api.now == NOON + timedelta(seconds=60)


def test_a_fault_goes_on_until_it_is_taken_back(api: MockCallsAPI) -> None:
    api.add_agent("agent_1", calls=3)
    with api.fail(500) as outage:
        for _ in range(2):
            with pytest.raises(InternalServerError):
                ids(api.client(max_retries=1))
        assert outage.hits == 4
    assert len(ids(api.client())) == 3
    outage.take_back()
    api.fail(500).take_back()
    assert len(ids(api.client())) == 3


def test_faults_follow_each_other_in_the_order_of_their_arming(api: MockCallsAPI) -> None:
    api.add_agent("agent_1", calls=3)
    api.fail(503, times=1)
    api.fail(429, times=2)
    api.slow(0.001, times=1)
    assert len(ids(api.client())) == 3
    assert statuses(api) == [503, 429, 429, 200]


def test_some_pages_are_answered_first(api: MockCallsAPI) -> None:
    api.add_agent("agent_1", calls=1200)
    outage = api.fail(502, after_page=5)
    iterator = iter(api.client(max_retries=0).calls.list("agent_1"))
    read: list[str] = []
    with pytest.raises(InternalServerError):
        read.extend(call.id for call in iterator)
    assert statuses(api).count(200) == 5
    assert 0 < len(read) < 1200
    outage.take_back()
    checkpoint = iterator.checkpoint
    read.extend(call.id for call in api.client().calls.list("agent_1", resume=checkpoint))
    assert read == [call.id for call in api.calls("agent_1")]


def test_what_is_no_page_does_not_count_as_one(api: MockCallsAPI) -> None:
    api.add_agent("agent_1", calls=1)
    api.fail(502, after_page=1)
    client = api.client(max_retries=0)
    client.calls.get("agent_1", api.calls("agent_1")[0].id)
    with suppress(NotFoundError):
        client.calls.list("nobody").page(1)
    client.agents.list().page(1)
    with pytest.raises(InternalServerError):
        client.calls.get("agent_1", api.calls("agent_1")[0].id)
    assert statuses(api) == [200, 404, 200, 502]


def test_pages_that_were_held_are_counted_as_they_are_answered(api: MockCallsAPI) -> None:
    api.add_agent("agent_1", calls=1200)
    api.slow(0.01)
    api.fail(502, after_page=5)
    with pytest.raises(InternalServerError):
        ids(api.client(max_retries=0))
    assert statuses(api).count(200) == 5


def test_half_a_page_is_no_answered_one(api: MockCallsAPI) -> None:
    api.add_agent("agent_1", calls=1)
    api.truncate(times=1)
    change = api.shift(inserts=1, times=1)
    outage = api.fail(502, after_page=1)
    client = api.client(max_retries=0)
    with pytest.raises(APIConnectionError):
        client.calls.list("agent_1").page(1)
    assert (change.hits, outage.pages_before) == (0, 1)
    client.calls.list("agent_1").page(1)
    assert (change.hits, outage.pages_before) == (1, 0)


def test_what_has_not_happened_is_not_counted(api: MockCallsAPI) -> None:
    api.add_agent("agent_1", calls=1)
    change = api.shift(inserts=1, times=1)
    api.client().agents.list().page(1)  # no page of calls
    with api.fail(503), suppress(InternalServerError):
        api.client(max_retries=0).calls.list("agent_1").page(1)
    assert (change.hits, change.left) == (0, 1)
    api.client().calls.list("agent_1").page(1)
    assert (change.hits, change.left, len(api.calls("agent_1"))) == (1, 0, 2)


def test_an_error_is_held_too(api: MockCallsAPI) -> None:
    api.add_agent("agent_1", calls=1)
    api.fail(503, times=1)
    api.slow(30)
    with pytest.raises(APITimeoutError):
        ids(api.client(timeout=0.05, max_retries=0))


@pytest.mark.parametrize(
    ("seconds", "sent"), [(0, "0"), (0.5, "0.5"), (30, "30"), (1_500_000, "1500000")]
)
def test_a_wait_is_sent_as_clients_read_it(api: MockCallsAPI, seconds: float, sent: str) -> None:
    api.fail(HTTPStatus.SERVICE_UNAVAILABLE, retry_after=seconds)
    answer = httpx.get(f"{api.base_url}/api/v1/console/agents")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, sent)


def test_a_fault_of_one_agent_leaves_the_others_alone(api: MockCallsAPI) -> None:
    for name in ("agent_1", "agent_2"):
        api.add_agent(name, calls=3)
    api.fail(500, agent_id="agent_2")
    client = api.client(max_retries=0)
    assert len(ids(client)) == 3
    with pytest.raises(InternalServerError):
        ids(client, "agent_2")
    assert len(client.agents.list().all()) == 2


def test_an_answer_breaks_off(api: MockCallsAPI) -> None:
    api.add_agent("agent_1", calls=3)
    cut = api.truncate(times=1)
    with pytest.raises(APIConnectionError):
        ids(api.client(max_retries=0))
    assert len(ids(api.client())) == 3
    assert cut.hits == 1


def test_a_connection_is_reset(api: MockCallsAPI) -> None:
    api.add_agent("agent_1", calls=3)
    api.reset_connection(times=1)
    host, port = api.base_url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as peer:
        peer.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        with pytest.raises(ConnectionResetError):
            peer.recv(1)
    assert statuses(api) == [None]
    api.reset_connection(times=1)
    with pytest.raises(APIConnectionError):
        ids(api.client(max_retries=0))
    api.reset_connection(times=1)
    assert len(ids(api.client())) == 3


def test_an_answer_is_held(api: MockCallsAPI) -> None:
    api.add_agent("agent_1", calls=3)
    with api.slow(3600), pytest.raises(APIConnectionError):
        ids(api.client(timeout=0.05, max_retries=0))
    assert len(ids(api.client())) == 3


def test_the_listing_shifts_between_two_pages(api: MockCallsAPI) -> None:
    api.add_agent("agent_1", calls=450)
    before = {call.id for call in api.calls("agent_1")}
    change = api.shift(inserts=3, deletions=1, times=4)
    listing = api.client(concurrency=1).calls.list("agent_1")
    read = [call.id for call in listing]
    after = {call.id for call in api.calls("agent_1")}
    assert change.hits == 4
    assert len(after) == 450 + 4 * 3 - 4
    assert len(read) == len(set(read))
    assert before & after <= set(read)
    assert listing.report.complete


def test_a_rate_limit_holds_and_is_lifted(api: MockCallsAPI) -> None:
    api.now = NOON
    api.add_agent("agent_1", calls=450)
    api.rate_limit(2, per=10)
    assert len(ids(api.client())) == 450
    assert api.now >= NOON + timedelta(seconds=20)
    assert 429 in statuses(api)
    api.rate_limit(None)
    before = len(api.requests)
    assert len(ids(api.client())) == 450
    assert 429 not in statuses(api)[before:]


# Time, clients, resets.


def test_an_answer_has_the_date_of_now(api: MockCallsAPI) -> None:
    api.now = NOON
    answer = httpx.get(api.base_url)
    assert answer.headers.get_list("Date") == ["Mon, 23 Nov 2026 12:00:00 GMT"]


def test_a_window_of_time_counts_from_now(api: MockCallsAPI) -> None:
    api.now = NOON
    api.add_agent("agent_1")
    new = api.add_call("agent_1")
    api.add_call("agent_1", created_on=NOON - timedelta(hours=25))
    client = api.client()
    assert [call.id for call in client.calls.list("agent_1", since="24h")] == [new.id]
    api.now = NOON + timedelta(days=2)
    assert ids(client) != []
    assert client.calls.list("agent_1", since="24h").all() == []


def test_both_flavours_and_threads_use_it_at_once(api: MockCallsAPI) -> None:
    api.add_agent("agent_1")

    def add() -> None:
        for _ in range(50):
            api.add_call("agent_1")

    async def read() -> int:
        async with api.async_client() as client:
            api.fail(503, times=1, retry_after=20)
            return len([call async for call in client.calls.list("agent_1")])

    threads = [Thread(target=add) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(ids(api.client()))) == 150
    assert asyncio.run(read()) == 150


def test_a_reset_leaves_nothing(api: MockCallsAPI) -> None:
    api.now = NOON
    api.add_agent("agent_1", calls=3)
    api.fail(500)
    api.slow(3600)
    api.rate_limit(0)
    client = api.client()
    api.reset()
    assert api.requests == ()
    assert api.now > NOON
    with pytest.raises(ConfigurationError, match="closed"):
        ids(client)
    with pytest.raises(LookupError, match="there is none yet"):
        api.calls("agent_1")
    with pytest.raises(NotFoundError):
        ids(api.client())
    assert len(statuses(api)) == 1


def test_what_an_earlier_test_left_running_ends_at_a_reset_without_a_word(
    api: MockCallsAPI, caplog: pytest.LogCaptureFixture
) -> None:
    ended: list[str] = []
    api.add_agent("agent_1", calls=3)
    api.slow(3600)

    def leave() -> None:
        with Client(api_key=FULL_KEY, base_url=api.base_url, max_retries=0) as client:
            try:
                ids(client)
            except APIConnectionError as error:
                ended.append(str(error))

    thread = Thread(target=leave)
    with caplog.at_level(logging.WARNING):
        thread.start()
        while not api.requests:
            pass
        api.reset()
        thread.join(10)
    assert len(ended) == 1
    assert api.requests == ()
    assert caplog.records == []


def test_a_fault_of_before_a_reset_is_taken_back_without_harm(api: MockCallsAPI) -> None:
    old = api.fail(500)
    api.reset()
    api.add_agent("agent_1", calls=1)
    new = api.fail(503, times=1)
    old.take_back()
    assert len(ids(api.client())) == 1
    assert (old.hits, new.hits) == (0, 1)


def test_clients_that_were_left_open_are_closed(api: MockCallsAPI) -> None:
    api.add_agent("agent_1", calls=1)

    async def read() -> AsyncClient:
        client = api.async_client()
        await client.calls.list("agent_1").first()
        return client

    async def reset_within_a_loop() -> None:
        client = await read()
        api.reset()
        with pytest.raises(ConfigurationError, match="closed"):
            await client.agents.list().first()

    client = asyncio.run(read())
    asyncio.run(reset_within_a_loop())
    assert "AsyncClient" in repr(client)  # its sockets would warn now, if they were open


def test_options_of_a_client_are_passed_on(api: MockCallsAPI) -> None:
    assert "x-api-key" in repr(api.client(auth="x-api-key"))
    with pytest.raises(NotFoundError):
        ids(api.client(api_key=FULL_KEY, deadline=5))
    with pytest.raises(TypeError):
        api.client(nonsense=1)


def test_it_serves_within_its_block_alone() -> None:
    api = MockCallsAPI()
    uses: list[Callable[[], object]] = [
        *(lambda: api.base_url, lambda: api.add_agent("a"), lambda: api.calls("a")),
        *(lambda: api.requests, api.reset, api.clear, api.client, api.async_client),
        *(api.truncate, lambda: api.shift(inserts=1), lambda: api.rate_limit(1)),
    ]
    for use in uses:
        with pytest.raises(RuntimeError, match="with MockCallsAPI"):
            use()
    with api:
        url = api.base_url
        fault = api.fail(500)
        api.now = NOON
        with pytest.raises(RuntimeError, match="serves already"):
            api.__enter__()
    fault.take_back()
    with pytest.raises(httpx.ConnectError):
        httpx.get(url)
    with api:  # anew, and empty
        assert api.requests == ()
        assert api.now > NOON
        with pytest.raises(LookupError):
            api.calls("a")


def test_a_thread_that_asks_while_it_stops_is_told_so() -> None:
    served = Background(nothing)
    asked, told = Event(), list[str]()

    def ask() -> None:
        try:
            while True:
                served.call(asked.set)
        except RuntimeError as error:
            told.append(str(error))

    threads = [Thread(target=ask, daemon=True) for _ in range(4)]
    for thread in threads:
        thread.start()
    asked.wait(5)
    served.stop()
    for thread in threads:
        thread.join(5)
    assert told == ["The API does not serve any more."] * 4


async def nothing(_scope: object, _receive: object, _send: object) -> None:
    """Answer nothing."""


def test_an_error_in_the_block_stops_it() -> None:
    def fail(found: list[Any]) -> None:
        with MockCallsAPI() as api:
            api.slow(3600)
            found.append(api.base_url)
            raise KeyError

    found: list[Any] = []
    with pytest.raises(KeyError):
        fail(found)
    with pytest.raises(httpx.ConnectError):
        httpx.get(found[0])


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_process_is_told_that_it_does_not_serve(api: MockCallsAPI) -> None:
    process = os.fork()
    if not process:
        try:
            api.add_agent("agent_1")
        except RuntimeError:
            os._exit(3)
        os._exit(0)
    _, status = os.waitpid(process, 0)
    assert os.waitstatus_to_exitcode(status) == 3
