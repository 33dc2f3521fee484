"""The two iterators over a listing's calls: they keep windows under way, and hand out what a reading makes of them."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Coroutine
    from concurrent.futures import Future
    from typing import Any, TypeAlias

    from agentcalls.page import Page
    from agentcalls.paging.windows import Window
    from agentcalls.progress import Checkpoint, Report
    from agentcalls.query import CallQuery
    from agentcalls.reading import Reading
    from agentcalls_api.models import Call

    Fetch: TypeAlias = Callable[[CallQuery], Page]
    Submit: TypeAlias = Callable[[Fetch, CallQuery], Future[Page]]
    AsyncFetch: TypeAlias = Callable[[CallQuery], Coroutine[Any, Any, Page]]
    Spawn: TypeAlias = Callable[[Coroutine[Any, Any, Page]], asyncio.Task[Page]]


class CallIterator:
    """The calls of one iteration, each once; one thread reads it.

    Pages are fetched ahead by other threads, at most `concurrency` of them at once. Raises what its requests raise,
    with `checkpoint` set to where it stopped, and has ended then.
    """

    def __init__(self, reading: Reading, fetch: Fetch, submit: Submit) -> None:
        self._reading = reading
        self._fetch = fetch
        self._submit = submit
        self._ahead: deque[tuple[Window, Future[Page]]] = deque()

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
                page = future.result()
            elif next_window := reading.plan():
                window = next_window
                page = self._fetch(reading.query_for(window))
            else:
                return False
            reading.accept(window, page)
            self._drop_void()
            self._ask_ahead()
        return True

    def _ask_ahead(self) -> None:
        reading = self._reading
        while len(self._ahead) < reading.room and reading.room > 1 and (window := reading.plan()):
            self._ahead.append((window, self._submit(self._fetch, reading.query_for(window))))

    def _drop_void(self) -> None:
        while self._ahead and self._reading.is_void(self._ahead[0][0]):
            _, future = self._ahead.popleft()
            if not future.cancel():
                self._reading.count_void()

    def _forget(self) -> None:
        for _, future in self._ahead:
            future.cancel()
        self._ahead.clear()

    @property
    def report(self) -> Report:
        """What this iteration read and proved, up to now."""
        return self._reading.report

    @property
    def checkpoint(self) -> Checkpoint:
        """Where `list(..., resume=checkpoint)` goes on: after the last call that was given."""
        return self._reading.checkpoint

    def close(self) -> None:
        """End the iteration: nothing more is asked for or given. Requests under way end by themselves."""
        self._reading.stop()
        self._forget()

    __del__ = close


class AsyncCallIterator:
    """The calls of one iteration, each once; one task reads it. The same as `CallIterator`, with `async for`.

    Pages are fetched ahead by tasks, which are cancelled when the iteration ends early.
    """

    def __init__(
        self,
        reading: Reading,
        fetch: Callable[[CallQuery], Coroutine[Any, Any, Page]],
        spawn: Spawn,
    ) -> None:
        self._reading = reading
        self._fetch = fetch
        self._spawn = spawn
        self._ahead: deque[tuple[Window, asyncio.Task[Page]]] = deque()

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
            if self._ahead:
                window, task = self._ahead.popleft()
                page = await task
            elif next_window := reading.plan():
                window = next_window
                page = await self._fetch(reading.query_for(window))
            else:
                return False
            reading.accept(window, page)
            self._drop_void()
            self._ask_ahead()
        return True

    def _ask_ahead(self) -> None:
        reading = self._reading
        while len(self._ahead) < reading.room and reading.room > 1 and (window := reading.plan()):
            self._ahead.append((window, self._spawn(self._fetch(reading.query_for(window)))))

    def _drop_void(self) -> None:
        while self._ahead and self._reading.is_void(self._ahead[0][0]):
            _, task = self._ahead.popleft()
            task.cancel()
            self._reading.count_void()

    def _forget(self) -> None:
        for _, task in self._ahead:
            task.cancel()
        self._ahead.clear()

    @property
    def report(self) -> Report:
        """What this iteration read and proved, up to now."""
        return self._reading.report

    @property
    def checkpoint(self) -> Checkpoint:
        """Where `list(..., resume=checkpoint)` goes on: after the last call that was given."""
        return self._reading.checkpoint

    async def aclose(self) -> None:
        """End the iteration: nothing more is asked for or given, and the requests under way are cancelled."""
        import asyncio  # noqa: PLC0415 (slow to import, and `Client` does without)

        tasks = [task for _, task in self._ahead]
        self._close()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _close(self) -> None:
        self._reading.stop()
        self._forget()

    __del__ = _close
