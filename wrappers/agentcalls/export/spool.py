"""Rows on their way into a file that cannot be added to: kept as NDJSON, and read back column by column."""

from __future__ import annotations

from datetime import datetime
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import msgspec

from agentcalls.table.columns import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_CHUNK_BYTES = 1 << 20
_TYPES: dict[type, Any] = {
    str: str | None,
    int: int | None,
    bool: bool | None,
    datetime: str | None,
    dict: msgspec.Raw,
}
_ROW: Any = msgspec.defstruct(
    "Row",
    [(column.name, _TYPES[column.kind]) for column in COLUMNS],
    gc=False,
)
_DECODER: Any = msgspec.json.Decoder(_ROW)
_GETTERS = [attrgetter(column.name) for column in COLUMNS[:-1]]


def spooled_columns(path: Path) -> Iterator[list[list[Any]]]:
    """Yields the columns of some thousand rows at a time; timestamps and JSON are texts, None for an empty object."""
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES) + file.readline():
            rows = _DECODER.decode_lines(chunk)
            columns: list[list[Any]] = [list(map(get, rows)) for get in _GETTERS]
            extras = [bytes(row.additional_properties) for row in rows]
            yield [*columns, [None if extra == b"{}" else extra.decode() for extra in extras]]
