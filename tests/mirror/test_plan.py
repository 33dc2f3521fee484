"""The rules of a copy, as functions of what it knows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from agentcalls.mirror import plan
from agentcalls.mirror.plan import AgentRow, OpenCall
from agentcalls.values import Report

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
PROVEN = Report(complete=True, total_count_first=7, total_count_last=7)
UNPROVEN = Report(reason="No order.", total_count_first=7, total_count_last=7)


def agent(**changed: Any) -> AgentRow:
    known: dict[str, Any] = {"agent_id": "a", "watermark": NOW - HOUR, "proven_at": NOW - HOUR}
    return AgentRow(**{**known, **changed})


@pytest.mark.parametrize(
    ("known", "follow", "since"),
    [
        # All that follow reaches, counted from the reading that was proven last.
        ({}, DAY, NOW - HOUR - DAY),
        # Calls that came in order are newer than the watermark, however short follow is.
        ({}, timedelta(), NOW - HOUR - 5 * MINUTE),
        ({"watermark": NOW - 30 * DAY}, DAY, NOW - 30 * DAY - 5 * MINUTE),
        # A call that claims to be of the far future hides none that came since.
        ({"watermark": NOW + 300 * DAY, "proven_at": NOW - 3 * DAY}, DAY, NOW - 4 * DAY),
        # A clock that was ahead when the last run was proven.
        ({"watermark": NOW + DAY, "proven_at": NOW + HOUR}, DAY, NOW - DAY),
        # Nothing was there yet, so everything is new, whatever the clocks say.
        ({"watermark": None}, DAY, None),
        ({"proven_at": None}, DAY, None),
        ({}, timedelta(days=999_999), plan.EARLIEST),
        ({"watermark": plan.EARLIEST}, DAY, plan.EARLIEST),
    ],
)
def test_an_agent_is_followed_from_what_was_proven(
    known: Any, follow: timedelta, since: datetime | None
) -> None:
    assert plan.since_of(agent(**known), NOW, follow) == since


def test_the_watermark_moves_with_a_proof_only() -> None:
    after = plan.followed(agent(error="x"), PROVEN, NOW - MINUTE, NOW)
    assert (after.watermark, after.proven_at, after.error) == (NOW - MINUTE, NOW, None)
    after = plan.followed(agent(), UNPROVEN, NOW - MINUTE, NOW)
    assert (after.watermark, after.proven_at) == (NOW - HOUR, NOW - HOUR)
    assert (after.error, after.server_count) == ("No order.", 7)


def test_the_watermark_does_not_fall_where_nothing_newer_came() -> None:
    assert plan.followed(agent(), PROVEN, NOW - DAY, NOW).watermark == NOW - HOUR
    assert plan.followed(agent(), PROVEN, None, NOW).watermark == NOW - HOUR


def test_a_whole_reading_goes_on_until_it_ends() -> None:
    begun = plan.begun(AgentRow(agent_id="a", checkpoint="old"), NOW)
    assert (begun.reading_since, begun.checkpoint) == (NOW, None)
    assert plan.begun(begun, NOW + HOUR) is begun


def test_a_first_load_counts_from_where_it_began() -> None:
    reading = AgentRow(agent_id="a", reading_since=NOW - DAY, checkpoint="{}")
    after = plan.reread(reading, PROVEN, NOW - HOUR, NOW)
    assert (after.proven_at, after.reread_at, after.tried_at) == (NOW - DAY, NOW - DAY, NOW)
    assert (after.watermark, after.reading_since, after.checkpoint) == (NOW - HOUR, None, None)
    assert after.is_loaded


def test_a_later_whole_reading_does_not_set_back_what_was_proven() -> None:
    after = plan.reread(agent(reading_since=NOW - DAY), PROVEN, None, NOW)
    assert (after.proven_at, after.watermark) == (NOW - HOUR, NOW - HOUR)


def test_an_unproven_whole_reading_proves_nothing_and_was_tried() -> None:
    after = plan.reread(agent(reading_since=NOW - DAY, proven_at=None), UNPROVEN, NOW, NOW)
    assert (after.proven_at, after.reread_at, after.tried_at) == (None, None, NOW)
    assert (after.watermark, after.error, after.reading_since) == (NOW - HOUR, "No order.", None)


def test_a_count_that_differs_twice_in_a_row_is_looked_into() -> None:
    once = plan.counted(agent(server_count=7), 8, steady=True)
    assert not plan.is_doubtful(once, NOW)
    assert plan.counted(once, 8, steady=False) is once
    twice = plan.counted(once, 6, steady=True)
    assert plan.is_doubtful(twice, NOW)
    assert plan.counted(twice, 7, steady=True).miscounts == 0
    assert plan.counted(twice, 7, steady=False).miscounts == 0


@pytest.mark.parametrize(
    ("tried", "doubtful"),
    [(None, True), (NOW - HOUR, True), (NOW - 59 * MINUTE, False), (NOW + 2 * HOUR, True)],
)
def test_a_count_that_never_agrees_has_an_agent_read_once_an_hour(
    tried: datetime | None,
    doubtful: bool,  # noqa: FBT001
) -> None:
    assert plan.is_doubtful(agent(miscounts=9, tried_at=tried), NOW) is doubtful


@pytest.mark.parametrize(
    ("known", "due"),
    [
        ({"watermark": NOW - DAY}, NOW + HOUR),
        ({"watermark": NOW - DAY + MINUTE}, None),
        ({"watermark": None}, NOW + HOUR),
        ({"watermark": None, "proven_at": None}, None),
        ({"watermark": NOW - DAY, "error": "x"}, None),
        ({"watermark": NOW - DAY, "miscounts": 1}, None),
        ({"watermark": NOW - DAY, "reading_since": NOW}, None),
    ],
)
def test_an_agent_that_is_quiet_and_proven_is_due_later(known: Any, due: datetime | None) -> None:
    assert plan.quieted(agent(**known), NOW, HOUR).due == due
    assert plan.quieted(agent(**known), NOW, None).due is None


@pytest.mark.parametrize(
    ("due", "every", "asked"),
    [
        (None, HOUR, True),
        (NOW + MINUTE, HOUR, False),
        (NOW, HOUR, True),
        (NOW - MINUTE, HOUR, True),
        (NOW + MINUTE, None, True),
        # The clock was set back since.
        (NOW + 2 * HOUR, HOUR, True),
    ],
)
def test_a_quiet_agent_waits_no_longer_than_was_asked_for(
    due: datetime | None,
    every: timedelta | None,
    asked: bool,  # noqa: FBT001
) -> None:
    assert plan.is_due(agent(due=due), NOW, every) is asked


def looks(age: timedelta, run_every: timedelta, runs: int) -> list[timedelta]:
    """The ages at which a call is looked at, by runs that begin when it is of this age."""
    call, known, found = OpenCall("a", "c", NOW), agent(), list[timedelta]()
    for run in range(runs):
        now = NOW + age + run * run_every
        if plan.due_calls([call], {"a": known}, now):
            found.append(now - NOW)
            known = agent(looked_at=now)
    return found


def test_an_open_call_is_looked_at_in_growing_intervals_and_daily_in_the_end() -> None:
    found = looks(DAY, timedelta(minutes=10), 6 * 24 * 20)
    assert found[0] == DAY
    waits = [after - before for before, after in pairwise(found)]
    assert waits[0] < 4 * HOUR
    week = [after - before for before, after in pairwise(found) if after > 8 * DAY]
    assert set(week) == {DAY}
    assert len(found) < 35


def test_a_younger_call_does_not_put_off_an_older_one() -> None:
    young, old = OpenCall("a", "y", NOW - DAY), OpenCall("a", "o", NOW - 30 * DAY)
    known, looked = agent(looked_at=NOW), list[datetime]()
    for run in range(1, 6 * 24 * 3):
        now = NOW + run * timedelta(minutes=10)
        due = plan.due_calls([young, old], {"a": known}, now)
        looked += [now for call in due if call is old]
        known = agent(looked_at=now) if due else known
    assert len(looked) in {2, 3}


def test_a_call_of_the_future_is_looked_at_once() -> None:
    assert plan.due_calls([OpenCall("a", "c", NOW + DAY)], {"a": agent()}, NOW)
    assert not plan.due_calls([OpenCall("a", "c", NOW + DAY)], {"a": agent(looked_at=NOW)}, NOW)


def test_calls_of_one_page_cost_one_request() -> None:
    ranks = [("b", 0), ("a", 100), ("a", 199), ("a", 99), ("a", 101)]
    assert plan.pages_of(ranks) == [("a", 1), ("a", 2), ("b", 1)]


def test_the_audit_goes_on_and_then_takes_those_that_were_read_longest_ago() -> None:
    agents = [
        agent(agent_id="lately", reread_at=NOW - HOUR, tried_at=NOW - HOUR),
        agent(agent_id="later", reread_at=NOW - 3 * DAY, tried_at=NOW - 2 * DAY),
        agent(agent_id="never"),
        agent(agent_id="begun", reread_at=NOW - HOUR, reading_since=NOW - MINUTE, tried_at=NOW),
        agent(agent_id="long ago", reread_at=NOW - 9 * DAY, tried_at=NOW - 9 * DAY),
    ]
    held = {"begun": 1000, "never": 40, "long ago": 5000}
    found = [(one.agent_id, one.most) for one in plan.audited(agents, held, 14, NOW, DAY)]
    assert found == [("begun", None), ("never", None), ("long ago", 85)]
    assert plan.audited(agents, held, 0, NOW, DAY) == []
    every = plan.audited(agents, held, 10_000, NOW, DAY)
    assert [one.agent_id for one in every] == ["begun", "never", "long ago", "later"]


def test_a_run_makes_at_least_one_request_an_agent() -> None:
    agents = [agent(agent_id="a"), agent(agent_id="b", server_count=250), agent(agent_id="c")]
    assert plan.least_requests(agents, {"a": 1001}, full=False) == 3
    assert plan.least_requests(agents, {"a": 1001}, full=True) == 11 + 3 + 1


AHEAD = 3650 * DAY
"""By how much a clock was ahead once, or a machine without one that keeps time begins at 2036."""


def test_a_clock_that_was_far_ahead_puts_off_neither_the_audit_nor_the_open_calls() -> None:
    known = agent(reread_at=NOW + AHEAD, looked_at=NOW + AHEAD)
    assert plan.audited([known], {}, 1, NOW, DAY)
    assert plan.due_calls([OpenCall("a", "c", NOW - 2 * DAY)], {"a": known}, NOW)
