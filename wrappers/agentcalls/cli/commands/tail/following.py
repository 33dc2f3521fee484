"""The events that `tail` reports from repeated polls of a listing: a state machine, without clock or socket.

Each poll reads the calls created from `since` on. This moment is a few minutes before the newest call, or at the oldest
followed call: a call is followed if it is not over, not too old, and among the calls in memory. The moment never moves
back, and all calls after it are known: so each event is reported once.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from heapq import nlargest
from typing import TYPE_CHECKING, Literal

from attrs import field, frozen

from agentcalls.table.lifecycle import is_over

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agentcalls import Call

MOST = 10_000
"""How many calls are kept in memory."""
MARGIN = timedelta(minutes=5)
"""How late after its creation a call may appear in the listing."""

_NEVER = datetime.min.replace(tzinfo=UTC)


@frozen
class Event:
    """An event to report: an earlier call, a new call, or a call that changed its status or ended."""

    kind: Literal["earlier", "new", "changed"]
    call: Call
    previous_status: str | None = None
    """The status of a changed call when it was last seen."""


@frozen
class _Seen:
    created_on: datetime = field(eq=False)
    status: str
    is_over: bool


class Follower:
    """The known calls; it takes the calls of each poll, and returns the events.

    `status`: only report calls that have or reach this status. `follow`: how much older than the newest call a followed
    call may be. `most`: how many calls are kept in memory and read.
    """

    def __init__(self, *, follow: timedelta, status: str | None = None, most: int = MOST) -> None:
        self.since: datetime | None = None
        """The moment from which the next poll reads, inclusive; None for all calls."""
        self.follow = follow
        self.status = status
        self.most = most
        self._latest = _NEVER
        self._known: dict[str, _Seen] = {}

    def __contains__(self, id: object) -> bool:
        return id in self._known

    def __len__(self) -> int:
        return len(self._known)

    def begin(
        self, calls: Iterable[Call], earlier: Iterable[Call], *, now: datetime
    ) -> list[Event]:
        """Take the existing calls, and then the `earlier` calls to show, which were read after them."""
        shown = in_order(earlier)
        self.accept(calls, now=now)
        self.accept(shown, now=now)
        return [Event("earlier", call) for call in shown]

    def accept(self, calls: Iterable[Call], *, now: datetime) -> list[Event]:
        """Take the calls of a poll, in any order; returns the events, by time of creation."""
        events: list[Event] = []
        for call in in_order(calls):
            before = self._known.get(call.id)
            after = _Seen(call.created_on, call.status, is_over(call))
            # A finished call stays finished: an answer that differs is stale.
            if before == after or (before and before.is_over and not after.is_over):
                continue
            self._known[call.id] = after
            if self.status in {None, call.status}:
                events.append(
                    Event("changed", call, before.status) if before else Event("new", call)
                )
        self._move_on(now)
        return events

    def _move_on(self, now: datetime) -> None:
        if not self._known:
            return
        # Use the calls' own times, because clocks differ; a call from the future must not hide current calls.
        moments = [seen.created_on for seen in self._known.values()]
        self._latest = max(self._latest, min(max(moments), now))
        oldest = _before(self._latest, self.follow)
        followed = [
            seen.created_on
            for seen in self._known.values()
            if not seen.is_over and seen.created_on >= oldest
        ]
        since = min([_before(self._latest, MARGIN), *followed])
        if len(moments) >= self.most:
            since = max(since, nlargest(self.most, moments)[-1])
        self.since = since
        self._known = {id: seen for id, seen in self._known.items() if seen.created_on >= since}


def first_since(calls: Iterable[Call], follow: timedelta, now: datetime) -> datetime | None:
    """The moment from which the first poll reads, given the newest calls; None without calls."""
    moments = [call.created_on for call in in_order(calls)]
    return _before(min(moments[-1], now), max(follow, MARGIN)) if moments else None


def _before(moment: datetime, length: timedelta) -> datetime:
    # Before the year 1 there is no datetime.
    return max(moment, _NEVER + length) - length


def in_order(calls: Iterable[Call]) -> list[Call]:
    """The calls by time of creation, without calls that lack their id or `created_on`, against the contract."""
    readable = [call for call in calls if all((call.id, call.created_on))]
    return sorted(readable, key=lambda call: call.created_on)
