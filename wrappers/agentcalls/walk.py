"""Which page to ask for next. Pure: the listings do the asking."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agentcalls.page import Page
    from agentcalls.query import CallQuery


def first_page(query: CallQuery) -> CallQuery:
    """The query for the page that reading starts at."""
    return query.window(query.start, query.size)


def page_after(query: CallQuery, page: Page) -> CallQuery | None:
    """The query for the page that follows `page`, the answer to `query`; None where the listing has ended.

    An empty page is the end whatever `meta` says. Without `meta` the listing goes on until a page comes short.
    """
    goes_on = page.meta.has_next_page if page.meta else len(page) >= query.size
    return query.window(query.start + 1, query.size) if page.data and goes_on else None


def first_call(query: CallQuery) -> CallQuery:
    """The query for a page of one: the call that reading starts at."""
    return query.window((query.start - 1) * query.size + 1, 1)
