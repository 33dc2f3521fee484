"""Which `sort` the server honours: how that is found out, and what a client keeps of it.

A listing can be proven only where it is sorted by `created_on`, and no answer says what it is sorted by. So one row is
asked for in each direction. A server that honours the sort gives two rows that enclose all rows seen before; one that
ignores it gives the same row twice. Neither name of the field is documented as the one to sort by, so both are tried.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import define, field

from agentcalls.reading.walk.windows import Window

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from agentcalls.reading.walk.windows import Row

BY_TIME = ("created_on", "created_at")
"""The names that a server may sort by the creation of a call under."""


class KnownSorts:
    """What a client has found out; threads may share it, since each entry is written whole."""

    def __init__(self) -> None:
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
        return next((name for name in BY_TIME if self.honours(name)), None)

    @property
    def next_to_try(self) -> str | None:
        """The name to find out about next; None where all are known."""
        return next((name for name in BY_TIME if self.honours(name) is None), None)


@define
class Probe:
    """Two small questions: the first row by a name, in either direction.

    `lowest` and `highest` are the keys that were seen before.
    """

    name: str
    lowest: datetime
    highest: datetime
    asked: int = 0
    rows: list[Row | None] = field(factory=list["Row | None"])
    refused: bool = False

    def plan(self, epoch: int) -> Window | None:
        """The next question; None where both are under way."""
        if self.asked == len(_DIRECTIONS):
            return None
        window = Window(1, 1, epoch, sort=_DIRECTIONS[self.asked] + self.name)
        self.asked += 1
        return window

    def take(self, rows: Sequence[Row]) -> None:
        """Take an answer."""
        self.rows.append(rows[0] if rows else None)

    def refuse(self) -> None:
        """Take an answer that says that the name cannot be sorted by."""
        self.rows.append(None)
        self.refused = True

    @property
    def done(self) -> bool:
        """Whether both answers have come."""
        return len(self.rows) == len(_DIRECTIONS)

    @property
    def verdict(self) -> bool | None:
        """Whether the name is honoured; None where the two answers do not tell."""
        if self.refused:
            return False
        oldest, newest = (row.created_on if row else None for row in self.rows)
        if oldest is None or newest is None:
            return None
        if oldest < newest and oldest <= self.lowest and newest >= self.highest:
            return True
        # Rows that are created or deleted between two questions may make an honest server look odd, but not so.
        same = self.rows[0] is not None and self.rows[1] is not None
        if same and self.lowest < self.highest and oldest >= newest:
            return False
        return None


_DIRECTIONS = ("", "-")
