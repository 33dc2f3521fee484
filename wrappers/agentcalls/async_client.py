"""The client that is awaited."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Self

import httpx

from agentcalls.calls import Calls
from agentcalls.errors import ConfigurationError
from agentcalls.listing import AsyncCallListing, AsyncManyListing
from agentcalls.reading.iterators import Source
from agentcalls.request.async_transport import AsyncBorrowed, AsyncConnections
from agentcalls.request.exchange import Exchanges
from agentcalls.request.log import keyless_logs
from agentcalls.request.operation import target_of
from agentcalls.request.receive import FAILURES, Incoming, within
from agentcalls.request.retry import Send
from agentcalls.request.transport import proxied
from agentcalls.settings import (
    DEFAULT_MAX_BODY_BYTES,
    Config,
    check_http_client,
    checked_timeout,
    given_key,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from types import TracebackType

    from agentcalls.clock import Clock
    from agentcalls.errors import AgentCallsError
    from agentcalls.reading.options import ReadOptions
    from agentcalls.request.key import AsyncApiKey, AuthScheme
    from agentcalls.request.query import CallQuery
    from agentcalls.request.retry import Answer, Retry
    from agentcalls.values import Page


class AsyncClient:
    """The same as `Client`, for asyncio: use it with `async with`, or `await aclose()`.

    Takes what `Client` takes, but an `httpx.AsyncClient` as `http_client`, and async callables as `api_key` and as the
    clock's `sleep`. Tasks may share it; it belongs to the event loop that it is first used in.
    """

    calls: Calls[AsyncCallListing, AsyncManyListing]
    """The agents' calls."""

    def __init__(
        self,
        *,
        api_key: AsyncApiKey | None = None,
        base_url: str | None = None,
        auth: AuthScheme | None = None,
        timeout: float | httpx.Timeout | None = None,
        http_client: httpx.AsyncClient | None = None,
        allow_http: bool = False,
        concurrency: int = 8,
        max_retries: int = 4,
        deadline: float = 120.0,
        max_retry_wait: float = 60.0,
        max_body_bytes: int = DEFAULT_MAX_BODY_BYTES,
        strict: bool = False,
        on_retry: Callable[[Retry], object] | None = None,
        clock: Clock | None = None,
    ) -> None:
        secret = given_key(api_key)
        del api_key  # or a traceback with locals would show it
        check_http_client(http_client, httpx.AsyncClient)
        self._config = Config.resolve(
            api_key=secret,
            base_url=base_url,
            auth=auth,
            allow_http=allow_http,
            concurrency=concurrency,
            max_retries=max_retries,
            deadline=deadline,
            max_retry_wait=max_retry_wait,
            max_body_bytes=max_body_bytes,
            strict=strict,
            on_retry=on_retry,
            clock=clock,
        )
        host = self._config.host
        self._http = AsyncBorrowed(http_client, host) if http_client else self._opened()
        self._owns_http = http_client is None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timeout = checked_timeout(timeout)
        self._exchanges = Exchanges(self._config)
        self._closed = asyncio.Event()
        self._tasks: set[asyncio.Task[Page]] = set()
        self.calls = Calls(AsyncCallListing, AsyncManyListing, self._source)

    @property
    def base_url(self) -> str:
        """What stands before `/api/v1/console` in the address of each request."""
        return self._config.base_url

    def __repr__(self) -> str:
        # A traceback with locals shows a client whose settings were refused, too.
        return f"{type(self).__name__}({vars(self).get('_config', 'refused')})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
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

    def _source(
        self, options: ReadOptions
    ) -> Source[Coroutine[Any, Any, Page], asyncio.Task[Page]]:
        fetch = partial(self._fetch, options=options)
        return Source(
            fetch,
            lambda query: self._spawn(fetch(query)),
            options.concurrency or self._config.concurrency,
            self._config.clock,
        )

    def _spawn(self, coroutine: Coroutine[Any, Any, Page]) -> asyncio.Task[Page]:
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[Page]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            # Looked at, or asyncio complains of an error that nobody waited for.
            task.exception()

    async def _fetch(self, query: CallQuery, *, options: ReadOptions) -> Page:
        self._check_loop()
        target = target_of(query)
        steps = self._exchanges.steps(query, options)
        outcome: Answer | AgentCallsError | None = None
        try:
            while True:
                step = steps.send(outcome)
                outcome = None
                if isinstance(step, Send):
                    outcome = await self._send(target, step)
                else:
                    await self._sleep(step)
        except StopIteration as end:
            page: Page = end.value
            return page

    async def _send(self, target: str, step: Send) -> Answer | AgentCallsError:
        config, now = self._config, self._config.clock.now
        self._check_open()
        auth = await config.auth.awaited()
        self._check_open()
        timeouts = within(self._timeout or self._http.timeout, step.deadline - now())
        incoming = Incoming(auth, longest=config.max_body_bytes, deadline=step.deadline)
        try:
            with keyless_logs(auth):
                reply = await self._http.send(target, auth, timeouts)
                try:
                    if ended := incoming.start(reply):
                        return ended
                    async for chunk in reply.body:
                        if ended := incoming.add(chunk, now()):
                            return ended
                finally:
                    await reply.close()
        except RuntimeError:
            # httpx's, of a client that was closed meanwhile.
            self._check_open()
            raise
        except FAILURES as error:
            failure = incoming.failed(error)
        else:
            return incoming.whole()
        self._check_open()
        return failure

    async def _sleep(self, seconds: float) -> None:
        if self._config.clock.sleep:
            await self._config.clock.sleep(seconds)
        else:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._closed.wait(), seconds)
        self._check_open()

    def _opened(self) -> AsyncBorrowed | AsyncConnections:
        if self._config.is_proxied:
            return AsyncBorrowed(proxied(httpx.AsyncClient), self._config.host)
        return AsyncConnections(self._config.host)

    def _check_open(self) -> None:
        if self._closed.is_set() or self._http.is_closed:
            raise ConfigurationError("The client is closed; make a new one.")

    def _check_loop(self) -> None:
        # Connections live in the loop that opened them.
        loop = asyncio.get_running_loop()
        self._loop = self._loop or loop
        if loop is not self._loop:
            raise ConfigurationError("This AsyncClient is of another event loop; make one in each.")
