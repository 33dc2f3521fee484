"""Pages without overlap, which prove nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentcalls.reading.walk.created_on import direction_of
from agentcalls.reading.walk.windows import Window
from agentcalls.settings import MAX_LIMIT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from agentcalls.reading.walk.created_on import Direction


class PlainWindows:
    """The next plain page, and the direction of the keys read so far."""

    def __init__(self, position: int, size: int, direction: Direction | None = None) -> None:
        self.size = size
        self._next = position // size + 1
        self.read_to: int = position
        """Rows of the listing that were read; it may lie within a page, which is then read again."""
        self.direction: Direction | None = direction
        """None until it shows; 0 if the keys are in no order."""

    @property
    def planned_to(self) -> int:
        """Rows of the listing up to the next page."""
        return (self._next - 1) * self.size

    def plan(self, epoch: int, *, sort: str | None) -> Window:
        """The next page. A server whose pages exceed 100 rows is asked for 100 and gives its own size."""
        window = Window(self._next, min(self.size, MAX_LIMIT), epoch, sort)
        self._next += 1
        return window

    def skip(self) -> None:
        """Skip the next page: it was read already."""
        self._next += 1

    def note_order(self, keys: Sequence[datetime]) -> Direction:
        """The direction of all keys up to these; 0 if it is unknown. Pages cannot prove an order, but can refute it."""
        direction = direction_of(keys)
        if direction:
            self.direction = direction if self.direction in {None, direction} else 0
        elif keys and min(keys) < max(keys):
            self.direction = 0
        return self.direction or 0
