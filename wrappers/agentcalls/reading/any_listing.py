"""A listing of any rows, calls or agents, in both flavours; it sends requests when it is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from attrs import define, evolve, field, frozen

from agentcalls.checks import as_builtin, checked_integer
from agentcalls.described import html_of, quantity
from agentcalls.errors import ConfigurationError
from agentcalls.reading.ended import UNREAD
from agentcalls.reading.iterators import AsyncRowIterator, RowIterator, paired
from agentcalls.reading.listing_options import settings_shown
from agentcalls.reading.one_agent import AgentReader
from agentcalls.reading.ordered import OrderedSchedule
from agentcalls.reading.pages import AsyncSource, SourceT, SyncSource
from agentcalls.reading.server_pages import ServerPages, first_call, total_count
from agentcalls.request.query import ListQuery
from agentcalls.telemetry.listings import span_of_listing
from agentcalls.values import ManyReport, Report

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from agentcalls.models import Call
    from agentcalls.reading.batches import Batching
    from agentcalls.reading.listing_options import ManyOptions, ReadOptions
    from agentcalls.reading.pages import Source
    from agentcalls.reading.schedule import Schedule
    from agentcalls.values import Page

RowT = TypeVar("RowT")
QueryT = TypeVar("QueryT", bound=ListQuery)
ListingT_co = TypeVar("ListingT_co", covariant=True)
ReadT = TypeVar("ReadT")


def shown_listing(listing: object, report: Report | ManyReport | None) -> str:
    """A listing as a notebook shows it; nothing is sent."""
    if report is None:
        return html_of(repr(listing), (), UNREAD)
    each = report.agents.values() if isinstance(report, ManyReport) else [report]
    pages = sum(one.pages for one in each)
    return html_of(
        repr(listing), (), f"{quantity(pages, 'page')} read; {report.reason or 'complete'}"
    )


@define(eq=False, repr=False)
class _AnyListing(Generic[SourceT, QueryT]):
    query: QueryT
    """The parameters of the request."""
    options: ReadOptions
    """The options of the reading."""
    _source: SourceT
    _latest: AgentReader | None = field(default=None, init=False)

    def __repr__(self) -> str:
        of = f" of {self.query.of_agent!r}" if self.query.of_agent is not None else ""
        return f"<{type(self).__name__}{of}{settings_shown(self.query, self.options)}>"

    def _repr_html_(self) -> str:
        return shown_listing(self, self.report if self._latest else None)

    @property
    def report(self) -> Report:
        """What the latest iteration has read and proved so far."""
        return self._latest.report if self._latest else Report(reason=UNREAD)

    def _reader(self) -> AgentReader:
        self._latest = AgentReader(
            self.query,
            self.options,
            wall=self._source.clock.wall(),
            sorts=self._source.sorts,
        )
        return self._latest

    def _schedule(self, batching: Batching) -> Schedule[tuple[str, Call]]:
        return OrderedSchedule(
            [cast("str", self.query.of_agent)],
            batching.begin(lambda _: self._reader()),
            paired,
            concurrency=self._source.concurrency,
            stop_on_error=True,
            on_agent=batching.on_agent(None),
        )

    def _first(self) -> ListQuery:
        return first_call(self.query, self._sort if self.options.exact else None)

    def _page(self, number: int) -> ListQuery:
        # A caller's number is checked; `window` is for our own.
        number = checked_integer("number", as_builtin(number), 1)
        return evolve(self._pages_query, page=number, limit=self.query.size)

    @property
    def _sort(self) -> str | None:
        # The sort of an exact reading, as far as the client knows it.
        best = self._source.sorts.best
        return best if best is None or self.options.oldest_first else f"-{best}"

    @property
    def _pages_query(self) -> QueryT:
        # The server's own pages come in its own order, unless the caller names one.
        return evolve(self.query, sort=self._sort) if self.options.oldest_first else self.query

    def _check_asks_api(self, what: str) -> None:
        if self.options.needs_iterating:
            raise ConfigurationError(
                f"{what} is the API's own answer, without since, until or resume: iterate instead."
            )


class Listing(_AnyListing[SyncSource, QueryT], Generic[RowT, QueryT]):
    """A lazy listing: each iteration sends new requests, only as far as it is read."""

    def __iter__(self) -> RowIterator[RowT]:
        """Each matching row, once, from `page` on: newest first or by `sort`; a single page as the server has it."""
        return RowIterator(self._reader(), self._source)

    def pages(self) -> Iterator[Page[RowT]]:
        """The server's own pages of `limit` rows (by default 100), from `page` to the last.

        They are not corrected: if the listing shifts meanwhile, rows may be repeated or lost between two pages.
        """
        self._check_asks_api("pages()")
        return self._pages(self._pages_query)

    def page(self, number: int) -> Page[RowT]:
        """Page `number`, 1-based, of `limit` rows; a page past the end is empty."""
        self._check_asks_api("page()")
        return self._source.fetch(self._page(number))

    def first(self) -> RowT | None:
        """The first row of an iteration, for one small request; None if there is none."""
        if self.options.needs_iterating:
            return next(iter(self), None)
        return next(iter(self._source.fetch(self._first())), None)

    def count(self) -> int:
        """How many rows match, regardless of `page`: one small request, or all pages if the server sends no `meta`."""
        self._check_asks_api("count()")
        total = total_count(self._source.fetch(self.query.window(1, 1)))
        if total is not None:
            return total
        return sum(map(len, self._pages(self.query.window(1, self.query.size))))

    def all(self) -> list[RowT]:
        """All rows of an iteration, in a list."""
        return list(self)

    def _pages(self, query: ListQuery) -> Iterator[Page[RowT]]:
        pages = ServerPages(query)
        with span_of_listing(self._source.path) as span:
            while pages.next_query:
                span.sent(1)
                with span.current():
                    page = self._source.fetch(pages.next_query)
                pages.accept(page)
                yield page
            span.end()


class AsyncListing(_AnyListing[AsyncSource, QueryT], Generic[RowT, QueryT]):
    """The same, read with `await` and `async for`."""

    def __aiter__(self) -> AsyncRowIterator[RowT]:
        """Each matching row, once, from `page` on: newest first or by `sort`; a single page as the server has it."""
        return AsyncRowIterator(self._reader(), self._source)

    def pages(self) -> AsyncIterator[Page[RowT]]:
        """The server's own pages of `limit` rows (by default 100), from `page` to the last.

        They are not corrected: if the listing shifts meanwhile, rows may be repeated or lost between two pages.
        """
        self._check_asks_api("pages()")
        return self._pages(self._pages_query)

    async def page(self, number: int) -> Page[RowT]:
        """Page `number`, 1-based, of `limit` rows; a page past the end is empty."""
        self._check_asks_api("page()")
        return await self._source.fetch(self._page(number))

    async def first(self) -> RowT | None:
        """The first row of an iteration, for one small request; None if there is none."""
        if self.options.needs_iterating:
            return await anext(aiter(self), None)
        return next(iter(await self._source.fetch(self._first())), None)

    async def count(self) -> int:
        """How many rows match, regardless of `page`: one small request, or all pages if the server sends no `meta`."""
        self._check_asks_api("count()")
        total = total_count(await self._source.fetch(self.query.window(1, 1)))
        if total is not None:
            return total
        return sum([len(page) async for page in self._pages(self.query.window(1, self.query.size))])

    async def all(self) -> list[RowT]:
        """All rows of an iteration, in a list."""
        return [row async for row in self]

    async def _pages(self, query: ListQuery) -> AsyncIterator[Page[RowT]]:
        pages = ServerPages(query)
        with span_of_listing(self._source.path) as span:
            while pages.next_query:
                span.sent(1)
                with span.current():
                    page: Page[Any] = await self._source.fetch(pages.next_query)
                pages.accept(page)
                yield page
            span.end()


@frozen
class Listed(Generic[ListingT_co]):
    """What gives listings: `client.calls` or `client.agents`."""

    _listing: Callable[[Any, ReadOptions, Any], ListingT_co] = field(repr=False)
    """The listing of this flavour, of listing.py."""
    _source: Callable[[ReadOptions], Source[Any, Any]] = field(repr=False)
    """How the client lets a listing ask, which is read with these options."""

    def _read(
        self, kind: Callable[..., ReadT], query: ListQuery, options: ReadOptions, *many: ManyOptions
    ) -> ReadT:
        query.hint()
        source = self._source(options)
        options.check_span(source.clock.wall())
        return kind(query, *many, options, source)
