"""Random shifting listings: nothing missed or repeated wherever a walk says that it is complete.

SHIFTING_LISTINGS=n in the environment reads n times as many.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from simulation.shifting import (
    EPOCH,
    Outcome,
    ShiftingListing,
    moment,
    seeded,
    walk_through,
)

if TYPE_CHECKING:
    import random
    from datetime import datetime

REPEAT = int(os.environ.get("SHIFTING_LISTINGS", "1"))
IN_FLIGHT = (1, 2, 8, 32)

KINDS: dict[str, dict[str, Any]] = {
    "at rest": {},
    "1 insert a request": {"inserts": 1},
    "10 inserts a request": {"inserts": 10},
    "0.2 deletions a request": {"deletions": 0.2},
    "2 inserts and 1 deletion": {"inserts": 2, "deletions": 1},
    "bursts of 150 deletions": {"burst": 0.1},
    "late inserts in the middle": {"late_inserts": 1},
    "unstable ties, deletions": {"unstable_ties": True, "deletions": 0.2, "group": 3},
    "a filter whose rows flip": {"flips": 0.7},
    "all at once": {
        "inserts": 1,
        "late_inserts": 1,
        "deletions": 1,
        "burst": 0.02,
        "flips": 0.5,
        "unstable_ties": True,
        "group": 2,
    },
}
"""The rows of the table in the design notes; `group` is the largest number of equal keys."""

LARGE_GROUPS: dict[str, Any] = {"group": 150, "unstable_ties": True, "deletions": 0.2, "inserts": 1}


def listing_of(draw: random.Random, *, group: int = 1, **changes: Any) -> ShiftingListing:
    size = draw.randint(0, 2000)
    seconds: list[int] = []
    second = 0
    while len(seconds) < size:
        second += draw.randint(1, 9)
        seconds += [second] * draw.randint(1, group)
    return ShiftingListing(seconds, draw, newest_first=draw.random() < 0.5, **changes)


def assert_honest(outcome: Outcome) -> None:
    if outcome.report.complete:
        assert (outcome.missed, outcome.repeated) == (0, 0)
        assert outcome.report.reason is None
    else:
        assert outcome.report.reason


@pytest.mark.parametrize("in_flight", IN_FLIGHT)
@pytest.mark.parametrize("kind", KINDS)
def test_a_walk_over_a_shifting_listing_is_exact_and_proven(kind: str, in_flight: int) -> None:
    runs = 30 * REPEAT
    proven = 0
    reasons: set[str | None] = set()
    for seed in range(runs):
        draw = seeded(f"{kind} {in_flight} {seed}")
        outcome = walk_through(listing_of(draw, **KINDS[kind]), in_flight=in_flight)
        assert_honest(outcome)
        proven += outcome.report.complete
        reasons.add(outcome.report.reason)
    assert proven >= 0.99 * runs, reasons


@pytest.mark.parametrize("in_flight", IN_FLIGHT)
@pytest.mark.parametrize("kind", KINDS)
def test_a_walk_killed_and_resumed_loses_and_repeats_nothing(kind: str, in_flight: int) -> None:
    runs = 15 * REPEAT
    proven = 0
    reasons: set[str | None] = set()
    for seed in range(runs):
        draw = seeded(f"killed {kind} {in_flight} {seed}")
        listing = listing_of(draw, **KINDS[kind])
        outcome = walk_through(listing, in_flight=in_flight, kill=0.3)
        assert_honest(outcome)
        proven += outcome.report.complete
        reasons.add(outcome.report.reason)
    assert proven >= 0.99 * runs, reasons


@pytest.mark.parametrize("in_flight", IN_FLIGHT)
@pytest.mark.parametrize("kind", KINDS)
def test_a_time_window_of_a_shifting_listing_is_exact_and_proven(kind: str, in_flight: int) -> None:
    runs = 15 * REPEAT
    proven = 0
    reasons: set[str | None] = set()
    for seed in range(runs):
        draw = seeded(f"window {kind} {in_flight} {seed}")
        listing = listing_of(draw, **KINDS[kind])
        latest = max(listing.seconds, default=1)
        low, high = sorted((draw.randint(0, latest), draw.randint(0, latest)))
        since: datetime | None = draw.choice([None, moment(low), moment(low)])
        until: datetime | None = draw.choice([None, moment(high), moment(high)])
        wanted = range(low if since else 0, high if until else 10**9)
        outcome = walk_through(
            listing,
            in_flight=in_flight,
            kill=draw.choice([0, 0.3]),
            since=since,
            until=until,
            wanted=wanted,
        )
        assert_honest(outcome)
        for row in outcome.delivered:
            assert row.created_on is not None
            assert (since or EPOCH) <= row.created_on
            assert until is None or row.created_on < until
        proven += outcome.report.complete
        reasons.add(outcome.report.reason)
    assert proven >= 0.99 * runs, reasons


@pytest.mark.parametrize("in_flight", IN_FLIGHT)
def test_groups_of_equal_keys_beyond_any_window_are_never_called_complete_falsely(
    in_flight: int,
) -> None:
    for seed in range(50 * REPEAT):
        draw = seeded(f"groups {in_flight} {seed}")
        listing = listing_of(draw, **LARGE_GROUPS)
        assert_honest(walk_through(listing, in_flight=in_flight, kill=draw.choice([0, 0.2])))


def test_groups_of_up_to_thirty_equal_keys_are_proven() -> None:
    for seed in range(40 * REPEAT):
        draw = seeded(f"thirty {seed}")
        listing = listing_of(draw, group=30, unstable_ties=True)
        outcome = walk_through(listing)
        assert_honest(outcome)
        assert outcome.report.complete, outcome.report.reason


@pytest.mark.parametrize("newest_first", [False, True])
def test_a_listing_at_rest_costs_at_most_a_fifth_more_requests_and_no_repair(
    newest_first: bool,  # noqa: FBT001
) -> None:
    listing = ShiftingListing(list(range(20_000)), seeded(1), newest_first=newest_first)
    outcome = walk_through(listing)
    assert len(outcome.delivered) == 20_000
    assert listing.requests <= 1.2 * 200
    assert outcome.report.repairs == 0
    assert outcome.report.requests == outcome.report.pages == listing.requests
    assert outcome.report.complete


def test_inserts_at_the_end_cost_no_repair() -> None:
    listing = ShiftingListing(list(range(5_000)), seeded(1), inserts=10)
    for in_flight in IN_FLIGHT:
        assert walk_through(listing, in_flight=in_flight).report.repairs == 0
