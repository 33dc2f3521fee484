"""A copy in SQLite: readers may read it at any time, since it has a write-ahead log."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from agentcalls.export.as_sqlite import MOMENT, TYPES, opened
from agentcalls.export.disk import operations
from agentcalls.mirror.databases.target import Target
from agentcalls.mirror.schema import CALLS
from agentcalls.table.columns import COLUMNS

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Generator, Iterable, Sequence
    from pathlib import Path

    from agentcalls.mirror.schema import Table

_CACHE_KIB = 32_768
_INDEXES = (
    "CREATE UNIQUE INDEX calls_key ON calls (agent_id, id)",
    "CREATE INDEX calls_order ON calls (agent_id, created_on, deleted_at)",
    "CREATE INDEX calls_changed ON calls (changed_at)",
    'CREATE INDEX calls_open ON calls (created_on) WHERE "open"',
    "CREATE UNIQUE INDEX seen_key ON seen (agent_id, id)",
    "CREATE UNIQUE INDEX agents_key ON agents (agent_id)",
)
_OWN = [column.name for column in COLUMNS if column.name not in CALLS.key]
_DIFFERS = " OR ".join(f'calls."{name}" IS NOT excluded."{name}"' for name in _OWN)
_VALUES = ", ".join(MOMENT if column.kind is datetime else "?" for column in COLUMNS)
_UPDATED = ", ".join(f'"{name}" = excluded."{name}"' for name in (*_OWN, "open", "changed_at"))
_NAMES = ", ".join(f'"{name}"' for name in CALLS.names if name != "deleted_at")
_UPSERT = f"""
INSERT INTO calls ({_NAMES}) VALUES ({_VALUES}, ?, ?, ?)
ON CONFLICT (agent_id, id) DO UPDATE SET {_UPDATED}, deleted_at = NULL
WHERE {_DIFFERS} OR calls.deleted_at IS NOT NULL
"""  # noqa: S608 (our own names)


class InSQLite(Target):
    """A copy in a file of SQLite."""

    name = "SQLite"
    types = TYPES
    words: dict[str, str] = {  # noqa: RUF012 (it is never changed)
        "seconds": "CAST(sum(1.0 * duration_seconds) AS INTEGER)",
        "day": "date(created_on)",
        "open": '"open"',
        "failed": "(status IS 'failed')",
    }

    def __init__(self, connection: sqlite3.Connection, path: Path, host: str | None) -> None:
        self._connection = connection
        self.run("PRAGMA journal_mode = WAL")
        self.run("PRAGMA synchronous = NORMAL")
        self.run(f"PRAGMA cache_size = -{_CACHE_KIB}")
        super().__init__(path, host)

    @classmethod
    @contextmanager
    def opened(cls, path: Path, host: str | None) -> Generator[InSQLite]:
        """The copy in this file, until the block ends; an error of SQLite's is an `OSError`."""
        if not path.exists():
            operations.new(path).close()  # SQLite would make it readable for others
        with opened(path, "rw") as connection:
            yield cls(connection, path, host)

    def create(self) -> None:
        """As in `Target`, with indexes."""
        super().create()
        for index in _INDEXES:
            self.run(index)

    def run(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """As in `Target`."""
        found: list[tuple[Any, ...]] = self.cursor(statement, values).fetchall()
        return found

    def cursor(self, statement: str, values: Sequence[Any] = ()) -> Any:
        """As in `Target`."""
        return self._connection.execute(statement, list(map(_stored, values)))

    def load(self, table: Table, rows: Iterable[Sequence[Any]]) -> None:
        """As in `Target`: a temporary table."""
        columns = ", ".join(f'"{field.name}" {TYPES[field.kind]}' for field in table.fields)
        self.run(f"CREATE TEMP TABLE {table.name} ({columns})")
        places = ", ".join("?" * len(table.fields))
        values = zip(*rows, strict=True)
        stored = [
            map(_stored, some) if field.kind is datetime else some
            for field, some in zip(table.fields, values, strict=False)  # no rows have no values
        ]
        self._connection.executemany(
            f"INSERT INTO temp.{table.name} VALUES ({places})",  # noqa: S608 (our own names)
            zip(*stored, strict=True),
        )
        if table.key:
            key = ", ".join(table.key)
            self.run(f"CREATE INDEX temp.{table.name}_key ON {table.name} ({key})")

    def unload(self, table: Table) -> None:
        """As in `Target`."""
        self.run(f"DROP TABLE temp.{table.name}")

    def put_columns(self, columns: list[list[Any]], stamp: datetime) -> None:
        """As in `Target`."""
        stamps = [_stored(stamp)] * len(columns[0])
        self._connection.executemany(_UPSERT, zip(*columns, stamps, stamps, strict=True))

    def tables(self) -> set[str]:
        """As in `Target`."""
        return {name for (name,) in self.run("SELECT name FROM sqlite_schema")}

    def value(self, kind: type, value: Any) -> Any:
        """As in `Target`."""
        if kind is datetime and value is not None:
            return datetime.fromisoformat(value).replace(tzinfo=UTC)
        return bool(value) if kind is bool and value is not None else value


def _stored(value: Any) -> Any:
    # A moment in the form of the columns of timestamps.
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")
    return value
