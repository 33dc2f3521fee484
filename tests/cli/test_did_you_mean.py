"""Every option and parameter with known values says what was probably meant by a word that is close to one of them."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest

from agentcalls import AsyncClient, Client, ConfigurationError
from agentcalls.cli.program import COMMANDS, loaded
from agentcalls.export import export, export_stream
from agentcalls.request.query import _hint_at_sort, hint_at_status
from parameters import OF_THE_CONTRACT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from typer.testing import Result

    Cli = Callable[..., Result]

# A known value of each option, and what stands around the misspelt one.
KNOWN = {
    "status": "cancelled",
    "failed_status": "cancelled",
    "agent_status": "development",
    "sort": "-duration_seconds",
    "by": "error_reason",
    "only": "error_reason",
    "form": "parquet",
    "output": "calls.parquet",
    "auth": "x-api-key",
    "tz": "America/New_York",
    "profile": "production",
}
OWN = {
    ("agents", "status"): "development",
    ("agents", "sort"): "-description",
    ("list", "form"): "ndjson",
    ("agents", "form"): "ndjson",
    ("stats", "form"): "ndjson",
    ("check", "form"): "prometheus",
    ("report", "by"): "country",
}
# Ids, texts, numbers, times, files and switches.
FREE = {
    *("agent", "agents", "call", "agents_file", "search", "since", "until", "base_url"),
    *("is_test_call", "limit", "every", "as_json", "utc", "key_stdin", "timeout", "deadline"),
    *("allow_http", "max_retries", "debug", "show_numbers", "concurrency", "excel", "resume"),
    *("force", "keep_going", "all_agents", "compare", "interval", "follow", "earlier"),
    *("max_failure_rate", "min_calls", "include_test"),
    *("file", "to", "dataset", "table_format", "full", "audit", "dry_run", "verify"),
    *("quiet_every", "metrics", "push"),
}
FREE_HERE = {("report", "output")}
"""Its one ending is no choice."""
NEEDED = {
    "list": ["agent_one"],
    "show": ["agent_one", "none"],
    "export": ["agent_one"],
    "stats": ["agent_one"],
    "report": ["agent_one", "-o", "report.html"],
    "tail": ["agent_absent", "-n", "0"],
    "check": ["agent_one"],
    "sync": ["agent_one", "--to", "calls.sqlite"],
}
OPTIONS = [
    (command, option)
    for command in COMMANDS
    if command != "mock"
    for option in loaded(command).params
    if option.name not in OF_THE_CONTRACT
]


def misspelt(word: str) -> str:
    """The word with two of its letters swapped."""
    at = len(word) // 2
    return f"{word[:at]}{word[at + 1]}{word[at]}{word[at + 2 :]}"


def test_each_option_is_known_to_be_open_or_to_have_values() -> None:
    assert {option.name for _, option in OPTIONS} == KNOWN.keys() | FREE
    assert not KNOWN.keys() & FREE


def meant() -> Iterator[Any]:
    """Each option with values; where a second command has it, it is one of which a share is drawn."""
    names: set[str] = set()
    for command, option in OPTIONS:
        if option.name in KNOWN and (command, option.name) not in FREE_HERE:
            marks = [pytest.mark.share(one_in=4)] if option.name in names else []
            names.add(option.name)
            yield pytest.param(command, option, id=f"{command} {option.name}", marks=marks)


@pytest.mark.parametrize(("command", "option"), list(meant()))
def test_an_option_says_what_was_meant(  # noqa: PLR0917 (fixtures)
    command: str,
    option: Any,
    cli: Cli,
    config: Callable[[str], Path],
    caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    config("[production]\nauth = 'bearer'\n")
    hint_at_status.cache_clear()
    _hint_at_sort.cache_clear()
    word = OWN.get((command, option.name), KNOWN[option.name])
    words = [*NEEDED.get(command, []), max(option.opts, key=len), misspelt(word)]
    if option.name == "agent_status":
        words = [*words[-2:], "--all-agents", *NEEDED.get(command, [])[1:]]
    if command == "export" and option.name != "output":
        words += ["-o", "calls.ndjson"]
    ended = cli(command, *words)
    said = f"{ended.output} {caplog.text}".lower()
    assert f"did you mean '{word.removeprefix('calls').lower()}'?" in said, said


@pytest.mark.parametrize("kind", [Client, AsyncClient])
@pytest.mark.parametrize(
    ("method", "name", "word"),
    [
        ("calls.list", "status", "failed"),
        ("calls.list", "sort", "-created_on"),
        ("calls.list", "tz", "Europe/Berlin"),
        ("calls.list_many", "status", "cancelled"),
        ("calls.list_many", "sort", "duration_seconds"),
        ("calls.list_many", "tz", "Europe/Berlin"),
        ("agents.list", "sort", "-created_at"),
    ],
)
def test_a_parameter_says_what_was_meant(
    kind: Any, method: str, name: str, word: str, caplog: pytest.LogCaptureFixture
) -> None:
    hint_at_status.cache_clear()
    _hint_at_sort.cache_clear()
    client = kind(api_key="sk_12345678", base_url="http://127.0.0.1:1")
    room, _, function = method.partition(".")
    agents: dict[str, list[Any]] = {"calls.list": ["a"], "calls.list_many": [["a"]]}
    said = ""
    with caplog.at_level(logging.WARNING, logger="agentcalls"):
        try:
            getattr(getattr(client, room), function)(
                *agents.get(method, []), **{name: misspelt(word)}
            )
        except ConfigurationError as error:
            said = str(error).lower()
    assert f"did you mean '{word.lower()}'?" in f"{said}{caplog.text}".lower()


@pytest.mark.parametrize("write", [export, export_stream])
def test_a_format_says_what_was_meant(write: Any, tmp_path: Path) -> None:
    with (
        Client(api_key="sk_12345678", base_url="http://127.0.0.1:1") as client,
        (tmp_path / "file").open("wb") as file,
        pytest.raises(ConfigurationError, match="Did you mean 'ndjson'"),
    ):
        write(client, ["a"], tmp_path / "calls" if write is export else file, format="ndjosn")
