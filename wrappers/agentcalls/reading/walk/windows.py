"""The rows that one request can give: an offset must be a multiple of the limit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

from msgspec import Struct

from agentcalls.settings import MAX_LIMIT

if TYPE_CHECKING:
    from datetime import datetime


class Row(Protocol):
    """The part of a row that a walk needs; None if the row lacks it."""

    @property
    def id(self) -> str | None:
        """The id, which shows a repeat."""
        ...

    @property
    def created_on(self) -> datetime | None:
        """The key of the sort."""
        ...


RowT = TypeVar("RowT", bound=Row)


class Window(Struct, frozen=True):
    """A range of rows to request: from `offset` up to, not including, `end`."""

    page: int
    """The `page` to send, 1-based."""
    limit: int
    """The `limit` to send, 1 to 100."""
    epoch: int = 0
    """The plan that the window belongs to; windows of an earlier plan are stale."""
    sort: str | None = None
    """The `sort` to send; None leaves the query's."""

    @property
    def offset(self) -> int:
        """Rows of the listing before the window."""
        return (self.page - 1) * self.limit

    @property
    def end(self) -> int:
        """Rows of the listing up to the end of the window."""
        return self.page * self.limit


def farthest_window(
    start: int, *, epoch: int = 0, sort: str | None = None, most: int = MAX_LIMIT
) -> Window:
    """The window of at most `most` rows that holds row `start` (0-based) and ends farthest on."""
    limit = best_limit = most
    best = (start // limit + 1) * limit
    while start + limit > best:  # the farthest end that a smaller limit could reach
        end = (start // limit + 1) * limit
        if end > best:
            best, best_limit = end, limit
        limit -= 1
    return Window(best // best_limit, best_limit, epoch, sort)
