from __future__ import annotations

import statistics
import sys
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentcalls import Call
from agentcalls.cli.commands.stats.bars import label_of
from agentcalls.cli.show.units import clock, percent, tenths
from agentcalls.cli.summary import MOST_GROUPS, Summary, median, p95
from agentcalls.cli.zone import Zone

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def call_of(**fields: Any) -> Call:
    row: dict[str, Any] = {
        "id": "call_1",
        "source": None,
        "destination": "+2348012345678",
        "status": "ended",
        "direction": "outbound",
        "created_on": NOON,
        "duration_seconds": None,
        "is_test_call": False,
        "error_reason": None,
        "end_reason": None,
        "ringing_at": None,
        "ended_at": None,
    }
    return Call(**row | fields)


def summary_of(*calls: Call, by: str = "status", utc: bool = True) -> Summary:
    summary = Summary(by, Zone(UTC if utc else None))
    for call in calls:
        summary.add(call)
    return summary


@given(st.lists(st.integers(0, 50), min_size=1, max_size=60))
def test_median_and_p95_are_those_of_the_sorted_list(values: list[int]) -> None:
    counts = Counter(values)
    assert median(counts) == statistics.median(values)
    least = min(value for value in values if sum(v <= value for v in values) >= 0.95 * len(values))
    assert p95(counts) == least


def test_nothing_has_no_median_rate_or_share() -> None:
    row = summary_of().total().row(0)
    assert {name for name, value in row.items() if value is None} == {
        "share",
        "answer_rate",
        "failure_rate",
        "duration_median_seconds",
        "duration_p95_seconds",
        "ringing_median_seconds",
        "ringing_p95_seconds",
    }


def test_rates_are_of_the_calls_whose_outcome_is_known() -> None:
    statuses = ["queued", "ringing", None, "answered", "ended", "busy", "failed", "no_answer"]
    total = summary_of(*(call_of(status=status) for status in statuses)).total()
    assert (total.calls, total.decided, total.answered, total.failed) == (8, 5, 2, 1)
    row = total.row(16)
    assert (row["share"], row["answer_rate"], row["failure_rate"]) == (0.5, 0.4, 0.2)


def test_ringing_time_runs_from_creation_in_tenths_of_a_second_cut_off() -> None:
    rang = [NOON + timedelta(milliseconds=number) for number in (0, 199, 2_950)]
    ringing = summary_of(*(call_of(ringing_at=moment) for moment in rang)).total().ringing
    assert ringing == Counter([0, 1, 29])


@pytest.mark.parametrize(
    "fields",
    [
        {"duration_seconds": -1},
        {"duration_seconds": 10**900},
        {"ringing_at": NOON - timedelta(seconds=1)},
        {"ringing_at": NOON, "created_on": None},
        {"ringing_at": datetime.max.replace(tzinfo=UTC)},
    ],
)
def test_what_is_no_duration_counts_as_none(fields: dict[str, Any]) -> None:
    total = summary_of(call_of(**fields)).total()
    assert (total.calls, total.durations, total.ringing) == (1, Counter(), Counter())


def test_days_between_are_there_without_calls() -> None:
    days = [call_of(created_on=NOON - timedelta(days=number)) for number in (0, 3)]
    rows = summary_of(*days, call_of(created_on=None), by="day").rows()
    assert [(row["day"], row["calls"]) for row in rows] == [
        ("2026-11-20", 1),
        ("2026-11-21", 0),
        ("2026-11-22", 0),
        ("2026-11-23", 1),
        (None, 1),
    ]


def test_days_that_are_far_apart_stand_alone() -> None:
    days = [call_of(created_on=NOON - timedelta(days=number)) for number in (0, MOST_GROUPS)]
    assert len(summary_of(*days, by="day").rows()) == 2


def test_an_empty_listing_has_no_days_and_every_hour() -> None:
    assert summary_of(by="day").rows() == []
    assert [row["hour"] for row in summary_of(by="hour").rows()] == list(range(24))


def test_reasons_are_ordered_by_their_calls_then_by_name() -> None:
    reasons = ["b", "a", "c", "c", None]
    rows = summary_of(*(call_of(error_reason=each) for each in reasons), by="error_reason").rows()
    assert [row["error_reason"] for row in rows] == ["c", None, "a", "b"]


def test_reasons_are_free_text_so_they_are_bounded_in_number_and_length() -> None:
    calls = [call_of(end_reason=f"{number}") for number in range(MOST_GROUPS + 2)]
    summary = summary_of(*calls, call_of(end_reason="0"), by="end_reason")
    assert len(summary.rows()) == MOST_GROUPS
    other = summary.other()
    assert other
    assert other["calls"] == 2
    assert summary.total().calls == sum(row["calls"] for row in summary.rows()) + 2
    assert summary_of(*calls[:-2], by="end_reason").other() is None
    (row,) = summary_of(call_of(end_reason="x" * 10**5), by="end_reason").rows()
    assert row["end_reason"] == "x" * 500


def test_the_state_stays_small_however_many_calls_there_are() -> None:
    summary = summary_of(by="end_reason")
    calls = [
        call_of(duration_seconds=number % 600, end_reason=f"{number % 7}")
        for number in range(9_000)
    ]

    def size() -> int:
        return sum(sys.getsizeof(tally.durations) for tally in summary._groups.by_key.values())

    for call in calls[:4_200]:
        summary.add(call)
    before = size()
    for call in calls:
        summary.add(call)
    assert size() == before


def test_a_moment_that_the_zone_does_not_have_stays_in_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "XXX+5")
    time.tzset()
    first = datetime.min.replace(tzinfo=UTC)
    (row,) = summary_of(call_of(created_on=first), by="day", utc=False).rows()
    assert row["day"] == "0001-01-01"
    assert Zone().name(NOON) == "XXX (UTC-0500)"


def test_numbers_for_people() -> None:
    assert [clock(seconds) for seconds in (None, 0, 65, 3599, 3600, 7384.5)] == [
        "", "0:00", "1:05", "59:59", "1:00:00", "2:03:04",
    ]  # fmt: skip
    assert (percent(None), percent(0.12345), tenths(None), tenths(2.95)) == (
        "",
        "12.3%",
        "",
        "3.0 s",
    )
    assert (label_of("hour", 7), label_of("status", None)) == ("07:00", "(none)")
    assert label_of("end_reason", "\x1b[2J") == "\N{REPLACEMENT CHARACTER}[2J"
