"""`agentcalls agents`, and `--all-agents` of the commands that read the calls of several agents."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

import pytest
from pyarrow import parquet

from agentcalls.cli.agents import listed
from agentcalls.cli.failures import Code
from agentcalls_mock import Seeding, create_app, open_store, serving
from cli.running import run_here
from faults import answer
from team import agent

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from typer.testing import Result

    from faults import FaultServer

    Cli = Callable[..., Result]

IDS = ["agent_demo", "agent_2", "agent_3", "agent_empty", "agent_one", "agent/with slash?&#é"]


def page_of(*rows: Any, **meta: Any) -> bytes:
    full = {"total_count": len(rows), "page_count": 1, "current_page": 1, "limit": 100}
    full |= {"has_next_page": False, "has_previous_page": False, **meta}
    return json.dumps({"message": "", "meta": full, "data": rows}).encode()


def test_pipe_gets_all_fields_as_json(cli: Cli) -> None:
    ended = cli("agents")
    rows = json.loads(ended.stdout)
    assert [row["id"] for row in rows] == IDS
    assert list(rows[0])[:3] == ["id", "name", "description"]
    assert (rows[0]["status"], rows[0]["additional_properties"]) == ("live", {})
    assert rows[0]["created_at"] == "2026-10-14T12:00:00.000000Z"
    assert (ended.exit_code, ended.stderr) == (0, "Showing 6 of 6 agents.\n")


def test_every_form_has_the_same_agents(cli: Cli) -> None:
    rows = json.loads(cli("agents", "--json").stdout)
    assert rows == [
        json.loads(line) for line in cli("agents", "--format", "ndjson").stdout.splitlines()
    ]
    table = list(csv.DictReader(io.StringIO(cli("agents", "--format", "csv").stdout)))
    assert [(row["id"], row["created_at"]) for row in table] == [
        (row["id"], row["created_at"]) for row in rows
    ]


def test_agents_are_chosen_searched_and_sorted(cli: Cli) -> None:
    live = json.loads(cli("agents", "--status", "live").stdout)
    assert [row["id"] for row in live] == ["agent_demo", "agent_empty"]
    names = [row["name"] for row in json.loads(cli("agents", "--sort", "-name").stdout)]
    assert names == sorted(names, reverse=True)
    found = cli("agents", "--search", "desk", "--format", "csv").stdout.splitlines()
    assert [line.split(",")[0] for line in found] == ["id", "agent_demo"]
    nobody = cli("agents", "--status", "on holiday")
    assert (json.loads(nobody.stdout), nobody.exit_code) == ([], 0)
    assert nobody.stderr == "Showing 0 of 6 agents.\n"


@pytest.mark.parametrize(("columns", "shown"), [(60, 3), (100, 5), (220, 6)])
def test_terminal_gets_a_table_that_fits_it(columns: int, shown: int) -> None:
    code, sent = run_here("agents", columns=columns)
    head, *rows = sent.splitlines()
    titles = ["ID", "NAME", "STATUS", "LANGUAGE", "CREATED", "DESCRIPTION"]
    assert code == 0
    assert [title for title in titles if title in head] == titles[:shown]
    assert any("agent/with slash?&#é" in row for row in rows)


def test_terminal_is_not_controlled(server: FaultServer) -> None:
    evil = "\x1b[2J\x07\u202ename"
    server.fail(answer(page_of(agent(1, name=evil, status=evil, language=None))))
    code, sent = run_here("agents", columns=100)
    assert code == 0
    assert not {"\x1b[2J", "\x07", "\u202e"} & {
        part for part in ("\x1b[2J", "\x07", "\u202e") if part in sent
    }
    server.fail(answer(page_of(agent(1, name=evil))))
    assert "\\u001b[2J" in run_here("agents", "--json")[1]


def test_odd_agents_are_rows_too(cli: Cli, server: FaultServer) -> None:
    server.fail(answer(page_of({"id": "a"}, 7, agent(2, status=7, rules=[1]))))
    ended = cli("agents")
    rows = json.loads(ended.stdout)
    assert [row["id"] for row in rows] == ["a", None, "agent_2"]
    assert rows[2]["additional_properties"] == {"rules": [1], "status": 7}
    assert ended.exit_code == 3


def test_listing_that_is_not_proven_complete_ends_with_3(cli: Cli, server: FaultServer) -> None:
    server.fail(answer(page_of(agent(1), agent(1))))
    ended = cli("agents")
    assert len(json.loads(ended.stdout)) == 1
    assert ended.exit_code == 3
    assert "Error: Not proven complete: " in ended.stderr


def test_what_refuses_has_its_exit_code(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cli("agents", "--json", "--format", "csv").exit_code == 2
    assert cli("agents", "--search", "x" * 256).exit_code == 2
    monkeypatch.setenv("AGENTCALLS_API_KEY", "sk_test_noscope")
    refused = cli("agents")
    assert (refused.exit_code, refused.stdout) == (4, "")
    assert "may read the team's agents" in refused.stderr


# All agents.


def test_all_agents_of_the_team_are_counted(cli: Cli) -> None:
    document = json.loads(cli("stats", "--all-agents").stdout)
    assert (document["agents"], document["total"]["calls"]) == (IDS, 250 + 25 + 25 + 1 + 12)
    live = json.loads(cli("stats", "--all-agents", "--agent-status", "live").stdout)
    assert (live["agents"], live["complete"]) == (["agent_demo", "agent_empty"], True)


def test_all_agents_are_exported(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "calls.parquet"
    ended = cli("export", "--all-agents", "-o", str(file))
    assert (ended.exit_code, ended.stderr) == (0, f"Wrote 313 calls of 6 agents to {file}.\n")
    agents = parquet.read_table(file).column("agent_id").to_pylist()
    assert list(dict.fromkeys(agents)) == [one for one in IDS if one != "agent_empty"]


def test_all_agents_are_exported_to_a_pipe(cli: Cli) -> None:
    ended = cli("export", "--all-agents", "--agent-status", "paused", "-o", "-")
    agents = {json.loads(line)["agent_id"] for line in ended.stdout.splitlines()}
    assert (ended.exit_code, agents) == (0, {"agent_2", "agent_one"})


def test_all_agents_are_checked(cli: Cli) -> None:
    ended = cli("check", "--all-agents", "--since", "2026-10-01", "--max-failure-rate", "1%")
    assert ended.exit_code == Code.TOO_MANY
    assert " of 270 calls failed" in ended.stdout
    assert "agent_demo" in ended.stdout


def test_all_agents_are_reported(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    ended = cli("report", "--all-agents", "--agent-status", "live", "-o", str(file))
    assert ended.exit_code == 0
    page = file.read_text()
    assert "agent_demo" in page
    assert "agent_empty" in page


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--all-agents", "agent_demo"], "--all-agents and agents that are named contradict"),
        (["--all-agents", "--agents-file", "-"], "--all-agents and agents that are named"),
        (["agent_demo", "--agent-status", "live"], "--agent-status goes with --all-agents"),
        (["--agent-status", "live"], "--agent-status goes with --all-agents"),
    ],
)
@pytest.mark.parametrize("command", ["stats", "check"])
def test_all_agents_and_some_contradict_each_other(
    cli: Cli, command: str, arguments: list[str], said: str
) -> None:
    ended = cli(command, *arguments, input="agent_demo\n")
    assert ended.exit_code == 2
    assert said in ended.stderr


def test_no_agent_of_a_status_is_no_silence(cli: Cli) -> None:
    ended = cli("stats", "--all-agents", "--agent-status", "Live")
    assert (ended.exit_code, ended.stdout) == (5, "")
    assert "their statuses: development, live, paused." in ended.stderr


def test_team_without_agents_is_no_silence(cli: Cli, server: FaultServer) -> None:
    server.fail(answer(page_of()))
    ended = cli("stats", "--all-agents")
    assert (ended.exit_code, ended.stderr) == (5, "Error: The team has no agents.\n")


@pytest.mark.parametrize(
    "command", [["stats"], ["check"], ["export", "-o", "-"]], ids=lambda command: command[0]
)
def test_agents_that_may_not_be_all_end_with_3(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    with open_store(Seeding(calls=50)) as store, serving(create_app(store)) as url:
        store.connection.execute("UPDATE agents SET created_at = 'never' WHERE id = 'agent_3'")
        monkeypatch.setenv("AGENTCALLS_BASE_URL", url)
        ended = cli(*command, "--all-agents", "--agent-status", "live")
    assert ended.exit_code == 3
    said = ended.stdout if command == ["check"] else ended.stderr
    assert "The listing of the agents is not proven complete: " in " ".join(said.split())
    assert ended.stdout


@pytest.mark.parametrize("id", ["..", "a\nb", ""])
@pytest.mark.parametrize(
    "command",
    [
        ["stats"],
        ["check"],
        ["export", "-o", "-", "--keep-going"],
        ["report", "-o", "calls.html", "--compare", "--since", "24h"],
        ["sync", "--to", "calls.sqlite"],
    ],
    ids=lambda command: command[0],
)
def test_an_agent_whose_id_cannot_be_sent_costs_the_others_nothing(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command: list[str], id: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with open_store(Seeding(calls=50)) as store, serving(create_app(store)) as url:
        store.connection.execute("UPDATE agents SET id = ? WHERE id = 'agent_3'", [id])
        monkeypatch.setenv("AGENTCALLS_BASE_URL", url)
        ended = cli(*command, "--all-agents")
    assert ended.exit_code == 3
    said = " ".join((ended.stderr + ended.stdout).split())
    assert f"1 of {len(IDS)} agents failed: {listed([id])}" in said or command == ["check"]
    assert "agent_id cannot be" in said or "ConfigurationError" in said


def test_failure_to_list_agents_is_said_and_nothing_is_written(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AGENTCALLS_API_KEY", "sk_wrong")
    ended = cli("export", "--all-agents", "-o", str(tmp_path / "calls.csv"))
    assert (ended.exit_code, list(tmp_path.glob("calls*"))) == (4, [])


def test_key_of_stdin_is_read_once(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AGENTCALLS_API_KEY")
    ended = cli("stats", "--all-agents", "--key-stdin", input="sk_test_full\n")
    assert ended.exit_code == 0


@pytest.mark.parametrize(
    ("status", "hint"),
    [("pasued", " Did you mean 'paused'?"), ("LIVE", " Did you mean 'live'?"), ("retired", None)],
)
def test_a_status_that_no_agent_has_is_hinted_at(
    cli: Callable[..., Result], status: str, hint: str | None
) -> None:
    ended = cli("agents", "--status", status)
    said = f"No agent has the status {status!r}.{hint}\n" if hint else ""
    assert (ended.exit_code, said in ended.stderr) == (0, True)
    assert ("No agent" in ended.stderr) is (hint is not None)
