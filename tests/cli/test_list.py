from __future__ import annotations

import csv
import io
import json
import logging
import subprocess
import time
import unicodedata
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from agentcalls import Call
from agentcalls.cli.show.cells import fields
from agentcalls.cli.show.output import printable, to_json
from agentcalls.table.columns import COLUMNS
from agentcalls.table.text import csv_safe, write_csv
from cli.running import COMMAND, run_here, run_in_terminal, run_process
from contract.tool.contract import SCHEMAS
from faults import changed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from typer.testing import Result

    from faults import FaultServer

    Cli = Callable[..., Result]

FIELDS = tuple(SCHEMAS["Call"]["properties"])


def test_a_pipe_gets_json_with_every_field_of_fifty_calls_and_stderr_the_total() -> None:
    ended = run_process("list", "agent_demo")
    calls = json.loads(ended.stdout)
    assert ended.returncode == 0
    assert len(calls) == 50
    assert list(calls[0]) == ["agent_id", *FIELDS, "additional_properties"]
    assert calls[0]["created_on"].endswith("Z")
    assert ended.stderr == "Showing 50 of 250 calls.\n"


def test_the_fields_are_the_models() -> None:
    names = [field.name for field in attrs.fields(Call)]
    assert [*FIELDS, "additional_properties", "agent_id"] == names


def test_a_terminal_gets_a_table_in_local_time_that_fits_it() -> None:
    code, text = run_here("list", "agent_demo", "--limit", "20")
    head, *rows, summary = text.splitlines()
    assert code == 0
    assert "\x1b[1mCREATED" in head
    assert "\x1b[31mfailed" in text
    assert all(len(plain(row)) <= 80 for row in [head, *rows])
    assert any("…" in row for row in rows)
    assert summary == "Showing 20 of 250 calls."
    _, utc = run_here("list", "agent_demo", "--limit", "20", "--utc")
    # The mock's newest call is of 12:00 UTC, which is 15:00 here.
    assert [plain(row)[11:13] for row in (rows[0], utc.splitlines()[1])] == ["14", "11"]
    assert plain(utc.splitlines()[1])[16] == "Z"


def test_a_wide_terminal_gets_more_columns_and_whole_cells() -> None:
    _, text = run_in_terminal("list", "agent_demo", "--limit", "30", columns=200)
    head, *rows = plain(text).splitlines()
    columns = "CREATED STATUS DIRECTION FROM TO TIME TEST REASON ID"
    assert head.split() == columns.split()
    assert not any("…" in row for row in rows)
    assert any(" test " in row for row in rows)


@pytest.mark.parametrize("variable", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_plain_terminals_get_the_table_without_colours(
    variable: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variable.items():
        monkeypatch.setenv(name, value)
    _, text = run_here("list", "agent_demo", "--limit", "20")
    assert text.startswith("CREATED ")
    assert "\x1b" not in text
    assert "…" in text
    assert all(len(line) <= 80 for line in text.splitlines())


def test_a_table_in_a_pipe_is_plain_and_cut_nowhere(cli: Cli) -> None:
    ended = cli("list", "agent_demo", "--format", "table", "--all")
    lines = ended.stdout.splitlines()
    assert len(lines) == 251
    assert "\x1b" not in ended.stdout
    assert "…" not in ended.stdout
    assert lines == [line.rstrip() for line in lines]


def test_filters_reach_the_api(cli: Cli) -> None:
    options = ("--status", "failed", "--live", "--search", "SIP", "--sort", "created_on")
    calls = json.loads(cli("list", "agent_demo", *options).stdout)
    assert calls
    assert {(call["status"], call["is_test_call"]) for call in calls} == {("failed", False)}
    assert all("SIP" in call["error_reason"] for call in calls)
    times = [call["created_on"] for call in calls]
    assert times == sorted(times)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            ("--since", "2026-11-20", "--limit", "7"),
            "Showing the first 7 calls: --all shows every one.\n",
        ),
        (("--until", "2026-11-20"), "Showing the first 50 calls: --all shows every one.\n"),
        (("--since", "2026-11-20"), "Showing 36 calls.\n"),
    ],
)
def test_a_time_window_that_was_cut_says_how_to_see_the_rest(
    cli: Cli, options: tuple[str, ...], said: str
) -> None:
    """The server counts whole listings only, so that nobody knows how many calls are in it."""
    ended = cli("list", "agent_demo", *options)
    assert (ended.exit_code, ended.stderr) == (0, said)


def test_since_and_until_leave_calls_out_and_claim_no_total(cli: Cli) -> None:
    ended = cli(
        "list", "agent_demo", "--since", "2026-11-20", "--until", "2026-11-22", "--all", "--utc"
    )
    days = {call["created_on"][:10] for call in json.loads(ended.stdout)}
    assert days == {"2026-11-20", "2026-11-21"}
    assert " of " not in ended.stderr


def test_fields_are_chosen_in_any_form(cli: Cli) -> None:
    chosen = ("--limit", "2", "--fields", "status, duration_seconds,is_test_call,created_on,source")
    rows = json.loads(cli("list", "agent_demo", "--json", *chosen).stdout)
    names = ["status", "duration_seconds", "is_test_call", "created_on", "source"]
    assert [list(row) for row in rows] == [names, names]
    table = cli("list", "agent_demo", "--format", "table", "--utc", *chosen).stdout.splitlines()
    assert table[0].split() == [name.upper() for name in names]
    assert table[1].split()[:2] == ["queued", str(rows[0]["is_test_call"]).lower()]
    text = cli("list", "agent_demo", "--format", "csv", *chosen).stdout
    first = next(csv.DictReader(io.StringIO(text)))
    assert first == {
        "status": "queued",
        "duration_seconds": "",
        "is_test_call": "true" if rows[0]["is_test_call"] else "false",
        "created_on": rows[0]["created_on"],
        "source": rows[0]["source"] or "",
    }


def test_ndjson_is_a_call_a_line(cli: Cli) -> None:
    lines = cli("list", "agent_demo", "--all", "--format", "ndjson").stdout.splitlines()
    assert len({json.loads(line)["id"] for line in lines}) == 250


def odd(page: dict[str, Any]) -> None:
    reasons = ["=1+1", "half: \ud83d", 'two\nlines, "quoted"', None, ""]
    for row, reason in zip(page["data"], reasons, strict=False):
        row["error_reason"] = reason
    page["data"][5].update(duration_seconds=2**63, extra={"is": [True, None]})
    page["data"][6] = "call"


@pytest.mark.parametrize("form", ["csv", "ndjson", "json"])
@pytest.mark.parametrize("agent", ["agent_demo", "agent_empty"])
def test_list_and_export_write_the_same_file(form: str, agent: str, cli: Cli) -> None:
    listed = cli("list", agent, "--all", "--format", form)
    assert listed.stdout_bytes == cli("export", agent, "-o", "-", "--format", form).stdout_bytes


@pytest.mark.parametrize("form", ["csv", "ndjson", "json"])
def test_they_write_odd_rows_in_the_same_way(form: str, server: FaultServer, cli: Cli) -> None:
    server.fail(changed(odd))
    listed = cli("list", "agent_demo", "--all", "--format", form)
    exported = cli("export", "agent_demo", "-o", "-", "--format", form)
    assert listed.stdout_bytes == exported.stdout_bytes
    assert b"half: \xef\xbf\xbd" in listed.stdout_bytes


def test_no_call_is_an_empty_array(cli: Cli) -> None:
    ended = cli("list", "agent_empty", "--json")
    assert json.loads(ended.stdout) == []
    assert ended.stderr == "Showing 0 of 0 calls.\n"


@pytest.mark.parametrize(
    "options",
    [
        ("--fields", "id,color"),
        ("--json", "--format", "csv"),
        ("--all", "--limit", "5"),
        ("--limit", "0"),
        ("--since", "tomorrow"),
        ("--tz", "Mars/Phobos"),
        ("--tz", "../../etc/passwd"),
        ("--tz", "Europe/Berlin", "--utc"),
        ("--since", "1h", "--until", "2h"),
        ("--since", "2026-11-23", "--until", "2026-11-23"),
    ],
)
def test_what_cannot_be_meant_is_a_usage_error_and_asks_nothing(
    cli: Cli, options: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENTCALLS_BASE_URL", "http://127.0.0.1:1")
    ended = cli("list", "agent_demo", *options)
    assert (ended.exit_code, ended.stdout) == (2, "")
    assert "Error: " in ended.stderr


def test_all_that_is_not_proven_is_told_and_has_a_code_of_its_own(cli: Cli) -> None:
    ended = cli("list", "agent_demo", "--all", "--sort", "status", "--since", "2020-01-01")
    assert len(json.loads(ended.stdout)) == 250
    assert ended.exit_code == 3
    assert "Error: Not proven complete: The rows do not come in order" in ended.stderr


def test_a_reader_that_has_seen_enough_ends_it_quietly() -> None:
    command = [*COMMAND, "list", "agent_demo", "--all", "--format", "ndjson"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        assert process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


def test_a_server_steers_no_terminal_and_half_characters_are_escaped(
    server: FaultServer, cli: Cli
) -> None:
    odd = {"error_reason": "\x1b[2Jgone\u202e", "end_reason": "\ud800", "extra": 1}
    server.fail(changed(lambda page: page["data"][0].update(odd)))
    table = cli("list", "agent_demo", "--format", "table").stdout
    assert "\N{REPLACEMENT CHARACTER}[2Jgone\N{REPLACEMENT CHARACTER}" in table
    ended = cli("list", "agent_demo", "--json")
    call = json.loads(ended.stdout)[0]
    assert (call["error_reason"], call["end_reason"], call["additional_properties"]) == (
        "\x1b[2Jgone\u202e",
        "\ufffd",
        {"extra": 1},
    )


# An OSC that sets the title, a CSI of one byte, BEL, BS, DEL, a return, an override of the direction, a hidden tag, and
# a separator of lines.
STEERING = "\x1b]0;title\x07 \x9b2J \x08\x7f\r \u202e \U000e0041 \u200f é \uff1d \u2028"


LISTED, EXPORTED, GROUPED = (
    ("list", "--limit", "2", "--format"),
    ("export", "-o", "-", "--format"),
    ("stats", "--by", "end_reason", "--format"),
)


@pytest.mark.parametrize(
    ("command", "form"),
    [
        *((LISTED, form) for form in ("table", "json", "ndjson", "csv")),
        *((EXPORTED, form) for form in ("json", "ndjson", "csv")),
        *((GROUPED, form) for form in ("table", "json", "ndjson", "csv")),
    ],
)
def test_no_format_steers_a_terminal_and_in_a_pipe_bytes_stay(
    command: tuple[str, ...],
    form: str,
    server: FaultServer,
    cli: Cli,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TERM", "dumb")  # without colours, and bars that move
    odd = dict.fromkeys(("error_reason", "end_reason", "source", "more\x9b"), STEERING)
    server.fail(changed(lambda page: page["data"][0].update(odd)))
    line = (command[0], "agent_demo", *command[1:], form)
    sent = plain(run_here(*line, columns=300)[1])
    assert {one for one in sent if unicodedata.category(one)[0] == "C"} <= {"\n"}
    assert "\u2028" not in sent
    piped = cli(*line).stdout
    if form != "table":
        assert "é \uff1d" in sent
        assert "\x9b2J" in piped
    if form in {"json", "ndjson"}:
        assert r"\u009b2J \b\u007f\r \u202e \udb40\udc41 \u200f" in sent
        # The elements of an array have lines of their own.
        shown = [text.rstrip(",") for text in sent.splitlines() if text[0] == "{"]
        assert repr(STEERING)[1:-1] in repr([json.loads(text) for text in shown])
    elif form == "csv":
        assert "\N{REPLACEMENT CHARACTER}]0;title\N{REPLACEMENT CHARACTER}" in sent


def test_what_the_library_warns_of_steers_no_terminal(
    server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def spoil(page: dict[str, Any]) -> None:
        page["data"][0].update(id=f"call {STEERING}", created_on="soon")

    server.fail(changed(spoil))
    monkeypatch.setenv("TERM", "dumb")
    # As in a process of its own, where nothing else handles the log.
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    sent = plain(run_here("list", "agent_demo", columns=300)[1])
    assert "created_on is 'soon'" not in sent
    assert "created_on" in sent
    assert "call call \N{REPLACEMENT CHARACTER}]0;title" in sent
    assert {one for one in sent if unicodedata.category(one)[0] == "C"} <= {"\n"}


def test_a_row_that_cannot_be_read_is_shown_as_far_as_it_can(server: FaultServer, cli: Cli) -> None:
    server.fail(changed(lambda page: page["data"][0].update(created_on="soon")))
    ended = cli("list", "agent_demo", "--format", "table")
    assert "+2348012345678" in ended.stdout


@pytest.mark.share(one_in=3)
@pytest.mark.parametrize(
    "command",
    [
        ("list", "--format", "table", "--all"),
        ("list", "--format", "table", "--fields", ",".join(FIELDS), "--all"),
        ("list", "--format", "csv", "--all"),
        ("stats", "--format", "table", "--by", "end_reason"),
        ("stats", "--format", "table", "--by", "hour"),
        ("check", "--since", "2026-11-23"),
        ("report", "-o", "report.html"),
    ],
    ids=" ".join,
)
def test_a_row_of_nothing_is_no_bug(
    command: tuple[str, ...],
    server: FaultServer,
    cli: Cli,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    server.fail(changed(lambda page: page["data"].__setitem__(0, "call")))
    ended = cli(command[0], "agent_demo", *command[1:])
    assert ended.exit_code == 3
    assert "roven complete: " in ended.output


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_a_moment_that_the_local_zone_does_not_reach_is_shown_in_utc(
    moment: str, server: FaultServer, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "XXX3" if moment < "1" else "XXX-3")
    time.tzset()
    server.fail(changed(lambda page: page["data"][0].update(created_on=moment)))
    ended = cli("list", "agent_demo", "--format", "table")
    assert ended.stdout.splitlines()[1].startswith(moment.replace("T", " ")[:19])


def test_the_fields_are_those_of_the_contract() -> None:
    assert tuple(fields()) == FIELDS == tuple(column.name for column in COLUMNS[1:-1])


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("+14155550100", "+14155550100"),
        ("+1+cmd", "'+1+cmd"),
        ("=1+1", "'=1+1"),
        ("-2", "'-2"),
        ("@SUM", "'@SUM"),
        ("\tx", "'\tx"),
        ("\r=1", "'\r=1"),
        ("\r\n+1+cmd", "'\r\n+1+cmd"),
        ("\rx", "\rx"),
        ("a=b", "a=b"),
        ("", ""),
    ],
)
def test_no_text_is_a_formula_to_a_spreadsheet(text: str, safe: str) -> None:
    assert csv_safe(text) == safe


def test_csv_quotes_both_line_breaks_in_every_python_and_ends_lines_as_unix_does() -> None:
    out = io.StringIO(newline="")
    write_csv(out, [["a\rb", "a\nb", "a\r\n"], ["", 1, None], ["\r\n"]])
    assert out.getvalue() == '"a\rb","a\nb","a\r\n"\n,1,\n"\r\n"\n'


def test_printable_text_stays_as_it_is() -> None:
    assert printable("opérateur 電話") == "opérateur 電話"


def plain(text: str) -> str:
    for code in ("\x1b[0m", "\x1b[1m", "\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[36m"):
        text = text.replace(code, "")
    return text


class Names(json.JSONDecoder):
    """Refuses what JSON does not have, as other languages do."""

    def __init__(self) -> None:
        super().__init__(parse_constant=self.refuse)

    def refuse(self, name: str) -> None:
        raise AssertionError(name)


ODD_NUMBERS = {"new": float("nan"), "inner": [{"deep": float("inf")}], "duration_seconds": -1e999}


@pytest.mark.parametrize("form", ["json", "ndjson"])
def test_json_has_no_number_that_json_does_not_have(
    cli: Cli, server: FaultServer, form: str
) -> None:
    server.fail(changed(lambda page: page["data"][0].update(ODD_NUMBERS)))
    text = cli("list", "agent_1", "--limit", "2", "--format", form).stdout
    documents = text.splitlines() if form == "ndjson" else [text]
    rows = [json.loads(document, cls=Names) for document in documents]
    assert len(rows) == (2 if form == "ndjson" else 1)


def test_a_line_of_json_has_none_either() -> None:
    value = {"call": ODD_NUMBERS, "at": datetime(2026, 11, 23, tzinfo=UTC)}
    assert json.loads(to_json(value), cls=Names) == {
        "call": {"new": None, "inner": [{"deep": None}], "duration_seconds": None},
        "at": "2026-11-23T00:00:00.000000Z",
    }
