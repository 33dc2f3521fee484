"""What a sync asks for and writes, step by step."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from agentcalls import AsyncClient, AuthenticationError, ConfigurationError, NotFoundError
from agentcalls.mirror import Synced, least_requests, sync, verify
from agentcalls.mirror.change import Written
from mirror.copies import current, query
from mirror.host import Host, row

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from agentcalls.mirror import Progress

    Sync = Callable[..., Synced]

IN_SQLITE = pytest.mark.parametrize("copy", ["sqlite"], indirect=True)
"""Where the database does not matter."""
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def names(copy: Path) -> set[str]:
    return {id for _, id in current(copy)}


def of_agents(copy: Path) -> dict[str, Any]:
    return {one["agent_id"]: one for one in query(copy, "SELECT * FROM agents")}


def test_the_first_run_loads_and_the_second_asks_once_an_agent(copy: Path, synced: Sync) -> None:
    host = Host(
        {"a": [row(n) for n in range(40)], "b": [], "c": [row(n, id=f"c{n}") for n in range(9)]}
    )
    first = synced(host)
    assert (first.asked, first.written, first.complete) == (3, Written(new=49), True)
    assert len(current(copy)) == 49
    second = synced(host)
    assert (second.asked, second.written, second.complete) == (3, Written(), True)


def test_a_change_a_new_call_and_one_that_is_gone_are_seen(copy: Path, synced: Sync) -> None:
    host = Host({"a": [row(n) for n in range(300)]})
    synced(host)
    before = current(copy)
    host.calls["a"][7] = row(7, end_reason="changed")
    del host.calls["a"][20]
    host.calls["a"].insert(0, row(-1))
    found = synced(host)
    assert found.written == Written(new=1, changed=1, marked=1)
    assert found.asked <= 7  # four pages, and the order is found out, since the client is new
    after = current(copy)
    assert after.keys() - before.keys() == {("a", "call_-1")}
    assert before.keys() - after.keys() == {("a", "call_20")}
    stamps = {key: (one["first_seen"], one["changed_at"]) for key, one in after.items()}
    assert stamps["a", "call_7"][0] == before["a", "call_7"]["first_seen"]
    assert stamps["a", "call_7"][1] > before["a", "call_7"]["changed_at"]
    assert stamps["a", "call_8"][1] == before["a", "call_8"]["changed_at"]
    (gone,) = query(copy, "SELECT * FROM calls WHERE deleted_at IS NOT NULL")
    assert gone["id"] == "call_20"
    assert gone["deleted_at"] == gone["changed_at"] == stamps["a", "call_7"][1]


def test_a_call_that_comes_back_is_unmarked(copy: Path, synced: Sync) -> None:
    rows = [row(n) for n in range(9)]
    host = Host({"a": rows})
    synced(host)
    host.calls["a"] = rows[1:]
    assert synced(host).written == Written(marked=1)
    host.calls["a"] = rows
    assert synced(host).written == Written(changed=1)
    assert len(current(copy)) == 9


def test_a_load_goes_on_where_it_ended(copy: Path, synced: Sync) -> None:
    host = Host({"a": [row(n) for n in range(5000)]})

    def fail(number: int) -> None:
        host.status = {"a": 500} if number > 30 else {}

    host.before = fail
    with pytest.raises(Exception, match="500"):
        synced(host)
    # How many came before the failure depends on how many were in flight.
    assert 1000 <= (held := len(current(copy))) < 5000
    (agent,) = of_agents(copy).values()
    assert agent["error"] == "InternalServerError (500)"
    assert agent["checkpoint"]
    host.before, host.status, host.asked = (lambda _: None), {}, []
    host.calls["a"].append(row(-1))
    found = synced(host)
    assert found.complete
    assert len(current(copy)) == 5001
    assert found.written.new < 4000
    # Windows of a whole reading bring some 85 new calls each, and the newest day is followed.
    assert len(host.asked) <= (5001 - held) / 85 + 22
    (agent,) = of_agents(copy).values()
    assert (agent["checkpoint"], agent["reading_since"], agent["error"]) == (None, None, None)


@IN_SQLITE
def test_what_a_load_read_long_ago_is_looked_at_again_in_the_run_that_ends_it(
    copy: Path, synced: Sync
) -> None:
    host = Host({"a": [row(n) for n in range(3000)]})
    host.before = lambda number: host.status.update({"a": 500} if number > 20 else {})
    with pytest.raises(Exception, match="500"):
        synced(host)
    host.before, host.status = (lambda _: None), {}
    # Late, and older than the checkpoint, but within what is followed from the load's beginning on.
    oldest_read = min(str(one["created_on"]) for one in current(copy).values())
    host.calls["a"].insert(2990, row(1400, id="late"))
    assert oldest_read < row(1400)["created_on"].replace("T", " ")
    assert synced(host).complete
    assert "late" in names(copy)


@IN_SQLITE
def test_a_reading_is_written_in_several_transactions(
    copy: Path, synced: Sync, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agentcalls.mirror.gathering._ROWS", 1000)
    assert synced(Host({"a": [row(n) for n in range(2500)]})).written == Written(new=2500)
    stamps = query(copy, "SELECT count(*) AS rows FROM calls GROUP BY changed_at")
    assert [one["rows"] >= 400 for one in stamps] == [True] * 3


@IN_SQLITE
def test_an_order_that_is_honoured_no_more_moves_no_watermark_and_marks_nothing(
    copy: Path, synced: Sync
) -> None:
    host = Host({"a": [row((n * 7919) % 3000) for n in range(300)]})
    synced(host)
    before = of_agents(copy)["a"]
    host.sorts = False
    host.now += HOUR
    del host.calls["a"][5]
    found = synced(host)
    assert (found.complete, found.written) == (False, Written())
    after = of_agents(copy)["a"]
    assert after["error"]
    assert [after[name] for name in ("watermark", "proven_at")] == [
        before[name] for name in ("watermark", "proven_at")
    ]


def test_old_open_calls_are_looked_at_by_their_rank(copy: Path, synced: Sync) -> None:
    rows = [row(n) for n in range(4000)]
    rows[3900] = row(3900, status="answered", ended_at=None)
    rows[3950] = row(3950, status="on_hold", ended_at=None)
    rows[3960] = row(3960, status="on_hold")
    host = Host({"a": rows})
    synced(host)
    assert [one["id"] for one in query(copy, 'SELECT id FROM calls WHERE "open" ORDER BY id')] == [
        "call_3900",
        "call_3950",
    ]
    host.now += HOUR
    rows[3900], rows[3950] = row(3900, duration_seconds=1), row(3950, duration_seconds=2)
    host.asked = []
    found = synced(host)
    assert found.written == Written(changed=2)
    assert host.asked[-1].params["sort"] == "created_on"
    assert host.asked[-1].params["page"] == "1"
    assert query(copy, 'SELECT id FROM calls WHERE "open"') == []


@IN_SQLITE
def test_an_open_call_is_not_looked_at_in_each_run(copy: Path, synced: Sync) -> None:
    host = Host({"a": [row(n) for n in range(40)] + [row(9000, status="queued", ended_at=None)]})
    synced(host)
    assert [synced(host).asked for _ in range(2)] == [2, 1]
    host.now += 2 * DAY
    assert synced(host).asked == 2
    assert of_agents(copy)["a"]["looked_at"]


@IN_SQLITE
def test_a_failure_while_an_open_call_is_looked_at_is_one_of_its_agent(
    copy: Path, synced: Sync
) -> None:
    old = row(9000, status="queued", ended_at=None)
    middle = [row(60 * n, id=f"a{n}") for n in range(160)]
    older = row(999_000, id="older", status="queued", ended_at=None)
    late = row(60 * 40 + 1, id="late", status="queued", ended_at=None)
    host = Host({"a": [*middle, late, old, older], "b": [row(1, id="b"), {**old, "id": "old"}]})
    synced(host)
    host.asked = []

    def fail(status: int) -> None:
        # The agents are followed by the first requests, and looked at by those behind.
        host.before = lambda number: host.status.update({"a": status} if number > 5 else {})

    fail(500)
    found = synced(host)
    assert found.failures == {"a": "InternalServerError (500)"}
    assert [one.path.split("/")[-2] for one in host.asked[5:]] == ["a", "b"]
    assert of_agents(copy)["a"]["error"] == "InternalServerError (500)"
    host.status, host.asked = {}, []
    host.now += 9 * DAY
    fail(401)
    with pytest.raises(AuthenticationError):
        synced(host)


@IN_SQLITE
def test_an_edit_of_an_old_call_is_seen_by_a_whole_reading_only(copy: Path, synced: Sync) -> None:
    rows = [row(60 * n) for n in range(400)]
    host = Host({"a": rows})
    synced(host)
    rows[300] = row(18000, end_reason="changed")
    assert synced(host).written == Written()
    assert synced(host, full=True).written == Written(changed=1)
    assert of_agents(copy)["a"]["reread_at"]


@IN_SQLITE
def test_a_count_that_differs_has_an_agent_read_whole_in_the_second_run(
    copy: Path, synced: Sync
) -> None:
    rows = [row(60 * n) for n in range(400)]
    host = Host({"a": rows})
    synced(host)
    del rows[300]
    host.now += 2 * HOUR
    found = synced(host)
    assert (found.complete, found.differing, found.written) == (True, ["a"], Written())
    assert of_agents(copy)["a"]["miscounts"] == 1
    found = synced(host)
    assert (found.differing, found.written) == ([], Written(marked=1))
    assert of_agents(copy)["a"]["miscounts"] == 0


@IN_SQLITE
def test_the_audit_reads_all_agents_over_time_within_its_share(synced: Sync) -> None:
    agents = {f"a{k}": [row(60 * n, id=f"{k}_{n}") for n in range(250)] for k in range(5)}
    host = Host(agents)
    synced(host)
    host.now += 2 * DAY
    asked = audited = 0
    for k in range(5):
        agents[f"a{k}"][200] = row(12000, id=f"{k}_200", end_reason="changed")
    changed = 0
    for _ in range(12):
        found = synced(host, audit=0.5)
        changed += found.written.changed
        asked += found.asked
        audited += found.asked - 7
        host.now += HOUR
    assert changed == 5
    assert audited <= 0.5 * 12 * 7 + 8


@IN_SQLITE
def test_a_large_agent_is_audited_over_several_runs(copy: Path, synced: Sync) -> None:
    rows = [row(60 * n) for n in range(3000)]
    host = Host({"a": rows})
    synced(host)
    host.now += 2 * DAY
    rows[2900] = row(60 * 2900, end_reason="changed")
    # In the count, the two make up for each other.
    rows[2950] = row(60 * 2950, id="very late")
    checkpoints: list[str | None] = []
    written = Written()
    for _ in range(25):
        written += synced(host, audit=2).written
        checkpoints.append(of_agents(copy)["a"]["checkpoint"])
    assert sum(one is not None for one in checkpoints) > 1
    assert written == Written(new=1, changed=1, marked=1)
    assert query(copy, "SELECT * FROM seen") == []


def test_one_failing_agent_does_not_stop_the_others(copy: Path, synced: Sync) -> None:
    host = Host({"a": [row(1)], "b": [row(2)], "c": [row(3)]})
    synced(host)
    host.status["b"] = 404
    host.calls["c"].append(row(4))
    found = synced(host)
    assert found.failures == {"b": "NotFoundError (404)"}
    assert not found.complete
    assert found.why == "1 of 3 agents failed: NotFoundError (404)."
    assert names(copy) == {"call_1", "call_2", "call_3", "call_4"}
    assert of_agents(copy)["b"]["error"] == "NotFoundError (404)"
    (run,) = query(copy, "SELECT * FROM runs WHERE failed > 0")
    assert (bool(run["complete"]), run["why"]) == (False, found.why)
    del host.status["b"]
    assert synced(host).complete
    assert of_agents(copy)["b"]["error"] is None


@IN_SQLITE
def test_a_run_in_which_every_agent_fails_raises_the_first(copy: Path, synced: Sync) -> None:
    host = Host({}, status={"a": 404, "b": 500})
    with pytest.raises(NotFoundError):
        synced(host, "a", "b", concurrency=1)
    (run,) = query(copy, "SELECT * FROM runs")
    assert (run["failed"], run["why"]) == (2, "NotFoundError (404)")


@IN_SQLITE
def test_a_refused_key_ends_a_run_behind_what_came_before_it(copy: Path, synced: Sync) -> None:
    host = Host({f"a{n}": [row(n, id=f"c{n}")] for n in range(9)})
    host.before = lambda number: host.status.update({"a5": 401} if number == 1 else {})
    with pytest.raises(AuthenticationError):
        synced(host, concurrency=1)
    assert names(copy) == {f"c{n}" for n in range(5)}
    (run,) = query(copy, "SELECT * FROM runs")
    assert (bool(run["complete"]), run["why"]) == (False, "AuthenticationError (401)")
    assert run["ended_at"]


@IN_SQLITE
def test_quiet_agents_are_asked_less_often(copy: Path, synced: Sync) -> None:
    host = Host({"busy": [row(1)], "quiet": [row(9000)], "empty": []})
    synced(host, quiet_every="1h")
    assert of_agents(copy)["quiet"]["due"]
    assert of_agents(copy)["empty"]["due"]
    assert of_agents(copy)["busy"]["due"] is None
    found = synced(host, quiet_every="1h")
    assert (found.agents, found.skipped, found.asked) == (3, 2, 1)
    assert synced(host, quiet_every="1h", full=True).skipped == 0
    assert synced(host).skipped == 0
    host.now += 2 * HOUR
    assert synced(host, quiet_every="1h").skipped == 0


@IN_SQLITE
def test_progress_is_told(synced: Sync) -> None:
    told: list[Progress] = []
    synced(Host({"a": [row(n) for n in range(250)], "b": [row(1)]}), progress=told.append)
    assert (told[-1].agents, told[-1].agents_done, told[-1].calls) == (2, 2, 251)
    assert told[-1].requests >= 4


def test_the_least_requests_are_told_by_the_copy_alone(copy: Path) -> None:
    host = Host({"a": [row(n) for n in range(250)], "b": [row(1)]})
    with host.client() as client:
        assert least_requests(["a", "b", "new"], copy) == 3
        assert least_requests(None, copy) == 0
        assert not copy.exists()
        sync(client, host.calls, copy)
        host.asked = []
        assert least_requests(None, copy, full=True) == 4
        assert least_requests(["a", "a"], copy) == 1
    assert host.asked == []


def test_verify_finds_nothing_in_a_copy_that_is_sound(copy: Path) -> None:
    host = Host({"a": [row(1), row(2)]})
    with host.client() as client:
        with pytest.raises(ConfigurationError, match="There is no"):
            verify(copy)
        sync(client, ["a"], copy)
        assert verify(copy) == []


def test_why_a_run_is_not_complete_is_said_without_a_word_of_the_servers() -> None:
    outcome = Synced(
        agents=3,
        asked=3,
        written=Written(),
        unproven={"a": "No order."},
        failures={"b": "NotFoundError (404)"},
        doubt="There may be more.",
    )
    assert not outcome.complete
    assert outcome.why == (
        "1 of 3 agents failed: NotFoundError (404). Not proven: 1 of 3 agents: No order. There may be more."
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {"follow": "soon"},
        {"follow": -DAY},
        {"audit": -1},
        {"full": 1},
        {"quiet_every": 5},
        {"concurrency": 0},
        {"progress": 5},
    ],
    ids=str,
)
@IN_SQLITE
def test_an_argument_that_is_not_allowed_is_named(copy: Path, synced: Sync, wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(wrong))):
        synced(Host({"a": []}), **wrong)
    assert not copy.exists()


@pytest.mark.parametrize(
    "client", [None, "https://host", AsyncClient(api_key="sk_1", base_url="https://host")]
)
def test_a_client_that_cannot_be_used_makes_no_copy(tmp_path: Path, client: Any) -> None:
    with pytest.raises(ConfigurationError, match="client takes a Client, not"):
        sync(client, ["a"], tmp_path / "calls.sqlite")
    assert not any(tmp_path.iterdir())


@IN_SQLITE
def test_a_quiet_agent_may_wait_for_ever(synced: Sync) -> None:
    host = Host({"a": [row(5000)]})
    for skipped in (0, 1, 1):
        assert synced(host, quiet_every=timedelta.max).skipped == skipped


def test_no_agent_is_no_copy(copy: Path) -> None:
    with Host({}).client() as client, pytest.raises(ConfigurationError, match="at least one agent"):
        sync(client, [], copy)
