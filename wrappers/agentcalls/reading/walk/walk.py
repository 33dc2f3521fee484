"""One reading of a listing: what of an answer is new, and what has been proven.

Pure: a shell asks for the windows that `Walk.plan` gives, in any order and as many at once as it likes, and hands the
answers to `Walk.accept` in the order in which they were planned.

A walk opens, and then follows the chain or reads plainly (see `plan.py`). A plain walk is not complete unless its only
answer was the whole listing.

Whatever the server says, a walk ends: each answer either holds an id that was not among the last thousand, or counts
towards a bound: eight repairs of a seam, 32 windows in a row with nothing to deliver beyond where that was to be
expected, five thousand windows in a row without a new id, three changes of the limit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic

from agentcalls.errors import ConfigurationError
from agentcalls.reading.walk import ledger as book
from agentcalls.reading.walk.batch import Batch, State
from agentcalls.reading.walk.chain import Chain, Seam
from agentcalls.reading.walk.evidence import judge
from agentcalls.reading.walk.order import is_ordered, is_strict, keyed_of, keys_of
from agentcalls.reading.walk.ordering import Ordering
from agentcalls.reading.walk.page_size import PageSize
from agentcalls.reading.walk.plain import RecentIds
from agentcalls.reading.walk.plan import Plan
from agentcalls.reading.walk.sort import KnownSorts
from agentcalls.reading.walk.windows import RowT, farthest_window
from agentcalls.settings import MAX_LIMIT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from agentcalls.reading.walk.evidence import Evidence
    from agentcalls.reading.walk.order import Direction, Keyed
    from agentcalls.reading.walk.plain import PlainWindows
    from agentcalls.reading.walk.windows import Window
    from agentcalls.values import Checkpoint, Report
    from agentcalls_api.models import PageMeta

_KEPT_IDS = 100


class Walk(Generic[RowT]):
    """One reading of a listing.

    Args:
        start: Rows of the listing to leave out at its start: `(page - 1) * limit` of the caller's.
        sort: The caller's, if there is one. By another field than the creation, order that is seen in some of the
            rows says nothing of the rest.
        sorts: What the client knows of the server's sorting; it is added to.
        exact: Overlap the windows so that the walk is proven; otherwise plain pages of 100.
        max_items: Calls to deliver at most, counted from here also where the walk is resumed.
        since: Deliver calls created at or after this moment only; aware.
        until: Deliver calls created before this moment only; aware. Rows without `created_on` are delivered
            whatever the two are.
        resume: Go on from there; its `since` and `until` replace those given here, so the binding should contain
            how the caller wrote them.
        binding: Names the agent and the query; a checkpoint of another binding is refused.
        empty_at_all: Windows in a row without a new call to put up with.

    Raises:
        ConfigurationError: For a checkpoint of another agent or query.
    """

    def __init__(
        self,
        *,
        binding: str,
        start: int = 0,
        exact: bool = True,
        sort: str | None = None,
        sorts: KnownSorts | None = None,
        max_items: int | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        resume: Checkpoint | None = None,
        empty_at_all: int = book.EMPTY_AT_ALL,
    ) -> None:
        self._binding = binding
        self._ledger = book.Ledger(
            max_items=max_items, since=since, until=until, empty_at_all=empty_at_all
        )
        self._recent = RecentIds(resume.opening if resume else ())
        self._total: int | None = None  # of the latest answer, None where that one is silent
        self._came_short = False
        self._plan = Plan(start) if resume is None else self._resumed(resume)
        if start and resume is None:
            self._ledger.doubt(book.NOT_FROM_START)
        if not exact and self._plan.plain is None:
            self._go_plainly(book.NOT_EXACT, self._plan.position)
        self._ordering = Ordering(
            self._plan,
            self._ledger,
            sort=sort,
            sorts=KnownSorts() if sorts is None else sorts,
            matters=exact and not start,
            resume=resume,
        )
        self._page_size = PageSize(self._plan, self._ledger)
        self._latest: Batch[RowT] = Batch(self._plan.state, self._plan.state)
        self._given = 0

    @property
    def done(self) -> bool:
        """Whether there is nothing more to ask for; where `plan` gives None otherwise, answers must come first."""
        return self._ledger.done

    @property
    def report(self) -> Report:
        """How far the walk has come."""
        return self._ledger.report(ordered=self._plan.ordered)

    @property
    def found(self) -> Sequence[RowT]:
        """The calls of the latest answer that are new, those outside the time window among them."""
        return self._latest.found

    def plan(self) -> Window | None:
        """The next window to ask for, or None where there is none now; each planned window is to be asked for."""
        if self.done:
            return None
        plan, ledger = self._plan, self._ledger
        if plan.chain:
            plan.seek_if_worth(ledger.first_key(plan.chain.direction), self._total)
        return plan.next_window(self._total, ledger.useful(plan.chain))

    def is_stale(self, window: Window) -> bool:
        """Whether the walk has changed its plan since: the answer to such a window delivers nothing."""
        return self._plan.is_stale(window)

    def count_stale(self) -> None:
        """Count a discarded request; the checkpoint does not move."""
        self._ledger.requests += 1

    def accept(self, window: Window, rows: Sequence[RowT], meta: PageMeta | None) -> list[RowT]:
        """The calls that an answer gives to deliver, in the listing's order.

        `rows` are those of the answer, in its order. Raises `PaginationError` where the server repeats itself without
        end, and `ValueError` for an answer out of turn.
        """
        ledger, plan = self._ledger, self._plan
        before = self._begin()
        if self.is_stale(window):
            return []
        plan.take(window)
        if self._ordering.is_asking:
            self._ordering.take(rows)
            return []
        if plan.seek:
            plan.take_probe(plan.seek, judge(window, len(rows), meta), rows)
            return []
        answer = self._page_size.judge(window, len(rows), meta)
        if answer:
            self._total = answer.total
            ledger.note_meta(answer)
        found = self._found(answer, rows) if answer else None
        if answer is None or found is None:
            return []
        if not self.is_stale(window):
            plan.widen()
        ledger.most = max(ledger.most, answer.count)
        expected = plan.chain.expected_to(answer.total) if plan.chain else 0
        ledger.note_found(found, beyond=answer.window.end > expected)
        # The first window may begin before the row that reading was to start at.
        passed_over = 0 if ledger.pages else max(0, plan.start - window.offset)
        ledger.note_used(len(rows), found=len(found), passed_over=passed_over)
        ledger.note_seen(found, ordered=plan.ordered)
        wanted = ledger.wanted(found)
        self._latest = Batch(before, plan.state, found, wanted, rows, window.offset)
        given = ledger.bounded(wanted)
        self._given = len(given)
        if self.done:
            ledger.compare()
            plan.drop()
        return given

    def refuse(self, window: Window) -> bool:
        """Take a refusal of what a window asks for; False where it is none that the walk can bear."""
        if not self._ordering.is_asking or self.is_stale(window):
            return False
        self._begin()
        self._plan.take(window)
        self._ordering.take(None)
        return True

    def checkpoint(self, delivered: int) -> Checkpoint:
        """The state after the first `delivered` calls of what `accept` gave last."""
        latest = self._latest
        delivered = min(delivered, self._given)
        left = latest.left_after(delivered)
        state = latest.state_after(delivered) if left else latest.after
        # The ids of calls that are still to be delivered are remembered already: who resumes must not know them.
        undelivered = {row.id for row in left}
        ids = self._recent.latest(_KEPT_IDS + len(left))
        recent = [id for id in ids if id not in undelivered][-_KEPT_IDS:]
        group = self._plan.chain.group if self._plan.chain else 0
        opening = self._recent.opening - undelivered
        return state.checkpoint(
            self._binding, self._ledger, group=group, recent=recent, opening=opening
        )

    def _begin(self) -> State:
        # An answer that is not used still ends the one before it: its calls are all delivered by now.
        self._ledger.requests += 1
        before = self._latest.after
        unused: Batch[RowT] = Batch(before, before)
        self._latest, self._given = unused, 0
        return before

    # What an answer means, state by state. None: it is not used, and the plan has changed.

    def _found(self, answer: Evidence, rows: Sequence[RowT]) -> list[RowT] | None:
        if plain := self._plan.plain:
            return self._read_plainly(plain, answer, rows)
        keyed = keyed_of(rows)
        if not keyed.whole:
            self._ledger.doubt(book.MALFORMED)
        chain = self._plan.chain
        if chain is None:
            return self._open(answer, rows, keyed)
        if answer.count > answer.window.limit:
            # Where the rows beyond its end belong cannot be known, so what was read is all that is kept.
            self._go_plainly(book.OVERFULL, chain.seam.end)
            return None
        strict = is_strict(keyed.keys, chain.direction)
        if rows and not (keyed.rows and (strict or is_ordered(keyed.keys, chain.direction))):
            # Without order H bounds nothing: a window that steps back may have passed over rows of this one.
            position = min(chain.frontier, answer.window.offset)
            self._go_plainly(book.UNORDERED, position, direction=0)
            return None
        if not chain.joins(answer, keyed.keys, keyed.ids, self._recent):
            if chain.repair(answer):
                self._ledger.repairs += 1
                self._plan.step_back()
                return None
            self._ledger.doubt(book.UNJOINED)
        return self._read_chained(chain, answer, rows, keyed, strict=strict)

    def _open(self, answer: Evidence, rows: Sequence[RowT], keyed: Keyed[RowT]) -> list[RowT]:
        window, keys = answer.window, keyed.keys
        self._plan.open_wide()
        direction = self._ordering.shown_by(keys)
        if answer.ends or not answer.count:
            self._ledger.is_one_answer = window.page == 1
            self._ledger.end(answer)
        elif window.limit != farthest_window(self._plan.start, most=self._plan.most).limit:
            self._go_plainly(book.REGRANTED, window.end, size=window.limit)
        elif answer.count > window.limit:
            self._go_plainly(book.OVERFULL, window.end)
        elif answer.short:
            self._go_plainly(book.SHORT, window.end)
        elif direction is None:
            # Later pages may still show a direction, and with it where the time window ends.
            self._go_plainly(book.ONE_KEY, window.end)
        elif not direction:
            self._go_plainly(book.UNORDERED, window.end, direction=0)
        else:
            # The window itself is the first to be read: its own first key is where nothing was delivered yet.
            chain = self._plan.chain = Chain(
                Seam(keys[0], frozenset(), window.offset), direction, most=self._plan.most
            )
            chain.read(answer, keyed.rows, keys, strict=is_strict(keys, direction))
            self._plan.ordered &= direction == self._ordering.direction
            self._ledger.ended = self._plan.ordered and self._ledger.passed(direction, keys[-1])
        if len({row.id for row in rows}) < len(rows):
            self._ledger.doubt(book.TWICE)
        found = self._recent.unseen(rows[max(0, self._plan.start - window.offset) :])
        if not self._ledger.ended:
            if not self._plan.sort:
                self._recent.opening |= {row.id for row in found if row.id}
            # What has no id cannot be told from what was delivered.
            self._ordering.ask(keys, again=keyed.whole)
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
            self._ledger.ended = True
            return []
        end = chain.seam.end
        passed = self._recent.unseen(chain.passed(keyed.rows, keyed.keys))
        new = chain.read(answer, keyed.rows, keyed.keys, strict=strict)
        if len(keyed.rows) < len(rows):
            # A row without a key has no place before or after H: it is new unless its id is known.
            chosen = {id(row) for row in new}
            new = [row for row in rows if row.created_on is None or id(row) in chosen]
        found = self._recent.unseen(new)
        if len(new) > len(found) < sum(row.id not in self._recent.opening for row in new):
            # Behind H, and yet delivered: it moved, or there are two of it.
            self._ledger.doubt(book.TWICE)
        found = [*passed, *found]
        if found and self._came_short:
            # The end of the listing may come short while an old count says that more follow; its middle may not.
            self._ledger.doubt(book.SHORT)
        self._came_short |= bool(found) and answer.short and answer.says_more
        if answer.ends or not answer.count:
            self._ledger.end(answer)
        elif self._ledger.passed(chain.direction, chain.seam.key):
            self._ledger.ended = True
        elif not found and answer.clamped:
            # The server gives its last page for every page beyond it.
            self._ledger.doubt(book.CLAMPED)
            self._ledger.ended = True
        elif not found and chain.seam.end <= end and book.UNJOINED in self._ledger.doubts:
            # It is given up already, and windows turn round in a group that they cannot get over.
            self._go_plainly(book.UNJOINED, end)
        elif answer.short and not found:
            # Its count says that more follow. Nothing does where the page behind this one is empty.
            self._plan.step_back()
            chain.look_beyond(answer.window)
        return found

    def _read_plainly(
        self, plain: PlainWindows, answer: Evidence, rows: Sequence[RowT]
    ) -> list[RowT]:
        ledger = self._ledger
        offset = (answer.window.page - 1) * plain.size
        self._plan.open_wide()
        rows = rows[max(0, self._plan.start - offset) :]
        found = self._recent.unseen(rows)
        plain.read_to = offset + plain.size
        if answer.ends or not answer.count:
            # The page is asked for again where the walk is resumed: it may have filled meanwhile.
            plain.read_to = offset
            ledger.end(answer)
        elif not found and answer.clamped:
            ledger.doubt(book.CLAMPED)
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

    def _resumed(self, checkpoint: Checkpoint) -> Plan:
        if checkpoint.binding != self._binding:
            raise ConfigurationError("The checkpoint belongs to another agent or query.")
        self._ledger.resume(checkpoint)
        self._recent.remember(list(checkpoint.recent))
        if not checkpoint.ordered and checkpoint.position <= MAX_LIMIT:
            self._recent.opening |= frozenset(checkpoint.recent)
        return Plan.at(State.at(checkpoint), group=checkpoint.group)
