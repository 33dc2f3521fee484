"""The server's own pages, one after another: which comes next, and when there is none. Pure: the listings ask."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentcalls.errors import PaginationError

if TYPE_CHECKING:
    from agentcalls.page import Page
    from agentcalls.query import CallQuery

_MOST_REPEATS = 16


class Pages:
    """One reading of the pages of a query, from its `page` on."""

    def __init__(self, query: CallQuery) -> None:
        self.next_query: CallQuery | None = query.window(query.start, query.size)
        """The query for the next page; None where the listing has ended."""
        self._latest: list[str] = []
        self._repeats = 0

    def accept(self, page: Page) -> None:
        """Take the answer to `next_query`.

        An empty page is the end whatever `meta` says; without `meta`, so is a page that comes short. Raises
        `PaginationError` where one and the same page comes again and again.
        """
        query = self.next_query
        ids = [call.id for call in page]
        if query is None or not ids:
            self.next_query = None
            return
        # A listing that shifts by a page between two requests repeats one, once; it does not go on doing so.
        self._repeats = self._repeats + 1 if ids == self._latest else 0
        self._latest = ids
        if self._repeats > _MOST_REPEATS:
            raise PaginationError(
                f"Page {query.start} holds the same calls as the {_MOST_REPEATS} before it."
            )
        has_next = page.meta.has_next_page if page.meta else None
        goes_on = has_next if isinstance(has_next, bool) else len(ids) >= query.size
        self.next_query = query.window(query.start + 1, query.size) if goes_on else None


def first_call(query: CallQuery) -> CallQuery:
    """The query for a page of one: the call that reading starts at."""
    return query.window((query.start - 1) * query.size + 1, 1)


def total_count(page: Page) -> int | None:
    """How many calls the whole listing has; None where the page does not say."""
    return page.meta.total_count if page.meta else None
