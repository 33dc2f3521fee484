"""A listing that changes while it is read, kept in memory, and a driver that walks it.

The server is honest about its order, or lies about it: it may sort by last change, ignore `sort`, refuse it,
draw equal keys anew each time, cap its counts or keep old ones, and give shorter pages than it is asked for.
"""

from __future__ import annotations

import random
from bisect import insort
from collections import deque
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from attrs import field, frozen, mutable

from agentcalls.errors import PaginationError
from agentcalls.reading.walk.sort import KnownSorts
from agentcalls.reading.walk.walk import Walk
from agentcalls.values import Checkpoint
from agentcalls_api.models import PageMeta

if TYPE_CHECKING:
    from collections.abc import Container

    from agentcalls.reading.walk.windows import Window
    from agentcalls.values import Report
    from simulation.odd_pages import OddPages

_TURN = 600
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


class RefusedError(Exception):
    """400: the server does not know this sort."""


class MissingError(RefusedError):
    """404: the server has no such page."""


@mutable
class Kept:
    """A call as the server keeps it."""

    row: Row
    second: float
    place: float | str
    """What a server that sorts by creation compares."""
    changed: float


@mutable
class ShiftingListing:
    """Calls with their second of creation; `change` is called before each answer.

    `throughout` are the ids of the calls that have matched since the first answer.

    Args:
        seconds: When the calls are created.
        random: What is drawn from.
        newest_first: The order where no sort is given.
        unstable_ties: Equal keys come in another order each time.
        inserts: New calls before each answer.
        late_inserts: New calls that were created in the past.
        deletions: Deleted calls, or the chance of one.
        burst: The chance that 150 neighbours are deleted.
        flips: The chance that one call stops matching the filter, and perhaps another begins to.
        hides: The chance that nearly all calls stop matching the filter, or all match again.
        touches: Calls that change before each answer, so that one sorted by its last change moves.
        by_change: The server's own order is by last change.
        names: The names of `created_on` that the server sorts by; it ignores others.
        refuses: It refuses other names instead.
        limit: The longest page that the server gives.
        later_limit: The longest page from `later` answers on.
        says_limit: Whether it says which limit it applied.
        cap: The highest count that it gives.
        old_counts: For how many answers a count is kept.
        stale: The share of answers that come from a copy which lags behind; no walk can see that.
        depth: How many rows it shows; there are none beyond.
        text: It sorts by the text of the moments, whose order is another one: "digits" after the point are as many
            as it takes, a "clock" is put back in the middle, or "offsets" from UTC differ.
        first_only: It honours a sort for its first page only; nor can any walk see that.
        now_and_then: The share of requests for which it ignores a sort; nor that.
        turns: By last change also where a sort is asked for, which only turns the order round; nor that.
    """

    seconds: list[int] | list[float]
    random: random.Random
    newest_first: bool = False
    unstable_ties: bool = False
    inserts: int = 0
    late_inserts: int = 0
    deletions: float = 0
    burst: float = 0
    flips: float = 0
    hides: float = 0
    touches: float = 0
    by_change: bool = False
    names: tuple[str, ...] = ("created_on",)
    refuses: bool = False
    limit: int = 100
    later: int = 10**9
    later_limit: int = 100
    says_limit: bool = True
    cap: int = 10**9
    old_counts: int = 0
    depth: int = 10**9
    text: str = ""
    stale: float = 0
    turns: bool = False
    first_only: bool = False
    now_and_then: float = 0
    requests: int = field(init=False, default=0)
    throughout: dict[str, float] = field(init=False)
    _rows: list[Kept] = field(init=False)
    _hidden: list[Kept] = field(init=False)
    _copy: list[Kept] = field(init=False, factory=list)
    _made: int = field(init=False, default=0)
    _time: float = field(init=False, default=0)
    _count: int = field(init=False, default=0)
    _turn: float = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._hidden = []
        self._turn = max(self.seconds, default=0) / 2
        self._rows = sorted((self._new(second) for second in self.seconds), key=by_creation)
        self._time = max(self.seconds, default=0)
        self.throughout = {str(kept.row.id): kept.second for kept in self._rows}

    def __len__(self) -> int:
        return len(self._rows)

    def fetch(self, page: int, limit: int, sort: str | None = None) -> tuple[list[Row], PageMeta]:
        """An answer; raises `RefusedError` for a sort that the server refuses."""
        if self.requests:
            self.change()
        self.requests += 1
        name = (sort or "").removeprefix("-")
        if name and name not in self.names and self.refuses:
            raise RefusedError
        granted = min(limit, self.limit if self.requests <= self.later else self.later_limit)
        honoured = name in self.names and not (self.first_only and page > 1)
        if self.now_and_then and self.random.random() < self.now_and_then:
            honoured = False
        newest_first = (sort or "").startswith("-") if honoured else self.newest_first
        by_change = self.by_change and (self.turns or not honoured)
        rows = self._in_order(self._seen(), by_change=by_change)
        total = len(rows)
        offset = (page - 1) * granted
        first, last = offset, min(offset + granted, total, self.depth)
        if newest_first:
            first, last = max(0, total - last), total - first
        found = [kept.row for kept in rows[max(0, first) : max(0, last)]]
        if newest_first:
            found.reverse()
        if not self.old_counts or self.requests % self.old_counts == 1:
            self._count = min(total, self.cap)
        return found, meta_of(self._count, page, granted if self.says_limit else limit)

    def again(self, page: int, limit: int, sort: str | None) -> tuple[list[Row], PageMeta]:
        """Another page at the same moment."""
        self.requests, before = 0, self.requests
        try:
            return self.fetch(page, limit, sort)
        finally:
            self.requests = before

    def _seen(self) -> list[Kept]:
        # A replica that catches up once in twenty answers.
        if self.stale and self.requests % 20 == 1:
            self._copy = list(self._rows)
        return self._copy if self.stale and self.random.random() < self.stale else self._rows

    def _in_order(self, rows: list[Kept], *, by_change: bool) -> list[Kept]:
        if by_change:
            return sorted(rows, key=lambda kept: (kept.changed, kept.row.id))
        if self.unstable_ties:
            return sorted(rows, key=lambda kept: (kept.place, self.random.random()))
        return rows

    def change(self) -> None:
        """What happens to the listing between two answers."""
        for _ in range(self.inserts):
            newest = self._rows[-1].second if self._rows else 0
            new = self._new(newest + self.random.randint(1, 9))
            if self.text:
                insort(self._rows, new, key=by_creation)
            else:
                self._rows.append(new)
        for _ in range(self.late_inserts):
            newest = self._rows[-1].second if self._rows else 0
            insort(self._rows, self._new(self.random.randint(0, int(newest))), key=by_creation)
        for _ in range(min(self._some(self.deletions), len(self._rows))):
            self._remove(self.random.randrange(len(self._rows)), 1)
        if self.random.random() < self.burst:
            self._remove(self.random.randrange(max(1, len(self._rows) - 150)), 150)
        if self.random.random() < self.flips:
            self.flip()
        if self.hides and self.random.random() < self.hides:
            self._hide_or_show()
        for _ in range(self._some(self.touches) if self._rows else 0):
            self._touch(self.random.choice(self._rows))

    def flip(self) -> None:
        """One call stops matching the filter, one that did not match does."""
        if self._rows:
            self._hidden += self._remove(self.random.randrange(len(self._rows)), 1)
        if self.random.random() < 0.5 and self._hidden:
            back = self._hidden.pop(self.random.randrange(len(self._hidden)))
            self._touch(back)
            insort(self._rows, back, key=by_creation)

    def _hide_or_show(self) -> None:
        if self._hidden:
            for kept in self._hidden:
                insort(self._rows, kept, key=by_creation)
            self._hidden = []
        else:
            self._hidden = self._remove(0, len(self._rows))
            while self._hidden and self.random.random() < 0.8:
                back = self._hidden.pop(self.random.randrange(len(self._hidden)))
                insort(self._rows, back, key=by_creation)

    def _some(self, many: float) -> int:
        return int(many) + (self.random.random() < many % 1)

    def _touch(self, kept: Kept) -> None:
        self._time += 1
        kept.changed = self._time

    def _new(self, second: float) -> Kept:
        self._made += 1
        self._time = max(self._time, second)
        id = f"call_{self._made:06}"
        return Kept(Row(id, moment(second)), second, self._place(second), max(self._time, second))

    def _place(self, second: float) -> float | str:
        if self.text == "digits":
            return (
                f"{f'{int(second):09}{second % 1:.3f}'.replace('0.', '.').rstrip('0').rstrip('.')}Z"
            )
        if self.text == "clock":
            return second + _TURN * (second < self._turn)
        return second + _TURN * self.random.randint(0, 2) if self.text == "offsets" else second

    def _remove(self, at: int, count: int) -> list[Kept]:
        gone = self._rows[at : at + count]
        del self._rows[at : at + count]
        for kept in gone:
            self.throughout.pop(str(kept.row.id), None)
            self._touch(kept)
        return gone


def by_creation(kept: Kept) -> tuple[Any, str]:
    """The place of a call in the order of creation."""
    return kept.place, str(kept.row.id)


@frozen
class Outcome:
    delivered: list[Row]
    report: Report
    repeated: int
    missed: int


# A checkpoint does not hold how many windows in a row brought nothing new: where a listing grows faster than it is
# read, a walk that is killed often enough never gives up.
_MOST_KILLS = 300
# One call comes for each answer, and a walk whose windows are short and dropped takes in fewer: it never ends.
MOST_ANSWERS = 5_000


def walk_through(
    listing: ShiftingListing | OddPages,
    *,
    in_flight: int = 1,
    kill: float = 0,
    wanted: Container[float] = range(10**9),
    since: datetime | None = None,
    until: datetime | None = None,
    sort: str | None = None,
    most_answers: int = MOST_ANSWERS,
) -> Outcome:
    """What a walk over the listing delivers, with so many windows in flight, answered in random order.

    After each answer it is killed with the probability `kill`, in the middle of the calls delivered, and goes on from
    the JSON of its checkpoint. `wanted` are the seconds of the time window. Raises `PaginationError`, as a walk does,
    if the listing grows faster than it is read.
    """
    draw = listing.random
    sorts = KnownSorts()
    walk: Walk[Row] = Walk(binding=BINDING, since=since, until=until, sort=sort, sorts=sorts)
    delivered: list[Row] = []
    under_way: deque[Window] = deque()
    answers: dict[Window, tuple[list[Row], PageMeta] | RefusedError] = {}
    kills = asked = 0
    while not walk.done:
        if asked > most_answers:
            raise PaginationError("The listing grows faster than it is read.")
        while len(under_way) < in_flight and (window := walk.plan()):
            under_way.append(window)
        assert under_way, "a walk that is not done has something under way or to plan"
        unanswered = [window for window in under_way if window not in answers]
        while under_way[0] not in answers:
            window = unanswered.pop(draw.randrange(len(unanswered)))
            asked += 1
            try:
                answers[window] = listing.fetch(window.page, window.limit, window.sort or sort)
            except RefusedError as error:
                answers[window] = error
        window = under_way.popleft()
        answer = answers.pop(window)
        if isinstance(answer, RefusedError):
            if not walk.refuse(window, as_missing=isinstance(answer, MissingError)):
                raise answer
            batch: list[Row] = []
        else:
            batch = walk.accept(window, *answer)
        if kills < _MOST_KILLS and draw.random() < kill:
            kills += 1
            count = draw.randint(0, len(batch))
            text = walk.checkpoint(count).to_json()
            batch = batch[:count]
            walk = Walk(binding=BINDING, resume=Checkpoint.from_json(text), sort=sort, sorts=sorts)
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
