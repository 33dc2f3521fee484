"""Whom to ask next and whose calls to hand out, decided without a socket."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from agentcalls import (
    AgentCallsError,
    AuthenticationError,
    BadRequestError,
    Call,
    InternalServerError,
    Page,
)
from agentcalls.reading.listing_options import ReadOptions
from agentcalls.reading.one_agent import AgentReader, PageRequest
from agentcalls.reading.ordered import OrderedSchedule
from agentcalls.reading.schedule import Schedule
from agentcalls.reading.walk.sort import KnownSorts
from agentcalls.request.query import CallQuery
from simulation.shifting import meta_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

START = datetime(2026, 1, 1, tzinfo=UTC)


def readings(
    agents: Iterable[str],
    *,
    concurrency: int = 4,
    stop_on_error: bool = False,
    ordered: bool = False,
    knows_sort: bool = True,
    **options: Any,
) -> Schedule[tuple[str, Call]]:
    """A schedule of a client that knows whether the server honours a sort, as it does; or that has to ask first."""
    sorts = KnownSorts()
    if knows_sort:
        sorts.learn("created_on", honoured=True)
    return (OrderedSchedule if ordered else Schedule)(
        list(agents),
        lambda agent: AgentReader(
            CallQuery(agent_id=agent),
            ReadOptions(**options),
            wall=START.timestamp(),
            sorts=sorts,
        ),
        lambda agent, calls: zip(itertools.repeat(agent), calls),
        concurrency=concurrency,
        stop_on_error=stop_on_error,
    )


def page_for(request: PageRequest, total: int) -> Page:
    """The answer of an agent with so many calls, the newest first where no other sort is asked for."""
    query = request.query
    page, limit = query.page or 1, query.limit or 100
    listed = range(total)[:: -1 if query.sort in {"created_on", "created_at"} else 1]
    numbers = listed[(page - 1) * limit : page * limit]
    meta = meta_of(total, page, limit)
    return Page([call(str(query.of_agent), number) for number in numbers], meta, None, None, None)


def call(agent: str, number: int) -> Call:
    return Call(
        id=f"{agent}_{number}",
        source="+1",
        destination="+2",
        status="ended",
        direction="outbound",
        created_on=START - timedelta(minutes=number),
        duration_seconds=1,
        is_test_call=False,
        error_reason=None,
        end_reason=None,
        ringing_at=None,
        ended_at=None,
    )


def planned(many: Schedule[Any]) -> list[PageRequest]:
    return list(iter(many.plan, None))


def agents_of(requests: Iterable[PageRequest]) -> list[str]:
    return [request.agent.id for request in requests]


def opened(many: Schedule[Any], *, total: int = 2) -> list[PageRequest]:
    """What is asked for once the first answer's second half comes."""
    (first,) = planned(many)
    many.answered(first, page_for(first, total))
    assert many.advance()
    assert planned(many) == []
    list(many.pending)
    assert many.advance()
    return planned(many)


def ids(many: Schedule[Any]) -> list[str]:
    return [str(call.id) for _, call in many.pending]


def test_one_request_until_half_of_the_first_answer_is_taken() -> None:
    many = readings("abcdefgh")
    assert agents_of(opened(many)) == ["b", "c", "d", "e"]


def test_agents_without_calls_open_the_window_too() -> None:
    many = readings("abcdefgh")
    (first,) = planned(many)
    many.answered(first, page_for(first, 0))
    assert many.advance()
    assert len(planned(many)) == 4


def test_an_agent_that_fails_opens_the_window_too() -> None:
    many = readings("abcdefgh")
    (first,) = planned(many)
    many.answered(first, InternalServerError("No."))
    assert not many.advance()
    assert len(planned(many)) == 4


def test_an_agent_that_is_begun_goes_before_a_new_one_and_new_ones_before_windows_ahead() -> None:
    many = readings("abcdefgh")
    assert agents_of(opened(many, total=1000)) == ["a", "b", "c", "d"]


def test_windows_ahead_go_to_the_agent_with_the_fewest() -> None:
    many = readings("ab", concurrency=7)
    requests = opened(many, total=1000)
    # Of b only one, until half of its first answer is taken.
    assert agents_of(requests) == ["a", "b", "a", "a", "a", "a", "a"]
    many.answered(requests[1], page_for(requests[1], 1000))
    list(many.pending)
    assert many.advance()
    assert agents_of(planned(many)) == ["a"]
    list(many.pending)
    assert many.advance()
    assert planned(many) == []
    for request in requests[:1] + requests[2:4]:
        many.answered(request, page_for(request, 1000))
    list(many.pending)
    assert many.advance()
    assert agents_of(planned(many)) == ["b"]


def test_answers_wait_in_the_window_until_it_is_their_turn() -> None:
    many = readings("a", concurrency=4)
    first, *ahead = opened(many, total=1000)
    list(many.pending)
    for request in reversed(ahead):
        many.answered(request, page_for(request, 1000))
        assert not many.advance()
        assert planned(many) == []
    many.answered(first, page_for(first, 1000))
    read: list[str] = []
    while many.advance():
        assert len(planned(many)) == 1
        read += ids(many)
    assert read == [f"a_{number}" for number in range(100, 100 + len(read))]
    assert len(read) > 300


def test_answers_of_different_agents_come_as_they_are_ready() -> None:
    many = readings("abcd")
    requests = opened(many)
    list(many.pending)
    for request in reversed(requests):
        many.answered(request, page_for(request, 1))
    assert agents_of(requests) == ["b", "c", "d"]
    order: list[str] = []
    while many.advance():
        order += ids(many)
    assert order == ["d_0", "c_0", "b_0"]
    many.end()
    assert many.report.complete


def test_windows_asked_for_in_vain_keep_their_slots_until_they_are_answered() -> None:
    many = readings("ab", concurrency=4, since=START - timedelta(minutes=350))
    first, _, *ahead = opened(many, total=1000)
    assert agents_of(ahead) == ["a", "a"]
    list(many.pending)
    many.answered(ahead[0], page_for(ahead[0], 1000))
    # As many calls as so far would have filled the windows ahead, but they come no more as often.
    answer = page_for(first, 1000)
    answer.data[55:] = [call("a", number) for number in range(600, 600 + len(answer.data[55:]))]
    many.answered(first, answer)
    assert many.advance()
    assert ids(many)[-1] == "a_150"
    assert not many.advance()
    assert many.report.agents["a"].complete
    assert many.report.agents["a"].requests == 4
    assert [request.stale for request in ahead] == [True, True]
    assert many._slots_taken == 2
    many.answered(ahead[1], page_for(ahead[1], 1000))
    assert many._slots_taken == 1


def test_failure_comes_in_its_turn_and_drops_what_was_asked_behind_it() -> None:
    many = readings("a", concurrency=4)
    requests = opened(many, total=1000)
    list(many.pending)
    many.answered(requests[1], InternalServerError("No."))
    many.answered(requests[2], page_for(requests[2], 1000))
    many.answered(requests[0], page_for(requests[0], 1000))
    assert many.advance()
    list(many.pending)
    assert not many.advance()
    assert many._slots_taken == 1
    many.answered(requests[3], InternalServerError("Never mind."))
    assert many._slots_taken == 0
    with pytest.raises(ExceptionGroup, match="1 of 1 agent failed") as caught:
        many.end()
    assert [str(error) for error in caught.value.exceptions] == [str(many.report.failures["a"])]
    many.end()
    assert planned(many) == []


def test_error_of_all_agents_is_raised_even_by_a_window_of_no_use() -> None:
    many = readings("a", concurrency=4)
    requests = opened(many, total=1000)
    list(many.pending)
    many.answered(requests[0], InternalServerError("No."))
    assert not many.advance()
    with pytest.raises(AuthenticationError):
        many.answered(requests[1], AuthenticationError("Nobody."))
    assert isinstance(many.report.failures["a"], InternalServerError)


def windows_of(requests: Iterable[PageRequest]) -> list[tuple[str, int, str | None]]:
    return [(request.agent.id, request.window.limit, request.window.sort) for request in requests]


PROBES = [("a", 10, "created_on"), ("a", 10, "-created_on")]


@pytest.mark.parametrize("ordered", [True, False])
def test_order_is_asked_for_beside_new_agents_and_once_for_all(*, ordered: bool) -> None:
    many = readings("ab", knows_sort=False, ordered=ordered)
    requests = opened(many, total=1000)
    assert sorted(windows_of(requests)) == sorted([*PROBES, ("b", 100, None)])
    other = next(request for request in requests if request.agent.id == "b")
    assert ids(many)[-1] == "a_99"
    requests.remove(other)
    for request in requests:
        many.answered(request, page_for(request, 1000))
        while many.advance():
            assert not ids(many)
    begun = planned(many)
    assert windows_of(begun) == [("a", 100, "-created_on")]
    # What one agent has shown, another does not ask for; it begins again with one window, as any listing does.
    many.answered(other, page_for(other, 1000))
    while many.advance():
        list(many.pending)
    assert windows_of(planned(many)) == [("b", 100, "-created_on")]
    many.answered(begun[0], page_for(begun[0], 1000))
    assert many.advance()
    assert not ids(many)
    assert {window[2] for window in windows_of(planned(many))} == {"-created_on"}


@pytest.mark.parametrize("ordered", [True, False])
def test_sort_that_is_refused_is_borne_and_the_next_name_tried(*, ordered: bool) -> None:
    many = readings("a", knows_sort=False, ordered=ordered)
    probes = opened(many, total=150)
    assert windows_of(probes) == PROBES
    list(many.pending)
    for request in probes:
        many.answered(request, BadRequestError("No such field.", status=400))
        while many.advance():
            assert not ids(many)
    probes = planned(many)
    assert windows_of(probes) == [("a", 10, "created_at"), ("a", 10, "-created_at")]
    for request in probes:
        many.answered(request, page_for(request, 150))
        while many.advance():
            assert not ids(many)
    (request,) = planned(many)
    many.answered(request, page_for(request, 150))
    assert many.advance()
    assert ids(many) == []
    (request,) = planned(many)
    assert request.window.sort == "-created_at"
    many.answered(request, page_for(request, 150))
    assert many.advance()
    assert ids(many) == [f"a_{number}" for number in range(100, 150)]
    assert not many.advance()
    assert many.report.agents["a"].complete
    assert many.report.agents["a"].proof == "order"


@pytest.mark.parametrize("ordered", [True, False])
def test_probe_that_fails_otherwise_fails_its_agent(*, ordered: bool) -> None:
    many = readings("a", knows_sort=False, ordered=ordered)
    first, second = opened(many, total=150)
    list(many.pending)
    many.answered(first, InternalServerError("No."))
    assert not many.advance()
    many.answered(second, page_for(second, 150))
    with pytest.raises(ExceptionGroup, match="1 of 1 agent failed"):
        many.end()
    checkpoint = many.report.checkpoints["a"]
    many = readings("a", ordered=ordered, resume=checkpoint)
    read: list[str] = []
    while requests := planned(many):
        for request in requests:
            many.answered(request, page_for(request, 150))
        while many.advance():
            read += ids(many)
    assert read == [f"a_{number}" for number in range(100, 150)]


def test_what_is_answered_after_the_end_changes_nothing() -> None:
    many = readings("ab")
    requests = opened(many, total=1000)
    many.stop()
    before = many.report
    for request in requests:
        many.answered(request, page_for(request, 1000))
    assert not many.advance()
    assert many.report == before
    assert set(before.checkpoints) == {"a", "b"}


def in_order(total: int, *, concurrency: int = 2) -> tuple[Schedule[Any], list[PageRequest]]:
    """A schedule in order whose first agent is at its second half, and what is asked for then."""
    many = readings("abcdefghijklmnopqrstuvwxyz", concurrency=concurrency, ordered=True)
    return many, opened(many, total=total)


def test_in_order_each_agent_is_asked_for_all_it_can_use_before_the_next() -> None:
    _, requests = in_order(250, concurrency=4)
    assert agents_of(requests) == ["a", "a", "b", "c"]


def test_in_order_six_answers_wait_for_each_request_and_the_first_agent_may_always_ask() -> None:
    many, (slow, *others) = in_order(150)
    assert agents_of([slow, *others]) == ["a", "b"]
    list(many.pending)
    waiting = 0
    while others:
        (request,) = others
        many.answered(request, page_for(request, 150))
        waiting += 1
        assert not many.advance()
        others = planned(many)
    # Two windows of each agent; the slow one has a slot too.
    assert waiting == 11
    many.answered(slow, page_for(slow, 150))
    assert many.advance()
    assert len(ids(many)) == 50
    given: list[str] = []
    while many.advance():
        for request in planned(many):
            many.answered(request, page_for(request, 150))
        given += [agent for agent, _ in many.pending]
    assert given == sorted(given)
    assert given.count("z") == 150


def test_in_order_a_first_answer_is_read_before_its_turn_and_a_failure_waits() -> None:
    many, (slow, second, third, fourth) = in_order(150, concurrency=4)
    assert agents_of([slow, second, third, fourth]) == ["a", "b", "c", "d"]
    many.answered(second, page_for(second, 150))
    many.answered(third, AuthenticationError("Nobody."))
    assert agents_of(planned(many)) == ["b", "e"]
    assert "c" not in many.report.failures
    assert many.agent("b").report.pages == 1
    assert not many.agent("b").report.complete


def test_in_order_the_first_agent_may_ask_though_the_answers_of_later_ones_fill_the_window() -> (
    None
):
    many, requests = in_order(150, concurrency=4)
    list(many.pending)
    slow = requests[1]
    others = [request for request in requests if request is not slow]
    while others:
        for request in others:
            many.answered(request, page_for(request, 150))
        while many.advance():
            list(many.pending)
        others = planned(many)
    assert agents_of([slow]) == ["b"]
    many.answered(slow, page_for(slow, 1000))
    assert many.advance()
    assert agents_of(planned(many)) == ["b", "b", "b", "b"]


def driven(
    many: Schedule[Any], answer: Callable[[PageRequest], Page | AgentCallsError], *, latest: bool
) -> tuple[list[str], list[PageRequest]]:
    """What is delivered, and all requests: the earliest of those in flight is answered next, or the latest."""
    read: list[str] = []
    requests: list[PageRequest] = []
    under_way: list[PageRequest] = []
    while True:
        new = planned(many)
        requests += new
        under_way += new
        if not under_way:
            return read, requests
        request = under_way.pop(-1 if latest else 0)
        found = answer(request)
        if isinstance(found, AgentCallsError):
            many.answered(request, found)
        else:
            many.answered(request, found)
        while many.advance():
            read += ids(many)


def of_probes(requests: Iterable[PageRequest]) -> list[PageRequest]:
    return [request for request in requests if request.window.limit == 10]


SEVERAL = {"a": 2} | dict.fromkeys("bcdefghijk", 250)
"""So many calls of each agent: the first has no need to know the order, and begins all others at once."""


def answer_of_several(request: PageRequest) -> Page:
    return page_for(request, SEVERAL[request.agent.id])


@pytest.mark.parametrize("latest", [False, True])
@pytest.mark.parametrize(("ordered", "most"), [(False, 2), (True, 4)])
@pytest.mark.parametrize("options", [{}, {"since": timedelta(minutes=40)}, {"oldest_first": True}])
def test_agents_that_are_begun_at_once_ask_for_the_order_once(
    most: int, options: dict[str, Any], *, ordered: bool, latest: bool
) -> None:
    many = readings(SEVERAL, concurrency=8, knows_sort=False, ordered=ordered, **options)
    read, requests = driven(many, answer_of_several, latest=latest)
    assert 0 < len(of_probes(requests)) <= most
    assert many.report.complete, many.report.reason
    calls = min(250, 41 if "since" in options else 250)
    assert len(read) == len(set(read)) == 2 + 10 * calls


@pytest.mark.parametrize("latest", [False, True])
@pytest.mark.parametrize("ordered", [False, True])
def test_a_sort_that_is_refused_to_one_agent_is_asked_of_no_other(
    *, ordered: bool, latest: bool
) -> None:
    many = readings(SEVERAL, concurrency=8, knows_sort=False, ordered=ordered)
    read, requests = driven(
        many,
        lambda request: (
            BadRequestError("No such field.", status=400)
            if "created_on" in str(request.window.sort)
            else answer_of_several(request)
        ),
        latest=latest,
    )
    assert len(of_probes(requests)) <= (8 if ordered else 4)
    assert many.report.complete, many.report.reason
    assert len(read) == len(set(read)) == 2 + 10 * 250


@pytest.mark.parametrize("ordered", [False, True])
@pytest.mark.parametrize("latest", [False, True])
@pytest.mark.parametrize("failing", [1, 2, 3])
def test_another_agent_asks_for_the_order_where_the_one_that_asks_fails(
    failing: int, *, ordered: bool, latest: bool
) -> None:
    many = readings(SEVERAL, concurrency=8, knows_sort=False, ordered=ordered)
    failed: dict[str, None] = {}

    def answer(request: PageRequest) -> Page | AgentCallsError:
        if request.window.limit == 10 and (request.agent.id in failed or len(failed) < failing):
            failed[request.agent.id] = None
            return InternalServerError("No.")
        return answer_of_several(request)

    driven(many, answer, latest=latest)
    with pytest.raises(ExceptionGroup, match=f"{failing} of 11 agents? failed"):
        many.end()
    assert set(many.report.failures) == set(failed)
    assert all(many.report.agents[one].complete for one in set(SEVERAL) - set(failed))


def test_no_more_agents_are_begun_while_others_wait_for_the_order() -> None:
    agents = [f"agent_{number}" for number in range(60)]
    many = readings(agents, concurrency=8, knows_sort=False)
    requests = opened(many, total=250)
    held: list[PageRequest] = []
    while requests:
        held += of_probes(requests)
        for request in requests:
            if request not in held:
                many.answered(request, page_for(request, 250))
        while many.advance():
            list(many.pending)
        requests = planned(many)
    assert len(held) == 2
    assert len(many.report.agents) <= 8 + 2
