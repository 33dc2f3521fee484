"""Fixed windows of requests for each key, and the headers that tell a client about them."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RateLimit:
    """A number of requests per window of some seconds, counted for each key."""

    requests: int
    window_seconds: float


# The limit in the headers without --rate-limit. It is never reached: a client that reads "0 remaining" would rightly
# stop and wait.
GENEROUS = RateLimit(requests=1_000_000, window_seconds=60)


@dataclass(frozen=True, slots=True)
class Allowance:
    """The result for one request: admitted or not, and the state of its window afterwards."""

    admitted: bool
    limit: int
    remaining: int
    reset: int
    retry_after: int

    def headers(self) -> dict[str, str]:
        """`X-RateLimit-*`, the reset in whole Unix seconds; `Retry-After` if the request was refused."""
        shown = {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": str(self.reset),
        }
        return shown if self.admitted else shown | {"Retry-After": str(self.retry_after)}


class RateLimiter:
    """Counts requests; a window opens with its first request and closes when its time is over."""

    def __init__(self, limit: RateLimit, *, clock: Callable[[], float] = time.time) -> None:
        """Start with no window open; `clock` returns Unix seconds."""
        self._limit = limit
        self._clock = clock
        self._windows: dict[str, tuple[float, int]] = {}

    def begin(self, limit: RateLimit) -> None:
        """Go by this limit from now on, with no window open."""
        self._limit, self._windows = limit, {}

    def take(self, bucket: str) -> Allowance:
        """The allowance of one more request of this bucket; a refused one is not counted.

        Both times are rounded up, so that a client that waits as told is never early.
        """
        now = self._clock()
        closes, used = self._windows.get(bucket, (0.0, 0))
        if now >= closes:
            closes, used = now + self._limit.window_seconds, 0
        admitted = used < self._limit.requests
        used += admitted
        self._windows[bucket] = closes, used
        return Allowance(
            admitted=admitted,
            limit=self._limit.requests,
            remaining=self._limit.requests - used,
            reset=math.ceil(closes),
            retry_after=max(1, math.ceil(closes - now)),
        )
