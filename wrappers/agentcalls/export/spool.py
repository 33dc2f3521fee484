"""Rows for a file that cannot be appended to: kept as NDJSON, and read back column by column."""

from __future__ import annotations

from datetime import date, datetime
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import msgspec

from agentcalls.export.disk import operations
from agentcalls.table.columns import COLUMNS, JSON

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_CHUNK_BYTES = 1 << 20
_TYPES: dict[type, Any] = {
    str: str | None,
    int: int | None,
    float: float | None,
    bool: bool | None,
    datetime: str | None,
    date: str | None,
    object: msgspec.Raw,
}
_ROW: Any = msgspec.defstruct(
    "Row",
    [(column.attribute, _TYPES[column.kind]) for column in COLUMNS],
    rename={column.attribute: column.name for column in COLUMNS},
    gc=False,
)
_DECODER: Any = msgspec.json.Decoder(_ROW)
_GETTERS = [attrgetter(column.attribute) for column in COLUMNS]


def spooled_columns(path: Path) -> Iterator[list[list[Any]]]:
    """Yields the columns of several thousand rows at a time; timestamps, dates and JSON are texts."""
    with operations.read(path) as file:
        while chunk := file.read(_CHUNK_BYTES) + file.readline():
            rows = _DECODER.decode_lines(chunk)
            columns: list[list[Any]] = [list(map(get, rows)) for get in _GETTERS]
            for number in JSON:
                nothing = {b"null", b"{}"} if number == JSON[-1] else {b"null"}
                texts = map(bytes, columns[number])
                columns[number] = [None if text in nothing else text.decode() for text in texts]
            yield columns
