"""The client's clock, which a test can replace, and deadlines. Waits for sockets use the machine's clock."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, Any

from attrs import field, frozen
from attrs.validators import optional

from agentcalls.checks import check_callable

if TYPE_CHECKING:
    from collections.abc import Callable


@frozen(kw_only=True)
class Clock:
    """A client's source of time and randomness; a test passes its own, so that it need not wait."""

    now: Callable[[], float] = field(default=time.monotonic, validator=check_callable)
    """Seconds of a monotonic clock."""
    wall: Callable[[], float] = field(default=time.time, validator=check_callable)
    """Unix time in seconds."""
    random: Callable[[], float] = field(default=random.random, validator=check_callable)
    """A number from 0 to 1, for the jitter of retries."""
    sleep: Callable[[float], Any] | None = field(default=None, validator=optional(check_callable))
    """Sleeps for a number of seconds; async in `AsyncClient`. None: the client waits, and closing it ends the wait."""


class Stopwatch:
    """A clock that is paused while the caller does not wait."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._stopped_at: float | None = None
        self._stood_still = 0.0
        self.stops: int = 0
        """How often it was paused."""

    @property
    def is_stopped(self) -> bool:
        """Whether it is paused."""
        return self._stopped_at is not None

    def now(self) -> float:
        """The seconds that it has measured."""
        now = self._now() if self._stopped_at is None else self._stopped_at
        return now - self._stood_still

    def stop(self) -> None:
        """Pause it."""
        self._stopped_at = self._now()
        self.stops += 1

    def go(self) -> None:
        """Continue."""
        if self._stopped_at is not None:
            self._stood_still += self._now() - self._stopped_at
            self._stopped_at = None


class Deadline:
    """The time by which a request must end, with all its retries and waits."""

    def __init__(self, watch: Stopwatch, seconds: float) -> None:
        self.watch = watch
        self.moment: float = watch.now() + seconds
        """The reading of the stopwatch at that time."""

    def left(self) -> float:
        """The seconds left; negative after the deadline."""
        return self.moment - self.watch.now()
