"""Plain pages: one after another without overlap, repeats among the last thousand ids dropped; proves nothing."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, cast

from agentcalls.paging.windows import Window
from agentcalls.query import MAX_LIMIT

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from agentcalls.paging.windows import RowT

_REMEMBERED = 1000


class RecentIds:
    """The last thousand ids, and a few more: whole pages are forgotten at a time."""

    def __init__(self) -> None:
        self._known: set[str] = set()
        self._batches: deque[list[str]] = deque()

    def latest(self, count: int) -> list[str]:
        """The last `count` ids, oldest first."""
        return [id for batch in self._batches for id in batch][-count:]

    def holds_any(self, ids: Iterable[str | None]) -> bool:
        """Whether one of the ids is among them."""
        return not self._known.isdisjoint(ids)

    def unseen(self, rows: Sequence[RowT]) -> list[RowT]:
        """The rows that are not repeats of one another or of rows remembered; one without an id never is.

        They are remembered from then on.
        """
        ids = [row.id for row in rows]
        distinct = set(ids)
        if None not in distinct and len(distinct) == len(ids) and self._known.isdisjoint(distinct):
            self.remember(cast("list[str]", ids))
            return list(rows)
        kept: list[RowT] = []
        fresh: dict[str, None] = {}
        for row in rows:
            if row.id is None:
                kept.append(row)
            elif row.id not in self._known and row.id not in fresh:
                fresh[row.id] = None
                kept.append(row)
        self.remember(list(fresh))
        return kept

    def remember(self, ids: list[str]) -> None:
        """Take in ids that are not among them yet."""
        self._known.update(ids)
        self._batches.append(ids)
        while len(self._known) - len(self._batches[0]) >= _REMEMBERED:
            self._known.difference_update(self._batches.popleft())


class PlainPages:
    """Which plain page comes next."""

    def __init__(self, position: int, size: int) -> None:
        self.size = size
        self._next = position // size + 1

    @property
    def position(self) -> int:
        """Rows of the listing up to the next page."""
        return (self._next - 1) * self.size

    def plan(self, epoch: int) -> Window:
        """The next page. Where the server's pages exceed 100 rows, it is asked for 100 and gives its own size."""
        window = Window(self._next, min(self.size, MAX_LIMIT), epoch)
        self._next += 1
        return window
