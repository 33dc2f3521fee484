"""The report's numbers about many calls, in memory that does not grow with the calls."""

from __future__ import annotations

import heapq
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from attrs import define, evolve, field, frozen

from agentcalls.cli.commands.report.rates import Rate, Rates
from agentcalls.cli.groups import key_of
from agentcalls.cli.show.output import printable
from agentcalls.cli.show.phone_numbers import masked, without_numbers
from agentcalls.cli.summary import FAILED, Groups, Tally, created_on, days_between

if TYPE_CHECKING:
    from collections.abc import Callable

    from agentcalls import Call
    from agentcalls.cli.commands.report.rates import Row
    from agentcalls.cli.zone import Zone

MOST_FAILURES = 1_000
"""How many failures the page lists: the latest ones."""
STATUSES = ("ended", "answered", "ringing", "queued", "busy", "cancelled", "failed")
OTHER = "other"
NO_TEXTS = ("(none)", "all other reasons")
"""Names among the reasons that no call has as its text."""
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

_MOST_REASONS = 15
_LONGEST_READ, _LONGEST_SHOWN = 400, 120
_NEVER = datetime.min.replace(tzinfo=UTC)

# Upper bounds, exclusive: seconds of a call, tenths of a second until it rang.
_LENGTHS = ((10, "under 10 s"), (30, "10 to 30 s"), (60, "30 to 60 s"), (120, "1 to 2 min"), (300, "2 to 5 min"),
            (600, "5 to 10 min"), (1200, "10 to 20 min"), (3600, "20 to 60 min"))  # fmt: skip
_LONGER = "an hour and more"
_WAITS = ((10, "under 1 s"), (20, "1 to 2 s"), (30, "2 to 3 s"), (40, "3 to 4 s"), (50, "4 to 5 s"), (70, "5 to 7 s"),
          (100, "7 to 10 s"), (200, "10 to 20 s"))  # fmt: skip
_LATER = "20 s and more"

Bars = list[tuple[str, int]]


@frozen
class CallFailure:
    """A failed call as the page lists it."""

    created: datetime | None
    agent: str
    source: str
    destination: str
    direction: str
    error_reason: str
    end_reason: str
    is_test: bool
    id: str


@define
class Numbers:
    """The counts, updated call by call."""

    zone: Zone
    show_numbers: bool
    """Whether full telephone numbers are shown."""
    by: str = "agent"
    """How calls are grouped: by `agent`, or by what `groups.key_of` takes."""
    start: datetime | None = None
    """Calls created before are those of the span before, and are compared with; None if there is none."""
    first: datetime | None = field(default=None, init=False)
    last: datetime | None = field(default=None, init=False)
    total: Tally = field(factory=Tally, init=False)
    before: Tally = field(factory=Tally, init=False)
    """The numbers of the span before."""
    _rates: Rates = field(factory=Rates, init=False)
    _day_rates: Rates = field(factory=Rates, init=False)
    _key: Callable[[Call], str | None] = field(init=False)
    _days: Groups[Counter[str]] = field(factory=lambda: Groups(Counter[str]), init=False)
    _reasons: Groups[Counter[str]] = field(factory=lambda: Groups(Counter[str]), init=False)
    _hours: Counter[tuple[int, int]] = field(factory=Counter[tuple[int, int]], init=False)
    _latest: list[tuple[datetime, int, CallFailure]] = field(
        factory=list[tuple[datetime, int, CallFailure]], init=False
    )

    def __attrs_post_init__(self) -> None:
        self._key = key_of(self.by)

    def add(self, agent: str, call: Call) -> None:
        """Count a call of this agent."""
        created = created_on(call)
        is_before = bool(self.start and created and created < self.start)
        self._rates.add(agent if self.by == "agent" else self._key(call), call, before=is_before)
        if is_before:
            self.before.add(call)
            return
        self.total.add(call)
        if created:
            self.first = min(self.first or created, created)
            self.last = max(self.last or created, created)
            zoned = self.zone.of(created)
            status = call.status if call.status in STATUSES else OTHER
            day = zoned.date().isoformat()
            self._days.of(day)[status] += 1
            self._day_rates.add(day, call, before=False)
            self._hours[zoned.weekday(), zoned.hour] += 1
        if call.status == FAILED:
            self._reasons.of(self.text(call.error_reason) or NO_TEXTS[0])["calls"] += 1
            self._keep(agent, call, created)

    def days(self) -> list[tuple[str, Counter[str]]]:
        """Each day in order, with its calls by status."""
        counts = self._days.by_key
        return [(day, counts.get(day, Counter())) for day in days_between(list(counts))]

    def rates_by_day(self) -> list[tuple[str, Rate]]:
        """Each day in order, with its failures."""
        rates = self._day_rates.by_key()
        return [(day, rates.get(day, Rate())) for day, _ in self.days()]

    def groups(self) -> list[Row]:
        """The groups, the worst first, with telephone numbers masked unless they are shown."""
        hidden = self.by == "source" and not self.show_numbers
        total = Rate(self.total.calls, self.total.decided, self.total.failed)
        rows = self._rates.in_order(total, _masked if hidden else _cut)
        # The list of failed calls names no country.
        return [evolve(row, is_text=False) for row in rows] if self.by == "country" else rows

    def days_left_out(self) -> int:
        """The number of calls on days that are not shown."""
        return self._days.other.total() if self._days.other else 0

    def statuses(self) -> list[str]:
        """The statuses with calls, in the order of a call's life."""
        counts = sum((counts for _, counts in self.days()), Counter[str]())
        return [status for status in (*STATUSES, OTHER) if counts[status]]

    def lengths(self) -> Bars:
        """How many calls lasted how long."""
        return _bars(self.total.durations, _LENGTHS, _LONGER)

    def waits(self) -> Bars:
        """How many calls rang after how long."""
        return _bars(self.total.ringing, _WAITS, _LATER)

    def reasons(self) -> Bars:
        """The most frequent failure reasons, and last all others together."""
        items = [(reason, counts.total()) for reason, counts in self._reasons.by_key.items()]
        items.sort(key=lambda item: (-item[1], item[0]))
        rest = sum(count for _, count in items[_MOST_REASONS:])
        rest += self._reasons.other.total() if self._reasons.other else 0
        return items[:_MOST_REASONS] + ([(NO_TEXTS[1], rest)] if rest else [])

    def hours(self) -> list[tuple[str, int, int]]:
        """Each hour of the week, with its number of calls."""
        return [
            (name, hour, self._hours[day, hour])
            for day, name in enumerate(WEEKDAYS)
            for hour in range(24)
        ]

    def failures(self) -> list[CallFailure]:
        """The latest failures, the latest first."""
        return [
            failure
            for _, _, failure in sorted(self._latest, key=lambda kept: kept[:2], reverse=True)
        ]

    def text(self, text: str | None) -> str:
        """The text for the page: shortened, with telephone numbers masked unless they are shown."""
        if self.show_numbers:
            return _cut(text)
        return _cut(without_numbers((text or "")[:_LONGEST_READ]))

    def _keep(self, agent: str, call: Call, created: datetime | None) -> None:
        show = _cut if self.show_numbers else _masked
        failure = CallFailure(
            created=created,
            agent=_cut(agent),
            source=show(call.source),
            destination=show(call.destination),
            direction=self.text(call.direction),
            error_reason=self.text(call.error_reason),
            end_reason=self.text(call.end_reason),
            is_test=bool(call.is_test_call),
            id=_cut(call.id),
        )
        # For equal moments the number decides: the first in the listing comes first.
        kept = (created or _NEVER, -self.total.calls, failure)
        change = heapq.heappush if len(self._latest) < MOST_FAILURES else heapq.heappushpop
        change(self._latest, kept)


def _masked(number: str | None) -> str:
    return masked(_cut(number))


def _cut(text: str | None) -> str:
    whole = printable((text or "")[:_LONGEST_READ])
    return whole if len(whole) <= _LONGEST_SHOWN else f"{whole[:_LONGEST_SHOWN]}…"


def _bars(counts: Counter[int], ends: tuple[tuple[int, str], ...], beyond: str) -> Bars:
    bars = dict.fromkeys((*(name for _, name in ends), beyond), 0)
    for value, count in counts.items():
        bars[next((name for end, name in ends if value < end), beyond)] += count
    return list(bars.items())
