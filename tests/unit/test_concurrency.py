from __future__ import annotations

import heapq

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentcalls import ConfigurationError
from agentcalls.reading.listing_options import ReadOptions
from agentcalls.request.concurrency import AutoConcurrency
from agentcalls.settings import CONCURRENCY, MAX_CONCURRENCY


def settled(slots: int, *, answers: int = 1000, seconds: float = 0.05) -> AutoConcurrency:
    """What is found for a server that works on so many requests at once, and lets the others wait."""
    found, now = AutoConcurrency(), 0.0
    free, asked = [0.0] * slots, list[tuple[float, float]]()
    for _ in range(answers):
        while len(asked) < int(found):
            ends = max(now, heapq.heappop(free)) + seconds
            heapq.heappush(free, ends)
            heapq.heappush(asked, (ends, now))
        now, sent_at = heapq.heappop(asked)
        found.answered(now - sent_at)
    return found


@pytest.mark.parametrize(
    ("slots", "least", "most"),
    [(1000, 64, 64), (64, 64, 64), (32, 32, 64), (4, CONCURRENCY, 32), (1, CONCURRENCY, 32)],
)
def test_it_is_as_many_as_the_server_answers_in_time(slots: int, least: int, most: int) -> None:
    assert least <= int(settled(slots)) <= most


def test_a_refusal_halves_it_once_for_all_that_were_sent_before() -> None:
    found = settled(1000)
    for sent_at in (9.0, 9.5, 9.9):
        found.refused(sent_at, now=10.0)
    assert int(found) == MAX_CONCURRENCY // 2
    found.refused(10.0, now=10.1)
    assert int(found) == MAX_CONCURRENCY // 4


def test_after_a_refusal_it_grows_by_one_for_as_many_answers_as_are_in_flight() -> None:
    found = settled(1000)
    found.refused(9.0, now=10.0)
    for _ in range(MAX_CONCURRENCY // 2 + 1):
        found.answered(0.05)
    assert int(found) == MAX_CONCURRENCY // 2 + 1


def test_a_server_that_became_slower_for_good_is_in_time_again() -> None:
    found = settled(1000)
    for _ in range(50):
        found.answered(0.2)
    assert int(found) < MAX_CONCURRENCY
    for _ in range(1500):
        found.answered(0.2)
    assert int(found) == MAX_CONCURRENCY


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 1e6)), max_size=200))
def test_whatever_comes_it_stays_within_bounds(events: list[tuple[bool, float]]) -> None:
    found, now = AutoConcurrency(), 0.0
    for is_answer, seconds in events:
        now += seconds
        if is_answer:
            found.answered(seconds)
        else:
            found.refused(now - seconds, now)
        assert 2 <= int(found) <= MAX_CONCURRENCY


@pytest.mark.parametrize("value", [0, 65, -1, True, 8.0, "8", "AUTO", "", b"auto", [], "auto "])
def test_anything_else_is_refused_with_what_it_takes(value: object) -> None:
    with pytest.raises(ConfigurationError, match=r'concurrency takes .* or "auto"\.$'):
        ReadOptions(concurrency=value)  # type: ignore[arg-type]
