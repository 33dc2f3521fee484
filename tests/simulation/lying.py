"""Servers whose order and counts are drawn at random, and walks over them: what the walks say must be true.

`python -m simulation.lying SECONDS` reads new ones for so long, and prints the seeds of those that were told falsely.
"""

from __future__ import annotations

import secrets
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

from attrs import evolve, frozen

from agentcalls.errors import PaginationError
from simulation.odd_pages import OddPages, drawn_oddities
from simulation.shifting import ShiftingListing, moment, seeded, walk_through

if TYPE_CHECKING:
    import random

    from simulation.odd_pages import Oddities
    from simulation.shifting import Outcome

IN_FLIGHT = (1, 2, 8, 32)
NAMES = (("created_on",), ("created_at",), ("created_on", "created_at"))


@frozen
class Told:
    """What a walk came to, and over which server."""

    server: dict[str, Any]
    way: dict[str, Any]
    outcome: Outcome

    @property
    def is_false(self) -> bool:
        """Whether it says that it is complete, and is not."""
        return self.outcome.report.complete and bool(self.outcome.missed or self.outcome.repeated)


def server_of(draw: random.Random, *, honest: bool) -> dict[str, Any]:
    """How a server orders, counts and changes; an honest one sorts as it is asked, by one of the two names."""
    return {
        "newest_first": draw.random() < 0.5,
        "unstable_ties": draw.random() < 0.3,
        "inserts": draw.choice([0, 0, 0, 1, 5]),
        "late_inserts": draw.choice([0, 0, 1]),
        "deletions": draw.choice([0, 0, 0.2, 1]),
        "burst": draw.choice([0, 0, 0.05]),
        "flips": draw.choice([0, 0, 0.5]),
        "touches": draw.choice([0, 0.2, 1, 5]),
        "by_change": draw.random() < 0.6,
        "names": draw.choice(NAMES) if honest else (),
        "refuses": honest and draw.random() < 0.3,
        "limit": draw.choice([100, 100, 100, 60, 25]),
        "says_limit": draw.random() < 0.5,
        "cap": draw.choice([10**9, 10**9, 100, 200, 500, draw.randint(50, 1000)]),
        "old_counts": draw.choice([0, 0, 3, 10**9]),
    }


BEYOND: dict[str, dict[str, Any]] = {
    "a replica that lags behind gives one answer in five": {"stale": 0.2},
    "a sort only turns round an order by last change": {"turns": True, "by_change": True},
    "a sort is honoured for the first page only": {"first_only": True, "by_change": True},
    "a sort is ignored now and then": {"now_and_then": 0.1},
    "moments are sorted as texts whose offsets differ": {"text": "offsets"},
}
"""What no walk can see through; docs/paging.md has the rates."""


@frozen
class Between:
    """The seconds of a time window; None is no edge."""

    since: float | None
    until: float | None

    def __contains__(self, second: float) -> bool:
        return (self.since or 0) <= second and (self.until is None or second < self.until)


def oddities_of(seed: str, server: dict[str, Any]) -> Oddities:
    """What is odd about the pages of a server, beside what it is itself."""
    odd = drawn_oddities(seeded(f"{seed} odd"))
    if "text" in server:
        # The order of texts shows within a page only.
        odd = evolve(odd, sorts_a_page=False)
    if odd.counts == "less" and not server["says_limit"]:
        # One less may be just as many as a page that was shortened without a word holds.
        odd = evolve(odd, counts="more")
    if odd.counts == "more" or server["old_counts"]:
        # A count may be off by just as many calls as a page lacks.
        odd = evolve(odd, cut=0)
    return odd


def told(seed: str, *, honest: bool, odd: bool = False, **beyond: Any) -> Told:
    """What a walk comes to over the server of this seed, which may lie beyond the promise too, or have odd pages.

    Raises `PaginationError` or `RefusedError` where the walk does.
    """
    draw = seeded(seed)
    size = draw.choice([draw.randint(0, 400), draw.randint(0, 2000)])
    group = draw.choice([1, 1, 3] if honest else [1, 1, 3, 30, 150])
    seconds: list[float] = []
    while len(seconds) < size:
        second = (int(seconds[-1]) if seconds else 0) + draw.randint(1, 9)
        seconds += [second] * draw.randint(1, group)
    server = server_of(draw, honest=honest)
    # Drawn apart, or else the seeds of old would mean other servers.
    later = seeded(f"{seed} later")
    if later.random() < 0.2 and server["cap"] > size:
        server |= {"later": later.randint(1, 12), "later_limit": later.choice([100, 60, 50, 30])}
    if later.random() < 0.1:
        # A server that counts only what it shows is seen through where that is more than a thousand.
        server["depth"] = later.choice([150, 333, 500, 1000])
        if honest and server["depth"] == 1000 and later.random() < 0.5:
            server["cap"] = 1000
        elif server["cap"] <= server["depth"]:
            server["cap"] = 10**9
    if later.random() < 0.1:
        server["text"] = "digits"
    server |= beyond
    # A count that is capped at the very limit that is not told: docs/paging.md says that it looks right.
    server["cap"] += server["cap"] == server["limit"]
    if server["limit"] < 60:
        # Or else the listing grows about as fast as it is read, which no walk can help.
        server["inserts"] = min(1, server["inserts"])
    latest = int(seconds[-1]) if seconds else 1
    low, high = draw.randint(0, latest), draw.randint(0, latest)
    since: float | None = draw.choice([None, None, low])
    until: float | None = draw.choice([None, None, high])
    if server.get("text") == "digits":
        seconds = [second + later.randrange(8) / 8 for second in seconds]
        since = since and since + later.randrange(8) / 8
        until = until and until + later.randrange(8) / 8
    names = server["names"] or ("created_on",)
    sort = draw.choice([None, None, None, *names, *(f"-{name}" for name in names)])
    way: dict[str, Any] = {
        "in_flight": draw.choice(IN_FLIGHT),
        "kill": draw.choice([0, 0, 0.1, 0.3]),
        "sort": sort,
        "since": None if since is None else moment(since),
        "until": None if until is None else moment(until),
        "wanted": Between(since, until),
        "most_answers": 1_000
        if odd
        else 2_000,  # some repeat themselves until a bound ends the walk
    }
    listing = ShiftingListing(seconds, draw, **server)
    pages: ShiftingListing | OddPages = listing
    if odd:
        server["odd"] = oddities_of(seed, server)
        pages = OddPages(listing, server["odd"])
    return Told(server, way, walk_through(pages, **way))


def rate(base: str, walks: int, **beyond: Any) -> tuple[int, int]:
    """How many walks over servers that lie beyond the promise say that they are complete, and how many falsely."""
    complete = false = 0
    for number in range(walks):
        try:
            found = told(f"{base} {number}", honest=True, **beyond)
        except PaginationError:
            continue
        complete += found.outcome.report.complete
        false += found.is_false
    return complete, false


def main() -> None:
    end, number, base = time.monotonic() + float(sys.argv[1]), 0, secrets.token_hex(4)
    false, by_honesty = 0, {True: Counter[bool | None](), False: Counter[bool | None]()}
    while time.monotonic() < end:
        seed, honest, number = f"{base} {number}", number % 2 == 0, number + 1
        try:
            found = told(seed, honest=honest)
        except PaginationError:
            # A listing that grows faster than it is read is said to do so.
            by_honesty[honest][None] += 1
            continue
        by_honesty[honest][found.outcome.report.complete] += 1
        if found.is_false:
            false += 1
            sys.stdout.write(f"{seed!r}: {found.outcome.report} of {found.server}, {found.way}\n")
    sys.stdout.write(f"{number} walks of seed {base}, {false} of them falsely complete\n")
    for honest, ends in by_honesty.items():
        sys.stdout.write(
            f"{'Honest' if honest else 'False'} order: {ends[True]} complete, {ends[False]} not, {ends[None]} endless\n"
        )
    for name, beyond in BEYOND.items():
        complete, wrong = rate(base, max(1, number // 20), **beyond)
        sys.stdout.write(f"Beyond the promise, {name}: {complete} complete, {wrong} falsely\n")
    sys.exit(bool(false))


if __name__ == "__main__":
    main()
