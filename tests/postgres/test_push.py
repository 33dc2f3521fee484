"""`push` into PostgreSQL: twice, with a kill between extracting and loading, equal to the copy."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING, Any

import psycopg2
import pytest

from agentcalls.mirror import push, sync
from agentcalls.mirror.schema import CALLS
from mirror.team_at_work import Work
from mirror.test_pushing import COLUMNS, KILLED, ORDER, change, moment, rows_of

if TYPE_CHECKING:
    from pathlib import Path

ROWS = 1000
JSON = CALLS.names.index("additional_properties")


@pytest.fixture
def copy(tmp_path: Path, postgres: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DESTINATION__POSTGRES__CREDENTIALS", postgres)
    work = Work(2, ROWS // 2, a_day=10)
    with work.client() as client:
        sync(client, work.agents, path := tmp_path / "calls.duckdb", audit=0)
    return path


def loaded(url: str) -> list[tuple[Any, ...]]:
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT {COLUMNS} FROM agentcalls.calls {ORDER}")  # noqa: S608
        return [comparable(row) for row in cursor.fetchall()]


def comparable(row: Any) -> tuple[Any, ...]:
    found = [moment(value) for value in row]
    if isinstance(found[JSON], str):
        found[JSON] = json.loads(found[JSON])
    return tuple(found)


def test_postgres_has_what_the_copy_has_after_two_pushes_and_a_kill(
    copy: Path, postgres: str
) -> None:
    assert push(copy, "postgres").rows == ROWS
    assert key_sorted(loaded(postgres)) == key_sorted([comparable(row) for row in rows_of(copy)])
    first = change(copy, "77")
    command = [sys.executable, "-c", KILLED, "extract", "after", str(copy), "postgres"]
    assert subprocess.run(command, capture_output=True, check=False).returncode == -9
    second = change(copy, "88")
    assert push(copy, "postgres").rows == first + second == ROWS // 50
    found, truth = loaded(postgres), [comparable(row) for row in rows_of(copy)]
    assert key_sorted(found) == key_sorted(truth)
    assert {row[-1] for row in found} > {None}  # deleted_at
    assert push(copy, "postgres").rows == 0


def key_sorted(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return sorted(rows, key=lambda row: row[:2])
