"""Opening the database: a new one is seeded in one transaction, a seeded one used again."""

import sqlite3
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from os import PathLike

from agentcalls_mock import schema
from agentcalls_mock.profiles import profile_of
from agentcalls_mock.seeding import Seeding, calls_of, roster
from agentcalls_mock.store import INSERT, INSERT_AGENT, Store

# A file seeded for an earlier start is kept this long: its last 24 hours are then not empty.
KEPT_FOR = timedelta(hours=12)


class StoreError(Exception):
    """The database cannot be used; the text is one sentence that says why and what to do."""


def open_store(
    seeding: Seeding | None = None,
    path: str | PathLike[str] = ":memory:",
    *,
    keep: bool = False,
) -> Store:
    """The store in `path`; an empty one is seeded in one transaction. Close it after use.

    A file with the same seeding is reused. With `keep`, a file for an earlier `now` is also reused, for up to twelve
    hours, and then seeded again. Raises `StoreError` for a file with another seeding, a file that is not ours, and a
    file that cannot be opened.
    """
    seeding = seeding or Seeding()
    try:
        connection = _connected(path)
    except sqlite3.Error as error:
        raise StoreError(_unusable(path, error)) from error
    try:
        _prepare(connection, seeding, path, keep=keep)
    except sqlite3.Error as error:
        connection.close()
        raise StoreError(_unusable(path, error)) from error
    except BaseException:
        connection.close()
        raise
    return Store(connection)


def empty_store() -> Store:
    """A store in memory without an agent. Close it after use."""
    connection = _connected(":memory:")
    for statement in (*schema.TABLES, *schema.INDEXES):
        connection.execute(statement)
    return Store(connection)


def _connected(path: str | PathLike[str]) -> sqlite3.Connection:
    # Whoever serves the store and whoever changes it are different threads in tests.
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA cache_size = -65536")
    # REPLACE must fire the triggers for the row that goes.
    connection.execute("PRAGMA recursive_triggers = ON")
    return connection


def _prepare(
    connection: sqlite3.Connection, seeding: Seeding, path: str | PathLike[str], *, keep: bool
) -> None:
    tables = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    if tables and application != schema.APPLICATION_ID:
        message = f"{path} is not a database of this agentcalls-mock; name another file."
        raise StoreError(message)
    if tables:
        found = _seeding(connection)
        age = seeding.now - found.now
        if replace(found, now=seeding.now) != seeding or (age and not keep):
            message = (
                f"{path} was seeded with {found.describe()}; give the same options, "
                "name another file or delete this one."
            )
            raise StoreError(message)
        if timedelta(0) <= age <= KEPT_FOR:
            return
    connection.execute("BEGIN IMMEDIATE")
    try:
        for (table,) in tables:
            connection.execute(f"DROP TABLE {table}")
        _seed(connection, seeding)
    except BaseException:
        # Ctrl-C included: a file is either seeded or untouched.
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _seed(connection: sqlite3.Connection, seeding: Seeding) -> None:
    connection.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
    for statement in schema.TABLES:
        connection.execute(statement)
    connection.execute(
        "INSERT INTO seeding VALUES (?, ?, ?, ?)",
        (str(seeding.seed), seeding.calls, seeding.agents, seeding.now.isoformat()),
    )
    for key, agent in enumerate(roster(seeding), start=1):
        profile = profile_of(agent.id, key - 1, seeding.now)
        connection.execute(INSERT_AGENT, (key, agent.team, *profile))
        rows = ((key, *call) for call in calls_of(agent, seeding))
        connection.executemany(INSERT, rows)
    for statement in schema.INDEXES:
        connection.execute(statement)


def _seeding(connection: sqlite3.Connection) -> Seeding:
    seed, calls, agents, now = connection.execute("SELECT * FROM seeding").fetchone()
    return Seeding(seed=int(seed), calls=calls, agents=agents, now=datetime.fromisoformat(now))


def _unusable(path: str | PathLike[str], error: sqlite3.Error) -> str:
    return f"{path} cannot be used as the database: {error}."
