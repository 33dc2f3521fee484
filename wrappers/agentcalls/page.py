"""One page of a call log, as the facade gives it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from agentcalls_api.models import Call, PageMeta


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
        """The rate limit that these headers state, or None where they state nothing."""
        limit, remaining, reset = (
            _number(headers.get(f"X-RateLimit-{name}")) for name in ("Limit", "Remaining", "Reset")
        )
        if limit is None and remaining is None and reset is None:
            return None
        return cls(limit, remaining, None if reset is None else _moment(reset))


@frozen
class Page:
    """One page of calls as the server gave it; iterating it gives its calls."""

    data: list[Call]
    """The calls, in the server's order; at most `limit` of them, none past the end."""
    meta: PageMeta | None
    """Where the page stands in the listing; None where the server leaves it out."""
    message: str
    """The server's word for people."""
    request_id: str | None
    """The `X-Request-Id` of the answer."""
    rate_limit: RateLimit | None
    """What the answer says of the rate limit."""

    def __iter__(self) -> Iterator[Call]:
        return iter(self.data)

    def __len__(self) -> int:
        return len(self.data)


def _number(value: str | None) -> int | None:
    return int(value) if value is not None and value.isascii() and value.isdecimal() else None


def _moment(unix_seconds: int) -> datetime | None:
    try:
        return datetime.fromtimestamp(unix_seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None
