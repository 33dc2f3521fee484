"""What tells a client the time: the one place that touches the machine's clocks."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, Any

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Callable


@frozen(kw_only=True)
class Clock:
    """What tells a client the time and a random number; a test gives its own and need not wait."""

    now: Callable[[], float] = time.monotonic
    """Seconds of a clock that never goes back."""
    wall: Callable[[], float] = time.time
    """Unix time in seconds."""
    random: Callable[[], float] = random.random
    """A number from 0 to 1, for the jitter of retries."""
    sleep: Callable[[float], Any] | None = None
    """Sleeps so many seconds; async in `AsyncClient`. Where it is None the client waits, and closing interrupts it."""
