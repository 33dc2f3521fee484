"""`spark.read.format("agentcalls")`, compared with what the mock holds."""

# Spark is in an environment of its own.
# pyright: reportMissingImports=false
from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from agentcalls import Client
from spark.host import AGENTS, KEY, SEEDING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from spark.host import Host

DAY = SEEDING.now.date()


def rows(frame: Any) -> list[tuple[str, str]]:
    return sorted((row.agent_id, row.id) for row in frame.select("agent_id", "id").collect())


def error_of(frame: Any) -> str:
    from pyspark.errors import PySparkException  # noqa: PLC0415  # absent in `make test`

    with pytest.raises(PySparkException) as caught:
        frame().collect()
    return str(caught.value)


def test_each_call_of_each_agent_is_one_row_with_all_its_values(source: Any, host: Host) -> None:
    frame = source.load()
    assert frame.rdd.getNumPartitions() == 4
    assert len(host.all_calls()) >= 250 + 3 * 25 + 1
    assert rows(frame) == sorted(host.all_calls())
    table = frame.toArrow()
    with Client() as client:
        facade = client.calls.list("agent_demo").to_arrow()
    assert table.column_names == facade.column_names
    demo = [row for row in table.to_pylist() if row["agent_id"] == "agent_demo"]
    by_id = sorted(demo, key=lambda row: row["id"])
    assert by_id == sorted(facade.to_pylist(), key=lambda row: row["id"])


def test_it_asks_for_at_most_three_requests_more_a_task_than_one_process(
    source: Any, host: Host
) -> None:
    with Client() as client:
        list(client.calls.list_many(AGENTS))
    alone = len(host.app.asked)
    host.app.asked.clear()
    source.load().count()
    assert alone <= len(host.app.asked) <= alone + 3 * 4


@pytest.mark.parametrize(
    ("options", "where"),
    [
        ({"status": "failed"}, "status = 'failed'"),
        ({"is_test_call": "TRUE"}, "is_test_call"),
        (
            {"since": f"{DAY - timedelta(days=9)}T00:00:00Z", "until": str(DAY)},
            f"created_on >= '{DAY - timedelta(days=9)}' AND created_on < '{DAY}'",
        ),
    ],
)
def test_options_say_which_calls_are_read(
    source: Any, host: Host, options: dict[str, str], where: str
) -> None:
    truth = host.all_calls(where)
    assert 0 < len(truth) < len(host.all_calls())
    assert rows(source.options(**options).load()) == sorted(truth)


def test_sql_names_it_too_and_agents_come_from_a_file(
    session: Any, host: Host, tmp_path: Path
) -> None:
    file = tmp_path / "agents.txt"
    file.write_bytes(b"\xef\xbb\xbfagent_2 # the second\r\n\r\nagent_2\r\nagent_one\r\n")
    session.sql(f"CREATE TEMPORARY VIEW some USING agentcalls OPTIONS (agents_file '{file}')")
    found = session.sql("SELECT count(*) FROM some").collect()
    assert found[0][0] == len(host.calls("agent_2")) + 1
    assert host.agents_asked == {"agent_2", "agent_one"}


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"agent": "agent_2"}, "No such option: agent;"),
        ({"agents": "agent_2", "agents_file": "agents.txt"}, "Give one of the options agents"),
        ({"partitions": "0"}, "partitions takes an integer from 1, not '0'"),
        # One task: another one would still ask while the next test counts.
        ({"api_key_secret": "sk_of_nobody", "partitions": "1"}, "Check AGENTCALLS_API_KEY"),
    ],
)
def test_what_cannot_be_used_is_said_in_a_sentence(
    source: Any, options: dict[str, str], sentence: str
) -> None:
    said = error_of(lambda: source.options(**options).load())
    assert sentence in said
    assert KEY not in said


@pytest.fixture
def pushing(session: Any) -> Iterator[None]:
    session.conf.set("spark.sql.python.filterPushdown.enabled", "true")
    yield
    session.conf.unset("spark.sql.python.filterPushdown.enabled")


PREDICATES = [
    ("status = 'failed'", {"status": "failed"}, set(AGENTS)),
    ("status = 'failed' AND duration_seconds > 3", {"status": "failed"}, set(AGENTS)),
    ("agent_id = 'agent_2'", {}, {"agent_2"}),
    ("agent_id IN ('agent_2', 'agent_one', 'agent_9')", {}, {"agent_2", "agent_one"}),
    ("agent_id = 'agent_9'", {}, set()),
    ("is_test_call", {"is_test_call": "true"}, set(AGENTS)),
    ("NOT is_test_call", {"is_test_call": "false"}, set(AGENTS)),
    ("status <> 'failed'", {}, set(AGENTS)),
    ("status IN ('failed', 'ended')", {}, set(AGENTS)),
    ("status = 'no such status'", {}, set(AGENTS)),
    ("status = 'failed' OR is_test_call", {}, set(AGENTS)),
    ("status IS NULL", {}, set(AGENTS)),
]


@pytest.mark.usefixtures("pushing")
@pytest.mark.parametrize(("where", "sent", "agents"), PREDICATES)
def test_filters_are_taken_over_and_change_no_result(
    source: Any, host: Host, where: str, sent: dict[str, str], agents: set[str]
) -> None:
    found = rows(source.option("pushdown", "true").load().where(where))
    assert found == sorted(host.all_calls(where))
    assert host.agents_asked == agents
    for _, query in host.app.asked:
        assert {name: query.get(name) for name in sent} == sent
        assert sent or not query.keys() & {"status", "is_test_call"}


@pytest.mark.usefixtures("pushing")
def test_a_pushed_filter_asks_for_no_more_than_the_facade(source: Any, host: Host) -> None:
    with Client() as client:
        list(client.calls.list_many(["agent_demo"], status="failed"))
    facade = len(host.app.asked)
    host.app.asked.clear()
    pushed = source.option("pushdown", "true").load()
    assert rows(pushed.where("status = 'failed' AND agent_id = 'agent_demo'"))
    assert 0 < len(host.app.asked) <= facade


@pytest.mark.usefixtures("pushing")
def test_an_option_is_not_widened_by_a_filter(source: Any) -> None:
    failed = source.option("pushdown", "true").option("status", "failed").load()
    assert rows(failed.where("status = 'ended'")) == []


def test_pushdown_needs_the_setting_and_nothing_else_does(source: Any) -> None:
    assert rows(source.load().where("status = 'failed'"))
    said = error_of(source.option("pushdown", "true").load)
    assert "spark.sql.python.filterPushdown.enabled" in said


@pytest.mark.parametrize("break_it", ["not proven", "failing"])
def test_a_task_fails_and_names_the_agent_and_the_reason(
    source: Any, host: Host, break_it: str
) -> None:
    if break_it == "not proven":
        host.app.doubted, why = {"agent_3"}, "IncompleteError: For agent_3: "
    else:
        host.app.failing, why = {"agent_3": 1}, "for agent_3: Not this one."
    assert why in error_of(source.load)


def test_where_that_is_allowed_the_rows_of_such_agents_are_marked(source: Any, host: Host) -> None:
    host.app.doubted, host.app.failing = {"agent_3"}, {"agent_demo": 2, "agent_4": 1}
    frame = source.option("allow_incomplete", "true").load()
    found = {(row.agent_id, row._complete) for row in frame.distinct().collect()}
    assert found == {
        ("agent_demo", False),
        ("agent_2", True),
        ("agent_3", False),
        ("agent_one", True),
    }
    assert set(rows(frame.where("agent_id IN ('agent_2', 'agent_3')"))) == {
        *host.calls("agent_2"),
        *host.calls("agent_3"),
    }


def test_the_key_may_be_in_a_file_of_the_driver(source: Any, host: Host, tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("sk_of_nobody\n")
    assert "Check AGENTCALLS_API_KEY" in error_of(source.option("api_key_file", str(file)).load)
    file.write_text(f"{KEY}\n")
    assert rows(source.option("api_key_file", str(file)).load()) == sorted(host.all_calls())
