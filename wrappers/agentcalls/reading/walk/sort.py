"""Which `sort` the server honours: how that is found out, and what a client keeps of it.

A listing can be proven only where it is sorted by `created_on`, and no answer says what it is sorted by. So a few rows
are asked for in each direction. A server that honours the sort gives them in that direction, and they enclose all rows
seen before; one that ignores it gives the same rows twice. Which of the field's two names to sort by is not documented,
so both are tried.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import define, field

from agentcalls.reading.walk.order import is_ordered, keys_of
from agentcalls.reading.walk.windows import Window

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from agentcalls.reading.walk.windows import Row

BY_TIME = ("created_on", "created_at")
"""The names that a server may sort by the creation of a call under."""


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
class Probe:
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


_DIRECTIONS = ("", "-")
_ROWS = 10
