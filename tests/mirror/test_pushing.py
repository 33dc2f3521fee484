"""A push: a warehouse has what the copy has, whatever was killed between, and is told only of what changed."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from dlt.common.normalizers.naming.snake_case import NamingConvention

from agentcalls import ConfigurationError
from agentcalls.mirror import InUseError, push
from agentcalls.mirror.copies import opened
from agentcalls.mirror.pushing.loading import Loader, LoadError
from agentcalls.mirror.schema import CALLS
from agentcalls.mirror.syncing import sync
from mirror.team_at_work import Work

if TYPE_CHECKING:
    from pathlib import Path

ROWS = 300
COLUMNS = ", ".join(f'"{name}"' for name in CALLS.names)
ORDER = "ORDER BY agent_id, id"


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """dlt makes a DuckDB file where it runs."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return made(tmp_path / "calls.sqlite")


def made(path: Path) -> Path:
    work = Work(3, ROWS // 3, a_day=10)
    with work.client() as client:
        sync(client, work.agents, path, audit=0)
    return path


def rows_of(copy: Path) -> list[tuple[Any, ...]]:
    with opened(copy, None) as target:
        return target.fetch(CALLS, f"SELECT {COLUMNS} FROM calls {ORDER}")  # noqa: S608


def loaded(dataset: str = "agentcalls") -> list[tuple[Any, ...]]:
    names = map(
        NamingConvention().normalize_identifier, CALLS.names
    )  # dlt's: recordingUrl is recording_url
    columns = ", ".join(f'"{name}"' for name in names)
    with duckdb.connect("agentcalls_push.duckdb") as connection:
        rows = connection.execute(f"SELECT {columns} FROM {dataset}.calls {ORDER}").fetchall()  # noqa: S608
    return [tuple(map(moment, row)) for row in rows]


def moment(value: Any) -> Any:
    return value.astimezone(UTC) if isinstance(value, datetime) else value


def change(copy: Path, ending: str = "7") -> int:
    """Some calls are marked, or have fields that nobody knows; returns how many."""
    with opened(copy, None) as target:
        stamp = target.next_stamp(datetime.now(UTC))
        target.run(
            "UPDATE calls SET status = NULL, additional_properties = ?, deleted_at = ?, changed_at = ?"
            " WHERE id LIKE ?",
            ['{"é":[1,2.5,null]}', stamp, stamp, f"%{ending}"],
        )
        target.note("stamp", stamp.isoformat())
        ((count,),) = target.run("SELECT count(*) FROM calls WHERE changed_at = ?", [stamp])
    return int(count)


@pytest.mark.share
@pytest.mark.parametrize("name", ["calls.duckdb", "calls.sqlite"])
def test_a_warehouse_has_all_that_the_copy_has_and_then_what_changed(
    tmp_path: Path, name: str
) -> None:
    copy = made(tmp_path / name)
    assert push(copy, "duckdb").rows == ROWS
    assert loaded() == rows_of(copy)
    changed = change(copy)
    assert changed == ROWS / 10
    pushed = push(copy, "duckdb")
    assert (pushed.rows, pushed.mark) == (changed, max(row[-2] for row in rows_of(copy)))
    assert loaded() == rows_of(copy)


def test_a_repeated_push_changes_nothing(tmp_path: Path) -> None:
    copy = made(tmp_path / "calls.duckdb")
    push(copy, "duckdb")
    before = loaded()
    again = push(copy, "duckdb")
    assert again.rows == 0
    assert again.mark
    assert push(copy, "duckdb", full=True).rows == ROWS
    assert loaded() == before


KILLED = """
import os, signal, sys
from agentcalls.mirror.pushing import loading, push

step = getattr(loading.Loader, sys.argv[1])

def kill(self, *given):
    if sys.argv[2] == "after":
        step(self, *given)
    os.kill(os.getpid(), signal.SIGKILL)

setattr(loading.Loader, sys.argv[1], kill)
push.push(sys.argv[3], sys.argv[4])
"""


@pytest.mark.share(one_in=3)
@pytest.mark.parametrize("step", ["before extract", "after extract", "after load"])
def test_a_push_that_is_killed_is_repeated_by_the_next(copy: Path, step: str) -> None:
    push(copy, "duckdb")
    first = change(copy)
    when, name = step.split()
    command = [sys.executable, "-c", KILLED, name, when, str(copy), "duckdb"]
    assert subprocess.run(command, capture_output=True, check=False).returncode == -9
    second = change(copy, "8")  # what a sync brings meanwhile
    # The first is pending, or loaded, and not noted.
    assert push(copy, "duckdb").rows == first + second
    assert loaded() == rows_of(copy)
    assert push(copy, "duckdb").rows == 0


def test_what_one_place_did_not_take_is_not_loaded_into_another(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    push(copy, "duckdb")

    def refused(_: Loader) -> None:
        raise LoadError("full")

    with monkeypatch.context() as patched:
        patched.setattr(Loader, "load", refused)
        with pytest.raises(LoadError):
            push(copy, "duckdb", dataset="other")
    took: list[int] = []

    def counted(self: Loader) -> None:
        real(self)
        took.append(self._pipeline.last_trace.last_normalize_info.row_counts[CALLS.name])

    real = Loader.load
    monkeypatch.setattr(Loader, "load", counted)
    changed = change(copy)
    assert push(copy, "duckdb").rows == changed
    assert took == [changed]
    assert loaded() == rows_of(copy)
    assert push(copy, "duckdb", dataset="other").rows == ROWS
    assert loaded("other") == rows_of(copy)


@pytest.mark.parametrize(("form", "package"), [("delta", "deltalake"), ("iceberg", "pyiceberg")])
def test_a_table_format_without_its_package_is_refused_before_anything_is_extracted(
    copy: Path, monkeypatch: pytest.MonkeyPatch, form: str, package: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ConfigurationError, match=rf'pip install "dlt\[{package}\]"'):
        push(copy, "filesystem", table_format=form)
    assert not list(copy.parent.glob("**/extracted/*"))


def test_two_pushes_at_once_are_one(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refused: list[str] = []

    def load(self: Loader) -> None:
        monkeypatch.setattr(Loader, "load", real)
        with pytest.raises(InUseError) as error:
            push(copy, "duckdb", dataset="raw_calls")
        refused.append(str(error.value))
        real(self)

    real = Loader.load
    monkeypatch.setattr(Loader, "load", load)
    assert push(copy, "duckdb").rows == ROWS
    assert refused == [f"Another push of {copy} is under way."]
    assert loaded() == rows_of(copy)


@pytest.mark.share(pool="more pushes")
def test_another_dataset_has_a_mark_of_its_own(copy: Path) -> None:
    push(copy, "duckdb")
    assert push(copy, "duckdb", dataset="raw_calls").rows == ROWS
    assert loaded("raw_calls") == loaded()


@pytest.mark.share(pool="more pushes")
def test_another_database_of_the_same_kind_has_one_too(
    copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    push(copy, "duckdb")
    elsewhere = tmp_path / "elsewhere.duckdb"
    monkeypatch.setenv("DESTINATION__DUCKDB__CREDENTIALS", f"duckdb:///{elsewhere}")
    assert push(copy, "duckdb").rows == ROWS
    assert elsewhere.exists()


def test_an_empty_copy_pushes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "empty.sqlite"
    work = Work(1, 0, a_day=1)
    with work.client() as client:
        sync(client, work.agents, path, audit=0)
    pushed = push(path, "duckdb")
    assert (pushed.rows, pushed.mark) == (0, None)


def test_a_destination_that_refuses_leaves_the_mark_where_it_was(copy: Path) -> None:
    push(copy, "duckdb")
    changed = change(copy)
    with duckdb.connect("agentcalls_push.duckdb") as connection:
        connection.execute("ALTER TABLE agentcalls.calls DROP COLUMN duration_seconds")
    with pytest.raises(LoadError, match="dlt could not load the calls"):
        push(copy, "duckdb")
    with duckdb.connect("agentcalls_push.duckdb") as connection:
        connection.execute("ALTER TABLE agentcalls.calls ADD COLUMN duration_seconds BIGINT")
    assert push(copy, "duckdb").rows == changed


@pytest.mark.parametrize(
    ("destination", "sentence"),
    [
        ("nowhere", "dlt:nowhere cannot be used"),
        ("filesystem", "dlt:filesystem appends to plain files"),
        ("postgres", "dlt:postgres cannot be used"),
    ],
)
def test_a_destination_that_cannot_be_used_is_refused(
    copy: Path, destination: str, sentence: str
) -> None:
    with pytest.raises(ConfigurationError, match=sentence):
        push(copy, destination)


@pytest.mark.parametrize(
    "wrong", [{"destination": 5}, {"dataset": ""}, {"dataset": 5}, {"table_format": 5}, {"full": 1}]
)
def test_an_argument_that_is_not_allowed_is_named(copy: Path, wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(wrong))):
        push(copy, **{"destination": "duckdb", **wrong})
    assert not copy.with_name(f"{copy.name}.push").exists()


def test_without_a_copy_nothing_is_made(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="There is no"):
        push(tmp_path / "calls.duckdb", "duckdb")
    assert not any(tmp_path.iterdir())


def test_what_is_loaded_is_kept_nowhere_else(copy: Path) -> None:
    for _ in range(2):
        assert push(copy, "duckdb").rows
        change(copy)
        assert not [*copy.with_name(f"{copy.name}.push").rglob("*.parquet")]


def test_what_waits_to_be_loaded_is_for_its_owner_alone(copy: Path) -> None:
    with pytest.raises(ConfigurationError):
        push(copy, "nowhere")
    assert copy.with_name(f"{copy.name}.push").stat().st_mode & 0o077 == 0
