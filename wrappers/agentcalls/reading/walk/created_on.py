"""The order of a window's keys, in a few bulk operations."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from itertools import groupby, islice
from operator import ge, gt, le, lt
from typing import TYPE_CHECKING, Generic, Literal, TypeAlias, cast

from msgspec import Struct

from agentcalls.reading.walk.windows import RowT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

Direction: TypeAlias = Literal[-1, 0, 1]
"""1 for ascending, -1 for descending, 0 if the order is unknown or the rows have none."""


class Keyed(Struct, Generic[RowT], frozen=True):
    """The rows of an answer that have a key, and so a place in the order."""

    rows: Sequence[RowT]
    ids: Sequence[str | None]
    keys: Sequence[datetime]
    whole: bool
    """Whether these are all rows of the answer, each with an id."""


def keyed_of(rows: Sequence[RowT]) -> Keyed[RowT]:
    """The rows of an answer that have a key."""
    ids, keys = [row.id for row in rows], [row.created_on for row in rows]
    if all(ids) and all(keys):
        return Keyed(rows, ids, cast("list[datetime]", keys), whole=True)
    keyed = [row for row in rows if row.created_on is not None]
    return Keyed(keyed, [row.id for row in keyed], keys_of(keyed), whole=False)


def keys_of(rows: Sequence[RowT]) -> list[datetime]:
    """The keys of the rows that have one."""
    return [row.created_on for row in rows if row.created_on is not None]


def direction_of(keys: Sequence[datetime]) -> Direction:
    """The direction of the keys; 0 if all are equal or they are in no order."""
    if not keys or keys[0] == keys[-1]:
        return 0
    direction: Direction = 1 if keys[0] < keys[-1] else -1
    return direction if is_ordered(keys, direction) else 0


def precedes(key: datetime, other: datetime, direction: Direction) -> bool:
    """Whether a key sorts strictly before another one."""
    return key < other if direction > 0 else key > other


def is_ordered(keys: Sequence[datetime], direction: Direction) -> bool:
    """Whether no key goes against the direction."""
    return all(map(le if direction > 0 else ge, keys, islice(keys, 1, None)))


def is_strict(keys: Sequence[datetime], direction: Direction) -> bool:
    """Whether the keys are in the direction's order, with no two of them equal."""
    return all(map(lt if direction > 0 else gt, keys, islice(keys, 1, None)))


def largest_group(keys: Sequence[datetime]) -> int:
    """The size of the largest group of equal neighbours."""
    return max(sum(1 for _ in group) for _, group in groupby(keys))


def span_of(key: datetime, keys: Sequence[datetime], direction: Direction) -> tuple[int, int]:
    """The indices in ordered keys where the keys equal to `key` begin, and where later keys begin."""
    if direction > 0:
        return bisect_left(keys, key), bisect_right(keys, key)
    backwards = keys[::-1]
    return len(keys) - bisect_right(backwards, key), len(keys) - bisect_left(backwards, key)
