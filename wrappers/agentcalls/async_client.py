"""The async client."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from selectors import EVENT_READ
from typing import TYPE_CHECKING, Any, Self, cast

from agentcalls.base_client import BaseClient
from agentcalls.calls import Agents, Calls
from agentcalls.errors import ConfigurationError
from agentcalls.listing import AsyncAgentListing, AsyncCallListing, AsyncManyListing
from agentcalls.reading.pages import ended
from agentcalls.request.flavour import Kinds
from agentcalls.request.key import AsyncApiKey
from agentcalls.request.wire.async_borrowed import AsyncBorrowed
from agentcalls.request.wire.library import httpx
from agentcalls.request.wire.pool import ConnectionPool
from agentcalls.request.wire.waits import Wait
from agentcalls.settings import MAX_CONNECTIONS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator

    from agentcalls.request.key import KeyAuth
    from agentcalls.request.retry import ResultT
    from agentcalls.values import Page


class AsyncClient(
    BaseClient[
        AsyncApiKey,
        "httpx.AsyncClient",
        Calls[AsyncCallListing, AsyncManyListing],
        Agents[AsyncAgentListing],
    ]
):
    """The same as `Client`, for asyncio: use it with `async with`, or `await aclose()`.

    Takes what `Client` takes, but an `httpx.AsyncClient` as `http_client`; `api_key`, `on_retry` and `on_exchange` may
    be async functions, and the clock's `sleep` is one. Tasks may share the client; it belongs to the event loop that it
    is first used in.
    """

    _kinds = Kinds(
        "AsyncClient", AsyncBorrowed, AsyncCallListing, AsyncManyListing, AsyncAgentListing
    )

    def _open(self) -> None:
        self._closed = asyncio.Event()
        self._slots = asyncio.Semaphore(MAX_CONNECTIONS)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tasks: set[asyncio.Task[Page]] = set()
        self._callers: dict[asyncio.Timeout, asyncio.Task[Any] | None] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections, but not a passed `http_client`, and end every wait.

        A request raises `ConfigurationError`, whether it is new, waiting or in flight. Closing twice does nothing. In
        another event loop than the client's it closes the connections and raises `ConfigurationError`.
        """
        if self._is_derived:
            return
        is_own = isinstance(self._http, ConnectionPool)
        if is_own:
            self._http.close()
        if self._loop and self._loop is not asyncio.get_running_loop():
            if not self._loop.is_closed():
                self._loop.call_soon_threadsafe(self._end)
            self._check_loop()
        borrowed = [] if is_own or not self._owns_http else [self._http]
        try:
            await ended(self._end())
        finally:
            for http in (*borrowed, *self._through.values()):
                await http.close()

    def _end(self) -> list[asyncio.Task[Page]]:
        self._closed.set()
        # A hook that closes the client runs inside a request, and must continue.
        own = asyncio.current_task()
        tasks = [task for task in self._tasks if task is not own]
        for task in tasks:
            task.cancel()
        for scope in [scope for scope, task in self._callers.items() if task is not own]:
            del self._callers[scope]
            scope.reschedule(0)
        return tasks

    def _begin(
        self, steps: Generator[Any, Any, Page], tell: Callable[[asyncio.Task[Page]], object]
    ) -> asyncio.Task[Page]:
        task = asyncio.create_task(self._go_through(steps))
        self._tasks.add(task)
        task.add_done_callback(self._done)
        task.add_done_callback(tell)
        return task

    def _done(self, task: asyncio.Task[Page]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            # Retrieved, since asyncio would complain about an error that nobody waited for.
            task.exception()

    async def _run(self, steps: Generator[Any, Any, ResultT]) -> ResultT:
        # The task is the caller's: it must be called back and not cancelled.
        scope = asyncio.timeout(None)
        try:
            async with scope:
                self._callers[scope] = asyncio.current_task()
                return await self._go_through(steps)
        except TimeoutError:
            if scope.expired():
                self._check_open()
            raise
        finally:
            self._callers.pop(scope, None)

    async def _go_through(self, steps: Generator[Any, Any, ResultT]) -> ResultT:
        self._check_loop()
        value: object = None
        error: Exception | None = None
        try:
            while True:
                step = steps.throw(error) if error else steps.send(value)
                error = None
                try:
                    value = await (self._came(step) if isinstance(step, Wait) else step)
                except Exception as raised:  # noqa: BLE001 (it is the steps' own business)
                    error = raised
        except StopIteration as end:
            return cast("ResultT", end.value)
        finally:
            steps.close()

    async def _came(self, wait: Wait) -> bool:
        loop = asyncio.get_running_loop()
        came: asyncio.Future[bool] = loop.create_future()
        timer = loop.call_later(wait.seconds, _tell, came)
        # As a number: asyncio's selector writes an error about a socket that it does not know, and drops it.
        file = cast("Any", wait.socket).fileno()
        reads = wait.event == EVENT_READ
        (loop.add_reader if reads else loop.add_writer)(file, _tell, came, True)  # noqa: FBT003 (it did)
        try:
            return await came
        finally:
            timer.cancel()
            (loop.remove_reader if reads else loop.remove_writer)(file)

    def _check_loop(self) -> None:
        # Connections live in the loop that opened them.
        loop = asyncio.get_running_loop()
        self._loop = self._loop or loop
        if loop is not self._loop:
            raise ConfigurationError("This AsyncClient is of another event loop; make one in each.")

    def _changed_library(self) -> Any:
        # Windows' default loop cannot watch sockets.
        blind = isinstance(self._loop, getattr(asyncio, "ProactorEventLoop", ()))
        return httpx if blind else super()._changed_library()

    def _key(self) -> Generator[Any, Any, KeyAuth]:
        auth = self._config.auth
        if auth.is_given_later:
            auth = yield auth.awaited()
        return auth

    def _awaited(self, awaitable: Awaitable[object]) -> Generator[Any, Any, None]:
        yield awaitable

    def _sleep(self, seconds: float) -> Generator[Any, Any, None]:
        sleep = self._config.clock.sleep or self._slept
        yield sleep(seconds)

    async def _slept(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._closed.wait(), seconds)

    def _place(self, seconds: float) -> Generator[Any, Any, None]:
        # With room there is no wait, and asyncio's timeout costs time.
        yield self._wait_for_place(seconds) if self._slots.locked() else self._slots.acquire()

    async def _wait_for_place(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._slots.acquire()
        except TimeoutError:
            raise httpx.PoolTimeout("Every connection was in use.") from None

    def _borrow(self, http: Any, *sent: Any) -> Generator[Any, Any, None]:
        yield http.exchange(*sent)


def _tell(future: asyncio.Future[bool], came: bool = False) -> None:  # noqa: FBT001, FBT002 (what it gives)
    if not future.done():
        future.set_result(came)
