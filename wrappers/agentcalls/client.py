"""The blocking client."""

from __future__ import annotations

import threading
import time
from contextvars import copy_context
from functools import partial
from inspect import iscoroutine
from typing import TYPE_CHECKING, Any, Self
from weakref import WeakSet

from agentcalls.base_client import BaseClient
from agentcalls.calls import Agents, Calls
from agentcalls.errors import ConfigurationError
from agentcalls.listing import AgentListing, CallListing, ManyListing
from agentcalls.request.flavour import Kinds
from agentcalls.request.ids import this
from agentcalls.request.key import ApiKey
from agentcalls.request.wire.borrowed import Borrowed
from agentcalls.request.wire.library import httpx
from agentcalls.request.wire.loop import LONGEST_TURN_SECONDS, Job, Loop
from agentcalls.request.wire.pool import ConnectionPool
from agentcalls.request.wire.threads import Threads
from agentcalls.request.wire.waits import Wait
from agentcalls.settings import MAX_CONNECTIONS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable
    from queue import SimpleQueue

    from agentcalls.request.key import KeyAuth
    from agentcalls.request.retry import ResultT
    from agentcalls.request.wire.waits import Waits
    from agentcalls.values import Page

_LOOK_AGAIN_SECONDS = 0.02  # between checks whether another thread is done


class Client(
    BaseClient[ApiKey, "httpx.Client", Calls[CallListing, ManyListing], Agents[AgentListing]]
):
    """A client of the call log API. Use it as a context manager, or `close` it.

    Threads may share it. A forked process opens connections of its own.

    Args:
        api_key: The team key (`sk_…`), or a callable that gives it before each request; otherwise AGENTCALLS_API_KEY.
        base_url: The address before `/api/v1/console`, including any path prefix; otherwise AGENTCALLS_BASE_URL. There
            is no default host.
        auth: The header that carries the key: "bearer" (`Authorization`) or "x-api-key"; otherwise AGENTCALLS_AUTH, by
            default "bearer".
        timeout: Seconds for each of connecting, reading, writing and waiting for a connection, or an
            `httpx.Timeout`; by default 30, and 10 to connect, or the timeouts of `http_client`.
        http_client: An `httpx.Client`, or one of httpx2, that sends the requests, for your own proxies, transports or
            limits. Closing this client leaves it open.
        allow_http: Permit plain http to hosts other than this machine. It shows the key to the network.
        concurrency: How many requests a listing may have in flight at once, 1 to 64; 1 is one after another.
            "auto" finds the number: it grows with each answer in time, and shrinks after a late one or a refusal.
        max_retries: How many attempts may follow the first one.
        deadline: Seconds for a request with all its retries and waits.
        max_retry_wait: The longest wait that a server may ask for, in seconds; a longer one raises its error at once.
        max_body_bytes: The longest body that is read, in bytes after decompression.
        strict: Raise `UnexpectedResponseError` for a page with a problem, instead of reporting it in `page.problems`.
        on_retry: Called with a `Retry` before each wait for a retry. If it raises, the request ends with its error.
        on_exchange: Called with an `Exchange` after each attempt, answered or not. If it raises, the request ends
            with its error.
        request_id_prefix: The beginning of the `X-Request-Id` of each attempt, at most 64 visible ASCII characters.
        clock: The source of time, randomness and sleep; for tests.

    Raises:
        ConfigurationError: A setting is missing or invalid; nothing is sent.
    """

    _kinds = Kinds("Client", Borrowed, CallListing, ManyListing, AgentListing)

    def _open(self) -> None:
        self._closed = threading.Event()
        self._here = threading.local()
        self._jobs: WeakSet[Job[Any]] = WeakSet()
        self._begin_process()

    def _begin_process(self) -> None:
        self._owner = this.id
        self._slots = threading.Semaphore(MAX_CONNECTIONS)
        self._threads: Threads | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections, but not a passed `http_client`, and end every wait.

        A request in any thread raises `ConfigurationError` within a second, whether it is new, waiting or in flight.
        A request through an httpx client may continue until its timeout. Closing twice does nothing.
        """
        if self._is_derived:
            return
        self._closed.set()
        if self._owner != this.id:
            return
        if self._owns_http:
            self._http.close()
        for job in list(self._jobs):
            job.cancel()
        if self._threads:
            self._threads.close()
        for borrowed in self._through.values():
            borrowed.close()

    def _run(self, steps: Waits[ResultT]) -> ResultT:
        job = Job(steps)
        try:
            self._drive(job)
            if job.is_cancelled:
                self._check_open()
            return job.result()
        except BaseException:
            job.cancel()
            raise
        finally:
            del job  # otherwise the traceback of its error would hold the error

    def _drive(self, job: Job[Any]) -> None:
        self._jobs.add(job)
        loop = self._loop()
        loop.take(job)
        loop.run(lambda: job.is_done or job.is_cancelled)

    def _drive_apart(self, job: Job[Any]) -> None:
        # Its error is raised again when its result is requested.
        try:
            self._drive(job)
        except BaseException:  # noqa: BLE001 (as said)
            job.cancel()

    def _begin(self, steps: Waits[Page], tell: Callable[[Job[Page]], object]) -> Job[Page]:
        self._check_open()
        job = Job(steps, tell, copy_context())
        if isinstance(self._way(), ConnectionPool):
            self._jobs.add(job)
            self._loop().take(job)
        else:
            job.is_apart = True
            self._threads = self._threads or Threads(MAX_CONNECTIONS)
            self._threads.run(partial(self._drive_apart, job))
        return job

    def _wait_for(self, answers: SimpleQueue[Any], jobs: Iterable[Job[Page]]) -> None:
        loop, apart = self._loop(), False
        for job in jobs:
            apart = apart or job.is_apart
            if not (job.is_apart or job.is_done or job.loop is loop):
                loop.take(job)
        if loop.jobs:
            most = _LOOK_AGAIN_SECONDS if apart else LONGEST_TURN_SECONDS
            loop.run(lambda: not answers.empty(), most)

    def _loop(self) -> Loop:
        loop: Loop | None = getattr(self._here, "loop", None)
        if loop is None or loop.process != this.id:
            loop = self._here.loop = Loop(self._closed)
        return loop

    def _way(self) -> Any:
        if self._owner != this.id:
            # Two processes on one socket would read each other's answers. A passed client is its owner's business.
            if self._owns_http:
                # The parent's are kept, since Python would warn about unclosed sockets.
                self._inherited = self._http, self._through
                self._http, self._through = self._way_to_host(), {}
            self._begin_process()
        return super()._way()

    def _key(self) -> Waits[KeyAuth]:
        yield from ()
        return self._config.auth.asked()

    def _sleep(self, seconds: float) -> Waits[None]:
        if self._config.clock.sleep:
            self._config.clock.sleep(seconds)
        else:
            yield Wait(None, 0, seconds)

    def _place(self, seconds: float) -> Waits[None]:
        end = time.monotonic() + seconds
        while not self._slots.acquire(blocking=False):
            left = end - time.monotonic()
            if left <= 0:
                raise httpx.PoolTimeout("Every connection was in use.")
            yield Wait(None, 0, min(left, _LOOK_AGAIN_SECONDS))
            self._check_open()

    def _borrow(self, http: Any, *sent: Any) -> Waits[None]:
        yield from ()
        http.exchange(*sent)

    def _awaited(self, awaitable: Awaitable[object]) -> Waits[None]:
        yield from ()
        if iscoroutine(awaitable):
            awaitable.close()
        raise ConfigurationError("A hook is an async function, which needs AsyncClient.")
