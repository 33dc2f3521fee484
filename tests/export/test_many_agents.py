"""Exports of many agents, of which some fail, come or go."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from agentcalls import (
    AgentCallsError,
    AuthenticationError,
    Client,
    ConfigurationError,
    InternalServerError,
    NotFoundError,
    PermissionDeniedError,
)
from agentcalls.export import AgentFailure, Progress, export, export_stream
from drawn import drawn
from exports import rows_of
from many_agents import FIRST_WALK, Agents, failing

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

COUNTS = {"a": 250, "b": 0, "c": 120, "d": 1, "e": 310}
AGENTS = list(COUNTS)


class StoppedError(Exception):
    pass


@pytest.fixture
def api(page_body: Any) -> Agents:
    return Agents(page_body["data"][0], dict(COUNTS))


@pytest.fixture
def reader(api: Agents) -> Generator[Client]:
    with (
        httpx.Client(transport=httpx.MockTransport(api)) as http,
        Client(
            api_key="sk_x", base_url="http://127.0.0.1:1", http_client=http, max_retries=0
        ) as client,
    ):
        yield client


def stopping_after(agents: int, calls: int = 0) -> Callable[[Progress], None]:
    def stop(progress: Progress) -> None:
        if progress.agents_done >= agents and progress.agent_calls >= calls:
            raise StoppedError

    return stop


def refusing(status: int, page: int = 1) -> Callable[[str, int], Any]:
    return failing("bad", status, page=page)


@pytest.mark.parametrize(
    ("status", "kind"),
    [(404, "NotFoundError"), (403, "PermissionDeniedError"), (500, "InternalServerError")],
)
@pytest.mark.parametrize(
    "agents", [["bad", *AGENTS], [*AGENTS, "bad"], [*AGENTS[:2], "bad", *AGENTS[2:]]], ids=str
)
def test_an_agent_that_fails_costs_the_others_nothing(
    agents: list[str],
    status: int,
    kind: str,
    *,
    api: Agents,
    reader: Client,
    tmp_path: Path,
) -> None:
    api.counts["bad"] = 300
    api.fail = refusing(status)
    outcome = export(reader, agents, tmp_path / "calls.csv", keep_going=True)
    expected = export(reader, AGENTS, tmp_path / "healthy.csv")
    assert (tmp_path / "calls.csv").read_bytes() == (tmp_path / "healthy.csv").read_bytes()
    (failure,) = outcome.failures.values()
    assert list(outcome.failures) == ["bad"]
    assert (failure.kind, failure.status) == (kind, status)
    assert failure.message.startswith(f"{status} from 127.0.0.1:1 for bad: No.")
    assert (outcome.agents, outcome.calls, outcome.complete) == (6, expected.calls, False)
    assert (expected.complete, expected.failures) == (True, {})


def test_calls_that_were_read_before_an_agent_failed_are_there(
    api: Agents, reader: Client, tmp_path: Path
) -> None:
    api.counts["bad"] = 300
    api.fail = refusing(500, page=2)
    outcome = export(reader, ["bad", "d"], tmp_path / "calls.ndjson", keep_going=True)
    agents = [row["agent_id"] for row in rows_of(tmp_path / "calls.ndjson")]
    assert agents == ["bad"] * 100 + ["d"]
    assert list(outcome.failures) == ["bad"]


def test_odd_rows_of_one_agent_are_no_failure(api: Agents, reader: Client, tmp_path: Path) -> None:
    api.row = lambda agent, number: "call" if agent == "c" else Agents.row(api, agent, number)  # type: ignore[method-assign, assignment, return-value]
    outcome = export(reader, AGENTS, tmp_path / "calls.json", keep_going=True)
    assert outcome.failures == {}
    assert list(outcome.incomplete) == ["c"]
    assert outcome.calls == 681


def test_a_stream_gets_what_there_is_too(api: Agents, reader: Client, tmp_path: Path) -> None:
    api.fail = refusing(404)
    with (tmp_path / "calls").open("wb") as file:
        outcome = export_stream(reader, ["bad", "d"], file, keep_going=True)
    assert (outcome.calls, list(outcome.failures)) == (1, ["bad"])


@pytest.mark.parametrize("ending", ["csv", "json", "ndjson.gz", "parquet"])
def test_without_it_all_failures_are_named_and_the_rest_of_the_list_goes_on(
    ending: str, api: Agents, reader: Client, tmp_path: Path
) -> None:
    del api.counts["b"], api.counts["d"]
    api.counts["refused"] = 5
    api.fail = failing("refused", 403)
    path, whole = tmp_path / f"calls.{ending}", tmp_path / f"whole.{ending}"
    with pytest.raises(NotFoundError) as caught:
        export(reader, ["a", "b", "c", "d", "refused", "e"], path, journal_calls=100)
    assert caught.value.agent_id == "b"
    assert caught.value.message == "No such agent. Also failing: d (404), refused (403)."
    assert not path.exists()
    asked = api.asked.count("a")
    assert asked <= 5 + FIRST_WALK
    export(reader, ["a", "c", "e"], path, resume=True)
    assert api.asked.count("a") == asked  # it was not read again
    export(reader, ["a", "c", "e"], whole)
    assert rows_of(path) == rows_of(whole)


def test_a_failure_that_may_pass_is_not_named_after_one_attempt(
    api: Agents, reader: Client, tmp_path: Path
) -> None:
    api.counts["bad"] = 1
    api.fail = refusing(503)
    with pytest.raises(NotFoundError) as caught:
        export(reader, ["a", "nobody", "bad", "d"], tmp_path / "calls.csv")
    assert " for nobody: No such agent. (" in str(caught.value)


LATER = [
    ["a", "b", "c", "d"],
    ["a", "c", "d", "e"],
    ["b", "c", "d", "e"],
    ["a", "b", "d", "e"],
    ["new", "a", "b", "c", "d", "e"],
    ["a", "b", "new", "c", "d", "e"],
    ["a", "b", "c", "d", "e", "new"],
    ["e", "d", "c", "b", "a"],
    ["a", "b", "c"],
    ["a"],
    ["new"],
]
STOPS = [(0, 1), (1, 0), (2, 100), (4, 0), (5, 0)]


@pytest.mark.share("agents")
@pytest.mark.parametrize(
    ("agents", "stop", "ending"),
    drawn(LATER, STOPS, last=["json", "ndjson.gz"]),
    ids=lambda it: "".join(it) if isinstance(it, list) else str(it),
)
def test_agents_may_come_and_go_before_an_export_goes_on(
    ending: str,
    stop: tuple[int, int],
    agents: list[str],
    *,
    api: Agents,
    reader: Client,
    tmp_path: Path,
) -> None:
    api.counts["new"] = 130
    path, whole = tmp_path / f"calls.{ending}", tmp_path / f"whole.{ending}"
    with pytest.raises(StoppedError):
        export(reader, AGENTS, path, progress=stopping_after(*stop), journal_calls=100)
    resumed = export(reader, agents, path, resume=True, journal_calls=100)
    assert resumed == export(reader, agents, whole, journal_calls=100)
    assert rows_of(path) == rows_of(whole)


@pytest.mark.parametrize("agents", [AGENTS, AGENTS[:-1], [*AGENTS, "new"]], ids="".join)
@pytest.mark.parametrize("ending", ["csv", "sqlite"])
def test_they_may_do_so_when_all_was_read(
    ending: str,
    agents: list[str],
    *,
    api: Agents,
    reader: Client,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def stop(*_: object) -> None:
        raise StoppedError

    api.counts["new"] = 130
    path, whole = tmp_path / f"calls.{ending}", tmp_path / f"whole.{ending}"
    monkeypatch.setattr("agentcalls.export.workspace.Workspace.publish", stop)
    with pytest.raises(StoppedError):
        export(reader, AGENTS, path, journal_calls=100)
    monkeypatch.undo()
    resumed = export(reader, agents, path, resume=True, journal_calls=100)
    assert resumed == export(reader, agents, whole)
    assert rows_of(path) == rows_of(whole)


def test_a_file_that_has_its_name_already_is_not_taken_for_one_of_other_agents(
    api: Agents, reader: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, opened = tmp_path / "calls.csv", os.open

    def refuse(opening: Path, *arguments: Any, **options: Any) -> int:
        if opening == tmp_path and path.exists():
            raise StoppedError
        return opened(opening, *arguments, **options)

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(StoppedError):
        export(reader, AGENTS, path, resume=True)
    monkeypatch.undo()
    del api.counts["e"]
    with pytest.raises(ConfigurationError, match="already exists"):
        export(reader, AGENTS[:-1], path, resume=True)
    export(reader, AGENTS[:-1], path, resume=True, force=True)
    assert len(rows_of(path)) == 371


def interrupt_without_c(api: Agents, reader: Client, path: Path) -> None:
    """Leave an export that kept a failure and was interrupted behind it."""
    del api.counts["c"]
    with pytest.raises(StoppedError):
        export(
            reader,
            AGENTS,
            path,
            progress=stopping_after(4, 100),
            journal_calls=100,
            keep_going=True,
        )


def test_failures_that_were_kept_are_tried_again_where_they_are_not_to_be(
    api: Agents, reader: Client, tmp_path: Path
) -> None:
    path = tmp_path / "calls.csv"
    interrupt_without_c(api, reader, path)
    with pytest.raises(NotFoundError, match="for c: No such agent"):
        export(reader, AGENTS, path, resume=True)
    api.counts["c"] = 120
    outcome = export(reader, AGENTS, path, resume=True)
    assert (outcome.failures, outcome.calls) == ({}, 681)
    export(reader, AGENTS, tmp_path / "whole.csv")
    assert path.read_bytes() == (tmp_path / "whole.csv").read_bytes()


def test_failures_that_were_kept_outlive_an_interruption(
    api: Agents, reader: Client, tmp_path: Path
) -> None:
    path = tmp_path / "calls.csv"
    interrupt_without_c(api, reader, path)
    outcome = export(reader, AGENTS, path, resume=True, keep_going=True)
    assert list(outcome.failures) == ["c"]
    assert isinstance(outcome.failures["c"], AgentFailure)
    assert outcome.calls == 561


@pytest.mark.parametrize("keep_going", [True, False])
def test_a_key_that_is_refused_ends_it_and_is_no_failure_of_an_agent(
    *, keep_going: bool, api: Agents, reader: Client, tmp_path: Path
) -> None:
    path = tmp_path / "calls.csv"
    api.fail = failing("c", 401)
    with pytest.raises(AuthenticationError) as caught:
        export(reader, AGENTS, path, keep_going=keep_going, journal_calls=100)
    assert " for c: No. (" in str(caught.value)
    api.fail = lambda _agent, _page: None
    outcome = export(reader, AGENTS, path, keep_going=keep_going, resume=True)
    assert (outcome.calls, outcome.failures) == (681, {})


@pytest.mark.parametrize(
    ("status", "error"),
    [(404, NotFoundError), (403, PermissionDeniedError), (500, InternalServerError)],
)
def test_where_every_agent_fails_there_is_no_file(
    status: int, error: type[AgentCallsError], api: Agents, reader: Client, tmp_path: Path
) -> None:
    api.fail = lambda _agent, _page: httpx.Response(status, json={"message": "No."})
    with pytest.raises(error, match="for a: No"):
        export(reader, AGENTS, tmp_path / "calls.csv", keep_going=True)
    assert list(tmp_path.iterdir()) == []


def test_an_id_that_cannot_be_one_is_refused_before_anything_is_sent(
    api: Agents, reader: Client, tmp_path: Path
) -> None:
    choices: list[dict[str, Any]] = [{"keep_going": True}, {}, {"concurrency": 65}]
    for options in choices:
        agents = AGENTS if "concurrency" in options else [*AGENTS, ""]
        with pytest.raises(ConfigurationError):
            export(reader, agents, tmp_path / "calls.csv", **options)
    assert api.asked == []
    assert list(tmp_path.iterdir()) == []
