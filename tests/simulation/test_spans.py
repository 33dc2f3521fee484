"""Time windows of long listings that shift while their beginning is searched for: exact, and nearly all proven."""

from __future__ import annotations

import itertools
import math
import os
from bisect import insort
from typing import TYPE_CHECKING

import pytest
from attrs import frozen, mutable

from simulation.shifting import (
    Kept,
    Outcome,
    ShiftingListing,
    by_creation,
    moment,
    seeded,
    walk_through,
)
from simulation.test_shifting_listings import IN_FLIGHT, KINDS, assert_honest, most_unproven

if TYPE_CHECKING:
    import random

REPEAT = float(os.environ.get("SHIFTING_LISTINGS", "0.1"))
NEW_SEED = os.environ["AGENTCALLS_SEED"]
WALKS = 12
BESIEGED = 300


@frozen
class Read:
    """What a walk through a time window came to."""

    outcome: Outcome
    was_sought: bool
    """Whether it left out what lies before the time window."""


def read(draw: random.Random, kind: str, in_flight: int) -> Read:
    """A walk through a short time window of a listing of some thousand calls, with bursts and gaps."""
    changes = dict(KINDS[kind])
    group = changes.pop("group", 1)
    size, seconds, second = draw.randint(1000, 8000), list[int](), 0
    while len(seconds) < size:
        second += draw.choice([1, 1, draw.randint(1, 9), 5000 if draw.random() < 0.01 else 2])
        seconds += [second] * draw.randint(1, group)
    low = draw.randint(0, second)
    high = low + draw.choice([0, 10, 1000, 5000])
    since, until = draw.choice([(low, high), (low, high), (low, None), (None, high)])
    listing = ShiftingListing(seconds, draw, newest_first=draw.random() < 0.5, **changes)
    outcome = walk_through(
        listing,
        in_flight=in_flight,
        kill=draw.choice([0, 0, 0.1, 0.3]),
        sort=draw.choice([None, None, "created_on", "-created_on"]),
        since=None if since is None else moment(since),
        until=None if until is None else moment(until),
        wanted=range(since or 0, 10**9 if until is None else until),
    )
    assert_honest(outcome)
    # Rows of a few hundred calls before the time window are read, or thousands.
    report = outcome.report
    return Read(outcome, report.requests > report.pages and report.pages < size // 200)


@pytest.mark.share
@pytest.mark.parametrize("base", ["fixed", f"new {NEW_SEED}"])
def test_a_time_window_that_is_searched_for_meanwhile_is_exact_and_nearly_always_proven(
    base: str,
) -> None:
    ways = itertools.product(KINDS, IN_FLIGHT, range(math.ceil(WALKS * REPEAT)))
    found = [
        read(seeded(f"span {base} {kind} {in_flight} {number}"), kind, in_flight)
        for kind, in_flight, number in ways
    ]
    unproven = [one.outcome.report.reason for one in found if not one.outcome.report.complete]
    assert len(unproven) <= most_unproven(len(found)), unproven
    assert sum(one.was_sought for one in found) > len(found) / 4


@mutable
class BesiegedListing(ShiftingListing):
    """A listing that changes outside of a time window only, but there by up to 300 neighbours at once.

    A search that ended right is wrong by its first window: that one begins within the time window, or far before it.
    """

    low: int = 0
    """The second in which the time window begins."""
    high: int = 0
    """The first second behind it."""

    def change(self) -> None:
        if self.random.random() < 0.5:
            return
        outside = [
            [at for at, kept in enumerate(self._rows) if kept.second < self.low],
            [at for at, kept in enumerate(self._rows) if kept.second >= self.high],
        ]
        places = self.random.choice(outside)
        count = min(len(places), self.random.randint(1, 300))
        if self.random.random() < 0.7:
            first = self.random.choice([0, len(places) - count])
            self._remove(places[0] + first if places else 0, count)
            return
        new: list[Kept] = [self._new(self._rows[at].second) for at in places[:count]]
        for kept in new:
            insort(self._rows, kept, key=by_creation)


def besieged(draw: random.Random, in_flight: int) -> Outcome:
    """A walk through a time window of a listing whose other calls come and go while the window is searched for."""
    seconds = list(itertools.accumulate(draw.choice([1, 1, 2, 9]) for _ in range(8000)))
    low = draw.choice(seconds[2000:6000])
    high = low + draw.choice([10, 300, 1000])
    newest_first = draw.random() < 0.5
    listing = BesiegedListing(seconds, draw, newest_first, low=low, high=high)
    return walk_through(
        listing,
        in_flight=in_flight,
        kill=draw.choice([0, 0, 0.1]),
        sort="-created_on" if newest_first else "created_on",
        since=moment(low),
        until=moment(high),
        wanted=range(low, high),
    )


@pytest.mark.share
@pytest.mark.parametrize("base", ["fixed", f"new {NEW_SEED}"])
def test_calls_that_come_and_go_beside_a_time_window_hide_none_of_its_calls(base: str) -> None:
    found = [
        besieged(seeded(f"besieged {base} {number}"), IN_FLIGHT[number % len(IN_FLIGHT)])
        for number in range(math.ceil(BESIEGED * REPEAT))
    ]
    for outcome in found:
        assert_honest(outcome)
    # 892 of 900 were; in the others the order was not seen, or a seam was lost nine times.
    assert sum(one.report.complete for one in found) > 0.8 * len(found)
