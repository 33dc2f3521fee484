"""The client's clock, which a test replaces, and what goes by it. Sockets are waited for by the machine's own."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, Any

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Callable


@frozen(kw_only=True)
class Clock:
    """A client's source of time and randomness; a test passes its own and need not wait."""

    now: Callable[[], float] = time.monotonic
    """Seconds of a monotonic clock."""
    wall: Callable[[], float] = time.time
    """Unix time in seconds."""
    random: Callable[[], float] = random.random
    """A number from 0 to 1, for the jitter of retries."""
    sleep: Callable[[float], Any] | None = None
    """Sleeps so many seconds; async in `AsyncClient`. Where it is None the client waits, and closing interrupts it."""


class Stopwatch:
    """A clock that can be stopped: while somebody holds what they have and waits for nothing, no time passes."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._stopped_at: float | None = None
        self._stood_still = 0.0
        self.stops: int = 0
        """How often it was stopped."""

    @property
    def is_stopped(self) -> bool:
        """Whether it stands still."""
        return self._stopped_at is not None

    def now(self) -> float:
        """The seconds that have passed on it."""
        now = self._now() if self._stopped_at is None else self._stopped_at
        return now - self._stood_still

    def stop(self) -> None:
        """Stand still from now on."""
        self._stopped_at = self._now()
        self.stops += 1

    def go(self) -> None:
        """Go on."""
        if self._stopped_at is not None:
            self._stood_still += self._now() - self._stopped_at
            self._stopped_at = None


class Deadline:
    """By when a request is to be over, with all its retries and waits."""

    def __init__(self, watch: Stopwatch, seconds: float) -> None:
        self.watch = watch
        self.moment: float = watch.now() + seconds
        """As the stopwatch has it."""

    def left(self) -> float:
        """How many seconds are left, below 0 where it has passed."""
        return self.moment - self.watch.now()
