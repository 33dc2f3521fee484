"""Agents that the API lists by an id that cannot be sent: each is a failure of its own, and the others are read."""

from __future__ import annotations

import csv
import random
import unicodedata
from os import environ
from typing import TYPE_CHECKING, Any

import pytest

from agentcalls import ConfigurationError
from agentcalls.cli.agents import Named, check_asked, listed
from agentcalls.export import export
from agentcalls.mirror import sync
from mirror.copies import ENDINGS, current, query
from mirror.host import Host, row

if TYPE_CHECKING:
    from pathlib import Path

SENDABLE = [
    "a/b",
    "a b",
    " ",
    "é",
    "e\u0301",
    "A",
    "a",
    "?#%2e%2e",
    "\ufeffb",
    "\u2028",
    "x" * 5000,
    "-",
    "*",
]
UNSENDABLE = ["", ".", "..", "a\nb", "a\0b", "\x7f", "\ud800", "a\udfffb"]
NAMELESS = [None, 5, 1.5, True, [1], {"a": 1}]


def odd(draw: random.Random) -> Any:
    """An id of any kind, or what is none."""
    text = "".join(map(chr, draw.choices(range(0x3000), k=draw.randrange(1, 4))))
    return draw.choice([*SENDABLE, *UNSENDABLE, *NAMELESS, text, chr(draw.randrange(0x110000))])


def is_sendable(id: Any) -> bool:
    """By the words of the refusal, not by its code."""
    if not isinstance(id, str) or id in {"", ".", ".."}:
        return False
    return not {"Cc", "Cs"} & set(map(unicodedata.category, id))


def cases() -> list[list[Any]]:
    draw = random.Random(environ["AGENTCALLS_SEED"])
    drawn = [[odd(draw) for _ in range(draw.randrange(1, 9))] for _ in range(6)]
    # An id that is listed twice is a doubt of its own.
    return [
        SENDABLE,
        UNSENDABLE,
        NAMELESS,
        *(list({repr(one): one for one in ids}.values()) for ids in drawn),
    ]


@pytest.fixture(params=cases(), ids=range(9))
def host(request: pytest.FixtureRequest) -> Host:
    """A host that lists sound agents, too, each with a call."""
    ids = ["first", *request.param, "last"]
    found = {one: [row(n, id=f"call {n}")] for n, one in enumerate(ids) if is_sendable(one)}
    return Host(found, listed=ids)


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("way", ["command", "function"])
def test_a_sync_reads_all_others_and_names_those(
    host: Host, tmp_path: Path, ending: str, way: str
) -> None:
    path = tmp_path / f"calls.{ending}"
    names = Named.all_of(None)
    unnamed = {one if isinstance(one, str) else "" for one in host.listed} - set(host.calls)
    for _ in range(2):
        with host.client() as client:
            names.read(client)
            outcome = sync(
                client, names if way == "command" else client.agents.list(), path, audit=0
            )
        assert {agent for agent, _ in current(path)} == set(host.calls)
        assert outcome.failures == dict.fromkeys(unnamed, "ConfigurationError")
        assert outcome.complete is (not unnamed)
        assert (outcome.doubt is None) is ("" not in unnamed)
    failed = query(path, "SELECT agent_id FROM agents WHERE error = 'ConfigurationError'")
    assert len(failed) == len({one.encode(errors="replace") for one in unnamed})


def test_an_export_that_keeps_going_does_so_too(host: Host, tmp_path: Path) -> None:
    path = tmp_path / "calls.csv"
    with host.client() as client:
        outcome = export(client, client.agents.list(), path, keep_going=True)
    with path.open(encoding="utf-8", newline="") as file:
        assert outcome.calls == len(host.calls) == len(list(csv.DictReader(file)))
    assert not set(outcome.failures) & set(host.calls)
    assert outcome.agents == len({one if isinstance(one, str) else "" for one in host.listed})


@pytest.mark.parametrize("id", UNSENDABLE)
def test_an_id_that_the_caller_wrote_is_refused_before_anything_is_sent(
    id: str, tmp_path: Path
) -> None:
    host = Host({"a": [row(1)]})
    with host.client() as client:
        for attempt in (
            lambda: sync(client, ["a", id], tmp_path / "calls.sqlite"),
            lambda: export(client, ["a", id], tmp_path / "calls.csv"),
            lambda: check_asked(client, ["a", id], {}),
        ):
            with pytest.raises(ConfigurationError, match="agent_id cannot be"):
                attempt()
    assert host.asked == []


def test_a_name_that_could_not_be_seen_is_shown_in_quotes() -> None:
    assert listed(["a", "", "a\nb", "a b"]) == "a, '', 'a\\nb', a b"
