"""A database that a copy is in: statements, transactions, and rows that a statement needs as a table."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from agentcalls.mirror import schema
from agentcalls.settings import BATCH
from agentcalls.table.columns import storable_values

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Sequence

    from agentcalls.mirror.schema import Table


class Database(ABC):
    """A connection to a database; what is abstract here is what the two kinds do differently."""

    name: str
    types: dict[type, str]
    """What the database calls the kinds of columns."""
    words: dict[str, str]
    """What stands for the placeholders of `schema.VIEWS`."""

    @abstractmethod
    def run(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The rows that a statement gives; moments in `values` and in rows are aware datetimes."""

    @abstractmethod
    def cursor(self, statement: str, values: Sequence[Any] = ()) -> Any:
        """The same, to be fetched piece by piece."""

    @abstractmethod
    def load(self, table: Table, rows: Iterable[Sequence[Any]]) -> None:
        """Make the rows a table of this name for the statements that follow, until the transaction ends."""

    @abstractmethod
    def unload(self, table: Table) -> None:
        """Drop such a table."""

    @abstractmethod
    def tables(self) -> set[str]:
        """The names of what is in the database."""

    @contextmanager
    def transaction(self) -> Generator[None]:
        """A transaction: all of the block, or nothing."""
        self.run("BEGIN")
        try:
            yield
            self.run("COMMIT")
        except BaseException:
            with suppress(Exception):  # the database may have given up by itself
                self.run("ROLLBACK")
            raise

    def fetch(
        self, table: Table, statement: str, values: Sequence[Any] = ()
    ) -> list[tuple[Any, ...]]:
        """The rows that a statement gives, with the columns of a table."""
        return [self._row(table, row) for row in self.run(statement, values)]

    def pieces(
        self, table: Table, statement: str, values: Sequence[Any] = ()
    ) -> Iterator[list[tuple[Any, ...]]]:
        """The same, so many rows at a time; no other statement may come between."""
        cursor = self.cursor(statement, values)
        while rows := cursor.fetchmany(BATCH):
            yield [self._row(table, row) for row in rows]

    def _row(self, table: Table, row: Sequence[Any]) -> tuple[Any, ...]:
        return tuple(
            self.value(field.kind, value) for field, value in zip(table.fields, row, strict=True)
        )

    def value(self, kind: type, value: Any) -> Any:
        """A value of the database as one of Python's."""
        return value.astimezone(UTC) if kind is datetime and value is not None else value

    @contextmanager
    def loaded(self, table: Table, rows: Iterable[Sequence[Any]]) -> Generator[None]:
        """A block in which the rows are a table of this name; what it cannot hold is changed as in `calls`."""
        rows = list(rows)
        try:
            self.load(table, rows)
        except (UnicodeEncodeError, OverflowError):
            self.unload(table)
            # Rows that differed in nothing else are one.
            self.load(table, dict.fromkeys(map(storable_values, rows)))
        try:
            yield
        finally:
            self.unload(table)

    def replace(self, table: Table, rows: Iterable[Sequence[Any]], *, by: tuple[str, ...]) -> None:
        """Write rows in place of the rows with the same values of `by`."""
        if not (rows := list(rows)):
            return
        came = schema.Table("came", table.fields)
        same = " AND ".join(f"came.{name} = {table.name}.{name}" for name in by)
        with self.loaded(came, rows):
            self.run(
                f"DELETE FROM {table.name} WHERE rowid IN"  # noqa: S608 (our own names)
                f" (SELECT {table.name}.rowid FROM came CROSS JOIN {table.name} WHERE {same})"
            )
            self.run(f"INSERT INTO {table.name} ({table.columns}) SELECT {table.columns} FROM came")  # noqa: S608 (the same)
