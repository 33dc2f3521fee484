"""What an option cannot mean is refused, and what is left out is said."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from agentcalls import Client, ConfigurationError
from agentcalls.cli.program import COMMANDS, loaded
from cli.running import run_here

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from typer.testing import Result

    Cli = Callable[..., Result]

SWITCHES = [
    (command, option)
    for command in COMMANDS
    if command != "mock"
    for option in loaded(command).params
    if option.secondary_opts
]


@pytest.mark.parametrize(
    ("command", "option"),
    [pytest.param(command, one, id=f"{command} {one.name}") for command, one in SWITCHES],
)
def test_a_switch_is_not_set_both_ways(command: str, option: Any, cli: Cli) -> None:
    (on,), (off,) = option.opts, option.secondary_opts
    ended = cli(command, "agent_one", off, on)
    assert (ended.exit_code, ended.output) == (
        2,
        f"Error: {on} and {off} contradict each other.\n",
    )


@pytest.mark.parametrize("name", ["x.pdf", "x", "x.html.gz", "x.csv", ".html", "x.HTM"])
def test_report_is_named_as_html(name: str, cli: Cli, tmp_path: Path) -> None:
    ended = cli("report", "agent_one", "-o", str(tmp_path / name))
    if name == "x.HTM":
        assert ended.exit_code == 0, ended.stderr
        return
    assert ended.exit_code == 2
    assert (
        ended.stderr
        == f"Error: The report is HTML: name a file that ends in .html, not '{name}'.\n"
    )
    assert not list(tmp_path.glob("x*"))


TABLES = {
    "list": ["list", "agent_demo", "--limit", "3"],
    "agents": ["agents"],
    "stats": ["stats", "agent_demo", "--by", "day"],
}


@pytest.mark.share("command")
@pytest.mark.parametrize("command", TABLES)
@pytest.mark.parametrize("width", [60, 80, 100, 140, 220])
def test_a_table_says_which_columns_it_leaves_out(command: str, width: int) -> None:
    shown, whole = (
        set(_heading(run_here(*TABLES[command], columns=columns)[1])) for columns in (width, 220)
    )
    text = " ".join(run_here(*TABLES[command], columns=width)[1].split())
    said = re.search(r"No room for ([A-Z0-9, ]+): a wider terminal", text)
    left_out = set(said[1].split(", ")) if said else set()
    # RINGS P95 is of two words.
    assert {word for name in left_out for word in name.split()} | shown >= whole
    assert bool(left_out) is (shown != whole)
    assert width < 220 or not left_out


def _heading(text: str) -> list[str]:
    plain = re.sub(r"\x1b\[[0-9;]*m", "", text)
    line = next(line for line in plain.splitlines() if re.match("(DAY|ID|CREATED) ", line))
    return line.split()


@pytest.mark.parametrize(
    ("since", "until"), [("1h", "2h"), ("today", "yesterday"), ("2026-11-02", "2026-11-01")]
)
def test_no_call_can_be_before_it_is_asked_for(since: str, until: str) -> None:
    with Client(api_key="sk_12345678", base_url="http://127.0.0.1:1") as client:
        for ask in (
            client.calls.list,
            lambda agent, **given: client.calls.list_many([agent], **given),
        ):
            with pytest.raises(ConfigurationError, match="since takes a moment before until"):
                ask("a", since=since, until=until)
            ask("a", since=until, until=since)
            ask("a", since="1h", until=None)
        # An agent may have been read further than until: nothing is left of it.
        client.calls.list_many(["a"], since={"a": since}, until=until)
