from __future__ import annotations

import io
import math
import os
import re
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from agentcalls import Client
from agentcalls.cli.commands.export import NAMES
from agentcalls.cli.kinds import SHARED
from agentcalls.cli.options import team
from agentcalls.cli.show.progress_bar import expected, progress_bar
from agentcalls.export import FORMATS, Progress, export
from agentcalls_mock import Seeding, create_app, open_store, serving
from cli.running import COMMAND, run_here, run_in_terminal, run_process
from exports import rows_of
from faults import changed

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

    from typer.testing import Result

    from faults import FaultServer

    Cli = Callable[..., Result]


LONG = 7_500


def test_a_file_is_written_and_stderr_says_so(tmp_path: Path) -> None:
    ended = run_process("export", "agent_demo", "agent_one", "-o", "calls.csv", cwd=tmp_path)
    assert (ended.returncode, ended.stdout) == (0, "")
    assert ended.stderr == "Wrote 251 calls of 2 agents to calls.csv.\n"
    assert len(rows_of(tmp_path / "calls.csv")) == 251


def test_the_help_names_the_formats() -> None:
    assert ", ".join(form.name for form in FORMATS) == NAMES


@pytest.mark.parametrize("ending", ["parquet", "duckdb", "json.gz"])
def test_the_ending_says_the_format(ending: str, cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / f"calls.{ending}"
    assert (
        cli("export", "agent_demo", "-o", str(path), "--status", "failed", "--live").exit_code == 0
    )
    rows = rows_of(path)
    assert {(row["status"], row["is_test_call"]) for row in rows} == {("failed", False)}


def test_stdout_gets_ndjson_or_what_is_asked_for(cli: Cli) -> None:
    ended = cli("export", "agent_one", "-o", "-")
    assert ended.stdout.startswith('{"agent_id":"agent_one","id":')
    assert ended.stderr == "Wrote 1 call to stdout.\n"
    assert cli("export", "agent_one", "-o", "-", "--format", "csv").stdout.startswith("agent_id,")
    refused = cli("export", "agent_one", "-o", "-", "--format", "sqlite")
    assert (refused.exit_code, refused.stdout) == (2, "")


@pytest.mark.usefixtures("long_url")
def test_a_reader_that_has_enough_ends_it_quietly() -> None:
    with subprocess.Popen(
        [*COMMAND, "export", "agent_demo", "-o", "-"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=dict(os.environ),
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


def test_agents_come_from_a_file_or_stdin_as_well(cli: Cli, tmp_path: Path) -> None:
    names, path = tmp_path / "agents.txt", tmp_path / "calls.csv"
    names.write_text("agent_empty\n\n  agent_one \n")
    cli("export", "agent_2", "--agents-file", str(names), "-o", str(path))
    assert [row["agent_id"] for row in rows_of(path)] == ["agent_2"] * 25 + ["agent_one"]
    ended = cli("export", "--agents-file", "-", "-o", str(path), "--force", input="agent_one\n")
    assert ended.exit_code == 0
    assert len(rows_of(path)) == 1


def test_a_byte_order_mark_is_no_part_of_an_agent(cli: Cli, tmp_path: Path) -> None:
    names, path = tmp_path / "agents.txt", tmp_path / "calls.csv"
    names.write_bytes("agent_one\r\n".encode("utf-8-sig"))
    assert cli("export", "--agents-file", str(names), "-o", str(path)).exit_code == 0
    assert [row["agent_id"] for row in rows_of(path)] == ["agent_one"]
    ended = cli("export", "--agents-file", "-", "-o", "-", input=names.read_bytes())
    assert ended.stdout.startswith('{"agent_id":"agent_one"')


def test_agents_in_another_encoding_are_refused(cli: Cli, tmp_path: Path) -> None:
    names = tmp_path / "agents.txt"
    names.write_bytes("agent_é".encode("latin-1"))
    for given, name in ((str(names), str(names)), ("-", "stdin")):
        ended = cli("export", "--agents-file", given, "-o", "-", input=names.read_bytes())
        assert (ended.exit_code, ended.stderr) == (2, f"Error: {name} is not UTF-8 text.\n")


@pytest.mark.parametrize("command", [name for name, shared in SHARED.items() if team in shared])
@pytest.mark.parametrize("file", ["none", "."])
def test_file_of_agents_that_cannot_be_read_is_a_usage_error(
    cli: Cli, tmp_path: Path, command: str, file: str
) -> None:
    output = {"export": ["-o", "-"], "report": ["-o", str(tmp_path / "report.html")]}
    output["sync"] = ["--to", str(tmp_path / "calls.sqlite")]
    path = tmp_path / file
    ended = cli(command, "--agents-file", str(path), *output.get(command, []))
    assert ended.exit_code == 2
    assert re.fullmatch(rf"Error: {re.escape(str(path))} cannot be read: [\w ]+\.\n", ended.stderr)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ["-o", "x.csv"],
            "Name an agent, or a file of agents with --agents-file, or say --all-agents.",
        ),
        (["a", "-o", "-", "--resume"], "--resume and --force are for a file, not for stdout."),
        (
            ["--agents-file", "-", "--key-stdin", "-o", "x.csv"],
            "--agents-file - and --key-stdin both read stdin.",
        ),
        (["a", "-o", "calls.xls"], "or pass --format."),
        (["a", "-o", "calls.csv", "--since", "soon"], "--since takes "),
        (["a", "-o", "calls.csv", "--since", "1h", "--until", "2h"], "a moment before --until"),
        (["a", "-o", "-", "--since", "1h", "--until", "2h"], "a moment before --until"),
    ],
)
def test_wrong_usage_is_one_sentence_and_writes_nothing(
    arguments: list[str], sentence: str, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ended = cli("export", *arguments, input="")
    assert ended.exit_code == 2
    assert sentence in ended.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_there_is_replaced_only_by_force(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "calls.csv"
    path.write_text("mine")
    refused = cli("export", "agent_one", "-o", str(path))
    assert refused.exit_code == 2
    assert refused.stderr == f"Error: {path} already exists: replace it with --force.\n"
    assert path.read_text() == "mine"
    assert cli("export", "agent_one", "-o", str(path), "--force").exit_code == 0
    assert len(rows_of(path)) == 1


def test_to_resume_what_is_complete_ends_a_loop_of_attempts(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "calls.csv"
    assert cli("export", "agent_demo", "-o", str(path)).exit_code == 0
    if not os.listxattr(path):
        pytest.skip("this file system keeps no attributes")
    ended = cli("export", "agent_demo", "-o", str(path), "--resume")
    assert (ended.exit_code, ended.stderr) == (
        0,
        f"{path} was complete already, with 250 calls. --force reads them again.\n",
    )


def test_an_unproven_listing_is_written_explained_and_exits_with_3(
    cli: Cli, tmp_path: Path
) -> None:
    path = tmp_path / "calls.csv"
    agents = ("agent_demo", "agent_2", "agent_one")
    # Of a listing in another order, the count proves the whole, and no time window.
    unproven = ("--sort", "status", "--since", "2020-01-01")
    ended = cli("export", *agents, "-o", str(path), *unproven)
    assert ended.exit_code == 3
    wrote, demo, error = ended.stderr.splitlines()
    assert wrote == f"Wrote 276 calls of 3 agents to {path}."
    assert demo.startswith("agent_demo: The rows do not come in order of created_on")
    assert error == "Error: Not proven complete: 1 of 3 listings."
    assert len(rows_of(path)) == 276


@pytest.mark.usefixtures("long_url")
def test_an_error_keeps_what_was_read_for_resume(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "calls.csv"
    link = tmp_path / "link.csv"
    link.symlink_to(path)
    ended = cli("export", "agent_demo", "agent_of_nobody", "-o", str(link))
    assert ended.exit_code == 5
    hint, error = ended.stderr.splitlines()
    assert (
        hint
        == f"{path}.partial keeps the calls that were read: the same command with --resume continues."
    )
    assert re.match(r"Error: 404 not_found from 127.0.0.1:\d+ for agent_of_nobody: ", error)
    assert not path.exists()
    refused = cli("export", "agent_demo", "agent_of_nobody", "-o", str(path))
    assert refused.stderr == (
        f"Error: An export to {path} was interrupted: continue with --resume, or start again with --force.\n"
    )


def test_an_error_before_anything_was_read_leaves_nothing(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "calls.csv"
    ended = cli("export", "agent_of_nobody", "-o", str(path))
    assert ended.exit_code == 5
    assert ended.stderr.startswith("Error: 404")
    assert list(tmp_path.iterdir()) == []
    missing = cli("export", "agent_one", "-o", str(tmp_path / "nowhere" / "calls.csv"))
    assert missing.exit_code == 2
    assert missing.stderr.endswith(f"there is no folder {tmp_path / 'nowhere'}.\n")


def test_what_the_contract_does_not_allow_is_counted(
    cli: Cli, server: FaultServer, tmp_path: Path
) -> None:
    def change(page: dict[str, Any]) -> None:
        for row in page["data"]:
            # Of these, the first two come again where windows overlap and where the order is asked for.
            if row["id"] in {"call_0", "call_98", "call_150"}:
                row["duration_seconds"] = "long"

    server.fail(changed(change))
    ended = cli("export", "a", "-o", str(tmp_path / "calls.csv"))
    assert "does not allow, written as far as possible: 3.\n" in ended.stderr


class Holding:
    """The mock, which answers so many more requests, and to others says nothing until the client goes away."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self.left = math.inf

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            self.left -= 1
            if self.left < 0:
                while (await receive())["type"] != "http.disconnect":
                    pass
                return
        await self._app(scope, receive, send)


@pytest.fixture(scope="module")
def long_api() -> Generator[tuple[Holding, str]]:
    """More calls than an export keeps before it first writes its journal, and than a pipe holds."""
    with open_store(Seeding(calls=LONG)) as store:
        app = Holding(create_app(store))
        with serving(app) as url:
            yield app, url


@pytest.fixture
def long_url(long_api: tuple[Holding, str], monkeypatch: pytest.MonkeyPatch) -> str:
    app, url = long_api
    app.left = math.inf
    monkeypatch.setenv("AGENTCALLS_BASE_URL", url)
    return url


@pytest.mark.share
@pytest.mark.parametrize("ending", ["csv", "parquet"])
@pytest.mark.usefixtures("long_url")
def test_ctrl_c_leaves_no_file_and_resume_goes_on(
    ending: str, long_api: tuple[Holding, str], tmp_path: Path
) -> None:
    long_api[0].left = (
        LONG // 100 - 10
    )  # it does not come to the end, however late it is interrupted
    path = tmp_path / f"calls.{ending}"
    command = [*COMMAND, "export", "agent_demo", "-o", str(path)]
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, env=dict(os.environ)
    ) as process:
        kept = path.with_name(f"{path.name}.partial") / "journal"
        while not (kept.exists() and b'"calls":0' not in kept.read_bytes()):
            assert process.poll() is None
            time.sleep(0.01)  # the process needs the core
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        said = process.stderr.read()
    assert process.returncode == 130
    assert said == (
        f"{path}.partial keeps the calls that were read: the same command with --resume continues.\n"
        "Interrupted.\n"
    )
    assert not path.exists()
    long_api[0].left = math.inf
    ended = run_process("export", "agent_demo", "-o", str(path), "--resume")
    assert (ended.returncode, ended.stderr) == (0, f"Wrote {LONG:,} calls to {path}.\n")
    ids = [row["id"] for row in rows_of(path)]
    assert len(ids) == len(set(ids)) == LONG
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


@pytest.mark.share
@pytest.mark.parametrize("columns", [80, 200])
def test_a_terminal_shows_how_far_it_is(
    columns: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run = run_in_terminal if columns == 200 else run_here
    code, sent = run("export", "agent_one", "agent_demo", "-o", "calls.parquet", columns=columns)
    assert code == 0
    assert "agent_one (1 of 2)" in sent
    assert "Writing" in sent
    assert sent.endswith("Wrote 251 calls of 2 agents to calls.parquet.\n")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_bar_names_the_agent_and_what_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    one = Progress(
        agent_id="agent_1", agents_done=0, agents=1, agent_calls=500, agent_total=2500, calls=500
    )

    def last_shown(*told: Progress) -> str:
        # What is shown in between depends on the time.
        terminal = Terminal()
        monkeypatch.setattr(sys, "stderr", terminal)
        with progress_bar() as tell:
            assert tell is not None
            for progress in told:
                tell(progress)
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", terminal.getvalue())

    assert re.search(r"agent_1 .* 500 calls", last_shown(one))
    assert "agent_1 (1 of 3)" in last_shown(attrs.evolve(one, agents=3))
    assert "agent_1 (3 of 3)" in last_shown(attrs.evolve(one, agents=3, agents_done=3))
    going = [attrs.evolve(one, calls=calls, agent_calls=calls) for calls in (500, 1000, 1500)]
    assert re.search(r"1,500 calls, [0-9,]+/s", last_shown(*going))
    building = [attrs.evolve(one, calls=1500, built=built) for built in (700, 1500)]
    assert re.search(r"Writing .* 700 calls", last_shown(*going, building[0]))
    assert re.search(r"Writing .* 1,500 calls", last_shown(*building))
    assert "agent_1" not in last_shown(*building)
    with progress_bar(hidden=True) as hidden:
        assert hidden is None


@pytest.mark.parametrize("variable", ["NO_COLOR", "TERM"])
def test_a_plain_terminal_and_one_that_shows_the_data_have_no_bar(
    variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, sent = run_here("export", "agent_one", "-o", "-")
    assert (code, "\x1b" in sent) == (0, False)
    monkeypatch.setenv(variable, "dumb")
    monkeypatch.chdir(tmp_path)
    ended = run_here("export", "agent_one", "-o", "calls.csv")
    assert ended == (0, "Wrote 1 call to calls.csv.\n")


@pytest.mark.parametrize(
    ("done", "of_agent", "total", "calls", "expectation"),
    [
        (0, 100, 1000, 100, 4000),
        (1, 0, None, 500, 2000),
        (1, 100, 300, 600, 1600),
        (0, 100, None, 100, None),
        (4, 0, None, 900, 900),
    ],
)
def test_agents_to_come_are_taken_to_be_like_those_before(
    done: int, of_agent: int, total: int | None, calls: int, expectation: int | None
) -> None:
    progress = Progress(
        agent_id="a",
        agents_done=done,
        agents=4,
        agent_calls=of_agent,
        agent_total=total,
        calls=calls,
    )
    assert expected(progress) == expectation


def test_the_library_and_the_command_write_the_same(cli: Cli, tmp_path: Path) -> None:
    cli("export", "agent_demo", "-o", str(tmp_path / "a.csv"))
    with Client() as client:
        export(client, ["agent_demo"], tmp_path / "b.csv")
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
