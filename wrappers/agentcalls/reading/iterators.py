"""The iterators over calls, of one agent or of many: the shells that send what a `Schedule` plans, and wait."""

from __future__ import annotations

from functools import partial
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Generic, Self, TypeAlias, TypeVar

from attrs import frozen

from agentcalls.errors import AgentCallsError, ConfigurationError
from agentcalls.models import Call
from agentcalls.reading.ordered import schedule_of_one
from agentcalls.reading.schedule import ItemT

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Coroutine
    from concurrent.futures import Future

    from agentcalls.clock import Clock
    from agentcalls.reading.one_agent import AgentReader, Request
    from agentcalls.reading.schedule import Schedule
    from agentcalls.reading.walk.sort import KnownSorts
    from agentcalls.request.query import CallQuery
    from agentcalls.values import AgentReport, Checkpoint, ManyReport, Page, Report


PageT = TypeVar("PageT")
JobT = TypeVar("JobT", "Future[Page]", "asyncio.Task[Page]")


@frozen
class Source(Generic[PageT, JobT]):
    """What a client lends to a listing, so that it can ask."""

    fetch: Callable[[CallQuery], PageT]
    """Gives the page that a query asks for, or raises: `Client._fetch`, `AsyncClient._fetch`."""
    start: Callable[[CallQuery], JobT]
    """Begins to do so in another thread or task."""
    concurrency: int
    """How many of these may be under way at once."""
    sorts: KnownSorts
    """What is known of the server's sorting."""
    clock: Clock


SyncSource: TypeAlias = Source["Page", "Future[Page]"]
AsyncSource: TypeAlias = Source["Coroutine[Any, Any, Page]", "asyncio.Task[Page]"]
SourceT = TypeVar("SourceT", bound=Source[Any, Any])


class _Iterator(Generic[ItemT, JobT]):
    """What both flavours share: the requests under way, and what becomes of each."""

    def __init__(
        self,
        schedule: Schedule[ItemT],
        start: Callable[[CallQuery], JobT],
        arrived: Callable[[tuple[Request, JobT]], None],
    ) -> None:
        self._schedule = schedule
        self._start: Callable[[CallQuery], JobT] = start
        self._arrived: Callable[[tuple[Request, JobT]], None] = arrived
        self._under_way: dict[Request, JobT] = {}

    def _prepare(self) -> bool:
        # Whether there may be more to hand out. What was answered makes room, so the next requests go out first.
        more = self._schedule.advance()
        # The first request is alone: the blocking flavour sends it itself, and starts no thread for it.
        while self._schedule.room > 1 and (request := self._schedule.plan()):
            self._send(request)
        return more

    @property
    def _must_wait(self) -> bool:
        # What is still under way when all is done was discarded.
        return bool(self._under_way) and not self._schedule.done

    def _send(self, request: Request) -> None:
        job = self._under_way[request] = self._start(request.query)
        # The callback holds no reference to the iterator, which is closed when it is dropped.
        arrived = self._arrived

        def arrive(done: Any) -> None:
            arrived((request, done))

        job.add_done_callback(arrive)

    def _receive(self, request: Request, job: JobT) -> None:
        self._under_way.pop(request, None)
        if job.cancelled():
            # The reader itself was not cancelled, and a CancelledError would say so.
            raise ConfigurationError("The client, or the iterator, was closed while it was read.")
        self._take(request, job.result)

    def _take(self, request: Request, give: Callable[[], Page]) -> None:
        try:
            page = give()
        except AgentCallsError as error:
            self._schedule.failed(request, error)
        else:
            self._schedule.answered(request, page)

    def _end(self) -> None:
        self._forget()
        self._schedule.end()

    def _forget(self) -> None:
        for job in self._under_way.values():
            job.cancel()
        self._under_way.clear()

    def _close(self) -> None:
        self._schedule.stop()
        self._forget()

    __del__ = _close


class _SyncIterator(_Iterator[ItemT, "Future[Page]"]):
    def __init__(self, schedule: Schedule[ItemT], source: SyncSource) -> None:
        self._fetch = source.fetch
        self._answers: SimpleQueue[tuple[Request, Future[Page]]] = SimpleQueue()
        super().__init__(schedule, source.start, self._answers.put)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> ItemT:
        while True:
            for item in self._schedule.pending:
                return item
            if not self._advance():
                raise StopIteration

    def _advance(self) -> bool:
        # Whether there may be more to hand out.
        with self._schedule.stopped_by_errors(self._forget):
            if self._prepare():
                return True
            if self._must_wait:
                self._receive(*self._answers.get())
            elif request := self._schedule.plan():
                self._take(request, partial(self._fetch, request.query))
            else:
                self._end()
                return False
        return True

    def close(self) -> None:
        """End the iteration: nothing more is asked for or given. Requests under way end by themselves."""
        self._close()


class _AsyncIterator(_Iterator[ItemT, "asyncio.Task[Page]"]):
    def __init__(self, schedule: Schedule[ItemT], source: AsyncSource) -> None:
        import asyncio  # noqa: PLC0415 (slow to import, and `Client` does without)

        self._answers: asyncio.Queue[tuple[Request, asyncio.Task[Page]]] = asyncio.Queue()
        super().__init__(schedule, source.start, self._answers.put_nowait)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> ItemT:
        while True:
            for item in self._schedule.pending:
                return item
            if not await self._advance():
                raise StopAsyncIteration

    async def _advance(self) -> bool:
        # Whether there may be more to hand out.
        with self._schedule.stopped_by_errors(self._forget):
            if self._prepare():
                return True
            if self._must_wait:
                self._receive(*await self._answers.get())
            elif request := self._schedule.plan():
                self._send(request)
            else:
                self._end()
                return False
        return True

    async def aclose(self) -> None:
        """End the iteration: nothing more is asked for or given, and the requests under way are cancelled."""
        import asyncio  # noqa: PLC0415 (as above)

        tasks = list(self._under_way.values())
        self._close()
        await asyncio.gather(*tasks, return_exceptions=True)


class _OfOne:
    """What an iterator over one agent's calls tells."""

    _reader: AgentReader

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._reader!r}>"

    @property
    def report(self) -> Report:
        """What this iteration read and proved, up to now."""
        return self._reader.report

    @property
    def checkpoint(self) -> Checkpoint:
        """Where `list(..., resume=checkpoint)` goes on: after the last call that was given."""
        return self._reader.checkpoint


class _OfMany:
    """What an iterator over many agents' calls tells."""

    _schedule: Schedule[tuple[str, Call]]

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self._schedule!r}>"

    @property
    def report(self) -> ManyReport:
        """What this iteration read and proved, up to now, agent by agent, and where it would go on."""
        return self._schedule.report

    def agent(self, agent_id: str) -> AgentReport:
        """What this iteration read and proved of one agent, up to now; raises `KeyError` for one not reached."""
        return self._schedule.agent(agent_id)


class CallIterator(_OfOne, _SyncIterator[Call]):
    """The calls of one iteration, each once; one thread reads it.

    Pages are fetched ahead by other threads, at most `concurrency` of them at once. Raises what its requests raise,
    with `checkpoint` set to where it stopped, and has ended then.
    """

    def __init__(self, reader: AgentReader, source: SyncSource) -> None:
        self._reader = reader
        super().__init__(schedule_of_one(reader, concurrency=source.concurrency), source)


class AsyncCallIterator(_OfOne, _AsyncIterator[Call]):
    """The calls of one iteration, each once; one task reads it. The same as `CallIterator`, with `async for`.

    Pages are fetched ahead by tasks, which are cancelled when the iteration ends early.
    """

    def __init__(self, reader: AgentReader, source: AsyncSource) -> None:
        self._reader = reader
        super().__init__(schedule_of_one(reader, concurrency=source.concurrency), source)


class ManyIterator(_OfMany, _SyncIterator[tuple[str, Call]]):
    """The calls of one iteration over many agents, each with its agent's id; one thread reads it.

    Pages are fetched by other threads, at most `concurrency` of them at once. At its end it raises the failures of
    single agents as one `ExceptionGroup`. It ends early for what would meet every agent: `AuthenticationError`,
    `RateLimitError`, a closed client; and for anything that is no `AgentCallsError`.
    """


class AsyncManyIterator(_OfMany, _AsyncIterator[tuple[str, Call]]):
    """The calls of one iteration over many agents; one task reads it. As `ManyIterator`, with `async for`.

    Pages are fetched by tasks, which are cancelled when the iteration ends early.
    """
