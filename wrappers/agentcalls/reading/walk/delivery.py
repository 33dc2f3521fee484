"""The calls of an answer until they are delivered, and the checkpoint after each of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, cast

from msgspec import Struct
from msgspec.structs import replace

from agentcalls.reading.walk.chain import Seam
from agentcalls.reading.walk.windows import RowT
from agentcalls.settings import MAX_LIMIT
from agentcalls.values import Checkpoint

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from agentcalls.reading.walk.created_on import Direction
    from agentcalls.reading.walk.ledger import Ledger


class State(Struct, frozen=True):
    """Where a walk stands: in the chain if there is a seam, in plain pages if there is a size."""

    position: int
    plain_size: int | None = None
    seam: Seam | None = None
    direction: Direction = 0
    sort: str | None = None
    ordered: bool = False
    most: int = MAX_LIMIT

    @classmethod
    def at(cls, checkpoint: Checkpoint) -> State:
        """Where a checkpoint was made."""
        state = cls(checkpoint.position, sort=checkpoint.sort, ordered=checkpoint.ordered)
        if checkpoint.plain:
            return replace(state, plain_size=checkpoint.size)
        state = replace(state, most=min(checkpoint.size, MAX_LIMIT))
        if checkpoint.key is None:
            return state
        at_key = checkpoint.at_key
        seam = Seam(
            checkpoint.key,
            frozenset(id or None for id in at_key),
            checkpoint.position,
            len(at_key),
            checkpoint.total,
            checkpoint.unread,
        )
        return replace(state, seam=seam, direction=checkpoint.direction)

    def checkpoint(
        self,
        binding: str,
        ledger: Ledger,
        *,
        group: int,
        recent: Iterable[str],
        opening: Iterable[str],
    ) -> Checkpoint:
        """A checkpoint here."""
        seam = self.seam
        return Checkpoint(
            binding=binding,
            position=seam.end if seam else self.position,
            plain=self.plain_size is not None,
            size=self.plain_size or self.most,
            direction=self.direction if seam else 0,
            key=seam.key if seam else None,
            at_key=tuple(id or "" for id in seam.ids) if seam else (),
            recent=tuple(recent),
            opening=tuple(opening),
            sort=self.sort,
            ordered=self.ordered,
            group=group,
            total=seam.total if seam else None,
            unread=seam.unread if seam else False,
            most=ledger.most,
            since=ledger.since,
            until=ledger.until,
            doubts=tuple(ledger.doubts),
            report=ledger.report(ordered=self.ordered),
        )


class Delivery(Struct, Generic[RowT], frozen=True):
    """The rows of one answer, and the state of the walk before and after it."""

    before: State
    after: State
    found: Sequence[RowT] = ()
    """The new rows."""
    wanted: Sequence[RowT] = ()
    """The new rows that lie in the time window."""
    rows: Sequence[RowT] = ()
    """All rows of the answer."""
    offset: int = 0
    """Rows of the listing before the answer."""

    def left_after(self, delivered: int) -> Sequence[RowT]:
        """The new rows after the first `delivered` wanted ones, including rows outside the time window."""
        if delivered >= len(self.wanted):
            return ()
        return (
            self.found[_index(self.wanted[delivered - 1], self.found) + 1 :]
            if delivered
            else self.found
        )

    def state_after(self, delivered: int) -> State:
        """The state of the walk after the first `delivered` wanted rows."""
        taken = self.wanted[:delivered]
        if not self.left_after(delivered) and (self.after.seam or self.after.plain_size):
            return self.after
        keyed = [row for row in taken if row.created_on is not None]
        if self.after.seam is None or not keyed:
            return self._plain_after(taken)
        last = keyed[-1]
        key = cast("datetime", last.created_on)
        ids = frozenset(row.id for row in keyed if row.created_on == key)
        before = self.before.seam
        if before and before.key == key:
            ids |= before.ids
        end = self.offset + _index(last, self.rows) + 1
        seam = Seam(key, ids, end, 1, self.after.seam.total)
        return replace(self.after, seam=seam)

    def _plain_after(self, taken: Sequence[RowT]) -> State:
        # Where ids tell what was delivered, the answer is read again. Otherwise its delivered rows are counted, or a
        # walk that is resumed after each of them would never end: no id is known again, or an unstable order gives
        # other rows each time. A walk that does not begin at the start always counts them: it proves nothing.
        size, state = self.after.plain_size, self.before
        by_id = all(row.id for row in taken)
        is_first = state.plain_size is None and state.seam is None
        from_start = not (is_first and state.position)
        if not taken or (size is None and by_id and from_start):
            return state
        if state.seam or not by_id:
            position = self.offset + _index(taken[-1], self.rows) + 1
        else:
            # Another order is read from its start.
            position = state.position if state.sort == self.after.sort else 0
            position += len(self.found) - len(self.left_after(len(taken)))
        if not from_start:
            # Nothing before the caller's first row is read.
            return replace(state, position=position)
        size = size or self.after.most
        return replace(self.after, seam=None, direction=0, plain_size=size, position=position)


def _index(wanted: RowT, rows: Sequence[RowT]) -> int:
    return next(index for index, row in enumerate(rows) if row is wanted)
