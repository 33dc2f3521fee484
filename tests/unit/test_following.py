from __future__ import annotations

import random
from datetime import timedelta
from typing import TYPE_CHECKING

import attrs
import pytest

from agentcalls.cli.commands.tail.following import MARGIN, Event, Follower, first_since
from agentcalls.cli.commands.tail.polling import pause
from made import NOON, call

if TYPE_CHECKING:
    from datetime import datetime

    from agentcalls import Call

HOUR = timedelta(hours=1)
OVER = ("ended", "busy", "failed", "cancelled")


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def told(events: list[Event]) -> list[tuple[str, str | None, str, str]]:
    return [
        (event.kind, event.previous_status, event.call.id, event.call.status) for event in events
    ]


def test_what_is_there_to_begin_with_is_shown_oldest_first_and_is_no_news() -> None:
    follower = Follower(follow=HOUR)
    older, newer = call("a", at=at(-2)), call("b", "ringing", at=at(-1))
    assert told(follower.begin([newer, older], [newer], now=NOON)) == [
        ("earlier", None, "b", "ringing")
    ]
    assert follower.accept([newer, older], now=NOON) == []


def test_new_calls_and_changes_are_told_once_by_the_moment_of_creation() -> None:
    follower = Follower(follow=HOUR)
    follower.begin([call("a", "ringing")], [], now=NOON)
    answer = [call("c", at=at(2)), call("b", at=at(1)), call("a", "answered")]
    assert told(follower.accept(answer, now=at(3))) == [
        ("changed", "ringing", "a", "answered"),
        ("new", None, "b", "ended"),
        ("new", None, "c", "ended"),
    ]
    assert follower.accept(answer, now=at(3)) == []


def test_a_change_between_what_is_there_and_what_is_shown_of_it_is_not_told_again() -> None:
    follower = Follower(follow=HOUR)
    begun = follower.begin(
        [call("a", "ringing")], [call("a", "ended"), call("b", at=at(1))], now=NOON
    )
    assert told(begun) == [("earlier", None, "a", "ended"), ("earlier", None, "b", "ended")]
    assert follower.accept([call("a", "ended"), call("b", at=at(1))], now=at(1)) == []


def test_a_call_that_is_not_over_is_read_until_it_is() -> None:
    follower = Follower(follow=HOUR)
    follower.begin([call("old", "answered", at=at(-50)), call("new")], [], now=NOON)
    assert follower.since == at(-50)
    assert told(follower.accept([call("old", "failed", at=at(-50))], now=NOON)) == [
        ("changed", "answered", "old", "failed")
    ]
    assert follower.since == NOON - MARGIN
    assert len(follower) == 1


def test_a_call_is_not_followed_for_ever() -> None:
    follower = Follower(follow=HOUR)
    follower.begin([call("stuck", "queued")], [], now=NOON)
    follower.accept([call("new", at=at(59))], now=at(59))
    assert follower.since == NOON
    follower.accept([call("newer", at=at(61))], now=at(61))
    # No older one is followed now, but for the few minutes that a call may be late.
    assert follower.since == at(61) - MARGIN
    assert len(follower) == 2


def test_the_number_of_calls_kept_in_mind_has_an_end_and_what_was_forgotten_is_not_read_again() -> (
    None
):
    follower = Follower(follow=HOUR, most=10)
    calls = [call(f"call_{number}", "ringing", at=at(number / 60)) for number in range(30)]
    follower.begin(calls, [], now=at(1))
    assert (len(follower), follower.since) == (10, at(20 / 60))
    assert follower.accept(calls[20:], now=at(1)) == []
    assert follower.since == at(20 / 60)


def test_with_a_status_a_call_is_told_once_it_has_it_though_it_is_old() -> None:
    follower = Follower(follow=HOUR, status="failed")
    follower.begin([call("a", "answered", at=at(-30))], [], now=NOON)
    polls = [
        [call("a", "answered", at=at(-30)), call("b", "ringing")],
        [call("a", "failed", at=at(-30)), call("b", "ended"), call("c", "failed", at=at(1))],
    ]
    assert [told(follower.accept(poll, now=at(1))) for poll in polls] == [
        [],
        [("changed", "answered", "a", "failed"), ("new", None, "c", "failed")],
    ]


def test_an_end_is_a_change_whatever_the_status_is_called() -> None:
    follower = Follower(follow=HOUR)
    follower.begin([call("a", "transferred")], [], now=NOON)
    ended = attrs.evolve(call("a", "transferred"), ended_at=at(1))
    assert told(follower.accept([ended], now=at(1))) == [
        ("changed", "transferred", "a", "transferred")
    ]


def test_what_is_over_does_not_begin_again_in_a_stale_answer() -> None:
    follower = Follower(follow=HOUR)
    follower.begin([call("a", "ended")], [], now=NOON)
    assert follower.accept([call("a", "ringing")], now=NOON) == []
    assert follower.accept([call("a", "ended")], now=NOON) == []
    assert told(follower.accept([call("a", "failed")], now=NOON)) == [
        ("changed", "ended", "a", "failed")
    ]


def test_rows_without_id_or_moment_are_left_out() -> None:
    follower = Follower(follow=HOUR)
    assert follower.begin([call(None), call("a", at=None)], [], now=NOON) == []
    assert follower.since is None
    assert follower.accept([call(None), call("a", at=None)], now=NOON) == []


def test_a_call_of_the_future_does_not_hide_those_of_the_present() -> None:
    follower = Follower(follow=HOUR)
    follower.begin([call("future", at=at(10_000)), call("present")], [], now=NOON)
    assert follower.since == NOON - MARGIN
    assert first_since([call("future", at=at(10_000))], HOUR, NOON) == NOON - HOUR


def test_reading_begins_as_long_before_the_newest_call_as_calls_are_followed() -> None:
    assert first_since([call(), call("a", at=at(-5)), call(None)], HOUR, at(600)) == NOON - HOUR
    assert first_since([call()], timedelta(0), NOON) == NOON - MARGIN
    assert first_since([call(None)], HOUR, NOON) is None


@pytest.mark.parametrize(
    ("failures", "asked", "seconds"),
    [(0, None, 10), (1, None, 20), (2, None, 30), (10**6, None, 30), (1, 45.0, 45), (1, 1.0, 20)],
)
def test_pauses_grow_to_half_a_minute_and_keep_to_what_the_server_asks(
    failures: int, asked: float | None, seconds: float
) -> None:
    assert pause(10, failures, asked) == seconds
    assert pause(60, failures, None) == 60


@pytest.mark.share(one_in=4)
@pytest.mark.parametrize("seed", range(40))
def test_whatever_happens_each_state_that_a_poll_saw_is_told_once(seed: int) -> None:
    draw = random.Random(seed)
    follower = Follower(follow=HOUR, status=draw.choice([None, "failed"]))
    rows: dict[str, Call] = {}
    due: dict[
        str, float
    ] = {}  # minutes at which a call appears, up to the margin after its creation
    expected: list[tuple[str | None, str, str]] = []
    seen: dict[str, str] = {}
    actual: list[tuple[str | None, str, str]] = []
    since = at(-MARGIN.total_seconds())
    for minute in range(300):
        now = at(minute)
        for number in range(draw.choice([0, 0, 1, 3])):
            name = f"call_{minute:03}_{number}"
            rows[name] = call(name, "queued", at=now)
            due[name] = minute + draw.choice([0, 0, 4])
        for name, row in rows.items():
            age = now - row.created_on
            if row.status not in OVER and (age > timedelta(minutes=50) or draw.random() < 0.05):
                rows[name] = attrs.evolve(
                    row,
                    status=draw.choice([*OVER, "ringing"])
                    if age < timedelta(minutes=50)
                    else "failed",
                )
        if draw.random() < 0.3:  # the network is gone
            continue
        answer = [
            row
            for name, row in rows.items()
            if due[name] <= minute and (follower.since is None or row.created_on >= follower.since)
        ]
        for name, row in rows.items():
            if due[name] <= minute and seen.get(name) != row.status:
                expected.append((seen.get(name), name, row.status))
                seen[name] = row.status
        draw.shuffle(answer)
        actual += [
            (event.previous_status, event.call.id, event.call.status)
            for event in follower.accept(answer, now=now)
        ]
        assert len(follower) <= 3 * 61
        assert follower.since is None or follower.since >= since
        since = follower.since or since
    if follower.status:
        expected = [change for change in expected if change[2] == "failed"]
    assert len(expected) > 20
    assert sorted(actual, key=str) == sorted(expected, key=str)


def test_a_call_of_the_year_1_is_followed_like_any_other() -> None:
    first = NOON.replace(year=1, month=1, day=1)
    began = first.replace(hour=0)
    assert first_since([call(at=first)], 24 * HOUR, NOON) == began
    follower = Follower(follow=24 * HOUR)
    follower.begin([call("a", "ringing", at=began)], [], now=NOON)
    assert follower.since == began
    assert told(follower.accept([call("a", "ended", at=began)], now=NOON)) == [
        ("changed", "ringing", "a", "ended")
    ]
