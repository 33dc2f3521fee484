"""The client that is awaited."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self, cast

import httpx

from agentcalls.base_client import BaseClient, Kinds
from agentcalls.calls import Calls
from agentcalls.errors import ConfigurationError
from agentcalls.listing import AsyncCallListing, AsyncManyListing
from agentcalls.request.async_transport import AsyncBorrowed, AsyncConnections
from agentcalls.request.key import AsyncApiKey
from agentcalls.request.retry import Send

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from agentcalls.request.operation import Outgoing
    from agentcalls.request.query import CallQuery
    from agentcalls.request.retry import Answer, ResultT
    from agentcalls.values import Page


class AsyncClient(
    BaseClient[AsyncApiKey, httpx.AsyncClient, Calls[AsyncCallListing, AsyncManyListing]]
):
    """The same as `Client`, for asyncio: use it with `async with`, or `await aclose()`.

    Takes what `Client` takes, but an `httpx.AsyncClient` as `http_client`; `api_key`, `on_retry` and `on_exchange` may
    be async functions, and the clock's `sleep` is one. Tasks may share the client; it belongs to the event loop that it
    is first used in.
    """

    _kinds = Kinds(
        httpx.AsyncClient, AsyncBorrowed, AsyncConnections, AsyncCallListing, AsyncManyListing
    )

    def _open(self) -> None:
        self._closed = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tasks: set[asyncio.Task[Page]] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections, unless they are those of an `http_client` that was passed, and end every wait.

        A request that is made or waiting afterwards raises `ConfigurationError`. Closing twice does nothing.
        """
        self._closed.set()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._owns_http:
            await self._http.close()

    def _begin(
        self, fetch: Callable[[CallQuery], Coroutine[Any, Any, Page]], query: CallQuery
    ) -> asyncio.Task[Page]:
        task = asyncio.create_task(fetch(query))
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[Page]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            # Looked at, or asyncio complains of an error that nobody waited for.
            task.exception()

    async def _fetch(self, outgoing: Outgoing[ResultT], **options: Any) -> ResultT:
        self._check_loop()
        steps = self._exchanges.steps(outgoing, **options)
        answer: Answer | None = None
        try:
            while True:
                step = steps.send(answer)
                answer = None
                if isinstance(step, Send):
                    answer = await self._send(outgoing, step)
                else:
                    await self._wait(step)
        except StopIteration as end:
            return cast("ResultT", end.value)

    async def _send(self, outgoing: Outgoing[Any], step: Send) -> Answer:
        self._check_open()
        auth = await self._config.auth.awaited()
        self._check_open()
        with self._receiving(outgoing, auth, step) as (incoming, timeouts):
            reply = await self._http.send(outgoing, auth, timeouts)
            try:
                if incoming.start(reply):
                    async for chunk in reply.body:
                        if not incoming.add(chunk, self._config.clock.now()):
                            break
            finally:
                await reply.close()
        return self._received(incoming)

    async def _wait(self, step: float | Awaitable[object]) -> None:
        if not isinstance(step, int | float):
            await step
            return
        if self._config.clock.sleep:
            await self._config.clock.sleep(step)
        else:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._closed.wait(), step)
        self._check_open()

    def _check_loop(self) -> None:
        # Connections live in the loop that opened them.
        loop = asyncio.get_running_loop()
        self._loop = self._loop or loop
        if loop is not self._loop:
            raise ConfigurationError("This AsyncClient is of another event loop; make one in each.")
