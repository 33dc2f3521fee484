"""How many requests may be in flight at once: a number, or "auto", which the answers decide."""

from __future__ import annotations

import math
from typing import Literal, TypeAlias

from agentcalls.checks import checked_integer, validator
from agentcalls.errors import ConfigurationError
from agentcalls.request.retry import SERVER_ERROR, TOO_MANY_REQUESTS
from agentcalls.settings import CONCURRENCY, MAX_CONCURRENCY

Concurrency: TypeAlias = int | Literal["auto"]

_LEAST = 2
# An answer is late after this many times as long as the fastest one took.
_LATE = 2.0
# The fastest answer counts for less with each that follows, since a server may become slower for good.
_FADES = 1.001


def _checked(name: str, value: object) -> None:
    """Accept 1 to 64 and "auto"; raises `ConfigurationError` for anything else."""
    if value == "auto":
        return
    try:
        checked_integer(name, value, 1, MAX_CONCURRENCY)
    except ConfigurationError as error:
        raise ConfigurationError(f'{str(error)[:-1]}, or "auto".') from None


check_concurrency = validator(_checked)


class AutoConcurrency:
    """The requests that one client may have in flight at once, derived from its answers; `int()` gives the number.

    It starts at the number that is the default otherwise. Each answer in time adds one request. A late answer takes one
    away, down to the default. A refusal (429, a 5xx, no answer) halves the number; from then on it grows by one for as
    many answers as there are requests in flight. Every moment is in seconds of the client's monotonic clock.
    """

    def __init__(self) -> None:
        self._size = float(CONCURRENCY)
        self._fastest = math.inf
        self._refused_at = -math.inf

    def __int__(self) -> int:
        return int(self._size)

    def note(self, status: int | None, seconds: float, now: float) -> None:
        """Note an attempt that took this long, by its status; None if there was no answer."""
        if status is None or status == TOO_MANY_REQUESTS or status >= SERVER_ERROR:
            self.refused(now - seconds, now)
        else:
            self.answered(seconds)

    def answered(self, seconds: float) -> None:
        """Note an answer that took this long."""
        self._fastest = min(self._fastest * _FADES, seconds)
        if seconds > _LATE * self._fastest:
            self._size = min(self._size, max(self._size - 1, CONCURRENCY))
        else:
            gained = 1.0 if self._refused_at == -math.inf else 1 / self._size
            self._size = min(self._size + gained, MAX_CONCURRENCY)

    def refused(self, sent_at: float, now: float) -> None:
        """Note a refusal; those of requests that were sent before the latest halving tell nothing new."""
        if sent_at >= self._refused_at:
            self._size = max(self._size / 2, _LEAST)
            self._refused_at = now
