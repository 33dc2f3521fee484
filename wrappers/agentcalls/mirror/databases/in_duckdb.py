"""A copy in DuckDB: a file that other processes can open while no sync writes it.

The table has no primary key: an index would make the file three times as large. `MERGE INTO` keeps the keys unique.
"""

from __future__ import annotations

from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

from agentcalls.export.as_duckdb import TYPES, connected, quoted
from agentcalls.export.disk import operations
from agentcalls.mirror.databases.target import Target
from agentcalls.mirror.schema import CALLS
from agentcalls.table.arrow import batch_maker
from agentcalls.table.columns import COLUMNS
from agentcalls.table.extras import need

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Sequence
    from pathlib import Path

    from agentcalls.mirror.schema import Table

_CONFIG = {"memory_limit": "256MB", "threads": 2, "TimeZone": "UTC"}
_OWN = [*(column.name for column in COLUMNS if column.name not in CALLS.key), "open"]
_DIFFERS = " OR ".join(f'calls."{name}" IS DISTINCT FROM came."{name}"' for name in _OWN)
_UPDATED = ", ".join(f'"{name}" = came."{name}"' for name in _OWN)
_GIVEN = ", ".join(f'came."{name}"' for name in (*CALLS.key, *_OWN))
_NAMES = ", ".join(f'"{name}"' for name in (*CALLS.key, *_OWN))
_MERGE = f"""
MERGE INTO calls USING came ON calls.agent_id = came.agent_id AND calls.id = came.id
WHEN MATCHED AND ({_DIFFERS} OR calls.deleted_at IS NOT NULL)
THEN UPDATE SET {_UPDATED}, changed_at = $stamp, deleted_at = NULL
WHEN NOT MATCHED THEN INSERT ({_NAMES}, first_seen, changed_at) VALUES ({_GIVEN}, $stamp, $stamp)
"""  # noqa: S608 (our own names)


class InDuckDB(Target):
    """A copy in a file of DuckDB."""

    name = "DuckDB"
    types = TYPES
    words: dict[str, str] = {  # noqa: RUF012 (it is never changed)
        "seconds": "TRY_CAST(sum(duration_seconds) AS BIGINT)",
        "day": "CAST(created_on AT TIME ZONE 'UTC' AS DATE)",
        "open": 'CAST("open" AS INTEGER)',
        "failed": "CAST(status IS NOT DISTINCT FROM 'failed' AS INTEGER)",
    }

    def __init__(self, connection: Any, path: Path, host: str | None) -> None:
        self._connection = connection
        self._pa = need("pyarrow")
        self._make = batch_maker()
        super().__init__(path, host)

    @classmethod
    @contextmanager
    def opened(cls, path: Path, host: str | None) -> Generator[InDuckDB]:
        """The copy in this file, until the block ends; an error of DuckDB's is an `OSError`."""
        need("pyarrow")
        version = "" if path.exists() else " (STORAGE_VERSION 'v1.0.0')"
        with connected() as connection:
            for name, value in _CONFIG.items():
                connection.execute(f"SET {name} = '{value}'")
            spill = quoted(path.with_name(f"{path.name}.spill"))
            connection.execute(f"SET temp_directory = {spill}")
            with operations.private():
                connection.execute(f"ATTACH {quoted(path)} AS copy{version}")
            connection.execute("USE copy")
            yield cls(connection, path, host)
            with operations.private():
                connection.execute("USE memory")
                connection.execute("DETACH copy")

    def run(self, statement: str, values: Any = ()) -> list[tuple[Any, ...]]:
        """As in `Target`."""
        with operations.private():  # its write-ahead log, and what it spills
            found: list[tuple[Any, ...]] = self._connection.execute(statement, values).fetchall()
        return found

    def cursor(self, statement: str, values: Any = ()) -> Any:
        """As in `Target`."""
        with operations.private():
            return self._connection.execute(statement, values)

    def load(self, table: Table, rows: Iterable[Sequence[Any]]) -> None:
        """As in `Target`: a table of Arrow's, registered by its name."""
        columns = list(zip(*rows, strict=True)) or [()] * len(table.fields)
        fields = [(field.name, self._types()[field.kind]) for field in table.fields]
        arrays = [self._pa.array(one, kind) for one, (_, kind) in zip(columns, fields, strict=True)]
        self._register(table.name, self._pa.table(arrays, schema=self._pa.schema(fields)))

    def unload(self, table: Table) -> None:
        """As in `Target`."""
        self._connection.unregister(table.name)

    def put_columns(self, columns: list[list[Any]], stamp: datetime) -> None:
        """As in `Target`."""
        *columns, opened = columns
        table = self._pa.Table.from_batches([self._make(columns)])
        table = table.append_column("open", self._pa.array(opened, self._pa.bool_()))
        self._register("came", _latest_of_each(table, self._pa))
        self.run(_MERGE, {"stamp": stamp})
        self._connection.unregister("came")

    def tables(self) -> set[str]:
        """As in `Target`."""
        return {
            name
            for (name,) in self.run(
                "SELECT table_name FROM information_schema.tables WHERE table_catalog = 'copy'"
            )
        }

    def _register(self, name: str, table: Any) -> None:
        # A replacement scan would look for it in the frame of the caller only.
        self._connection.register(name, table)

    def _types(self) -> dict[type, Any]:
        pa = self._pa
        return {
            str: pa.string(),
            int: pa.int64(),
            float: pa.float64(),
            bool: pa.bool_(),
            datetime: pa.timestamp("us", "UTC"),
        }


def _latest_of_each(table: Any, pa: Any) -> Any:
    # MERGE would insert a new call twice that came twice.
    keys = list(zip(*(table.column(name).to_pylist() for name in CALLS.key), strict=True))
    last = {key: number for number, key in enumerate(keys)}
    return table if len(last) == len(keys) else table.take(pa.array(last.values()))
