"""The client that blocks."""

from __future__ import annotations

import os
import threading
from functools import partial
from typing import TYPE_CHECKING, Self

import httpx

from agentcalls.calls import Calls
from agentcalls.errors import ConfigurationError
from agentcalls.listing import CallListing, ManyListing
from agentcalls.reading.iterators import Source
from agentcalls.request.exchange import Exchanges
from agentcalls.request.log import keyless_logs
from agentcalls.request.operation import target_of
from agentcalls.request.receive import FAILURES, Incoming, within
from agentcalls.request.retry import Send
from agentcalls.request.transport import Borrowed, Connections, proxied
from agentcalls.settings import (
    DEFAULT_MAX_BODY_BYTES,
    Config,
    check_http_client,
    checked_timeout,
    given_key,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future, ThreadPoolExecutor
    from types import TracebackType

    from agentcalls.clock import Clock
    from agentcalls.errors import AgentCallsError
    from agentcalls.reading.options import ReadOptions
    from agentcalls.request.key import ApiKey, AuthScheme
    from agentcalls.request.query import CallQuery
    from agentcalls.request.retry import Answer, Retry
    from agentcalls.values import Page

_MOST_THREADS = 128


class Client:
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
        on_retry: Called with a `Retry` before each wait for a retry.
        clock: What tells the time and sleeps; for tests.

    Raises:
        ConfigurationError: For a setting that is missing or cannot be used; nothing is sent.
    """

    calls: Calls[CallListing, ManyListing]
    """The agents' calls."""

    def __init__(
        self,
        *,
        api_key: ApiKey | None = None,
        base_url: str | None = None,
        auth: AuthScheme | None = None,
        timeout: float | httpx.Timeout | None = None,
        http_client: httpx.Client | None = None,
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
        check_http_client(http_client, httpx.Client)
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
        self._http = Borrowed(http_client, self._config.host) if http_client else self._opened()
        self._owner = None if http_client else os.getpid()
        self._timeout = checked_timeout(timeout)
        self._exchanges = Exchanges(self._config)
        self._closed = threading.Event()
        self._starting = threading.Lock()
        self._threads: ThreadPoolExecutor | None = None
        self._threads_of = 0
        self.calls = Calls(CallListing, ManyListing, self._source)

    @property
    def base_url(self) -> str:
        """What stands before `/api/v1/console` in the address of each request."""
        return self._config.base_url

    def __repr__(self) -> str:
        # A traceback with locals shows a client whose settings were refused, too.
        return f"{type(self).__name__}({vars(self).get('_config', 'refused')})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
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
        if self._owner == os.getpid():
            self._http.close()

    def _source(self, options: ReadOptions) -> Source[Page, Future[Page]]:
        fetch = partial(self._fetch, options=options)
        return Source(
            fetch,
            lambda query: self._submit(fetch, query),
            options.concurrency or self._config.concurrency,
            self._config.clock,
        )

    def _submit(self, fetch: Callable[[CallQuery], Page], query: CallQuery) -> Future[Page]:
        with self._starting:
            self._check_open()
            if self._threads is None or self._threads_of != os.getpid():
                from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 (slow to import)

                self._threads, self._threads_of = (
                    ThreadPoolExecutor(_MOST_THREADS, "agentcalls"),
                    os.getpid(),
                )
            return self._threads.submit(fetch, query)

    def _fetch(self, query: CallQuery, *, options: ReadOptions) -> Page:
        target = target_of(query)
        steps = self._exchanges.steps(query, options)
        outcome: Answer | AgentCallsError | None = None
        try:
            while True:
                step = steps.send(outcome)
                outcome = None
                if isinstance(step, Send):
                    outcome = self._send(target, step)
                else:
                    self._sleep(step)
        except StopIteration as end:
            page: Page = end.value
            return page

    def _send(self, target: str, step: Send) -> Answer | AgentCallsError:
        config, now = self._config, self._config.clock.now
        self._check_open()
        auth = config.auth.asked()
        self._check_open()
        http = self._connections()
        timeouts = within(self._timeout or http.timeout, step.deadline - now())
        incoming = Incoming(auth, longest=config.max_body_bytes, deadline=step.deadline)
        try:
            with keyless_logs(auth):
                reply = http.send(target, auth, timeouts)
                try:
                    if ended := incoming.start(reply):
                        return ended
                    for chunk in reply.body:
                        if ended := incoming.add(chunk, now()):
                            return ended
                finally:
                    reply.close()
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

    def _sleep(self, seconds: float) -> None:
        (self._config.clock.sleep or self._closed.wait)(seconds)
        self._check_open()

    def _check_open(self) -> None:
        if self._closed.is_set() or self._http.is_closed:
            raise ConfigurationError("The client is closed; make a new one.")

    def _opened(self) -> Borrowed | Connections:
        if self._config.is_proxied:
            return Borrowed(proxied(httpx.Client), self._config.host)
        return Connections(self._config.host)

    def _connections(self) -> Borrowed | Connections:
        # Two processes on one socket would read each other's answers.
        if self._owner not in {None, os.getpid()}:
            # The parent's are kept, or Python would warn of its sockets as left open.
            self._inherited = self._http
            self._http, self._owner = self._opened(), os.getpid()
        return self._http
