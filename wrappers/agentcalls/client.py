"""The client that blocks."""

from __future__ import annotations

import os
import threading
from inspect import iscoroutine
from typing import TYPE_CHECKING, Any, Self, cast

import httpx

from agentcalls.base_client import BaseClient, Kinds
from agentcalls.calls import Calls
from agentcalls.errors import ConfigurationError
from agentcalls.listing import CallListing, ManyListing
from agentcalls.request.key import ApiKey
from agentcalls.request.retry import Send
from agentcalls.request.transport import Borrowed, Connections
from agentcalls.settings import MAX_CONNECTIONS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from concurrent.futures import Future, ThreadPoolExecutor

    from agentcalls.request.operation import Outgoing
    from agentcalls.request.query import CallQuery
    from agentcalls.request.retry import Answer, ResultT
    from agentcalls.values import Page


class Client(BaseClient[ApiKey, httpx.Client, Calls[CallListing, ManyListing]]):
    """A client of the call log API. Use it as a context manager, or `close` it.

    Threads may share it. A process that was forked from its own opens connections of its own.

    Args:
        api_key: The team key (`sk_…`), or a callable that gives it, asked before each request; otherwise
            AGENTCALLS_API_KEY.
        base_url: What stands before `/api/v1/console`, a path prefix included; otherwise AGENTCALLS_BASE_URL. There is
            no default host.
        auth: The header that carries the key: "bearer" (`Authorization`) or "x-api-key"; otherwise AGENTCALLS_AUTH, or
            else "bearer".
        timeout: Seconds for each of connecting, reading, writing and waiting for a connection, or an
            `httpx.Timeout`; 30 where it is left out, 10 to connect, or what `http_client` says.
        http_client: An `httpx.Client` to send with, for proxies, transports or limits of your own. It stays yours:
            closing this client leaves it open.
        allow_http: Permit plain http to hosts other than this machine, which shows the key to the network.
        concurrency: How many requests a listing may have under way at once, 1 to 64; 1 is one after another.
        max_retries: How often a request is tried again after its first attempt.
        deadline: Seconds for a request with all its retries and waits.
        max_retry_wait: The longest wait, in seconds, that a server may ask for; a longer one is raised at once.
        max_body_bytes: The longest body that is read, in bytes after decompression.
        strict: Raise `UnexpectedResponseError` for a page with a problem, rather than report it in `page.problems`.
        on_retry: Called with a `Retry` before each wait for a retry. What it raises ends the request.
        on_exchange: Called with an `Exchange` after each attempt, answered or not. What it raises ends the request.
        clock: What tells the time and sleeps; for tests.

    Raises:
        ConfigurationError: For a setting that is missing or cannot be used; nothing is sent.
    """

    _kinds = Kinds(httpx.Client, Borrowed, Connections, CallListing, ManyListing)

    def _open(self) -> None:
        self._closed = threading.Event()
        self._starting = threading.Lock()
        self._threads: ThreadPoolExecutor | None = None
        self._threads_of = 0
        self._owner = os.getpid()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections, unless they are those of an `http_client` that was passed, and end every wait.

        A request that is made or waiting afterwards raises `ConfigurationError`. Waits for requests that are under way;
        each ends within its timeout. Closing twice does nothing.
        """
        with self._starting:
            self._closed.set()
        if self._threads and self._threads_of == os.getpid():
            self._threads.shutdown(cancel_futures=True)
        if self._owns_http and self._owner == os.getpid():
            self._http.close()

    def _begin(self, fetch: Callable[[CallQuery], Page], query: CallQuery) -> Future[Page]:
        with self._starting:
            self._check_open()
            if self._threads is None or self._threads_of != os.getpid():
                from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 (slow to import)

                self._threads = ThreadPoolExecutor(MAX_CONNECTIONS, "agentcalls")
                self._threads_of = os.getpid()
            return self._threads.submit(fetch, query)

    def _fetch(self, outgoing: Outgoing[ResultT], **options: Any) -> ResultT:
        steps = self._exchanges.steps(outgoing, **options)
        answer: Answer | None = None
        try:
            while True:
                step = steps.send(answer)
                answer = None
                if isinstance(step, Send):
                    answer = self._send(outgoing, step)
                else:
                    self._wait(step)
        except StopIteration as end:
            return cast("ResultT", end.value)

    def _send(self, outgoing: Outgoing[Any], step: Send) -> Answer:
        self._check_open()
        auth = self._config.auth.asked()
        self._check_open()
        self._leave_to_parent()
        with self._receiving(outgoing, auth, step) as (incoming, timeouts):
            reply = self._http.send(outgoing, auth, timeouts)
            try:
                if incoming.start(reply):
                    for chunk in reply.body:
                        if not incoming.add(chunk, self._config.clock.now()):
                            break
            finally:
                reply.close()
        return self._received(incoming)

    def _wait(self, step: float | Awaitable[object]) -> None:
        if isinstance(step, int | float):
            (self._config.clock.sleep or self._closed.wait)(step)
            self._check_open()
            return
        if iscoroutine(step):
            step.close()
        raise ConfigurationError("A hook is an async function, which needs AsyncClient.")

    def _leave_to_parent(self) -> None:
        # Two processes on one socket would read each other's answers.
        if self._owns_http and self._owner != os.getpid():
            # The parent's are kept, or Python would warn of its sockets as left open.
            self._inherited = self._http
            self._http, self._owner = self._way_to_host(), os.getpid()
