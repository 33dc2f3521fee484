"""The two iterators over a listing's calls: they keep windows under way, and hand out what a reading makes of them."""

from __future__ import annotations

from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Generic, Self, TypeVar

from agentcalls.errors import ConfigurationError

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Coroutine
    from concurrent.futures import Future
    from typing import Any, TypeAlias

    from agentcalls.models import Call
    from agentcalls.reading.one_agent import AgentReader
    from agentcalls.reading.windows import Window
    from agentcalls.request.query import CallQuery
    from agentcalls.values import Checkpoint, Page, Report

    Fetch: TypeAlias = Callable[[CallQuery], Page]
    Submit: TypeAlias = Callable[[Fetch, CallQuery], Future[Page]]
    AsyncFetch: TypeAlias = Callable[[CallQuery], Coroutine[Any, Any, Page]]
    Spawn: TypeAlias = Callable[[Coroutine[Any, Any, Page]], asyncio.Task[Page]]

JobT = TypeVar("JobT")


class _IteratorBase(Generic[JobT]):
    """What the two share: the windows under way, in the order in which they were planned."""

    def __init__(
        self,
        reading: AgentReader,
        start: Callable[[CallQuery], JobT],
        give_up: Callable[[JobT], bool],
    ) -> None:
        self._reading = reading
        self._start = start
        self._give_up = give_up  # says whether the request was sent
        self._ahead: deque[tuple[Window, JobT]] = deque()

    @property
    def report(self) -> Report:
        """What this iteration read and proved, up to now."""
        return self._reading.report

    @property
    def checkpoint(self) -> Checkpoint:
        """Where `list(..., resume=checkpoint)` goes on: after the last call that was given."""
        return self._reading.checkpoint

    def _ask_ahead(self) -> None:
        reading = self._reading
        while len(self._ahead) < reading.room and reading.room > 1 and (window := reading.plan()):
            self._ahead.append((window, self._start(reading.query_for(window))))

    def _accept(self, window: Window, page: Page) -> None:
        self._reading.accept(window, page)
        while self._ahead and self._reading.is_stale(self._ahead[0][0]):
            if self._give_up(self._ahead.popleft()[1]):
                self._reading.count_stale()
        self._ask_ahead()

    def _forget(self) -> None:
        while self._ahead:
            self._give_up(self._ahead.popleft()[1])

    def _close(self) -> None:
        self._reading.stop()
        self._forget()

    __del__ = _close


class CallIterator(_IteratorBase["Future[Page]"]):
    """The calls of one iteration, each once; one thread reads it.

    Pages are fetched ahead by other threads, at most `concurrency` of them at once. Raises what its requests raise,
    with `checkpoint` set to where it stopped, and has ended then.
    """

    def __init__(self, reading: AgentReader, fetch: Fetch, submit: Submit) -> None:
        super().__init__(reading, partial(submit, fetch), lambda future: not future.cancel())
        self._fetch = fetch

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Call:
        while True:
            for call in self._reading.pending:
                return call
            if not self._advance():
                raise StopIteration

    def _advance(self) -> bool:
        # Whether there may be more to hand out.
        reading = self._reading
        with reading.stopped_by_errors(self._forget):
            held = reading.take_held()
            self._ask_ahead()
            if held:
                return True
            if self._ahead:
                window, future = self._ahead.popleft()
                try:
                    page = future.result()
                except BaseException:
                    refuse_cancelled(future)
                    raise
                self._accept(window, page)
            elif next_window := reading.plan():
                self._accept(next_window, self._fetch(reading.query_for(next_window)))
            else:
                return False
        return True

    def close(self) -> None:
        """End the iteration: nothing more is asked for or given. Requests under way end by themselves."""
        self._close()


class AsyncCallIterator(_IteratorBase["asyncio.Task[Page]"]):
    """The calls of one iteration, each once; one task reads it. The same as `CallIterator`, with `async for`.

    Pages are fetched ahead by tasks, which are cancelled when the iteration ends early.
    """

    def __init__(self, reading: AgentReader, fetch: AsyncFetch, spawn: Spawn) -> None:
        super().__init__(
            reading,
            lambda query: spawn(fetch(query)),
            lambda task: task.cancel() or True,
        )

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Call:
        while True:
            for call in self._reading.pending:
                return call
            if not await self._advance():
                raise StopAsyncIteration

    async def _advance(self) -> bool:
        # Whether there may be more to hand out.
        reading = self._reading
        with reading.stopped_by_errors(self._forget):
            held = reading.take_held()
            self._ask_ahead()
            if held:
                return True
            if not self._ahead and (next_window := reading.plan()):
                self._ahead.append((next_window, self._start(reading.query_for(next_window))))
            if not self._ahead:
                return False
            window, task = self._ahead[0]
            try:
                page = await task
            except BaseException:
                if not _is_cancelled():
                    refuse_cancelled(task)
                raise
            if self._ahead:  # or it was closed meanwhile
                self._ahead.popleft()
                self._accept(window, page)
        return True

    async def aclose(self) -> None:
        """End the iteration: nothing more is asked for or given, and the requests under way are cancelled."""
        import asyncio  # noqa: PLC0415 (slow to import, and `Client` does without)

        tasks = [task for _, task in self._ahead]
        self._close()
        await asyncio.gather(*tasks, return_exceptions=True)


def refuse_cancelled(done: Future[Page] | asyncio.Task[Page]) -> None:
    """Raise `ConfigurationError` for a request that was cancelled: its reader was not, and is not to think so."""
    if done.cancelled():
        raise ConfigurationError("The client, or the iterator, was closed while it was read.")


def _is_cancelled() -> bool:
    import asyncio  # noqa: PLC0415 (as above)

    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
