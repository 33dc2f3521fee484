"""What the source plans, without a session: its options, its partitions, the filters, a stream's offsets."""

# Spark is in an environment of its own.
# pyright: reportMissingImports=false
from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import TYPE_CHECKING, Any

import pytest
from pyspark.sql.datasource import (
    EqualNullSafe,
    EqualTo,
    GreaterThan,
    In,
    IsNull,
    Not,
    StringStartsWith,
)

from agentcalls import ConfigurationError
from pyspark_agentcalls import DefaultSource
from pyspark_agentcalls.asked import Asked, asked_of
from pyspark_agentcalls.batch import narrowed
from pyspark_agentcalls.stream import AgentsStream

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

HOST = {"api_key_secret": "sk_12345678", "base_url": "http://127.0.0.1:9"}
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def asked(**options: str) -> Asked:
    return asked_of({**HOST, "agents": "a,b,c", **options})


def test_every_agent_is_in_one_share_and_the_requests_at_once_are_divided() -> None:
    for agents, partitions, concurrency in product((1, 2, 7, 40), (1, 3, 8, 50), (1, 4, 8, 64)):
        names = [f"agent_{number}" for number in range(agents)]
        options = {"partitions": str(partitions), "concurrency": str(concurrency)}
        shares = asked(agents=",".join(names), **options).shares()
        assert sorted(agent for share in shares for agent in share.agents) == sorted(names)
        assert len(shares) == min(agents, partitions, concurrency)
        assert sum(share.concurrency for share in shares) == concurrency
        sizes = [len(share.agents) for share in shares]
        assert max(sizes) - min(sizes) <= 1


def test_a_duration_means_the_same_moment_in_each_task() -> None:
    since = asked(since="24h").filters["since"]
    assert timedelta(hours=23.9) < datetime.now(UTC) - since < timedelta(hours=24.1)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"agents": ""}, "agent"),
        ({"is_test_call": "yes"}, "is_test_call takes true or false, not 'yes'."),
        ({"allow_incomplete": "1"}, "allow_incomplete takes true or false"),
        ({"partitions": "many"}, "partitions takes an integer from 1, not 'many'."),
        ({"concurrency": "65"}, "concurrency takes an integer from 1 to 64"),
        ({"concurrency": "-1"}, "concurrency takes an integer from 1, not '-1'."),
        ({"since": "soon"}, "since takes"),
        ({"until": "2026-11-23T10:00"}, "until takes a time with an offset"),
        ({"follow": "2026-11-23"}, "follow takes a duration such as 24h, not '2026-11-23'."),
        ({"every": "often"}, "every takes a duration"),
        ({"base_url": "http://192.0.2.1"}, "http"),
        ({"api_key_file": "key.txt"}, "api_key_secret and api_key_file contradict"),
        (
            {"api_key": "sk_87654321"},
            "The option for the key is api_key_secret: by the name api_key,",
        ),
        ({"path": "calls"}, "No such option: path; there are agents, agents_file,"),
    ],
)
def test_options_that_cannot_be_used_are_refused(options: dict[str, str], sentence: str) -> None:
    with pytest.raises(ConfigurationError, match=sentence.replace(".", r"\.")):
        asked(**options)


def test_without_a_key_the_sentence_says_where_one_comes_from(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("AGENTCALLS_API_KEY", raising=False)
    with pytest.raises(ConfigurationError, match="AGENTCALLS_API_KEY"):
        asked_of({"agents": "a", "base_url": "http://127.0.0.1:9"})


def test_a_file_that_names_no_agent_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "agents.txt"
    file.write_text("# none\n")
    with pytest.raises(ConfigurationError, match="names no agent"):
        asked_of({**HOST, "agents_file": str(file)})


def test_no_repr_shows_the_key() -> None:
    assert HOST["api_key_secret"] not in repr(asked())
    assert HOST["api_key_secret"] not in repr(asked().shares())


def narrow(*filters: Any, **options: str) -> tuple[Sequence[str], dict[str, Any]]:
    found = narrowed(asked(**options), filters)
    return found.agents, dict(found.filters)


ALL = ("a", "b", "c")


@pytest.mark.parametrize(
    ("filters", "agents", "asks"),
    [
        ([EqualTo(("agent_id",), "b")], ("b",), {}),
        ([EqualNullSafe(("agent_id",), "b")], ("b",), {}),
        ([EqualNullSafe(("agent_id",), None)], ALL, {}),
        ([In(("agent_id",), ("c", "z", "a"))], ("a", "c"), {}),
        ([In(("agent_id",), ("c", "a")), EqualTo(("agent_id",), "b")], (), {}),
        ([Not(EqualTo(("agent_id",), "b"))], ALL, {}),
        ([EqualTo(("status",), "failed")], ALL, {"status": "failed"}),
        ([In(("status",), ("failed",))], ALL, {"status": "failed"}),
        ([In(("status",), ("failed", "ended"))], ALL, {}),
        ([EqualTo(("status",), "not of the contract")], ALL, {}),
        (
            [EqualTo(("status",), "failed"), EqualTo(("status",), "ended")],
            ALL,
            {"status": "failed"},
        ),
        ([EqualTo(("is_test_call",), value=True)], ALL, {"is_test_call": True}),
        ([Not(EqualTo(("is_test_call",), value=True))], ALL, {"is_test_call": False}),
        ([EqualTo(("source",), "+1")], ALL, {}),
        ([EqualTo(("status", "failed"), "x")], ALL, {}),
        ([GreaterThan(("duration_seconds",), 3), IsNull(("status",))], ALL, {}),
        ([StringStartsWith(("agent_id",), "b"), Not(IsNull(("agent_id",)))], ALL, {}),
    ],
)
def test_filters_narrow_what_is_asked_for_only_where_all_rows_that_pass_stay(
    filters: list[Any], agents: tuple[str, ...], asks: dict[str, Any]
) -> None:
    assert narrow(*filters) == (agents, asks)


def test_an_option_stays_as_it_is() -> None:
    assert narrow(EqualTo(("status",), "ended"), status="failed") == (ALL, {"status": "failed"})


def spans(stream: AgentsStream, start: dict[str, str], end: dict[str, str]) -> set[tuple[Any, Any]]:
    shares = [one.value for one in stream.partitions(start, end)]
    return {(share.filters.get("since"), share.filters["until"]) for share in shares}


def test_each_batch_of_a_stream_begins_before_the_end_of_the_last() -> None:
    stream = AgentsStream(asked(since="2026-11-01", follow="6h"))
    begin, first, second = (
        stream.initialOffset(),
        {"until": NOW.isoformat()},
        {"until": (NOW + timedelta(hours=1)).isoformat()},
    )
    assert spans(stream, begin, first) == {(datetime(2026, 11, 1, tzinfo=UTC), NOW)}
    assert spans(stream, first, second) == {(NOW - timedelta(hours=6), NOW + timedelta(hours=1))}
    assert stream.partitions(first, first) == stream.partitions(begin, begin) == []
    assert spans(AgentsStream(asked()), begin, first) == {(None, NOW)}


def test_a_stream_without_a_trigger_does_not_ask_all_the_time() -> None:
    stream = AgentsStream(asked())
    first = stream.latestOffset(stream.initialOffset(), None)
    assert stream.latestOffset(first, None) == first
    assert AgentsStream(asked(every="0s")).latestOffset(first, None) != first
    assert stream.latestOffset().keys() == {"until"}  # as Spark 4.0 and 4.1 call it


def test_a_stream_has_no_end() -> None:
    with pytest.raises(ConfigurationError, match="A stream has no end"):
        AgentsStream(asked(until="2026-11-23"))


BLOCKED = """
import sys
ours = {"pyspark_agentcalls", "pyspark", "py4j", *sys.stdlib_module_names}

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] not in ours and not name.startswith("_sysconfigdata"):
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Missing())
import pyspark_agentcalls
print(pyspark_agentcalls.DefaultSource.name())
"""


def test_spark_can_import_it_whatever_else_is_missing() -> None:
    command = [sys.executable, "-c", BLOCKED]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.stdout == "agentcalls\n", ended.stderr


def test_the_columns_are_those_of_every_table_and_one_more_where_asked_for() -> None:
    plain = DefaultSource({**HOST, "agents": "a"}).schema()
    assert plain.startswith("`agent_id` string, `id` string, ")
    assert "`created_on` timestamp" in plain
    marked = DefaultSource({**HOST, "agents": "a", "allow_incomplete": "true"}).schema()
    assert marked == f"{plain}, _complete boolean"
