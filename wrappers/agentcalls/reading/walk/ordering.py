"""Whether the listing comes in the order that proves a walk, and what the walk does to find out.

A listing of one page needs no order. Where the first answer shows that there is more, and the client does not know yet
whether the server honours a sort by `created_on`, a probe finds out (see `sort.py`). Where it does, and the caller gave
no sort, the walk opens again, newest first: what was delivered of the first answer is left out from then on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from agentcalls.reading.walk.order import direction_of
from agentcalls.reading.walk.sort import BY_TIME, Probe
from agentcalls.settings import MAX_LIMIT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from agentcalls.reading.walk.ledger import Ledger
    from agentcalls.reading.walk.order import Direction
    from agentcalls.reading.walk.plan import Plan
    from agentcalls.reading.walk.sort import KnownSorts
    from agentcalls.reading.walk.windows import Row
    from agentcalls.values import Checkpoint


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
        self.by_time = self._name is None or self._name in BY_TIME
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
            self._plan.ask(Probe(name, min(keys, default=None), max(keys, default=None)))
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
        probe = cast("Probe", self._plan.probe)
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
