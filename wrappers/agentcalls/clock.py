"""The client's clock: the only module that reads the machine's clocks."""

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
    """Sleeps this many seconds; async in `AsyncClient`. If it is None, the client waits, and `close` interrupts it."""
