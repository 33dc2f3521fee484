"""Which window of a listing to ask for next, what of an answer is new, and what has been proven.

Pure: a shell asks for the windows that `Walk.plan` gives, in any order and as many at once as it likes, and hands the
answers to `Walk.accept` in the order in which they were planned.

A walk is in one of three states:

    opening   The first answer is awaited. It shows whether the listing is one page, and the order of its keys.
    chain     The keys are in order: windows overlap and are joined (see `chain.py`).
    plain     They are not, or `exact` is False, or the server contradicts itself: pages without overlap. A walk does
              not leave this state, and is not complete unless its only answer was the whole listing.

Whatever the server says, a walk ends: each answer either holds an id that was not among the last thousand, or counts
towards a bound: eight repairs of a seam, 32 windows in a row with nothing to deliver beyond where that was to be
expected, five thousand windows in a row without a new id, three changes of the limit.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Generic, cast

from attrs import evolve

from agentcalls.errors import ConfigurationError, PaginationError
from agentcalls.reading import ledger
from agentcalls.reading.chain import Chain, Seam
from agentcalls.reading.evidence import judge
from agentcalls.reading.ledger import Batch, State
from agentcalls.reading.order import direction_of, is_ordered, is_strict
from agentcalls.reading.plain import PlainWindows, RecentIds
from agentcalls.reading.windows import RowT, farthest_window
from agentcalls.settings import MAX_LIMIT
from agentcalls.values import Checkpoint, Report

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from agentcalls.reading.evidence import Evidence
    from agentcalls.reading.order import Direction
    from agentcalls.reading.windows import Window
    from agentcalls_api.models import PageMeta

_EMPTY_BEYOND = 32
_EMPTY_AT_ALL = 5_000
_REGRANTS = 3
_ANY_NUMBER = 1 << 30
_KEPT_IDS = 100


class Walk(Generic[RowT]):
    """One reading of a listing.

    Args:
        start: Rows of the listing to leave out at its start: `(page - 1) * limit` of the caller's.
        by_time: Whether the rows may be sorted by `created_on`; where they are sorted by another field, order
            that is seen in some of them says nothing of the rest.
        exact: Overlap the windows so that the walk is proven; otherwise plain pages of 100.
        max_items: Calls to deliver at most, counted from here also where the walk is resumed.
        max_pages: Answers to use at most, counted likewise.
        since: Deliver calls created at or after this moment only; aware.
        until: Deliver calls created before this moment only; aware. Rows without `created_on` are delivered
            whatever the two are.
        resume: Go on from there; its `since` and `until` replace those given here, so the binding should contain
            how the caller wrote them.
        binding: Names the agent and the query; a checkpoint of another binding is refused.

    Raises:
        ConfigurationError: For a checkpoint of another agent or query.
    """

    def __init__(
        self,
        *,
        binding: str,
        start: int = 0,
        exact: bool = True,
        by_time: bool = True,
        max_items: int | None = None,
        max_pages: int | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        resume: Checkpoint | None = None,
    ) -> None:
        self._binding = binding
        self._by_time = by_time
        self._start = start if resume is None else 0
        self._since, self._until = since, until
        self._items_left, self._pages_left = max_items, max_pages
        self._pages = self._requests = self._repeats = self._repairs = 0
        self._first_total: int | None = None
        self._last_total: int | None = None
        self._doubts: dict[str, None] = {}
        self._stopped: str | None = None
        self._ended = False
        self._chain: Chain | None = None
        self._plain: PlainWindows | None = None
        self._plain_position = self._start
        self._plain_direction: Direction | None = None  # 0 once plain pages are in no order
        self._recent = RecentIds()
        self._known_total: int | None = None
        self._most = 0
        self._epoch = 0
        self._planned: deque[Window] = deque()
        self._room = 1
        self._empty = self._empty_beyond = self._regrants = 0
        if start and resume is None:
            self._doubt(ledger.NOT_FROM_START)
        if resume is not None:
            self._resume(resume)
        if not exact and self._plain is None:
            self._go_plainly(ledger.NOT_EXACT, self._position())
        self._latest: Batch[RowT] = Batch(self._state(), self._state())
        self._given = 0
        self._check_bounds()

    @property
    def done(self) -> bool:
        """Whether there is nothing more to ask for; where `plan` gives None otherwise, answers must come first."""
        return self._ended or self._stopped is not None

    @property
    def report(self) -> Report:
        """How far the walk has come."""
        found = list(self._doubts)
        if self._stopped or not self._ended:
            found.append(self._stopped or ledger.ABANDONED)
        return Report(
            pages=self._pages,
            requests=self._requests,
            repeats_dropped=self._repeats,
            repairs=self._repairs,
            total_count_first=self._first_total,
            total_count_last=self._last_total,
            complete=not found,
            reason=" ".join(found) or None,
        )

    def plan(self) -> Window | None:
        """The next window to ask for, or None where there is none now; each planned window is to be asked for."""
        under_way = len(self._planned)
        if self.done or under_way >= self._room:
            return None
        if self._pages_left is not None and under_way >= self._pages_left:
            return None
        if under_way and self._enough_planned():
            return None
        if self._chain:
            window = self._chain.plan(self._epoch, ahead=bool(under_way))
        elif self._plain:
            window = self._plain.plan(self._epoch)
        else:
            window = farthest_window(self._start, epoch=self._epoch)
        self._planned.append(window)
        return window

    def is_stale(self, window: Window) -> bool:
        """Whether the walk has changed its plan since: the answer to such a window delivers nothing."""
        return window.epoch != self._epoch

    def count_stale(self) -> None:
        """Count a window that was asked for in vain; what `accept` gave last is still what a checkpoint is in."""
        self._requests += 1

    def accept(self, window: Window, rows: Sequence[RowT], meta: PageMeta | None) -> list[RowT]:
        """The calls that an answer gives to deliver, in the listing's order.

        `rows` are those of the answer, in its order. Raises
        `PaginationError` where the server repeats itself without end, and `ValueError` for an answer out of turn.
        """
        self._requests += 1
        before = self._latest.after
        self._latest = Batch(before, before)
        self._given = 0
        if self.is_stale(window):
            return []
        if not self._planned or self._planned[0] != window:
            raise ValueError(f"{window} is not the window planned first.")
        self._planned.popleft()
        answer = self._judge(window, len(rows), meta)
        found = None if answer is None else self._found(answer, rows)
        if answer is None or found is None:
            return []
        self._room = min(2 * self._room, _ANY_NUMBER)
        self._most = max(self._most, answer.count)
        self._count_empty(answer, found)
        self._pages += 1
        self._repeats += max(
            0,
            len(rows) - max(0, self._start - window.offset if self._pages == 1 else 0) - len(found),
        )
        wanted = self._wanted(found)
        self._latest = Batch(before, self._state(), found, wanted, rows, window.offset)
        return self._within_bounds(wanted)

    def checkpoint(self, delivered: int) -> Checkpoint:
        """The state after the first `delivered` calls of what `accept` gave last."""
        latest = self._latest
        delivered = min(delivered, self._given)
        left = latest.left_after(delivered)
        undelivered = {row.id for row in left}
        ids = self._recent.latest(_KEPT_IDS + len(left))
        state = latest.state_after(delivered) if left else latest.after
        seam = state.seam
        return Checkpoint(
            binding=self._binding,
            position=seam.end if seam else state.position,
            plain=state.plain_size is not None,
            size=state.plain_size or MAX_LIMIT,
            direction=state.direction if seam else 0,
            key=seam.key if seam else None,
            at_key=tuple(id for id in seam.ids if id is not None) if seam else (),
            recent=tuple([id for id in ids if id not in undelivered][-_KEPT_IDS:]),
            group=self._chain.group if self._chain else 0,
            total=seam.total if seam else None,
            most=self._most,
            since=self._since,
            until=self._until,
            doubts=tuple(self._doubts),
            report=self.report,
        )

    # What an answer means, state by state. None: it is not used, and the plan has changed.

    def _judge(self, window: Window, count: int, meta: PageMeta | None) -> Evidence | None:
        answer = judge(window, count, meta)
        size = self._plain.size if self._plain else window.limit
        granted = answer.granted or size
        if granted != window.limit:
            answer = judge(evolve(window, limit=granted), count, meta)
        if granted != size:
            # Offsets count in pages of the size that was granted: only the first page stands where it was expected.
            self._regrants += 1
            if self._regrants > _REGRANTS:
                raise PaginationError("The server applies another limit again and again.")
            if window.page > 1 or self._start:
                self._go_plainly(ledger.REGRANTED, self._position(), size=granted)
                return None
        self._known_total = answer.total
        if answer.total is not None:
            self._last_total = answer.total
            if self._first_total is None:
                self._first_total = answer.total
        return answer

    def _found(self, answer: Evidence, rows: Sequence[RowT]) -> list[RowT] | None:
        if self._plain:
            return self._read_plainly(self._plain, answer, rows)
        keyed = rows
        ids = [row.id for row in rows]
        keys = cast("list[datetime]", [row.created_on for row in rows])
        if not (all(ids) and all(keys)):
            self._doubt(ledger.MALFORMED)
            keyed = [row for row in rows if row.created_on is not None]
            ids = [row.id for row in keyed]
            keys = _keys(keyed)
        chain = self._chain
        if chain is None:
            return self._open(answer, rows, keyed, keys)
        if answer.count > answer.window.limit:
            self._go_plainly(ledger.OVERFULL, chain.seam.end)
            return None
        strict = is_strict(keys, chain.direction)
        if rows and not (keyed and (strict or is_ordered(keys, chain.direction))):
            self._plain_direction = 0
            self._go_plainly(ledger.UNORDERED, min(chain.frontier, answer.window.offset))
            return None
        if not chain.joins(answer, keys, ids, self._recent):
            if chain.repair(answer):
                self._repairs += 1
                self._replan()
                self._room = 1
                return None
            self._doubt(ledger.UNJOINED)
        return self._read_chained(
            chain, answer, rows, keyed, chain.read(answer, keyed, keys, strict=strict)
        )

    def _open(
        self, answer: Evidence, rows: Sequence[RowT], keyed: Sequence[RowT], keys: list[datetime]
    ) -> list[RowT]:
        window = answer.window
        self._room = _ANY_NUMBER
        direction = direction_of(keys) if self._by_time else 0
        one_key = self._by_time and bool(keys) and keys[0] == keys[-1] == max(keys) == min(keys)
        if answer.ends or not answer.count:
            self._end(answer)
        elif window.limit != farthest_window(self._start).limit:
            self._go_plainly(ledger.REGRANTED, window.end, size=window.limit)
        elif answer.count > window.limit:
            self._go_plainly(ledger.OVERFULL, window.end)
        elif answer.short:
            self._go_plainly(ledger.SHORT, window.end)
        elif not direction:
            self._plain_direction = None if one_key else 0
            self._go_plainly(ledger.ONE_KEY if one_key else ledger.UNORDERED, window.end)
        else:
            self._chain = Chain(Seam(keys[0], frozenset(), window.offset), direction)
            self._chain.read(answer, keyed, keys, strict=is_strict(keys, direction))
            if self._passed(direction, keys[-1]):
                self._ended = True
        if len({row.id for row in rows}) < len(rows):
            self._doubt(ledger.TWICE)
        return self._recent.unseen(rows[max(0, self._start - window.offset) :])

    def _read_chained(
        self,
        chain: Chain,
        answer: Evidence,
        rows: Sequence[RowT],
        keyed: Sequence[RowT],
        new: list[RowT],
    ) -> list[RowT]:
        if len(keyed) < len(rows):
            chosen = {id(row) for row in new}
            new = [row for row in rows if row.created_on is None or id(row) in chosen]
        found = self._recent.unseen(new)
        if len(found) < len(new):
            self._doubt(ledger.TWICE)
        if answer.ends or not answer.count:
            self._end(answer)
        elif self._passed(chain.direction, chain.seam.key):
            self._ended = True
        elif answer.short:
            self._go_plainly(ledger.SHORT, answer.window.end)
        elif not found and answer.clamped:
            self._doubt(ledger.CLAMPED)
            self._ended = True
        return found

    def _read_plainly(
        self, plain: PlainWindows, answer: Evidence, rows: Sequence[RowT]
    ) -> list[RowT]:
        offset = (answer.window.page - 1) * plain.size
        self._room = _ANY_NUMBER
        if offset < self._start:
            rows = rows[self._start - offset :]
        found = self._recent.unseen(rows)
        self._plain_position = offset + plain.size
        if answer.ends or not answer.count:
            # The page is asked for again where the walk is resumed: it may have filled meanwhile.
            self._plain_position = offset
            self._end(answer)
        elif not found and answer.clamped:
            self._doubt(ledger.CLAMPED)
            self._ended = True
        elif self._by_time and (self._since or self._until):
            self._ended = self._plainly_passed(_keys(rows))
        return found

    def _plainly_passed(self, keys: list[datetime]) -> bool:
        direction = direction_of(keys)
        if not direction and keys and min(keys) < max(keys):
            self._plain_direction = 0
        elif direction:
            same = self._plain_direction in {None, direction}
            self._plain_direction = direction if same else 0
        return bool(keys and self._plain_direction) and self._passed(
            self._plain_direction or 0, keys[-1]
        )

    # Smaller steps.

    def _doubt(self, reason: str) -> None:
        self._doubts[reason] = None

    def _end(self, answer: Evidence) -> None:
        self._ended = True
        if answer.says_more:
            self._doubt(ledger.SHORT)
        if answer.count and answer.granted is None and self._most <= answer.count:
            self._doubt(ledger.UNCONFIRMED)

    def _passed(self, direction: Direction, key: datetime) -> bool:
        # In ascending order H must have reached `until`, in descending order it must be before `since`: only then
        # does every call of the time window sort strictly before H.
        if direction > 0:
            return self._until is not None and key >= self._until
        return self._since is not None and key < self._since

    def _go_plainly(self, reason: str, position: int, *, size: int = MAX_LIMIT) -> None:
        self._doubt(reason)
        self._plain = PlainWindows(position, size)
        self._plain_position = self._plain.position
        self._chain = None
        self._replan()

    def _replan(self) -> None:
        self._epoch += 1
        self._planned.clear()

    def _position(self) -> int:
        if self._chain:
            return self._chain.seam.end
        return self._plain_position if self._plain else self._start

    def _enough_planned(self) -> bool:
        if self._known_total is None:
            return True
        planned_to = self._plain.position if self._plain else 0
        if self._chain:
            planned_to = self._chain.planned_to
        if planned_to >= self._known_total:
            return True
        filtered = self._since is not None or self._until is not None
        return (
            self._items_left is not None
            and not filtered
            and planned_to - self._position() >= self._items_left
        )

    def _count_empty(self, answer: Evidence, found: Sequence[RowT]) -> None:
        if self._ended or any(row.id for row in found):
            self._empty = self._empty_beyond = 0
            return
        expected = 0
        if self._chain:
            then, now = self._chain.frontier_total, answer.total
            grown = max(0, now - then) if then is not None and now is not None else 0
            expected = self._chain.frontier + grown
        self._empty += 1
        self._empty_beyond += not found and answer.window.end > expected
        if self._empty_beyond > _EMPTY_BEYOND or self._empty > _EMPTY_AT_ALL:
            raise PaginationError(
                f"{self._empty} pages in a row held no new call: the server repeats itself, or the listing grows"
                " faster than it is read."
            )

    def _wanted(self, found: list[RowT]) -> list[RowT]:
        since, until = self._since, self._until
        if since is None and until is None:
            return found
        return [
            row
            for row in found
            if (moment := row.created_on) is None
            or ((since is None or since <= moment) and (until is None or moment < until))
        ]

    def _within_bounds(self, wanted: list[RowT]) -> list[RowT]:
        if self._pages_left is not None:
            self._pages_left -= 1
        if self._items_left is not None:
            if len(wanted) > self._items_left:
                self._stopped = ledger.MAX_ITEMS
                wanted = wanted[: self._items_left]
            self._items_left -= len(wanted)
        self._given = len(wanted)
        self._check_bounds()
        if self.done:
            self._replan()
        return wanted

    def _check_bounds(self) -> None:
        if self._ended or self._stopped:
            return
        if self._items_left == 0:
            self._stopped = ledger.MAX_ITEMS
        elif self._pages_left == 0:
            self._stopped = ledger.MAX_PAGES

    def _state(self) -> State:
        return State(
            self._position(),
            self._plain.size if self._plain else None,
            self._chain.seam if self._chain else None,
            self._chain.direction if self._chain else 0,
        )

    def _resume(self, checkpoint: Checkpoint) -> None:
        if checkpoint.binding != self._binding:
            raise ConfigurationError("The checkpoint belongs to another agent or query.")
        self._since, self._until = checkpoint.since, checkpoint.until
        self._doubts = dict.fromkeys(checkpoint.doubts)
        report = checkpoint.report
        self._pages, self._requests = report.pages, report.requests
        self._repeats, self._repairs = report.repeats_dropped, report.repairs
        self._first_total, self._last_total = report.total_count_first, report.total_count_last
        self._most = checkpoint.most
        self._recent.remember(list(checkpoint.recent))
        if checkpoint.plain:
            self._plain_position = checkpoint.position
            self._plain = PlainWindows(checkpoint.position, checkpoint.size)
        elif checkpoint.key is not None:
            seam = Seam(
                checkpoint.key,
                frozenset(checkpoint.at_key),
                checkpoint.position,
                len(checkpoint.at_key),
                checkpoint.total,
            )
            self._chain = Chain(seam, checkpoint.direction, group=checkpoint.group)
        else:
            self._start = checkpoint.position


def _keys(rows: Sequence[RowT]) -> list[datetime]:
    return [row.created_on for row in rows if row.created_on is not None]
