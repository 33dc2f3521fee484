"""The latest ids, which show a repeat."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from agentcalls.reading.walk.windows import RowT

_REMEMBERED = 1000


class RecentIds:
    """The last thousand ids, and a few more, since whole pages are forgotten; the opening's ids are kept."""

    def __init__(self, opening: Iterable[str] = ()) -> None:
        self.opening: frozenset[str] = frozenset(opening)
        """The ids delivered before the order was known: in that order they come again, anywhere."""
        self._known: set[str] = set()
        self._batches: deque[list[str]] = deque()

    def latest(self, count: int) -> list[str]:
        """The last `count` ids, oldest first."""
        return [id for batch in self._batches for id in batch][-count:]

    def holds_any(self, ids: Collection[str | None]) -> bool:
        """Whether one of the ids is remembered."""
        return not (self._known.isdisjoint(ids) and self.opening.isdisjoint(ids))

    def unseen(self, rows: Sequence[RowT]) -> list[RowT]:
        """The rows that repeat neither each other nor a remembered row; a row with no id, or an empty one, is none.

        Their ids are remembered.
        """
        ids = [row.id for row in rows]
        distinct = set(ids)
        if None not in distinct and len(distinct) == len(ids) and not self.holds_any(distinct):
            self.remember(cast("list[str]", ids))
            return list(rows)
        kept: list[RowT] = []
        fresh: dict[str, None] = {}
        for row in rows:
            if not row.id:
                kept.append(row)
            elif row.id not in fresh and not self.holds_any((row.id,)):
                fresh[row.id] = None
                kept.append(row)
        self.remember(list(fresh))
        return kept

    def remember(self, ids: list[str]) -> None:
        """Remember new ids."""
        self._known.update(ids)
        self._batches.append(ids)
        while len(self._known) - len(self._batches[0]) >= _REMEMBERED:
            self._known.difference_update(self._batches.popleft())
