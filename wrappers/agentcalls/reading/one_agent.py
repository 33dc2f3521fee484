"""Read one agent's listing, without the waiting: the next request, and the calls in its answers."""

from __future__ import annotations

import json
from collections import deque
from datetime import UTC, datetime
from operator import length_hint
from typing import TYPE_CHECKING, Any

from attrs import evolve
from msgspec import Struct, field

from agentcalls.described import quantity
from agentcalls.errors import APIStatusError
from agentcalls.reading.ended import KEPT_PROBLEMS
from agentcalls.reading.moments import is_relative, resolved
from agentcalls.reading.walk.walk import Walk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agentcalls.errors import AgentCallsError
    from agentcalls.reading.listing_options import ReadOptions
    from agentcalls.reading.walk.sort import KnownSorts
    from agentcalls.reading.walk.windows import Window
    from agentcalls.request.query import ListQuery
    from agentcalls.values import Checkpoint, Page, Problem, Report

_REFUSALS = {400, 405, 406, 414, 422, 501}
"""The statuses with which a server may refuse a sort."""
_MISSING = 404


class AgentReader:
    """The state of one iteration of a listing; only one thread or task reads it."""

    def __init__(
        self, query: ListQuery, options: ReadOptions, *, wall: float, sorts: KnownSorts
    ) -> None:
        now = datetime.fromtimestamp(wall, UTC)
        self.agent_id: str | None = query.of_agent
        self._query = query
        self.walk: Walk[Any] = Walk(
            binding=_binding(query, options, now),
            start=(query.start - 1) * query.size,
            exact=options.exact,
            sort=query.sort,
            oldest_first=options.oldest_first,
            sorts=sorts,
            max_items=options.max_items,
            since=resolved("since", options.since, now, options.tz),
            until=resolved("until", options.until, now, options.tz),
            resume=options.resume,
        )
        """What is requested next, and what the answers mean."""
        self._stopped = self._abandoned = False
        self._problems: list[Problem] = []
        self._problem_count = 0
        self._size = self._taken = 0
        self.pending: Iterator[Any] = iter(())
        """Calls of the latest answer that are not delivered yet."""

    @property
    def report(self) -> Report:
        """What was read and proven so far; it is not complete while calls are pending."""
        report = self.walk.report
        if self.left or self._abandoned:
            report = evolve(
                report, complete=False, reason=report.reason or "Not every call was taken."
            )
        return evolve(report, problems=tuple(self._problems), problem_count=self._problem_count)

    @property
    def checkpoint(self) -> Checkpoint:
        """Where to continue: after the last delivered call."""
        checkpoint = self.walk.checkpoint(self._size - self.left)
        return evolve(checkpoint, report=evolve(checkpoint.report, complete=False, reason=None))

    @property
    def left(self) -> int:
        """How many calls are pending."""
        return length_hint(self.pending)

    def __repr__(self) -> str:
        of_calls = self.agent_id is not None
        whose = f"{self.agent_id!r}: " if of_calls else ""
        taken = quantity(self._taken + self._size - self.left, "call" if of_calls else "agent")
        return f"{whose}{taken} of {quantity(self.walk.report.pages, 'page')}"

    def plan(self) -> Window | None:
        """The next window to request; None if reading has ended."""
        return None if self._stopped else self.walk.plan()

    @property
    def done(self) -> bool:
        """Whether there is nothing more to request."""
        return self._stopped or self.walk.done

    def stop(self) -> None:
        """End reading: nothing more is planned or delivered."""
        self._stopped = True
        # The checkpoint stays at the last delivered call.
        self._abandoned = self._abandoned or self.left > 0
        self._size, self.pending = self._size - self.left, iter(())

    def query_for(self, window: Window) -> ListQuery:
        """The query for a window."""
        return self._query.window(window.page, window.limit, window.sort)

    def accept(self, window: Window, page: Page[Any]) -> None:
        """Take the answer to a window; raises `PaginationError` if the pages contradict each other."""
        self._take(self.walk.accept(window, page.data, page.meta))
        if page.problems:
            # Windows overlap and probes give rows again, but the problems of a call are reported once.
            new = set(map(id, self.walk.found))
            problems = [
                problem
                for problem in page.problems
                if problem.row is None or id(page.data[problem.row]) in new
            ]
            self._problem_count += len(problems)
            self._problems.extend(problems[: KEPT_PROBLEMS - len(self._problems)])

    def _take(self, calls: list[Any]) -> None:
        self._taken += self._size
        self._size = len(calls)
        self.pending = iter(calls)

    def bears(self, window: Window, error: AgentCallsError) -> bool:
        """Whether reading continues despite an error.

        The server may refuse a sort that was only probed, or a page beyond the end.
        """
        if not isinstance(error, APIStatusError) or error.status not in {*_REFUSALS, _MISSING}:
            return False
        if not self.walk.refuse(window, as_missing=error.status == _MISSING):
            return False
        self._take([])
        return True


class PageRequest(Struct, eq=False):
    """A window of an agent's listing, from its planning until its answer is delivered."""

    agent: AgentState
    window: Window
    answer: Page[Any] | AgentCallsError | None = None
    stale: bool = False

    @property
    def query(self) -> ListQuery:
        """The query to send."""
        return self.agent.reader.query_for(self.window)


class AgentState(Struct, eq=False):
    """An agent that is being read."""

    id: str
    reader: AgentReader
    room: int = 1
    """How many of its requests may be in flight: one, until half of its first answer is taken."""
    asked: deque[PageRequest] = field(default_factory=deque[PageRequest])
    opened: bool = False
    """Whether its first answer was read before its turn, and waits to be delivered."""
    then: list[Callable[[], None]] = field(default_factory=list["Callable[[], None]"])
    """Reports that wait for its end."""


def _binding(query: ListQuery, options: ReadOptions, now: datetime) -> str:
    # Identifies a listing. It is a hash, because a search may hold a phone number, and checkpoints are kept in files.
    # A duration or a day's name counts as the same window in each iteration, although its moment differs.
    import hashlib  # noqa: PLC0415 (slow to import, and only iterating needs it)

    window = [
        str(moment) if is_relative(moment) else str(resolved("", moment, now, options.tz))
        for moment in (options.since, options.until)
    ]
    order = ["oldest first"] if options.oldest_first else []
    what = [query.sent() | {"page": query.start, "limit": query.size}, window, *order]
    text = json.dumps(what, sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
