from __future__ import annotations

import json
import os
import re
import select
import signal
import subprocess
import sys
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import pytest

from agentcalls import Client
from agentcalls.cli.commands.tail.following import Follower
from agentcalls.cli.commands.tail.polling import Polls
from agentcalls.cli.commands.tail.ticker import wait_while_read
from agentcalls.cli.program import app
from agentcalls.cli.zone import Zone
from agentcalls_mock import Seeding, open_store
from cli.running import open_terminal
from cli.staged import Stage, at_work, staged
from cli.test_list import plain
from faults import answer, changed

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

    from typer.testing import Result

    from faults import Exchange, FaultServer

    Cli = Callable[..., Result]

FAST = ("--interval", "100ms")


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Generator[Stage]:
    """A mock without calls but for what a test adds."""
    with staged() as (stage, url):
        monkeypatch.setenv("AGENTCALLS_BASE_URL", url)
        yield stage


@pytest.fixture
def tail(monkeypatch: pytest.MonkeyPatch) -> Generator[Callable[..., tuple[int, str]]]:
    """Runs `tail` in this process until it ends; returns its exit code and what came out of its pipe or terminal."""

    def follow(*arguments: str, columns: int = 0) -> tuple[int, str]:
        ours, theirs = open_terminal(columns) if columns else os.pipe()
        with monkeypatch.context() as patched, os.fdopen(theirs, "w") as stdout:
            if columns:  # Rich asks the terminals that Python began with
                patched.setenv("COLUMNS", str(columns))
            patched.setattr(sys, "stdout", stdout)
            # Not `run`, which ends the process when it is interrupted.
            with pytest.raises(SystemExit) as ended:
                app(["tail", "agent_demo", *FAST, *arguments], prog_name="agentcalls")
            stdout.flush()
            text = os.read(ours, 65_536).decode() if select.select([ours], [], [], 0)[0] else ""
        os.close(ours)
        return int(ended.value.code or 0), text.replace("\r\n", "\n")

    # A mock that was run in this process has put its own in place.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield follow
    signal.signal(signal.SIGINT, before)


def events(text: str) -> list[tuple[str, str | None, str, str]]:
    lines = [json.loads(line) for line in text.splitlines()]
    return [
        (line["event"], line["previous_status"], line["call"]["id"], line["call"]["status"])
        for line in lines
    ]


def nothing() -> None:
    """What happens before an answer that nothing happens before."""


# `tail` looks at the first page, reads what it is to know, and then what it is to show; then it waits for news.
BEGUN = (nothing, nothing, nothing)


def test_it_shows_what_is_there_and_then_each_new_call_and_change_once(
    stage: Stage, tail: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    stage.add("old", "ended", minutes_ago=10)
    stage.add("long", "answered", minutes_ago=40)

    def news() -> None:
        stage.add("new")
        stage.change("long", "ended")

    stage.acts = [*BEGUN, nothing, news, nothing, lambda: stage.change("new", "failed"), nothing]
    code, text = tail()
    assert code == 130
    assert events(text) == [
        ("earlier", None, "long", "answered"),
        ("earlier", None, "old", "ended"),
        ("changed", "answered", "long", "ended"),
        ("new", None, "new", "queued"),
        ("changed", "queued", "new", "failed"),
    ]
    assert capsys.readouterr().err == ""


def test_with_a_status_a_call_is_told_when_it_has_it_though_it_is_old(
    stage: Stage, tail: Callable[..., Any]
) -> None:
    stage.add("long ago", "failed", minutes_ago=10_000)
    stage.add("old", "answered", minutes_ago=50)
    stage.add("fine", "ended")
    stage.acts = [
        *BEGUN,
        lambda: stage.change("old", "failed"),
        lambda: stage.add("at once", "failed"),
        lambda: stage.add("well", "ended"),
    ]
    assert events(tail("--status", "failed")[1]) == [
        ("earlier", None, "long ago", "failed"),
        ("changed", "answered", "old", "failed"),
        ("new", None, "at once", "failed"),
    ]


def test_n_is_how_many_calls_to_show_of_those_that_are_there(
    stage: Stage, tail: Callable[..., Any]
) -> None:
    for number in range(12):
        stage.add(f"call_{number:02}", minutes_ago=12 - number)
    stage.acts = [*BEGUN]
    assert [event[2] for event in events(tail()[1])] == [f"call_{n:02}" for n in range(2, 12)]
    stage.acts = [*BEGUN]
    assert [event[2] for event in events(tail("-n", "1")[1])] == ["call_11"]
    stage.acts = [nothing, nothing, lambda: stage.add("new")]
    assert events(tail("-n", "0")[1]) == [("new", None, "new", "queued")]


def test_an_agent_without_calls_is_followed_from_its_first_one(
    stage: Stage, tail: Callable[..., Any]
) -> None:
    stage.acts = [*BEGUN, nothing, lambda: stage.add("first"), nothing]
    assert events(tail("--live")[1]) == [("new", None, "first", "queued")]
    assert all("is_test_call=false" in query for query in stage.requests)


def test_once_nothing_is_under_way_a_poll_asks_for_one_page(
    stage: Stage, tail: Callable[..., Any]
) -> None:
    for number in range(250):
        stage.add(f"call_{number:03}", "ended", minutes_ago=6 + number / 10)
    stage.add("open", minutes_ago=20)

    def end() -> None:
        stage.change("open", "ended")
        stage.requests.clear()

    stage.acts = [*[nothing] * 9, end, *[nothing] * 10]
    tail("-n", "0")
    pages = [parse_qs(query)["page"] for query in stage.requests[-3:]]
    assert pages == [["1"]] * 3


def test_a_terminal_gets_a_table_that_fits_it(stage: Stage, tail: Callable[..., Any]) -> None:
    stage.add("a" * 36, "answered")

    def act() -> None:
        stage.change("a" * 36, "cancelled")

    stage.acts = [*BEGUN, act]
    code, text = tail("--utc", columns=80)
    head, earlier, changed_line = map(plain, text.splitlines())
    assert code == 130
    assert head.split() == ["CREATED", "STATUS", "TO", "TIME", "REASON"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ  answered  +\+2348012345678", earlier)
    assert "  answered → cancelled  +2348012345678" in changed_line
    assert "\x1b[33manswered → cancelled" in text
    assert max(map(len, (head, earlier, changed_line))) <= 80
    stage.change("a" * 36, "answered")
    stage.acts = [*BEGUN, act]
    head, earlier, changed_line = map(plain, tail(columns=200)[1].splitlines())
    assert head.split()[2:] == ["DIRECTION", "FROM", "TO", "TIME", "TEST", "REASON", "ID"]
    assert re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d  answered  ", earlier)
    assert {len(earlier), len(changed_line)} == {200}
    assert "…" not in earlier + changed_line


def test_a_terminal_without_colours_gets_plain_text_and_json_where_it_is_asked_for(
    stage: Stage, tail: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.add("a")
    stage.acts = [*BEGUN]
    assert events(tail("--json", columns=80)[1]) == [("earlier", None, "a", "queued")]
    monkeypatch.setenv("NO_COLOR", "1")
    stage.acts = [*BEGUN]
    assert "\x1b" not in tail(columns=80)[1]


def test_a_hostile_text_does_not_steer_the_terminal(stage: Stage, tail: Callable[..., Any]) -> None:
    stage.add("a", "\x1b[2Jqueued")
    stage.acts = [*BEGUN, lambda: stage.change("a", "ended")]
    assert "\x1b[2J" not in tail(columns=80)[1]


def test_failures_that_may_pass_are_said_once_and_outlived(
    stage: Stage, tail: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    well = stage.app

    def mend() -> None:
        stage.app = well
        stage.add("meanwhile")

    stage.acts = [*BEGUN, stage.failing("html"), nothing, mend, nothing]
    code, text = tail()
    assert (code, events(text)) == (130, [("new", None, "meanwhile", "queued")])
    first, second = capsys.readouterr().err.splitlines()
    assert re.match(
        r"No answer since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d, trying again: 200 from [\d.:]+ for agent_demo: The answer is",
        first,
    )
    assert second == "The server answers again."


@pytest.mark.parametrize(("kind", "code"), [("401", 4), ("403", 4), ("404", 5), ("501", 8)])
def test_failures_that_do_not_pass_end_it(
    stage: Stage,
    tail: Callable[..., Any],
    capsys: pytest.CaptureFixture[str],
    kind: str,
    code: int,
) -> None:
    stage.acts = [*BEGUN, nothing, stage.failing(kind)]
    assert tail()[0] == code
    assert capsys.readouterr().err.startswith(f"Error: {kind}")


def test_a_start_without_an_answer_is_a_failure(cli: Cli, server: FaultServer) -> None:
    server.refuse()
    ended = cli("tail", "agent_demo", "--max-retries", "0")
    assert (ended.exit_code, ended.stdout) == (7, "")


def test_more_news_than_are_kept_in_mind_are_left_out_and_that_is_said(
    stage: Stage, capfd: pytest.CaptureFixture[str]
) -> None:
    stage.add("a")
    with Client() as client:
        follower = Follower(follow=timedelta(hours=1), most=3)
        polls = Polls(client, "agent_demo", follower, filters={}, zone=Zone())
        assert polls.begin(0) == []
        for number in range(5):
            stage.add(f"call_{number}", minutes_ago=-number / 1000)
        assert [event.call.id for event in polls.next(0)] == ["call_2", "call_3", "call_4"]
        said = r"More than 3 calls since .*: older calls are left out\.\n"
        assert re.fullmatch(said, capfd.readouterr().err)
        stage.add("next", minutes_ago=-1)
        assert [event.call.id for event in polls.next(0)] == ["next"]
        assert capfd.readouterr().err == ""


def test_once_there_is_no_answer_each_look_is_one_attempt(
    stage: Stage, tail: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    stage.acts = [*BEGUN, stage.failing("500"), *[nothing] * 4, stage.failing("401")]
    code, _ = tail("--max-retries", "1", "--debug")
    said = capsys.readouterr().err
    assert (code, said.count("No answer since"), said.count("Trying again in")) == (4, 1, 1)


def test_what_cannot_be_proven_is_said_once(
    server: FaultServer, tail: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    def play(exchange: Exchange) -> object:
        if len(server.requests) > 20:
            return answer(b"{}", 401)(exchange)
        return changed(lambda page: page["data"][0].update(id=None))(exchange)

    server.fail(play)
    code, text = tail("-n", "2")
    assert (code, [event[2] for event in events(text)]) == (4, ["call_2", "call_1"])
    doubt, refusal = capsys.readouterr().err.splitlines()
    assert doubt == "Not proven that each call is seen: A row lacks its id or created_on."
    assert refusal.startswith("Error: 401")


def test_a_listing_in_no_order_is_refused(cli: Cli, server: FaultServer) -> None:
    server.fail(changed(lambda page: page["data"].reverse()))
    ended = cli("tail", "agent_demo")
    assert ended.exit_code == 8
    assert "does not list the newest calls first" in ended.stderr
    sorts = [parse_qs(request.target).get("sort") for request in server.requests]
    # Each order is tried before it is given up.
    assert [["-created_on"] in sorts, ["-created_at"] in sorts] == [True, True]


@pytest.mark.parametrize("count", [3, 120])
def test_a_server_that_lists_the_oldest_first_is_followed(
    stage: Stage, tail: Callable[..., Any], count: int
) -> None:
    stage.oldest_first = True
    for number in range(count):
        stage.add(f"call_{number}", minutes_ago=number + 1)
    # Where there are more calls than a page holds, it is asked for another order first.
    begun = BEGUN if count < 100 else (*BEGUN, *[nothing] * 3)
    stage.acts = [*begun, lambda: stage.add("later"), stage.failing("401")]
    code, text = tail("-n", "2")
    assert (code, [event[2] for event in events(text)]) == (4, ["call_1", "call_0", "later"])


@pytest.mark.parametrize(
    "arguments",
    [
        ("--interval", "10"),
        ("--interval", "99ms"),
        ("--follow", "8d"),
        ("-n", "-1"),
        ("-n", "1001"),
    ],
)
def test_wrong_options_are_usage_errors(cli: Cli, arguments: tuple[str, ...]) -> None:
    assert cli("tail", "agent_demo", *arguments).exit_code == 2


# As a process


def test_each_line_comes_as_it_happens_and_ctrl_c_ends_it_without_a_word(stage: Stage) -> None:
    stage.add("a")
    with at_work("tail", "agent_demo", *FAST) as process:
        assert process.stdout
        lines = [process.stdout.readline()]
        stage.change("a", "ringing")
        lines.append(process.stdout.readline())
        stage.add("b")
        lines.append(process.stdout.readline())
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate()
    assert events("".join(lines)) == [
        ("earlier", None, "a", "queued"),
        ("changed", "queued", "a", "ringing"),
        ("new", None, "b", "queued"),
    ]
    assert (process.returncode, rest, errors) == (130, "", "")


@pytest.mark.parametrize("columns", [80, 200])
def test_in_a_terminal_it_keeps_to_its_width(stage: Stage, columns: int) -> None:
    stage.add("a", "answered")
    ours, theirs = open_terminal(columns)
    options = {"stdin": theirs, "stdout": theirs, "stderr": theirs}
    with at_work("tail", "agent_demo", *FAST, **options) as process, os.fdopen(ours) as terminal:
        os.close(theirs)
        lines = [plain(terminal.readline()) for _ in range(2)]
        stage.change("a", "failed")
        lines.append(terminal.readline())
        process.send_signal(signal.SIGINT)
        assert process.wait() == 130
        with pytest.raises(OSError, match="Input/output error"):  # nothing more
            terminal.readline()
    assert "\x1b[31manswered → failed" in lines[2]
    lengths = [len(plain(line).rstrip()) for line in lines]
    assert max(lengths) <= columns
    assert ("ID" in lines[0]) is (columns == 200)


def test_it_ends_quietly_once_nobody_reads_it_though_nothing_happens(stage: Stage) -> None:
    stage.add("a")
    with at_work("tail", "agent_demo", "--interval", "1h") as process:
        assert process.stdout
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr
        assert process.stderr.read() == ""
        assert process.wait() == 0


def test_it_outlives_the_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seeding = Seeding(calls=20)
    database = tmp_path / "calls.sqlite"
    with mocking(seeding, database) as url:
        monkeypatch.setenv("AGENTCALLS_BASE_URL", url)
        tail = at_work("tail", "agent_demo", *FAST, "-n", "1", "--max-retries", "0")
        process = tail.__enter__()
        assert process.stdout
        assert process.stderr
        process.stdout.readline()
    try:
        assert process.stderr.readline().startswith("No answer since ")
        with open_store(seeding, database) as store:
            Stage(store).add("meanwhile")
        with mocking(seeding, database, url.rpartition(":")[2]):
            assert events(process.stdout.readline()) == [("new", None, "meanwhile", "queued")]
            process.send_signal(signal.SIGINT)
            assert process.communicate() == ("", "The server answers again.\n")
    finally:
        tail.__exit__(None, None, None)


@contextmanager
def mocking(seeding: Seeding, database: Path, port: str = "0") -> Generator[str]:
    """The mock as a process, which is killed in the end; yields its URL."""
    options = ["--calls", str(seeding.calls), "--now", seeding.now.isoformat(), "--port", port]
    command = [sys.executable, "-m", "agentcalls_mock", *options, "--database", str(database)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=dict(os.environ)) as mock:
        try:
            assert mock.stdout
            yield mock.stdout.readline().split()[4]
        finally:
            mock.kill()


def test_waiting_takes_its_time_and_ends_with_the_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = os.pipe()
    with os.fdopen(theirs, "w") as stream:
        wait_while_read(stream, 0.001)
        os.close(ours)
        with pytest.raises(BrokenPipeError):
            wait_while_read(stream, 60)
        # As on Windows.
        monkeypatch.delattr(select, "poll")
        wait_while_read(stream, 0.001)
