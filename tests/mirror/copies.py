"""What tests read of a copy, with what reads such files elsewhere; and kills between its statements."""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import duckdb

from agentcalls.mirror.databases.in_duckdb import InDuckDB
from agentcalls.mirror.databases.in_sqlite import InSQLite

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    import pytest

Row = dict[str, Any]
ENDINGS = ("sqlite", "duckdb")


def query(path: Path, statement: str) -> list[Row]:
    """The rows that a query gives, by the names of their columns."""
    if path.suffix == ".duckdb":
        with duckdb.connect(str(path)) as database:
            database.execute("SET TimeZone = 'UTC'")
            found = database.execute(statement)
            names = [one[0] for one in found.description or ()]
            return [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    with closing(sqlite3.connect(path)) as database:
        database.row_factory = sqlite3.Row
        return [dict(row) for row in database.execute(statement)]


def current(path: Path) -> dict[tuple[str, str], Row]:
    """The rows that are not marked, by agent and id; none is there twice."""
    if not path.exists():
        return {}
    rows = query(path, "SELECT * FROM current_calls")
    found = {(row["agent_id"], row["id"]): row for row in rows}
    assert len(found) == len(rows)
    return found


class Killed(BaseException):
    """The process ends here."""


@contextmanager
def killed_at(statement: int, monkeypatch: pytest.MonkeyPatch) -> Generator[list[int]]:
    """A block that ends with `Killed` before or behind this statement of it; gives what is left of the number."""
    left = [statement]

    def count() -> None:
        left[0] -= 1
        if left[0] == 0:
            raise Killed

    with monkeypatch.context() as patch:
        for kind in (InSQLite, InDuckDB):
            for name in ("run", "load", "put"):
                patch.setattr(kind, name, _counted(getattr(kind, name), count))
        yield left


def _counted(real: Any, count: Any) -> Any:
    def method(*arguments: Any, **named: Any) -> Any:
        count()
        found = real(*arguments, **named)
        count()
        return found

    return method
