"""What an export and a report leave to others: nothing that they may read, write or put in the way."""

from __future__ import annotations

import os
import stat
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from agentcalls import Client, ConfigurationError
from agentcalls.export import Progress, export, written_whole
from agentcalls.export.disk import operations
from exports import rows_of

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

AGENTS = ["agent_one", "agent_demo"]


class StoppedError(Exception):
    pass


@pytest.fixture(params=[0, 0o022, 0o077], ids=oct)
def umask(request: pytest.FixtureRequest) -> Generator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


@pytest.mark.usefixtures("umask")
@pytest.mark.parametrize("ending", ["csv", "parquet", "arrow", "sqlite", "duckdb"])
def test_nobody_else_reads_an_export_or_what_it_is_made_of(
    ending: str, reader: Client, tmp_path: Path
) -> None:
    path = tmp_path / f"calls.{ending}"
    folder = tmp_path / f"{path.name}.partial"
    seen: set[str] = set()

    def look(_: Progress) -> None:
        assert mode(folder) == 0o700
        for file in folder.iterdir():
            seen.add(file.name)
            assert mode(file) == 0o600, file

    export(reader, AGENTS, path, progress=look, journal_calls=1)
    assert seen >= {"rows", "journal"} | (set() if ending == "csv" else {"built"})
    assert mode(path) == 0o600


@pytest.mark.usefixtures("umask")
def test_nobody_else_reads_a_report(tmp_path: Path) -> None:
    with written_whole(tmp_path / "report.html") as file:
        file.write("numbers")
        (partial,) = tmp_path.iterdir()
        assert mode(partial) == 0o600
    assert mode(tmp_path / "report.html") == 0o600


@pytest.mark.parametrize("ending", ["csv", "sqlite", "duckdb"])
def test_a_file_that_is_replaced_keeps_its_mode(
    ending: str, reader: Client, tmp_path: Path
) -> None:
    path = tmp_path / f"calls.{ending}"
    for kept in (0o644, 0o600, 0o444):
        path.write_text("mine")
        path.chmod(kept)
        export(reader, AGENTS, path, force=True)
        assert mode(path) == kept
        assert len(rows_of(path)) == 251
        path.chmod(0o600)


def of_another(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a file look like another user's."""
    known = os.stat

    def look(asked: Any, **options: Any) -> os.stat_result:
        found = known(asked, **options)
        return owned(found, found.st_uid + 1) if asked == path else found

    monkeypatch.setattr(os, "stat", look)


def owned(found: os.stat_result, owner: int) -> os.stat_result:
    return os.stat_result([*found[:4], owner, *found[5:10]])


@pytest.mark.parametrize("kind", ["export", "report"])
def test_a_file_that_is_replaced_keeps_its_owner(
    kind: str, reader: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, given = tmp_path / "calls.csv", set[tuple[int, int]]()
    path.write_text("mine")
    found = path.stat()
    of_another(path, monkeypatch)
    monkeypatch.setattr(os, "chown", lambda _, *owners: given.add(owners))
    if kind == "export":
        export(reader, AGENTS, path, force=True)
    else:
        with written_whole(path) as file:
            file.write("new")
    assert given == {(found.st_uid + 1, found.st_gid)}
    assert path.read_text() != "mine"


@pytest.mark.parametrize("kind", ["export", "report"])
def test_a_file_whose_owner_cannot_stay_is_refused_before_the_first_request(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    path = tmp_path / "calls.csv"
    path.write_text("mine")
    of_another(path, monkeypatch)
    monkeypatch.setattr(os, "chown", refuse)
    with pytest.raises(ConfigurationError, match="belongs to another user or group"):
        begun(path, force=True) if kind == "export" else reported(path)
    assert [(entry.name, entry.read_text()) for entry in tmp_path.iterdir()] == [
        ("calls.csv", "mine")
    ]


def test_a_file_that_is_replaced_keeps_its_access_list(reader: Client, tmp_path: Path) -> None:
    path = tmp_path / "calls.csv"
    path.write_text("mine")
    # user::rw- user:12:r-- group::--- mask::r-- other::---
    entries = [(1, 6, 2**32 - 1), (2, 4, 12), (4, 0, 2**32 - 1), (16, 4, 2**32 - 1)]
    entries.append((32, 0, 2**32 - 1))
    acl = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)
    try:
        os.setxattr(path, "system.posix_acl_access", acl)
    except OSError:
        pytest.skip("this file system has no access lists")
    export(reader, AGENTS, path, force=True)
    assert os.getxattr(path, "system.posix_acl_access") == acl


def begun(path: Path, **options: Any) -> None:
    """An export that cannot send anything."""
    with Client(api_key="sk_x", base_url="http://127.0.0.1:1", max_retries=0) as client:
        export(client, AGENTS, path, **options)


def reported(path: Path) -> None:
    with written_whole(path):
        pytest.fail("the block ran")


def link(folder: Path) -> None:
    elsewhere = folder.with_name("elsewhere")
    elsewhere.mkdir()
    folder.symlink_to(elsewhere)


@pytest.mark.parametrize(
    ("plant", "why"),
    [
        (link, "is a link, or no folder"),
        (Path.write_text, "is a link, or no folder"),
        (os.mkfifo, "is a link, or no folder"),
        (lambda folder: (folder.mkdir(), folder.chmod(0o755)), r"is open to others \(mode 755\)"),
        (lambda folder: (folder.mkdir(), folder.chmod(0o710)), r"is open to others \(mode 710\)"),
        (lambda folder: (folder.mkdir(), folder.chmod(0o702)), r"is open to others \(mode 702\)"),
    ],
)
def test_a_folder_that_is_not_its_own_is_refused_before_the_first_request(
    plant: Callable[..., object], why: str, tmp_path: Path
) -> None:
    path, folder = tmp_path / "calls.csv", tmp_path / "calls.csv.partial"
    plant(*([folder, ""] if plant == Path.write_text else [folder]))
    before = folder.lstat()
    for options in ({}, {"force": True}, {"resume": True}):
        with pytest.raises(ConfigurationError, match=f"{folder} {why}, and is not used: delete"):
            begun(path, **options)
    assert folder.lstat().st_mode == before.st_mode
    assert not path.exists()


@pytest.mark.parametrize("takes_files", [True, False])
def test_the_folder_of_another_user_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, takes_files: bool
) -> None:
    (tmp_path / "calls.csv.partial").mkdir(mode=0o700)
    fstat, opened = os.fstat, os.open

    def look(descriptor: int) -> os.stat_result:
        found = fstat(descriptor)
        return owned(found, found.st_uid + 1) if stat.S_ISDIR(found.st_mode) else found

    def refuse(path: Path, *arguments: Any) -> int:
        if path.parent.name == "calls.csv.partial":
            raise PermissionError
        return opened(path, *arguments)

    monkeypatch.setattr(os.path, "samestat", lambda _, __: True)
    monkeypatch.setattr(os, "fstat", look)
    if not takes_files:
        monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(ConfigurationError, match=r"belongs to another user.*, and is not used"):
        begun(tmp_path / "calls.csv")
    assert list((tmp_path / "calls.csv.partial").iterdir()) == []


def test_where_files_have_no_modes_a_folder_without_them_is_used(
    reader: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As on FAT: whatever is made is open to all, and a server may give all to nobody.
    fstat = os.fstat

    def look(descriptor: int) -> os.stat_result:
        found = fstat(descriptor)
        return os.stat_result([found.st_mode | 0o077, *found[1:4], 65534, *found[5:10]])

    (tmp_path / "calls.csv.partial").mkdir(mode=0o700)
    monkeypatch.setattr(os.path, "samestat", lambda _, __: True)
    monkeypatch.setattr(os, "fstat", look)
    assert export(reader, AGENTS, tmp_path / "calls.csv").calls == 251


@pytest.mark.parametrize("name", ["journal.new", "journal.trial", "rows", "built", "built-wal"])
@pytest.mark.parametrize("dangling", [True, False])
def test_a_link_that_was_planted_is_not_written_through(
    name: str, reader: Client, tmp_path: Path, *, dangling: bool
) -> None:
    path, victim = tmp_path / "calls.sqlite", tmp_path / "victim"
    folder = tmp_path / "calls.sqlite.partial"
    folder.mkdir(mode=0o700)
    if not dangling:
        victim.write_text("theirs")
    (folder / name).symlink_to(victim)
    export(reader, AGENTS, path)
    assert len(rows_of(path)) == 251
    assert victim.exists() != dangling
    assert dangling or victim.read_text() == "theirs"
    assert not folder.exists()


@pytest.mark.parametrize("planted", ["link", "hard link", "pipe"])
@pytest.mark.parametrize("name", ["rows", "journal"])
def test_files_that_an_export_did_not_make_are_not_gone_on_with(
    name: str, planted: str, reader: Client, tmp_path: Path
) -> None:
    def stop(progress: Progress) -> None:
        if progress.agents_done == 1:
            raise StoppedError

    path, victim = tmp_path / "calls.csv", tmp_path / "victim"
    with pytest.raises(StoppedError):
        export(reader, AGENTS, path, progress=stop, journal_calls=1)
    file = tmp_path / "calls.csv.partial" / name
    victim.write_bytes(file.read_bytes())
    before = victim.read_bytes()
    file.unlink()
    if planted == "pipe":
        os.mkfifo(file)
    elif planted == "link":
        file.symlink_to(victim)
    else:
        file.hardlink_to(victim)
    if planted == "pipe" and name == "rows":
        export(reader, AGENTS, path, resume=True)  # it is no file, and written anew
    else:
        with pytest.raises(OSError, match=r"Not a file that an export has made|Too many levels"):
            export(reader, AGENTS, path, resume=True)
        assert not path.exists()
    assert victim.read_bytes() == before


def test_what_else_is_in_the_folder_stays(reader: Client, tmp_path: Path) -> None:
    folder = tmp_path / "calls.csv.partial"
    folder.mkdir(mode=0o700)
    (folder / "mine").write_text("mine")
    export(reader, AGENTS, tmp_path / "calls.csv")
    assert [entry.name for entry in folder.iterdir()] == ["mine"]


def test_a_link_of_another_user_in_a_shared_folder_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = Path.lstat
    named = tmp_path / "calls.csv"
    named.symlink_to(tmp_path / "elsewhere.csv")
    tmp_path.chmod(0o1777)

    def look(path: Path) -> os.stat_result:
        found = known(path)
        return owned(found, found.st_uid + 1) if path == named else found

    monkeypatch.setattr(Path, "lstat", look)
    with pytest.raises(ConfigurationError, match="a link that another user made"):
        begun(named)
    tmp_path.chmod(0o755)
    with written_whole(named) as file:
        file.write("followed")
    assert (tmp_path / "elsewhere.csv").read_text() == "followed"


def test_a_link_to_itself_is_refused(tmp_path: Path) -> None:
    (tmp_path / "calls.csv").symlink_to("calls.csv")
    with pytest.raises(ConfigurationError, match="is a link that leads to no file"):
        begun(tmp_path / "calls.csv")


def test_a_file_that_cannot_be_replaced_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "calls.csv"
    path.write_text("mine")
    # As of an immutable file, whoever asks.
    monkeypatch.setattr(os, "access", lambda _, __: False)
    with pytest.raises(ConfigurationError, match="cannot be written, and is not replaced"):
        begun(path, force=True)
    monkeypatch.undo()
    monkeypatch.setattr(operations, "is_mounted", lambda asked: asked == path)
    with pytest.raises(ConfigurationError, match="is a mount, and cannot be replaced"):
        begun(path, force=True)
    monkeypatch.setattr(operations, "is_mounted", lambda asked: asked.name.endswith(".partial"))
    with pytest.raises(ConfigurationError, match=r"partial is a mount, and is not used"):
        begun(path, force=True)
    assert path.read_text() == "mine"


def test_a_mount_is_known(tmp_path: Path) -> None:
    if not Path("/proc/self/fdinfo").exists():
        pytest.skip("this system has no /proc")
    assert operations.is_mounted(Path("/proc"))
    assert not operations.is_mounted(tmp_path)
    assert not operations.is_mounted(tmp_path / "nothing")


def test_a_name_too_long_for_what_is_beside_it_is_refused_at_once(tmp_path: Path) -> None:
    for length in (250, 300):
        with pytest.raises(OSError, match="File name too long"):
            begun(tmp_path / f"{'x' * length}.csv"[-length:])
    assert list(tmp_path.iterdir()) == []
    with written_whole(tmp_path / ("x" * 250)) as file:
        file.write("a report needs no longer name")
