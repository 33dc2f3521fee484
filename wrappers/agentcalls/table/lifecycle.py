"""Whether a call is over, even if its status is unknown or its row cannot be read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agentcalls.table.columns import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agentcalls.models import Call

FINAL = frozenset({"ended", "busy", "failed", "cancelled"})
"""The known final statuses of a call."""


def is_over(call: Call) -> bool:
    """Whether a call is over: by its status, or, with any status, by its `ended_at`."""
    return call.status in FINAL or call.ended_at is not None


_NUMBER = {column.name: number for number, column in enumerate(COLUMNS)}


def still_open(columns: Sequence[Sequence[Any]]) -> list[bool]:
    """Whether each call is open, from the columns of a table: the same as `is_over` says of a call."""
    over = zip(columns[_NUMBER["status"]], columns[_NUMBER["ended_at"]], strict=True)
    return [not (status in FINAL or ended is not None) for status, ended in over]
