"""The possible part of an answer's `meta`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from agentcalls.reading.walk.windows import Window
    from agentcalls_api.models import PageMeta


class Evidence(Struct, frozen=True):
    """One answer without its rows; an attribute is None if `meta` omits it or is impossible."""

    window: Window
    """The requested window."""
    count: int
    """Rows in the answer."""
    granted: int | None = None
    """The page size that the server claims, in rows."""
    total: int | None = None
    """Rows in the whole listing, at that moment."""
    page: int | None = None
    """The page that the server says this is, 1-based."""
    has_next: bool | None = None
    """Whether the server says that a page follows."""
    has_previous: bool | None = None
    """Whether the server says that a page comes before this one."""

    counted: int | None = None
    """Its `total_count`, also if that is lower than the number of its rows allows."""

    @property
    def miscounts(self) -> bool:
        """Whether its `total_count` is lower than the number of its rows allows."""
        return self.total is None and self.counted is not None

    @property
    def misplaced(self) -> bool:
        """Whether its `total_count` allows no row at all where it should begin."""
        return self.counted is not None and bool(self.count) and self.counted <= self.window.offset

    @property
    def short(self) -> bool:
        """Whether it holds fewer rows than requested."""
        return self.count < self.window.limit

    @property
    def says_more(self) -> bool:
        """Whether the server says that more rows follow; its `total_count` outweighs its `has_next_page`."""
        if self.total is not None:
            return self.total > self.window.offset + self.count
        return self.has_next is True

    @property
    def ends(self) -> bool:
        """Whether the listing ended within this window. A full window never shows it: counts can be capped or stale."""
        return self.short and not self.says_more

    @property
    def is_whole(self) -> bool:
        """Whether all that the server says agrees that no row follows, its count above all."""
        return self.total is not None and self.ends and self.has_next is False

    @property
    def is_last(self) -> bool:
        """Whether the server says that no row follows."""
        if self.total is None:
            return self.has_next is False and not self.miscounts
        return not self.says_more

    @property
    def clamped(self) -> bool:
        """Whether the server says that it gave an earlier page than requested."""
        return self.page is not None and self.page < self.window.page


def judge(window: Window, count: int, meta: PageMeta | None) -> Evidence:
    """The answer to `window` that holds `count` rows, with the part of `meta` that this count permits."""
    if meta is None:
        return Evidence(window, count)
    counted = _whole(meta.total_count, lowest=0)
    total = _whole(counted, lowest=window.offset + count if count else 0)
    page = _whole(meta.current_page, lowest=1)
    granted = _whole(meta.limit, lowest=max(1, count))
    before, after = _flag(meta.has_previous_page), _flag(meta.has_next_page)
    return Evidence(window, count, granted, total, page, after, before, counted)


def _flag(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def _whole(value: object, *, lowest: int) -> int | None:
    return value if type(value) is int and value >= lowest else None
