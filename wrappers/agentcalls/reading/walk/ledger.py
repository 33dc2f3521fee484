"""What a walk notes: its counts, its doubts, and how much it may still deliver.

A walk is complete if it has no doubts and one of three proofs: one answer held the whole listing; the server honours
the order in which windows were joined; or windows were joined in an order that the rows show, and the count agrees. It
agrees if each answer gave the same `total_count`, and that many different calls were read.
"""

from __future__ import annotations

from array import array
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from agentcalls.errors import PaginationError
from agentcalls.reading.walk.created_on import precedes
from agentcalls.values import Report

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agentcalls.reading.walk.chain import Chain
    from agentcalls.reading.walk.created_on import Direction
    from agentcalls.reading.walk.evidence import Evidence
    from agentcalls.reading.walk.windows import RowT
    from agentcalls.values import Checkpoint


class Doubt:
    """Why a listing is not complete, in a sentence each."""

    NOT_EXACT = "Pages were read without overlap, as exact=False asks for."
    NOT_FROM_START = "Reading began behind the start of the listing."
    UNORDERED = (
        "The rows do not come in order of created_on: the listing was read to its end, unproven."
    )
    ONE_KEY = "More calls share one created_on than a page holds: the order cannot be seen."
    MALFORMED = "A row lacks its id or created_on."
    TWICE = "A call came twice in different places."
    UNJOINED = "The listing shifted, or calls share one created_on, so that two windows could not be joined."
    REGRANTED = "The server does not apply the limit that it is asked for."
    OVERFULL = "The server gave more calls than it was asked for."
    SHORT = "The server gave a short page and said that more follow."
    ENDS_ELSEWHERE = "The last calls come first in the opposite order, and in no page of this one."
    CLAMPED = "The server gave an earlier page than it was asked for."
    STARTS_ELSEWHERE = "The server says that a page comes before the first."
    OTHER_PAGE = "The server says that it gave another page than it was asked for."
    MISCOUNTED = "The server counts fewer calls than its pages hold."
    UNCONFIRMED = "The server does not say which limit it applied, and its only page came short."
    UNSETTLED = "What the server says of its only page does not agree, or lacks the count."
    SPAN_UNSHOWN = "The server was not seen to sort by created_on, which a time window rests on."
    RESUMED_UNSHOWN = "The server was not seen to sort by created_on, and what a resumed walk read cannot be counted."
    UNCOUNTED = "The server was not seen to sort by created_on, and does not count its calls."
    MAX_ITEMS = "Reading stopped at max_items."
    ABANDONED = "The listing was not read to its end."

    # Doubts about an order, which are dropped when another order is read.
    OF_ORDER = (UNORDERED, ONE_KEY, UNJOINED, REGRANTED, OVERFULL, SHORT, UNCONFIRMED, UNSETTLED)


# How far back a repeated call is noticed if the order is the proof, in calls.
_COMPARED = 20_000
_AT_ONCE = _COMPARED // 2  # as a set these take a megabyte, and all of them four

# Windows in a row with nothing new, as steps back and growth give them, beyond which a server repeats itself.
_EMPTY_BEYOND = 32
EMPTY_AT_ALL = 5_000

_EARLIEST = datetime.min.replace(tzinfo=UTC) + datetime.resolution


class Ledger:
    """What a walk notes: counts, caveats, and the bounds of what it gives.

    Args:
        max_items: Calls to deliver at most; None for all.
        since: Deliver calls created at or after this moment only; aware.
        until: Deliver calls created before this moment only; aware.
        empty_at_all: How many windows in a row may lack a new call.
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
        self.ended: bool = False
        """Whether the listing was read to its end, or past the time window."""
        self.full: bool = max_items == 0
        """Whether `max_items` ended the walk before the listing did."""
        self.pages: int = 0
        self.requests: int = 0
        self.repeats: int = 0
        self.repairs: int = 0
        self.first_total: int | None = None
        self.total: int | None = None
        """Rows of the listing, by the latest answer that tells."""
        self.most: int = 0
        """Rows in the largest answer."""
        self.is_one_answer = False
        """Whether one answer held the whole listing."""
        self.resumed = False  # where a walk goes on; it may stand at the start again
        self._total_varies = self._miscounts = False
        self._seen = 0
        self._hashes = array("q")
        self._distinct = 0  # as many of the first hashes were compared with each other
        self._empty = self._empty_beyond = 0

    def resume(self, checkpoint: Checkpoint) -> None:
        """Restore the notes of a checkpoint; its time window replaces the given one."""
        self.since, self.until = checkpoint.since, checkpoint.until
        self.resumed = checkpoint.position > 0 or checkpoint.key is not None
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

    def useful(self, chain: Chain | None) -> int | None:
        """How many more rows can be needed; None if that is unknown."""
        if not (self.since or self.until):
            return self.items_left
        # Any number of the rows ahead may lie outside the time window: their rate may change.
        last = chain and (self.until if chain.direction > 0 else self.since)
        return chain.rows_to(last) if chain and last else None

    def first_key(self, direction: Direction) -> datetime | None:
        """The first key that a row of the time window can have, in this direction; None if there is no bound."""
        if direction > 0 or self.until is None:
            return self.since if direction > 0 else None
        return max(self.until, _EARLIEST) - datetime.resolution

    def report(self, *, ordered: bool) -> Report:
        """The report so far; `ordered` says whether the server honours the order of its windows."""
        proof: Literal["answer", "order", "count"] | None = None
        found = list(self.doubts)
        if self.full or not self.ended:
            found.append(Doubt.MAX_ITEMS if self.full else Doubt.ABANDONED)
        elif not found and (self.is_one_answer or ordered):
            proof = "answer" if self.is_one_answer else "order"
        elif not found:
            missing = self._missing_from_count()
            proof, found = (None, [missing]) if missing else ("count", [])
        counts = proof == "order" and not self.resumed and not (self.since or self.until)
        return Report(
            pages=self.pages,
            requests=self.requests,
            repeats_dropped=self.repeats,
            repairs=self.repairs,
            total_count_first=self.first_total,
            total_count_last=self.total,
            complete=not found,
            proof=proof,
            reason=" ".join(found) or None,
            caveat=self._miscounted() if counts else None,
        )

    def _missing_from_count(self) -> str | None:
        # Why the count proves nothing.
        if self.since or self.until:
            return Doubt.SPAN_UNSHOWN
        if self.resumed:
            return Doubt.RESUMED_UNSHOWN
        if self.total is None:
            return Doubt.UNCOUNTED
        return self._miscounted() or (Doubt.MISCOUNTED if self._miscounts else None)

    def _miscounted(self) -> str | None:
        if self.total is None or not (self._total_varies or self._seen != self.total):
            return None
        return (
            f"The server counted {self.first_total} calls at first and {self.total} at last, and"
            f" {self._seen} were read."
        )

    def doubt(self, reason: str) -> None:
        """Note why the walk can no longer be complete."""
        self.doubts[reason] = None

    def forget_doubts(self) -> None:
        """Drop the doubts about an order that is no longer read."""
        for reason in Doubt.OF_ORDER:
            self.doubts.pop(reason, None)

    def end(self, answer: Evidence) -> None:
        """Note that the listing ended with this answer, if that is credible."""
        self.ended = True
        if answer.says_more:
            self.doubt(Doubt.SHORT)
        if self.may_be_cap(answer):
            self.doubt(Doubt.UNCONFIRMED)

    def may_be_cap(self, answer: Evidence) -> bool:
        """Whether a server that silently caps its pages would give this answer: a larger one disproves a cap."""
        return bool(answer.count) and answer.granted is None and self.most <= answer.count

    def note_meta(self, answer: Evidence) -> None:
        """Note the length of the listing and the page number that an answer claims."""
        if answer.page not in {None, answer.window.page}:
            self.doubt(Doubt.CLAMPED if answer.clamped else Doubt.OTHER_PAGE)
        if answer.has_previous and answer.window.page == 1:
            self.doubt(Doubt.STARTS_ELSEWHERE)
        self._miscounts |= answer.miscounts
        if answer.total is None:
            return
        self._total_varies |= self.total not in {None, answer.total}
        self.total = answer.total
        self.first_total = self.total if self.first_total is None else self.first_total

    def note_used(self, count: int, *, found: int, passed_over: int) -> None:
        """Count an answer of `count` rows: `found` are new, `passed` were not requested."""
        self.pages += 1
        self.repeats += max(0, count - passed_over - found)

    def note_seen(self, found: Sequence[RowT], *, ordered: bool) -> None:
        """Count the new rows of the time window, and note a repeat that is too far back to be dropped.

        If the order is the proof, hashes of the last tens of thousands of ids are kept; otherwise of all ids.
        """
        self._seen += len(found)
        ids = [row.id for row in found]
        known = [id for id in ids if id is not None] if None in ids else ids
        self._hashes.fromlist(list(map(hash, known)))
        if ordered and len(self._hashes) >= self._distinct + _AT_ONCE:
            self.compare()
            del self._hashes[:-_COMPARED]
            self._distinct = len(self._hashes)

    def compare(self) -> None:
        """Note a call that came twice."""
        later = self._hashes[self._distinct :]
        latest = set(later)
        if len(latest) < len(later) or not latest.isdisjoint(self._hashes[: self._distinct]):
            self.doubt(Doubt.TWICE)

    def note_found(self, found: Sequence[RowT], *, beyond: bool, repeats: bool) -> None:
        """Note the new rows of an answer; raises `PaginationError` after too many in a row without any, or with few.

        `beyond` says that some were expected, `repeats` that most rows are known, though the window overlaps with none.
        """
        # A row without an id may be the same row each time: it is no progress.
        if self.ended or (any(row.id for row in found) and not repeats):
            self._empty = self._empty_beyond = 0
            return
        self._empty += 1
        self._empty_beyond += repeats or (not found and beyond)
        if self._empty_beyond > _EMPTY_BEYOND or self._empty > self._empty_at_all:
            raise PaginationError(
                f"{self._empty} pages in a row held hardly a new call: the server repeats itself, or the listing grows"
                " faster than it is read."
            )

    def wanted(self, found: list[RowT]) -> list[RowT]:
        """The rows of the time window, and rows without `created_on`, which may belong to it."""
        since, until = self.since, self.until
        if since is None and until is None:
            return found
        return [
            row
            for row in found
            if (moment := row.created_on) is None
            or ((since is None or since <= moment) and (until is None or moment < until))
        ]

    def bounded(self, wanted: list[RowT], *, may_end: bool) -> list[RowT]:
        """The first rows, up to `max_items`; `may_end` says that the next answer shows whether the listing ends."""
        if self.items_left is None:
            return wanted
        given = wanted[: self.items_left]
        self.items_left -= len(given)
        # A bound at the end of the listing cuts nothing off.
        if len(given) < len(wanted) or not (self.items_left or self.ended or may_end):
            self.full = True
        return given

    def is_outside(self, key: datetime, direction: Direction) -> bool:
        """Whether a row with this key lies outside the time window."""
        first = self.first_key(direction)
        return bool(first and precedes(key, first, direction)) or self.passed(direction, key)

    def passed(self, direction: Direction, key: datetime) -> bool:
        """Whether rows that follow this key lie outside the time window."""
        # It must have reached `until`, or be before `since`: then every call of the window sorts strictly before it.
        if direction > 0:
            return self.until is not None and key >= self.until
        return self.since is not None and key < self.since
