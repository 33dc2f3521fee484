"""Files that are no copy, and servers that are odd: each is refused or said, and loses nothing."""

from __future__ import annotations

import os
import sqlite3
import stat
from contextlib import closing
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from agentcalls import ConfigurationError, PaginationError
from agentcalls.export.disk import operations
from agentcalls.mirror import InUseError, least_requests, schema, sync, verify
from agentcalls.mirror.change import Written
from agentcalls.mirror.copies import opened
from agentcalls.mirror.databases.in_duckdb import InDuckDB
from agentcalls.mirror.databases.in_sqlite import InSQLite
from agentcalls.mirror.databases.target import Target
from agentcalls.reading.one_agent import AgentReader
from mirror.copies import Killed, current, killed_at, query
from mirror.host import NOW, Host, row

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from agentcalls.mirror import Synced

    Sync = Callable[..., Synced]

IN_SQLITE = pytest.mark.parametrize("copy", ["sqlite"], indirect=True)
"""Where the database does not matter."""
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def run_in(path: Path, statement: str) -> None:
    """Run a statement as somebody else would."""
    if path.suffix == ".duckdb":
        with duckdb.connect(str(path)) as database:
            database.execute(statement)
        return
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement)


# Files.


def test_a_copy_and_all_beside_it_are_this_users_alone(copy: Path, synced: Sync) -> None:
    before = os.umask(0)
    try:
        seen: set[str] = set()

        def look(_: object) -> None:
            for file in copy.parent.iterdir():
                seen.add(file.name)
                assert not stat.S_IMODE(file.stat().st_mode) & 0o077, file

        synced(
            Host(
                {f"a{n}": [row(n * 100 + k, id=f"{n}-{k}") for k in range(90)] for n in range(20)}
            ),
            progress=look,
        )
        look(None)
        assert os.umask(0) == 0
    finally:
        os.umask(before)
    assert {copy.name, f"{copy.name}.lock"} <= seen


@pytest.mark.parametrize("how", ["moved", "deleted", "replaced"])
def test_a_copy_that_is_taken_away_while_it_is_written_is_no_success(
    copy: Path, synced: Sync, how: str
) -> None:
    host = Host({f"a{n}": [row(k, id=f"{n}_{k}") for k in range(400)] for n in range(20)})

    def take_away(number: int) -> None:
        if number == 30:
            copy.rename(copy.with_name("moved")) if how == "moved" else copy.unlink()
            if how == "replaced":
                copy.write_bytes(b"")

    host.before = take_away
    with pytest.raises(OSError, match="moved, replaced or deleted meanwhile"):
        synced(host)
    host.before = lambda _: None
    assert synced(host).written == Written(new=8000)
    assert len(current(copy)) == 8000


@pytest.mark.parametrize("content", [b"x", b"a,b\n1,2\n" * 99, b"SQLite and DUCK" * 99])
def test_a_file_that_is_no_database_of_this_kind_is_not_touched(
    copy: Path, synced: Sync, content: bytes
) -> None:
    copy.write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"is no (SQLite|DuckDB) database"):
        synced(Host({"a": []}))
    assert copy.read_bytes() == content


def test_an_empty_file_is_what_a_sync_that_was_killed_at_once_has_left(
    copy: Path, synced: Sync
) -> None:
    copy.write_bytes(b"")
    copy.chmod(0o644)
    assert least_requests(None, copy) == 0
    with pytest.raises(ConfigurationError, match="There is no"):
        verify(copy)
    assert synced(Host({"a": [row(1)]})).complete
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert len(current(copy)) == 1


def test_a_sync_that_is_killed_at_its_first_statements_goes_on(
    copy: Path, synced: Sync, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = Host({"a": [row(1)]})
    for statement in range(1, 6):
        copy.unlink(missing_ok=True)
        with killed_at(statement, monkeypatch), pytest.raises(Killed):
            synced(host)
        assert synced(host).complete


def test_what_only_reads_a_copy_makes_none(copy: Path) -> None:
    if copy.suffix == ".duckdb":
        duckdb.connect(str(copy)).close()
    else:
        run_in(copy, "PRAGMA journal_mode = WAL")
    with pytest.raises(ConfigurationError, match="is no copy that"), opened(copy, None):
        pass
    with opened(copy, "https://host") as target:
        assert target.agents() == {}


def test_a_broken_database_is_an_error_of_the_database(copy: Path, synced: Sync) -> None:
    synced(Host({"a": [row(1)]}))
    content = copy.read_bytes()
    copy.write_bytes(content[:64] + b"\xff" * (len(content) - 64))
    with pytest.raises(OSError, match=r"SQLite|DuckDB"):
        synced(Host({"a": [row(1)]}))


def test_a_database_of_somebody_else_is_not_touched(copy: Path, synced: Sync) -> None:
    run_in(copy, "CREATE TABLE about (name VARCHAR, value VARCHAR)")
    with pytest.raises(ConfigurationError, match="is no copy that agentcalls made"):
        synced(Host({"a": []}))
    run_in(copy, "DROP TABLE about")
    run_in(copy, "CREATE TABLE calls (id VARCHAR)")
    with pytest.raises(ConfigurationError, match="is no copy that agentcalls made"):
        synced(Host({"a": []}))


def test_a_copy_of_another_host_is_refused(copy: Path, synced: Sync) -> None:
    synced(Host({"a": [row(1)]}))
    with (
        Host({"a": []}).client(base_url="https://other") as client,
        pytest.raises(ConfigurationError, match="at https://host, and not at https://other"),
    ):
        sync(client, ["a"], copy)
    assert len(current(copy)) == 1


def test_a_copy_of_a_newer_version_is_refused(copy: Path, synced: Sync) -> None:
    synced(Host({"a": [row(1)]}))
    run_in(copy, "UPDATE about SET value = '2' WHERE name = 'schema_version'")
    with pytest.raises(
        ConfigurationError, match="version 2 of the schema, and this agentcalls knows 1"
    ):
        synced(Host({"a": [row(1)]}))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("schema_version", text) for text in (None, "", "one", "²", "0", "-1", "1.0")),
        *(("stamp", text) for text in (None, "x", "2026-01-01", "2026-01-01T00:00")),
        *(("credit", text) for text in (None, "x", "nan", "inf")),
        ("host", None),
    ],
)
def test_a_copy_that_does_not_say_what_it_is_is_refused(
    copy: Path, synced: Sync, name: str, value: str | None
) -> None:
    synced(Host({"a": [row(1)]}))
    text = "NULL" if value is None else f"'{value}'"
    for statement in (f"UPDATE about SET value = {text} WHERE", "DELETE FROM about WHERE"):  # noqa: S608
        run_in(copy, f"{statement} name = '{name}'")
        with pytest.raises(ConfigurationError, match="is no copy that agentcalls made"):
            synced(Host({"a": [row(1)]}))


def test_a_copy_of_an_older_version_is_brought_up_to_date(
    copy: Path, synced: Sync, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = Host({"a": [row(1)]})
    synced(host)
    monkeypatch.setattr(schema, "VERSION", 3)
    steps = {1: ("ALTER TABLE runs ADD COLUMN extra VARCHAR",), 2: ("UPDATE runs SET extra = 'x'",)}
    monkeypatch.setattr(schema, "MIGRATIONS", {**steps, 2: ("no statement",)})
    with pytest.raises(OSError, match="no"):
        synced(host)
    assert "extra" not in query(copy, "SELECT * FROM runs")[0]
    monkeypatch.setattr(schema, "MIGRATIONS", steps)
    assert verify(copy) == []
    assert query(copy, "SELECT extra FROM runs") == [{"extra": "x"}]


def test_views_that_are_missing_or_of_another_release_are_made_anew(
    copy: Path, synced: Sync, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced(Host({"a": [row(1)]}))
    kept = query(copy, "SELECT * FROM calls_by_day")
    run_in(copy, "DROP VIEW calls_by_day")
    assert verify(copy) == []
    assert query(copy, "SELECT * FROM calls_by_day") == kept
    # Those of a table that is not as it was: the database may refuse them.
    views = {**schema.VIEWS, "calls_by_day": "SELECT agent_id, extra FROM calls"}
    monkeypatch.setattr(schema, "VIEWS", views)
    monkeypatch.setattr(schema, "VERSION", 2)
    step = "ALTER TABLE calls ADD COLUMN extra VARCHAR"
    monkeypatch.setattr(schema, "MIGRATIONS", {1: (step,)})
    assert verify(copy) == []
    assert query(copy, "SELECT * FROM calls_by_day") == [{"agent_id": "a", "extra": None}]
    assert "extra" in query(copy, "SELECT * FROM current_calls")[0]
    # Another release with the same tables.
    monkeypatch.setattr(schema, "VIEWS", {**views, "calls_by_day": "SELECT 7 AS seven"})
    assert verify(copy) == []
    assert query(copy, "SELECT * FROM calls_by_day") == [{"seven": 7}]


def test_views_that_are_as_made_are_left_alone(
    synced: Sync, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = Host({"a": [row(1)]})
    synced(host)
    monkeypatch.setattr(Target, "_make_views", lambda _: pytest.fail("They are made anew."))
    assert synced(host).complete


@pytest.mark.parametrize(
    "statement",
    [
        *(
            f"ALTER TABLE {name} ADD COLUMN of_somebody_else TEXT"
            for name in ("calls", "agents", "runs")
        ),
        *(f"CREATE TABLE {name} AS SELECT 1 AS x" for name in ("came", "pairs", "spans")),
        "CREATE VIEW mine AS SELECT id FROM current_calls",
        "CREATE INDEX mine ON calls (status)",
    ],
)
def test_what_somebody_else_made_in_a_copy_is_in_nobodys_way(
    copy: Path, synced: Sync, statement: str
) -> None:
    host = Host({"a": [row(n) for n in range(3)]})
    synced(host)
    query(copy, statement)
    del host.calls["a"][2]
    host.calls["a"][0]["status"] = "failed"
    host.calls["a"].append(row(-1))
    assert synced(host).written == Written(new=1, changed=1, marked=1)
    assert synced(host, full=True).written == Written()


@pytest.mark.parametrize("name", ["calls.csv", "calls", "calls.duckdb.gz"])
def test_an_ending_of_no_database_is_refused(tmp_path: Path, name: str) -> None:
    with Host({}).client() as client, pytest.raises(ConfigurationError, match="names no database"):
        sync(client, ["a"], tmp_path / name)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("postgres://me:secret@host/calls", "names no file"),
        ("s3://bucket/calls.duckdb", "names no file"),
        ("dlt:postgres", "names no file"),
        ("", "path cannot be empty"),
        ("calls\0.sqlite", "null character"),
        ("calls\ud800.sqlite", "cannot be"),
    ],
)
def test_what_is_no_file_is_refused_and_not_repeated(
    name: str, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with Host({}).client() as client, pytest.raises(ConfigurationError, match=why) as refused:
        sync(client, ["a"], name)
    assert "secret" not in str(refused.value)
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_duckdb_reads_as_a_pattern_is_refused(tmp_path: Path) -> None:
    with Host({}).client() as client, pytest.raises(ConfigurationError, match="as a pattern"):
        sync(client, ["a"], tmp_path / "calls*.duckdb")


def test_a_file_that_may_not_be_written_is_refused(
    copy: Path, synced: Sync, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced(Host({"a": [row(1)]}))
    copy.chmod(0o400)
    # This user may be root, who may write anything.
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(ConfigurationError, match="cannot be written"):
        synced(Host({"a": [row(1)]}))


def test_two_syncs_at_once_are_one(synced: Sync) -> None:
    host = Host({"a": [row(1)]})

    def second(_: object) -> None:
        with pytest.raises(InUseError, match="Another sync is writing"):
            synced(Host({"a": []}))

    assert synced(host, progress=second).complete
    assert synced(host).complete


def test_without_locks_a_sync_is_not_locked_out(
    synced: Sync, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operations, "fcntl", None)
    assert synced(Host({"a": [row(1)]})).complete


def test_a_database_that_is_open_elsewhere_is_in_use(copy: Path, synced: Sync) -> None:
    host = Host({"a": [row(1)]})
    synced(host)
    if copy.suffix == ".duckdb":
        with duckdb.connect(str(copy)), pytest.raises(InUseError, match="is in use"):
            synced(host)
        return
    with closing(sqlite3.connect(copy, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM calls").fetchone() == (1,)
        host.calls["a"].append(row(2))
        assert synced(host).complete  # a reader sees what it saw, and holds nobody up
        assert reader.execute("SELECT count(*) FROM calls").fetchone() == (1,)


@IN_SQLITE
@pytest.mark.parametrize("first", [1, 2])
def test_a_copy_that_somebody_else_writes_is_in_use(
    copy: Path, synced: Sync, monkeypatch: pytest.MonkeyPatch, first: int
) -> None:
    host = Host({"a": [row(1)]})
    synced(host)
    monkeypatch.setattr(sqlite3, "connect", partial(sqlite3.connect, timeout=0))
    with closing(sqlite3.connect(copy, isolation_level=None, check_same_thread=False)) as writer:

        def take(number: int) -> None:
            if number == first:
                writer.execute("BEGIN IMMEDIATE")

        host.asked, host.before = [], take
        if first == 1:
            take(1)  # before anything is asked
            host.before = lambda _: None
        else:
            host.calls["b"] = [row(2, id="b")]
        with pytest.raises(InUseError, match="is in use: close it first"):
            synced(host)
        writer.execute("ROLLBACK")
        assert len(current(copy)) == 1
    host.before = lambda _: None
    assert synced(host).complete


def test_a_full_disk_leaves_the_copy_as_it_was(
    copy: Path, synced: Sync, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = Host({"a": [row(n) for n in range(50)]})
    synced(host)
    before = current(copy)
    host.calls["a"] += [row(n) for n in range(50, 90)]
    kind = InDuckDB if copy.suffix == ".duckdb" else InSQLite
    error = duckdb.IOException if copy.suffix == ".duckdb" else sqlite3.OperationalError
    real: Any = kind.run

    def run(self: Any, statement: str, values: Any = ()) -> Any:
        if statement == "COMMIT" and len(host.asked) > 1:
            raise error("database or disk is full")
        return real(self, statement, values)

    with monkeypatch.context() as patch:
        patch.setattr(kind, "run", run)
        with pytest.raises(OSError, match="disk is full"):
            synced(host)
    assert current(copy) == before
    assert synced(host).written == Written(new=40)


# Servers.


def test_rows_without_id_or_created_on_are_kept_out_and_counted(copy: Path, synced: Sync) -> None:
    odd = [row(3, id=None), row(4, created_on=None), row(5, created_on="soon")]
    bare = row(6)
    del bare["id"]
    host = Host({"a": [row(1), row(2), *odd, bare], "b": [row(7)]})
    for _ in range(2):
        found = synced(host)
        assert list(found.unproven) == ["a"]
        assert {id for _, id in current(copy)} == {"call_1", "call_2", "call_7"}
    problems = query(copy, "SELECT field, rows FROM problems ORDER BY field, rows")
    assert sum(one["rows"] for one in problems if one["field"] == "id") == 2
    assert sum(one["rows"] for one in problems if one["field"] == "created_on") == 2
    (agent,) = query(copy, "SELECT * FROM agents WHERE agent_id = 'a'")
    assert "lacks its id" in agent["error"]
    assert agent["proven_at"] is None


@IN_SQLITE
def test_an_empty_id_names_no_call(copy: Path, synced: Sync) -> None:
    host = Host({"a": [row(1), row(2, id=""), row(2, id=""), row(3)]})
    for _ in range(2):
        assert "lacks its id" in synced(host).unproven["a"]
        assert {id for _, id in current(copy)} == {"call_1", "call_3"}
        (problem,) = query(copy, "SELECT field, why, rows FROM problems")
        assert problem == {"field": "id", "why": "is empty", "rows": 2}
    with host.client() as client:
        assert [call.id for call in client.calls.list("a")].count("") == 2


def test_a_value_of_the_wrong_type_is_kept_as_it_came(copy: Path, synced: Sync) -> None:
    odd = row(1, duration_seconds="long", status=7, extra={"b": [1, None], "a": "x\ud800"})
    host = Host({"a": [odd, row(2, duration_seconds=2**70)]})
    assert synced(host).complete
    assert synced(host).written == Written()
    kept = current(copy)
    assert kept["a", "call_1"]["duration_seconds"] is None
    assert '"long"' in kept["a", "call_1"]["additional_properties"]
    assert {one["field"] for one in query(copy, "SELECT field FROM problems")} == {
        "duration_seconds",
        "status",
    }


def test_a_call_that_moves_in_time_is_there_once(copy: Path, synced: Sync) -> None:
    rows = [row(60 * n) for n in range(200)]
    host = Host({"a": rows})
    synced(host)
    rows[10] = row(700, id="call_600")
    rows[150] = row(50, id="call_9000")
    assert synced(host).complete
    moved = current(copy)
    assert len(moved) == 200
    assert str(moved["a", "call_9000"]["created_on"])[:16] == "2026-11-23 11:10"


@IN_SQLITE
def test_a_call_that_moves_out_of_sight_comes_back_with_a_whole_reading(
    copy: Path, synced: Sync
) -> None:
    rows = [row(60 * n) for n in range(200)]
    host = Host({"a": rows})
    synced(host)
    rows[10] = row(60 * 180, id="call_600")
    assert [synced(host).written.marked for _ in range(2)] == [1, 0]
    host.now += 2 * HOUR
    for _ in range(3):
        synced(host)
    assert len(current(copy)) == 200


@IN_SQLITE
def test_many_calls_of_one_moment_are_not_claimed(synced: Sync) -> None:
    host = Host({"a": [row(5, id=f"c{n:03}") for n in range(400)] + [row(1), row(9)]})
    found = synced(host)
    assert not found.complete
    assert list(found.unproven) == ["a"]


@IN_SQLITE
def test_an_order_that_is_not_honoured_is_never_complete_and_marks_nothing(
    copy: Path, synced: Sync
) -> None:
    rows = [row((n * 7919) % 3000, id=f"c{n}") for n in range(300)]
    host = Host({"a": rows}, sorts=False)
    for _ in range(2):
        found = synced(host)
        assert (found.complete, found.written.marked) == (False, 0)
        del rows[100]
    assert len(current(copy)) == 300


@IN_SQLITE
def test_a_server_without_meta_loses_nothing(copy: Path, synced: Sync) -> None:
    rows = [row(60 * n) for n in range(300)]
    host = Host({"a": rows}, meta=False)
    for _ in range(2):
        synced(host)
    assert len(current(copy)) == 300
    rows.insert(0, row(-1))
    synced(host)
    assert len(current(copy)) == 301


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_clock_that_is_an_hour_off_loses_nothing(copy: Path, synced: Sync, hours: int) -> None:
    host = Host({"a": [row(n) for n in range(150)]})
    for step in range(4):
        host.now = NOW + step * 10 * timedelta(minutes=1) + (step % 2) * hours * HOUR
        host.calls["a"] += [row(-10 * step - k, id=f"new_{step}_{k}") for k in range(1, 4)]
        assert synced(host, follow="10m").complete
        assert len(current(copy)) == len(host.calls["a"])
    stamps = [str(one["changed_at"]) for one in query(copy, "SELECT changed_at FROM calls")]
    assert len(set(stamps)) == 4


@IN_SQLITE
def test_a_count_that_never_agrees_does_not_have_agents_read_again_and_again(
    synced: Sync,
) -> None:
    host = Host({"a": [row(60 * n) for n in range(950)]}, count=lambda count: count + 1)
    synced(host)
    host.now += 2 * HOUR
    whole = 0
    for _ in range(13):
        host.asked = []
        found = synced(host)
        whole += len(host.asked) > 8
        assert found.differing in (["a"], [])
        host.now += 10 * timedelta(minutes=1)
    assert whole <= 3


@IN_SQLITE
def test_a_checkpoint_of_another_version_is_begun_again(copy: Path, synced: Sync) -> None:
    host = Host({"a": [row(n) for n in range(3000)]})
    for text in ("{}", None):
        host.asked = []
        host.before = lambda number: host.status.update({"a": 500} if number > 20 else {})
        with pytest.raises(Exception, match="500"):
            synced(host, full=True)
        host.before, host.status = (lambda _: None), {}
        if text is None:
            run_in(
                copy,
                "UPDATE agents SET checkpoint = replace(checkpoint, 'binding\": \"', 'binding\": \"x')",
            )
        else:
            run_in(copy, f"UPDATE agents SET checkpoint = '{text}'")  # noqa: S608
        assert synced(host).complete
        assert len(current(copy)) == 3000


@IN_SQLITE
def test_a_reading_that_can_never_go_on_is_given_up(
    copy: Path, synced: Sync, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = Host({"a": [row(n) for n in range(3000)], "b": [row(1, id="b")]})
    real = AgentReader.accept

    def again(self: Any, window: Any, page: Any) -> None:
        if len(host.asked) > 25 and self.agent_id == "a":
            raise PaginationError("The server repeats itself.")
        real(self, window, page)

    monkeypatch.setattr(AgentReader, "accept", again)
    found = synced(host)
    assert found.failures == {"a": "PaginationError"}
    (agent,) = query(copy, "SELECT * FROM agents WHERE agent_id = 'a'")
    assert (agent["checkpoint"], agent["reading_since"]) == (None, None)
    assert len(current(copy)) > 1000


def test_no_number_and_no_key_are_in_what_a_run_says_of_itself(copy: Path, synced: Sync) -> None:
    host = Host({"a": [row(1, status=5)], "b": []}, status={"b": 500})
    synced(host)
    said = [
        query(copy, f"SELECT * FROM {table.name}")  # noqa: S608
        for table in schema.TABLES[1:]
    ]
    assert "+" not in str(said).replace("+00:00", "")
    assert "sk_1" not in str(said)


def test_verify_names_what_is_there_twice(tmp_path: Path) -> None:
    path, host = tmp_path / "calls.duckdb", Host({"a": [row(1)]})
    with host.client() as client:
        sync(client, ["a"], path)
    run_in(path, "INSERT INTO calls SELECT * FROM calls")
    run_in(path, "INSERT INTO calls (agent_id) VALUES ('a')")
    assert verify(path) == [
        "1 keys are in calls more than once.",
        "1 call without id or created_on.",
    ]


def test_a_call_that_comes_twice_in_one_transaction_is_there_once(copy: Path) -> None:
    from agentcalls import Call  # noqa: PLC0415
    from agentcalls.mirror.change import Change  # noqa: PLC0415

    with opened(copy, "https://host") as target:
        calls = [
            Call.from_dict(row(1)),
            Call.from_dict(row(2)),
            Call.from_dict(row(1, end_reason="x")),
        ]
        assert target.write(Change(calls=[("a", calls)]), NOW) == Written(new=2)
    assert current(copy)["a", "call_1"]["end_reason"] == "x"
