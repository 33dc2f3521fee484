"""The requests in flight of a blocking thread. Waiting for one of them drives all, so no other thread is needed.

A request runs at once up to its first wait, and continues while its thread waits for any request. In between, its
answer stays in the system's buffers. A wait never times out before the arrived bytes are read.
"""

from __future__ import annotations

import selectors
import time
from contextlib import suppress
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from agentcalls.request.ids import this

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextvars import Context
    from threading import Event

    from agentcalls.request.wire.waits import Wait, Waits

ResultT = TypeVar("ResultT")

# A selector without a file, if there is one: a forked process would share a file.
_Selector: type[selectors.BaseSelector] = getattr(
    selectors, "PollSelector", selectors.SelectSelector
)
LONGEST_TURN_SECONDS = (
    0.5  # the longest time until a closed client is noticed without a socket's event
)
_UNNOTICED_SECONDS = 0.001
_NOT_LEFT = float("inf")


class Job(Generic[ResultT]):
    """A request in flight: its steps, its wait, and its result.

    Args:
        steps: The generator to run; each wait that it yields is answered with whether the event came.
        tell: Called when it has ended or was cancelled, in the thread where that happened.
        context: The context variables that it sees; None for the driver's.
    """

    def __init__(
        self,
        steps: Waits[ResultT],
        tell: Callable[[Job[ResultT]], object] | None = None,
        context: Context | None = None,
    ) -> None:
        self._send: Callable[[Any], Wait] = (
            partial(cast("Any", context).run, steps.send) if context else steps.send
        )
        self._steps, self._tell = steps, tell
        self._lock = Lock()
        self._result: ResultT | None = None
        self._error: BaseException | None = None
        self.wait: Wait | None = None
        """What it waits for."""
        self.end: float = 0.0
        """The end of its wait, on the machine's monotonic clock."""
        self.loop: Loop | None = None
        """The loop that drives it."""
        self.watched: tuple[int, int] | None = None
        """The file and the event that its loop watches for it."""
        self.is_done: bool = False
        self.is_cancelled: bool = False
        """Whether it has ended; whether it was cancelled."""
        self.is_apart = False
        """Whether a thread of its own drives it."""

    def step(self, *, came: bool) -> None:
        """Run to the next wait, or to the end."""
        # A user's hook runs inside it and may send requests itself; so may another thread.
        if self.is_done or not self._lock.acquire(blocking=False):
            return
        try:
            self._step(came=came)
            if self.is_cancelled and not self.is_done:
                self._step(came=False)
        finally:
            self._lock.release()
        if self.is_done:
            self._end()
            if self._error and not isinstance(self._error, Exception):
                raise self._error
        elif self.loop:
            self.loop.watch(self)

    def _step(self, *, came: bool) -> None:
        try:
            if self.is_cancelled:
                self._steps.close()
                self.is_done = True
                return
            self.wait = self._send(came if self.wait else None)
            self.end = time.monotonic() + self.wait.seconds
        except StopIteration as end:
            self._result, self.is_done = end.value, True
        except BaseException as error:  # noqa: BLE001 (raised where the result is asked for)
            self._error, self.is_done = error, True

    def cancel(self) -> None:
        """End it, and close its connection. If it is running at this moment, it ends at its next wait."""
        if not self.is_done:
            self.is_cancelled = True
            self.step(came=False)
            self._end()

    def _end(self) -> None:
        tell, self._tell = self._tell, None
        if self.loop:
            self.loop.leave(self)
        if tell:
            tell(self)

    def result(self) -> ResultT:
        """Its result or its error, when it is done."""
        try:
            if self._error:
                raise self._error
            return cast("ResultT", self._result)
        finally:
            del self  # or the error's traceback would hold the error


class Loop:
    """The requests of one client in one thread.

    Args:
        closed: Set when the client is closed.
    """

    def __init__(self, closed: Event) -> None:
        self._closed = closed
        self._selector = _Selector()
        self._watched: dict[int, Job[Any]] = {}
        self._left_at = time.monotonic()
        self.jobs: set[Job[Any]] = set()
        """The requests in flight."""
        self.process: int = this.id
        """The process that made it."""

    def take(self, job: Job[Any]) -> None:
        """Drive a request: begin it, or take it over from the loop of another thread."""
        self._come_back()
        if job.loop:
            job.loop.leave(job)
        job.loop = self
        self.jobs.add(job)
        if job.wait:
            self.watch(job)
        else:
            job.step(came=False)

    def run(self, is_over: Callable[[], bool], most: float = LONGEST_TURN_SECONDS) -> None:
        """Drive all requests until a condition holds, which is checked at least every `most` seconds."""
        self._come_back()
        inner = self._left_at == _NOT_LEFT
        self._left_at = _NOT_LEFT
        try:
            while not is_over():
                self._turn(most)
        finally:
            if not inner:
                self._left_at = time.monotonic()

    def watch(self, job: Job[Any]) -> None:
        """Watch what the request waits for now."""
        wait = cast("Wait", job.wait)
        wanted = (wait.socket.fileno(), wait.event) if wait.socket else None
        if wanted == job.watched:
            return
        self._unwatch(job)
        if wanted:
            file, event = wanted
            if file in self._watched:
                # It belonged to a connection that is closed, so its number was used again.
                self._unwatch(self._watched[file])
            self._selector.register(file, event, job)
            self._watched[file], job.watched = job, wanted

    def leave(self, job: Job[Any]) -> None:
        """Stop driving a request."""
        self.jobs.discard(job)
        self._unwatch(job)
        job.loop = None

    def _come_back(self) -> None:
        # While nobody drove it, nothing could be read: the peer was not silent.
        now = time.monotonic()
        away = now - self._left_at
        if away > _UNNOTICED_SECONDS:
            self._left_at = now
            for job in list(self.jobs):
                if job.watched:
                    job.end += away

    def _turn(self, most: float) -> None:
        soonest = min((job.end for job in list(self.jobs)), default=0.0)
        seconds = max(0.0, min(soonest - time.monotonic(), most))
        if self._watched:
            for key, _ in self._selector.select(seconds):
                key.data.step(came=True)
        else:
            self._closed.wait(seconds)
        now = time.monotonic()
        for job in [job for job in list(self.jobs) if job.end <= now]:
            job.step(came=False)

    def _unwatch(self, job: Job[Any]) -> None:
        if job.watched:
            file, job.watched = job.watched[0], None
            self._watched.pop(file, None)
            with suppress(KeyError, ValueError):
                self._selector.unregister(file)
