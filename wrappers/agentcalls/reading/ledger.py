"""What a walk notes: why it is not complete, and an answer's calls on their way to the caller."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, cast

from attrs import evolve, frozen

from agentcalls.reading.chain import Seam
from agentcalls.reading.windows import RowT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from agentcalls.reading.order import Direction

NOT_EXACT = "Pages were read without overlap, as exact=False asks for."
NOT_FROM_START = "Reading began behind the start of the listing."
UNORDERED = (
    "The rows do not come in order of created_on: the listing was read to its end, unproven."
)
ONE_KEY = "More calls share one created_on than a page holds: the order cannot be seen."
MALFORMED = "A row lacks its id or created_on."
TWICE = "A call came twice in different places."
UNJOINED = (
    "The listing shifted, or calls share one created_on, so that two windows could not be joined."
)
REGRANTED = "The server does not apply the limit that it is asked for."
OVERFULL = "The server gave more calls than it was asked for."
SHORT = "The server gave a short page and said that more follow."
CLAMPED = "The server gave an earlier page than it was asked for."
UNCONFIRMED = "The server does not say which limit it applied, and its only page came short."
MAX_ITEMS = "Reading stopped at max_items."
MAX_PAGES = "Reading stopped at max_pages."
ABANDONED = "The listing was not read to its end."


@frozen
class State:
    """Where a walk stands: in the chain where there is a seam, in plain pages where there is a size."""

    position: int
    plain_size: int | None
    seam: Seam | None
    direction: Direction


@frozen
class Batch(Generic[RowT]):
    """What one answer gave, and where the walk stood on either side of it."""

    before: State
    after: State
    found: Sequence[RowT] = ()
    """The new rows."""
    wanted: Sequence[RowT] = ()
    """Those of them that lie in the time window."""
    rows: Sequence[RowT] = ()
    """All rows of the answer."""
    offset: int = 0
    """Rows of the listing that stood before the answer."""

    def left_after(self, delivered: int) -> Sequence[RowT]:
        """The new rows, those outside the time window among them, behind so many of those wanted."""
        if delivered >= len(self.wanted):
            return ()
        return (
            self.found[_index(self.wanted[delivered - 1], self.found) + 1 :]
            if delivered
            else self.found
        )

    def state_after(self, delivered: int) -> State:
        """Where the walk stands when so many of the wanted rows are delivered and some are left."""
        keyed = [row for row in self.wanted[:delivered] if row.created_on is not None]
        if not keyed or self.after.seam is None:
            return self.before
        last = keyed[-1]
        key = cast("datetime", last.created_on)
        ids = frozenset(row.id for row in keyed if row.created_on == key)
        before = self.before.seam
        if before and before.key == key:
            ids |= before.ids
        end = self.offset + _index(last, self.rows) + 1
        seam = Seam(key, ids, end, 1, self.after.seam.total)
        return evolve(self.after, seam=seam)


def _index(wanted: RowT, rows: Sequence[RowT]) -> int:
    return next(index for index, row in enumerate(rows) if row is wanted)
