from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import pytest

from agentcalls_mock import FULL_KEY
from cli.running import run_process
from cli.staged import Stage, staged
from faults import answer, changed

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from typer.testing import Result

    from faults import FaultServer

    Cli = Callable[..., Result]


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Generator[Stage]:
    """Ten calls of the last half hour, one of which failed, one is under way, and one is older."""
    with staged() as (stage, url):
        monkeypatch.setenv("AGENTCALLS_BASE_URL", url)
        for number, status in enumerate([*["ended"] * 6, "busy", "cancelled", "failed", "ringing"]):
            stage.add(f"call_{number}", status, minutes_ago=number)
        stage.add("older", "failed", minutes_ago=90)
        yield stage


@pytest.mark.usefixtures("stage")
def test_a_line_and_no_more_says_what_it_found_and_the_exit_code_whether_it_is_fine() -> None:
    fine = run_process("check", "agent_demo", "--max-failure-rate", "12%", "--min-calls", "9")
    assert (fine.returncode, fine.stdout, fine.stderr) == (
        0,
        "OK: 1 of 9 calls failed (11.1%) since 1h, limit 12%\n",
        "",
    )
    bad = run_process("check", "agent_demo", "--max-failure-rate", "11%", "--min-calls", "9")
    assert (bad.returncode, bad.stdout, bad.stderr) == (
        9,
        "FAILED: 1 of 9 calls failed (11.1%) since 1h, limit 11%\n",
        "",
    )


def test_too_few_calls_are_fine_by_default_from_twenty_on_and_five_percent(
    stage: Stage, cli: Cli
) -> None:
    ended = cli("check", "agent_demo")
    assert (ended.exit_code, ended.stdout) == (
        0,
        "OK: 1 of 9 calls failed (11.1%) since 1h, limit 5%; fewer than 20, too few to judge\n",
    )
    for number in range(11):
        stage.add(f"more_{number}", "ended")
    assert cli("check", "agent_demo").stdout == (
        "OK: 1 of 20 calls failed (5%) since 1h, limit 5%\n"
    )
    stage.change("more_1", "failed")
    assert cli("check", "agent_demo").exit_code == 9


@pytest.mark.usefixtures("stage")
def test_json_has_the_numbers_and_the_same_exit_code(cli: Cli) -> None:
    ended = cli("check", "agent_demo", "agent_empty", "agent_demo", "--min-calls", "2", "--json")
    found = json.loads(ended.stdout)
    assert (ended.exit_code, found["result"], found["total"]["under_way"]) == (9, "failed", 1)
    assert [(row["agent"], row["result"], row["calls"]) for row in found["agents"]] == [
        ("agent_demo", "failed", 9),
        ("agent_empty", "too_few", 0),
    ]


@pytest.mark.usefixtures("stage")
def test_an_agent_over_the_limit_is_named(cli: Cli) -> None:
    ended = cli("check", "agent_empty", "agent_demo", "--min-calls", "2")
    assert ended.stdout.endswith("; over the limit: agent_demo: 1 of 9 calls failed (11.1%)\n")


def test_test_calls_count_only_where_they_are_asked_for(stage: Stage, cli: Cli) -> None:
    stage.store.connection.execute("UPDATE calls SET is_test_call = 1 WHERE id = 'call_8'")
    assert cli("check", "agent_demo").stdout.startswith("OK: 0 of 8 ")
    assert cli("check", "agent_demo", "--include-test").stdout.startswith("OK: 1 of 9 ")


@pytest.mark.usefixtures("stage")
def test_other_statuses_may_count_as_failed(cli: Cli) -> None:
    options = ("--failed-status", "busy", "--failed-status", "cancelled")
    assert cli("check", "agent_demo", *options).stdout.startswith("OK: 2 of 9 ")


@pytest.mark.usefixtures("stage")
def test_a_failed_status_that_is_close_to_one_is_counted_with_a_hint(
    cli: Cli, caplog: pytest.LogCaptureFixture
) -> None:
    ended = cli("check", "agent_demo", "--failed-status", "cancelld")
    assert ended.stdout.startswith("OK: 0 of ")
    assert "did you mean 'cancelled'?" in caplog.text


def test_a_listing_that_is_not_proven_complete_is_no_good_news(
    cli: Cli, server: FaultServer
) -> None:
    server.fail(changed(lambda page: page["data"][0].update(id=None)))
    ended = cli("check", "agent_demo", "--since", "2026-11-23")
    assert ended.exit_code == 3
    assert ended.stdout == (
        "UNKNOWN: 0 of 210 calls failed (0%) since 2026-11-23, limit 5%; "
        "not proven complete: agent_demo: A row lacks its id or created_on.\n"
    )


def test_the_newest_calls_are_asked_for_by_the_name_that_the_server_sorts_by(
    cli: Cli, server: FaultServer
) -> None:
    server.fail(answer(b"{}", 400), after=1, times=2)
    assert cli("check", "agent_demo", "--since", "2026-11-23").exit_code == 0
    sorts = [parse_qs(request.target).get("sort", [""])[0] for request in server.requests]
    assert sorts[0] == ""
    assert set(sorts[1:3]) == {"created_on", "-created_on"}
    assert set(sorts[3:5]) == {"created_at", "-created_at"}
    assert set(sorts[5:]) == {"-created_at"}


def test_a_server_without_that_order_is_read_to_the_end_and_proves_nothing(
    cli: Cli, server: FaultServer
) -> None:
    server.fail(changed(lambda page: page["data"].sort(key=lambda row: row["id"][::-1])))
    ended = cli("check", "agent_demo", "--since", "2026-11-23")
    assert (ended.exit_code, ended.stdout[:27]) == (3, "UNKNOWN: 0 of 210 calls fai")
    assert "not proven complete: agent_demo" in ended.stdout
    assert "sort" not in parse_qs(server.requests[-1].target)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("agent_demo", "--max-failure-rate", "0.05"), 2),
        (("agent_demo", "--max-failure-rate", "5"), 2),
        (("agent_demo", "--min-calls", "0"), 2),
        (("agent_demo", "--since", "tomorrow"), 2),
        ((), 2),
        (("agent_other_team",), 5),
        (("agent_of_nobody", "agent_other_team"), 5),
    ],
)
def test_errors_have_their_exit_codes_and_leave_stdout_empty(
    cli: Cli, arguments: tuple[str, ...], code: int
) -> None:
    ended = cli("check", *arguments)
    assert (ended.exit_code, ended.stdout) == (code, "")
    assert FULL_KEY not in ended.stderr


PROMETHEUS = """\
# HELP agentcalls_failure_rate_limit The largest allowed failure rate.
# TYPE agentcalls_failure_rate_limit gauge
agentcalls_failure_rate_limit 0.12
# HELP agentcalls_calls Calls that are over.
# TYPE agentcalls_calls gauge
agentcalls_calls{agent="agent_demo"} 9
"""


@pytest.mark.usefixtures("stage")
def test_monitors_are_told_in_their_own_forms(cli: Cli) -> None:
    run = ("check", "agent_demo", "--min-calls", "9", "--max-failure-rate")
    data = "calls=9;;;0 failed=1;;;0 under_way=1;;;0 agents=1;;;0"
    fine = cli(*run, "12%", "--format", "nagios")
    assert fine.exit_code == 0
    assert fine.stdout == (
        "AGENTCALLS OK - 1 of 9 calls failed (11.1%) since 1h, limit 12%"
        f" | failure_rate=11.1111%;;12;0;100 {data} agents_over_limit=0;;;0\n"
    )
    bad = cli(*run, "11%", "--format", "nagios")
    assert bad.exit_code == 2
    assert bad.stdout.startswith("AGENTCALLS CRITICAL - 1 of 9 calls failed (11.1%) since 1h")
    assert bad.stdout.endswith(" agents_over_limit=1;;;0\n")
    metrics = cli(*run, "12%", "--format", "prometheus")
    assert metrics.exit_code == 0
    assert metrics.stdout.startswith(PROMETHEUS)
    assert cli(*run, "11%", "--format", "prometheus").exit_code == 9
    assert json.loads(cli(*run, "12%", "--format", "json").stdout)["result"] == "ok"


@pytest.mark.parametrize("wrong", [("agent_of_nobody",), ("agent_demo", "--max-failure-rate", "5")])
def test_plugin_that_cannot_count_says_so_on_its_line(wrong: tuple[str, ...], cli: Cli) -> None:
    ended = cli("check", *wrong, "--format", "nagios")
    assert (ended.exit_code, ended.stderr) == (3, "")
    assert ended.stdout.startswith("AGENTCALLS UNKNOWN - ")
    assert ended.stdout.count("\n") == 1
    assert "|" not in ended.stdout


def test_two_forms_contradict_each_other(cli: Cli) -> None:
    assert cli("check", "agent_demo", "--json", "--format", "nagios").exit_code == 2


def test_an_error_names_the_agent_that_it_is_about(cli: Cli) -> None:
    ended = cli("check", "agent_other_team")
    assert ended.stderr.startswith("Error: 404 not_found from 127.0.0.1:")
    assert " for agent_other_team: Agent not found (" in ended.stderr
