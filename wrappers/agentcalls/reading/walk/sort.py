"""Which `sort` the server honours: the probes that show it, and what a client remembers.

Only a listing sorted by `created_on` can be proven, and no answer names its sort. So a few rows are requested in each
direction. A server that honours the sort gives rows in that direction, and the two answers enclose all rows seen
before. A server that ignores it gives the same rows twice. The documentation does not say which of the field's two
names to sort by, so both are tried.

A listing of one page needs no order. If the first answer shows that there is more, and the client does not know
whether the server honours a sort, it probes. If the server does, and the caller gave no sort, the walk opens again,
newest first, without the calls that were already delivered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from msgspec import Struct, field

from agentcalls.reading.walk.created_on import direction_of, is_ordered, keys_of
from agentcalls.reading.walk.ledger import Doubt
from agentcalls.reading.walk.windows import Window
from agentcalls.settings import MAX_LIMIT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from agentcalls.reading.walk.created_on import Direction
    from agentcalls.reading.walk.ledger import Ledger
    from agentcalls.reading.walk.plan import Plan
    from agentcalls.reading.walk.windows import Row
    from agentcalls.values import Checkpoint

BY_TIME = ("created_on", "created_at")
"""The names by which a server may sort calls by their creation."""

_DIRECTIONS = ("", "-")
_ROWS = 10
_TRIES = 3


class KnownSorts:
    """What a client has found out; threads may share it, since each entry is written at once.

    `names` are the possible names of a sort by creation.
    """

    def __init__(self, names: Sequence[str] = BY_TIME) -> None:
        self._names = names
        self._honoured: dict[str, bool] = {}

    def honours(self, name: str) -> bool | None:
        """Whether the server sorts by `created_on` if a request has this name; None if that is unknown."""
        return self._honoured.get(name)

    def learn(self, name: str, *, honoured: bool) -> None:
        """Keep what a probe has shown."""
        self._honoured[name] = honoured

    @property
    def best(self) -> str | None:
        """The name that the server honours, if any."""
        return next((name for name in self._names if self.honours(name)), None)

    @property
    def next_to_try(self) -> str | None:
        """The next name to probe; None if all are known."""
        return next((name for name in self._names if self.honours(name) is None), None)


class SortProbe(Struct):
    """Two small requests: the first rows by a name, in either direction.

    `lowest` and `highest` are the extreme keys seen before; None if there are none.
    """

    name: str
    lowest: datetime | None
    highest: datetime | None
    tries_left: int = _TRIES - 1
    asked: int = 0
    answers: list[Sequence[Row]] = field(default_factory=list["Sequence[Row]"])
    refused: bool = False

    def plan(self, epoch: int) -> Window | None:
        """The next request; None if both are in flight."""
        if self.asked == len(_DIRECTIONS):
            return None
        sign, self.asked = _DIRECTIONS[self.asked], self.asked + 1
        return Window(1, _ROWS, epoch, sort=sign + self.name)

    def take(self, rows: Sequence[Row] | None) -> None:
        """Take an answer; None if the server refuses to sort by the name."""
        self.refused |= rows is None
        self.answers.append(rows or ())

    @property
    def done(self) -> bool:
        """Whether both answers have come."""
        return len(self.answers) == len(_DIRECTIONS)

    @property
    def again(self) -> SortProbe | None:
        """The probe to send if the two answers do not tell: calls may have come or gone between them."""
        rising, falling = map(keys_of, self.answers)
        if not (self.tries_left and rising and falling):
            return None
        return SortProbe(self.name, rising[0], falling[0], self.tries_left - 1)

    @property
    def verdict(self) -> bool | None:
        """Whether the server honours the name; None if the two answers do not tell."""
        rising, falling = map(keys_of, self.answers)
        if self.refused or not (is_ordered(rising, 1) and is_ordered(falling, -1)):
            return False
        if not (rising and falling):
            return None
        oldest, newest = rising[0], falling[0]
        lowest, highest = self.lowest or oldest, self.highest or newest
        if oldest < newest and oldest <= lowest and newest >= highest:
            # If many rows share one key, any order of them fits either direction. Where only the rows of a page are
            # sorted, neither answer is all before the other.
            first, last = ({row.id for row in rows} for rows in self.answers)
            return True if first.isdisjoint(last) and rising[-1] <= falling[-1] else None
        # Deletions between the two requests can make an honest server look odd, but not reversed.
        return False if lowest < highest and oldest >= newest else None


class Ordering:
    """What a walk knows about the order of its listing; it changes the plan when that is found out.

    Args:
        plan: Plans the requests.
        ledger: Notes the doubts.
        sort: The caller's, if there is one.
        oldest_first: Whether to ask for the oldest calls first if there is none.
        sorts: What the client knows about the server's sorting; the walk adds to it.
        matters: Whether the order can prove anything: the walk is exact, and begins at the start.
        resume: The state to continue from, if any.
    """

    def __init__(
        self,
        plan: Plan,
        ledger: Ledger,
        *,
        sort: str | None,
        oldest_first: bool,
        sorts: KnownSorts,
        matters: bool,
        resume: Checkpoint | None,
    ) -> None:
        self._plan, self._ledger, self._sorts = plan, ledger, sorts
        plan.query_sort = sort
        self._name = sort.removeprefix("-") if sort else None
        rising = not sort.startswith("-") if sort else oldest_first
        self.direction: Direction = 1 if rising else -1
        """The direction of the keys if the server honours the order."""
        self.by_time: bool = self._name is None or self._name in BY_TIME
        """Whether the rows may be sorted by `created_on`. A few rows sorted by another field may look so, and tell
        nothing about the others."""
        self._may_ask = matters and self.by_time
        self._holds = False
        self._may_reopen = True
        if not self._may_ask:
            return
        if resume and ledger.resumed:
            self._resume(resume)
        elif self._name:
            plan.ordered = sorts.honours(self._name) is True
        elif sorts.best:
            plan.open_again(self._sort_by(sorts.best))

    def shown_by(self, keys: Sequence[datetime]) -> Direction | None:
        """The direction of the first keys: 0 if there is none, None if all are equal and their order matters."""
        direction = direction_of(keys) if self.by_time else 0
        if direction or not (self.by_time and keys and min(keys) == max(keys)):
            return direction
        # The order of equal keys outside the time window does not matter.
        outside = self._plan.ordered and self._ledger.is_outside(keys[0], self.direction)
        return self.direction if outside else None

    def _resume(self, checkpoint: Checkpoint) -> None:
        # Rows without ids would be delivered again.
        if checkpoint.ordered or Doubt.MALFORMED in checkpoint.doubts:
            return
        # A walk that has delivered more than a page does not open again, wherever it stands since.
        self._may_reopen = max(checkpoint.position, len(checkpoint.recent)) <= MAX_LIMIT
        if checkpoint.key is not None or self._may_reopen:
            self.ask([] if checkpoint.key is None else [checkpoint.key])

    def ask(self, keys: Sequence[datetime], *, again: bool = True) -> None:
        """Probe whether the server honours the order, unless that is known or does not matter.

        `again` says whether the walk may open again, which it does if the caller gave no sort.
        """
        if not self._may_ask or self._plan.ordered or not (again or self._name):
            return
        name = self._name or self._sorts.best or self._sorts.next_to_try
        honoured = self._sorts.honours(name) if name else False
        if name and honoured is None:
            self._plan.ask(SortProbe(name, min(keys, default=None), max(keys, default=None)))
        else:
            self._know(name, honoured=bool(honoured))

    def holds_back(self, direction: Direction | None) -> bool:
        """Whether the first answer is held back until the order is known: a reader may expect other calls first."""
        self._holds = (
            not self._name
            and direction in {0, -self.direction}
            and (self.is_asking or self._plan.ordered)
        )
        return self._holds

    @property
    def is_asking(self) -> bool:
        """Whether the next answer belongs to a probe."""
        return self._plan.probe is not None

    @property
    def may_wait(self) -> bool:
        """Whether the next request is the first of a probe, which another walk may answer."""
        return bool(self._plan.probe and not self._plan.probe.asked)

    def take(self, rows: Sequence[Row] | None) -> None:
        """Take an answer to the probe in flight; None if the server refused it."""
        probe = cast("SortProbe", self._plan.probe)
        probe.take(rows)
        if not probe.done:
            return
        verdict = probe.verdict
        if verdict is not None:
            self._sorts.learn(probe.name, honoured=verdict)
        elif again := probe.again:
            self._plan.ask(again)
            return
        self._conclude(probe, verdict)

    def hear(self) -> None:
        """Drop a probe that is not sent yet, if another walk has found out what it would show."""
        probe = self._plan.probe
        if probe and not probe.asked and (known := self._sorts.honours(probe.name)) is not None:
            self._conclude(probe, known)
            # A walk ends with an answer: if this one has passed its time window, the next window shows it.
            self._ledger.ended = False

    def _conclude(self, probe: SortProbe, verdict: bool | None) -> None:  # noqa: FBT001 (True is a value here)
        self._plan.probe = None
        if verdict is False and not self._name:
            self.ask([key for key in (probe.lowest, probe.highest) if key is not None])
        else:
            self._know(probe.name, honoured=bool(verdict))

    def _sort_by(self, name: str) -> str:
        return name if self.direction > 0 else f"-{name}"

    def _know(self, name: str | None, *, honoured: bool) -> None:
        self._may_ask = False
        chain = self._plan.chain
        if honoured and self._name:
            if self._may_reopen and Doubt.ONE_KEY in self._ledger.doubts:
                # What lies before the time window needs no order of its own.
                self._ledger.forget_doubts()
                self._plan.open_again(None)
            self._plan.ordered = not chain or chain.direction == self.direction
        elif honoured and self._may_reopen:
            self._ledger.forget_doubts()
            self._plan.open_again(self._sort_by(str(name)))
            return
        elif self._holds:
            self._ledger.forget_doubts()
            self._plan.open_again(None)
            return
        if chain and self._ledger.passed(chain.direction, chain.seam.key):
            self._ledger.ended = True
