"""Pages without overlap: plain ones of ours, which prove nothing, and the server's own; repeats are known by id."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, cast

from agentcalls.errors import PaginationError
from agentcalls.reading.walk.evidence import judge
from agentcalls.reading.walk.order import direction_of
from agentcalls.reading.walk.windows import Window
from agentcalls.settings import MAX_LIMIT

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from datetime import datetime

    from agentcalls.reading.walk.order import Direction
    from agentcalls.reading.walk.windows import RowT
    from agentcalls.request.query import CallQuery
    from agentcalls.values import Page

_REMEMBERED = 1000

_MOST_REPEATS = 16


class RecentIds:
    """The last thousand ids, and a few more: whole pages are forgotten at a time; those of the opening never are."""

    def __init__(self, opening: Iterable[str] = ()) -> None:
        self.opening = frozenset(opening)
        """Delivered before the order was known: in that order they come again, at any place."""
        self._known: set[str] = set()
        self._batches: deque[list[str]] = deque()

    def latest(self, count: int) -> list[str]:
        """The last `count` ids, oldest first."""
        return [id for batch in self._batches for id in batch][-count:]

    def holds_any(self, ids: Collection[str | None]) -> bool:
        """Whether one of the ids is among them."""
        return not (self._known.isdisjoint(ids) and self.opening.isdisjoint(ids))

    def unseen(self, rows: Sequence[RowT]) -> list[RowT]:
        """The rows that are not repeats of one another or of rows remembered; one without an id never is.

        They are remembered from then on.
        """
        ids = [row.id for row in rows]
        distinct = set(ids)
        if None not in distinct and len(distinct) == len(ids) and not self.holds_any(distinct):
            self.remember(cast("list[str]", ids))
            return list(rows)
        kept: list[RowT] = []
        fresh: dict[str, None] = {}
        for row in rows:
            if row.id is None:
                kept.append(row)
            elif row.id not in fresh and not self.holds_any((row.id,)):
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


class PlainWindows:
    """Which plain page comes next, and in which direction the keys of those read run."""

    def __init__(self, position: int, size: int, direction: Direction | None = None) -> None:
        self.size = size
        self._next = position // size + 1
        self.read_to = self.planned_to
        """Rows of the listing up to where it was read."""
        self.direction: Direction | None = direction
        """None until it is seen; 0 once the keys are in no order."""

    @property
    def planned_to(self) -> int:
        """Rows of the listing up to the next page."""
        return (self._next - 1) * self.size

    def plan(self, epoch: int, *, sort: str | None) -> Window:
        """The next page. Where the server's pages exceed 100 rows, it is asked for 100 and gives its own size."""
        window = Window(self._next, min(self.size, MAX_LIMIT), epoch, sort)
        self._next += 1
        return window

    def skip(self) -> None:
        """The next page was read already."""
        self._next += 1

    def note_order(self, keys: Sequence[datetime]) -> Direction:
        """The direction of all keys up to these, 0 where that is not known: pages prove no order, but may refute it."""
        direction = direction_of(keys)
        if direction:
            self.direction = direction if self.direction in {None, direction} else 0
        elif keys and min(keys) < max(keys):
            self.direction = 0
        return self.direction or 0


class ServerPages:
    """One reading of the pages of a query, from its `page` on."""

    def __init__(self, query: CallQuery) -> None:
        self.next_query: CallQuery | None = query.window(query.start, query.size)
        """The query for the next page; None where the listing has ended."""
        self._recent = RecentIds()
        self._repeats = 0
        self._shrunk = False

    def accept(self, page: Page) -> None:
        """Take the answer to `next_query`.

        An empty page is the end whatever `meta` says, and its total outweighs its `has_next_page`; without `meta` a
        page that comes short is the end. Behind one that comes short and says that more follow, the rows that came are
        the size of the pages from then on. Raises `PaginationError` where page after page has no call but those that
        came before.
        """
        query = self.next_query
        if query is None or not page.data:
            self.next_query = None
            return
        # A listing that shifts may repeat a page between two requests; it does not go on doing so.
        self._repeats = 0 if self._recent.unseen(page.data) else self._repeats + 1
        if self._repeats > _MOST_REPEATS:
            raise PaginationError(
                f"Page {query.start} and the {_MOST_REPEATS} before it hold no new call.",
                agent_id=query.agent_id,
            )
        size = query.size
        answer = judge(Window(query.start, size), len(page), page.meta)
        if not answer.says_more and (answer.short or answer.has_next is False):
            self.next_query = None
            return
        start = query.start
        if answer.short and not self._shrunk:
            # The server gives no longer pages. Where the next of them would begin in the middle of what came, it
            # begins sooner: a call that comes twice is better than one that never comes.
            self._shrunk = True
            start, size = answer.window.offset // answer.count + 1, answer.count
        self.next_query = query.window(start + 1, size)


def first_call(query: CallQuery) -> CallQuery:
    """The query for a page of one: the call that reading starts at."""
    return query.window((query.start - 1) * query.size + 1, 1)


def total_count(page: Page) -> int | None:
    """How many calls the listing has, by its first page of one; None where that does not say or cannot mean it."""
    return judge(Window(1, 1), len(page), page.meta).total
