"""The recipes of the documentation, as far as this machine can try them: their forms, commands, codes and metrics."""

from __future__ import annotations

import re
import subprocess
from configparser import ConfigParser
from io import StringIO
from typing import Any

import pytest
from ruamel.yaml import YAML
from typer import Context
from typer.main import get_command

from agentcalls.cli.amounts import percentage
from agentcalls.cli.commands.check.failure_rate import CheckResult, FailureCount, Limits
from agentcalls.cli.commands.check.monitors import prometheus_text
from agentcalls.cli.failures import Code
from agentcalls.cli.program import app, loaded
from contract.tool.contract import ROOT

TEXT = (ROOT / "docs" / "recipes.md").read_text(encoding="utf-8")
BLOCKS: list[tuple[str, str]] = re.findall(r"```(\w+)\n(.*?)```", TEXT, flags=re.DOTALL)


def blocks(kind: str) -> list[str]:
    return [text for name, text in BLOCKS if name == kind]


def yaml(text: str) -> Any:
    return YAML(typ="safe").load(StringIO(text))


def commands() -> list[list[str]]:
    """Each command line of agentcalls in the recipes, as words."""
    shell = "\n".join(text for name, text in BLOCKS if name in {"sh", "crontab", "ini"})
    lines = re.findall(r"\bagentcalls ((?:check|mock|tail) [^\n|;>)]*)", shell)
    spec = yaml(blocks("yaml")[0])["spec"]["jobTemplate"]["spec"]
    words = spec["template"]["spec"]["containers"][0]["command"][1:]
    return [*(line.removesuffix(" 2").split() for line in lines), words]


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_command_of_a_recipe_exists_with_its_options(words: list[str]) -> None:
    name, *options = words
    outer = Context(get_command(app), info_name="agentcalls")
    found = loaded(name)
    if name == "mock":
        from agentcalls_mock.arguments import parse_options  # noqa: PLC0415  # it names the mock's own options

        assert parse_options(options).live
    else:
        assert found.make_context(name, list(options), parent=outer)


def test_there_are_commands_and_blocks_of_each_kind() -> None:
    assert len(commands()) >= 6
    assert {name for name, _ in BLOCKS} == {"ini", "sh", "crontab", "yaml", "text"}


@pytest.mark.parametrize("script", [*blocks("sh"), blocks("crontab")[0].split("root ", 1)[1]])
def test_shell_of_a_recipe_parses(script: str) -> None:
    subprocess.run(["sh", "-n", "-c", script], check=True)


def test_line_of_cron_has_five_fields_a_user_and_no_percent_sign() -> None:
    setting, line = blocks("crontab")[0].splitlines()
    assert re.fullmatch(r"MAILTO=\S+", setting)
    assert re.match(r"(?:[\d*/,-]+ ){5}root \S", line)
    assert "%" not in line  # cron would read it as a line break


def test_units_of_systemd_have_their_sections() -> None:
    units = [ConfigParser(interpolation=None, delimiters="=") for _ in blocks("ini")[1:]]
    for unit, text in zip(units, blocks("ini")[1:], strict=True):
        unit.read_string(text)
    assert [unit.sections() for unit in units] == [["Unit", "Service"], ["Timer", "Install"]]
    assert units[0]["Service"]["ExecStart"].startswith("/usr/local/bin/agentcalls check ")


def test_job_is_not_tried_again_for_what_it_found() -> None:
    spec = yaml(blocks("yaml")[0])["spec"]["jobTemplate"]["spec"]
    (rule,) = spec["podFailurePolicy"]["rules"]
    container = spec["template"]["spec"]["containers"][0]
    assert rule["onExitCodes"]["containerName"] == container["name"]
    final = [Code.USAGE, Code.FAILED, Code.DENIED, Code.NOT_FOUND, Code.TOO_MANY]
    assert rule["onExitCodes"]["values"] == final
    # Kubernetes wants it with a policy of failures.
    assert spec["template"]["spec"]["restartPolicy"] == "Never"


def test_alerts_are_about_metrics_that_there_are() -> None:
    (group,) = yaml(blocks("yaml")[1])["groups"]
    named = re.findall(r"\bagentcalls_\w+", " ".join(rule["expr"] for rule in group["rules"]))
    result = CheckResult([FailureCount("a", calls=1)], Limits(percentage("-", "5%"), 1), "1h")
    written = {re.split(r"[{ ]", line)[0] for line in prometheus_text(result)}
    assert len(named) == 2
    assert set(named) <= written
