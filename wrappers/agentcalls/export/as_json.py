"""NDJSON, an object a line, and JSON, an array of the same: all columns in each, nested values as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from agentcalls.table.columns import COLUMNS, columns_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agentcalls import Call

_ROW: Any = msgspec.defstruct(
    "Row",
    [column.attribute for column in COLUMNS],
    rename={column.attribute: column.name for column in COLUMNS},
    gc=False,
)
_ENCODER = msgspec.json.Encoder()


def lines(agent_id: str, calls: Sequence[Call]) -> bytes:
    """Each call as an object on a line of its own."""
    return _ENCODER.encode_lines(list(map(_ROW, *columns_of(agent_id, calls))))


def elements(agent_id: str, calls: Sequence[Call]) -> bytes:
    """The calls as elements of an array, with a comma between any two."""
    # JSON escapes the line breaks within a text.
    return b"\n" + lines(agent_id, calls)[:-1].replace(b"\n", b",\n")
