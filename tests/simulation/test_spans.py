"""Time windows of long listings that shift while their beginning is searched for: exact, and nearly all proven."""

from __future__ import annotations

import itertools
import math
import os
from typing import TYPE_CHECKING

import pytest
from attrs import frozen

from simulation.shifting import Outcome, ShiftingListing, moment, seeded, walk_through
from simulation.test_shifting_listings import IN_FLIGHT, KINDS, assert_honest, most_unproven

if TYPE_CHECKING:
    import random

REPEAT = float(os.environ.get("SHIFTING_LISTINGS", "0.1"))
NEW_SEED = os.environ["AGENTCALLS_SEED"]
WALKS = 12


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
