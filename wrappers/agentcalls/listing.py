"""What `client.calls.list(...)` returns: a question that is asked when it is read, in both flavours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import field, frozen

from agentcalls.walk import first_call, first_page, page_after

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    from agentcalls.options import ReadOptions
    from agentcalls.page import Page
    from agentcalls.query import CallQuery
    from agentcalls_api.models import Call


@frozen
class CallListing:
    """An agent's calls, lazily: iterating asks for page after page, each time anew.

    Every method that sends a request raises the `AgentCallsError` that its answer stands for: `NotFoundError` for an
    agent that the key's team does not have, `AuthenticationError` for a bad key, and so on (see `agentcalls.errors`).
    """

    query: CallQuery
    """What is asked for."""
    options: ReadOptions
    """How it is read."""
    _fetch: Callable[[CallQuery], Page] = field(repr=False)

    def __iter__(self) -> Iterator[Call]:
        """Each call, in the server's order, from `page` on to the end of the listing."""
        for page in self.pages():
            yield from page

    def pages(self) -> Iterator[Page]:
        """The server's own pages of `limit` calls (100 where none was given), from `page` on to the last."""
        query: CallQuery | None = first_page(self.query)
        while query:
            page = self._fetch(query)
            yield page
            query = page_after(query, page)

    def page(self, number: int) -> Page:
        """Page `number`, 1-based, of `limit` calls; one past the end is empty."""
        return self._fetch(self.query.window(number, self.query.size))

    def first(self) -> Call | None:
        """The call that iterating would begin with, at the cost of one small request; None where there is none."""
        return next(iter(self._fetch(first_call(self.query))), None)

    def count(self) -> int:
        """How many calls match, wherever `page` starts: one small request, or all pages where there is no `meta`."""
        meta = self._fetch(self.query.window(1, 1)).meta
        if meta:
            return meta.total_count
        return sum(
            map(
                len,
                CallListing(
                    self.query.window(1, self.query.size), self.options, self._fetch
                ).pages(),
            )
        )

    def all(self) -> list[Call]:
        """Every call that iterating gives, in a list."""
        return list(self)


@frozen
class AsyncCallListing:
    """An agent's calls, lazily: the same as `CallListing`, to be awaited and read with `async for`."""

    query: CallQuery
    """What is asked for."""
    options: ReadOptions
    """How it is read."""
    _fetch: Callable[[CallQuery], Awaitable[Page]] = field(repr=False)

    async def __aiter__(self) -> AsyncIterator[Call]:
        """Each call, in the server's order, from `page` on to the end of the listing."""
        async for page in self.pages():
            for call in page:
                yield call

    async def pages(self) -> AsyncIterator[Page]:
        """The server's own pages of `limit` calls (100 where none was given), from `page` on to the last."""
        query: CallQuery | None = first_page(self.query)
        while query:
            page = await self._fetch(query)
            yield page
            query = page_after(query, page)

    async def page(self, number: int) -> Page:
        """Page `number`, 1-based, of `limit` calls; one past the end is empty."""
        return await self._fetch(self.query.window(number, self.query.size))

    async def first(self) -> Call | None:
        """The call that iterating would begin with, at the cost of one small request; None where there is none."""
        return next(iter(await self._fetch(first_call(self.query))), None)

    async def count(self) -> int:
        """How many calls match, wherever `page` starts: one small request, or all pages where there is no `meta`."""
        meta = (await self._fetch(self.query.window(1, 1))).meta
        if meta:
            return meta.total_count
        whole = AsyncCallListing(self.query.window(1, self.query.size), self.options, self._fetch)
        return sum([len(page) async for page in whole.pages()])

    async def all(self) -> list[Call]:
        """Every call that iterating gives, in a list."""
        return [call async for call in self]
