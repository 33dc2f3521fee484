"""What a walk notes on its way: what it counted, why it is not complete, and how much it may still give."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentcalls.errors import PaginationError
from agentcalls.values import Report

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from agentcalls.reading.walk.evidence import Evidence
    from agentcalls.reading.walk.order import Direction
    from agentcalls.reading.walk.windows import RowT
    from agentcalls.values import Checkpoint

NOT_EXACT = "Pages were read without overlap, as exact=False asks for."
NOT_FROM_START = "Reading began behind the start of the listing."
UNORDERED = (
    "The rows do not come in order of created_on: the listing was read to its end, unproven."
)
ONE_KEY = "More calls share one created_on than a page holds: the order cannot be seen."
MALFORMED = "A row lacks its id or created_on."
TWICE = "A call came twice in different places."
UNJOINED = (
    "The listing shifted, or calls share one created_on, so that two windows could not be joined."
)
REGRANTED = "The server does not apply the limit that it is asked for."
OVERFULL = "The server gave more calls than it was asked for."
SHORT = "The server gave a short page and said that more follow."
CLAMPED = "The server gave an earlier page than it was asked for."
OTHER_PAGE = "The server says that it gave another page than it was asked for."
UNCONFIRMED = "The server does not say which limit it applied, and its only page came short."
MAX_ITEMS = "Reading stopped at max_items."
ABANDONED = "The listing was not read to its end."

# Windows that hold nothing new are part of every walk: those of a step back, and what a listing grows by while it is
# read newest first. Beyond these bounds the server repeats itself without end.
_EMPTY_BEYOND = 32
EMPTY_AT_ALL = 5_000


class Ledger:
    """The book that a walk keeps: counts, caveats, and the bounds of what it gives.

    Args:
        max_items: Calls to deliver at most; None for all.
        since: Deliver calls created at or after this moment only; aware.
        until: Deliver calls created before this moment only; aware.
        empty_at_all: Windows in a row without a new call to put up with.
    """

    def __init__(
        self,
        *,
        max_items: int | None,
        since: datetime | None,
        until: datetime | None,
        empty_at_all: int = EMPTY_AT_ALL,
    ) -> None:
        self._empty_at_all = empty_at_all
        self.since, self.until = since, until
        self.items_left = max_items
        self.doubts: dict[str, None] = {}  # a set that keeps its order
        self.ended = False
        """Whether the listing was read to its end, or past the time window."""
        self.full = max_items == 0
        """Whether `max_items` ended it, and not the listing."""
        self.pages = self.requests = self.repeats = self.repairs = 0
        self.first_total: int | None = None
        self.total: int | None = None
        """Rows of the listing by the latest answer that says it."""
        self.most = 0
        """Rows in the largest answer."""
        self._empty = self._empty_beyond = 0

    def resume(self, checkpoint: Checkpoint) -> None:
        """Take over what a checkpoint noted; its time window replaces the one given."""
        self.since, self.until = checkpoint.since, checkpoint.until
        self.doubts = dict.fromkeys(checkpoint.doubts)
        report = checkpoint.report
        self.pages, self.requests = report.pages, report.requests
        self.repeats, self.repairs = report.repeats_dropped, report.repairs
        self.first_total, self.total = report.total_count_first, report.total_count_last
        self.most = checkpoint.most

    @property
    def done(self) -> bool:
        """Whether nothing more is wanted."""
        return self.ended or self.full

    @property
    def useful(self) -> int | None:
        """How many more rows can be of use; None where that is not known."""
        # Of the rows ahead, any number may lie outside the time window.
        return None if self.since or self.until else self.items_left

    @property
    def report(self) -> Report:
        """How far the walk has come."""
        found = list(self.doubts)
        if self.full:
            found.append(MAX_ITEMS)
        elif not self.ended:
            found.append(ABANDONED)
        return Report(
            pages=self.pages,
            requests=self.requests,
            repeats_dropped=self.repeats,
            repairs=self.repairs,
            total_count_first=self.first_total,
            total_count_last=self.total,
            complete=not found,
            reason=" ".join(found) or None,
        )

    def doubt(self, reason: str) -> None:
        """Note why the walk cannot be complete any more."""
        self.doubts[reason] = None

    def end(self, answer: Evidence) -> None:
        """Note that the listing ended with this answer, as far as that can be believed."""
        self.ended = True
        if answer.says_more:
            self.doubt(SHORT)
        # A server that caps its pages in silence looks like a listing that ends: a larger answer disproves the cap.
        if answer.count and answer.granted is None and self.most <= answer.count:
            self.doubt(UNCONFIRMED)

    def note_total(self, total: int | None) -> None:
        """Note what an answer says of the listing's length."""
        if total is not None:
            self.total = total
            self.first_total = total if self.first_total is None else self.first_total

    def note_used(self, count: int, *, found: int, passed_over: int) -> None:
        """Count an answer of `count` rows: those found in it are new, and those passed over were not asked for."""
        self.pages += 1
        self.repeats += max(0, count - passed_over - found)

    def note_found(self, found: Sequence[RowT], *, beyond: bool) -> None:
        """Take what an answer held that is new; `beyond` says that it reached past where that may well be nothing.

        Raises `PaginationError` where too many in a row held nothing.
        """
        # A row without an id may be the same one again and again: it is no progress.
        if self.ended or any(row.id for row in found):
            self._empty = self._empty_beyond = 0
            return
        self._empty += 1
        self._empty_beyond += not found and beyond
        if self._empty_beyond > _EMPTY_BEYOND or self._empty > self._empty_at_all:
            raise PaginationError(
                f"{self._empty} pages in a row held no new call: the server repeats itself, or the listing grows"
                " faster than it is read."
            )

    def wanted(self, found: list[RowT]) -> list[RowT]:
        """The rows of the time window, and those without `created_on`: it is not known that they lie outside."""
        since, until = self.since, self.until
        if since is None and until is None:
            return found
        return [
            row
            for row in found
            if (moment := row.created_on) is None
            or ((since is None or since <= moment) and (until is None or moment < until))
        ]

    def bounded(self, wanted: list[RowT]) -> list[RowT]:
        """As many of them as may still be delivered."""
        if self.items_left is None:
            return wanted
        given = wanted[: self.items_left]
        self.items_left -= len(given)
        # A bound that is met just as the listing ends cut nothing off.
        if len(given) < len(wanted) or not (self.items_left or self.ended):
            self.full = True
        return given

    def passed(self, direction: Direction, key: datetime) -> bool:
        """Whether rows that follow this key lie outside the time window."""
        # In ascending order the key must have reached `until`, in descending order it must be before `since`: only
        # then does every call of the time window sort strictly before it.
        if direction > 0:
            return self.until is not None and key >= self.until
        return self.since is not None and key < self.since
