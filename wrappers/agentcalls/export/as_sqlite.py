"""SQLite: a table `calls` with a key and indexes; true is 1 and false is 0.

A timestamp is a text in UTC in the form of SQLite's own date functions, so that it compares rightly with
what they give: `created_on >= datetime('now', '-1 day')`.
"""

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

TYPES: dict[type, str] = {
    str: "TEXT",
    int: "INTEGER",
    float: "REAL",
    bool: "BOOLEAN",
    datetime: "TIMESTAMP",
    date: "DATE",
    object: "TEXT",
}
"""What SQLite calls the kinds of columns."""
MOMENT = "replace(rtrim(?, 'Z'), 'T', ' ')"
"""A timestamp from the text that a row has, such as 2026-11-23T10:00:00.000000Z."""

_KEY = "agent_id", "id"
_INDEXED = "created_on", "status"
_CACHE_KIB = 32_768  # the key's entries come in no order: from here on they go to the disk and back

_KIND = 0xFF  # of SQLite's error codes, the rest are details


def build(rows: Path, path: Path, built: Callable[[int], object]) -> None:
    """Build the file from the spooled rows; an unfinished file is built again from the start."""
    # A listing that is not proven complete may have a call twice, and every row is wanted.
    if not _build(rows, path, built, keyed=True):
        _build(rows, path, built, keyed=False)


def _build(rows: Path, path: Path, built: Callable[[int], object], *, keyed: bool) -> bool:
    # Whether all rows are in it.
    columns = [f'"{column.name}" {TYPES[column.kind]}' for column in COLUMNS]
    key = [f"PRIMARY KEY ({', '.join(_KEY)})"] if keyed else []
    values = [MOMENT if column.kind is datetime else "?" for column in COLUMNS]
    insert = f"INSERT OR IGNORE INTO calls VALUES ({', '.join(values)})"  # noqa: S608 (our own texts)
    operations.new(path).close()  # SQLite would make it readable for others
    with opened(path, "rw") as database:
        database.execute("PRAGMA journal_mode = OFF")
        database.execute("PRAGMA synchronous = OFF")
        database.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        database.execute("BEGIN")
        database.execute(f"CREATE TABLE calls ({', '.join(columns + key)})")
        count = 0
        for some in spooled_columns(rows):
            database.executemany(insert, zip(*some, strict=True))
            count += len(some[0])
            if database.total_changes < count:
                return False
            built(count)
        for name in _INDEXED:
            database.execute(f"CREATE INDEX calls_{name} ON calls ({name})")
        database.execute("COMMIT")
    return True


def count(path: Path) -> int:
    """The number of rows in a file."""
    with opened(path, "ro") as database:
        (number,) = database.execute("SELECT count(*) FROM calls").fetchone()
    return int(number)


def check(path: Path) -> None:
    """Raise `ConfigurationError` if another connection reads or writes the file."""
    if not path.exists():
        return
    try:
        with closing(sqlite3.connect(_uri(path, "rw"), uri=True, timeout=0)) as database:
            database.execute("BEGIN EXCLUSIVE")
    except sqlite3.Error as error:
        # Whatever else is wrong with a file that is to be replaced does not matter.
        if is_in_use(error):
            raise ConfigurationError(f"{path} is in use: close it first.") from error


def is_in_use(error: BaseException | None) -> bool:
    """Whether an error of SQLite's says that another connection holds a lock."""
    if not isinstance(error, sqlite3.Error):
        return False
    # An error of the module itself has no code.
    code = getattr(error, "sqlite_errorcode", 0)
    return code & _KIND in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


@contextmanager
def opened(path: Path, mode: str) -> Generator[sqlite3.Connection]:
    """A connection to the file; an error of SQLite's is an `OSError`."""
    try:
        with closing(sqlite3.connect(_uri(path, mode), uri=True, isolation_level=None)) as database:
            yield database
    except sqlite3.Error as error:
        raise OSError(errno.EIO, f"SQLite: {error}", str(path)) from error


def _uri(path: Path, mode: str) -> str:
    # As a URI, no name is anything but a name.
    return f"{path.absolute().as_uri()}?mode={mode}"
