"""The next window of a listing to request, and the windows in flight.

A plan is in one of five states:

    opening   The first answer is awaited. It shows the order of the keys, and whether the listing is one page.
    probing   There are more pages, and it is unknown whether the server honours a sort by `created_on` (see
              `sort.py`). If it does, the plan opens again with that sort.
    seeking   The server honours the sort, and the time window begins far beyond what was read (see `seek.py`).
    chain     The keys are in order: windows overlap and are joined (see `chain.py`).
    plain     Pages without overlap: the keys are not in order, the caller wants no proof, or the server contradicts
              itself. A plan does not leave this state.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, cast

from msgspec.structs import replace

from agentcalls.reading.walk.chain import Chain, Seam
from agentcalls.reading.walk.created_on import precedes
from agentcalls.reading.walk.delivery import State
from agentcalls.reading.walk.plain import PlainWindows
from agentcalls.reading.walk.seek import Place, Seek
from agentcalls.reading.walk.windows import Window, farthest_window
from agentcalls.settings import MAX_LIMIT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from agentcalls.reading.walk.created_on import Direction
    from agentcalls.reading.walk.evidence import Evidence
    from agentcalls.reading.walk.sort import SortProbe
    from agentcalls.reading.walk.windows import Row

_ANY_NUMBER = 1 << 30
# A time window that begins within this many rows is not searched for: a search would take as many requests.
_READ_ON = 3 * MAX_LIMIT
# The end of a listing this long is always asked for, since a server may show no row beyond some depth.
_FAR = 10 * MAX_LIMIT
_FAR_ENDS = 3


class Plan:
    """The state of a walk between two answers; `start` is its first row."""

    def __init__(self, start: int) -> None:
        self.start = start
        self.chain: Chain | None = None
        self.plain: PlainWindows | None = None
        self.probe: SortProbe | None = None
        self.seek: Seek | None = None
        self.sort: str | None = None
        """The `sort` that windows ask for; None leaves it as the query has it."""
        self.query_sort: str | None = None
        self.ordered: bool = False
        """Whether the server was seen to honour the sort that windows ask for."""
        self.most: int = MAX_LIMIT
        """The longest page that the server gives, in rows."""
        # A change of plan begins an epoch: answers that were requested before it are discarded.
        self._epoch = 0
        self._under_way: deque[Window] = deque()
        # One at first: only an answer shows where a second window should be.
        self._room = 1
        self._far_end = True  # whether it may be asked for

    @classmethod
    def at(cls, state: State, *, group: int) -> Plan:
        """A plan that continues from this state; `group` is the largest group of equal keys seen before."""
        plan = cls(0)
        plan.sort, plan.ordered, plan.most = state.sort, state.ordered, state.most
        if state.plain_size:
            plan.plain = PlainWindows(state.position, state.plain_size)
        elif state.seam:
            plan.chain = Chain(state.seam, state.direction, group=group, most=state.most)
        else:
            plan.start = state.position
        return plan

    @property
    def position(self) -> int:
        """Rows of the listing that were read."""
        if self.chain:
            return self.chain.seam.end
        return self.plain.read_to if self.plain else self.start

    @property
    def state(self) -> State:
        """Where the walk stands, for a checkpoint."""
        size = self.plain.size if self.plain else None
        state = State(self.position, size, sort=self.sort, ordered=self.ordered, most=self.most)
        if self.chain:
            return replace(state, seam=self.chain.seam, direction=self.chain.direction)
        return state

    def next_window(self, total: int | None, useful: int | None) -> Window | None:
        """The next window, or None if there is none now.

        `total` is the length of the listing and `useful` the number of rows still needed; None if unknown.
        """
        if self.probe:
            return self._noted(self.probe.plan(self._epoch))
        if self.seek:
            return self._noted(self.seek.plan(self._epoch, self.sort))
        ahead = bool(self._under_way)
        if len(self._under_way) >= self._room or (ahead and self._is_enough(total, useful)):
            return None
        if self.turned:
            sort = self.sort or self.query_sort or ""
            turned = sort[1:] if sort.startswith("-") else f"-{sort}"
            window = Window(1, self.most, self._epoch, turned)
        elif self.chain:
            window = self.chain.plan(self._epoch, ahead=ahead, sort=self.sort)
        elif self.plain:
            window = self.plain.plan(self._epoch, sort=self.sort)
        else:
            window = farthest_window(self.start, epoch=self._epoch, sort=self.sort, most=self.most)
        return self._noted(window)

    def _noted(self, window: Window | None) -> Window | None:
        if window:
            self._under_way.append(window)
        return window

    def is_stale(self, window: Window) -> bool:
        """Whether the plan has changed since the window was planned."""
        return window.epoch != self._epoch

    def take(self, window: Window) -> None:
        """Note that the answer to a window has come; raises `ValueError` unless it is the first one in flight."""
        if not self._under_way or self._under_way[0] != window:
            raise ValueError(f"{window} is not the window planned first.")
        self._under_way.popleft()

    def widen(self) -> None:
        """An answer was used, so the plan is good: plan twice as far ahead."""
        self._room = min(2 * self._room, _ANY_NUMBER)

    def open_wide(self) -> None:
        """Plan ahead without bound, since no later window can turn out to be wrong."""
        self._room = _ANY_NUMBER

    def go_plainly(self, position: int, size: int, direction: Direction | None) -> None:
        """Read on in plain pages."""
        if self.plain:
            direction = self.plain.direction
        self.plain, self.chain = PlainWindows(position, size, direction), None
        self.drop()

    def step_back(self) -> None:
        """A window did not join. Later windows would not either, so drop them and plan one at a time."""
        self.drop()
        self._room = 1

    def ask_far_end(self, chain: Chain, *, doubtful: bool = True) -> bool:
        """Ask for the last rows of the listing next, where it may end elsewhere; False if it is not worth it."""
        far = doubtful or chain.seam.end >= _FAR
        if not (self.ordered and far and self._far_end and chain.far_ends < _FAR_ENDS):
            return False
        chain.asks_far_end = True
        chain.far_ends += 1
        self.step_back()
        return True

    @property
    def turned(self) -> Chain | None:
        """The chain, if its next answer is that of the far end."""
        return self.chain if self.chain and self.chain.asks_far_end else None

    def leave_far_end(self, chain: Chain) -> None:
        """The server refuses the opposite order, so read on and do not ask for it again."""
        chain.asks_far_end, chain.far_ends, self._far_end = False, 0, False

    def ask(self, probe: SortProbe) -> None:
        """Probe a sort before the next window."""
        self.drop()
        self.probe = probe

    def seek_if_worth(self, first: datetime | None, total: int | None) -> None:
        """Search for the beginning of the time window, if it is far; `first` is the first key that a row can have."""
        chain = self.chain
        if not (chain and self.ordered and first):
            return
        chain.first = first
        if chain.sought or self.seek:
            return
        seam, total = chain.seam, total or chain.seam.total
        ahead = chain.rows_to(first)
        expected = None if ahead is None else seam.end + ahead
        if not total or min(total, expected or total) <= _READ_ON:
            return
        if seam.unread or precedes(seam.key, first, chain.direction):
            low = Place(-1) if seam.unread else Place(seam.end - 1, seam.key)
            seek = Seek(first, chain.direction, low, Place(total), expected)
            if not seek.done:
                self.drop()
                self.seek = seek

    def take_probe(self, seek: Seek, answer: Evidence, rows: Sequence[Row]) -> None:
        """Take the answer to a probe for the time window; when it is found, the chain begins there."""
        seek.take(answer, rows)
        if not seek.done:
            return
        chain = cast("Chain", self.chain)
        chain.sought = True
        if not seek.failed:
            end = seek.low.position + 1
            seam = Seam(seek.first, frozenset(), end, 1, answer.total, unread=True)
            self.chain = Chain(
                seam, chain.direction, group=chain.group, most=chain.most, sought=True
            )
        self.seek = None
        self.step_back()

    def open_again(self, sort: str | None) -> None:
        """Read from the start, in an order that the server honours; None leaves the order to the server."""
        self.drop()
        self.sort, self.ordered = sort, sort is not None
        self.chain = self.plain = None
        self._room = 1

    def grant(self, size: int) -> None:
        """Begin the next page where the first answer ended, as its page size shows."""
        if self.plain:
            self.plain = PlainWindows(0, size, self.plain.direction)
            self.plain.skip()
        else:
            self.most = min(size, MAX_LIMIT)

    def shrink(self, chain: Chain, most: int) -> None:
        """Request what was not used again, in windows of the size that the server applies."""
        self.drop()
        self.most = chain.most = most

    def drop(self) -> None:
        """Discard all windows in flight."""
        self._epoch += 1
        self._under_way.clear()

    def _is_enough(self, total: int | None, useful: int | None) -> bool:
        # Windows beyond the end of the listing, or beyond the useful rows, would be wasted.
        ahead = self.chain or self.plain
        planned_to = ahead.planned_to if ahead else 0
        if total is None or planned_to >= total:
            return True
        return useful is not None and planned_to - self.position >= useful
