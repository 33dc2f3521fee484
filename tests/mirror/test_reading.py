"""`agentcalls.mirror.read`: the calls of some agents as one table, in whatever process it is called."""

from __future__ import annotations

import logging
import pickle
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any

import pytest

from agentcalls import (
    AuthenticationError,
    Client,
    ConfigurationError,
    NotFoundError,
    PermissionDeniedError,
    Report,
)
from agentcalls.mirror import IncompleteError, read
from agentcalls_mock import FULL_KEY, create_app, open_store, serving
from conftest import SEEDING
from doubtful import Doubtful

if TYPE_CHECKING:
    from collections.abc import Generator

AGENTS = ["agent_demo", "agent_2", "agent_empty", "agent_one"]
TRUTH = {"agent_demo": 250, "agent_2": 25, "agent_one": 1}


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Generator[Doubtful]:
    with open_store(SEEDING) as store, serving(app := Doubtful(create_app(store))) as url:
        monkeypatch.setenv("AGENTCALLS_BASE_URL", url)
        monkeypatch.setenv("AGENTCALLS_API_KEY", FULL_KEY)
        yield app


def counted(table: Any) -> dict[str, int]:
    counts = table["agent_id"].value_counts().to_pylist()
    return {one["values"]: one["counts"] for one in counts}


def test_all_calls_of_all_agents_are_one_table(api: Doubtful) -> None:
    table = read(AGENTS)
    assert counted(table) == TRUTH
    assert len(set(table["id"].to_pylist())) == sum(TRUTH.values())
    with Client() as client:
        assert table.schema == client.calls.list("agent_demo").to_arrow().schema
    assert {agent for agent, _ in api.asked} == set(AGENTS)


def test_one_agent_may_be_named_alone(api: Doubtful) -> None:
    assert counted(read("agent_2", status="failed", concurrency=1)).keys() == {"agent_2"}
    assert {query.get("status") for _, query in api.asked} == {"failed"}


@pytest.mark.parametrize("allow_incomplete", [False, True])
def test_without_agents_nothing_is_sent_and_the_columns_are_there(
    api: Doubtful, *, allow_incomplete: bool
) -> None:
    table = read([], allow_incomplete=allow_incomplete)
    assert (table.num_rows, api.asked) == (0, [])
    assert table.schema == read("agent_one", allow_incomplete=allow_incomplete).schema


@pytest.mark.usefixtures("api")
def test_it_is_called_in_another_process_by_what_was_pickled() -> None:
    assert pickle.loads(pickle.dumps(read)) is read  # noqa: S301  # our own
    job = partial(read, status="failed")
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        tables = list(pool.map(job, ["agent_demo", "agent_one"]))
        unknown = pool.submit(read, "agent_of_another_team")
        assert isinstance(unknown.exception(), NotFoundError)
    assert tables[0].equals(read("agent_demo", status="failed"))


def test_what_is_not_proven_is_an_error_that_names_the_agent(api: Doubtful) -> None:
    api.doubted = {"agent_2"}
    with pytest.raises(IncompleteError, match=r"^For agent_2: .*\. Read again; allow") as caught:
        read(AGENTS)
    assert caught.value.agent_id == "agent_2"
    again = pickle.loads(pickle.dumps(caught.value))  # noqa: S301
    assert str(again) == str(caught.value)


def test_an_agent_that_fails_is_its_own_error_at_once(api: Doubtful) -> None:
    api.failing = {"agent_demo": 1}
    with pytest.raises(PermissionDeniedError, match="agent_demo"):
        read(["agent_demo", *AGENTS], concurrency=1)
    assert "agent_one" not in {agent for agent, _ in api.asked}


def test_what_is_incomplete_is_marked_where_that_is_allowed(
    api: Doubtful, caplog: pytest.LogCaptureFixture
) -> None:
    api.doubted, api.failing = {"agent_2"}, {"agent_demo": 2, "agent_empty": 1}
    with caplog.at_level(logging.INFO, "agentcalls"):
        table = read(AGENTS, allow_incomplete=True)
    marks = {(row["agent_id"], row["_complete"]) for row in table.to_pylist()}
    assert marks == {("agent_demo", False), ("agent_2", False), ("agent_one", True)}
    assert counted(table)["agent_2"] == TRUTH["agent_2"]
    assert 0 < counted(table)["agent_demo"] < TRUTH["agent_demo"]
    ended = [message for message in caplog.messages if message.startswith("Read ")]
    said = {message.split("'")[1] for message in ended if not message.endswith("; complete")}
    assert said == {"agent_demo", "agent_2", "agent_empty"}
    assert FULL_KEY not in caplog.text


@pytest.mark.usefixtures("api")
def test_where_all_is_proven_all_is_marked_so_and_nothing_is_said(
    caplog: pytest.LogCaptureFixture,
) -> None:
    table = read(AGENTS, allow_incomplete=True)
    assert set(table["_complete"].to_pylist()) == {True}
    assert caplog.messages == []


def test_a_refused_key_is_an_error_even_so(api: Doubtful) -> None:
    with pytest.raises(AuthenticationError):
        read(AGENTS, allow_incomplete=True, api_key="sk_unknown_key")
    assert api.asked


class Doubted:
    """The ids of a listing of agents that is not proven complete."""

    report = Report(complete=False, reason="There may be more agents.")

    def __init__(self) -> None:
        self._ids = iter(["agent_one"])

    def __iter__(self) -> Doubted:
        return self

    def __next__(self) -> str:
        return next(self._ids)


@pytest.mark.usefixtures("api")
def test_where_there_may_be_more_agents_that_is_an_error() -> None:
    with pytest.raises(IncompleteError, match="There may be more agents"):
        read(Doubted())


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"status": 3}, "status takes"),
        ({"since": "soon"}, "since takes"),
        ({"concurrency": 0}, "concurrency takes"),
        ({"base_url": "host"}, "base_url|URL"),
    ],
)
def test_an_argument_that_cannot_be_used_is_refused_before_anything_is_sent(
    api: Doubtful, wrong: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ConfigurationError, match=sentence):
        read(AGENTS, **wrong)
    assert api.asked == []
