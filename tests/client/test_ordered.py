"""Many agents in the order given: read ahead, failures at their place, and each agent told as it ends."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from agentcalls import AuthenticationError, Client, ConfigurationError, InternalServerError
from agentcalls_mock import FULL_KEY, Seeding, create_app, open_store, serving
from many_agents import Agents, Counting, by_agent, client_of, failing

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from agentcalls import AgentReport
    from flavours import MakeClient

ORDER = ["c", "a", "b", "e", "d"]


@pytest.fixture
def api(page_body: Any) -> Agents:
    return Agents(page_body["data"][0], {"a": 350, "b": 0, "c": 1, "d": 120, "e": 1000})


def whole(api: Agents, agents: list[str]) -> list[tuple[str, str]]:
    return [(agent, call_id) for agent in agents for call_id in api.expected(agent)]


@pytest.mark.share("concurrency")
@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("concurrency", [1, 2, 3, 8, 64])
def test_agents_come_in_the_order_given_and_each_is_told_as_it_ends(
    make_client: MakeClient, api: Agents, concurrency: int, *, exact: bool
) -> None:
    told: list[tuple[int, AgentReport]] = []
    given: list[tuple[str, str]] = []
    listing = client_of(make_client, api).calls.list_many(
        iter(ORDER),
        ordered=True,
        concurrency=concurrency,
        exact=exact,
        on_agent=lambda agent: told.append((len(given), agent)),
    )
    for agent_id, call in listing:
        given.append((agent_id, str(call.id)))
    assert given == whole(api, ORDER)
    assert [agent.agent_id for _, agent in told] == ORDER
    assert [taken for taken, _ in told] == [1, 351, 351, 1351, 1471]
    report = listing.report
    assert [agent.report for _, agent in told] == [report.agents[agent] for agent in ORDER]
    assert report.complete is exact
    assert sum(one.requests for one in report.agents.values()) == len(api.asked)


def test_half_of_the_first_page_costs_one_request(make_client: MakeClient, api: Agents) -> None:
    pairs = iter(client_of(make_client, api).calls.list_many(["a", "d", "e"], ordered=True))
    assert len(list(itertools.islice(pairs, 50))) == 50
    assert api.asked == ["a"]
    pairs.close()


@pytest.mark.parametrize("concurrency", [1, 2, 8])
def test_failure_is_told_at_its_place_and_costs_no_other_agent(
    make_client: MakeClient, api: Agents, concurrency: int
) -> None:
    api.fail = failing("a", 500, page=3)
    agents = ["", "nobody", "c", "a", "..", "b", "..", "gone", "d", "e", ""]
    told: list[AgentReport] = []
    places: list[int] = []
    given: list[tuple[str, Any]] = []

    def tell(agent: AgentReport) -> None:
        told.append(agent)
        places.append(len(given))

    listing = client_of(make_client, api, max_retries=0).calls.list_many(
        agents, ordered=True, concurrency=concurrency, on_agent=tell
    )
    with pytest.raises(ExceptionGroup, match="5 of 9 agents failed") as caught:
        given.extend(listing)
    assert [agent.agent_id for agent in told] == list(dict.fromkeys(agents))
    read = by_agent(given)
    assert list(read) == ["c", "a", "d", "e"]
    assert all(read[agent] == api.expected(agent) for agent in "cde")
    assert 0 < len(read["a"]) < 350
    failed = [agent for agent in told if agent.error]
    assert [agent.agent_id for agent in failed] == ["", "nobody", "a", "..", "gone"]
    assert tuple(agent.error for agent in failed) == caught.value.exceptions
    resumable = {agent.agent_id: agent.checkpoint for agent in told if agent.checkpoint}
    assert resumable == listing.report.checkpoints
    assert set(resumable) == {"nobody", "a", "gone"}
    assert {agent.agent_id for agent in told if agent.report.complete} == set("cbde")

    api.fail = lambda _agent, _page: None
    rest = client_of(make_client, api).calls.list_many(["d", "a"], ordered=True, resume=resumable)
    pairs = by_agent(rest)
    assert list(pairs) == ["d", "a"]
    assert read["a"] + pairs["a"] == api.expected("a")


def test_stop_on_error_raises_the_first_in_order_once_all_before_it_are_taken(
    make_client: MakeClient, api: Agents
) -> None:
    api.fail = failing("d", 500)
    client = client_of(make_client, api, max_retries=0)
    for agents, last in ((["a", "d", "e", ".."], "d"), (["a", "e", "..", "d"], "..")):
        pairs = iter(client.calls.list_many(agents, ordered=True, stop_on_error=True))
        given: list[tuple[str, str]] = []
        with pytest.raises((InternalServerError, ConfigurationError)) as caught:
            given.extend((agent, str(call.id)) for agent, call in pairs)
        assert getattr(caught.value, "agent_id", None) == last
        assert list(pairs) == []


def test_what_would_meet_every_agent_ends_it_at_its_place(
    make_client: MakeClient, api: Agents
) -> None:
    api.fail = failing("e", 401, page=2)
    given: list[tuple[str, str]] = []
    listing = client_of(make_client, api).calls.list_many(["a", "e", "d"], ordered=True)
    with pytest.raises(AuthenticationError) as caught:
        given.extend((agent, str(call.id)) for agent, call in listing)
    assert given[:350] == whole(api, ["a"])
    assert len(given) == 450
    assert caught.value.agent_id == "e"
    assert caught.value.checkpoint == listing.report.checkpoints["e"]


def test_early_leave_and_resume_lose_and_repeat_nothing(
    make_client: MakeClient, api: Agents
) -> None:
    client = client_of(make_client, api)
    for cut in (1, 2, 52, 130, 351, 352, 480, 1352, 1471):
        pairs = iter(client.calls.list_many(ORDER, concurrency=4, ordered=True))
        read = by_agent(itertools.islice(pairs, cut))
        current = list(read)[-1]
        assert pairs.agent(current).checkpoint
        pairs.close()
        report = pairs.report
        left = [one for one in ORDER if one not in report.agents or one in report.checkpoints]
        rest = by_agent(client.calls.list_many(left, ordered=True, resume=report.checkpoints))
        for agent in "acde":
            assert read.get(agent, []) + rest.get(agent, []) == api.expected(agent)


def test_agents_with_nothing_to_read_are_told_in_order(
    make_client: MakeClient, api: Agents
) -> None:
    told: list[str] = []
    listing = client_of(make_client, api).calls.list_many(
        ORDER, ordered=True, max_items=0, on_agent=lambda agent: told.append(agent.agent_id)
    )
    assert list(listing) == []
    assert told == ORDER
    with pytest.raises(KeyError):
        iter(listing).agent("a")


def test_error_of_the_callback_passes_through_and_ends_the_iteration(
    make_client: MakeClient, api: Agents
) -> None:
    def tell(_: AgentReport) -> None:
        raise LookupError

    pairs = iter(client_of(make_client, api).calls.list_many(["c", "a"], on_agent=tell))
    with pytest.raises(LookupError):
        list(pairs)
    assert list(pairs) == []


@pytest.mark.parametrize("wrong", [{"ordered": 1}, {"on_agent": "x"}], ids=str)
def test_option_that_cannot_be_used_is_refused_at_once_and_by_name(
    make_client: MakeClient, api: Agents, wrong: Any
) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(wrong))):
        client_of(make_client, api).calls.list_many(["a"], **wrong)


def test_endless_ids_are_read_only_as_far_as_the_window_goes(
    make_client: MakeClient, api: Agents
) -> None:
    api.counts = {f"agent{number}": 10 for number in range(1000)}
    reached = 0

    def ids() -> Iterator[str]:
        nonlocal reached
        for reached in itertools.count():
            yield f"agent{reached}"

    listing = client_of(make_client, api).calls.list_many(ids(), concurrency=2, ordered=True)
    pairs = iter(listing)
    for taken in range(1, 400):
        next(pairs)
        # Six pages wait for each request, and one is in hand.
        assert reached <= taken / 10 + 14
    pairs.close()


@pytest.fixture(scope="module")
def slow_api() -> Generator[tuple[Counting, str]]:
    """The mock with 2,500 calls of one agent and 40 more agents, 20 ms from request to answer."""
    seeding = Seeding(agents=41, calls=2500, now=datetime(2026, 11, 23, tzinfo=UTC))
    with open_store(seeding) as store:
        app = Counting(create_app(store, latency_seconds=0.02))
        with serving(app) as url:
            yield app, url


@pytest.mark.share
@pytest.mark.parametrize("concurrency", [1, 4, 32])
def test_no_more_are_under_way_at_once_than_asked_for_over_all_agents(
    make_client: MakeClient, slow_api: tuple[Counting, str], concurrency: int
) -> None:
    app, url = slow_api
    app.reset()
    agents = ["agent_2", "agent_demo", *(f"agent_{number}" for number in range(3, 42))]
    client: Client = make_client(api_key=FULL_KEY, base_url=url, clock=None)
    listing = client.calls.list_many(
        agents if concurrency > 1 else agents[:1], ordered=True, concurrency=concurrency
    )
    read = by_agent(listing)
    assert list(read) == list(listing.report.agents)
    assert app.most_at_once <= concurrency
    assert (app.most_at_once > 1) is (concurrency > 1)
    assert listing.report.complete
