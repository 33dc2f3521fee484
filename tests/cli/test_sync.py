"""`agentcalls sync`: its options, its exit codes and what it says."""

from __future__ import annotations

import os
import re
import signal
import sqlite3
import subprocess
from contextlib import closing
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from agentcalls import AuthenticationError, NotFoundError
from agentcalls.cli.agents import Named
from agentcalls.cli.commands.sync.repeating import address
from agentcalls.cli.commands.sync.sync import sentence
from agentcalls.cli.failures import Failure
from agentcalls.export.disk import operations
from agentcalls.mirror import Progress, Synced
from agentcalls.mirror.change import Written
from cli.running import COMMAND, run_here

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from typer.testing import Result

    Cli = Callable[..., Result]


@pytest.fixture
def to(tmp_path: Path) -> str:
    return str(tmp_path / "calls.sqlite")


def count(path: str) -> int:
    with closing(sqlite3.connect(path)) as database:
        (found,) = database.execute("SELECT count(*) FROM current_calls").fetchone()
    return int(found)


def test_a_copy_is_made_and_kept_up_to_date(cli: Cli, to: str) -> None:
    first = cli("sync", "agent_demo", "agent_one", "--to", to)
    assert (first.exit_code, first.stdout) == (0, "")
    assert "251 new calls, 0 changed, 0 gone;" in first.stderr
    second = cli("sync", "agent_demo", "agent_one", "--to", to, "--full")
    assert (second.exit_code, count(to)) == (0, 251)
    assert "0 new calls, 0 changed, 0 gone;" in second.stderr


def test_all_agents_are_those_of_the_team(cli: Cli, to: str) -> None:
    assert cli("sync", "--all-agents", "--to", to, "--quiet-every", "1h").exit_code == 0
    asked = cli("sync", "--all-agents", "--to", to, "--quiet-every", "1h")
    assert "Not due: " in asked.stderr
    with closing(sqlite3.connect(to)) as database:
        assert database.execute("SELECT count(*) FROM agents").fetchone()[0] > 3


def test_a_dry_run_and_a_check_ask_for_nothing_and_need_no_key(
    cli: Cli, to: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cli("sync", "agent_demo", "--to", to).exit_code == 0
    monkeypatch.delenv("AGENTCALLS_API_KEY")
    monkeypatch.delenv("AGENTCALLS_BASE_URL")
    assert cli("sync", "agent_demo", "--to", to).exit_code == 4
    found = cli("sync", "agent_demo", "agent_2", "--to", to, "--dry-run")
    assert (found.exit_code, found.stdout) == (0, "At least 2 requests.\n")
    assert cli("sync", "--all-agents", "--to", to, "--dry-run").stdout == "At least 1 request.\n"
    assert (
        cli("sync", "agent_demo", "--to", to, "--dry-run", "--full").stdout
        == "At least 3 requests.\n"
    )
    found = cli("sync", "--to", to, "--verify")
    assert (found.exit_code, found.stdout) == (0, f"{to}: each call is there once.\n")


def test_a_check_that_finds_something_exits_with_3(cli: Cli, to: str) -> None:
    assert cli("sync", "agent_one", "--to", to).exit_code == 0
    with closing(sqlite3.connect(to)) as database, database:
        database.execute("UPDATE calls SET created_on = NULL")
    found = cli("sync", "--to", to, "--verify")
    assert found.exit_code == 3
    assert "1 call without id or created_on." in found.stderr


def test_a_failing_agent_exits_with_3_and_costs_the_others_nothing(cli: Cli, to: str) -> None:
    found = cli("sync", "agent_demo", "nobody", "--to", to)
    assert found.exit_code == 3
    assert "nobody: NotFoundError (404)" in found.stderr
    assert "1 of 2 agents failed: nobody." in found.stderr
    assert count(to) == 250
    assert cli("sync", "nobody", "--to", to).exit_code == 5


def test_agents_come_from_a_file(cli: Cli, to: str, tmp_path: Path) -> None:
    names = tmp_path / "agents.txt"
    names.write_bytes(b"\xef\xbb\xbfagent_one\r\n\r\nagent_empty\r\nagent_one\r\n")
    found = cli("sync", "--agents-file", str(names), "--to", to)
    assert found.exit_code == 0
    assert "Named more than once, and read once: agent_one." in found.stderr
    assert count(to) == 1
    names.write_text("\n\n")
    assert cli("sync", "--agents-file", str(names), "--to", to).exit_code == 2


@pytest.mark.parametrize(
    "wrong",
    [
        ["agent_one"],
        ["--to", "calls.sqlite"],
        ["agent_one", "--to", "calls.csv"],
        ["agent_one", "--to", "calls.sqlite", "--audit", "5"],
        ["agent_one", "--to", "calls.sqlite", "--follow", "soon"],
        ["agent_one", "--to", "calls.sqlite", "--quiet-every", "0s"],
        ["\ud800", "--to", "calls.sqlite"],
        ["--verify", "--to", "calls.sqlite"],
        ["agent_one", "--to", "calls.sqlite", "--metrics", "127.0.0.1:0"],
        ["agent_one", "--to", "calls.sqlite", "--every", "0s"],
    ],
    ids=str,
)
def test_wrong_usage_exits_with_2_and_writes_nothing(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli("sync", *wrong).exit_code == 2
    assert not [file for file in tmp_path.iterdir() if file.name.startswith("calls")]


@pytest.mark.parametrize("more", [[], ["--dry-run"], ["--verify"]])
def test_a_second_sync_at_once_says_so_and_exits_with_1(
    cli: Cli, to: str, tmp_path: Path, more: list[str]
) -> None:
    assert cli("sync", "agent_one", "--to", to).exit_code == 0
    lock = operations.open_lock(tmp_path / "calls.sqlite.lock")
    assert lock is not None
    try:
        assert operations.lock(lock)
        found = cli("sync", "agent_one", "--to", to, *more)
    finally:
        os.close(lock)
    assert found.exit_code == 1
    assert f"Another sync is writing {to}." in found.stderr


def test_a_terminal_shows_the_progress(to: str) -> None:
    code, shown = run_here("sync", "agent_demo", "agent_one", "--to", to)
    assert code == 0
    assert "Agents" in shown
    assert "requests/s" in shown


def test_what_differs_is_said() -> None:
    outcome = Synced(
        agents=3, asked=3, written=Written(new=1), unproven={}, failures={}, differing=["agent_2"]
    )
    assert sentence(outcome, "x.duckdb") == (
        "x.duckdb: 1 new call, 0 changed, 0 gone; 3 requests for 3 agents."
        " The server counts otherwise, which a later sync looks into: agent_2."
    )


def test_ctrl_c_and_sigterm_leave_a_copy_that_goes_on(cli: Cli, to: str) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        with subprocess.Popen(
            [*COMMAND, "sync", "agent_demo", "--to", to], env=dict(os.environ)
        ) as running:
            running.send_signal(number)
            running.wait(10)
    assert cli("sync", "agent_demo", "--to", to).exit_code == 0
    assert count(to) == 250


def answered(url: str) -> tuple[int, str]:
    found = httpx.get(url, trust_env=False)
    return found.status_code, found.text


def test_it_syncs_again_and_again_until_sigterm(cli: Cli, to: str) -> None:
    words = ["sync", "--all-agents", "--to", to, "--every", "1s", "--metrics", "127.0.0.1:0"]
    with subprocess.Popen(
        [*COMMAND, *words], stderr=subprocess.PIPE, text=True, env=dict(os.environ)
    ) as running:
        assert running.stderr
        (port,) = re.findall(r"port (\d+) of 127.0.0.1", running.stderr.readline())
        said = [running.stderr.readline() for _ in range(2)]
        assert all(" new calls, " in line for line in said)
        url = f"http://127.0.0.1:{port}"
        assert answered(f"{url}/healthz") == (200, "ok\n")
        assert "agentcalls_sync_runs_total " in answered(f"{url}/metrics")[1]
        running.terminate()
        assert running.wait(5) == 0
        assert running.stderr.read().endswith("Stopped.\n")
    assert cli("sync", "--to", to, "--verify").exit_code == 0


def test_sigterm_in_the_middle_of_a_sync_ends_it(
    cli: Cli, to: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = signal.getsignal(signal.SIGTERM)

    def sync(*_: Any, progress: Any, **__: Any) -> None:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        except BaseException:  # noqa: BLE001  # as Python does while an object is deleted
            progress(Progress(agents=1, agents_done=0, requests=0, calls=0))

    monkeypatch.setattr("agentcalls.mirror.syncing.sync", sync)
    found = cli("sync", "agent_one", "--to", to, "--every", "1s")
    assert (found.exit_code, found.stderr) == (0, "Stopped.\n")
    assert signal.getsignal(signal.SIGTERM) is before


def test_what_ends_a_sync_is_said_and_a_refused_key_ends_them_all(
    cli: Cli, to: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing = [NotFoundError("It is gone."), AuthenticationError("It is refused.")]

    def sync(*_: Any, progress: Any, **__: Any) -> None:
        progress(Progress(agents=1, agents_done=0, requests=0, calls=0))
        raise failing.pop(0)

    monkeypatch.setattr("agentcalls.mirror.syncing.sync", sync)
    monkeypatch.setattr("agentcalls.mirror.watching.until_next", lambda *_: (0.0, 0))
    found = cli("sync", "agent_one", "--to", to, "--every", "1h", "--metrics", "127.0.0.1:0")
    assert found.exit_code == 4
    metrics, first, second = found.stderr.splitlines()
    assert re.fullmatch(r"Metrics are at port \d+ of 127.0.0.1: /metrics and /healthz.", metrics)
    assert first.startswith("Error: It is gone.")
    assert second.startswith("Error: It is refused.")


def test_a_team_that_has_no_agents_for_a_time_ends_no_watch(
    cli: Cli, to: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcome = Synced(agents=1, asked=1, written=Written(), unproven={}, failures={})
    found: list[Synced | Exception] = [
        outcome,
        Failure("The team has no agents."),
        AuthenticationError("Refused."),
    ]

    def sync(*_: Any, **__: Any) -> Synced:
        one = found.pop(0)
        if isinstance(one, Exception):
            raise one
        return one

    monkeypatch.setattr("agentcalls.mirror.syncing.sync", sync)
    monkeypatch.setattr("agentcalls.mirror.watching.until_next", lambda *_: (0.0, 0))
    said = cli("sync", "agent_one", "--to", to, "--every", "1h")
    assert said.exit_code == 4
    assert "Error: The team has no agents.\n" in said.stderr


def test_a_run_is_not_complete_while_there_may_be_more_agents(
    cli: Cli, to: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    doubts = ["There may be more.", None]

    def read(named: Named, _: object) -> None:
        named[:] = ["agent_one"]
        if not doubts:
            raise AuthenticationError("Refused.")
        if doubt := doubts.pop(0):
            named.doubt = doubt

    monkeypatch.setattr(Named, "read", read)
    monkeypatch.setattr("agentcalls.mirror.watching.until_next", lambda *_: (0.0, 0))
    assert cli("sync", "--all-agents", "--to", to, "--every", "1h").exit_code == 4
    with closing(sqlite3.connect(to)) as database:
        found = database.execute("SELECT complete, why FROM runs ORDER BY began_at").fetchall()
    assert found == [(0, "There may be more."), (1, None)]


def test_a_status_that_no_agent_has_ends_a_watch_that_begins(cli: Cli, to: str) -> None:
    words = ["sync", "--all-agents", "--agent-status", "nosuch", "--to", to, "--every", "1h"]
    assert cli(*words).exit_code == 5


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("127.0.0.1:9464", ("127.0.0.1", 9464)),
        ("localhost:0", ("localhost", 0)),
        ("[::1]:80", ("::1", 80)),
    ],
)
def test_an_address_is_a_host_and_a_port(text: str, found: tuple[str, int]) -> None:
    assert address(text) == found


@pytest.mark.parametrize("text", ["9464", ":9464", "host:", "host:65536", "::1:80", "h h:1", "a:b"])
def test_what_is_no_address_is_wrong_usage(cli: Cli, to: str, text: str) -> None:
    found = cli("sync", "agent_one", "--to", to, "--every", "1s", "--metrics", text)
    assert found.exit_code == 2
    assert "HOST:PORT" in found.stderr


def test_the_copy_is_in_duckdb_where_its_name_says_so(cli: Cli, tmp_path: Path) -> None:
    import duckdb  # noqa: PLC0415

    path = tmp_path / "calls.duckdb"
    assert cli("sync", "agent_demo", "--to", str(path)).exit_code == 0
    with duckdb.connect(str(path), read_only=True) as database:
        found: Any = database.execute("SELECT sum(calls) FROM calls_by_day").fetchone()
    assert found == (250,)
