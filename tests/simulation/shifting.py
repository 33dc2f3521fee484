"""A listing that changes while it is read, kept in memory, and a driver that walks it."""

from __future__ import annotations

import random
from bisect import bisect_left, insort
from collections import deque
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from attrs import field, frozen, mutable

from agentcalls.reading.walk.walk import Walk
from agentcalls.values import Checkpoint
from agentcalls_api.models import PageMeta

if TYPE_CHECKING:
    from agentcalls.reading.walk.windows import Window
    from agentcalls.values import Report

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
BINDING = "agent_1"


@frozen
class Row:
    id: str | None
    created_on: datetime | None


def seeded(seed: str | int) -> random.Random:
    """A source of chance that draws the same for the same seed."""
    return random.Random(seed)


def moment(second: float) -> datetime:
    return EPOCH + timedelta(seconds=second)


def meta_of(total: int, page: int, limit: int) -> PageMeta:
    return PageMeta(
        total_count=total,
        page_count=-(-total // limit),
        current_page=page,
        limit=limit,
        has_next_page=page * limit < total,
        has_previous_page=page > 1,
    )


@mutable
class ShiftingListing:
    """Calls sorted by their second of creation; `change` is called before each answer.

    `throughout` are the ids of the calls that have matched since the first answer.
    """

    seconds: list[int]
    random: random.Random
    newest_first: bool = False
    unstable_ties: bool = False
    inserts: int = 0
    late_inserts: int = 0
    deletions: float = 0
    burst: float = 0
    flips: float = 0
    requests: int = field(init=False, default=0)
    throughout: dict[str, int] = field(init=False)
    _rows: list[tuple[int, str, Row]] = field(init=False)
    _hidden: list[tuple[int, str, Row]] = field(init=False)
    _made: int = field(init=False, default=0)

    def __attrs_post_init__(self) -> None:
        self._hidden = []
        self._rows = sorted(self._new(second) for second in self.seconds)
        self.throughout = {id: second for second, id, _ in self._rows}

    def __len__(self) -> int:
        return len(self._rows)

    def fetch(self, page: int, limit: int) -> tuple[list[Row], PageMeta]:
        if self.requests:
            self.change()
        self.requests += 1
        total = len(self._rows)
        offset = (page - 1) * limit
        first, last = offset, min(offset + limit, total)
        if self.newest_first:
            first, last = max(0, total - offset - limit), total - offset
        rows = self._slice(max(0, first), max(0, last))
        if self.newest_first:
            rows.reverse()
        return rows, meta_of(total, page, limit)

    def change(self) -> None:
        """What happens to the listing between two answers."""
        for _ in range(self.inserts):
            newest = self._rows[-1][0] if self._rows else 0
            self._rows.append(self._new(newest + self.random.randint(1, 9)))
        for _ in range(self.late_inserts):
            newest = self._rows[-1][0] if self._rows else 0
            insort(self._rows, self._new(self.random.randint(0, newest)))
        count = int(self.deletions) + (self.random.random() < self.deletions % 1)
        for _ in range(min(count, len(self._rows))):
            self._remove(self.random.randrange(len(self._rows)), 1)
        if self.random.random() < self.burst:
            self._remove(self.random.randrange(max(1, len(self._rows) - 150)), 150)
        if self.random.random() < self.flips:
            self.flip()

    def flip(self) -> None:
        """One call stops matching the filter, one that did not match does."""
        if self._rows:
            self._hidden += self._remove(self.random.randrange(len(self._rows)), 1)
        if self.random.random() < 0.5 and self._hidden:
            at = self.random.randrange(len(self._hidden))
            insort(self._rows, self._hidden.pop(at))

    def _new(self, second: int) -> tuple[int, str, Row]:
        self._made += 1
        id = f"call_{self._made:06}"
        return second, id, Row(id, moment(second))

    def _remove(self, at: int, count: int) -> list[tuple[int, str, Row]]:
        gone = self._rows[at : at + count]
        del self._rows[at : at + count]
        for _, id, _ in gone:
            self.throughout.pop(id, None)
        return gone

    def _slice(self, first: int, last: int) -> list[Row]:
        if not self.unstable_ties or first >= last:
            return [row for _, _, row in self._rows[first:last]]
        low = bisect_left(self._rows, (self._rows[first][0],))
        high = bisect_left(self._rows, (self._rows[last - 1][0] + 1,))
        drawn = sorted(
            (second, self.random.random(), row) for second, _, row in self._rows[low:high]
        )
        return [row for _, _, row in drawn[first - low : last - low]]


@frozen
class Outcome:
    delivered: list[Row]
    report: Report
    repeated: int
    missed: int


def walk_through(
    listing: ShiftingListing,
    *,
    in_flight: int = 1,
    kill: float = 0,
    wanted: range = range(10**9),
    since: datetime | None = None,
    until: datetime | None = None,
) -> Outcome:
    """What a walk over the listing delivers, with so many windows in flight, answered in random order.

    After each answer it is killed with the probability `kill`, in the middle of the calls delivered, and goes on from
    the JSON of its checkpoint. `wanted` are the seconds of the time window.
    """
    draw = listing.random
    walk: Walk[Row] = Walk(binding=BINDING, since=since, until=until)
    delivered: list[Row] = []
    under_way: deque[Window] = deque()
    answers: dict[Window, tuple[list[Row], PageMeta]] = {}
    while not walk.done:
        while len(under_way) < in_flight and (window := walk.plan()):
            under_way.append(window)
        assert under_way, "a walk that is not done has something under way or to plan"
        unanswered = [window for window in under_way if window not in answers]
        while under_way[0] not in answers:
            window = unanswered.pop(draw.randrange(len(unanswered)))
            answers[window] = listing.fetch(window.page, window.limit)
        window = under_way.popleft()
        batch = walk.accept(window, *answers.pop(window))
        if kill and draw.random() < kill:
            count = draw.randint(0, len(batch))
            text = walk.checkpoint(count).to_json()
            batch = batch[:count]
            walk = Walk(binding=BINDING, resume=Checkpoint.from_json(text))
            under_way.clear()
            answers.clear()
        delivered += batch
        while under_way and walk.is_stale(under_way[0]):
            answers.pop(under_way.popleft(), None)
    seen = {row.id for row in delivered}
    throughout = [id for id, second in listing.throughout.items() if second in wanted]
    return Outcome(
        delivered,
        walk.report,
        len(delivered) - len(seen),
        sum(id not in seen for id in throughout),
    )
