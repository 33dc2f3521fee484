"""SQLite: a table `calls`; timestamps and dates are texts that sort by time, true is 1 and false is 0."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import date, datetime
from typing import TYPE_CHECKING

from agentcalls.export.spool import spooled_columns
from agentcalls.table.columns import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_TYPES = {
    str: "TEXT",
    int: "INTEGER",
    float: "REAL",
    bool: "INTEGER",
    datetime: "TEXT",
    date: "TEXT",
    object: "TEXT",
}


def build(rows: Path, path: Path, built: Callable[[int], object]) -> None:
    """Build the file from the spooled rows."""
    columns = ", ".join(f'"{column.name}" {_TYPES[column.kind]}' for column in COLUMNS)
    values = ", ".join("?" * len(COLUMNS))
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        # An unfinished file is built again from the start, so it needs no protection.
        database.execute("PRAGMA journal_mode = OFF")
        database.execute("PRAGMA synchronous = OFF")
        database.execute("BEGIN")
        database.execute(f"CREATE TABLE calls ({columns})")
        count = 0
        for some in spooled_columns(rows):
            rows_of_them = zip(*some, strict=True)
            database.executemany(f"INSERT INTO calls VALUES ({values})", rows_of_them)  # noqa: S608 (question marks)
            count += len(some[0])
            built(count)
        database.execute("COMMIT")
