"""Random shifting listings: nothing missed or repeated wherever a walk says that it is complete.

A tenth of the listings whose seeds are fixed, and some new ones, whose seed is printed; SHIFTING_LISTINGS=1 in the
environment reads all of the fixed ones and five times as many new ones, =n reads n times as many of both.
"""

from __future__ import annotations

import itertools
import math
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
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

    Way = Callable[[ShiftingListing, int], Outcome]

REPEAT = float(os.environ.get("SHIFTING_LISTINGS", "0.1"))
IN_FLIGHT = (1, 2, 8, 32)
NEW_SEED = os.environ["AGENTCALLS_SEED"]

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


def draws(name: str, most: int) -> Iterator[random.Random]:
    """What to draw listings from, with seeds that are fixed: so many of them, or the share that is asked for."""
    return (seeded(f"{name} {seed}") for seed in range(math.ceil(most * REPEAT)))


def assert_honest(outcome: Outcome) -> None:
    if outcome.report.complete:
        assert (outcome.missed, outcome.repeated) == (0, 0)
        assert outcome.report.reason is None
    else:
        assert outcome.report.reason


def assert_proven(outcomes: list[Outcome], most: int) -> None:
    """That all walks but so many are proven."""
    unproven = [one.report.reason for one in outcomes if not one.report.complete]
    assert len(unproven) <= most, unproven


def most_unproven(walks: int) -> int:
    """The most walks to be unproven where one in a hundred is; more of them are in one of a million runs."""
    unproven, chance = 0, 0.99**walks
    likely = chance
    while likely < 1 - 1e-6:
        chance *= (walks - unproven) / (unproven + 1) * 0.01 / 0.99
        unproven += 1
        likely += chance
    return unproven


def walked(listing: ShiftingListing, in_flight: int) -> Outcome:
    return walk_through(listing, in_flight=in_flight)


def killed(listing: ShiftingListing, in_flight: int) -> Outcome:
    return walk_through(listing, in_flight=in_flight, kill=0.3)


def windowed(listing: ShiftingListing, in_flight: int) -> Outcome:
    """A walk through a time window, killed or not, which holds only what is in the window."""
    draw = listing.random
    latest = int(max(listing.seconds, default=1))
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
    for row in outcome.delivered:
        assert row.created_on is not None
        assert (since or EPOCH) <= row.created_on
        assert until is None or row.created_on < until
    return outcome


def honest(way: Way, draws: Iterable[random.Random], kind: str, in_flight: int) -> list[Outcome]:
    """What walks of one way over listings of one kind come to, each of them honest."""
    outcomes: list[Outcome] = []
    for draw in draws:
        outcomes.append(way(listing_of(draw, **KINDS[kind]), in_flight))
        assert_honest(outcomes[-1])
    return outcomes


@pytest.mark.share("kind")
@pytest.mark.parametrize("in_flight", IN_FLIGHT)
@pytest.mark.parametrize("kind", KINDS)
def test_a_walk_over_a_shifting_listing_is_exact_and_proven(kind: str, in_flight: int) -> None:
    outcomes = honest(walked, draws(f"{kind} {in_flight}", 30), kind, in_flight)
    assert_proven(outcomes, len(outcomes) // 100)


@pytest.mark.share("kind")
@pytest.mark.parametrize("in_flight", IN_FLIGHT)
@pytest.mark.parametrize("kind", KINDS)
def test_a_walk_killed_and_resumed_loses_and_repeats_nothing(kind: str, in_flight: int) -> None:
    outcomes = honest(killed, draws(f"killed {kind} {in_flight}", 15), kind, in_flight)
    assert_proven(outcomes, len(outcomes) // 100)


@pytest.mark.parametrize("in_flight", IN_FLIGHT)
def test_what_was_delivered_before_nearly_all_calls_stopped_matching_comes_once(
    in_flight: int,
) -> None:
    for draw in draws(f"hidden {in_flight}", 200):
        listing = listing_of(draw, hides=0.3, refuses=draw.random() < 0.5)
        assert_honest(walk_through(listing, in_flight=in_flight, kill=draw.choice([0.3, 0.6])))


@pytest.mark.share("kind")
@pytest.mark.parametrize("in_flight", IN_FLIGHT)
@pytest.mark.parametrize("kind", KINDS)
def test_a_time_window_of_a_shifting_listing_is_exact_and_proven(kind: str, in_flight: int) -> None:
    outcomes = honest(windowed, draws(f"window {kind} {in_flight}", 15), kind, in_flight)
    assert_proven(outcomes, len(outcomes) // 100)


def test_listings_that_nobody_has_seen_are_exact_and_nearly_all_proven() -> None:
    # One in a hundred is too few to be seen in the walks of a kind: the bound is on those of all kinds together.
    outcomes: list[Outcome] = []
    for way, kind, in_flight in itertools.product((walked, killed, windowed), KINDS, IN_FLIGHT):
        new = draws(f"new {NEW_SEED} {way.__name__} {kind} {in_flight}", 10)
        outcomes += honest(way, new, kind, in_flight)
    assert len(outcomes) >= 120
    assert_proven(outcomes, most_unproven(len(outcomes)))


def test_most_unproven_is_far_from_one_in_ten() -> None:
    assert [most_unproven(walks) for walks in (240, 1200, 12_000)] == [13, 32, 175]


@pytest.mark.parametrize("in_flight", IN_FLIGHT)
def test_groups_of_equal_keys_beyond_any_window_are_never_called_complete_falsely(
    in_flight: int,
) -> None:
    for draw in draws(f"groups {in_flight}", 50):
        listing = listing_of(draw, **LARGE_GROUPS)
        assert_honest(walk_through(listing, in_flight=in_flight, kill=draw.choice([0, 0.2])))


def test_groups_of_up_to_thirty_equal_keys_are_proven() -> None:
    for draw in draws("thirty", 40):
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
    # Two ask for the order. A first page that is not of the newest calls is not used.
    # One asks for the last of so many calls in the opposite order.
    besides = 3 if newest_first else 4
    assert outcome.report.requests == outcome.report.pages + besides == listing.requests
    assert outcome.report.proof == "order"
    assert outcome.report.complete


def test_inserts_at_the_end_cost_no_repair() -> None:
    listing = ShiftingListing(list(range(5_000)), seeded(1), inserts=10)
    for in_flight in IN_FLIGHT:
        outcome = walk_through(listing, in_flight=in_flight, sort="created_on")
        assert outcome.report.repairs == 0
