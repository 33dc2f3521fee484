"""The calls of one iteration, answer by answer: each flavour sends the planned requests and waits."""

from __future__ import annotations

from collections import deque
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Generic, Self, SupportsInt, TypeAlias, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from agentcalls.checks import Several
from agentcalls.clock import Stopwatch
from agentcalls.errors import AgentCallsError, ConfigurationError
from agentcalls.reading.schedule import ItemT
from agentcalls.request.ids import this
from agentcalls.telemetry.listings import span_of_listing

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Coroutine, Iterable, Iterator

    from agentcalls.clock import Clock
    from agentcalls.reading.one_agent import PageRequest
    from agentcalls.reading.schedule import Schedule
    from agentcalls.reading.walk.sort import KnownSorts
    from agentcalls.request.query import ListQuery
    from agentcalls.request.wire.loop import Job
    from agentcalls.values import Page


PageT = TypeVar("PageT")
JobT = TypeVar("JobT", "Job[Page[Any]]", "asyncio.Task[Page[Any]]")


class Source(Struct, Generic[PageT, JobT], frozen=True):
    """The part of a client that a listing needs to send requests."""

    fetch: Callable[[ListQuery], PageT]
    """The page of a query, or an error."""
    start: Callable[[ListQuery, Callable[[JobT], object], Stopwatch], JobT]
    """Begins a request, and tells when it is done; the stopwatch measures its deadline."""
    start_rows: Callable[[ListQuery, Callable[[JobT], object], Stopwatch], JobT]
    """The same, with rows instead of calls."""
    wait: Callable[[SimpleQueue[Any], Iterable[JobT]], None]
    """Drives the requests that were begun until one is answered; only `Client` has it."""
    concurrency: SupportsInt
    """How many requests may be in flight at once."""
    sorts: KnownSorts
    """What the client knows about the server's sorting."""
    clock: Clock
    path: str
    """The path template of its requests."""

    @property
    def of_rows(self) -> Self:
        """The same for an export, whose rows have the fields of a `Call` and need not be one."""
        return replace(self, start=self.start_rows)


SyncSource: TypeAlias = Source["Page[Any]", "Job[Page[Any]]"]
AsyncSource: TypeAlias = Source["Coroutine[Any, Any, Page[Any]]", "asyncio.Task[Page[Any]]"]
SourceT = TypeVar("SourceT", bound=Source[Any, Any])


class _Pages(Generic[ItemT, JobT]):
    """The common part of an iteration in both flavours: the requests in flight, and their results."""

    def __init__(
        self,
        schedule: Schedule[ItemT],
        source: Source[Any, JobT],
        arrived: Callable[[tuple[PageRequest, JobT]], None],
    ) -> None:
        self.schedule = schedule
        self._start: Callable[..., JobT] = source.start
        self._arrived: Callable[[tuple[PageRequest, JobT]], None] = arrived
        self._under_way: dict[PageRequest, JobT] = {}
        # The deadlines of requests in flight are paused while nobody waits for more.
        self._watch = Stopwatch(source.clock.now)
        self._span = span_of_listing(source.path)

    def _prepare(self) -> bool:
        # Whether there may be more to deliver. An answer frees a slot, so the next requests are sent first.
        more = self.schedule.advance()
        # The first request is sent alone: perhaps nothing else is wanted.
        while self.schedule.room > 1 and (request := self.schedule.plan()):
            self._send(request)
        return more

    def _send(self, request: PageRequest) -> None:
        # The callback holds no reference to the iterator, so that a dropped iterator is closed.
        arrived = self._arrived

        def arrive(done: JobT) -> None:
            arrived((request, done))

        with self._span.current():
            self._under_way[request] = self._start(request.query, arrive, self._watch)
        self._span.sent(len(self._under_way))

    def _receive(self, request: PageRequest, job: JobT, *, is_cancelled: bool) -> None:
        if self._under_way.get(request) is not job:
            return  # it was begun again, or is no longer needed
        del self._under_way[request]
        if is_cancelled:
            # A CancelledError would say that the reader was cancelled, which it was not.
            raise ConfigurationError("The client, or the iterator, was closed while it was read.")
        try:
            page = job.result()
        except AgentCallsError as error:
            self.schedule.answered(request, error)
        else:
            self.schedule.answered(request, page)

    def _goes_on(self) -> bool:
        # Whether there is an answer to wait for. Requests that are still in flight at the end were discarded.
        if self._under_way and not self.schedule.done:
            return True
        if request := self.schedule.plan():
            self._send(request)
            return True
        self.forget()
        self.schedule.end()
        self._end_span()
        return False

    def _end_span(self) -> None:
        self._span.end(is_complete=lambda: self.schedule.report.complete)

    def forget(self) -> None:
        """Cancel the requests in flight."""
        jobs = list(self._under_way.values())
        self._under_way.clear()
        for job in jobs:
            job.cancel()

    def close(self) -> None:
        """End the iteration."""
        self.schedule.stop()
        self.forget()
        self._end_span()


class SyncPages(_Pages[ItemT, "Job[Page[Any]]"]):
    """The calls of an iteration, answer by answer."""

    def __init__(self, schedule: Schedule[ItemT], source: SyncSource) -> None:
        self._wait = source.wait
        self._process = this.id
        self._answers: SimpleQueue[tuple[PageRequest, Job[Page[Any]]]] = SimpleQueue()
        self._handed_out: Iterator[ItemT] = iter(())
        super().__init__(schedule, source, self._answers.put)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Iterator[ItemT]:
        self._watch.go()
        try:
            with self._span, self.schedule.stopped_by_errors(self.forget):
                self._stay_in_process()
                while not self._prepare():
                    if not self._advance():
                        raise StopIteration
        finally:
            self._watch.stop()
        self._handed_out = self.schedule.pending
        return self._handed_out

    def _advance(self) -> bool:
        if not self._goes_on():
            return False
        self._wait(self._answers, self._under_way.values())
        request, job = self._answers.get()
        self._receive(request, job, is_cancelled=job.is_cancelled)
        return True

    def _stay_in_process(self) -> None:
        # A forked process sends its requests again: those in flight belong to its parent.
        if self._process != this.id:
            self._process = this.id
            requests = list(self._under_way)
            self.forget()
            for request in requests:
                self._send(request)

    def close(self) -> None:
        """End the iteration, including the calls already handed out."""
        super().close()
        deque(self._handed_out, maxlen=0)


class AsyncPages(_Pages[ItemT, "asyncio.Task[Page[Any]]"]):
    """The same, awaited."""

    def __init__(self, schedule: Schedule[ItemT], source: AsyncSource) -> None:
        import asyncio  # noqa: PLC0415 (slow to import, and `Client` does without)

        self._ids: Iterable[str] | None = schedule.ids
        self._answers: asyncio.Queue[tuple[PageRequest, asyncio.Task[Page[Any]]]] = asyncio.Queue()
        super().__init__(schedule, source, self._answers.put_nowait)

    async def advance(self) -> bool:
        """Whether there may be more to hand out."""
        self._watch.go()
        try:
            with self._span, self.schedule.stopped_by_errors(self.forget):
                await self._gather()
                if self._prepare():
                    return True
                if not self._goes_on():
                    return False
                request, task = await self._answers.get()
                self._receive(request, task, is_cancelled=task.cancelled())
        finally:
            self._watch.stop()
        return True

    async def _gather(self) -> None:
        # The agents may have to be read first, once.
        ids, self._ids = self._ids, None
        if isinstance(ids, Several):
            await ids.gather()

    async def aclose(self) -> None:
        """End the iteration."""
        tasks = list(self._under_way.values())
        self.close()
        await ended(tasks)


async def ended(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Wait for the end of cancelled tasks, except for the one that asks: a hook may run inside it."""
    import asyncio  # noqa: PLC0415 (as above)

    # `gather` would cancel them once more with this wait, without end if one of them waits for it.
    if others := set(tasks) - {asyncio.current_task()}:
        await asyncio.wait(others)
