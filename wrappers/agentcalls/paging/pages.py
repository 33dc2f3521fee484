"""The server's own pages, one after another: which comes next, and when there is none. Pure: the listings ask."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentcalls.errors import PaginationError
from agentcalls.paging.answer import judge
from agentcalls.paging.plain import RecentIds
from agentcalls.paging.windows import Window

if TYPE_CHECKING:
    from agentcalls.page import Page
    from agentcalls.query import CallQuery

_MOST_REPEATS = 16


class Pages:
    """One reading of the pages of a query, from its `page` on."""

    def __init__(self, query: CallQuery) -> None:
        self.next_query: CallQuery | None = query.window(query.start, query.size)
        """The query for the next page; None where the listing has ended."""
        self._recent = RecentIds()
        self._repeats = 0

    def accept(self, page: Page) -> None:
        """Take the answer to `next_query`.

        An empty page is the end whatever `meta` says, and its total outweighs its `has_next_page`; without `meta` a
        page that comes short is the end. Raises `PaginationError` where page after page has no call but those that came
        before.
        """
        query = self.next_query
        if query is None or not page.data:
            self.next_query = None
            return
        # A listing that shifts may repeat a page between two requests; it does not go on doing so.
        self._repeats = 0 if self._recent.unseen(page.data) else self._repeats + 1
        if self._repeats > _MOST_REPEATS:
            raise PaginationError(
                f"Page {query.start} and the {_MOST_REPEATS} before it hold no new call."
            )
        answer = judge(Window(query.start, query.size), len(page), page.meta)
        ends = not answer.says_more and (answer.short or answer.has_next is False)
        self.next_query = None if ends else query.window(query.start + 1, query.size)


def first_call(query: CallQuery) -> CallQuery:
    """The query for a page of one: the call that reading starts at."""
    return query.window((query.start - 1) * query.size + 1, 1)


def total_count(page: Page) -> int | None:
    """How many calls the listing has, by its first page of one; None where that does not say or cannot mean it."""
    return judge(Window(1, 1), len(page), page.meta).total
