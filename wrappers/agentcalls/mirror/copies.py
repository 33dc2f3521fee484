"""Find the database of a copy by its file, lock it, and open it for writing."""

from __future__ import annotations

import errno
import os
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

from agentcalls import ConfigurationError
from agentcalls.checks import checked_path
from agentcalls.export import as_duckdb, as_sqlite
from agentcalls.export.disk import operations
from agentcalls.export.disk.target import replaceable
from agentcalls.mirror.databases.in_duckdb import InDuckDB
from agentcalls.mirror.databases.in_sqlite import InSQLite
from agentcalls.mirror.databases.target import InUseError
from agentcalls.table.extras import need

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from agentcalls.mirror.databases.target import Target

    Kind = type[InDuckDB | InSQLite]

_KINDS: dict[str, Kind] = {
    ".duckdb": InDuckDB,
    ".sqlite": InSQLite,
    ".sqlite3": InSQLite,
    ".db": InSQLite,
}
_ADDRESS = re.compile(r"dlt:|[A-Za-z][A-Za-z0-9+.-]+:/")  # as Path writes it; C:/ is a folder
_MAGIC: dict[Kind, tuple[int, bytes]] = {
    InSQLite: (0, b"SQLite format 3\0"),
    InDuckDB: (8, b"DUCK"),
}


def checked(path: str | os.PathLike[str]) -> tuple[Path, Kind]:
    """The file of a copy behind a name, and its database; it need not exist yet.

    Raises `ConfigurationError` for an ending that names no database, for a file that cannot be written or is not of
    that database, and for a package that is not installed.
    """
    name = checked_path("path", path)
    if _ADDRESS.match(str(name)):
        # It may hold a password.
        raise ConfigurationError(
            "An address names no file: a copy is one, and `agentcalls push` loads it into a warehouse."
        )
    target = replaceable(name)
    kind = _KINDS.get(target.suffix.lower())
    if kind is None:
        raise ConfigurationError(
            f"The ending of {target} names no database: use {', '.join(_KINDS)}."
        )
    if kind is InDuckDB:
        need("duckdb")
        need("pyarrow")
        as_duckdb.check_name(target)
    if exists(target):
        if not os.access(target, os.W_OK):
            raise ConfigurationError(f"{target} cannot be written.")
        start, magic = _MAGIC[kind]
        with operations.read(target) as file:
            found = file.read(start + len(magic))
        if found[start:] != magic:
            raise ConfigurationError(f"{target} is no {kind.name} database: choose another file.")
    return target, kind


def exists(target: Path) -> bool:
    """Whether there is a copy; a sync that was killed at its start may leave an empty file, which is none."""
    return target.exists() and target.stat().st_size > 0


@contextmanager
def opened(path: str | os.PathLike[str], host: str | None) -> Generator[Target]:
    """A copy of the calls at a host, for this process alone until the block ends; it is made where there is none.

    Without a host, the copy may be of any, and must exist. Raises `ConfigurationError` like `checked`, and for a
    database that is no such copy; `InUseError` if another process has it, or takes it for seconds within the block;
    `OSError` if the file was replaced when the block ends.
    """
    target, kind = checked(path)
    with locked(target, f"Another sync is writing {target}."):
        if not exists(target):
            target.unlink(missing_ok=True)
        try:
            with kind.opened(target, host) as copy:
                file = target.stat()
                yield copy
        except OSError as error:
            if as_duckdb.is_in_use(error) or as_sqlite.is_in_use(error.__cause__):
                raise InUseError(f"{target} is in use: close it first.") from error
            raise
        if not (target.exists() and os.path.samestat(file, target.stat())):
            raise OSError(errno.ESTALE, "It was moved, replaced or deleted meanwhile", str(target))


@contextmanager
def locked(target: Path, taken: str) -> Generator[None]:
    """A block that one process at a time runs for this file or folder; raises `InUseError` with these words if one is.

    The lock is a file beside it, which stays: if it were deleted, two processes could lock two different files.
    """
    lock = operations.open_lock(target.with_name(f"{target.name}.lock"))
    if lock is None:
        yield
        return
    try:
        if not operations.lock(lock):
            raise InUseError(taken)
        yield
    finally:
        os.close(lock)
