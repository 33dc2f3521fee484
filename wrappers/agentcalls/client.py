"""The client that blocks."""

from __future__ import annotations

import threading
import time
from contextvars import copy_context
from functools import partial
from inspect import iscoroutine
from typing import TYPE_CHECKING, Any, Self
from weakref import WeakSet

import httpx

from agentcalls.base_client import BaseClient
from agentcalls.calls import Agents, Calls
from agentcalls.errors import ConfigurationError
from agentcalls.listing import AgentListing, CallListing, ManyListing
from agentcalls.models import CallDetail
from agentcalls.request.key import ApiKey
from agentcalls.request.process import this
from agentcalls.request.sending import Kinds
from agentcalls.request.wire.borrowed import Borrowed
from agentcalls.request.wire.connections import Connections
from agentcalls.request.wire.loop import LONGEST_TURN_SECONDS, Job, Loop
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

_LOOK_AGAIN_SECONDS = 0.02  # where nothing tells that another thread is done


class Client(
    BaseClient[
        ApiKey, httpx.Client, Calls[CallListing, ManyListing, CallDetail], Agents[AgentListing]
    ]
):
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
        http_client: An `httpx.Client`, or one of httpx2, to send with, for proxies, transports or limits of your own.
            It stays yours: closing this client leaves it open.
        allow_http: Permit plain http to hosts other than this machine, which shows the key to the network.
        concurrency: How many requests a listing may have under way at once, 1 to 64; 1 is one after another.
        max_retries: How often a request is tried again after its first attempt.
        deadline: Seconds for a request with all its retries and waits.
        max_retry_wait: The longest wait, in seconds, that a server may ask for; a longer one is raised at once.
        max_body_bytes: The longest body that is read, in bytes after decompression.
        strict: Raise `UnexpectedResponseError` for a page with a problem, rather than report it in `page.problems`.
        on_retry: Called with a `Retry` before each wait for a retry. What it raises ends the request.
        on_exchange: Called with an `Exchange` after each attempt, answered or not. What it raises ends the request.
        request_id_prefix: What the `X-Request-Id` of each attempt begins with, at most 64 visible characters of ASCII.
        clock: What tells the time and sleeps; for tests.

    Raises:
        ConfigurationError: For a setting that is missing or cannot be used; nothing is sent.
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
        """Close the connections, unless they are those of an `http_client` that was passed, and end every wait.

        Every request that is made, waits or is under way raises `ConfigurationError` within a second, in whichever
        thread; one that goes through a client of httpx's may go on until its timeout. Closing twice does nothing.
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
            del job  # or the traceback of its error would hold the error

    def _drive(self, job: Job[Any]) -> None:
        self._jobs.add(job)
        loop = self._loop()
        loop.take(job)
        loop.run(lambda: job.is_done or job.is_cancelled)

    def _drive_apart(self, job: Job[Any]) -> None:
        # What it raises is raised again where its result is asked for.
        try:
            self._drive(job)
        except BaseException:  # noqa: BLE001 (as said)
            job.cancel()

    def _begin(self, steps: Waits[Page], tell: Callable[[Job[Page]], object]) -> Job[Page]:
        self._check_open()
        job = Job(steps, tell, copy_context())
        if isinstance(self._way(), Connections):
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
            # Two processes on one socket would read each other's answers. What was passed is its owner's to mind.
            if self._owns_http:
                # The parent's are kept, or Python would warn of its sockets as left open.
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
