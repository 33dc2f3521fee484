"""The store: kept in a file, refused where it does not fit, right when rows change under it."""

import sqlite3
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NoReturn

import pytest

from agentcalls_mock import Seeding, Store, StoreError, open_store
from agentcalls_mock.query import CallQuery, Order
from agentcalls_mock.seeding import ESCAPED_AGENT, OTHER_TEAM, TEAM

SEEDING = Seeding(calls=60, agents=1, now=datetime(2026, 11, 23, 12, tzinfo=UTC))


def listing(store: Store) -> list[tuple[object, ...]]:
    agent = store.agent("agent_demo", team=TEAM)
    assert agent is not None
    return [tuple(call) for call in store.page(agent, CallQuery(limit=100), Order())[1]]


def test_a_file_is_used_again_as_it_was_left(tmp_path: Path) -> None:
    with open_store(SEEDING, tmp_path / "calls.db") as store:
        store.connection.execute("DELETE FROM calls WHERE status = 'ended'")
        left = listing(store)

    with open_store(replace(SEEDING), tmp_path / "calls.db") as store:
        assert listing(store) == left


@pytest.mark.parametrize(
    "other",
    [
        replace(SEEDING, seed=8),
        replace(SEEDING, calls=61),
        replace(SEEDING, agents=2),
        replace(SEEDING, now=SEEDING.now + timedelta(seconds=1)),
    ],
)
def test_a_file_seeded_otherwise_is_refused_in_one_sentence(tmp_path: Path, other: Seeding) -> None:
    path = tmp_path / "calls.db"
    open_store(SEEDING, path).close()
    before = path.read_bytes()

    with pytest.raises(StoreError) as raised:
        open_store(other, path)

    assert str(raised.value) == (
        f"{path} was seeded with --agents 1 --calls 60 --seed 7 --now 2026-11-23T12:00:00+00:00; "
        "give the same options, name another file or delete this one."
    )
    assert path.read_bytes() == before


def test_where_now_is_not_pinned_a_file_lasts_twelve_hours(tmp_path: Path) -> None:
    path = tmp_path / "calls.db"
    with open_store(SEEDING, path) as store:
        first = listing(store)
    with open_store(replace(SEEDING, now=SEEDING.now + timedelta(hours=12)), path, keep=True) as s:
        assert listing(s) == first

    later = replace(SEEDING, now=SEEDING.now + timedelta(hours=12, seconds=1))
    with open_store(later, path, keep=True) as store, open_store(later) as fresh:
        assert listing(store) == listing(fresh) != first


def test_a_file_of_someone_else_is_left_alone(tmp_path: Path) -> None:
    text, database = tmp_path / "notes.txt", tmp_path / "other.db"
    text.write_text("not a database, but long enough to look like something" * 20)
    connection = sqlite3.connect(database)
    connection.execute("CREATE TABLE calls (id)")
    connection.close()
    before = text.read_bytes(), database.read_bytes()

    for path, reason in (
        (text, "file is not a database"),
        (database, "is not a database of this agentcalls-mock"),
        (tmp_path / "no folder" / "calls.db", "unable to open database file"),
    ):
        with pytest.raises(StoreError, match=f"{path.name}.* {reason}"):
            open_store(SEEDING, path)
    assert (text.read_bytes(), database.read_bytes()) == before


class _InterruptedSeed(int):
    """A seed that is interrupted when the first agent's calls are made, after the tables."""

    def __format__(self, spec: str) -> NoReturn:
        raise KeyboardInterrupt


def test_an_interrupted_seeding_leaves_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "calls.db"
    with pytest.raises(KeyboardInterrupt):
        open_store(replace(SEEDING, seed=_InterruptedSeed(7)), path)

    assert path.read_bytes() == b""
    with open_store(SEEDING, path) as store, open_store(SEEDING) as fresh:
        assert listing(store) == listing(fresh)


def test_agents_are_found_for_their_own_team_only() -> None:
    with open_store(SEEDING) as store:
        assert store.agent(ESCAPED_AGENT, team=TEAM) is not None
        assert store.agent("agent_other_team", team=TEAM) is None
        assert store.agent("agent_other_team", team=OTHER_TEAM) is not None


def _add(store: Store, agent: int) -> None:
    call = store.page(agent, CallQuery(limit=1), Order())[1][0]
    store.add(agent, [call._replace(id="new", status="novel")])


def _replace_row(store: Store, agent: int) -> None:
    store.connection.execute(
        """INSERT OR REPLACE INTO calls (agent, id, destination, status, direction, created_on,
        is_test_call) SELECT agent, id, destination, 'novel', direction, created_on,
        1 - is_test_call FROM calls WHERE agent = ? AND status = 'queued'""",
        (agent,),
    )


def _update(store: Store, agent: int) -> None:
    store.connection.execute(
        "UPDATE calls SET status = 'ended', is_test_call = 1 WHERE agent = ? AND status = 'queued'",
        (agent,),
    )


def _retest(store: Store, agent: int) -> None:
    store.connection.execute(
        "UPDATE calls SET is_test_call = 1 - is_test_call WHERE agent = ?", (agent,)
    )


def _delete(store: Store, agent: int) -> None:
    store.connection.execute("DELETE FROM calls WHERE agent = ? AND is_test_call", (agent,))


@pytest.mark.parametrize("change", [_add, _replace_row, _update, _retest, _delete])
def test_counts_and_searches_follow_rows_that_change(
    change: Callable[[Store, int], None],
) -> None:
    with open_store(SEEDING) as store:
        agent = store.agent("agent_demo", team=TEAM)
        assert agent is not None
        before = store.page(agent, CallQuery(limit=100), Order())
        change(store, agent)
        total, calls = store.page(agent, CallQuery(limit=100), Order())

        assert (total, calls) != before
        assert total == len(calls)
        for status in ("queued", "ended", "novel"):
            for is_test in (True, False):
                query = CallQuery(limit=100, status=status, is_test_call=is_test)
                found = [c for c in calls if (c.status, c.is_test_call) == (status, is_test)]
                assert store.page(agent, query, Order()) == (len(found), found)
        novel = [call for call in calls if call.status == "novel"]
        assert store.page(agent, CallQuery(limit=100, search="NOVEL"), Order())[1] == novel
