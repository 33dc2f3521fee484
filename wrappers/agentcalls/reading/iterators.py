"""The iterators that users hold, over calls of one agent or of many."""

from __future__ import annotations

from itertools import chain, repeat
from typing import TYPE_CHECKING, Any, Generic, Self

from agentcalls.checks import as_builtin, checked_text
from agentcalls.models import Call
from agentcalls.reading.ordered import schedule_of_one
from agentcalls.reading.pages import AsyncPages, SyncPages
from agentcalls.reading.schedule import ItemT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agentcalls.reading.one_agent import AgentReader
    from agentcalls.reading.pages import AsyncSource, SyncSource
    from agentcalls.reading.schedule import Schedule
    from agentcalls.values import AgentReport, Checkpoint, ManyReport, Report


class _SyncIterator(chain[ItemT]):
    """An iterator over items that runs no line of Python for each of them."""

    _pages: SyncPages[ItemT]
    _schedule: Schedule[ItemT]

    @classmethod
    def _over(cls, pages: SyncPages[ItemT]) -> Self:
        self: Any = cls.from_iterable(pages)
        self._pages, self._schedule = pages, pages.schedule
        return self  # type: ignore[no-any-return]

    def close(self) -> None:
        """End the iteration: nothing more is requested or given, and requests in flight are discarded."""
        self._pages.close()

    __del__ = close


class _AsyncIterator(Generic[ItemT]):
    def __init__(self, pages: AsyncPages[ItemT]) -> None:
        self._pages, self._schedule = pages, pages.schedule

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> ItemT:
        while True:
            for item in self._schedule.pending:
                return item
            if not await self._pages.advance():
                raise StopAsyncIteration

    async def aclose(self) -> None:
        """End the iteration: nothing more is requested or given, and requests in flight are cancelled."""
        await self._pages.aclose()

    def __del__(self) -> None:
        self._pages.close()


class _OfOne:
    """The common part of the iterators over one agent's calls."""

    _reader: AgentReader

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._reader!r}>"

    @property
    def report(self) -> Report:
        """What this iteration has read and proved so far."""
        return self._reader.report

    @property
    def checkpoint(self) -> Checkpoint:
        """Where `list(..., resume=checkpoint)` continues: after the last call given."""
        return self._reader.checkpoint


class RowIterator(_OfOne, _SyncIterator[ItemT]):
    """The rows of one iteration, each once; see `CallIterator`."""

    def __new__(cls, reader: AgentReader, source: SyncSource) -> Self:  # noqa: D102 (as above)
        schedule = schedule_of_one(reader, concurrency=source.concurrency)
        self = cls._over(SyncPages(schedule, source))
        self._reader = reader
        return self


class AsyncRowIterator(_OfOne, _AsyncIterator[ItemT]):
    """The same, with `async for`."""

    def __init__(self, reader: AgentReader, source: AsyncSource) -> None:
        self._reader = reader
        schedule = schedule_of_one(reader, concurrency=source.concurrency)
        super().__init__(AsyncPages(schedule, source))


class _OfMany:
    """The common part of the iterators over many agents' calls."""

    _schedule: Schedule[tuple[str, Call]]

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self._schedule!r}>"

    @property
    def report(self) -> ManyReport:
        """What this iteration has read and proved of each agent so far, and where it can continue."""
        return self._schedule.report

    def agent(self, agent_id: str) -> AgentReport:
        """What this iteration has read and proved of one agent; raises `KeyError` for an agent that was not reached."""
        return self._schedule.agent(checked_text("agent_id", as_builtin(agent_id)))


class CallIterator(RowIterator[Call]):
    """The calls of one iteration, each once; one thread reads it.

    Pages are requested ahead, at most `concurrency` at once. An error of a request ends the iteration; its `checkpoint`
    says where it stopped.
    """


class AsyncCallIterator(AsyncRowIterator[Call]):
    """The calls of one iteration, each once; one task reads it. The same as `CallIterator`, with `async for`.

    Pages are fetched ahead by tasks, which are cancelled when the iteration ends early.
    """


class ManyIterator(_OfMany, _SyncIterator[tuple[str, Call]]):
    """The calls of one iteration over many agents, each with its agent's id; one thread reads it.

    Pages are requested ahead, at most `concurrency` at once. At the end it raises the failures of single agents as one
    `ExceptionGroup`. Errors that affect every agent end it early: `AuthenticationError`, `RateLimitError`, a closed
    client, and any error that is no `AgentCallsError`.
    """

    def __new__(cls, schedule: Schedule[tuple[str, Call]], source: SyncSource) -> Self:  # noqa: D102 (as above)
        return cls._over(SyncPages(schedule, source))


class RowChunkIterator(ManyIterator):
    """The same for a table: the rows of each answer together."""

    if TYPE_CHECKING:

        def __next__(self) -> tuple[str, list[Call]]: ...  # type: ignore[override]


class AsyncManyIterator(_OfMany, _AsyncIterator[tuple[str, Call]]):
    """The calls of one iteration over many agents; one task reads it. As `ManyIterator`, with `async for`.

    Pages are fetched by tasks, which are cancelled when the iteration ends early.
    """

    def __init__(self, schedule: Schedule[tuple[str, Call]], source: AsyncSource) -> None:
        super().__init__(AsyncPages(schedule, source))


def paired(agent_id: str, calls: Iterator[Call]) -> Iterator[tuple[str, Call]]:
    """Each call with its agent's id."""
    return zip(repeat(agent_id), calls)


def together(agent_id: str, calls: Iterator[Call]) -> Iterator[tuple[str, list[Call]]]:
    """All calls of an answer with their agent's id."""
    yield agent_id, list(calls)
