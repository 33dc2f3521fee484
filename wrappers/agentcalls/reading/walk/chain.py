"""The overlap chain: how windows of a shifting listing are joined so that no call is lost.

One answer is a contiguous stretch of the sorted listing. Let H be the key (`created_on`) of the last row read.

    Invariant   Every call whose key sorts strictly before H has been delivered. "At or before" would be false
                where a window's edge cuts a group of equal keys.
    Join        A window joins if it starts the listing, or if it holds a delivered row strictly before H. Then no row
                lies between the window and what was read, in whatever order the two were fetched. An early key
                alone is no proof: a listing that is not sorted by `created_on` has early keys anywhere.
    Read        In a joined window, rows before H are skipped by key, and known rows at H by id. All others are new.
    Advance     H becomes the key of the window's last row. A window can lie wholly before H: after a long step back, or
                after inserts in front. Such a window moves the position and not H.
    End         A joined window that ended the listing (see `Evidence.ends`).
    Time window In a listing sorted as requested, no row before the time window matters. So reading may begin at the
                time window (see `seek.py`). H is then the first key that one of its rows can have, and any earlier
                row joins.
    Far end     Counts can be old, and a server may show no row beyond some depth. Where the end is doubtful, the last
                rows are requested, as the first ones in the opposite order. If that window joins, all is read.
    Repair      A window that does not join is dropped, with all windows planned after it, and the walk steps back. The
                first step is as many rows as the count has lost, plus 60. Each further step is twice as long.
    Give up     The window is read as it is after eight repairs of one seam, or if a group of equal keys is wider than
                any window. Then the walk is no longer proven.

Windows overlap by 4 to 40 rows, depending on the largest group of equal keys seen so far.
"""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from agentcalls.reading.walk.created_on import largest_group, precedes, span_of
from agentcalls.reading.walk.windows import Window, farthest_window
from agentcalls.settings import MAX_LIMIT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from agentcalls.reading.walk.created_on import Direction
    from agentcalls.reading.walk.evidence import Evidence
    from agentcalls.reading.walk.recent import RecentIds
    from agentcalls.reading.walk.windows import RowT

_REPAIRS = 8
_STEP = 60
_LEAST_OVERLAP = 4
_MOST_OVERLAP = 40
# A group of equal keys at the edge is stepped over from this many rows before it, since one may be deleted.
_MARGIN = 4
# A group is given up if each window gets through fewer of its rows than this.
_LEAST_GAIN = 10


class Seam(Struct, frozen=True):
    """Where the next window must join."""

    key: datetime
    """H: the key of the last row read."""
    ids: frozenset[str | None]
    """The ids delivered with that key."""
    end: int
    """Rows of the listing up to where it was read, at that moment."""
    tail: int = 1
    """Rows at the end of the window that share H."""
    total: int | None = None
    """The listing's length at that moment, if it is known."""
    unread: bool = False
    """Whether nothing has been read: H is then the first key that a row of the time window can have."""


class Chain:
    """The state of the chain between two answers; `is_ordered` holds for all keys that it is given."""

    def __init__(
        self,
        seam: Seam,
        direction: Direction,
        *,
        group: int = 0,
        most: int = MAX_LIMIT,
        sought: bool = False,
    ) -> None:
        self.seam: Seam = seam
        self.direction: Direction = direction
        self.group: int = group
        self.most = most
        """The longest window to ask for, in rows."""
        self.sought = sought
        """Whether the beginning of the time window was looked for."""
        self.first: datetime | None = None
        """The first key that a row of the time window can have, if the listing is sorted as requested."""
        self._began, self._rows = seam.key, 0
        self.frontier: int = seam.end
        """The farthest position at which H has advanced."""
        self._frontier_total = seam.total
        self._tries = 0
        self._target: int | None = None
        self.planned_to: int = seam.end
        """Rows of the listing up to the end of the last window planned."""
        self._giving_up = False
        self._beyond: Window | None = None
        self.looks_beyond: bool = False
        """Whether the latest window seems to begin beyond the end of the listing."""
        self.asks_far_end: bool = False
        """Whether the next window is that of the far end."""
        self.far_ends: int = 0
        """How often the far end was asked for."""

    def look_beyond(self, window: Window) -> None:
        """Request the page after this window next, although this one seems to be the last."""
        self._beyond, self.looks_beyond = replace(window, page=window.page + 1), True

    @property
    def overlap(self) -> int:
        """Rows by which windows overlap."""
        return min(self._most_overlap, max(_LEAST_OVERLAP, self.group + 1))

    @property
    def _most_overlap(self) -> int:
        return min(self.most // 2, _MOST_OVERLAP)

    def expected_to(self, total: int | None) -> int:
        """The row up to which a window may hold nothing new: what was read, and what the listing has grown by since."""
        then = self._frontier_total
        grown = max(0, total - then) if then is not None and total is not None else 0
        return self.frontier + grown

    def rows_to(self, key: datetime) -> int | None:
        """An estimate of the rows before this key, by the rate of the rows read so far; None if that is unknown."""
        time = abs(self.seam.key - self._began)
        return ceil(self._rows * (abs(key - self.seam.key) / time)) if time else None

    def plan(self, epoch: int, *, ahead: bool, sort: str | None) -> Window:
        """The next window. It joins the window planned before it, or what was read if none is in flight."""
        if self._beyond:
            beyond, self._beyond = self._beyond, None
            return replace(beyond, epoch=epoch)
        if self._target is not None:
            start, self._target = self._target, None
        else:
            start = self._overlapping(self.planned_to if ahead else self.seam.end, self.overlap)
            if not ahead and self.seam.tail >= self.overlap:
                start = self._before_tail()
                if not self._gains(start):
                    start = self._overlapping(self.seam.end, self._most_overlap)
                    self._giving_up = True
        window = farthest_window(max(0, start), epoch=epoch, sort=sort, most=self.most)
        self.planned_to = window.end
        return window

    def joins(
        self,
        answer: Evidence,
        keys: Sequence[datetime],
        ids: Sequence[str | None],
        recent: RecentIds,
    ) -> bool:
        """Whether no row can lie between the answer and what was read."""
        starts = answer.window.page == 1 and not self.asks_far_end
        if starts or (self.looks_beyond and not answer.count):
            return True
        before, _ = span_of(self.seam.key, keys, self.direction)
        if before == len(keys) and answer.short and not answer.is_last:
            # A listing that ends before H says so. Its pages are shorter than they claim, and begin sooner.
            return False
        if self.first and (self.seam.unread or precedes(self.seam.key, self.first, self.direction)):
            return bool(keys) and precedes(keys[0], self.first, self.direction)
        if recent.holds_any(ids[:before]) or None in ids[:before]:
            # A row without an id cannot be checked. A walk that has one is no longer proven.
            return True
        # Rows far before H are no longer remembered. They prove nothing, and no proof rests on them.
        return 0 < before == len(keys) and not answer.ends

    def repair(self, answer: Evidence) -> bool:
        """Step back for a window that does not join; False after too many attempts."""
        if self._giving_up or self._tries == _REPAIRS:
            return False
        seam = self.seam
        if not self._tries and seam.tail >= self.overlap:
            start = self._before_tail()
            if not self._gains(start):
                return False
        else:
            lost = max(0, seam.total - answer.total) if seam.total and answer.total else 0
            start = seam.end - self.overlap - ((_STEP + lost) << self._tries)
        self._tries += 1
        self._target = max(0, start)
        return True

    def passed(self, rows: Sequence[RowT], keys: Sequence[datetime]) -> Sequence[RowT]:
        """The rows before H in the first window that is read; the next window may join them."""
        return rows[: span_of(self.seam.key, keys, self.direction)[0]] if self.seam.unread else ()

    def read(
        self, answer: Evidence, rows: Sequence[RowT], keys: Sequence[datetime], *, strict: bool
    ) -> list[RowT]:
        """The undelivered rows at or after H; H advances to the last row.

        `strict` says that no two keys are equal.
        """
        self._giving_up = self.looks_beyond = False
        end = answer.window.offset + answer.count
        seam = self.seam
        before, after = span_of(seam.key, keys, self.direction)
        if before == len(keys):
            self.seam = replace(seam, end=end, tail=1, total=answer.total)
            return []
        new = [row for row in rows[before:after] if row.id not in seam.ids]
        new += rows[after:]
        last = keys[-1]
        if strict:
            tail = 1
        else:
            self.group = max(self.group, largest_group(keys))
            tail = len(keys) - span_of(last, keys, self.direction)[0]
        ids = frozenset(row.id for row in rows[len(rows) - tail :])
        if last == seam.key:
            ids |= seam.ids
        self.seam = Seam(last, ids, end, tail, answer.total)
        if new:
            self._tries = self.far_ends = 0
            self._rows += len(new)
            self.frontier, self._frontier_total = max(end, self.frontier), answer.total
        return new

    def _overlapping(self, end: int, rows: int) -> int:
        # Offsets are multiples of the limit, so a window that overlaps by many rows may not get beyond `end`.
        while rows and farthest_window(max(0, end - rows), most=self.most).end <= end:
            rows -= 1
        return end - rows

    def _before_tail(self) -> int:
        return max(0, self.seam.end - self.seam.tail - _MARGIN)

    def _gains(self, start: int) -> bool:
        return farthest_window(start, most=self.most).end >= self.seam.end + _LEAST_GAIN
