"""Which `sort` the server honours: how that is found out, and what a client keeps of it.

A listing can be proven only where it is sorted by `created_on`, and no answer says what it is sorted by. So a few rows
are asked for in each direction. A server that honours the sort gives them in that direction, and they enclose all rows
seen before; one that ignores it gives the same rows twice. Which of the field's two names to sort by is not documented,
so both are tried.

A listing of one page needs no order. Where the first answer shows that there is more, and the client does not know yet
whether the server honours a sort, a probe finds out. Where it does, and the caller gave no sort, the walk opens again,
newest first: what was delivered of the first answer is left out from then on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from attrs import define, field

from agentcalls.reading.walk.created_on import direction_of, is_ordered, keys_of
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
"""The names that a server may sort by the creation of a call under."""

_DIRECTIONS = ("", "-")
_ROWS = 10


class KnownSorts:
    """What a client has found out; threads may share it, since each entry is written whole.

    `names` are those that a sort by the creation may have.
    """

    def __init__(self, names: Sequence[str] = BY_TIME) -> None:
        self._names = names
        self._honoured: dict[str, bool] = {}

    def honours(self, name: str) -> bool | None:
        """Whether the server sorts by `created_on` where it is asked for this name; None where that is not known."""
        return self._honoured.get(name)

    def learn(self, name: str, *, honoured: bool) -> None:
        """Keep what a probe has shown."""
        self._honoured[name] = honoured

    @property
    def best(self) -> str | None:
        """The name that is honoured, if there is one."""
        return next((name for name in self._names if self.honours(name)), None)

    @property
    def next_to_try(self) -> str | None:
        """The name to find out about next; None where all are known."""
        return next((name for name in self._names if self.honours(name) is None), None)


@define
class SortProbe:
    """Two small questions: the first rows by a name, in either direction.

    `lowest` and `highest` are the keys that were seen before; None where none was.
    """

    name: str
    lowest: datetime | None
    highest: datetime | None
    asked: int = 0
    answers: list[Sequence[Row]] = field(factory=list["Sequence[Row]"])
    refused: bool = False

    def plan(self, epoch: int) -> Window | None:
        """The next question; None where both are under way."""
        if self.asked == len(_DIRECTIONS):
            return None
        sign, self.asked = _DIRECTIONS[self.asked], self.asked + 1
        return Window(1, _ROWS, epoch, sort=sign + self.name)

    def take(self, rows: Sequence[Row] | None) -> None:
        """Take an answer; None where the server refuses to sort by the name."""
        self.refused |= rows is None
        self.answers.append(rows or ())

    @property
    def done(self) -> bool:
        """Whether both answers have come."""
        return len(self.answers) == len(_DIRECTIONS)

    @property
    def verdict(self) -> bool | None:
        """Whether the name is honoured; None where the two answers do not tell."""
        rising, falling = map(keys_of, self.answers)
        if self.refused or not (is_ordered(rising, 1) and is_ordered(falling, -1)):
            return False
        if not (rising and falling):
            return None
        oldest, newest = rising[0], falling[0]
        lowest, highest = self.lowest or oldest, self.highest or newest
        if oldest < newest and oldest <= lowest and newest >= highest:
            # Where many rows share one key, any order of them looks like either direction.
            first, last = ({row.id for row in rows} for rows in self.answers)
            return True if first.isdisjoint(last) else None
        # Calls that were deleted between the questions can make an honest server look odd, but not turn it round.
        return False if lowest < highest and oldest >= newest else None


class Ordering:
    """What a walk knows of the order of its listing; it changes the plan where that is found out.

    Args:
        plan: What is asked for next.
        ledger: Where doubts are noted.
        sort: The caller's, if there is one.
        sorts: What the client knows of the server's sorting; it is added to.
        matters: Whether the order can prove anything: the walk is exact, and begins at the start.
        resume: Where the walk goes on, if it does.
    """

    def __init__(
        self,
        plan: Plan,
        ledger: Ledger,
        *,
        sort: str | None,
        sorts: KnownSorts,
        matters: bool,
        resume: Checkpoint | None,
    ) -> None:
        self._plan, self._ledger, self._sorts = plan, ledger, sorts
        self._name = sort.removeprefix("-") if sort else None
        self.direction: Direction = 1 if sort and not sort.startswith("-") else -1
        """The direction that the keys run in where the order is honoured."""
        self.by_time: bool = self._name is None or self._name in BY_TIME
        """Whether the rows may be sorted by `created_on`: order in a few rows that are sorted by another field says
        nothing of the rest."""
        self._may_ask = matters and self.by_time
        self._holds = False
        if not self._may_ask:
            return
        if resume and resume.position:
            self._resume(resume)
        elif self._name:
            plan.ordered = sorts.honours(self._name) is True
        elif sorts.best:
            plan.open_again(f"-{sorts.best}")

    def shown_by(self, keys: Sequence[datetime]) -> Direction | None:
        """The direction of the first keys: 0 where there is none, None where all are equal and matter."""
        direction = direction_of(keys) if self.by_time else 0
        if direction or not (self.by_time and keys and min(keys) == max(keys)):
            return direction
        # Calls of one moment that lie outside the time window need no place among each other.
        outside = self._plan.ordered and self._ledger.is_outside(keys[0], self.direction)
        return self.direction if outside else None

    def _resume(self, checkpoint: Checkpoint) -> None:
        if checkpoint.ordered:
            return
        if checkpoint.key is not None or checkpoint.position <= MAX_LIMIT:
            self.ask([] if checkpoint.key is None else [checkpoint.key])

    def ask(self, keys: Sequence[datetime], *, again: bool = True) -> None:
        """Find out whether the server honours the order, unless that is known or does not matter.

        `again` says whether the walk may open again, which it does where the caller gave no sort.
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
        """Whether the first answer waits for the order: its calls are not the newest, which a reader expects first."""
        self._holds = (
            not self._name and direction in {0, 1} and (self.is_asking or self._plan.ordered)
        )
        return self._holds

    @property
    def is_asking(self) -> bool:
        """Whether the next answer is one to a probe."""
        return self._plan.probe is not None

    def take(self, rows: Sequence[Row] | None) -> None:
        """Take an answer to the probe that is under way; None where it was refused."""
        probe = cast("SortProbe", self._plan.probe)
        probe.take(rows)
        if not probe.done:
            return
        self._plan.probe, verdict = None, probe.verdict
        if verdict is not None:
            self._sorts.learn(probe.name, honoured=verdict)
        if verdict is False and not self._name:
            self.ask([key for key in (probe.lowest, probe.highest) if key is not None])
        else:
            self._know(probe.name, honoured=bool(verdict))

    def _know(self, name: str | None, *, honoured: bool) -> None:
        self._may_ask = False
        chain = self._plan.chain
        if honoured and self._name:
            self._plan.ordered = not chain or chain.direction == self.direction
        elif honoured and self._plan.position <= MAX_LIMIT:
            self._ledger.forget_doubts()
            self._plan.open_again(f"-{name}")
            return
        elif self._holds:
            self._ledger.forget_doubts()
            self._plan.open_again(None)
            return
        if chain and self._ledger.passed(chain.direction, chain.seam.key):
            self._ledger.ended = True
