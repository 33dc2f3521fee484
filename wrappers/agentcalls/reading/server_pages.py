"""The server's own pages, unchanged; the first row and the count, by one small page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import evolve

from agentcalls.errors import PaginationError
from agentcalls.reading.walk.evidence import judge
from agentcalls.reading.walk.recent import RecentIds
from agentcalls.reading.walk.windows import Window

if TYPE_CHECKING:
    from agentcalls.request.query import ListQuery
    from agentcalls.values import Page

_MOST_REPEATS = 16


class ServerPages:
    """One reading of the pages of a query, from its `page` on."""

    def __init__(self, query: ListQuery) -> None:
        self.next_query: ListQuery | None = query.window(query.start, query.size)
        """The query for the next page; None if the listing has ended."""
        self._recent = RecentIds()
        self._repeats = 0
        self._shrunk = False

    def accept(self, page: Page[Any]) -> None:
        """Take the answer to `next_query`.

        An empty page is the end, whatever `meta` says; without `meta`, so is a short page. The total outweighs
        `has_next_page`. If a short page says that more rows follow, its length is the page size from then on. Raises
        `PaginationError` if page after page holds only known calls.
        """
        query = self.next_query
        if query is None or not page.data:
            self.next_query = None
            return
        # A shifting listing may repeat a page once, but not again and again.
        self._repeats = 0 if self._recent.unseen(page.data) else self._repeats + 1
        if self._repeats > _MOST_REPEATS:
            raise PaginationError(
                f"Page {query.start} and the {_MOST_REPEATS} before it hold nothing new.",
                agent_id=query.of_agent,
            )
        size = query.size
        answer = judge(Window(query.start, size), len(page), page.meta)
        if not answer.says_more and (answer.short or answer.has_next is False):
            self.next_query = None
            return
        start = query.start
        if answer.short and not self._shrunk:
            # The server sends no longer pages. If the next one would begin in the middle of this one, the one before it
            # is requested: a repeated call is better than a lost one.
            self._shrunk = True
            start, size = answer.window.offset // answer.count + 1, answer.count
        self.next_query = query.window(start + 1, size)


def first_call(query: ListQuery, sort: str | None) -> ListQuery:
    """The query for a page of one: the row that reading starts at. `sort` is the sort of an exact reading."""
    one = query.window((query.start - 1) * query.size + 1, 1)
    return evolve(one, sort=sort) if sort and query.start == 1 and not query.sort else one


def total_count(page: Page[Any]) -> int | None:
    """The number of rows in the listing, by its first page of one; None without a plausible count."""
    return judge(Window(1, 1), len(page), page.meta).total
