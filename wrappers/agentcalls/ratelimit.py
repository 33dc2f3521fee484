"""What an answer's headers say of waiting, and the gate that holds requests back until then."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from threading import Lock
from typing import TYPE_CHECKING

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# A reset farther ahead than this is no rate limit but a mistake, such as milliseconds taken for seconds.
LONGEST_WINDOW_SECONDS = 86_400

# Requests that a gate has held leave within this long after the moment named, so as not to arrive all at once.
SPREAD_SECONDS = 1.0


@frozen
class RateLimit:
    """What an answer's `X-RateLimit-*` headers say; an attribute is None where its header is absent or no number."""

    limit: int | None
    """Requests allowed in one window."""
    remaining: int | None
    """Requests left in this window."""
    reset: datetime | None
    """When the window resets, in UTC, by the server's clock."""

    @classmethod
    def from_headers(cls, headers: Mapping[str, str]) -> RateLimit | None:
        """The rate limit that these headers state, or None where they state nothing; asked for in lower case."""
        limit, remaining, reset = (
            _integer(headers.get(f"x-ratelimit-{name}")) for name in ("limit", "remaining", "reset")
        )
        if limit is None and remaining is None and reset is None:
            return None
        return cls(limit, remaining, None if reset is None else _moment(reset))


def retry_after(headers: Mapping[str, str], wall: float) -> float | None:
    """The seconds that `Retry-After` asks to wait: a number, or an HTTP date (RFC 9110, 10.2.3); else None.

    A date is read by the server's own clock, its `Date`; without one by `wall`, this machine's Unix time in seconds.
    """
    value = headers.get("retry-after", "").strip()
    if not value:
        return None
    # Sent twice, it is a list: the longest of them is never too soon.
    if re.fullmatch(r"[0-9.+, ]+", value) and (
        numbers := re.findall(r"[0-9]+(?:\.[0-9]+)?", value)
    ):
        return max(map(float, numbers))
    moment = _http_date(value)
    return None if moment is None else max(0.0, moment - _server_time(headers, wall))


def window_wait(headers: Mapping[str, str], wall: float) -> float | None:
    """The seconds until the rate limit's window resets, where the headers say that it is used up; otherwise None."""
    if _integer(headers.get("x-ratelimit-remaining")) != 0:
        return None
    limit = RateLimit.from_headers(headers)
    if limit is None or limit.reset is None:
        return None
    seconds = limit.reset.timestamp() - _server_time(headers, wall)
    return seconds if 0 < seconds <= LONGEST_WINDOW_SECONDS else None


class Gate:
    """Holds back the requests of one client while its rate limit is used up, whichever thread or task they are of.

    It only says how long to wait: the shells sleep, and ask again before they send.
    """

    def __init__(self) -> None:
        self._open_at = float("-inf")
        self._lock = Lock()

    def hold(self, until: float) -> None:
        """Let nothing pass before `until`, in seconds of the client's monotonic clock."""
        with self._lock:
            self._open_at = max(self._open_at, until)

    def wait(self, now: float, random: Callable[[], float]) -> float:
        """How long a request has to wait at `now`, in seconds; 0 where the gate is open, never less than it is shut."""
        held = self._open_at - now
        return held + SPREAD_SECONDS * random() if held > 0 else 0.0


def _integer(value: str | None) -> int | None:
    return (
        int(value.split(".")[0])
        if value is not None and re.fullmatch(r"[0-9]{1,18}(\.[0-9]*)?", value)
        else None
    )


def _moment(unix_seconds: int) -> datetime | None:
    try:
        return datetime.fromtimestamp(unix_seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _http_date(value: str) -> float | None:
    try:
        moment = parsedate_to_datetime(value)
        # An HTTP date is always in GMT, said or not.
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None


def _server_time(headers: Mapping[str, str], wall: float) -> float:
    date = _http_date(headers.get("date", ""))
    return wall if date is None else date
