"""The calls are made up, but nothing about them contradicts anything else."""

import itertools
import re
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random

import pytest

from agentcalls_mock import Call, Seeding
from agentcalls_mock.data import CLOSED_STATUSES, OPEN_STATUSES, generate_calls
from agentcalls_mock.seeding import calls_of, roster

E164 = re.compile(r"\+[1-9][0-9]{7,14}")
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


@pytest.fixture(scope="module")
def calls(seeding: Seeding) -> list[Call]:
    return list(generate_calls(3000, random=seeded(1), now=seeding.now))


def seeded(seed: int) -> Random:
    return Random(seed)  # made-up data, not a secret


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_equal_seedings_make_equal_calls_and_a_change_of_any_part_changes_them(
    seeding: Seeding,
) -> None:
    agent = roster(seeding)[0]
    first = list(calls_of(agent, seeding))

    assert first == list(calls_of(agent, replace(seeding)))
    assert first != list(calls_of(agent, replace(seeding, seed=12)))
    assert first != list(calls_of(agent, replace(seeding, now=seeding.now + timedelta(hours=1))))
    assert first == list(calls_of(agent, replace(seeding, agents=9)))


def test_there_are_the_agents_asked_for_and_the_fixed_ones(seeding: Seeding) -> None:
    counts = {agent.id: agent.calls for agent in roster(replace(seeding, agents=3, calls=50))}

    assert counts == {
        "agent_demo": 50,
        "agent_2": 5,
        "agent_3": 5,
        "agent_empty": 0,
        "agent_one": 1,
        "agent/with slash?&#é": 12,
        "agent_other_team": 12,
    }


@pytest.mark.parametrize("count", [7, 8, 60, 3000])
def test_every_known_status_occurs(count: int, seeding: Seeding) -> None:
    calls = list(generate_calls(count, random=seeded(1), now=seeding.now))

    assert {call.status for call in calls} == {*OPEN_STATUSES, *CLOSED_STATUSES}
    assert len(calls) == count


@pytest.mark.parametrize("count", [1, 2, 12, 250, 3000])
@pytest.mark.parametrize("seed", range(20))
def test_the_last_24_hours_are_never_empty(count: int, seed: int, seeding: Seeding) -> None:
    newest = next(generate_calls(count, random=seeded(seed), now=seeding.now))

    assert seeding.now - timedelta(hours=24) < at(newest.created_on) <= seeding.now


def test_ids_are_distinct_uuids_and_numbers_are_e164(calls: list[Call]) -> None:
    assert len({call.id for call in calls}) == len(calls)
    assert all(UUID.fullmatch(call.id) for call in calls)
    assert all(E164.fullmatch(call.destination) for call in calls)
    assert all(E164.fullmatch(call.source) for call in calls if call.source is not None)


def test_times_are_in_order_and_none_is_in_the_future(calls: list[Call], seeding: Seeding) -> None:
    for call in calls:
        times = [call.created_on, call.ringing_at, call.ended_at]
        known = [time for time in times if time is not None]
        assert all(TIMESTAMP.fullmatch(time) for time in known)
        assert known == sorted(known)
        assert at(known[-1]) <= seeding.now


def test_what_a_status_says_agrees_with_the_other_fields(calls: list[Call]) -> None:
    for call in calls:
        is_open = call.status in OPEN_STATUSES
        assert (call.ended_at is None) == is_open, call
        assert (call.end_reason is None) == is_open, call
        assert (call.error_reason is not None) == (call.status == "failed"), call
        assert (call.duration_seconds is not None) == (call.status == "ended"), call
        if call.status in ("ringing", "answered", "ended"):
            assert call.ringing_at is not None, call
        if call.status in ("queued", "busy"):
            assert call.ringing_at is None, call
        if call.direction == "inbound":
            assert call.status in ("ringing", "answered", "ended"), call


def test_durations_are_what_the_times_say(calls: list[Call]) -> None:
    for call in calls:
        if call.duration_seconds is not None:
            assert call.ringing_at is not None
            assert call.ended_at is not None
            spoken = at(call.ended_at) - at(call.ringing_at)
            assert spoken == timedelta(seconds=call.duration_seconds) > timedelta(0)


def test_the_variety_that_filters_and_sorts_need_is_there(calls: list[Call]) -> None:
    counts = Counter(call.status for call in calls)
    assert counts.pop("ringing") >= 1
    assert min(counts.values()) > 1
    assert {call.is_test_call for call in calls} == {True, False}
    assert {call.direction for call in calls} == {"inbound", "outbound"}
    assert {call.source is None for call in calls} == {True, False}
    assert {"%", "_"} <= set("".join(call.error_reason or "" for call in calls))


@pytest.mark.parametrize("count", [12, 3000])
def test_calls_come_newest_first_and_some_groups_share_their_time(
    count: int, seeding: Seeding
) -> None:
    times = [c.created_on for c in generate_calls(count, random=seeded(5), now=seeding.now)]
    groups = [len(list(group)) for _, group in itertools.groupby(times)]

    assert times == sorted(times, reverse=True)
    assert 1 < max(groups) < 40
