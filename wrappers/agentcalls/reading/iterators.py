"""The iterators over calls, of one agent or of many: the shells that send what a `Schedule` plans, and wait."""

from __future__ import annotations

from functools import partial
from queue import SimpleQueue
from typing import TYPE_CHECKING, Generic, Self, TypeVar

from agentcalls.errors import AgentCallsError, ConfigurationError
from agentcalls.reading.schedule import ItemT, Schedule
from agentcalls_api.models import Call

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Coroutine
    from concurrent.futures import Future
    from typing import Any, TypeAlias

    from agentcalls.reading.one_agent import AgentReader
    from agentcalls.reading.schedule import Request
    from agentcalls.request.query import CallQuery
    from agentcalls.values import AgentReport, Checkpoint, ManyReport, Page, Report

    Fetch: TypeAlias = Callable[[CallQuery], Page]
    Submit: TypeAlias = Callable[[Fetch, CallQuery], Future[Page]]
    AsyncFetch: TypeAlias = Callable[[CallQuery], Coroutine[Any, Any, Page]]
    Spawn: TypeAlias = Callable[[Coroutine[Any, Any, Page]], asyncio.Task[Page]]

JobT = TypeVar("JobT", "Future[Page]", "asyncio.Task[Page]")


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
        while self._schedule.room > 1 and (request := self._schedule.plan()):
            self._send(request)
        return more

    @property
    def _must_wait(self) -> bool:
        # What is under way when all is done is of no use any more.
        return bool(self._under_way) and not self._schedule.done

    def _send(self, request: Request) -> None:
        job = self._under_way[request] = self._start(request.query)
        # Without a reference to the iterator, which is closed when it is dropped.
        arrived = self._arrived
        job.add_done_callback(lambda done: arrived((request, done)))

    def _receive(self, request: Request, job: JobT) -> None:
        self._under_way.pop(request, None)
        if job.cancelled():
            # Its reader was not cancelled, and must not think so.
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
    def __init__(self, schedule: Schedule[ItemT], fetch: Fetch, submit: Submit) -> None:
        self._fetch = fetch
        self._answers: SimpleQueue[tuple[Request, Future[Page]]] = SimpleQueue()
        super().__init__(schedule, partial(submit, fetch), self._answers.put)

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
                # One after another needs no thread.
                self._take(request, partial(self._fetch, request.query))
            else:
                self._end()
                return False
        return True

    def close(self) -> None:
        """End the iteration: nothing more is asked for or given. Requests under way end by themselves."""
        self._close()


class _AsyncIterator(_Iterator[ItemT, "asyncio.Task[Page]"]):
    def __init__(self, schedule: Schedule[ItemT], fetch: AsyncFetch, spawn: Spawn) -> None:
        import asyncio  # noqa: PLC0415 (slow to import, and `Client` does without)

        self._answers: asyncio.Queue[tuple[Request, asyncio.Task[Page]]] = asyncio.Queue()
        super().__init__(schedule, lambda query: spawn(fetch(query)), self._answers.put_nowait)

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

    def __init__(
        self, reader: AgentReader, fetch: Fetch, submit: Submit, *, concurrency: int
    ) -> None:
        self._reader = reader
        super().__init__(Schedule.of_one(reader, concurrency=concurrency), fetch, submit)


class AsyncCallIterator(_OfOne, _AsyncIterator[Call]):
    """The calls of one iteration, each once; one task reads it. The same as `CallIterator`, with `async for`.

    Pages are fetched ahead by tasks, which are cancelled when the iteration ends early.
    """

    def __init__(
        self, reader: AgentReader, fetch: AsyncFetch, spawn: Spawn, *, concurrency: int
    ) -> None:
        self._reader = reader
        super().__init__(Schedule.of_one(reader, concurrency=concurrency), fetch, spawn)


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
