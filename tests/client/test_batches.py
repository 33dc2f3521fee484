"""Batches: calls with the checkpoint behind them, so that a writer commits both and loses and repeats nothing."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from agentcalls import AgentReport, Checkpoint, ConfigurationError, InternalServerError
from many_agents import START, Agents, client_of, failing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from agentcalls import CallBatch
    from flavours import MakeClient

COUNTS = {"a": 350, "b": 0, "c": 1, "d": 120, "e": 400}


@pytest.fixture
def api(page_body: Any) -> Agents:
    return Agents(page_body["data"][0], dict(COUNTS))


class Store:
    """A writer that commits each batch with its checkpoint."""

    def __init__(self) -> None:
        self.ids: dict[str, list[str]] = defaultdict(list)
        self.checkpoints: dict[str, Checkpoint] = {}
        self.sizes: dict[str, list[int]] = defaultdict(list)
        self.done: list[str] = []

    def commit(self, batch: CallBatch) -> None:
        self.ids[batch.agent_id] += [call.id for call in batch.calls]
        self.sizes[batch.agent_id].append(len(batch.calls))
        self.checkpoints[batch.agent_id] = Checkpoint.from_json(batch.checkpoint.to_json())
        if batch.done:
            self.done.append(batch.agent_id)
            assert batch.report.complete

    def commit_all(self, batches: Iterable[CallBatch]) -> Store:
        for batch in batches:
            self.commit(batch)
        return self


@pytest.mark.parametrize(
    ("agent", "sizes"),
    [("a", [100, 100, 100, 50]), ("b", [0]), ("c", [1]), ("e", [100, 100, 100, 100, 0])],
)
def test_batches_hold_every_call_in_order_and_the_last_one_is_done(
    make_client: MakeClient, api: Agents, agent: str, sizes: list[int]
) -> None:
    store = Store()
    listing = client_of(make_client, api).calls.list(agent)
    store.commit_all(listing.batches(100))
    assert store.ids[agent] == api.expected(agent)
    assert store.sizes[agent] == sizes
    assert store.done == [agent]
    assert listing.report.complete
    assert store.commit_all(listing.batches()).sizes[agent][-1] == COUNTS[agent]


@pytest.mark.parametrize("ordered", [False, True])
@pytest.mark.parametrize("concurrency", [1, 8])
def test_batches_of_many_agents_hold_one_agent_each(
    make_client: MakeClient, api: Agents, concurrency: int, *, ordered: bool
) -> None:
    told: list[AgentReport] = []
    listing = client_of(make_client, api).calls.list_many(
        COUNTS, concurrency=concurrency, ordered=ordered, on_agent=told.append
    )
    store = Store().commit_all(listing.batches(64))
    assert {agent: store.ids[agent] for agent in COUNTS} == {a: api.expected(a) for a in COUNTS}
    assert sorted(store.done) == sorted(one.agent_id for one in told) == sorted(COUNTS)
    assert all(sizes[:-1] == [64] * (len(sizes) - 1) for sizes in store.sizes.values())
    assert listing.report.complete
    if ordered:
        assert store.done == list(COUNTS)


@pytest.mark.share
def test_a_writer_that_is_killed_after_any_batch_goes_on_from_what_it_committed(
    make_client: MakeClient, api: Agents
) -> None:
    client = client_of(make_client, api)
    whole = len(list(client.calls.list_many(COUNTS).batches(64)))
    for committed in range(whole):
        store, batches = Store(), client.calls.list_many(COUNTS).batches(64)
        for _ in range(committed):
            store.commit(next(batches))
        batches.close()
        left = [agent for agent in COUNTS if agent not in store.done]
        store.commit_all(client.calls.list_many(left, resume=store.checkpoints).batches(64))
        assert {agent: store.ids[agent] for agent in COUNTS} == {a: api.expected(a) for a in COUNTS}
        assert sorted(store.done) == sorted(COUNTS)


def test_what_came_before_a_failure_is_a_batch_before_it_is_raised(
    make_client: MakeClient, api: Agents
) -> None:
    api.fail = failing("a", 500, page=3)
    client = client_of(make_client, api, max_retries=0)
    store = Store()
    with pytest.raises(InternalServerError) as caught:
        store.commit_all(client.calls.list("a", sort="created_on").batches())
    assert len(store.ids["a"]) in range(100, 200)
    assert store.checkpoints["a"] == caught.value.checkpoint
    assert store.done == []
    many = Store()
    with pytest.raises(ExceptionGroup):
        many.commit_all(client.calls.list_many(["c", "a", "d"], sort="created_on").batches())
    assert sorted(many.done) == ["c", "d"]
    assert many.ids["a"] == store.ids["a"]
    api.fail = lambda _agent, _page: None
    again = client.calls.list_many(["a"], sort="created_on", resume=many.checkpoints)
    many.commit_all(again.batches())
    assert many.ids["a"] == api.expected("a")[::-1]


@pytest.mark.parametrize("ordered", [False, True])
def test_what_came_before_an_error_of_the_callers_own_is_a_batch_too(
    make_client: MakeClient, api: Agents, *, ordered: bool
) -> None:
    def agents() -> Iterator[str]:
        yield "a"
        yield from ["c"] * 3
        raise LookupError("mine")

    def tell(agent: AgentReport) -> None:
        raise LookupError(agent.agent_id)

    client = client_of(make_client, api, concurrency=1)
    ways: list[dict[str, Any]] = [{}, {"on_agent": tell}, {"since": {"a": START}.__getitem__}]
    for way in ways:
        store = Store()
        ids = agents() if not way else ["a", "c"]
        with pytest.raises(LookupError):
            store.commit_all(client.calls.list_many(ids, ordered=ordered, **way).batches())
        given = store.ids["a"] + store.ids["c"]
        assert given
        assert given == [*api.expected("a"), *api.expected("c")][: len(given)]


def test_a_batch_is_the_last_one_if_the_iteration_is_closed_after_it(
    make_client: MakeClient, api: Agents
) -> None:
    client = client_of(make_client, api)
    for batches in (client.calls.list("a").batches(10), client.calls.list_many(COUNTS).batches(10)):
        next(batches)
        batches.close()
        asked = len(api.asked)
        assert list(batches) == []
        assert len(api.asked) == asked


def test_agents_that_gave_no_call_before_they_failed_have_no_batch(
    make_client: MakeClient, api: Agents
) -> None:
    store = Store()
    with pytest.raises(ExceptionGroup):
        store.commit_all(client_of(make_client, api).calls.list_many(["c", "none", ""]).batches())
    assert set(store.ids) == {"c"}


def test_what_meets_every_agent_leaves_what_was_gathered_of_each(
    make_client: MakeClient, api: Agents
) -> None:
    api.fail = failing("e", 401, page=4)
    store = Store()
    with pytest.raises(Exception, match="401"):
        store.commit_all(
            client_of(make_client, api, concurrency=2).calls.list_many(["a", "e"]).batches()
        )
    assert store.ids["e"] == api.expected("e")[: len(store.ids["e"])]
    assert "e" in store.ids
    assert "e" not in store.done


@pytest.mark.parametrize("size", [0, -1, 1.5, True])
def test_a_batch_has_a_size(make_client: MakeClient, api: Agents, size: Any) -> None:
    client = client_of(make_client, api)
    for listing in (client.calls.list("a"), client.calls.list_many(["a", "b"])):
        with pytest.raises(ConfigurationError, match="size"):
            listing.batches(size)
    assert not api.asked


def test_a_batch_is_arrow_data_with_the_schema_of_every_table(
    make_client: MakeClient, api: Agents
) -> None:
    client = client_of(make_client, api)
    schema = client.calls.list("a").to_arrow().schema
    for batch in client.calls.list_many(["b", "c"]).batches():
        data = batch.to_arrow()
        assert data.schema == schema
        assert data["agent_id"].to_pylist() == [batch.agent_id] * COUNTS[batch.agent_id]
        assert repr(batch) == f"CallBatch(agent_id={batch.agent_id!r}, done=True)"


# A moment of each agent's own.

SINCE: Mapping[str, Any] = {
    "a": START + timedelta(minutes=340),
    "d": "2026-01-01T01:40:00Z",
    "c": None,
}


@pytest.mark.parametrize("since", [SINCE, SINCE.get], ids=["mapping", "function"])
def test_each_agent_may_have_a_moment_of_its_own(
    make_client: MakeClient, api: Agents, since: Mapping[str, Any] | Callable[[str], Any]
) -> None:
    listing = client_of(make_client, api).calls.list_many(["a", "c", "d", "e"], since=since)
    store = Store().commit_all(listing.batches())
    assert {agent: len(ids) for agent, ids in store.ids.items()} == {
        "a": 10,
        "c": 1,
        "d": 20,
        "e": 400,
    }


def test_a_mapping_may_have_a_default(make_client: MakeClient, api: Agents) -> None:
    since: Mapping[str, Any] = defaultdict(lambda: SINCE["a"])
    listing = client_of(make_client, api).calls.list_many(["a"], since=since)
    assert len(list(listing)) == 10


@pytest.mark.parametrize("moment", ["some day", START, START + timedelta(days=1)])
def test_a_moment_that_is_none_or_too_late_is_a_failure_of_its_agent(
    make_client: MakeClient, api: Agents, moment: Any
) -> None:
    listing = client_of(make_client, api).calls.list_many(
        ["c", "d"], since={"d": moment}, until=START
    )
    with pytest.raises(ExceptionGroup) as caught:
        list(listing)
    (error,) = caught.value.exceptions
    assert isinstance(error, ConfigurationError)
    assert list(listing.report.failures) == ["d"]
