"""Many agents under one window: each in order and exact, a bound on what is under way, and failures told apart."""

from __future__ import annotations

import asyncio
import gc
import itertools
import pickle
import secrets
import threading
import time
from collections import Counter
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from agentcalls import (
    AsyncClient,
    AuthenticationError,
    BadRequestError,
    Client,
    ConfigurationError,
    InternalServerError,
    NotFoundError,
    RateLimitError,
)
from agentcalls.settings import CONCURRENCY, MAX_CONCURRENCY
from agentcalls_mock import FULL_KEY, Seeding, create_app, open_store, serving
from many_agents import FIRST_WALK, START, Agents, Counting, by_agent, client_of, failing

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from flavours import MakeClient


@pytest.fixture
def api(page_body: Any) -> Agents:
    return Agents(page_body["data"][0], {"a": 350, "b": 0, "c": 1, "d": 120, "e": 1000})


# What is read.


@pytest.mark.share("concurrency")
@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("concurrency", [1, 2, 8, 64])
def test_calls_of_each_agent_come_once_and_in_its_order(
    make_client: MakeClient, api: Agents, concurrency: int, *, exact: bool
) -> None:
    listing = client_of(make_client, api).calls.list_many(
        iter(api.counts), concurrency=concurrency, exact=exact
    )
    read = by_agent(listing)
    assert read == {agent: api.expected(agent) for agent in "acde"}
    report = listing.report
    assert set(report.agents) == set(api.counts)
    assert report.agents["e"].complete is report.complete is exact
    assert report.agents["b"].complete is exact
    assert (report.reason is None) is exact
    assert not report.failures
    assert not report.checkpoints
    assert sum(one.requests for one in report.agents.values()) == len(api.asked)


def test_listing_is_read_anew_each_time_and_no_agents_give_nothing(
    make_client: MakeClient, api: Agents
) -> None:
    client = client_of(make_client, api)
    listing = client.calls.list_many(["a", "d"])
    assert listing.report.reason == "The listing was not read."
    assert not listing.report.complete
    assert by_agent(listing) == by_agent(listing)
    asked = len(api.asked)
    nobody = client.calls.list_many([])
    assert list(nobody) == []
    assert nobody.report.complete
    assert len(api.asked) == asked


def test_listing_says_how_many_agents_and_iterator_how_far_it_is(
    make_client: MakeClient, api: Agents
) -> None:
    client = client_of(make_client, api)
    listing = client.calls.list_many(["b", "c", "a"], status="ended", ordered=True)
    assert repr(listing).endswith("ManyListing of 3 agents: status='ended', ordered=True>")
    assert repr(client.calls.list_many(iter("ab"), max_items=3)).endswith(
        "ManyListing of 2 agents: max_items=3>"
    )
    unknown = client.calls.list_many(agent for agent in "ab")
    assert repr(unknown).endswith("ManyListing of agents>")
    pairs = iter(listing)
    next(pairs)
    next(pairs)
    assert repr(pairs).endswith("ManyIterator: 2 agents read, 1 begun>")


def test_query_and_options_hold_for_each_agent(make_client: MakeClient, api: Agents) -> None:
    seen: list[httpx.URL] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.url)
        return api(request)

    client = client_of(make_client, answer)
    until = START + timedelta(minutes=60)
    listing = client.calls.list_many(
        ["a", "d"], status="ended", search="x", sort="-created_on", until=until, max_items=7
    )
    assert by_agent(listing) == {agent: api.expected(agent)[-60:][:7] for agent in "ad"}
    assert {url.params["status"] + url.params["search"] for url in seen} == {"endedx"}
    assert "max_items" in str(listing.report.agents["a"].reason)
    assert "2 of the listings" in str(listing.report.reason)
    bounded = client.calls.list_many(["a", "d"], max_items=100)
    assert {agent: len(calls) for agent, calls in by_agent(bounded).items()} == {"a": 100, "d": 100}
    nothing = client.calls.list_many(["a", "d"], max_items=0)
    asked = len(seen)
    assert list(nothing) == []
    assert len(seen) == asked
    assert set(nothing.report.agents) == {"a", "d"}


def test_agent_that_comes_again_is_read_once(make_client: MakeClient, api: Agents) -> None:
    listing = client_of(make_client, api).calls.list_many(["d", "c", "d", "c", "d"])
    assert by_agent(listing) == {"c": api.expected("c"), "d": api.expected("d")}
    assert Counter(api.asked) == {"c": 1, "d": 2 + FIRST_WALK}
    api.asked.clear()
    assert by_agent(listing) == {"c": api.expected("c"), "d": api.expected("d")}
    assert Counter(api.asked) == {"c": 1, "d": 2}


def test_shifting_listings_stay_exact(make_client: MakeClient, api: Agents) -> None:
    api.counts = dict.fromkeys("abcdef", 700)

    def grow(agent: str, _: int) -> None:
        api.counts[agent] += 1

    api.fail = grow
    listing = client_of(make_client, api).calls.list_many(list("abcdef"))
    for agent, calls in by_agent(listing).items():
        assert len(calls) == len(set(calls))
        assert {f"{agent}_{number}" for number in range(700)} <= set(calls)
    assert listing.report.complete


# How much is asked for, and when.


def test_nothing_is_asked_before_the_first_call_and_little_for_who_leaves_early(
    make_client: MakeClient, api: Agents
) -> None:
    reached: list[str] = []

    def ids() -> Iterator[str]:
        for agent in "eda":
            reached.append(agent)
            yield agent

    pairs = iter(client_of(make_client, api).calls.list_many(ids()))
    assert (reached, api.asked) == ([], [])
    for _ in range(50):
        next(pairs)
    assert (reached, api.asked) == (["e"], ["e"])
    next(pairs)
    pairs.close()
    assert set(reached) == set("eda")
    assert list(pairs) == []


def test_endless_ids_are_read_only_as_far_as_the_window_goes(
    make_client: MakeClient, api: Agents
) -> None:
    api.counts = {f"agent{number}": 10 for number in range(1000)}
    reached = 0

    def ids() -> Iterator[str]:
        nonlocal reached
        for reached in itertools.count():
            yield f"agent{reached}"

    pairs = iter(client_of(make_client, api).calls.list_many(ids(), concurrency=8))
    for taken in range(1, 400):
        next(pairs)
        assert reached <= taken / 10 + 10
    pairs.close()
    assert reached < 50


@pytest.fixture(scope="module")
def slow_api() -> Generator[tuple[Counting, str]]:
    """The mock with 2,500 calls of one agent and 40 more agents, 20 ms from request to answer."""
    seeding = Seeding(agents=41, calls=2500, now=datetime(2026, 11, 23, tzinfo=UTC))
    with open_store(seeding) as store:
        app = Counting(create_app(store, latency_seconds=0.02))
        with serving(app) as url:
            yield app, url


@pytest.fixture
def slow(slow_api: tuple[Counting, str]) -> Counting:
    slow_api[0].prefix = secrets.token_hex(4)
    slow_api[0].reset()
    return slow_api[0]


@pytest.fixture
def client(make_client: MakeClient, slow: Counting, slow_api: tuple[Counting, str]) -> Client:
    return make_client(
        api_key=FULL_KEY, base_url=slow_api[1], clock=None, request_id_prefix=slow.prefix
    )


AGENTS = ["agent_demo", *(f"agent_{number}" for number in range(2, 42))]
CALLS = 2500 + 40 * 250


@pytest.mark.share
@pytest.mark.parametrize("concurrency", [1, 4, 32])
def test_no_more_are_under_way_at_once_than_asked_for_over_all_agents(
    client: Client, slow: Counting, concurrency: int
) -> None:
    agents = AGENTS if concurrency > 1 else AGENTS[1:6]
    listing = client.calls.list_many(agents, concurrency=concurrency)
    read = by_agent(listing)
    assert sum(map(len, read.values())) == (CALLS if concurrency > 1 else 1250)
    assert slow.most_at_once <= concurrency
    assert (slow.most_at_once > 1) is (concurrency > 1)
    assert listing.report.complete


def test_auto_goes_beyond_the_default_where_answers_come_in_time(
    client: Client, slow: Counting
) -> None:
    listing = client.calls.list_many(AGENTS, concurrency="auto")
    assert sum(map(len, by_agent(listing).values())) == CALLS
    assert CONCURRENCY < slow.most_at_once <= MAX_CONCURRENCY
    assert listing.report.complete


def test_few_agents_share_the_whole_window(client: Client, slow: Counting) -> None:
    assert len(list(client.calls.list_many(AGENTS[:2], concurrency=16))) == 2750
    assert 2 < slow.most_at_once <= 16


def test_huge_agent_that_comes_first_holds_nobody_back(client: Client) -> None:
    order = [agent for agent, _ in client.calls.list_many(AGENTS[:9], concurrency=4)]
    last = {agent: place for place, agent in enumerate(order)}
    assert max(last, key=last.__getitem__) == "agent_demo"
    assert last["agent_2"] < len(order) / 3


def test_slow_reader_holds_back_what_is_asked(client: Client, slow: Counting) -> None:
    # One agent asks for the order, and the four that were begun before it was known begin again.
    for more in (2 + 4, 0):
        time.sleep(0.3)  # the last requests of the reading before arrive
        slow.reset()
        pairs = iter(client.calls.list_many(AGENTS, concurrency=4))
        for taken in range(1, 2001):
            next(pairs)
            # A page has at most a hundred calls: what was asked for is taken, in the window, or in hand.
            assert len(slow.asked) <= taken / 50 + 5 + more
        pairs.close()


def test_no_request_is_sent_after_leaving_the_loop(client: Client, slow: Counting) -> None:
    for number, _ in enumerate(client.calls.list_many(AGENTS, concurrency=8)):
        if number == 60:
            break
    client.close()
    # The first, the eight that its second half began.
    assert 0 < len(slow.asked) <= 9


@pytest.mark.parametrize("passed", [False, True])
def test_closing_leaves_no_thread(slow_api: tuple[Counting, str], *, passed: bool) -> None:
    before = threading.active_count()
    with (
        httpx.Client() as http,
        Client(
            api_key=FULL_KEY, base_url=slow_api[1], http_client=http if passed else None
        ) as client,
    ):
        pairs = iter(client.calls.list_many(AGENTS))
        for _ in range(200):
            next(pairs)
        assert (threading.active_count() > before) is passed
    assert threading.active_count() == before
    with pytest.raises(ConfigurationError, match="closed"):
        list(pairs)
    assert list(pairs) == []


def test_first_answer_alone_needs_no_thread(slow_api: tuple[Counting, str]) -> None:
    before = threading.active_count()
    with Client(api_key=FULL_KEY, base_url=slow_api[1]) as client:
        next(iter(client.calls.list_many(AGENTS)))
        list(client.calls.list_many(AGENTS[1:3], concurrency=1))
        assert threading.active_count() == before


def test_leaving_an_async_loop_leaves_no_task(slow_api: tuple[Counting, str]) -> None:
    async def main() -> None:
        async with AsyncClient(api_key=FULL_KEY, base_url=slow_api[1]) as client:
            async with aclosing(aiter(client.calls.list_many(AGENTS))) as pairs:
                for _ in range(200):
                    await anext(pairs)
                assert len(asyncio.all_tasks()) > 1
            assert len(asyncio.all_tasks()) == 1
            assert [pair async for pair in pairs] == []
            others = aiter(client.calls.list_many(AGENTS))
            for _ in range(200):
                await anext(others)
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(main())


def test_async_iterator_that_is_dropped_cancels_its_tasks(slow_api: tuple[Counting, str]) -> None:
    async def main() -> None:
        async with AsyncClient(api_key=FULL_KEY, base_url=slow_api[1]) as client:
            number = 0
            async for _ in client.calls.list_many(AGENTS):
                number += 1
                if number == 200:
                    break
            gc.collect()
            others = asyncio.all_tasks() - {asyncio.current_task()}
            assert all(task.cancelling() for task in others)

    asyncio.run(main())


def test_reader_of_a_client_that_another_task_closes_is_told_so(
    slow_api: tuple[Counting, str],
) -> None:
    async def main() -> None:
        client = AsyncClient(api_key=FULL_KEY, base_url=slow_api[1])

        async def read() -> None:
            async for _ in client.calls.list_many(AGENTS):
                if len(asyncio.all_tasks()) > 5:
                    closing.set()

        closing = asyncio.Event()
        reader = asyncio.create_task(read())
        await closing.wait()
        await client.aclose()
        with pytest.raises(ConfigurationError, match="closed"):
            await reader

    asyncio.run(main())


# What fails.


@pytest.mark.parametrize("concurrency", [1, 8])
def test_failures_come_together_at_the_end_and_the_others_are_whole(
    make_client: MakeClient, api: Agents, concurrency: int
) -> None:
    api.fail = failing("a", 500, page=3)
    agents = ["nobody", "a", "", *"bcde"]
    client = client_of(make_client, api, max_retries=0)
    listing = client.calls.list_many(agents, concurrency=concurrency)
    pairs = iter(listing)
    given: list[tuple[str, Any]] = []
    with pytest.raises(ExceptionGroup, match="3 of 7 agents failed") as caught:
        given.extend(pairs)
    read = by_agent(given)
    assert {agent: read[agent] for agent in "cde"} == {
        agent: api.expected(agent) for agent in "cde"
    }
    assert 0 < len(read["a"]) < 350
    assert list(pairs) == []
    failures: dict[str, Any] = {
        error.agent_id: error
        for error in pickle.loads(pickle.dumps(caught.value.exceptions))  # noqa: S301
    }
    assert {agent: type(error) for agent, error in failures.items()} == {
        "nobody": NotFoundError,
        "a": InternalServerError,
        "": ConfigurationError,
    }
    assert " for a: " in str(failures["a"])
    report = listing.report
    assert set(report.failures) == set(failures)
    assert {agent for agent, one in report.agents.items() if one.complete} == set("bcde")
    assert report.reason == "3 of 7 agents failed."
    assert not report.complete
    assert set(report.checkpoints) == {"nobody", "a"}
    assert report.checkpoints["a"] == failures["a"].checkpoint

    api.fail = lambda _agent, _page: None
    rest = by_agent(client.calls.list_many(["a"], resume=report.checkpoints))
    assert read["a"] + rest["a"] == api.expected("a")


def test_stop_on_error_raises_the_first_failure_by_itself(
    make_client: MakeClient, api: Agents
) -> None:
    api.fail = failing("d", 400)
    client = client_of(make_client, api)
    for agents in (["d", "e", "a"], ["e", "a", "d"]):
        listing = client.calls.list_many(agents, stop_on_error=True)
        pairs = iter(listing)
        with pytest.raises(BadRequestError) as caught:
            list(pairs)
        assert caught.value.agent_id == "d"
        assert caught.value.checkpoint == listing.report.checkpoints["d"]
        assert list(pairs) == []
    with pytest.raises(ConfigurationError, match="agent_id") as refused:
        list(client.calls.list_many([".."], stop_on_error=True))
    assert refused.value.agent_id == ".."


@pytest.mark.parametrize(
    ("status", "kind"), [(401, AuthenticationError), (429, RateLimitError)], ids=str
)
@pytest.mark.parametrize("at", ["a", "e"])
def test_what_would_meet_every_agent_ends_it_at_once(
    make_client: MakeClient, api: Agents, status: int, kind: Any, at: str
) -> None:
    client = client_of(make_client, api, max_retries=0)
    client.calls.list("d").all()  # the order is known from here on, and second pages come at once
    api.fail = failing(at, status, page=2)
    listing = client.calls.list_many(["a", "e", *"bcd"])
    with pytest.raises(kind) as caught:
        list(listing)
    assert caught.value.agent_id == at
    report = listing.report
    assert caught.value.checkpoint == report.checkpoints[at]
    assert not report.complete
    assert "Not every agent" in str(report.reason)


def test_early_leave_and_resume_lose_and_repeat_nothing(
    make_client: MakeClient, api: Agents
) -> None:
    client = client_of(make_client, api)
    for cut in (1, 50, 51, 130, 480, 1400):
        pairs = iter(client.calls.list_many(list(api.counts), concurrency=4))
        read = by_agent(itertools.islice(pairs, cut))
        pairs.close()
        report = pairs.report
        assert not report.complete
        assert "Not every agent" in str(report.reason)
        for one in report.checkpoints:
            assert not report.agents[one].complete
        left = [
            agent
            for agent in api.counts
            if agent not in report.agents or agent in report.checkpoints
        ]
        rest = by_agent(client.calls.list_many(left, resume=report.checkpoints))
        for agent in "acde":
            assert read[agent] + rest.get(agent, []) == api.expected(agent)


def test_checkpoint_of_another_query_fails_that_agent_only(
    make_client: MakeClient, api: Agents
) -> None:
    client = client_of(make_client, api)
    pairs = iter(client.calls.list_many(["a"]))
    next(pairs)
    listing = client.calls.list_many(["a", "d"], status="failed", resume=pairs.report.checkpoints)
    given: list[tuple[str, Any]] = []
    with pytest.raises(ExceptionGroup) as caught:
        given.extend(listing)
    assert by_agent(given) == {"d": api.expected("d")}
    (error,) = caught.value.exceptions
    assert "another agent or query" in str(error)


def test_error_of_the_ids_passes_through_and_ends_the_iteration(
    make_client: MakeClient, api: Agents
) -> None:
    def ids() -> Iterator[str]:
        yield "a"
        yield "d"
        raise LookupError("The database is gone.")

    pairs = iter(client_of(make_client, api).calls.list_many(ids()))
    with pytest.raises(LookupError, match="gone"):
        list(pairs)
    assert list(pairs) == []
    assert set(pairs.report.checkpoints) <= {"a", "d"}


def test_error_that_is_not_ours_passes_through_and_ends_the_iteration(
    make_client: MakeClient, api: Agents
) -> None:
    def interrupt(request: httpx.Request) -> httpx.Response:
        if "/d/" in request.url.path:
            raise ZeroDivisionError
        return api(request)

    for agents in (["d", "a"], ["a", "b", "d", "e"]):
        pairs = iter(client_of(make_client, interrupt).calls.list_many(agents))
        with pytest.raises(ZeroDivisionError):
            list(pairs)
        assert list(pairs) == []


def test_gate_holds_the_requests_of_all_agents_back(make_client: MakeClient, api: Agents) -> None:
    clock = make_client.clock
    sent: list[float] = []
    refused: list[float] = []

    def limited(request: httpx.Request) -> httpx.Response:
        sent.append(clock.moment)
        if len(sent) == 4:
            refused.append(clock.moment)
            return httpx.Response(429, headers={"Retry-After": "20"})
        return api(request)

    client = client_of(make_client, limited, concurrency=1)
    assert len(list(client.calls.list_many(["a", "d", "e"]))) == 1470
    (moment,) = refused
    assert all(not moment < later < moment + 20 for later in sent)
    assert max(sent) >= moment + 20


def test_problems_that_are_kept_are_a_thousand_in_all(
    make_client: MakeClient, page_body: Any
) -> None:
    row = {**page_body["data"][0], "direction": 7}
    api = Agents(row, dict.fromkeys("abcd", 400))
    listing = client_of(make_client, api).calls.list_many(["a", "b", "c", "d"], exact=False)
    list(listing)
    reports = listing.report.agents.values()
    assert sum(len(one.problems) for one in reports) == 1000
    assert sum(one.problem_count for one in reports) == 1600


@pytest.mark.parametrize(
    "wrong",
    [
        {"agent_ids": "agent_1"},
        {"agent_ids": b"agent_1"},
        {"agent_ids": None},
        {"agent_ids": 7},
        {"resume": "{}"},
        {"stop_on_error": 1},
        {"concurrency": 65},
        {"max_items": -1},
        {"since": "soon"},
        {"status": 1},
    ],
    ids=str,
)
def test_option_that_cannot_be_used_is_refused_at_once_and_by_name(
    client: Client, wrong: Any
) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(wrong))):
        client.calls.list_many(**{"agent_ids": ["a"], **wrong})


@pytest.mark.parametrize("odd", [None, 7, ["a"]], ids=str)
def test_id_that_is_no_text_is_a_failure_of_its_own(
    make_client: MakeClient, api: Agents, odd: Any
) -> None:
    listing = client_of(make_client, api).calls.list_many([odd, "c"])
    with pytest.raises(ExceptionGroup, match="1 of 2 agents failed"):
        list(listing)
    assert set(listing.report.failures) == {str(odd)}
    assert listing.report.agents["c"].complete
