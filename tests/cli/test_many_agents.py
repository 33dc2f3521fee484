"""The four commands that read many agents: one that fails costs the others nothing."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from agentcalls.cli.agents import MOST_NAMED
from agentcalls_mock import Seeding, create_app, open_store, serving
from exports import rows_of

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

    from typer.testing import Result

    Cli = Callable[..., Result]

COMMANDS = {
    "export": ("export", "-o", "calls.csv", "--keep-going"),
    "stats": ("stats", "--json"),
    "report": ("report", "-o", "report.html"),
    "check": ("check", "--since", "2026-01-01", "--max-failure-rate", "100%", "--json"),
}
ODD_PAGE = {"message": "Success", "meta": None, "data": ["call"]}
ORDERS = [["bad", "agent_demo", "agent_empty"], ["agent_empty", "agent_demo", "bad"]]


class Faulty:
    """The mock, but for the agent "bad", to whom every request is answered in one way."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self.status, self.body = 404, b"{}"
        self.asked: list[str] = []

    def answer(self, status: int, body: object) -> None:
        self.status, self.body = status, json.dumps(body).encode()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        agent = scope["path"].split("/")[-2]
        self.asked.append(agent)
        if agent != "bad":
            await self._app(scope, receive, send)
            return
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body})


@pytest.fixture(scope="module")
def served() -> Generator[tuple[Faulty, str]]:
    with open_store(Seeding(calls=250)) as store:
        app = Faulty(create_app(store))
        with serving(app) as url:
            yield app, url


@pytest.fixture
def api(served: tuple[Faulty, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Faulty:
    api, url = served
    monkeypatch.setenv("AGENTCALLS_BASE_URL", url)
    monkeypatch.chdir(tmp_path)
    api.asked.clear()
    return api


def healthy(command: str, ended: Result, folder: Path) -> None:
    """The 250 calls of agent_demo are there."""
    if command == "export":
        agents = [row["agent_id"] for row in rows_of(folder / "calls.csv")]
        assert agents.count("agent_demo") == 250
    elif command == "report":
        assert re.search(r"Wrote report\.html: 25[01] calls\.", ended.stderr)
        assert "agent_demo" in (folder / "report.html").read_text()
    else:
        found = json.loads(ended.stdout)["total"]
        assert found["calls"] + found.get("under_way", 0) >= 200


@pytest.mark.share("command")
@pytest.mark.parametrize("agents", ORDERS, ids="-".join)
@pytest.mark.parametrize("status", [404, 403, 500])
@pytest.mark.parametrize("command", COMMANDS)
def test_an_agent_that_fails_is_named_and_the_others_are_there(
    command: str,
    status: int,
    agents: list[str],
    *,
    api: Faulty,
    cli: Cli,
    tmp_path: Path,
) -> None:
    api.answer(status, {"message": "No."})
    name, *options = COMMANDS[command]
    ended = cli(name, *agents, *options, "--max-retries", "0")
    assert ended.exit_code == 3
    healthy(command, ended, tmp_path)
    if command == "check":
        found = json.loads(ended.stdout)
        (bad,) = (agent for agent in found["agents"] if agent["agent"] == "bad")
        assert (found["result"], bad["result"]) == ("incomplete", "incomplete")
        assert re.match(rf"{status} from [\d.:]+ for bad: No\.", bad["error"])
    else:
        assert re.search(rf"^{status} from [\d.:]+ for bad: No\.", ended.stderr, re.MULTILINE)
        assert ended.stderr.endswith("Error: 1 of 3 agents failed: bad.\n")
    if command == "stats":
        assert " for bad: No." in json.loads(ended.stdout)["failures"]["bad"]
    if command == "report":
        assert "Could not be read: " in (tmp_path / "report.html").read_text()


@pytest.mark.parametrize("agents", ORDERS, ids="-".join)
@pytest.mark.parametrize("command", COMMANDS)
def test_an_agent_of_odd_rows_is_not_proven_complete_and_no_failure(
    command: str, agents: list[str], api: Faulty, cli: Cli, tmp_path: Path
) -> None:
    api.answer(200, ODD_PAGE)
    name, *options = COMMANDS[command]
    ended = cli(name, *agents, *options)
    assert ended.exit_code == 3
    healthy(command, ended, tmp_path)
    if command != "check":
        assert "bad: " in ended.stderr
        assert ended.stderr.endswith("Error: Not proven complete: 1 of 3 listings.\n")


@pytest.mark.parametrize("command", COMMANDS)
def test_agents_without_calls_are_fine(command: str, api: Faulty, cli: Cli, tmp_path: Path) -> None:
    name, *options = COMMANDS[command]
    ended = cli(name, "agent_empty", "agent_demo", *options)
    assert ended.exit_code == 0
    healthy(command, ended, tmp_path)
    assert "bad" not in api.asked


@pytest.mark.parametrize(("status", "code"), [(404, 5), (403, 4), (500, 8)])
@pytest.mark.parametrize("command", COMMANDS)
def test_where_every_agent_fails_the_code_is_that_of_the_failure(
    command: str, status: int, code: int, *, api: Faulty, cli: Cli, tmp_path: Path
) -> None:
    api.answer(status, {"message": "No."})
    name, *options = COMMANDS[command]
    ended = cli(name, "bad", *options, "--max-retries", "0")
    assert (ended.exit_code, ended.stdout) == (code, "")
    assert f"Error: {status} from " in ended.stderr
    assert list(tmp_path.iterdir()) == []


def test_where_all_of_several_fail_they_are_named(api: Faulty, cli: Cli) -> None:
    api.answer(404, {"message": "No."})
    ended = cli("stats", "bad", "agent_of_nobody", "--max-retries", "0")
    assert ended.exit_code == 5
    assert re.match(
        r"All 2 agents failed: bad, agent_of_nobody\.\nError: 404 from [\d.:]+ for bad: No\.",
        ended.stderr,
    )


@pytest.mark.parametrize("agents", ORDERS, ids="-".join)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_key_that_is_refused_ends_it(
    command: str, agents: list[str], api: Faulty, cli: Cli, tmp_path: Path
) -> None:
    api.answer(401, {"message": "No."})
    name, *options = COMMANDS[command]
    ended = cli(name, *agents, *options)
    assert (ended.exit_code, ended.stdout) == (4, "")
    assert "bad: No." in ended.stderr or command == "check"
    assert not (tmp_path / "calls.csv").exists()


@pytest.mark.parametrize("command", COMMANDS)
def test_what_cannot_be_asked_is_refused_before_anything_is_sent(
    command: str, api: Faulty, cli: Cli
) -> None:
    name, *options = COMMANDS[command]
    for wrong in ([""], ["--since", "soon"], ["--concurrency", "0"], ["--concurrency", "AUTO"]):
        # Of two, the last --since counts.
        ended = cli(name, *options, "agent_demo", *wrong)
        assert (ended.exit_code, ended.stdout) == (2, "")
    assert api.asked == []


def test_export_without_keep_going_names_all_and_writes_nothing(
    api: Faulty, cli: Cli, tmp_path: Path
) -> None:
    api.answer(404, {"message": "No."})
    ended = cli("export", "agent_demo", "bad", "agent_of_nobody", "-o", "calls.csv")
    assert ended.exit_code == 5
    assert " for bad: No. Also failing: agent_of_nobody (404)." in ended.stderr
    assert not (tmp_path / "calls.csv").exists()
    agents = tmp_path / "agents.txt"
    agents.write_text("agent_demo\n")
    assert (
        cli("export", "--agents-file", "agents.txt", "-o", "calls.csv", "--resume").exit_code == 0
    )
    assert len(rows_of(tmp_path / "calls.csv")) == 250


@pytest.mark.usefixtures("api")
@pytest.mark.parametrize("command", COMMANDS)
def test_agents_come_from_arguments_and_a_file(command: str, cli: Cli, tmp_path: Path) -> None:
    text = "\ufeff# all of them\r\n\r\n  agent_demo \r\nagent_one # a comment\r\nagent_demo\r\nagent/with slash?&#é"
    (tmp_path / "agents.txt").write_bytes(text.encode())
    name, *options = COMMANDS[command]
    concurrency = "auto" if command == "check" else "2"
    named = ("agent_2", "--agents-file", "agents.txt", "--concurrency", concurrency)
    ended = cli(name, *named, *options)
    assert ended.stderr.startswith("Named more than once, and read once: agent_demo.\n")
    agents = ["agent_2", "agent_demo", "agent_one", "agent/with slash?&#é"]
    if command == "export":
        rows = rows_of(tmp_path / "calls.csv")
        assert list(dict.fromkeys(row["agent_id"] for row in rows)) == agents
    elif command == "report":
        assert all(
            agent.split("&")[0] in (tmp_path / "report.html").read_text() for agent in agents
        )
    else:
        found = json.loads(ended.stdout)["agents"]
        assert [agent["agent"] if command == "check" else agent for agent in found] == agents


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("text", ["", "\n\n", "# nobody\n"])
def test_a_file_that_names_no_agent_is_refused(
    text: str, command: str, api: Faulty, cli: Cli, tmp_path: Path
) -> None:
    (tmp_path / "agents.txt").write_text(text)
    name, *options = COMMANDS[command]
    ended = cli(name, "agent_demo", "--agents-file", "agents.txt", *options)
    assert (ended.exit_code, ended.stderr) == (2, "Error: agents.txt names no agent.\n")
    assert api.asked == []


@pytest.mark.usefixtures("api")
@pytest.mark.parametrize("command", COMMANDS)
def test_agents_come_from_stdin_and_the_key_does_not_then(command: str, cli: Cli) -> None:
    name, *options = COMMANDS[command]
    assert cli(name, "--agents-file", "-", *options, input="agent_one\n").exit_code == 0
    ended = cli(name, "--agents-file", "-", "--key-stdin", *options, input="agent_one\n")
    assert (ended.exit_code, ended.stderr) == (
        2,
        "Error: --agents-file - and --key-stdin both read stdin.\n",
    )
    ended = cli(name, *options)
    assert (
        "Name an agent, or a file of agents with --agents-file, or say --all-agents."
        in ended.stderr
    )


def test_of_many_failures_the_first_are_told(api: Faulty, cli: Cli, tmp_path: Path) -> None:
    api.answer(404, {"message": "No."})
    names = [f"nobody_{number}" for number in range(MOST_NAMED + 5)]
    (tmp_path / "agents.txt").write_text("\n".join(["agent_demo", *names]))
    ended = cli("stats", "--agents-file", "agents.txt")
    *told, error = ended.stderr.splitlines()
    assert len(told) == MOST_NAMED
    assert error.endswith("nobody_9, and 5 more.")
    line = cli("check", "--agents-file", "agents.txt", "--since", "2026-01-01").stdout
    # Twelve in all, and one is over the limit.
    assert "; over the limit: agent_demo: " in line
    assert line.count("Agent not found") == 11
    assert line.endswith("and 4 more\n")


def test_check_judges_the_healthy_and_calls_no_failure_fine(api: Faulty, cli: Cli) -> None:
    api.answer(500, {"message": "No."})
    run = ("check", "agent_demo", "bad", "--since", "2026-01-01", "--max-retries", "0")
    fine = cli(*run, "--max-failure-rate", "100%")
    assert fine.exit_code == 3
    assert fine.stdout.startswith("UNKNOWN: ")
    assert re.search(r"; could not be read: 500 from [\d.:]+ for bad: No\.", fine.stdout)
    worse = cli(*run, "--max-failure-rate", "0%")
    assert worse.stdout.startswith("FAILED: ")


def test_check_asks_agents_of_several_pages_for_the_order_and_no_others(
    api: Faulty, cli: Cli
) -> None:
    api.answer(404, {"message": "No."})
    ended = cli("check", "bad", "agent_one", "agent_demo", "agent_2", "--since", "2026-01-01")
    assert ended.exit_code == 9
    # Three pages, two probes, and the first page again.
    assert Counter(api.asked) == {"bad": 1, "agent_one": 1, "agent_2": 1, "agent_demo": 6}


def test_an_agent_that_failed_is_not_counted_among_those_written(
    cli: Callable[..., Result], tmp_path: Path
) -> None:
    output = str(tmp_path / "calls.csv")
    ended = cli("export", "agent_one", "absent", "agent_empty", "-o", output, "--keep-going")
    assert ended.exit_code == 3
    assert ended.stderr.startswith(f"Wrote 1 call of 2 agents to {output}.\n")
    assert ended.stderr.endswith("1 of 3 agents failed: absent.\n")
