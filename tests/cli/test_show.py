"""`agentcalls show`: a call and its transcript, for people and for programs; numbers are masked."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from cli.running import run_here
from client.test_one_call import example
from faults import answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from typer.testing import Result

    from faults import FaultServer

    Cli = Callable[..., Result]

ONE = "d4b01769-185a-43a0-a47a-2fa0a19cf156"
"""The call of agent_one, in the mock's data."""


def shown(*arguments: str, columns: int = 80) -> tuple[int, str]:
    """What a terminal shows, without its colours."""
    code, sent = run_here("show", *arguments, columns=columns)
    return code, re.sub(r"\x1b\[[0-9;]*m", "", sent)


def message(text: Any, **changed: Any) -> dict[str, Any]:
    moment = "2026-11-23T10:00:00Z"
    made = {"id": "m", "role": "user", "message": text, "created_at": moment}
    return {**made, "message_type": "text", "attachments": None, **changed}


def body(*messages: Any, **changed: Any) -> Any:
    return answer(json.dumps(example(conversation_logs=list(messages), **changed)).encode())


def test_pipe_gets_the_call_as_json(cli: Cli) -> None:
    ended = cli("show", "agent_one", ONE)
    row = json.loads(ended.stdout)
    assert (ended.exit_code, ended.stderr) == (0, "")
    assert (row["agent_id"], row["id"]) == ("agent_one", ONE)
    assert row["conversation_logs"][0]["role"] == "assistant"
    assert row["created_on"].startswith("2026-11-23T11:")


def test_numbers_are_masked_unless_they_are_asked_for(cli: Cli, server: FaultServer) -> None:
    said = "Call +1 (415) 555-0100 or 02079460018 at 9:30 in room 12"
    odd = {"caller": {"phone": 14155550100, "also": ["+2348012345678"]}, "size": 12, "real": 1.5}
    server.fail(body(message(said), caller=odd, error_reason="no way to +2348012345678"))
    row = json.loads(cli("show", "agent_demo", "call_1").stdout)
    assert (row["source"], row["destination"]) == ("…100", "…678")
    assert row["conversation_logs"][0]["message"] == "Call … or … at 9:30 in room 12"
    assert row["caller"] == {"caller": {"phone": "…", "also": ["…"]}, "size": 12, "real": 1.5}
    assert (row["error_reason"], row["duration_seconds"]) == ("no way to …", 42)
    assert (row["id"], row["created_on"]) == ("call_1", "2019-08-24T14:15:22.000000Z")
    server.fail(body(message(said)))
    full = json.loads(cli("show", "agent_demo", "call_1", "--show-numbers").stdout)
    assert full["source"] == "+14155550100"
    assert full["conversation_logs"][0]["message"] == said


def test_number_of_no_kind_is_no_reason_to_fail(cli: Cli, server: FaultServer) -> None:
    server.fail(body(source=None, destination=["+2348012345678"]))
    row = json.loads(cli("show", "agent_demo", "call_1").stdout)
    assert (row["source"], row["destination"]) == (None, ["…"])


@pytest.mark.parametrize("columns", [60, 100, 220])
def test_terminal_gets_the_call_and_then_each_message(columns: int) -> None:
    code, sent = shown("agent_one", ONE, "--utc", columns=columns)
    assert code == 0
    head, _, said = sent.partition("\n\n")
    fields = dict(line.split(None, 1) for line in head.splitlines())
    assert fields["Call"] == ONE
    assert (fields["Agent"], fields["Status"]) == ("agent_one", "ended")
    assert fields["To"].startswith("…")
    assert "assistant  Hello, this is the front desk" in said
    assert all(len(line) <= columns for line in sent.splitlines())


def test_times_are_those_of_the_zone(server: FaultServer) -> None:
    for options, created, first in (
        (["--utc"], "2019-08-24 14:15:22Z", "10:00:00Z"),
        (["--tz", "Europe/Berlin"], "2019-08-24 16:15:22", "11:00:00 "),
    ):
        server.fail(body(message("Hello")))
        sent = shown("agent_demo", "call_1", *options)[1]
        assert created in sent
        assert first in sent


def test_odd_transcript_is_readable(server: FaultServer) -> None:
    server.fail(
        body(
            message("two\nlines\tand a tab\r\nand more"),
            message(None, message_type="dtmf"),
            message(None, message_type=None, role=None),
            message(
                "see",
                attachments=[{"type": "image", "url": "https://x/1"}, {"url": "https://x/2"}],
            ),
            message(["no text"], created_at="soon", attachments="none"),
            message("x" * 200, role="r" * 40),
        )
    )
    sent = shown("agent_demo", "call_1", "--utc", columns=80)[1]
    assert "two" in sent
    assert "lines and a tab" in sent
    assert "(dtmf)" in sent
    assert "?" in sent
    assert "(nothing)" in sent
    assert "[image] https://x/1" in sent
    assert f"{'r' * 16} " in sent
    assert "r" * 17 not in sent
    assert "conversation_logs[2].role" in sent
    assert "\t" not in sent


@pytest.mark.parametrize("logs", [None, "hello", [7], [[1]]], ids=str)
def test_transcript_that_is_none_is_said(server: FaultServer, logs: Any) -> None:
    changed = {"conversation_logs": logs}
    server.fail(
        answer(json.dumps({**example(), "data": {**example()["data"], **changed}}).encode())
    )
    code, sent = shown("agent_demo", "call_1", "--utc")
    assert code == 0
    assert "conversation_logs" in sent
    assert ("No transcript." in sent) == (not isinstance(logs, list))


def test_call_that_nobody_answered_has_no_transcript(server: FaultServer) -> None:
    server.fail(
        body(
            status="busy",
            is_test_call=True,
            ringing_at="soon",
            duration_seconds=None,
            answered_at=None,
        )
    )
    sent = shown("agent_demo", "call_1", "--utc")[1]
    assert "No transcript." in sent
    assert "Test call  yes" in sent
    assert "Time" not in sent
    assert "Ringing    soon" in sent


def test_terminal_is_not_controlled(server: FaultServer) -> None:
    evil = "\x1b[2J\x07\u202eevil"
    server.fail(body(message(evil, role=evil), status=evil, error_reason=evil))
    sent = shown("agent_demo", "call_1", columns=100)[1]
    for control in ("\x1b[2J", "\x07", "\u202e"):
        assert control not in sent
    assert sent.count("evil") == 4
    server.fail(body(message(evil), status=evil))
    assert "\\u001b[2J" in shown("agent_demo", "call_1", "--json")[1]


def test_another_call_is_not_shown(cli: Cli, server: FaultServer) -> None:
    server.fail(body(message("a secret"), id="call_2"))
    ended = cli("show", "agent_demo", "call_1")
    assert (ended.exit_code, ended.stdout) == (8, "")
    assert "The server answered with another call: call_2." in ended.stderr


@pytest.mark.parametrize(
    ("agent", "call", "code"),
    [
        ("agent_demo", "nowhere", 5),
        ("agent_nobody", ONE, 5),
        ("agent_demo", ONE, 5),
        ("agent/with slash?&#é", "a b/c", 5),
        ("..", "call_1", 2),
        ("agent_demo", "", 2),
    ],
)
def test_call_that_is_not_there_has_its_exit_code(
    cli: Cli, agent: str, call: str, code: int
) -> None:
    ended = cli("show", agent, call)
    assert (ended.exit_code, ended.stdout) == (code, "")
    assert ended.stderr.startswith("Error: ")
