"""SQLite: a table `calls`; timestamps and dates are texts that sort by time, true is 1 and false is 0."""

from __future__ import annotations

import errno
import sqlite3
from contextlib import closing, contextmanager
from datetime import date, datetime
from typing import TYPE_CHECKING

from agentcalls import ConfigurationError
from agentcalls.export.disk import operations
from agentcalls.export.spool import spooled_columns
from agentcalls.table.columns import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
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

_KIND = 0xFF  # of SQLite's error codes, the rest are details


def build(rows: Path, path: Path, built: Callable[[int], object]) -> None:
    """Build the file from the spooled rows; an unfinished file is built again from the start."""
    columns = ", ".join(f'"{column.name}" {_TYPES[column.kind]}' for column in COLUMNS)
    values = ", ".join("?" * len(COLUMNS))
    operations.new(path).close()  # SQLite would make it readable for others
    with _opened(path, "rw") as database:
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


def count(path: Path) -> int:
    """The number of rows in a file."""
    with _opened(path, "ro") as database:
        (number,) = database.execute("SELECT count(*) FROM calls").fetchone()
    return int(number)


def check(path: Path) -> None:
    """Raise `ConfigurationError` if another connection reads or writes the file."""
    if not path.exists():
        return
    with closing(sqlite3.connect(_uri(path, "rw"), uri=True, timeout=0)) as database:
        try:
            database.execute("BEGIN EXCLUSIVE")
        except sqlite3.Error as error:
            # Whatever else is wrong with a file that is to be replaced does not matter.
            if error.sqlite_errorcode & _KIND in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
                raise ConfigurationError(f"{path} is in use: close it first.") from error
        else:
            database.rollback()


@contextmanager
def _opened(path: Path, mode: str) -> Generator[sqlite3.Connection]:
    try:
        with closing(sqlite3.connect(_uri(path, mode), uri=True, isolation_level=None)) as database:
            yield database
    except sqlite3.Error as error:
        raise OSError(errno.EIO, f"SQLite: {error}", str(path)) from error


def _uri(path: Path, mode: str) -> str:
    # As a URI, no name is anything but a name.
    return f"{path.absolute().as_uri()}?mode={mode}"
