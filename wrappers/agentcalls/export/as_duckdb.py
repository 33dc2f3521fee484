"""DuckDB: a table `calls`, in the storage format that every version since 1.0 can read."""

from __future__ import annotations

import errno
import os
import re
from contextlib import contextmanager
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from agentcalls import ConfigurationError
from agentcalls.export.disk import operations
from agentcalls.table.columns import COLUMNS
from agentcalls.table.extras import need

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

TYPES: dict[type, str] = {
    str: "VARCHAR",
    int: "BIGINT",
    float: "DOUBLE",
    bool: "BOOLEAN",
    datetime: "TIMESTAMPTZ",
    date: "DATE",
    object: "JSON",
}
"""What DuckDB calls the kinds of columns."""

_PATTERN = set("?*[\\")  # DuckDB takes names with these for others, even within quotes


def build(rows: Path, path: Path, built: Callable[[int], object]) -> None:
    """Build the file from the spooled rows; DuckDB reads them itself."""
    types = ", ".join(f"'{column.name}': '{TYPES[column.kind]}'" for column in COLUMNS)
    columns = ", ".join(f'"{column.name}"' for column in COLUMNS[:-1])
    extra = COLUMNS[-1].name
    with connected() as database:
        database.execute(f"SET temp_directory = {quoted(path.with_name('spill'))}")
        database.execute(f"ATTACH {quoted(path)} AS file (STORAGE_VERSION 'v1.0.0')")
        operations.make_private(path)
        database.execute(
            f"CREATE TABLE file.calls AS SELECT {columns},"  # noqa: S608 (names of the contract; paths are quoted)
            f" CASE WHEN {extra}::VARCHAR <> '{{}}' THEN {extra} END AS {extra}"
            f" FROM read_json({quoted(rows)}, format = 'newline_delimited', columns = {{{types}}},"
            " hive_partitioning = false)"
        )
        database.execute("DETACH file")
    built(count(path))


def count(path: Path) -> int:
    """The number of rows in a file."""
    with connected() as database:
        database.execute(f"ATTACH {quoted(path)} AS file (READ_ONLY)")
        (number,) = database.execute("SELECT count(*) FROM file.calls").fetchone()
    return int(number)


def check(path: Path) -> None:
    """Raise `ConfigurationError` if the file is open elsewhere, or if DuckDB cannot have its name."""
    check_name(path)
    if path.exists():
        try:
            count(path)
        except OSError as error:
            # Whatever else is wrong with a file that is to be replaced does not matter.
            if is_in_use(error):
                raise ConfigurationError(f"{path} is in use: close it first.") from error


def check_name(path: Path) -> None:
    """Raise `ConfigurationError` if DuckDB reads the name of a file as another, or not at all."""
    try:
        quoted(path)
    except UnicodeDecodeError as error:
        raise ConfigurationError(
            f"DuckDB takes no name that is not UTF-8, as {path.absolute()} is: choose another name or folder."
        ) from error
    if odd := _PATTERN & set(str(path.absolute())):
        signs = " and ".join(sorted(odd))
        raise ConfigurationError(
            f"DuckDB reads {signs} in {path.absolute()} as a pattern: choose another name or folder."
        )


def is_in_use(error: OSError) -> bool:
    """Whether an error says that a file is open elsewhere."""
    return bool(re.search("set lock on|already attached", str(error)))


@contextmanager
def connected() -> Generator[Any]:
    """A database in memory, to which a file is attached; an error of DuckDB's is an `OSError`."""
    duckdb = need("duckdb")
    try:
        with duckdb.connect() as database:
            yield database
    except duckdb.Error as error:
        raise OSError(errno.EIO, f"DuckDB: {error}") from error


def quoted(path: Path) -> str:
    """The absolute path, as a text in SQL."""
    # A name that is absolute is neither a URL nor begins at a home.
    text = os.fsencode(path.absolute()).decode().replace("'", "''")
    return f"'{text}'"
