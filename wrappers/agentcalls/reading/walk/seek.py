"""The beginning of a time window in a sorted listing: a search by probes of one row, several at once.

The search is only a hint. The chain always begins with a window that holds a row before the time window (see
`chain.py`), so a listing that shifts during the search costs requests and no calls.

    Bracket     The last row that is known to lie before the time window, and the first one known not to.
    Guess       The row where a straight line between the two keys meets the time window: two probes close to it,
                and two farther away. In a million evenly spaced rows, three rounds of four leave a hundred.
    Section     Four rows that divide the bracket in five. It follows after too many guesses: keys in bursts make any
                guess wrong.
    End         The bracket is no longer than a window. Or two answers contradict each other: the listing has shifted
                by more than the rows between them, and the time window begins nearby.

A probe that answers have made needless is not sent, so a reader without concurrency sends fewer.
"""

from __future__ import annotations

from itertools import count
from math import isqrt
from typing import TYPE_CHECKING

from msgspec import Struct, field

from agentcalls.reading.walk.created_on import precedes
from agentcalls.reading.walk.windows import Window
from agentcalls.settings import MAX_LIMIT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from agentcalls.reading.walk.created_on import Direction
    from agentcalls.reading.walk.evidence import Evidence
    from agentcalls.reading.walk.windows import Row

_AT_ONCE = 4
_CLOSE = 2 * MAX_LIMIT
_MOST = 28
"""The most probes of a search in a listing of a million rows."""
_MOST_WHATEVER = 3 * _MOST
"""The most probes if the server's count grows endlessly."""


class Place(Struct, frozen=True):
    """The place of a row, and its key if the row was probed."""

    position: int
    """Rows of the listing before it."""
    key: datetime | None = None
    """None if there was no row, or it was not probed."""


class Seek(Struct):
    """A search for the last row before a time window.

    `first` is the first key that a row of the time window can have, in the order of the listing; `expected` is the
    likely position of that row, by the rows read so far.
    """

    first: datetime
    direction: Direction
    low: Place
    high: Place
    expected: int | None = None
    asked: int = 0
    failed: bool = False
    """Whether the server does not give single rows."""
    _round: list[int] = field(default_factory=list["int"])
    _under_way: int = 0
    _end_is_open: bool = True

    @property
    def done(self) -> bool:
        """Whether no probe is left to send."""
        return self.failed or self._length <= _CLOSE or self.asked >= _MOST_WHATEVER

    @property
    def _length(self) -> int:
        return self.high.position - self.low.position

    def plan(self, epoch: int, sort: str | None) -> Window | None:
        """The next probe; None if answers must come first."""
        while not self.done:
            while self._round:
                position = self._round.pop(0)
                if self.low.position < position < self.high.position:
                    self._under_way += 1
                    self.asked += 1
                    return Window(position + 1, 1, epoch, sort)
            if self._under_way:
                break
            self._round = self._next_round()
        return None

    def take(self, answer: Evidence, rows: Sequence[Row]) -> None:
        """Take the answer to a probe."""
        self._under_way -= 1
        if answer.granted not in {None, 1} or answer.count > 1:
            self.failed = True
            return
        key = None if answer.clamped or not rows else rows[0].created_on
        mark = Place(answer.window.offset, key)
        if self._end_is_open and answer.total:
            # The listing may have grown before the walk was resumed.
            self.high = Place(max(self.high.position, answer.total))
        if key is not None and precedes(key, self.first, self.direction):
            self.low = max(self.low, mark, key=_position)
        else:
            self._end_is_open = False
            self.high = min(self.high, mark, key=_position)
            self.low = min(self.low, Place(self.high.position - 1), key=_position)

    def _next_round(self) -> list[int]:
        low, length = self.low.position, self._length
        guess = self._guess()
        if guess is None or self.asked + _AT_ONCE * (1 + _rounds_of(length)) > _MOST:
            # Probes in the middle come first: they may make the others needless.
            return [low + length * part // 5 for part in (2, 3, 1, 4)]
        close = 2 * isqrt(length)
        guess = min(max(guess, low + 1), self.high.position - 1)
        around = [guess - close, guess + close]
        if self.high.key is None:
            return [*around, low + length // 2, self.high.position - 1]
        far = isqrt(close * length)
        return [*around, guess - far, guess + far]

    def _guess(self) -> int | None:
        low, high = self.low, self.high
        if high.key is None or low.key is None:
            return self.expected
        return low.position + int(self._length * ((self.first - low.key) / (high.key - low.key)))


def _position(mark: Place) -> int:
    return mark.position


def _rounds_of(length: int) -> int:
    # The number of rounds that divide these rows by five until a window holds them.
    return next(rounds for rounds in count() if _CLOSE * 5**rounds >= length)
