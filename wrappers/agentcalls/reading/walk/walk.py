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
from agentcalls.reading.walk.answers import Answers
from agentcalls.reading.walk.batch import Batch, State
from agentcalls.reading.walk.evidence import judge
from agentcalls.reading.walk.page_size import PageSize
from agentcalls.reading.walk.plan import Plan
from agentcalls.reading.walk.recent import RecentIds
from agentcalls.reading.walk.sort import KnownSorts, Ordering
from agentcalls.reading.walk.windows import RowT
from agentcalls.settings import MAX_LIMIT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

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
        oldest_first: bool = False,
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
        self._plan = Plan(start) if resume is None else self._resumed(resume)
        if start and resume is None:
            self._ledger.doubt(book.NOT_FROM_START)
        if not exact and self._plan.plain is None:
            self._ledger.doubt(book.NOT_EXACT)
            self._plan.go_plainly(self._plan.position, self._plan.most, None)
        self._ordering = Ordering(
            self._plan,
            self._ledger,
            sort=sort,
            oldest_first=oldest_first,
            sorts=KnownSorts() if sorts is None else sorts,
            matters=exact and not start,
            resume=resume,
        )
        self._page_size = PageSize(self._plan, self._ledger)
        self._answers: Answers[RowT] = Answers(
            self._plan, self._ledger, self._recent, self._ordering
        )
        self._latest: Batch[RowT] = Batch(self._plan.state, self._plan.state)
        self._given = 0

    @property
    def done(self) -> bool:
        """Whether there is nothing more to ask for; where `plan` gives None otherwise, answers must come first."""
        return self._ledger.done

    @property
    def begun(self) -> bool:
        """Whether an answer was used."""
        return self._ledger.pages > 0

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
        found = self._answers.found(answer, rows) if answer else None
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

    def _resumed(self, checkpoint: Checkpoint) -> Plan:
        if checkpoint.binding != self._binding:
            raise ConfigurationError("The checkpoint belongs to another agent or query.")
        self._ledger.resume(checkpoint)
        self._recent.remember(list(checkpoint.recent))
        if not checkpoint.ordered and checkpoint.position <= MAX_LIMIT:
            self._recent.opening |= frozenset(checkpoint.recent)
        return Plan.at(State.at(checkpoint), group=checkpoint.group)
