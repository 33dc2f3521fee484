"""Servers that lie about their order, or keep it and lie about all else: no walk is complete falsely."""

from __future__ import annotations

import math
import os
from contextlib import nullcontext, suppress

import pytest

from agentcalls.errors import PaginationError
from agentcalls.settings import MAX_LIMIT
from simulation.lying import NAMES, Told, told
from simulation.shifting import RefusedError, ShiftingListing, seeded, walk_through

REPEAT = float(os.environ.get("SHIFTING_LISTINGS", "0.1"))
NEW_SEED = os.environ["AGENTCALLS_SEED"]
WALKS = 700 * max(REPEAT, 1)
ODD_WALKS = 600 * REPEAT

# Seeds that were told falsely once, and one that did not end.
CASES = (
    "p 4625",
    "p 5691",
    "p 6020",
    "p 8284",
    "p 8505",
    "p 12768",
    "p 13851",
    "p 15431",
    "h13a 478",
    "cdc43918 23667",
    "cdc43918 26365",
)
# The same where pages were odd.
ODD_CASES = ("o 20", "o 72", "o 142", "o 225", "o 254", "q 596", "z 676")


def all_told(base: str, *, honest: bool) -> list[Told]:
    found: list[Told] = []
    for number in range(math.ceil(WALKS)):
        try:
            found.append(told(f"{base} {number}", honest=honest))
        except PaginationError:
            # A listing that grows faster than it is read is said to do so.
            continue
    return found


@pytest.mark.share
@pytest.mark.parametrize("base", ["fixed", f"new {NEW_SEED}"])
def test_a_server_that_lies_about_its_order_makes_no_walk_complete_falsely(base: str) -> None:
    found = all_told(base, honest=False)
    assert [one for one in found if one.is_false] == []
    assert len(found) > 0.9 * WALKS


@pytest.mark.share
@pytest.mark.parametrize("base", ["fixed", f"new {NEW_SEED}"])
def test_an_honest_order_proves_nearly_every_walk_whatever_else_the_server_says(base: str) -> None:
    found = all_told(base, honest=True)
    assert [one for one in found if one.is_false] == []
    # A server that hides its last calls, or sorts by texts whose order is another one, is not to be proven.
    whole = [one for one in found if not (one.server.get("depth") or one.server.get("text"))]
    proven = sum(one.outcome.report.complete for one in whole)
    # 99 of 100, over 3,000 servers; what is missed are bursts, and counts that contradict the pages.
    assert proven > 0.93 * len(whole)


@pytest.mark.share
@pytest.mark.parametrize("honest", [True, False])
@pytest.mark.parametrize("base", ["odd", f"odd {NEW_SEED}"])
def test_a_server_whose_pages_and_counts_are_odd_makes_no_walk_complete_falsely(
    base: str, *, honest: bool
) -> None:
    found: list[Told] = []
    for number in range(math.ceil(ODD_WALKS)):
        with suppress(PaginationError, RefusedError):
            found.append(told(f"{base} {number}", honest=honest, odd=True))
    assert [one for one in found if one.is_false] == []
    assert not honest or any(one.outcome.report.complete for one in found)
    assert len(found) > 0.7 * ODD_WALKS


@pytest.mark.parametrize("newest_first", [True, False])
@pytest.mark.parametrize("counts_all", [True, False])
@pytest.mark.parametrize("in_flight", [1, 8])
def test_a_server_that_shows_no_call_beyond_some_depth_is_not_complete(
    in_flight: int, *, counts_all: bool, newest_first: bool
) -> None:
    cap = 10**9 if counts_all else 1000
    listing = ShiftingListing(
        list(range(1500)), seeded(in_flight), newest_first, depth=1000, cap=cap
    )
    outcome = walk_through(listing, in_flight=in_flight)
    assert len(outcome.delivered) == 1000
    assert not outcome.report.complete
    assert "opposite order" in (outcome.report.reason or "")


@pytest.mark.parametrize("newest_first", [True, False])
@pytest.mark.parametrize("names", [*NAMES, ()])
@pytest.mark.parametrize("by_change", [False, True])
@pytest.mark.parametrize("size", [0, 1, 99, 101, 450])
def test_the_newest_calls_come_first_where_the_server_can_give_them(
    size: int, names: tuple[str, ...], *, newest_first: bool, by_change: bool
) -> None:
    seconds = list(range(size))
    listing = ShiftingListing(
        seconds, seeded(size), newest_first, names=names, by_change=by_change, touches=size
    )
    listing.change()  # the order by last change is another one from here on
    listing.touches = 0
    given = [str(row.created_on) for row in walk_through(listing, in_flight=8).delivered]
    assert len(given) == size
    if names and size > MAX_LIMIT:
        assert given == sorted(given, reverse=True)


@pytest.mark.parametrize("honest", [False, True])
@pytest.mark.parametrize(
    ("seed", "odd"), [*((s, False) for s in CASES), *((s, True) for s in ODD_CASES)]
)
def test_what_was_false_or_endless_once_is_true_and_ends(
    seed: str, *, odd: bool, honest: bool
) -> None:
    # Some odd pages repeat themselves, which is an error that says so.
    with suppress(PaginationError) if odd else nullcontext():
        assert not told(seed, honest=honest, odd=odd).is_false
