"""Counts, rates and quantiles of many calls, in memory that does not grow with the calls.

Quantiles are exact: the values are whole seconds, or tenths of a second, and each value is kept once with its count.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from datetime import date, datetime, timedelta
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from attrs import define, field

from agentcalls.cli.groups import key_of

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from agentcalls import Call
    from agentcalls.cli.show.output import Row
    from agentcalls.cli.zone import Zone

T = TypeVar("T")

MOST_GROUPS = 1_000
"""Reasons are free text: after this many different values, further values are counted together."""

ANSWERED = {"answered", "ended"}
FAILED = "failed"
# The outcome of these calls is unknown: they count in no rate.
UNDECIDED: set[str | None] = {"queued", "ringing", None}

_TENTH = timedelta(milliseconds=100)
_LONGEST = 10**9  # seconds, or tenths; longer or negative values are ignored
_HOURS = 24


@define
class Tally:
    """The numbers of some calls."""

    calls: int = 0
    tests: int = 0
    decided: int = 0
    """Calls with a known outcome: all except queued and ringing calls."""
    answered: int = 0
    failed: int = 0
    durations: Counter[int] = field(factory=Counter[int])
    """`duration_seconds`, of the calls that have it."""
    ringing: Counter[int] = field(factory=Counter[int])
    """From `created_on` to `ringing_at` in tenths of a second, of the calls that rang."""

    def add(self, call: Call) -> None:
        """Count a call."""
        status = call.status
        self.calls += 1
        self.tests += bool(call.is_test_call)
        self.decided += status not in UNDECIDED
        self.answered += status in ANSWERED
        self.failed += status == FAILED
        # A row that breaks the contract may lack the value.
        seconds: int | None = call.duration_seconds
        if seconds is not None and 0 <= seconds < _LONGEST:
            self.durations[seconds] += 1
        created = created_on(call)
        if created and call.ringing_at:
            tenths = (call.ringing_at - created) // _TENTH
            if 0 <= tenths < _LONGEST:
                self.ringing[tenths] += 1

    def row(self, of: int) -> Row:
        """The numbers by name. `share` is relative to `of`. A rate without calls is None."""
        return {
            "calls": self.calls,
            "share": _rate(self.calls, of),
            "test_calls": self.tests,
            "decided": self.decided,
            "answered": self.answered,
            "answer_rate": _rate(self.answered, self.decided),
            "failed": self.failed,
            "failure_rate": _rate(self.failed, self.decided),
            "duration_calls": self.durations.total(),
            "duration_median_seconds": median(self.durations),
            "duration_p95_seconds": p95(self.durations),
            "ringing_calls": self.ringing.total(),
            "ringing_median_seconds": _in_seconds(median(self.ringing)),
            "ringing_p95_seconds": _in_seconds(p95(self.ringing)),
        }


@define
class Groups(Generic[T]):
    """A value for each of the first `MOST_GROUPS` keys, and one value for all later keys."""

    make: Callable[[], T]
    """Creates the value for a new key."""
    by_key: dict[Any, T] = field(factory=dict[Any, T], init=False)
    other: T | None = field(default=None, init=False)

    def of(self, key: Hashable) -> T:
        """The value of a key."""
        if key not in self.by_key:
            if len(self.by_key) >= MOST_GROUPS:
                self.other = self.other or self.make()
                return self.other
            self.by_key[key] = self.make()
        return self.by_key[key]


@define
class Summary:
    """The numbers of calls, group by group."""

    by: str
    """What to group by: `day` or `hour`, both of `created_on`, or what `groups.key_of` takes."""
    zone: Zone
    first: datetime | None = field(default=None, init=False)
    """The earliest `created_on`."""
    last: datetime | None = field(default=None, init=False)
    """The latest."""
    _groups: Groups[Tally] = field(factory=lambda: Groups(Tally), init=False)
    _key: Callable[[Call], Hashable] = field(init=False)

    def __attrs_post_init__(self) -> None:
        in_time = {"day": self._day, "hour": self._hour}
        self._key = in_time.get(self.by) or key_of(self.by)

    def add(self, call: Call) -> None:
        """Count a call in its group."""
        created = created_on(call)
        if created:
            self.first = min(self.first or created, created)
            self.last = max(self.last or created, created)
        self._groups.of(self._key(call)).add(call)

    def total(self) -> Tally:
        """The numbers of all calls together."""
        total = Tally()
        for tally in (*self._groups.by_key.values(), *self._others()):
            total.calls += tally.calls
            total.tests += tally.tests
            total.decided += tally.decided
            total.answered += tally.answered
            total.failed += tally.failed
            total.durations.update(tally.durations)
            total.ringing.update(tally.ringing)
        return total

    def rows(self) -> list[Row]:
        """A row for each group: days and hours in order, also without calls; other groups by number of calls."""
        calls = sum(tally.calls for tally in (*self._groups.by_key.values(), *self._others()))
        return [{self.by: key} | tally.row(calls) for key, tally in self._ordered()]

    def other(self) -> Row | None:
        """The groups after the first `MOST_GROUPS`, together; None if there are none."""
        calls = self.total().calls
        return next((tally.row(calls) for tally in self._others()), None)

    def _day(self, call: Call) -> Hashable:
        created = created_on(call)
        return None if created is None else self.zone.of(created).date().isoformat()

    def _hour(self, call: Call) -> Hashable:
        created = created_on(call)
        return None if created is None else self.zone.of(created).hour

    def _others(self) -> list[Tally]:
        return [] if self._groups.other is None else [self._groups.other]

    def _ordered(self) -> list[tuple[Any, Tally]]:
        tallies = self._groups.by_key
        if self.by not in {"day", "hour"}:
            return sorted(tallies.items(), key=lambda item: (-item[1].calls, str(item[0])))
        known = [key for key in tallies if key is not None]
        every = range(_HOURS) if self.by == "hour" else days_between(known)
        keys = [*every, *([None] if None in tallies else [])]
        return [(key, tallies.get(key) or Tally()) for key in keys]


def created_on(call: Call) -> datetime | None:
    """When the call was created; None if the row breaks the contract."""
    return call.created_on


def days_between(days: list[str]) -> list[str]:
    """These days in order, with all days between them if they are at most `MOST_GROUPS`."""
    if not days:
        return []
    first, last = date.fromisoformat(min(days)), date.fromisoformat(max(days))
    span = (last - first).days + 1
    if span > MOST_GROUPS:
        return sorted(days)
    return [(first + timedelta(days=number)).isoformat() for number in range(span)]


def median(counts: Counter[int]) -> float | None:
    """The middle value, or the mean of the middle two; None if there is none."""
    total = counts.total()
    return (_at(counts, (total - 1) // 2) + _at(counts, total // 2)) / 2 if total else None


def p95(counts: Counter[int]) -> int | None:
    """The smallest value that 95 in a hundred do not exceed; None if there is none."""
    total = counts.total()
    return _at(counts, (95 * total + 99) // 100 - 1) if total else None


def _at(counts: Counter[int], position: int) -> int:
    # The value at this position in the sorted list of all values.
    values = sorted(counts)
    passed = list(accumulate(counts[value] for value in values))
    return values[bisect_right(passed, position)]


def _in_seconds(tenths: float | None) -> float | None:
    return None if tenths is None else tenths / 10


def _rate(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None
