"""What an answer's `meta` says, as far as it can be true."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

if TYPE_CHECKING:
    from agentcalls.reading.walk.windows import Window
    from agentcalls_api.models import PageMeta


@frozen
class Evidence:
    """One answer without its rows; an attribute is None where `meta` is silent or cannot be true."""

    window: Window
    """What was asked for."""
    count: int
    """Rows in the answer."""
    granted: int | None = None
    """The page size that the server says it applied, in rows."""
    total: int | None = None
    """Rows in the whole listing, at that moment."""
    page: int | None = None
    """The page that the server says this is, 1-based."""
    has_next: bool | None = None
    """Whether the server says that a page follows."""

    miscounts: bool = False
    """Whether the count that it gives is lower than what it holds."""

    @property
    def short(self) -> bool:
        """Whether it holds fewer rows than were asked for."""
        return self.count < self.window.limit

    @property
    def says_more(self) -> bool:
        """Whether the server says that rows follow those given; its count outweighs its `has_next_page`."""
        if self.total is not None:
            return self.total > self.window.offset + self.count
        return self.has_next is True

    @property
    def ends(self) -> bool:
        """Whether the listing ended within this window. A full one never says so: counts can be capped or old."""
        return self.short and not self.says_more

    @property
    def clamped(self) -> bool:
        """Whether the server says that it gave an earlier page than the one asked for."""
        return self.page is not None and self.page < self.window.page


def judge(window: Window, count: int, meta: PageMeta | None) -> Evidence:
    """The answer to `window` that holds `count` rows, with what of `meta` is possible beside that count."""
    if meta is None:
        return Evidence(window, count)
    total = _whole(meta.total_count, lowest=window.offset + count if count else 0)
    page = _whole(meta.current_page, lowest=1)
    granted = _whole(meta.limit, lowest=max(1, count))
    miscounts = total is None and _whole(meta.total_count, lowest=0) is not None
    return Evidence(window, count, granted, total, page, _flag(meta.has_next_page), miscounts)


def _flag(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def _whole(value: object, *, lowest: int) -> int | None:
    return value if type(value) is int and value >= lowest else None
