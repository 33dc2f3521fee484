"""The listings that `client.calls.list(...)` and `list_many` return, in both flavours; they send requests when read."""

from __future__ import annotations

from functools import partial
from importlib import import_module
from operator import length_hint
from typing import TYPE_CHECKING, Any, Generic

from attrs import define, evolve, field

from agentcalls.errors import ConfigurationError
from agentcalls.reading.batches import Batching
from agentcalls.reading.iterators import (
    AsyncCallIterator,
    AsyncManyIterator,
    CallIterator,
    ManyIterator,
    RowsIterator,
)
from agentcalls.reading.one_agent import AgentReader
from agentcalls.reading.options import settings_shown
from agentcalls.reading.ordered import OrderedSchedule
from agentcalls.reading.outcomes import UNREAD
from agentcalls.reading.pages import AsyncSource, SourceT, SyncSource
from agentcalls.reading.schedule import Schedule, paired, together
from agentcalls.reading.walk.plain import ServerPages, first_call, total_count
from agentcalls.settings import BATCH
from agentcalls.values import ManyReport, Report

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator

    from agentcalls.models import Call
    from agentcalls.reading.batches import CallBatch
    from agentcalls.reading.options import ManyOptions, ReadOptions
    from agentcalls.request.query import CallQuery
    from agentcalls.values import Page


@define(eq=False, repr=False)
class _OneAgents(Generic[SourceT]):
    query: CallQuery
    """The parameters of the request."""
    options: ReadOptions
    """The options of the reading."""
    _source: SourceT
    _latest: AgentReader | None = field(default=None, init=False)

    def __repr__(self) -> str:
        settings = settings_shown(self.query, self.options)
        return f"<{type(self).__name__} of {self.query.agent_id!r}{settings}>"

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
            [self.query.agent_id],
            batching.begin(lambda _: self._reader()),
            paired,
            concurrency=self._source.concurrency,
            stop_on_error=True,
            on_agent=batching.on_agent(None),
        )

    def _check_asks_api(self, what: str) -> None:
        if self.options.needs_iterating:
            raise ConfigurationError(
                f"{what} is the API's own answer, without since, until or resume: iterate instead."
            )


class CallListing(_OneAgents[SyncSource]):
    """A lazy listing of an agent's calls: each iteration sends new requests, only as far as it is read.

    Every method that sends a request raises the `AgentCallsError` for its answer: `NotFoundError` if the key's team has
    no such agent, `AuthenticationError` for a bad key, and so on (see docs/errors.md).
    """

    def __iter__(self) -> CallIterator:
        """Each matching call, once, newest first or by `sort`, from `page` to the end."""
        return CallIterator(self._reader(), self._source)

    def batches(self, size: int = BATCH) -> Generator[CallBatch]:
        """The calls of an iteration in batches of `size` calls, each with its checkpoint; the last one is `done`.

        The last batch may hold no calls. What came before a failure is a batch, too.
        """
        batching = Batching(size)
        return batching.over(ManyIterator(self._schedule(batching), self._source))

    def pages(self) -> Iterator[Page]:
        """The server's own pages of `limit` calls (by default 100), from `page` to the last.

        They are not corrected: if the listing shifts meanwhile, calls may be repeated or lost between two pages.
        """
        self._check_asks_api("pages()")
        return self._pages(self.query)

    def page(self, number: int) -> Page:
        """Page `number`, 1-based, of `limit` calls; a page past the end is empty."""
        self._check_asks_api("page()")
        return self._source.fetch(self.query.window(number, self.query.size))

    def first(self) -> Call | None:
        """The first call of an iteration, for one small request; None if there is no call."""
        if self.options.needs_iterating:
            return next(iter(self), None)
        return next(iter(self._source.fetch(first_call(self.query))), None)

    def count(self) -> int:
        """How many calls match, regardless of `page`: one small request, or all pages if the server sends no `meta`."""
        self._check_asks_api("count()")
        total = total_count(self._source.fetch(self.query.window(1, 1)))
        if total is not None:
            return total
        return sum(map(len, self._pages(self.query.window(1, self.query.size))))

    def all(self) -> list[Call]:
        """All calls of an iteration, in a list."""
        return list(self)

    def to_arrow(self) -> Any:
        """All calls of an iteration, as a `pyarrow.Table`; see docs/dataframes.md for its columns.

        Raises `ConfigurationError` if pyarrow is not installed; the extra `arrow` includes it.
        """
        return self.arrow_batches().read_all()

    def arrow_batches(self) -> Any:
        """All calls as a `pyarrow.RecordBatchReader`, fetched as it is read: at most 5,000 at a time.

        Iterating it yields each `pyarrow.RecordBatch`; polars and duckdb read it directly. Raises like `to_arrow`.
        """
        return import_module("agentcalls.table.arrow").record_batches(self.query.agent_id, self)

    def _pages(self, query: CallQuery) -> Iterator[Page]:
        pages = ServerPages(query)
        while pages.next_query:
            page = self._source.fetch(pages.next_query)
            pages.accept(page)
            yield page


class AsyncCallListing(_OneAgents[AsyncSource]):
    """A lazy listing of an agent's calls: the same as `CallListing`, read with `await` and `async for`."""

    def __aiter__(self) -> AsyncCallIterator:
        """Each matching call, once, newest first or by `sort`, from `page` to the end."""
        return AsyncCallIterator(self._reader(), self._source)

    def batches(self, size: int = BATCH) -> AsyncGenerator[CallBatch]:
        """The calls of an iteration in batches of `size` calls: the same as `CallListing.batches`."""
        batching = Batching(size)
        return batching.async_over(AsyncManyIterator(self._schedule(batching), self._source))

    def pages(self) -> AsyncIterator[Page]:
        """The server's own pages of `limit` calls (by default 100), from `page` to the last.

        They are not corrected: if the listing shifts meanwhile, calls may be repeated or lost between two pages.
        """
        self._check_asks_api("pages()")
        return self._pages(self.query)

    async def page(self, number: int) -> Page:
        """Page `number`, 1-based, of `limit` calls; a page past the end is empty."""
        self._check_asks_api("page()")
        return await self._source.fetch(self.query.window(number, self.query.size))

    async def first(self) -> Call | None:
        """The first call of an iteration, for one small request; None if there is no call."""
        if self.options.needs_iterating:
            return await anext(aiter(self), None)
        return next(iter(await self._source.fetch(first_call(self.query))), None)

    async def count(self) -> int:
        """How many calls match, regardless of `page`: one small request, or all pages if the server sends no `meta`."""
        self._check_asks_api("count()")
        total = total_count(await self._source.fetch(self.query.window(1, 1)))
        if total is not None:
            return total
        return sum([len(page) async for page in self._pages(self.query.window(1, self.query.size))])

    async def all(self) -> list[Call]:
        """All calls of an iteration, in a list."""
        return [call async for call in self]

    async def to_arrow(self) -> Any:
        """All calls of an iteration, as a `pyarrow.Table`; see docs/dataframes.md for its columns.

        Raises `ConfigurationError` if pyarrow is not installed; the extra `arrow` includes it.
        """
        return await import_module("agentcalls.table.arrow").async_table(self.query.agent_id, self)

    def arrow_batches(self) -> AsyncIterator[Any]:
        """Yields all calls as `pyarrow.RecordBatch`es of at most 5,000 calls.

        Raises like `to_arrow`.
        """
        batches: AsyncIterator[Any] = import_module("agentcalls.table.arrow").async_record_batches(
            self.query.agent_id, self
        )
        return batches

    async def _pages(self, query: CallQuery) -> AsyncIterator[Page]:
        pages = ServerPages(query)
        while pages.next_query:
            page = await self._source.fetch(pages.next_query)
            pages.accept(page)
            yield page


@define(eq=False, repr=False)
class _ManyAgents(Generic[SourceT]):
    query: CallQuery
    """The parameters for each agent; its `agent_id` is a placeholder."""
    many: ManyOptions
    """The agents, their order, and the effect of a failure."""
    options: ReadOptions
    """The options for reading each agent."""
    _source: SourceT
    _latest: Schedule[tuple[str, Call]] | None = field(default=None, init=False)

    def __repr__(self) -> str:
        count = length_hint(self.many.agent_ids, -1)
        agents = "agents" if count < 0 else f"{count} agents"
        settings = settings_shown(self.query, self.options, self.many)
        return f"<{type(self).__name__} of {agents}{settings}>"

    @property
    def report(self) -> ManyReport:
        """What the latest iteration has read and proved so far, for each agent, and where it can continue."""
        if self._latest:
            return self._latest.report
        return ManyReport(agents={}, failures={}, checkpoints={}, complete=False, reason=UNREAD)

    def _schedule(self, batching: Batching | None = None, label: Any = paired) -> Schedule[Any]:
        many, on_agent = self.many, self.many.on_agent
        begin = partial(self._reader, wall=self._source.clock.wall())
        if batching:
            on_agent = batching.on_agent(on_agent)
        self._latest = (OrderedSchedule if many.ordered else Schedule)(
            many.agent_ids,
            batching.begin(begin) if batching else begin,
            label,
            concurrency=self._source.concurrency,
            stop_on_error=many.stop_on_error,
            on_agent=on_agent,
        )
        return self._latest

    def _reader(self, agent_id: str, *, wall: float) -> AgentReader:
        query = evolve(self.query, agent_id=agent_id)
        since = self.options.since if self.many.since is None else self.many.since(agent_id)
        options = evolve(self.options, resume=self.many.resume.get(agent_id), since=since)
        return AgentReader(query, options, wall=wall, sorts=self._source.sorts)


class ManyListing(_ManyAgents[SyncSource]):
    """A lazy listing of many agents' calls, as pairs (agent id, call): each iteration sends new requests."""

    def __iter__(self) -> ManyIterator:
        """Each call with its agent's id: one agent's calls in order, different agents mixed unless `ordered`."""
        return ManyIterator(self._schedule(), self._source)

    def _rows(self) -> RowsIterator:
        return RowsIterator(self._schedule(label=together), self._source.of_rows)

    def batches(self, size: int = BATCH) -> Generator[CallBatch]:
        """The calls of an iteration in batches of `size` calls of one agent, each with its checkpoint.

        An agent's last batch is `done`, and may hold no calls. What came before a failure is a batch, too.
        """
        batching = Batching(size)
        return batching.over(ManyIterator(self._schedule(batching), self._source))


class AsyncManyListing(_ManyAgents[AsyncSource]):
    """A lazy listing of many agents' calls: the same as `ManyListing`, read with `async for`."""

    def __aiter__(self) -> AsyncManyIterator:
        """Each call with its agent's id: one agent's calls in order, different agents mixed unless `ordered`."""
        return AsyncManyIterator(self._schedule(), self._source)

    def batches(self, size: int = BATCH) -> AsyncGenerator[CallBatch]:
        """The calls of an iteration in batches of one agent each: the same as `ManyListing.batches`."""
        batching = Batching(size)
        return batching.async_over(AsyncManyIterator(self._schedule(batching), self._source))
