"""What `tail` tells of a listing that it reads again and again: a state machine, with no clock and no socket.

Each poll reads the calls created from `since` on. That moment lies a few minutes before the newest call, or at the
oldest one that is followed: one that is not over, not too old, and among so many that are kept in mind. It never moves
back, and all calls from it on are known: so each is told once.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from heapq import nlargest
from typing import TYPE_CHECKING, Literal

from attrs import field, frozen

from agentcalls.cli.lifecycle import is_over

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agentcalls import Call

MOST = 10_000
"""How many calls are kept in mind."""
MARGIN = timedelta(minutes=5)
"""How late a call may appear in the listing after it was created."""

_NEVER = datetime.min.replace(tzinfo=UTC)


@frozen
class Event:
    """Something to tell: a call that was there before, one that is new, or one with another status or an end."""

    kind: Literal["earlier", "new", "changed"]
    call: Call
    previous_status: str | None = None
    """The status that a changed call had when it was last seen."""


@frozen
class _Seen:
    created_on: datetime = field(eq=False)
    status: str
    is_over: bool


class Follower:
    """Which calls are known; it is given what each poll read, and says what of it is news.

    `status` is of whom to tell: calls that have it, be it from the beginning or later. `follow` is how much older than
    the newest call one may be that is followed until it is over; `most`, how many calls are kept in mind and read.
    """

    def __init__(self, *, follow: timedelta, status: str | None = None, most: int = MOST) -> None:
        self.since: datetime | None = None
        """The moment from which the next poll reads, included; None for all."""
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
        """Take what is there to begin with, and then the calls to show of it, which were read after that."""
        shown = _in_order(earlier)
        self.accept(calls, now=now)
        self.accept(shown, now=now)
        return [Event("earlier", call) for call in shown]

    def accept(self, calls: Iterable[Call], *, now: datetime) -> list[Event]:
        """Take the calls of a poll, in any order; returns what is news, by the moment of creation."""
        events: list[Event] = []
        for call in _in_order(calls):
            before = self._known.get(call.id)
            after = _Seen(call.created_on, call.status, is_over(call))
            # What is over stays so: it is an answer from before that says otherwise.
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
        # By the calls' own times, since clocks differ; a call of the future must not hide those of the present.
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
    """From where to read to begin with, given the newest calls; None where there is none."""
    moments = [call.created_on for call in _in_order(calls)]
    return _before(min(moments[-1], now), max(follow, MARGIN)) if moments else None


def _before(moment: datetime, length: timedelta) -> datetime:
    # A call of the year 1 has hardly anything before it.
    return max(moment, _NEVER + length) - length


def _in_order(calls: Iterable[Call]) -> list[Call]:
    # A row that cannot be read may lack what tells it from the others.
    readable = [call for call in calls if all((call.id, call.created_on))]
    return sorted(readable, key=lambda call: call.created_on)
