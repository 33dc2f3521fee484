"""The listings that `client.calls.list(...)` and `list_many` return, in both flavours; they send requests when read."""

from __future__ import annotations

from copy import copy
from functools import partial
from operator import length_hint
from typing import TYPE_CHECKING, Any, Generic

from attrs import define, evolve, field

from agentcalls.described import quantity
from agentcalls.models import Agent, Call
from agentcalls.reading.any_listing import AsyncListing, Listing, shown_listing
from agentcalls.reading.batches import Batching
from agentcalls.reading.ended import UNREAD
from agentcalls.reading.iterators import (
    AsyncCallIterator,
    AsyncManyIterator,
    CallIterator,
    ManyIterator,
    RowChunkIterator,
    paired,
    together,
)
from agentcalls.reading.listing_options import settings_shown
from agentcalls.reading.one_agent import AgentReader
from agentcalls.reading.ordered import OrderedSchedule
from agentcalls.reading.pages import AsyncSource, SourceT, SyncSource
from agentcalls.reading.schedule import Schedule
from agentcalls.request.query import AgentQuery, CallQuery
from agentcalls.settings import BATCH
from agentcalls.table.tabular import AsyncTabular, Tabular
from agentcalls.values import ManyReport

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator

    from agentcalls.reading.batches import CallBatch
    from agentcalls.reading.listing_options import ManyOptions, ReadOptions
    from agentcalls.table.arrow import Chunk


class CallListing(Listing[Call, CallQuery], Tabular):
    """A lazy listing of an agent's calls: each iteration sends new requests, only as far as it is read.

    Every method that sends a request raises the `AgentCallsError` for its answer: `NotFoundError` if the key's team has
    no such agent, `AuthenticationError` for a bad key, and so on (see docs/errors.md).
    """

    def __iter__(self) -> CallIterator:
        """Each matching call, once, from `page` on: newest first or by `sort`; a single page as the server has it."""
        return CallIterator(self._reader(), self._source)

    def batches(self, size: int = BATCH) -> Generator[CallBatch]:
        """The calls of an iteration in batches of `size` calls, each with its checkpoint; the last one is `done`.

        The last batch may hold no calls. What came before a failure is a batch, too.
        """
        batching = Batching(size)
        return batching.over(ManyIterator(self._schedule(batching), self._source))


class AsyncCallListing(AsyncListing[Call, CallQuery], AsyncTabular):
    """A lazy listing of an agent's calls: the same as `CallListing`, read with `await` and `async for`."""

    def __aiter__(self) -> AsyncCallIterator:
        """Each matching call, once, from `page` on: newest first or by `sort`; a single page as the server has it."""
        return AsyncCallIterator(self._reader(), self._source)

    def batches(self, size: int = BATCH) -> AsyncGenerator[CallBatch]:
        """The calls of an iteration in batches of `size` calls: the same as `CallListing.batches`."""
        batching = Batching(size)
        return batching.async_over(AsyncManyIterator(self._schedule(batching), self._source))


class AgentListing(Listing[Agent, AgentQuery], Tabular):
    """A lazy listing of the team's agents: each iteration sends new requests, only as far as it is read.

    Every method that sends a request raises the `AgentCallsError` for its answer.
    """


class AsyncAgentListing(AsyncListing[Agent, AgentQuery], AsyncTabular):
    """A lazy listing of the team's agents: the same as `AgentListing`, read with `await` and `async for`."""


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
        agents = "agents" if count < 0 else quantity(count, "agent")
        settings = settings_shown(self.query, self.options, self.many)
        return f"<{type(self).__name__} of {agents}{settings}>"

    def _repr_html_(self) -> str:
        return shown_listing(self, self.report if self._latest else None)

    @property
    def report(self) -> ManyReport:
        """What the latest iteration has read and proved so far, for each agent, and where it can continue."""
        if self._latest:
            return self._latest.report
        return ManyReport(agents={}, failures={}, checkpoints={}, complete=False, reason=UNREAD)

    def _schedule(self, batching: Batching | None = None, label: Any = paired) -> Schedule[Any]:
        many = self.many
        begin = partial(self._reader, wall=self._source.clock.wall())
        self._latest = (OrderedSchedule if many.ordered else Schedule)(
            copy(many.agent_ids),
            batching.begin(begin) if batching else begin,
            label,
            concurrency=self._source.concurrency,
            stop_on_error=many.stop_on_error,
            on_agent=batching.on_agent(many.on_agent) if batching else many.on_agent,
        )
        return self._latest

    def _reader(self, agent_id: str, *, wall: float) -> AgentReader:
        query = evolve(self.query, agent_id=agent_id)
        options = evolve(self.options, resume=self.many.resume.get(agent_id))
        if self.many.since:
            options = evolve(options, since=self.many.since(agent_id))
            options.check_span(wall)
        return AgentReader(query, options, wall=wall, sorts=self._source.sorts)


class ManyListing(_ManyAgents[SyncSource], Tabular):
    """A lazy listing of many agents' calls, as pairs (agent id, call): each iteration sends new requests."""

    def __iter__(self) -> ManyIterator:
        """Each call with its agent's id: one agent's calls in order, different agents mixed unless `ordered`."""
        return ManyIterator(self._schedule(), self._source)

    def _chunks(self) -> Iterator[Chunk]:
        for batch in self.batches():
            yield batch.agent_id, batch.calls

    # As when it is iterated and as `batches`, but the calls are rows, which a table is made of for less.

    def _rows(self, batching: Batching | None = None) -> RowChunkIterator:
        return RowChunkIterator(self._schedule(batching, label=together), self._source.of_rows)

    def _row_batches(self, size: int) -> Generator[CallBatch]:
        batching = Batching(size)
        return batching.over(self._rows(batching), list[Any].extend)

    def batches(self, size: int = BATCH) -> Generator[CallBatch]:
        """The calls of an iteration in batches of `size` calls of one agent, each with its checkpoint.

        An agent's last batch is `done`, and may hold no calls. What came before a failure is a batch, too.
        """
        batching = Batching(size)
        return batching.over(ManyIterator(self._schedule(batching), self._source))


class AsyncManyListing(_ManyAgents[AsyncSource], AsyncTabular):
    """A lazy listing of many agents' calls: the same as `ManyListing`, read with `async for`."""

    def __aiter__(self) -> AsyncManyIterator:
        """Each call with its agent's id: one agent's calls in order, different agents mixed unless `ordered`."""
        return AsyncManyIterator(self._schedule(), self._source)

    async def _chunks(self) -> AsyncIterator[Chunk]:
        async for batch in self.batches():
            yield batch.agent_id, batch.calls

    def batches(self, size: int = BATCH) -> AsyncGenerator[CallBatch]:
        """The calls of an iteration in batches of one agent each: the same as `ManyListing.batches`."""
        batching = Batching(size)
        return batching.async_over(AsyncManyIterator(self._schedule(batching), self._source))
