from __future__ import annotations

import json
import os
import re
import runpy
import shlex
import signal
import subprocess
import sys
import tomllib
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest

import agentcalls
from agentcalls.cli import main
from agentcalls.cli.program import COMMANDS, loaded
from cli.pages import FOLDER, help_of, page
from cli.running import COMMAND, open_terminal, read_to_end, run_in_terminal, run_process
from contract.tool.contract import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from typer.testing import Result

    Cli = Callable[..., Result]

EXAMPLES = [
    pytest.param(name, example, id=f"{name}-{number}")
    for name in COMMANDS
    for number, example in enumerate(import_module(f"agentcalls.cli.commands.{name}").EXAMPLES, 1)
]
# What `--help` has no use for. httpx brings Rich, and is brought by agentcalls itself when that is asked for a client.
HEAVY = "altair duckdb httpx mcp numpy pandas polars pyarrow pydantic rich vl_convert zstandard"
HEAVY += " agentcalls_api.client agentcalls_api.models agentcalls_mock"


@pytest.mark.share(one_in=3)
@pytest.mark.parametrize("arguments", [["--help"], *([name, "--help"] for name in COMMANDS)])
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    code = f"""
import json, sys, agentcalls
before = set(sys.modules)
from agentcalls.cli import main
assert main({arguments}) == 0
# A module that must not be imported is None.
new = {{name for name, module in sys.modules.items() if module and name not in before}}
print(json.dumps(sorted({{".".join(name.split(".")[:parts]) for name in new for parts in (1, 2)}})))
"""
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    heavy = set(HEAVY.split()) - ({"agentcalls_mock"} if "mock" in arguments else set())
    imported = set(json.loads(ended.stdout.splitlines()[-1]))
    assert "typer" in imported
    assert heavy & imported == set()


def test_a_command_imports_httpx_where_it_is_needed_without_its_command_line() -> None:
    code = """
import sys
from agentcalls.cli import main
assert main(["list", "agent_demo", "--limit", "1"]) == 0
assert "httpx" not in sys.modules
import httpx
assert not {"rich", "click", "pygments"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60, check=True)


def test_the_script_of_the_distribution_is_main() -> None:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    module, name = scripts["agentcalls"].split(":")
    assert getattr(import_module(module), name) is main


def test_version(cli: Cli) -> None:
    assert cli("--version").stdout == f"agentcalls {agentcalls.__version__}\n"


def test_without_arguments_it_shows_its_help(cli: Cli) -> None:
    alone, helped = cli(), cli("-h")
    assert alone.exit_code == helped.exit_code == 0
    assert alone.stdout == helped.stdout
    for name in COMMANDS:
        assert re.search(rf"^  {name} +\w.*\.$", alone.stdout, flags=re.MULTILINE), name


def test_a_mistyped_command_is_a_usage_error_that_guesses(cli: Cli) -> None:
    ended = cli("lst", "agent_demo")
    assert ended.exit_code == 2
    assert "Did you mean 'list'?" in ended.stderr


def test_completion_can_be_installed_and_knows_the_commands(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "--install-completion" in cli("--help").stdout
    monkeypatch.setenv("_AGENTCALLS_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", "agentcalls ")
    monkeypatch.setenv("COMP_CWORD", "1")
    code = "import sys; from agentcalls.cli import main; sys.exit(main([]))"
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.stdout.split() == list(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_programs_help_says_of_a_command_what_its_own_says(name: str) -> None:
    assert loaded(name).help.startswith(f"{COMMANDS[name]}\n")


@pytest.mark.parametrize("name", COMMANDS)
def test_help_has_two_examples_of_the_command(name: str) -> None:
    examples = re.findall(r"^    \$ (.+)$", help_of(name), flags=re.MULTILINE)
    assert len(examples) == 2
    assert all(re.search(rf"\bagentcalls {name}\b", example) for example in examples)


@pytest.mark.share(one_in=6)
@pytest.mark.parametrize(("name", "example"), EXAMPLES)
def test_an_example_works_against_the_mock(
    name: str,
    example: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if name in {"mock", "tail"}:
        end_with_ctrl_c(example.replace("agentcalls ", f"{shlex.join(COMMAND)} "), tmp_path)
        return
    if name == "mcp":
        # The assistant has left before it asked.
        ended = run_process(*shlex.split(example)[1:], stdin=subprocess.DEVNULL)
        assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
        return
    monkeypatch.chdir(tmp_path)
    if name == "push":
        assert main(["sync", "agent_demo", "--to", "calls.duckdb"]) == 0
    code = main(shlex.split(example)[1:])
    printed = capsys.readouterr()
    assert code in {0, 3} if name == "check" else code == 0, printed.err
    assert printed.out or any(tmp_path.iterdir())


@pytest.mark.share
@pytest.mark.parametrize(
    ("name", "example"), [one for one in EXAMPLES if one.id in {"list-1", "report-1"}]
)
def test_an_example_works_in_a_shell(name: str, example: str, tmp_path: Path) -> None:
    command = example.replace("agentcalls ", f"{shlex.join(COMMAND)} ")
    ended = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout if name == "list" else any(tmp_path.iterdir())


def end_with_ctrl_c(command: str, folder: Path) -> None:
    """Run a command that goes on for ever until it has said something."""
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(shlex.split(command), cwd=folder, text=True, **pipes) as process:
        try:
            assert process.stdout
            assert process.stdout.readline()
            process.send_signal(signal.SIGINT)
            assert process.wait(30) in {0, 130}
        finally:
            process.kill()


@pytest.mark.parametrize("name", COMMANDS)
def test_the_page_of_a_command_is_its_help(name: str) -> None:
    assert (FOLDER / f"{name}.md").read_text() == page(name), "run make cli-docs"


def test_the_index_links_each_page_and_no_other_page_is_left() -> None:
    linked = re.findall(r"\]\(([a-z]+)\.md\)", (FOLDER / "index.md").read_text())
    assert linked == list(COMMANDS)
    assert {file.stem for file in FOLDER.iterdir()} == {"index", *COMMANDS}


def test_the_mock_is_handed_its_options_and_its_code(cli: Cli, mock_url: str) -> None:
    port = mock_url.rpartition(":")[2]
    ended = cli("mock", "--port", port, "--calls", "3")
    assert ended.exit_code == 1
    assert f"cannot listen at 127.0.0.1 port {port}" in ended.stderr
    assert cli("mock", "--port", "no").exit_code == 2


def test_the_mocks_help_has_its_options_too(cli: Cli) -> None:
    ended = cli("mock", "--help")
    assert ended.exit_code == 0
    assert "$ agentcalls mock --port 0 --calls 100" in ended.stdout
    assert "--rate-limit N/TIME" in ended.stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["list", "agent_demo", "--limit", "20"], "\x1b[31mfailed"),
        (["doctor", "agent_demo"], "\x1b[32mok"),
    ],
)
def test_a_terminal_gets_colours_as_a_process_and_in_this_one(
    arguments: list[str], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = open_terminal(60)
    with os.fdopen(theirs, "w") as terminal:
        monkeypatch.setattr(sys, "stdout", terminal)
        code = main(arguments)
    assert (code, says in read_to_end(ours)) == (0, True)
    code, text = run_in_terminal(*arguments, columns=60)
    assert (code, says in text) == (0, True)


def test_it_runs_as_a_module(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["agentcalls", "--version"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("agentcalls.cli", run_name="__main__")
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"agentcalls {agentcalls.__version__}\n"
