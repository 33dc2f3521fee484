from __future__ import annotations

import errno
import os
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from agentcalls import Client, Clock, ConfigurationError, NotFoundError
from agentcalls.export import Outcome, Progress, as_arrow, export
from agentcalls_mock import FULL_KEY
from exports import rows_of, text_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

AGENTS = ["agent_one", "agent_demo", "agent_empty"]


class StoppedError(Exception):
    pass


def stopping_at(calls: int) -> Callable[[Progress], None]:
    def stop(progress: Progress) -> None:
        if progress.calls >= calls:
            raise StoppedError

    return stop


def interrupted(client: Client, path: Path, **options: Any) -> None:
    # Two agents are written, and the journal has the first of them.
    with pytest.raises(StoppedError):
        export(client, AGENTS, path, progress=stopping_at(251), journal_calls=100, **options)


def journal(path: Path) -> Path:
    return path.with_name(f"{path.name}.partial") / "journal"


@pytest.mark.parametrize("ending", ["csv", "json", "ndjson.gz", "csv.zst"])
def test_text_that_goes_on_is_the_same_byte_for_byte(
    ending: str, reader: Client, tmp_path: Path
) -> None:
    path, whole = tmp_path / f"calls.{ending}", tmp_path / f"whole.{ending}"
    expected = export(reader, AGENTS, whole, journal_calls=100)
    interrupted(reader, path)
    assert not path.exists()
    assert journal(path).exists()
    assert export(reader, AGENTS, path, resume=True, journal_calls=100) == expected
    assert path.read_bytes() == whole.read_bytes()
    assert {entry.name for entry in tmp_path.iterdir()} == {path.name, whole.name}


@pytest.mark.parametrize("ending", ["parquet", "arrow"])
@pytest.mark.parametrize("group", [100, 1 << 16])
def test_rows_that_were_kept_in_other_batches_make_the_same_file(
    group: int, ending: str, reader: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(as_arrow, "GROUP_ROWS", group)
    path, whole = tmp_path / f"calls.{ending}", tmp_path / f"whole.{ending}"
    expected = export(reader, AGENTS, whole)
    interrupted(reader, path)
    assert export(reader, AGENTS, path, resume=True, journal_calls=100) == expected
    assert path.read_bytes() == whole.read_bytes()


@pytest.mark.parametrize("ending", ["parquet", "sqlite", "duckdb"])
def test_a_build_that_was_interrupted_is_made_anew(
    ending: str, reader: Client, tmp_path: Path
) -> None:
    path = tmp_path / f"calls.{ending}"

    def stop_building(progress: Progress) -> None:
        if progress.built:
            raise StoppedError

    with pytest.raises(StoppedError):
        export(reader, AGENTS, path, progress=stop_building)
    assert not path.exists()
    told: list[Progress] = []
    outcome = export(reader, AGENTS, path, resume=True, progress=told.append)
    assert outcome == Outcome(calls=251, agents=3, problems=0, incomplete={})
    assert len(rows_of(path)) == 251
    assert [(progress.agents_done, progress.calls, progress.built) for progress in told] == [
        (3, 251, 251)
    ]


@pytest.mark.parametrize("ending", ["csv", "sqlite"])
def test_a_file_that_has_its_name_already_is_left_as_it_is(
    ending: str, reader: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / f"calls.{ending}"
    opened = os.open

    def refuse(opening: Path, *arguments: Any, **options: Any) -> int:
        if opening == tmp_path and path.exists():
            raise StoppedError
        return opened(opening, *arguments, **options)

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(StoppedError):
        export(reader, AGENTS, path)
    monkeypatch.undo()
    rows = rows_of(path)
    assert export(reader, AGENTS, path, resume=True).calls == 251
    assert rows_of(path) == rows
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_resuming_where_nothing_was_begun_begins(reader: Client, tmp_path: Path) -> None:
    path = tmp_path / "calls.csv"
    assert export(reader, AGENTS, path, resume=True).calls == 251


def test_a_file_that_is_there_is_replaced_only_by_force(reader: Client, tmp_path: Path) -> None:
    path = tmp_path / "calls.csv"
    path.write_text("mine")
    for resume in (False, True):
        with pytest.raises(ConfigurationError, match=r"already exists: replace it with force=True"):
            export(reader, AGENTS, path, resume=resume)
    assert path.read_text() == "mine"
    export(reader, AGENTS, path, force=True)
    assert len(rows_of(path)) == 251


def test_force_outlives_an_interruption_and_until_then_the_old_file_stays(
    reader: Client, tmp_path: Path
) -> None:
    path = tmp_path / "calls.csv"
    path.write_text("mine")
    interrupted(reader, path, force=True)
    assert path.read_text() == "mine"
    export(reader, AGENTS, path, resume=True)
    assert len(rows_of(path)) == 251


def test_an_interrupted_export_is_not_lost_by_mistake(reader: Client, tmp_path: Path) -> None:
    path = tmp_path / "calls.csv"
    interrupted(reader, path)
    kept = journal(path).read_bytes()
    with pytest.raises(
        ConfigurationError, match=r"interrupted: continue with resume=True, or start"
    ):
        export(reader, AGENTS, path)
    for other in ({"status": "failed"}, {"format": "json"}):
        options: dict[str, Any] = {"agents": AGENTS, "resume": True, **other}
        with pytest.raises(
            ConfigurationError, match=r"had other filters, another format or another host"
        ):
            export(reader, path=path, **options)
    assert journal(path).read_bytes() == kept
    assert export(reader, ["agent_one"], path, force=True).calls == 1


def test_another_host_is_another_export(reader: Client, tmp_path: Path) -> None:
    path = tmp_path / "calls.csv"
    interrupted(reader, path)
    with (
        Client(api_key=FULL_KEY, base_url="http://127.0.0.1:1") as other,
        pytest.raises(ConfigurationError, match="or another host"),
    ):
        export(other, AGENTS, path, resume=True)
    assert export(reader, AGENTS, path, resume=True).calls == 251


@pytest.mark.parametrize("options", [{}, {"resume": True}, {"force": True}])
def test_two_exports_do_not_write_the_same_file(
    options: dict[str, Any], reader: Client, tmp_path: Path
) -> None:
    path = tmp_path / "calls.csv"
    refused: list[str] = []

    def begin_another(_: Progress) -> None:
        with pytest.raises(ConfigurationError) as caught:
            export(reader, ["agent_one"], path, **options)
        refused.append(str(caught.value))

    assert export(reader, AGENTS, path, progress=begin_another).calls == 251
    assert set(refused) == {f"Another export is writing {path}."}
    assert len(rows_of(path)) == 251
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("seen", ["nothing", "a folder that went", "another folder"])
def test_a_folder_that_went_while_it_was_locked_is_made_again(
    seen: str, reader: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As where another export ends between any two steps of this one.
    path, opened = tmp_path / "calls.csv", os.open
    folder = journal(path).parent
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    openings: list[Path] = []

    def open_late(opening: Path, flags: int, *arguments: Any, **options: Any) -> int:
        arguments = (flags, *arguments)
        if opening != folder or not flags & os.O_NOFOLLOW:
            return opened(opening, *arguments, **options)
        openings.append(opening)
        if len(openings) > 1:
            return opened(opening, *arguments, **options)
        if seen != "another folder":
            folder.rmdir()
        return opened(folder if seen == "nothing" else elsewhere, *arguments, **options)

    monkeypatch.setattr(os, "open", open_late)
    assert export(reader, AGENTS, path).calls == 251
    assert len(openings) == 2
    assert not folder.exists()


def test_where_folders_have_no_locks_exports_go_on_without(
    reader: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EBADF, "Bad file descriptor")

    monkeypatch.setattr("fcntl.flock", refuse)
    assert export(reader, AGENTS, tmp_path / "calls.csv").calls == 251
    monkeypatch.setattr("agentcalls.export.disk.operations.fcntl", None)
    assert export(reader, AGENTS, tmp_path / "calls.json").calls == 251


def test_a_journal_that_is_none_is_refused(reader: Client, tmp_path: Path) -> None:
    path = tmp_path / "calls.csv"
    interrupted(reader, path)
    journal(path).write_text("{}")
    with pytest.raises(ConfigurationError, match=r"not a journal of this version .* force=True"):
        export(reader, AGENTS, path, resume=True)
    export(reader, AGENTS, path, force=True)
    assert len(rows_of(path)) == 251


def test_what_a_kill_left_behind_the_journal_is_cut_off(reader: Client, tmp_path: Path) -> None:
    path = tmp_path / "calls.json"
    interrupted(reader, path)
    with (journal(path).parent / "rows").open("ab") as rows:
        rows.write(b'{"half": "a li')
    export(reader, AGENTS, path, resume=True)
    assert len(rows_of(path)) == 251


def test_an_error_leaves_what_was_written_to_go_on_from(reader: Client, tmp_path: Path) -> None:
    path = tmp_path / "calls.csv"
    agents = ["agent_demo", "agent_of_another_team"]
    with pytest.raises(NotFoundError) as caught:
        export(reader, agents, path, journal_calls=100)
    assert not path.exists()
    assert journal(path).exists()
    assert caught.value.agent_id == "agent_of_another_team"
    assert " for agent_of_another_team: " in str(caught.value)


def test_an_error_before_anything_was_read_leaves_nothing(reader: Client, tmp_path: Path) -> None:
    path = tmp_path / "calls.csv"
    with pytest.raises(NotFoundError) as caught:
        export(reader, ["agent_of_another_team"], path)
    assert str(caught.value).count("agent_of_another_team") == 1
    assert list(tmp_path.iterdir()) == []
    assert export(reader, ["agent_one"], path).calls == 1


def test_a_folder_that_is_not_there_is_named(reader: Client, tmp_path: Path) -> None:
    path = tmp_path / "nowhere" / "calls.csv"
    with pytest.raises(ConfigurationError) as caught:
        export(reader, AGENTS, path)
    assert str(caught.value) == f"{path} cannot be written: there is no folder {path.parent}."


def test_a_current_folder_that_was_removed_is_no_folder(
    reader: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    removed = tmp_path / "removed"
    removed.mkdir()
    monkeypatch.chdir(removed)
    removed.rmdir()
    with pytest.raises(
        ConfigurationError, match=r"^calls.csv cannot be written: there is no folder"
    ):
        export(reader, AGENTS, "calls.csv")
    assert export(reader, ["agent_one"], tmp_path / "calls.csv").calls == 1


def test_a_pipe_behind_a_link_of_the_system_is_no_file(reader: Client) -> None:
    incoming, outgoing = os.pipe()
    with open(incoming, "rb"), open(outgoing, "wb"):  # noqa: PTH123 (descriptors)
        path = f"/dev/fd/{outgoing}"  # as a shell's `>(gzip)` is
        with pytest.raises(ConfigurationError, match=f"^{path} is a link that leads to no file"):
            export(reader, AGENTS, path, format="csv", force=True)


def test_only_a_regular_file_is_replaced(reader: Client, tmp_path: Path) -> None:
    folder, fifo = tmp_path / "folder.csv", tmp_path / "fifo.csv"
    folder.mkdir()
    os.mkfifo(fifo)
    for path, what in ((folder, "a folder"), (fifo, "not a regular file")):
        with pytest.raises(ConfigurationError, match=f"is {what}, and is not replaced"):
            export(reader, AGENTS, path, force=True)
    with pytest.raises(ConfigurationError, match="path cannot be empty: it names a file"):
        export(reader, AGENTS, "", format="csv")
    assert folder.is_dir()
    assert fifo.is_fifo()
    assert {entry.name for entry in tmp_path.iterdir()} == {folder.name, fifo.name}


def test_what_a_link_points_to_is_replaced_and_keeps_its_mode(
    reader: Client, tmp_path: Path
) -> None:
    path, link = tmp_path / "elsewhere" / "kept", tmp_path / "calls.csv"
    path.parent.mkdir()
    link.symlink_to(path)
    export(reader, AGENTS, link)
    path.write_text("mine")
    path.chmod(0o600)
    export(reader, AGENTS, link, force=True)
    assert link.is_symlink()
    assert len(text_of(path).splitlines()) == 252
    assert path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_a_duration_is_counted_from_the_first_beginning(mock_url: str, tmp_path: Path) -> None:
    # Each client is a day later than the one before.
    began = datetime(2026, 11, 23, 12, tzinfo=UTC)
    path = tmp_path / "calls.csv"

    def later(days: int) -> Client:
        wall = (began + timedelta(days=days)).timestamp()
        clock = Clock(now=lambda: 0.0, wall=lambda: wall, random=lambda: 1.0, sleep=lambda _: None)
        return Client(api_key=FULL_KEY, base_url=mock_url, clock=clock)

    agents, window = ["agent_one", "agent_demo", "agent_2"], {"since": "3h", "until": "5m"}
    with later(0) as client:
        expected = export(client, agents, tmp_path / "whole.csv", journal_calls=100, **window)  # type: ignore[arg-type]
        with pytest.raises(StoppedError):
            export(
                client,
                agents,
                path,
                progress=stopping_at(2),
                journal_calls=100,
                **window,  # type: ignore[arg-type]
            )
    with later(1) as client:
        assert export(client, agents, path, resume=True, **window) == expected  # type: ignore[arg-type]
    assert path.read_bytes() == (tmp_path / "whole.csv").read_bytes()
    assert 2 < expected.calls < 251


def test_what_was_not_proven_is_said_of_each_agent(reader: Client, tmp_path: Path) -> None:
    options: dict[str, Any] = {"sort": "status", "since": "2020-01-01"}
    outcome = export(reader, AGENTS, tmp_path / "calls.csv", **options)
    assert not outcome.complete
    assert list(outcome.incomplete) == ["agent_demo"]
    assert "order" in outcome.incomplete["agent_demo"]


def test_agents_are_read_once_each_and_there_must_be_one(reader: Client, tmp_path: Path) -> None:
    outcome = export(reader, ["agent_one", "agent_one"], tmp_path / "calls.csv")
    assert (outcome.agents, outcome.calls) == (1, 1)
    with pytest.raises(ConfigurationError, match="agents takes at least one id"):
        export(reader, [], tmp_path / "none.csv")


def test_progress_counts_what_is_written(reader: Client, tmp_path: Path) -> None:
    told: list[Progress] = []
    export(reader, AGENTS, tmp_path / "calls.parquet", progress=told.append)
    assert [
        (one.agent_id, one.agent_calls, one.agent_total, one.calls, one.built) for one in told
    ] == [
        ("agent_one", 1, 1, 1, None),
        ("agent_one", 0, None, 1, None),
        ("agent_demo", 250, 250, 251, None),
        ("agent_demo", 0, None, 251, None),
        ("agent_empty", 0, None, 251, None),
        ("agent_empty", 0, None, 251, 251),
    ]
    told.clear()
    export(reader, AGENTS, tmp_path / "calls.csv", progress=told.append, since="9999d")
    assert {one.agent_total for one in told} == {None}


def test_nothing_is_sent_before_the_file_is_known_to_be_free(tmp_path: Path) -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        raise AssertionError

    path = tmp_path / "calls.csv"
    path.touch()
    with (
        httpx.Client(transport=httpx.MockTransport(answer)) as http,
        pytest.raises(ConfigurationError),
    ):
        export(Client(api_key="sk_x", base_url="http://127.0.0.1:1", http_client=http), ["a"], path)
