"""One reading of a listing: the new calls of each answer, and what is proven.

It is pure. A shell requests the windows that `Walk.plan` gives, in any order and with any concurrency, and hands the
answers to `Walk.accept` in the order of the plan.

A walk opens, and then follows the chain or reads plainly (see `plan.py`). A plain walk is complete only if its one
answer was the whole listing.

A walk ends, whatever the server answers. Each answer holds an id that is not among the last thousand, or it counts
towards a bound: eight repairs of a seam, 32 windows in a row that were expected to hold new calls and did not, five
thousand windows in a row without a new id, three changes of the limit. A plain page that is mostly known counts, too.

So does one that is resumed again and again, if it delivers a call each time: the call moves H or the position on, or
its id is known from then on. A checkpoint does not hold the bounds.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Generic

from agentcalls.errors import ConfigurationError
from agentcalls.reading.walk.delivery import Delivery, State
from agentcalls.reading.walk.evidence import judge
from agentcalls.reading.walk.granted_size import GrantedSize
from agentcalls.reading.walk.intake import Intake
from agentcalls.reading.walk.ledger import EMPTY_AT_ALL, Doubt, Ledger
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

# One more than a page holds: a checkpoint with fewer ids has those of all calls that were delivered.
_KEPT_IDS = MAX_LIMIT + 1


class Walk(Generic[RowT]):
    """One reading of a listing.

    Args:
        start: Rows to skip at the start of the listing: the caller's `(page - 1) * limit`.
        sort: The caller's, if any. If it is by another field than the creation, an order seen in some rows tells
            nothing about the others.
        sorts: What the client knows about the server's sorting; the walk adds to it.
        exact: Overlap the windows, so that the walk is proven; otherwise read plain pages of 100.
        max_items: Calls to deliver at most; a resumed walk counts from its resumption.
        since: Deliver calls created at or after this moment only; aware.
        until: Deliver calls created before this moment only; aware. Rows without `created_on` are delivered
            whatever the two are.
        resume: The checkpoint to continue from. Its `since` and `until` replace the given ones, so the binding should
            contain them as the caller wrote them.
        binding: Names the agent and the query; a checkpoint of another binding is refused.
        empty_at_all: How many windows in a row may lack a new call.

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
        empty_at_all: int = EMPTY_AT_ALL,
    ) -> None:
        self._binding = binding
        self._ledger = Ledger(
            max_items=max_items, since=since, until=until, empty_at_all=empty_at_all
        )
        self._recent = RecentIds(resume.opening if resume else ())
        self._total: int | None = None  # of the latest answer; None if it omits it
        self._plan = Plan(start) if resume is None else self._resumed(resume)
        if start and resume is None:
            self._ledger.doubt(Doubt.NOT_FROM_START)
        if not exact and self._plan.plain is None:
            self._ledger.doubt(Doubt.NOT_EXACT)
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
        self._page_size = GrantedSize(self._plan, self._ledger)
        self._answers: Intake[RowT] = Intake(self._plan, self._ledger, self._recent, self._ordering)
        self._latest: Delivery[RowT] = Delivery(self._plan.state, self._plan.state)
        self._given = 0

    @property
    def done(self) -> bool:
        """Whether no request is left. If it is False and `plan` gives None, answers must come first."""
        return self._ledger.done

    @property
    def probes(self) -> bool:
        """Whether its requests are under way that find out what the server sorts by."""
        return self._ordering.is_asking and not self.may_wait

    @property
    def may_wait(self) -> bool:
        """Whether it would send these next, and could wait for another walk that does."""
        return self._ordering.may_wait

    @property
    def begun(self) -> bool:
        """Whether an answer was used."""
        return self._ledger.pages > 0

    @property
    def report(self) -> Report:
        """The report so far."""
        return self._ledger.report(ordered=self._plan.ordered)

    @property
    def found(self) -> Sequence[RowT]:
        """The new calls of the latest answer, including calls outside the time window."""
        return self._latest.found

    def plan(self) -> Window | None:
        """The next window, or None if there is none now; each planned window must be requested."""
        if self.done:
            return None
        self._ordering.hear()
        plan, ledger = self._plan, self._ledger
        if plan.chain:
            plan.seek_if_worth(ledger.first_key(plan.chain.direction), self._total)
        return plan.next_window(self._total, ledger.useful(plan.chain))

    def is_stale(self, window: Window) -> bool:
        """Whether the plan has changed since: the answer to a stale window delivers nothing."""
        return self._plan.is_stale(window)

    def count_stale(self) -> None:
        """Count a discarded request; the checkpoint stays."""
        self._ledger.requests += 1

    def accept(self, window: Window, rows: Sequence[RowT], meta: PageMeta | None) -> list[RowT]:
        """The calls of an answer to deliver, in the order of the listing.

        `rows` are the answer's, in its order. Raises `PaginationError` if the server repeats itself endlessly, and
        `ValueError` for an answer out of turn.
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
        turned = plan.turned
        rows = rows[::-1] if turned else rows
        evidence = judge if turned else self._page_size.judge
        answer = evidence(window, len(rows), meta)
        if answer is None:
            return []
        self._total = answer.total
        ledger.note_meta(answer)
        take = partial(self._answers.at_far_end, turned) if turned else self._answers.found
        found = take(answer, rows)
        if found is None:
            return []
        if not self.is_stale(window):
            plan.widen()
        ledger.most = max(ledger.most, answer.count)
        expected = plan.chain.expected_to(answer.total) if plan.chain else 0
        repeats = bool(plan.plain) and 2 * len(found) < len(rows)
        ledger.note_found(found, beyond=answer.window.end > expected, repeats=repeats)
        # The first window may begin before the row at which reading starts.
        passed_over = 0 if ledger.pages else max(0, plan.start - window.offset)
        if found or not turned:
            ledger.note_used(len(rows), found=len(found), passed_over=passed_over)
        wanted = ledger.wanted(found)
        ledger.note_seen(wanted, ordered=plan.ordered)
        offset = max(0, plan.position - len(rows)) if turned else window.offset
        self._latest = Delivery(before, plan.state, found, wanted, rows, offset)
        given = ledger.bounded(wanted, may_end=bool(plan.turned))
        self._given = len(given)
        if self.done:
            ledger.compare()
            plan.drop()
        return given

    def refuse(self, window: Window, *, as_missing: bool = False) -> bool:
        """Take the server's refusal of a window; False if the walk cannot continue without it.

        A server may refuse a page beyond the end of the listing. `as_missing` says that it refused it as missing.
        """
        if as_missing:
            if not (self.begun and self._answers.may_be_beyond(window, self._total)):
                return False
            self.accept(window, [], None)
            return True
        turned = self._plan.turned
        if not (self._ordering.is_asking or turned) or self.is_stale(window):
            return False
        self._begin()
        self._plan.take(window)
        if turned:
            self._plan.leave_far_end(turned)
        else:
            self._ordering.take(None)
        return True

    def checkpoint(self, delivered: int) -> Checkpoint:
        """The state after the first `delivered` calls of the latest `accept`."""
        latest = self._latest
        delivered = min(delivered, self._given)
        left = latest.left_after(delivered)
        state = latest.state_after(delivered)
        # The ids of undelivered calls are remembered already: a resumed walk must not know them.
        undelivered = {row.id for row in left}
        ids = self._recent.latest(_KEPT_IDS + len(left))
        recent = [id for id in ids if id not in undelivered][-_KEPT_IDS:]
        group = self._plan.chain.group if self._plan.chain else 0
        opening = self._recent.opening - undelivered
        return state.checkpoint(
            self._binding, self._ledger, group=group, recent=recent, opening=opening
        )

    def _begin(self) -> State:
        # An unused answer still ends the one before it, whose calls are all delivered by now.
        self._ledger.requests += 1
        before = self._latest.after
        unused: Delivery[RowT] = Delivery(before, before)
        self._latest, self._given = unused, 0
        return before

    def _resumed(self, checkpoint: Checkpoint) -> Plan:
        if checkpoint.binding != self._binding:
            raise ConfigurationError("The checkpoint belongs to another agent or query.")
        self._ledger.resume(checkpoint)
        self._recent.remember(list(checkpoint.recent))
        if len(checkpoint.recent) < _KEPT_IDS:
            if not checkpoint.ordered:
                self._recent.opening |= frozenset(checkpoint.recent)
        elif not (checkpoint.key or checkpoint.plain):
            # Only ids could show what comes again, and it does not hold them all.
            self._ledger.doubt(Doubt.RESUMED_UNSHOWN)
        return Plan.at(State.at(checkpoint), group=checkpoint.group)
