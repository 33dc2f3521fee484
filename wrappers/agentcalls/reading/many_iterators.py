"""The iterators over the calls of many agents: the shells around `Schedule`, in both flavours."""

from __future__ import annotations

from functools import partial
from queue import SimpleQueue
from typing import TYPE_CHECKING, Self

from agentcalls.errors import AgentCallsError
from agentcalls.reading.iterators import refuse_cancelled

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable
    from concurrent.futures import Future

    from agentcalls.models import Call
    from agentcalls.reading.iterators import AsyncFetch, Fetch, Spawn, Submit
    from agentcalls.reading.schedule import Request, Schedule
    from agentcalls.values import ManyReport, Page


class ManyIterator:
    """The calls of one iteration over many agents, each with its agent's id; one thread reads it.

    Pages are fetched by other threads, at most `concurrency` of them at once. At its end it raises the failures of
    single agents as one `ExceptionGroup`. It ends at once for what would meet every agent: `AuthenticationError`,
    `RateLimitError`, a closed client; and for anything that is no `AgentCallsError`.
    """

    def __init__(self, schedule: Schedule, fetch: Fetch, submit: Submit) -> None:
        self._schedule = schedule
        self._fetch = fetch
        self._submit = submit
        self._under_way: dict[Request, Future[Page]] = {}
        self._arrived: SimpleQueue[tuple[Request, Future[Page]]] = SimpleQueue()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> tuple[str, Call]:
        while True:
            for pair in self._schedule.pending:
                return pair
            if not self._advance():
                raise StopIteration

    def _advance(self) -> bool:
        # Whether there may be more to hand out.
        schedule = self._schedule
        with schedule.stopped_by_errors(self._forget):
            more = schedule.advance()
            while schedule.room > 1 and (request := schedule.plan()):
                self._send(request)
            if more:
                return True
            if self._under_way:
                request, future = self._arrived.get()
                self._under_way.pop(request, None)
                refuse_cancelled(future)
                self._take(request, future.result)
            elif first := schedule.plan():
                self._take(first, partial(self._fetch, first.query))
            else:
                schedule.end()
                return False
        return True

    def _send(self, request: Request) -> None:
        future = self._under_way[request] = self._submit(self._fetch, request.query)
        # Without a reference to the iterator, which is closed when it is dropped.
        arrived = self._arrived
        future.add_done_callback(lambda done: arrived.put((request, done)))

    def _take(self, request: Request, give: Callable[[], Page]) -> None:
        try:
            page = give()
        except AgentCallsError as error:
            self._schedule.failed(request, error)
        else:
            self._schedule.answered(request, page)

    def _forget(self) -> None:
        for future in self._under_way.values():
            future.cancel()
        self._under_way.clear()

    @property
    def report(self) -> ManyReport:
        """What this iteration read and proved, up to now, agent by agent, and where it would go on."""
        return self._schedule.report

    def close(self) -> None:
        """End the iteration: nothing more is asked for or given. Requests under way end by themselves."""
        self._schedule.stop()
        self._forget()

    __del__ = close


class AsyncManyIterator:
    """The calls of one iteration over many agents; one task reads it. As `ManyIterator`, with `async for`.

    Pages are fetched by tasks, which are cancelled when the iteration ends early.
    """

    def __init__(self, schedule: Schedule, fetch: AsyncFetch, spawn: Spawn) -> None:
        self._schedule = schedule
        self._fetch = fetch
        self._spawn = spawn
        import asyncio  # noqa: PLC0415 (slow to import, and of no use to the other flavour)

        self._under_way: dict[Request, asyncio.Task[Page]] = {}
        self._arrived: asyncio.Queue[tuple[Request, asyncio.Task[Page]]] = asyncio.Queue()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> tuple[str, Call]:
        while True:
            for pair in self._schedule.pending:
                return pair
            if not await self._advance():
                raise StopAsyncIteration

    async def _advance(self) -> bool:
        # Whether there may be more to hand out.
        schedule = self._schedule
        with schedule.stopped_by_errors(self._forget):
            more = schedule.advance()
            while schedule.room > 1 and (request := schedule.plan()):
                self._send(request)
            if more:
                return True
            if self._under_way:
                request, task = await self._arrived.get()
                self._under_way.pop(request, None)
                refuse_cancelled(task)
                await self._take(request, task)
            elif first := schedule.plan():
                self._send(first)
            else:
                schedule.end()
                return False
        return True

    def _send(self, request: Request) -> None:
        task = self._under_way[request] = self._spawn(self._fetch(request.query))
        # Without a reference to the iterator, which is closed when it is dropped.
        arrived = self._arrived
        task.add_done_callback(lambda done: arrived.put_nowait((request, done)))

    async def _take(self, request: Request, page: Awaitable[Page]) -> None:
        try:
            given = await page
        except AgentCallsError as error:
            self._schedule.failed(request, error)
        else:
            self._schedule.answered(request, given)

    def _forget(self) -> None:
        for task in self._under_way.values():
            task.cancel()
        self._under_way.clear()

    @property
    def report(self) -> ManyReport:
        """What this iteration read and proved, up to now, agent by agent, and where it would go on."""
        return self._schedule.report

    async def aclose(self) -> None:
        """End the iteration: nothing more is asked for or given, and the requests under way are cancelled."""
        import asyncio  # noqa: PLC0415 (as above)

        tasks = list(self._under_way.values())
        self._close()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _close(self) -> None:
        self._schedule.stop()
        self._forget()

    __del__ = _close
