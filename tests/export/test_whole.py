"""Nothing is said of a file that was not opened and counted once more; databases are groups of files."""

from __future__ import annotations

import errno
import os
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from pyarrow import ipc

from agentcalls import Client, ConfigurationError
from agentcalls.export import Progress, as_duckdb, as_sqlite, export
from agentcalls.export.disk import operations
from disks import Disk
from exports import rows_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

AGENTS = ["agent_one", "agent_demo"]
DATABASES = ["sqlite", "duckdb"]


class StoppedError(Exception):
    pass


def stop_building(progress: Progress) -> None:
    if progress.built:
        raise StoppedError


@pytest.mark.parametrize("path", ["x.sqlite-wal", "x.db-shm", "x.sqlite3-journal", "x.duckdb.wal"])
def test_what_is_left_of_another_database_is_refused(
    path: str, reader: Client, tmp_path: Path
) -> None:
    left = tmp_path / path
    name = path.removesuffix(".wal").partition("-")[0]
    left.touch()
    with pytest.raises(ConfigurationError, match=f"{left} belongs to another database"):
        export(reader, AGENTS, tmp_path / name, force=True)
    assert [entry.name for entry in tmp_path.iterdir()] == [path]
    left.unlink()

    def leave(_: Progress) -> None:
        left.touch()

    with pytest.raises(ConfigurationError, match=f"{left} belongs to another database"):
        export(reader, AGENTS, tmp_path / name, progress=leave)
    assert not (tmp_path / name).exists()
    left.unlink()
    assert export(reader, AGENTS, tmp_path / name, resume=True).calls == 251
    assert export(reader, AGENTS, tmp_path / "x.parquet").calls == 251  # it has no such files


def test_a_write_ahead_log_of_before_does_not_come_back(reader: Client, tmp_path: Path) -> None:
    path = tmp_path / "calls.sqlite"
    with closing(sqlite3.connect(path)) as old:
        old.execute("PRAGMA journal_mode = wal")
        old.execute("CREATE TABLE calls (id TEXT)")
        old.commit()
        with pytest.raises(ConfigurationError, match=r"close calls\.sqlite where it is open"):
            export(reader, AGENTS, path, force=True)
        assert old.execute("SELECT count(*) FROM calls").fetchone() == (0,)
    assert export(reader, AGENTS, path, force=True).calls == 251
    with closing(sqlite3.connect(path)) as new:
        assert new.execute("PRAGMA integrity_check").fetchone() == ("ok",)


@pytest.mark.parametrize("error", [None, OSError(), sqlite3.Error()])
def test_an_error_that_is_not_of_a_lock_does_not_say_that_a_database_is_in_use(
    error: BaseException | None,
) -> None:
    assert not as_sqlite.is_in_use(error)


def test_a_database_in_use_is_not_replaced(reader: Client, tmp_path: Path) -> None:
    path, other = tmp_path / "calls.sqlite", tmp_path / "calls.duckdb"
    with closing(sqlite3.connect(path, isolation_level=None)) as old:
        old.execute("CREATE TABLE calls (id TEXT)")
        old.execute("BEGIN IMMEDIATE")
        with pytest.raises(ConfigurationError, match=f"{path} is in use: close it first"):
            export(reader, AGENTS, path, force=True)
    with (
        duckdb.connect(str(other)),
        pytest.raises(ConfigurationError, match=f"{other} is in use: close it first"),
    ):
        export(reader, AGENTS, other, force=True)
    for each in (path, other):
        assert export(reader, AGENTS, each, force=True).calls == 251
        each.write_text("no database at all")
        assert export(reader, AGENTS, each, force=True).calls == 251
        assert len(rows_of(each)) == 251


@pytest.mark.parametrize("ending", ["parquet", "arrow", *DATABASES])
def test_a_file_with_fewer_calls_is_no_success(ending: str, reader: Client, tmp_path: Path) -> None:
    path = tmp_path / f"calls.{ending}"
    path.write_text("mine")
    rows = tmp_path / f"calls.{ending}.partial" / "rows"

    def lose_one(progress: Progress) -> None:
        if progress.agents_done == 2 and progress.built is None:
            if ending in DATABASES:
                rows.write_bytes(rows.read_bytes().partition(b"\n")[2])
                return
            with ipc.open_stream(rows.read_bytes()) as stream:
                table = stream.read_all().slice(1)
            with ipc.new_stream(rows, table.schema) as stream:
                stream.write(table)

    with pytest.raises(OSError, match="It holds 250 calls, and not 251") as caught:
        export(reader, AGENTS, path, progress=lose_one, force=True)
    assert caught.value.errno == errno.EIO
    assert path.read_text() == "mine"
    assert export(reader, AGENTS, path, resume=True).calls == 251


@pytest.mark.parametrize("ending", DATABASES)
def test_what_a_library_left_beside_an_unfinished_database_is_not_read(
    ending: str, reader: Client, tmp_path: Path
) -> None:
    path = tmp_path / f"calls.{ending}"
    with pytest.raises(StoppedError):
        export(reader, AGENTS, path, progress=stop_building)
    folder = tmp_path / f"calls.{ending}.partial"
    (folder / "built.wal").write_text("of before")
    (folder / "built-journal").write_text("of before")
    (folder / "spill").mkdir()
    (folder / "spill" / "numbers").write_text("of before")
    assert export(reader, AGENTS, path, resume=True).calls == 251
    if ending == "sqlite":
        (folder / "built.wal").unlink()  # none of its own
    else:
        (folder / "built-journal").unlink()
    folder.rmdir()


@pytest.mark.parametrize("form", [as_sqlite, as_duckdb])
def test_an_error_of_a_library_is_one_of_the_disk(form: Any, tmp_path: Path) -> None:
    (tmp_path / "rows").write_text("no database")
    with pytest.raises(OSError, match=r"^\[Errno 5\] (SQLite|DuckDB): .*not a"):
        form.count(tmp_path / "rows")


@pytest.mark.parametrize("sign", ["?", "*", "[", "\\"])
def test_a_name_that_duckdb_reads_as_a_pattern_is_refused_at_once(
    sign: str, reader: Client, tmp_path: Path
) -> None:
    folder = tmp_path / f"a{sign}b"
    folder.mkdir()
    for path in (tmp_path / f"a{sign}b.duckdb", folder / "calls.duckdb"):
        with pytest.raises(ConfigurationError, match="as a pattern: choose another name or folder"):
            export(reader, AGENTS, path)
    for ending in ("sqlite", "parquet", "csv"):
        export(reader, AGENTS, tmp_path / f"a{sign}b.{ending}")
        assert len(rows_of(tmp_path / f"a{sign}b.{ending}")) == 251


def test_a_name_that_is_not_utf_8_is_refused_at_once_where_duckdb_cannot_have_it(
    reader: Client, tmp_path: Path
) -> None:
    folder = tmp_path / "a\udcffb"
    folder.mkdir()
    for path in (tmp_path / "a\udcffb.duckdb", folder / "calls.duckdb"):
        with pytest.raises(ConfigurationError, match="DuckDB takes no name that is not UTF-8"):
            export(reader, AGENTS, path)
    assert list(folder.iterdir()) == []
    for ending in ("sqlite", "parquet", "xlsx", "csv"):
        assert export(reader, AGENTS, folder / f"a\udcffb.{ending}").calls == 251


def test_a_file_that_could_not_be_counted_once_more_is_refused_at_once(
    reader: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "calls.sqlite"
    path.write_text("mine")
    # As of a file with mode 0200, whoever asks.
    monkeypatch.setattr(os, "access", lambda _, how: how == os.W_OK)
    with pytest.raises(ConfigurationError, match="cannot be read, and a new one"):
        export(reader, AGENTS, path, force=True)
    assert path.read_text() == "mine"
    path = path.rename(tmp_path / "calls.csv")
    assert export(reader, AGENTS, path, force=True).calls == 251


def test_a_database_that_cannot_be_opened_is_replaced(
    reader: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "calls.sqlite"
    path.write_text("mine")

    def connect(*_: Any, timeout: float, **__: Any) -> None:
        monkeypatch.undo()
        raise sqlite3.OperationalError(f"unable to open database file within {timeout} s")

    monkeypatch.setattr(sqlite3, "connect", connect)
    assert export(reader, AGENTS, path, force=True).calls == 251


def test_an_error_of_the_disk_names_the_file(reader: Client, tmp_path: Path) -> None:
    def exported(number: int) -> tuple[Disk, OSError | None]:
        folder = tmp_path / str(number)
        folder.mkdir()
        path, disk = folder / "calls.csv", Disk(folder, "EIO", number)
        path.write_text("mine")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(operations, "os", disk)
            try:
                export(reader, ["agent_one"], path, force=True)
            except OSError as error:
                return disk, error
        return disk, None

    calls = exported(10_000)[0].calls
    met = [error for number in range(1, calls + 1) if (error := exported(number)[1])]
    assert len(met) > calls // 2
    assert {error.errno for error in met} == {errno.EIO}
    assert [error for error in met if not error.filename] == []


@pytest.mark.share("name")
@pytest.mark.parametrize(
    "name", ["~x", "~", "s3:x", "file:x", "https:x", "status=failed/x", ":memory:", "a#b", "{a,b}"]
)
@pytest.mark.parametrize("ending", ["duckdb", "sqlite", "parquet"])
def test_other_odd_names_are_names(
    ending: str, name: str, reader: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / f"{name}.{ending}"
    path.parent.mkdir(exist_ok=True)
    export(reader, AGENTS, os.path.relpath(path))
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]
    plain = path.rename(tmp_path / f"plain.{ending}")
    assert {row["status"] for row in rows_of(plain)} != {"failed"}


@pytest.fixture
def keeps_receipts(tmp_path: Path) -> None:
    try:
        os.setxattr(tmp_path, "user.agentcalls.test", b"")
    except (AttributeError, OSError):
        pytest.skip("this file system keeps no attributes")


@pytest.mark.usefixtures("keeps_receipts")
@pytest.mark.parametrize("ending", ["csv.gz", "parquet", *DATABASES])
def test_to_resume_what_is_complete_reads_nothing_and_succeeds(
    ending: str, reader: Client, tmp_path: Path
) -> None:
    path = tmp_path / f"calls.{ending}"
    outcome = export(reader, AGENTS, path)
    made = path.stat()
    assert not outcome.already
    again = export(reader, AGENTS, path, resume=True)
    assert (again.calls, again.agents, again.already) == (251, 2, True)
    assert path.stat().st_ino == made.st_ino
    for other in ({"agents": AGENTS[:1]}, {"status": "failed"}, {"resume": False}):
        options: dict[str, Any] = {"agents": AGENTS, "resume": True, **other}
        with pytest.raises(ConfigurationError, match="already exists"):
            export(reader, path=path, **options)
    # One that was changed since is not ours any more, and force is to read again.
    assert not export(reader, AGENTS, path, resume=True, force=True).already
    with path.open("ab") as file:
        file.write(b"mine")
    with pytest.raises(ConfigurationError, match="already exists"):
        export(reader, AGENTS, path, resume=True)


def made_by_others(path: Path) -> None:
    path.write_text("theirs")


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_file_that_came_meanwhile_is_not_replaced(
    ending: str, reader: Client, tmp_path: Path
) -> None:
    path = tmp_path / f"calls.{ending}"
    with pytest.raises(ConfigurationError, match="already exists"):
        export(reader, AGENTS, path, progress=lambda _: made_by_others(path))
    assert path.read_text() == "theirs"
    export(reader, AGENTS, path, resume=True, force=True)
    assert len(rows_of(path)) == 251


def lost(*names: str) -> Callable[[Path], None]:
    def lose(folder: Path) -> None:
        for name in names:
            (folder / name).write_bytes(b"")

    return lose


@pytest.mark.parametrize("ending", ["csv", "sqlite"])
@pytest.mark.parametrize("lose", [lost("rows"), lost("built"), lost("rows", "built")])
def test_what_a_disk_lost_is_made_again(
    lose: Callable[[Path], None],
    ending: str,
    *,
    reader: Client,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def stop(*_: object) -> None:
        raise StoppedError

    path = tmp_path / f"calls.{ending}"
    path.write_text("mine")
    monkeypatch.setattr("agentcalls.export.workspace.Workspace.publish", stop)
    with pytest.raises(StoppedError):
        export(reader, AGENTS, path, force=True)
    monkeypatch.undo()
    lose(tmp_path / f"calls.{ending}.partial")
    assert export(reader, AGENTS, path, resume=True).calls == 251
    assert len(rows_of(path)) == 251


@pytest.mark.parametrize("number", [errno.EINVAL, errno.EIO])
def test_a_folder_that_cannot_be_synced_matters_if_its_disk_fails(
    number: int, reader: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced = os.fsync

    def fail(descriptor: int) -> None:
        if os.path.isdir(f"/proc/self/fd/{descriptor}"):  # noqa: PTH112 (as short)
            raise OSError(number, os.strerror(number))
        synced(descriptor)

    path = tmp_path / "calls.csv"
    monkeypatch.setattr(os, "fsync", fail)
    if number == errno.EINVAL:
        assert export(reader, AGENTS, path).calls == 251
    else:
        with pytest.raises(OSError, match="Input/output error"):
            export(reader, AGENTS, path)
    monkeypatch.undo()


def test_a_folder_that_cannot_be_opened_is_not_synced(
    reader: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = os.open

    def refuse(path: Path, flags: int, *arguments: Any) -> int:
        if path == tmp_path and flags == os.O_RDONLY:
            raise PermissionError
        return opened(path, flags, *arguments)

    monkeypatch.setattr(os, "open", refuse)
    assert export(reader, AGENTS, tmp_path / "calls.csv").calls == 251


def test_a_lock_that_fails_for_its_disk_ends_it(
    reader: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr("fcntl.flock", fail)
    with pytest.raises(OSError, match="Input/output error"):
        export(reader, AGENTS, tmp_path / "calls.csv")
