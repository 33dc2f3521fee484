"""Daemon threads for requests through a blocking client; nothing waits for them to end."""

from __future__ import annotations

import time
from queue import SimpleQueue
from threading import Lock, Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_LONGEST_GOODBYE_SECONDS = 1.0


class Threads:
    """At most as many threads as there ever were jobs at once, up to a bound."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._jobs: SimpleQueue[Callable[[], object] | None] = SimpleQueue()
        self._lock = Lock()
        self._idle = 0  # below it there are jobs that no thread has taken
        self._threads: list[Thread] = []

    def run(self, job: Callable[[], object]) -> None:
        """Run a job, which must not raise, in a thread; in the caller's own if no thread can be started."""
        with self._lock:
            self._idle -= 1
            if self._idle < 0 and len(self._threads) < self._most and self._start():
                self._idle += 1
            alone = not self._threads
            self._idle += alone
        if alone:
            job()
            return
        self._jobs.put(job)

    def _start(self) -> bool:
        thread = Thread(target=self._work, name="agentcalls", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            return False
        self._threads.append(thread)
        return True

    def _work(self) -> None:
        while job := self._jobs.get():
            job()
            del job
            with self._lock:
                self._idle += 1

    def close(self) -> None:
        """Let each thread end after its job; waits a moment for them."""
        end = time.monotonic() + _LONGEST_GOODBYE_SECONDS
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))
