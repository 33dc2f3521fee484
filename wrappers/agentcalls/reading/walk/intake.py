"""What an answer means in each state of a walk: which calls are new, and what changes in the plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic

from msgspec.structs import replace

from agentcalls.reading.walk.chain import Chain, Seam
from agentcalls.reading.walk.created_on import is_ordered, is_strict, keyed_of, keys_of
from agentcalls.reading.walk.ledger import Doubt, Ledger
from agentcalls.reading.walk.windows import RowT, farthest_window

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agentcalls.reading.walk.created_on import Direction, Keyed
    from agentcalls.reading.walk.evidence import Evidence
    from agentcalls.reading.walk.plain import PlainWindows
    from agentcalls.reading.walk.plan import Plan
    from agentcalls.reading.walk.recent import RecentIds
    from agentcalls.reading.walk.sort import Ordering
    from agentcalls.reading.walk.windows import Window


class Intake(Generic[RowT]):
    """Takes the answers of a walk; it changes the plan, and notes doubts and the end in the ledger."""

    def __init__(self, plan: Plan, ledger: Ledger, recent: RecentIds, ordering: Ordering) -> None:
        self._plan, self._ledger, self._recent, self._ordering = plan, ledger, recent, ordering
        self._came_short = False

    def found(self, answer: Evidence, rows: Sequence[RowT]) -> list[RowT] | None:
        """The new calls of an answer; None if it is not used and the plan has changed."""
        if plain := self._plan.plain:
            return self._read_plainly(plain, answer, rows)
        keyed = keyed_of(rows)
        if not keyed.whole:
            self._ledger.doubt(Doubt.MALFORMED)
        chain = self._plan.chain
        if chain is None:
            return self._open(answer, rows, keyed)
        if answer.count > answer.window.limit:
            # Nobody knows where the rows beyond its end belong, so nothing of the answer is kept.
            self._go_plainly(Doubt.OVERFULL, chain.seam.end)
            return None
        strict = is_strict(keyed.keys, chain.direction)
        if rows and not (keyed.rows and (strict or is_ordered(keyed.keys, chain.direction))):
            # Without order, H bounds nothing: a window that stepped back may have skipped rows of this one.
            position = min(chain.frontier, answer.window.offset)
            self._go_plainly(Doubt.UNORDERED, position, direction=0)
            return None
        if not chain.joins(answer, keyed.keys, keyed.ids, self._recent):
            if chain.repair(answer):
                self._ledger.repairs += 1
                self._plan.step_back()
                return None
            self._ledger.doubt(Doubt.UNJOINED)
        return self._read_chained(chain, answer, rows, keyed, strict=strict)

    @property
    def _reads_on(self) -> bool:
        # Whether only a page without new calls shows the end.
        return Doubt.UNSETTLED in self._ledger.doubts

    def may_be_beyond(self, window: Window, total: int | None) -> bool:
        """Whether the listing may have ended before the window, by what its earlier answers said."""
        chain = self._plan.chain
        looks_beyond = self._reads_on or bool(chain and chain.looks_beyond)
        return looks_beyond or (total is not None and window.offset >= max(total, 1))

    def _open(
        self, answer: Evidence, rows: Sequence[RowT], keyed: Keyed[RowT]
    ) -> list[RowT] | None:
        window, keys = answer.window, keyed.keys
        self._plan.open_wide()
        direction = self._ordering.shown_by(keys)
        if self._may_be_cut(answer):
            # It ended the listing, unless the server cut it: an empty page after it, and a count that stays, show that
            # it did.
            self._go_plainly(Doubt.UNSETTLED, window.end, direction=direction)
        elif answer.ends or not answer.count:
            self._ledger.is_one_answer = window.page == 1
            self._ledger.end(answer)
            if self._plan.ordered and keyed.whole and is_ordered(keys, self._ordering.direction):
                # More may have come when the walk is resumed.
                self._begin_chain(answer, keyed, self._ordering.direction)
        elif window.limit != farthest_window(self._plan.start, most=self._plan.most).limit:
            self._go_plainly(Doubt.REGRANTED, window.end, size=window.limit)
        elif answer.count > window.limit:
            self._go_plainly(Doubt.OVERFULL, window.end)
        elif answer.short:
            self._go_plainly(Doubt.SHORT, window.end)
        elif direction is None:
            # Later pages may still show a direction, and with it the end of the time window.
            self._go_plainly(Doubt.ONE_KEY, window.end)
        elif not direction:
            self._go_plainly(Doubt.UNORDERED, window.end, direction=0)
        else:
            self._begin_chain(answer, keyed, direction)
            self._plan.ordered &= direction == self._ordering.direction
            self._ledger.ended = self._plan.ordered and self._ledger.passed(direction, keys[-1])
        return self._first_found(window, rows, keyed, direction)

    def _begin_chain(self, answer: Evidence, keyed: Keyed[RowT], direction: Direction) -> None:
        # This window is the first to be read: at its own first key nothing has been delivered.
        keys = keyed.keys
        if keys:
            seam = Seam(keys[0], frozenset(), answer.window.offset)
            chain = self._plan.chain = Chain(seam, direction, most=self._plan.most)
            chain.read(answer, keyed.rows, keys, strict=is_strict(keys, direction))

    def _may_be_cut(self, answer: Evidence) -> bool:
        # Whether an answer that seems to be the whole listing has a meta which does not agree.
        only = answer.ends and answer.count and answer.window.page == 1
        return bool(only and answer.granted and not answer.is_whole)

    def _first_found(
        self, window: Window, rows: Sequence[RowT], keyed: Keyed[RowT], direction: Direction | None
    ) -> list[RowT] | None:
        goes_on = not (self._ledger.ended or self._reads_on)
        may_open_again = goes_on and not self._plan.sort
        if goes_on:
            # A row without an id looks like one that was delivered. An order that was asked for and did not come is not
            # asked for again.
            self._ordering.ask(keyed.keys, again=keyed.whole and not self._plan.sort)
        if may_open_again and self._ordering.holds_back(direction):
            return None
        if len({row.id for row in rows}) < len(rows):
            self._ledger.doubt(Doubt.TWICE)
        found = self._recent.unseen(rows[max(0, self._plan.start - window.offset) :])
        if may_open_again:
            self._recent.opening |= {row.id for row in found if row.id}
        return found

    def _read_chained(
        self,
        chain: Chain,
        answer: Evidence,
        rows: Sequence[RowT],
        keyed: Keyed[RowT],
        *,
        strict: bool,
    ) -> list[RowT]:
        if not rows and chain.looks_beyond:
            if not self._asks_far_end(chain, answer, doubtful=True):
                self._ledger.ended = True
                if self._plan.ordered:
                    self._ledger.doubt(Doubt.ENDS_ELSEWHERE)
            return []
        end = chain.seam.end
        repeats = chain.looks_beyond and answer.misplaced
        new, found = self._new_in(chain, answer, rows, keyed, strict=strict)
        if repeats and not found:
            # The server gives its last page for every page beyond it, and does not say so.
            self._ledger.doubt(Doubt.CLAMPED)
            self._ledger.ended = True
            return []
        if found and self._came_short:
            # A stale count may make the last page look short. In the middle of the listing a short page is a doubt.
            self._ledger.doubt(Doubt.SHORT)
        self._came_short |= bool(found) and answer.short and answer.says_more
        self._go_on(chain, answer, end, len(new), is_new=bool(found))
        return found

    def at_far_end(self, chain: Chain, answer: Evidence, rows: Sequence[RowT]) -> list[RowT] | None:
        """The same for the last rows of the listing, in the order of the chain; None if they do not join."""
        keyed = keyed_of(rows)
        joins = chain.joins(answer, keyed.keys, keyed.ids, self._recent)
        joins |= not (rows or answer.says_more)
        chain.asks_far_end = False
        if not (joins and keyed.whole and is_ordered(keyed.keys, chain.direction)):
            return None
        end = chain.seam.end
        _, found = self._new_in(chain, answer, rows, keyed, strict=False)
        chain.seam = replace(chain.seam, end=end + len(found))
        self._ledger.ended = True
        return found

    def _new_in(
        self,
        chain: Chain,
        answer: Evidence,
        rows: Sequence[RowT],
        keyed: Keyed[RowT],
        *,
        strict: bool,
    ) -> tuple[list[RowT], list[RowT]]:
        # The rows of an answer that joins which are not before H, and those of them that were not delivered.
        passed = self._recent.unseen(chain.passed(keyed.rows, keyed.keys))
        new = chain.read(answer, keyed.rows, keyed.keys, strict=strict)
        if len(keyed.rows) < len(rows):
            # A row without a key is neither before nor after H: it is new unless its id is known.
            chosen = {id(row) for row in new}
            new = [row for row in rows if row.created_on is None or id(row) in chosen]
        found = self._recent.unseen(new)
        if len(new) > len(found) < sum(row.id not in self._recent.opening for row in new):
            # It is after H and was delivered before: it moved, or it is in the listing twice.
            self._ledger.doubt(Doubt.TWICE)
        return new, [*passed, *found]

    def _go_on(self, chain: Chain, answer: Evidence, end: int, read: int, *, is_new: bool) -> None:
        # After a window of the chain, which was read up to row `end` before it; `read` of its rows lie beyond.
        # Where pages are shorter than they claim, this one begins sooner, and ends sooner.
        doubtful = answer.ends and not (answer.is_whole and (answer.total or 0) <= end + read)
        ends = not answer.count or answer.ends
        if self._ledger.passed(chain.direction, chain.seam.key):
            self._ledger.ended = True
        elif ends and self._asks_far_end(chain, answer, doubtful=doubtful):
            return
        elif not answer.count or (ends and not doubtful):
            self._ledger.end(answer)
            if chain.far_ends:
                self._ledger.doubt(Doubt.ENDS_ELSEWHERE)
        elif not is_new and answer.clamped:
            # The server gives its last page for every page beyond it.
            self._ledger.doubt(Doubt.CLAMPED)
            self._ledger.ended = True
        elif not is_new and chain.seam.end <= end and Doubt.UNJOINED in self._ledger.doubts:
            # The seam is given up already, and the windows cannot get past a group of equal keys.
            self._go_plainly(Doubt.UNJOINED, end)
        elif doubtful or (answer.short and not is_new):
            # It does not say that these are all rows. An empty page after this one does.
            self._plan.step_back()
            chain.look_beyond(answer.window)

    def _asks_far_end(self, chain: Chain, answer: Evidence, *, doubtful: bool) -> bool:
        doubtful = doubtful or answer.says_more or self._ledger.may_be_cap(answer)
        return not self._ledger.doubts and self._plan.ask_far_end(chain, doubtful=doubtful)

    def _read_plainly(
        self, plain: PlainWindows, answer: Evidence, rows: Sequence[RowT]
    ) -> list[RowT]:
        ledger = self._ledger
        offset = (answer.window.page - 1) * plain.size
        self._plan.open_wide()
        rows = rows[max(0, self._plan.start - offset) :]
        # A page that is read again shows its known rows by their ids, and those without by their place.
        rows = [row for at, row in enumerate(rows, offset) if row.id or at >= plain.read_to]
        found = self._recent.unseen(rows)
        reads_on = self._reads_on
        if reads_on and not any(row.id for row in found):
            found = []  # a page that is given again, with rows that lack an id
        plain.read_to = offset + plain.size
        if not answer.count or (answer.ends and not reads_on):
            is_second = ledger.pages == 1 and not ledger.resumed
            if reads_on and is_second and answer.total == ledger.most:
                ledger.is_one_answer = True
                ledger.doubts.pop(Doubt.UNSETTLED)
            # A resumed walk requests this page again, since it may have filled in the meantime.
            plain.read_to = offset + answer.count
            ledger.end(answer)
        elif (not found and (answer.clamped or reads_on)) or (
            answer.misplaced and not answer.has_next and 2 * len(found) < len(rows)
        ):
            ledger.doubt(Doubt.CLAMPED)
            ledger.ended = True
        elif self._ordering.by_time and (ledger.since or ledger.until) and (keys := keys_of(rows)):
            direction = plain.note_order(keys)
            ledger.ended = bool(direction) and ledger.passed(direction, keys[-1])
        return found

    def _go_plainly(
        self,
        reason: str,
        position: int,
        *,
        size: int | None = None,
        direction: Direction | None = None,
    ) -> None:
        self._ledger.doubt(reason)
        self._plan.go_plainly(position, size or self._plan.most, direction)
