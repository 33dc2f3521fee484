"""What `client.calls.list(...)` and `list_many` return: a question that is asked when it is read, in both flavours."""

from __future__ import annotations

from functools import partial
from importlib import import_module
from itertools import repeat
from operator import length_hint
from typing import TYPE_CHECKING, Any, Generic

from attrs import AttrsInstance, define, evolve, field, fields

from agentcalls.errors import ConfigurationError
from agentcalls.reading.iterators import (
    AsyncCallIterator,
    AsyncManyIterator,
    CallIterator,
    ManyIterator,
)
from agentcalls.reading.one_agent import AgentReader
from agentcalls.reading.ordered import OrderedSchedule
from agentcalls.reading.outcomes import UNREAD
from agentcalls.reading.pages import AsyncSource, SourceT, SyncSource
from agentcalls.reading.schedule import Schedule
from agentcalls.reading.walk.plain import ServerPages, first_call, total_count
from agentcalls.values import ManyReport, Report

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from agentcalls.models import Call
    from agentcalls.reading.options import ManyOptions, ReadOptions
    from agentcalls.request.query import CallQuery
    from agentcalls.values import Page


@define(eq=False, repr=False)
class _OneAgents(Generic[SourceT]):
    query: CallQuery
    """What is asked for."""
    options: ReadOptions
    """How it is read."""
    _source: SourceT
    _latest: AgentReader | None = field(default=None, init=False)

    def __repr__(self) -> str:
        settings = _settings(self.query, self.options)
        return f"<{type(self).__name__} of {self.query.agent_id!r}{settings}>"

    @property
    def report(self) -> Report:
        """What the latest iteration read and proved, up to now."""
        return self._latest.report if self._latest else Report(reason=UNREAD)

    def _reader(self) -> AgentReader:
        self._latest = AgentReader(self.query, self.options, wall=self._source.clock.wall())
        return self._latest

    def _check_asks_api(self, what: str) -> None:
        if self.options.needs_iterating:
            raise ConfigurationError(
                f"{what} is the API's answer, which knows no since and until, and no resume: iterate."
            )


class CallListing(_OneAgents[SyncSource]):
    """An agent's calls, lazily: iterating asks anew each time, for as much as is read.

    Every method that sends a request raises the `AgentCallsError` that its answer stands for: `NotFoundError` for an
    agent that the key's team does not have, `AuthenticationError` for a bad key, and so on (see docs/errors.md).
    """

    def __iter__(self) -> CallIterator:
        """Each call that matches, once, in the server's order, from `page` on to the end of the listing."""
        return CallIterator(self._reader(), self._source)

    def pages(self) -> Iterator[Page]:
        """The server's own pages of `limit` calls (100 where none was given), from `page` on to the last.

        They are given as they are: a listing that shifts meanwhile may repeat calls, or lose some, between two pages.
        """
        self._check_asks_api("pages()")
        return self._pages(self.query)

    def page(self, number: int) -> Page:
        """Page `number`, 1-based, of `limit` calls; one past the end is empty."""
        self._check_asks_api("page()")
        return self._source.fetch(self.query.window(number, self.query.size))

    def first(self) -> Call | None:
        """The call that iterating would begin with, at the cost of one small request; None where there is none."""
        if self.options.needs_iterating:
            return next(iter(self), None)
        return next(iter(self._source.fetch(first_call(self.query))), None)

    def count(self) -> int:
        """How many calls match, wherever `page` starts: one small request, or all pages where there is no `meta`."""
        self._check_asks_api("count()")
        total = total_count(self._source.fetch(self.query.window(1, 1)))
        if total is not None:
            return total
        return sum(map(len, self._pages(self.query.window(1, self.query.size))))

    def all(self) -> list[Call]:
        """Every call that iterating gives, in a list."""
        return list(self)

    def to_arrow(self) -> Any:
        """Every call that iterating gives, as a `pyarrow.Table`; see docs/dataframes.md for its columns.

        Raises `ConfigurationError` where pyarrow is not installed, which the extra `arrow` brings.
        """
        return self.arrow_batches().read_all()

    def arrow_batches(self) -> Any:
        """The calls that iterating gives, read as the `pyarrow.RecordBatchReader` is: 5,000 at a time, at most.

        Iterating it gives each `pyarrow.RecordBatch`; polars and duckdb take it as it is. Raises as `to_arrow`.
        """
        return import_module("agentcalls.table.arrow").record_batches(self.query.agent_id, self)

    def _pages(self, query: CallQuery) -> Iterator[Page]:
        pages = ServerPages(query)
        while pages.next_query:
            page = self._source.fetch(pages.next_query)
            pages.accept(page)
            yield page


class AsyncCallListing(_OneAgents[AsyncSource]):
    """An agent's calls, lazily: the same as `CallListing`, to be awaited and read with `async for`."""

    def __aiter__(self) -> AsyncCallIterator:
        """Each call that matches, once, in the server's order, from `page` on to the end of the listing."""
        return AsyncCallIterator(self._reader(), self._source)

    def pages(self) -> AsyncIterator[Page]:
        """The server's own pages of `limit` calls (100 where none was given), from `page` on to the last.

        They are given as they are: a listing that shifts meanwhile may repeat calls, or lose some, between two pages.
        """
        self._check_asks_api("pages()")
        return self._pages(self.query)

    async def page(self, number: int) -> Page:
        """Page `number`, 1-based, of `limit` calls; one past the end is empty."""
        self._check_asks_api("page()")
        return await self._source.fetch(self.query.window(number, self.query.size))

    async def first(self) -> Call | None:
        """The call that iterating would begin with, at the cost of one small request; None where there is none."""
        if self.options.needs_iterating:
            return await anext(aiter(self), None)
        return next(iter(await self._source.fetch(first_call(self.query))), None)

    async def count(self) -> int:
        """How many calls match, wherever `page` starts: one small request, or all pages where there is no `meta`."""
        self._check_asks_api("count()")
        total = total_count(await self._source.fetch(self.query.window(1, 1)))
        if total is not None:
            return total
        return sum([len(page) async for page in self._pages(self.query.window(1, self.query.size))])

    async def all(self) -> list[Call]:
        """Every call that iterating gives, in a list."""
        return [call async for call in self]

    async def to_arrow(self) -> Any:
        """Every call that iterating gives, as a `pyarrow.Table`; see docs/dataframes.md for its columns.

        Raises `ConfigurationError` where pyarrow is not installed, which the extra `arrow` brings.
        """
        return await import_module("agentcalls.table.arrow").async_table(self.query.agent_id, self)

    def arrow_batches(self) -> AsyncIterator[Any]:
        """Yields the calls that iterating gives as each `pyarrow.RecordBatch`: 5,000 at a time, at most.

        Raises as `to_arrow`.
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
    """What each agent is asked for; its `agent_id` stands for any."""
    many: ManyOptions
    """Whose calls are read, in which order, and what a failure does."""
    options: ReadOptions
    """How each agent is read."""
    _source: SourceT
    _latest: Schedule[tuple[str, Call]] | None = field(default=None, init=False)

    def __repr__(self) -> str:
        count = length_hint(self.many.agent_ids, -1)
        agents = "agents" if count < 0 else f"{count} agents"
        settings = _settings(self.query, self.options, self.many)
        return f"<{type(self).__name__} of {agents}{settings}>"

    @property
    def report(self) -> ManyReport:
        """What the latest iteration read and proved, up to now, agent by agent, and where it would go on."""
        if self._latest:
            return self._latest.report
        return ManyReport(agents={}, failures={}, checkpoints={}, complete=False, reason=UNREAD)

    def _schedule(self) -> Schedule[tuple[str, Call]]:
        many = self.many
        self._latest = (OrderedSchedule if many.ordered else Schedule)(
            many.agent_ids,
            partial(self._reader, wall=self._source.clock.wall()),
            lambda agent_id, calls: zip(repeat(agent_id), calls),
            concurrency=self._source.concurrency,
            stop_on_error=many.stop_on_error,
            on_agent=many.on_agent,
        )
        return self._latest

    def _reader(self, agent_id: str, *, wall: float) -> AgentReader:
        query = evolve(self.query, agent_id=agent_id)
        options = evolve(self.options, resume=self.many.resume.get(agent_id))
        return AgentReader(query, options, wall=wall)


class ManyListing(_ManyAgents[SyncSource]):
    """The calls of many agents, lazily, as pairs (agent id, call): iterating asks anew each time."""

    def __iter__(self) -> ManyIterator:
        """Each agent's calls, as `list` gives them, with its id: in its listing's order, mixed unless `ordered`."""
        return ManyIterator(self._schedule(), self._source)


class AsyncManyListing(_ManyAgents[AsyncSource]):
    """The calls of many agents, lazily: the same as `ManyListing`, to be read with `async for`."""

    def __aiter__(self) -> AsyncManyIterator:
        """Each agent's calls, as `list` gives them, with its id: in its listing's order, mixed unless `ordered`."""
        return AsyncManyIterator(self._schedule(), self._source)


def _settings(*values: AttrsInstance) -> str:
    # What differs from its default.
    found = [
        f"{one.name}={getattr(value, one.name)!r}"
        for value in values
        for one in fields(type(value))
        if one.repr and one.name != "agent_id" and getattr(value, one.name) != one.default
    ]
    return f": {', '.join(found)}" if found else ""
