"""DuckDB: a table `calls`, in the storage format that every version since 1.0 can read."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

from agentcalls.table.columns import COLUMNS
from agentcalls.table.extras import need

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_TYPES = {
    str: "VARCHAR",
    int: "BIGINT",
    float: "DOUBLE",
    bool: "BOOLEAN",
    datetime: "TIMESTAMPTZ",
    date: "DATE",
    object: "JSON",
}


def build(rows: Path, path: Path, built: Callable[[int], object]) -> None:
    """Build the file from the spooled rows; DuckDB reads them itself."""
    types = ", ".join(f"'{column.name}': '{_TYPES[column.kind]}'" for column in COLUMNS)
    columns = ", ".join(f'"{column.name}"' for column in COLUMNS[:-1])
    extra = COLUMNS[-1].name
    with need("duckdb").connect() as database:
        database.execute(f"ATTACH {_quoted(path)} AS file (STORAGE_VERSION 'v1.0.0')")
        database.execute(
            f"CREATE TABLE file.calls AS SELECT {columns},"  # noqa: S608 (names of the contract; paths are quoted)
            f" CASE WHEN {extra}::VARCHAR <> '{{}}' THEN {extra} END AS {extra}"
            f" FROM read_json({_quoted(rows)}, format = 'newline_delimited', columns = {{{types}}})"
        )
        (count,) = database.execute("SELECT count(*) FROM file.calls").fetchone()
        database.execute("DETACH file")
    built(count)


def _quoted(path: Path) -> str:
    text = str(path).replace("'", "''")
    return f"'{text}'"
