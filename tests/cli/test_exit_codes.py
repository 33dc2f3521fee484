from __future__ import annotations

import errno
import io
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import agentcalls
from agentcalls.cli import main
from agentcalls.cli.failures import Code, Failure, code_of, sentence_of
from agentcalls.table.extras import MissingExtraError, need
from agentcalls_mock import NOSCOPE_KEY
from cli.running import COMMAND, run_in_terminal, run_process
from contract.tool.contract import ROOT
from faults import answer, changed

if TYPE_CHECKING:
    from collections.abc import Callable

    from typer.testing import Result

    from faults import FaultServer

    Cli = Callable[..., Result]


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("400", Code.USAGE),
        ("401", Code.DENIED),
        ("403", Code.DENIED),
        ("404", Code.NOT_FOUND),
        ("409", Code.ERROR),
        ("429", Code.RATE_LIMITED),
        ("500", Code.SERVER),
        ("503", Code.SERVER),
        ("html", Code.SERVER),
        ("empty", Code.SERVER),
        ("truncate", Code.NETWORK),
        ("stall", Code.NETWORK),
    ],
)
def test_each_failure_is_a_sentence_with_its_request_id_and_a_code(
    kind: str, code: Code, failing: Any, cli: Cli
) -> None:
    with failing(kind) as url:
        options = ("--base-url", url, "--max-retries", "0", "--timeout", "0.3")
        ended = cli("list", "agent_demo", *options)
    assert ended.exit_code == code
    assert ended.stdout == ""
    assert ended.stderr.startswith("Error: ")
    assert ended.stderr.count("\n") == 1
    assert ("request id " in ended.stderr) == (kind != "stall")


ENDS: list[tuple[tuple[str, ...], dict[str, str], int, str]] = [
    (("agent_demo",), {"AGENTCALLS_API_KEY": "sk_test_wrong"}, 4, "AGENTCALLS_API_KEY"),
    (("agent_other_team",), {}, 5, "Agent not found"),
    ((), {}, 2, "Missing argument"),
    (("agent_demo",), {"AGENTCALLS_API_KEY": NOSCOPE_KEY}, 4, "conversations:read"),
    (("agent_demo",), {"AGENTCALLS_API_KEY": ""}, 4, "--key-stdin"),
    (("agent_demo",), {"AGENTCALLS_BASE_URL": ""}, 2, "--base-url"),
    (("agent_demo",), {"AGENTCALLS_BASE_URL": "http://192.0.2.1"}, 2, "--allow-http"),
    (("agent_demo",), {"AGENTCALLS_BASE_URL": "http://127.0.0.1:1"}, 7, "base URL"),
    (("agent_demo", "--colour"), {}, 2, "No such option"),
]


@pytest.mark.parametrize(("arguments", "variables", "code", "says"), ENDS)
def test_it_ends_with_the_codes_that_are_promised(
    arguments: tuple[str, ...],
    variables: dict[str, str],
    code: int,
    says: str,
    *,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert main(["list", "--max-retries", "0", *arguments]) == code
    printed = capsys.readouterr()
    assert printed.out == ""
    assert says in printed.err


@pytest.mark.parametrize(("arguments", "variables", "code", "says"), ENDS[:3])
def test_as_a_process_it_ends_with_the_codes_that_are_promised(
    arguments: tuple[str, ...],
    variables: dict[str, str],
    code: int,
    says: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    ended = run_process("list", "--max-retries", "0", *arguments)
    assert (ended.returncode, ended.stdout) == (code, "")
    assert says in ended.stderr


def test_the_page_of_the_manners_has_each_code() -> None:
    page = (ROOT / "docs" / "cli" / "index.md").read_text()
    assert [code for code in Code if f"| {code.value} | " not in page] == []


def test_ctrl_c_ends_it_with_130_and_waits_for_no_answer(failing: Any) -> None:
    with failing("stall", every=2) as url:
        command = [*COMMAND, "list", "agent_demo", "--all", "--debug", "--base-url", url]
        pipes: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
        with subprocess.Popen([*command, "--timeout", "60"], text=True, **pipes) as process:
            assert process.stderr
            while not process.stderr.readline().startswith("> authorization"):
                pass
            process.send_signal(signal.SIGINT)
            errors = process.communicate(timeout=30)[1]
    assert process.returncode == 130
    assert "Interrupted." in errors.splitlines()
    assert "Traceback" not in errors


def test_after_ctrl_c_the_client_is_left_as_it_is(
    server: FaultServer, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    class Interrupting(io.BytesIO):
        def write(self, _: object) -> int:
            raise KeyboardInterrupt

    server.fail(changed(lambda _page: None, Connection="close"))
    codes: list[int] = []
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(Interrupting(), encoding="utf-8"))
    monkeypatch.setattr(os, "_exit", codes.append)
    main(["list", "agent_demo"])
    assert codes == [130]
    assert capfd.readouterr().err == "Interrupted.\n"


def test_debug_shows_the_exchange_without_the_key(
    server: FaultServer, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENTCALLS_API_KEY", "sk_live_0123456789")
    server.fail(changed(lambda _page: None, X_Echo="%KEY%"))
    for scheme, header in (("bearer", "authorization"), ("x-api-key", "x-api-key")):
        ended = cli("list", "agent_demo", "--debug", "--auth", scheme)
        assert f"> {header}: ***\n" in ended.stderr
        assert "/api/v1/console/agents/{agentId}/calls?page=1&limit=" in ended.stderr
        assert "< 200, attempt 1, " in ended.stderr
        assert "< x-echo: ***\n" in ended.stderr
        assert "sk_live" not in ended.output


def test_the_librarys_arguments_are_called_by_their_options(cli: Cli, failing: Any) -> None:
    assert "--since takes " in cli("list", "agent_demo", "--since", "soon").stderr
    with failing("stall") as url:
        options = ("--base-url", url, "--max-retries", "0", "--timeout", "0.1")
        assert (
            "allow more time with --timeout or --deadline."
            in cli("list", "agent_demo", *options).stderr
        )


SOON = (
    '--since takes a date, a duration such as "24h" or "7d", "today", "yesterday", or ISO 8601 text;'
    " not 'soon'.\n"
)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--timeout", "0"), "--timeout takes a positive number of seconds.\n"),
        (
            ("--since", "soon"),
            SOON,
        ),
        (("--limit", "9" * 20), f"--limit takes an integer from 0 to {2**53 - 1}.\n"),
    ],
)
def test_what_is_for_those_who_write_python_is_left_out(
    options: tuple[str, ...], says: str, cli: Cli
) -> None:
    ended = cli("list", "agent_demo", *options)
    assert (ended.exit_code, ended.stderr) == (2, f"Error: {says}")


def test_a_refused_key_is_looked_for_where_the_program_has_it_from(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENTCALLS_API_KEY", "sk_test_wrong")
    said = cli("list", "agent_demo").stderr
    assert said.endswith(
        "Check AGENTCALLS_API_KEY, the key of stdin, or the api_key of config.toml.\n"
    )


def test_a_status_that_nobody_foresaw_has_advice_and_its_request_id(
    server: FaultServer, cli: Cli
) -> None:
    server.fail(answer(b"{}", 418, X_Request_Id="req_418"))
    ended = cli("list", "agent_demo")
    assert ended.exit_code == 1
    assert "request id req_418) " in ended.stderr
    assert ended.stderr.endswith("if it persists, give the vendor's support the request id.\n")


def test_a_terminal_gets_sentences_wrapped_between_words() -> None:
    code, text = run_in_terminal("list", "agent_of_nobody", columns=60)
    assert code == 5
    assert len(text.splitlines()) > 1
    assert all(len(line) <= 60 for line in text.splitlines())
    ended = run_process("list", "agent_of_nobody")
    identified = r"request id [0-9a-z-]+"
    assert re.sub(identified, "", " ".join(text.split())) == re.sub(
        identified, "", " ".join(ended.stderr.split())
    )


def test_a_retry_is_told_on_a_terminal_or_with_debug(server: FaultServer, cli: Cli) -> None:
    server.fail(answer(status=503, Retry_After="0"), times=1)
    ended = cli("list", "agent_demo", "--debug")
    assert ended.exit_code == 0
    assert "Trying again in " in ended.stderr


def test_a_bug_is_called_a_bug_and_its_traceback_is_for_debug(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(**_: object) -> None:
        raise KeyError("page\x9b") from OSError("\x1b[2J")

    monkeypatch.setattr(agentcalls, "Client", broken)
    ended = cli("list", "agent_demo")
    assert ended.exit_code == 1
    assert ended.stderr == (
        "Error: This is a bug in agentcalls (KeyError): please report it, with what --debug shows.\n"
    )
    ended = cli("list", "agent_demo", "--debug")
    assert "Traceback" in ended.stderr
    assert "OSError: \N{REPLACEMENT CHARACTER}[2J\n" in ended.stderr
    assert "sk_test_full" not in ended.output


def test_a_closed_pipe_ends_it_quietly(monkeypatch: pytest.MonkeyPatch, capfd: Any) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as closed:
        monkeypatch.setattr(sys, "stdout", closed)
        assert main(["list", "agent_demo"]) == 0
    assert "Error" not in capfd.readouterr().err


@pytest.mark.share(one_in=3)
@pytest.mark.parametrize("buffered", [True, False])
@pytest.mark.parametrize(
    "arguments", [("--help",), ("list", "--help"), ("--version",), (), ("list", "agent_demo")]
)
def test_a_full_disk_is_a_sentence(
    arguments: tuple[str, ...],
    buffered: bool,  # noqa: FBT001
) -> None:
    unbuffered = {"PYTHONUNBUFFERED": "" if buffered else "1"}
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [*COMMAND, *arguments],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
            env=dict(os.environ) | unbuffered,
        )
    assert (ended.returncode, ended.stderr) == (1, "Error: No space left on device.\n")


def test_a_full_disk_while_the_help_is_written_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Full(io.StringIO):
        def write(self, _: str) -> int:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(sys, "stdout", Full())
    assert main(["--help"]) == 1
    assert capsys.readouterr().err == "Error: No space left on device.\n"


def test_help_into_a_pipe_that_is_closed_ends_quietly(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Closed(io.StringIO):
        def write(self, _: str) -> int:
            raise BrokenPipeError

    monkeypatch.setattr(sys, "stdout", Closed())
    assert main(["--help"]) == 0
    assert capsys.readouterr().err == ""


def test_errors_of_the_system_are_sentences_and_those_of_bugs_are_not() -> None:
    error = FileNotFoundError(2, "No such file or directory", "calls.csv")
    assert sentence_of(error) == "calls.csv: No such file or directory."
    assert sentence_of(OSError("disk full")) == "disk full."
    assert code_of(error) == 1
    assert sentence_of(EOFError()) == "Nothing was entered."
    assert sentence_of(KeyError()) is None
    assert code_of(Failure("no", Code.FAILED)) == 3


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert need("json").dumps(1) == "1"
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(MissingExtraError, match=r'duckdb is not installed: pip install "') as e:
        need("duckdb")
    assert "[duckdb]" in str(sentence_of(e.value))
    with pytest.raises(ModuleNotFoundError):
        need("no_such_module")


def test_without_the_extra_it_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for module in [name for name in sys.modules if name.startswith("agentcalls.cli.")]:
        monkeypatch.delitem(sys.modules, module)
    with monkeypatch.context() as without:
        without.setitem(sys.modules, "typer", None)
        assert main(["--help"]) == 1
        assert capsys.readouterr() == (
            "",
            'The command line is an extra; typer is not installed: pip install ".[cli]" in a clone of agentcalls\n',
        )
    with monkeypatch.context() as without:
        without.setitem(sys.modules, "agentcalls.cli.program", None)
        with pytest.raises(ModuleNotFoundError):
            main(["--help"])
