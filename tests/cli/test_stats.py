from __future__ import annotations

import csv
import io
import json
import re
import statistics
from collections import defaultdict
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest

from agentcalls_mock.seeding import Agent, calls_of
from cli.running import run_here, run_in_terminal, run_process
from conftest import SEEDING
from faults import changed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from typer.testing import Result

    from agentcalls_mock import Call
    from faults import FaultServer

    Cli = Callable[..., Result]

CALLS = list(calls_of(Agent("agent_demo", 250), SEEDING))
ALSO = list(calls_of(Agent("agent_2", 25), SEEDING))
HERE = timezone(timedelta(hours=3))  # as conftest.py sets TZ
BY = ["status", "end_reason", "error_reason", "direction", "day", "hour"]


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def expected(calls: Iterable[Call], of: int) -> dict[str, Any]:
    """The numbers of a group, from the mock's own rows and the standard library."""
    rows = list(calls)
    decided = [call for call in rows if call.status not in {"queued", "ringing"}]
    answered = [call for call in rows if call.status in {"answered", "ended"}]
    failed = [call for call in rows if call.status == "failed"]
    lasted = sorted(call.duration_seconds for call in rows if call.duration_seconds is not None)
    waited = sorted(
        round((moment(call.ringing_at) - moment(call.created_on)).total_seconds() * 1000) // 100
        for call in rows
        if call.ringing_at
    )

    def share(part: list[Call], whole: int) -> float | None:
        return round(len(part) / whole, 4) if whole else None

    def nearest(values: list[int]) -> int:
        return values[-(-95 * len(values) // 100) - 1]

    return {
        "calls": len(rows),
        "share": share(rows, of),
        "test_calls": sum(call.is_test_call for call in rows),
        "decided": len(decided),
        "answered": len(answered),
        "answer_rate": share(answered, len(decided)),
        "failed": len(failed),
        "failure_rate": share(failed, len(decided)),
        "duration_calls": len(lasted),
        "duration_median_seconds": statistics.median(lasted) if lasted else None,
        "duration_p95_seconds": nearest(lasted) if lasted else None,
        "ringing_calls": len(waited),
        "ringing_median_seconds": statistics.median(waited) / 10 if waited else None,
        "ringing_p95_seconds": nearest(waited) / 10 if waited else None,
    }


def key_of(call: Call, by: str) -> Any:
    created = moment(call.created_on).astimezone(HERE)
    if by == "day":
        return str(created.date())
    return created.hour if by == "hour" else getattr(call, by)


@pytest.mark.parametrize("by", BY)
@pytest.mark.parametrize("options", [(), ("--live",), ("--status", "failed")], ids=str)
def test_json_agrees_with_the_standard_library(by: str, options: tuple[str, ...], cli: Cli) -> None:
    calls = [
        call
        for call in CALLS
        if not ("--live" in options and call.is_test_call)
        and ("--status" not in options or call.status == "failed")
    ]
    groups = defaultdict(list)
    for call in calls:
        groups[key_of(call, by)].append(call)
    ended = cli("stats", "agent_demo", "--by", by, *options, "--json")
    found = json.loads(ended.stdout)
    assert found["total"] == expected(calls, len(calls))
    rows = {row.pop(by): row for row in found["groups"]}
    assert {key: row for key, row in rows.items() if row["calls"]} == {
        key: expected(members, len(calls)) for key, members in groups.items()
    }
    times = sorted(call.created_on for call in calls)
    assert (moment(found["first_created_on"]), moment(found["last_created_on"])) == (
        moment(times[0]),
        moment(times[-1]),
    )
    assert found["time_zone"] == "XXX (UTC+0300)"
    assert (found["by"], found["other"], found["complete"]) == (by, None, True)
    assert (ended.exit_code, ended.stderr) == (0, "")


def test_hours_and_days_in_utc(cli: Cli) -> None:
    hours = json.loads(cli("stats", "agent_demo", "--by", "hour", "--utc").stdout)
    counts = [0] * 24
    for call in CALLS:
        counts[moment(call.created_on).hour] += 1
    assert [row["calls"] for row in hours["groups"]] == counts
    assert hours["time_zone"] == "UTC"


def test_agents_are_added_and_each_is_read_once(cli: Cli) -> None:
    ended = cli("stats", "agent_demo", "agent_2", "agent_demo")
    found = json.loads(ended.stdout)
    assert found["agents"] == ["agent_demo", "agent_2"]
    assert found["total"] == expected([*CALLS, *ALSO], 275)


def test_since_and_until_choose_calls(cli: Cli) -> None:
    options = ("--since", "2026-11-20", "--until", "2026-11-22", "--utc")
    found = json.loads(cli("stats", "agent_demo", *options).stdout)
    chosen = [call for call in CALLS if "2026-11-20" <= call.created_on < "2026-11-22"]
    assert found["total"] == expected(chosen, len(chosen))
    assert found["filters"] == {"since": "2026-11-20", "until": "2026-11-22"}


@pytest.mark.parametrize("form", ["csv", "ndjson"])
def test_csv_and_ndjson_have_the_groups(form: str, cli: Cli) -> None:
    text = cli("stats", "agent_demo", "--by", "direction", "--format", form).stdout
    lines = text.splitlines()
    rows = (
        list(csv.DictReader(io.StringIO(text))) if form == "csv" else list(map(json.loads, lines))
    )
    assert {row["direction"]: int(row["calls"]) for row in rows} == {
        direction: sum(call.direction == direction for call in CALLS)
        for direction in ("inbound", "outbound")
    }
    assert list(rows[0]) == ["direction", *expected([], 0)]


def test_an_empty_listing(cli: Cli) -> None:
    found = json.loads(cli("stats", "agent_empty").stdout)
    assert found["total"] == expected([], 0)
    assert (found["groups"], found["first_created_on"], found["time_zone"]) == ([], None, None)
    table = cli("stats", "agent_empty", "--format", "table").stdout.splitlines()
    assert table[0] == "0 calls"
    assert table[2].split()[0] == "STATUS"


def test_agents_countries_and_sources_are_groups(cli: Cli) -> None:
    def groups(by: str) -> dict[str, int]:
        found = json.loads(cli("stats", "agent_demo", "agent_one", "--by", by).stdout)
        assert found["by"] == by
        return {row[by]: row["calls"] for row in found["groups"]}

    assert groups("agent") == {"agent_demo": 250, "agent_one": 1}
    assert set(groups("country")) == {"US", "GB", "NG"}
    assert sum(groups("country").values()) == sum(groups("source").values()) == 251


@pytest.mark.parametrize("columns", [80, 200])
@pytest.mark.parametrize("by", ["status", "end_reason", "hour"])
def test_a_terminal_gets_bars_that_fit_it(by: str, columns: int) -> None:
    code, text = run_here("stats", "agent_demo", "--by", by, columns=columns)
    lines = plain(text).splitlines()
    assert code == 0
    assert max(map(len, lines)) <= columns
    assert any(line.startswith("250 calls, created 2026-10-") for line in lines)
    head = next(line for line in lines if line.startswith(by.upper()))
    assert ("RINGS P95" in head) == (columns == 200 or by == "status")
    assert ("ANSWERED" in head) == (by != "status")
    bars = [line.count("█") for line in lines]
    assert max(bars) >= (20 if columns == 80 else 55)


def test_the_longest_bar_is_of_the_largest_group_and_each_has_its_colour() -> None:
    _, text = run_here("stats", "agent_demo", columns=120)
    rows = [line for line in text.splitlines() if "%  " in line]
    lengths = [row.count("█") for row in rows]
    assert lengths == sorted(lengths, reverse=True)
    assert lengths[0] == 60
    assert "\x1b[32mended" in rows[0]
    assert re.search("\x1b\\[31mfailed.*\x1b\\[31m█", text)


@pytest.mark.parametrize("variable", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_plain_terminals_get_no_colours_and_nothing_that_moves(
    variable: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variable.items():
        monkeypatch.setenv(name, value)
    _, text = run_here("stats", "agent_demo")
    assert text.startswith("250 calls")
    assert "\x1b" not in text
    assert "█" in text


def test_a_terminal_shows_meanwhile_what_is_read_and_takes_it_away_again() -> None:
    _, text = run_here("stats", "agent_demo")
    before, after = text.split("250 calls, ")
    assert "Reading agent_demo" in before
    assert "\x1b[?25h" in before  # the cursor is back
    assert "Reading" not in after


def test_without_unicode_bars_are_number_signs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    ended = run_process("stats", "agent_demo", "--format", "table")
    assert "#" * 24 in ended.stdout
    assert ended.stdout.isascii()
    assert "\\" not in ended.stdout


def test_a_table_in_a_pipe_has_bars_of_its_own_width() -> None:
    ended = run_process("stats", "agent_demo", "--format", "table", "--by", "end_reason")
    assert "\x1b" not in ended.stdout
    assert max(line.count("█") for line in ended.stdout.splitlines()) == 24
    assert max(map(len, ended.stdout.splitlines())) < 130


def reasons(page: dict[str, Any]) -> None:
    for row in page["data"]:
        row["error_reason"] = f"\x1b[31m{row['id']} {'long ' * 30}"


def test_many_reasons_are_cut_short_on_a_terminal_only(server: FaultServer, cli: Cli) -> None:
    server.fail(changed(reasons))
    _, text = run_here("stats", "agent_demo", "--by", "error_reason")
    assert "and 185 more: --json has them all" in text
    assert max(map(len, plain(text).splitlines())) <= 80
    assert "\N{REPLACEMENT CHARACTER}[31mcall_" in text
    assert (
        len(json.loads(cli("stats", "agent_demo", "--by", "error_reason").stdout)["groups"]) == 210
    )


@pytest.mark.parametrize("form", ["csv", "ndjson"])
def test_groups_are_written_as_calls_are(form: str, server: FaultServer, cli: Cli) -> None:
    def odd(page: dict[str, Any]) -> None:
        page["data"][0]["error_reason"] = "=1+1"
        page["data"][1]["error_reason"] = "half: \ud83d"

    server.fail(changed(odd))
    text = cli("stats", "agent_demo", "--by", "error_reason", "--format", form).stdout
    mark = "'" if form == "csv" else '{"error_reason":"'
    assert f"\n{mark}=1+1" in text
    assert "half: \ufffd" in text


def test_groups_beyond_the_bound_are_counted_together(
    server: FaultServer, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agentcalls.cli.summary.MOST_GROUPS", 200)
    server.fail(changed(reasons))
    run = ("stats", "agent_demo", "--by", "error_reason")
    assert json.loads(cli(*run).stdout)["other"]["calls"] == 10
    assert cli(*run, "--format", "csv").stdout.splitlines()[-1].startswith("(other),10,")
    assert cli(*run, "--format", "table").stdout.splitlines()[-1].split()[:2] == ["(other)", "10"]


@pytest.mark.parametrize(("agent", "columns"), [("agent_demo", 200), ("agent_empty", 80)])
def test_as_a_process_it_says_the_same_in_the_width_of_its_terminal(
    agent: str, columns: int
) -> None:
    arguments = ("stats", agent, "--by", "end_reason")
    code, text = run_in_terminal(*arguments, columns=columns)
    _, here = run_here(*arguments, columns=columns)
    assert code == 0
    assert plain(text).splitlines()[-8:] == plain(here).splitlines()[-8:]


def disorder(page: dict[str, Any]) -> None:
    rows = page["data"]
    rows[5], rows[6] = rows[6], rows[5]


@pytest.mark.parametrize("form", ["table", "json"])
def test_what_is_not_proven_complete_is_printed_and_told(
    form: str, server: FaultServer, cli: Cli
) -> None:
    server.fail(changed(disorder))
    ended = cli("stats", "agent_demo", "agent_2", "--format", form, "--since", "2020-01-01")
    assert ended.exit_code == 3
    assert ended.stdout.startswith(("420 calls", '{"agents"'))
    demo, other, error = ended.stderr.splitlines()
    assert demo.startswith("agent_demo: The rows do not come in order")
    assert other.startswith("agent_2: The rows do not come in order")
    assert error == "Error: Not proven complete: 2 of 2 listings."
    if form == "json":
        found = json.loads(ended.stdout)
        assert not found["complete"]
        assert found["incomplete_reason"] == f"{demo} {other}"


def test_an_agent_that_is_not_there_prints_nothing(cli: Cli) -> None:
    for agents in (["agent_other_team"], ["agent_of_nobody", "agent_other_team"]):
        ended = cli("stats", *agents)
        assert (ended.exit_code, ended.stdout) == (5, "")


@pytest.mark.parametrize("command", [("stats",), ("report", "-o", "report.html")], ids=" ".join)
def test_an_error_names_the_agent_that_it_is_about(
    command: tuple[str, ...], cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    ended = cli(*command, "agent_other_team")
    assert ended.stderr.startswith("Error: 404 not_found from 127.0.0.1:")
    assert " for agent_other_team: Agent not found (" in ended.stderr


@pytest.mark.parametrize("command", [("stats",), ("report", "-o", "report.html")], ids=" ".join)
def test_a_time_that_ends_before_it_begins_is_a_usage_error(
    command: tuple[str, ...], cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    ended = cli(*command, "agent_demo", "--since", "1h", "--until", "2h")
    assert (ended.exit_code, ended.stdout) == (2, "")
    assert "--since takes a moment before --until: '1h' is not before '2h'." in ended.stderr
    assert list(tmp_path.iterdir()) == []


def plain(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text).replace("\r", "\n")


@pytest.mark.parametrize(
    ("zone", "midnight"),
    [
        (("--utc",), "00:00"),
        ((), "21:00"),  # three hours east of UTC, as conftest.py sets TZ: the evening before
        (("--tz", "America/Los_Angeles"), "08:00"),
        (("--tz", "Asia/Kolkata"), "18:30"),
    ],
    ids=str,
)
def test_days_are_those_of_the_zone_that_is_shown(
    cli: Cli, zone: tuple[str, ...], midnight: str
) -> None:
    early = midnight < "12"
    first, last = ("2026-11-20", "2026-11-22") if early else ("2026-11-19", "2026-11-21")
    begin, end = f"{first}T{midnight}", f"{last}T{midnight}"
    options = ("--since", "2026-11-20", "--until", "2026-11-22T00:00", *zone)
    found = json.loads(cli("list", "agent_demo", "--all", "--json", *options).stdout)
    assert {call["id"] for call in found} == {
        call.id for call in CALLS if begin <= call.created_on < end
    }
    total = json.loads(cli("stats", "agent_demo", *options).stdout)["total"]["calls"]
    assert total == len(found) > 0
