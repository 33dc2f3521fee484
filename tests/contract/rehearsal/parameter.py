"""What a parameter of each kind gives: typed keywords, in both flavours, and options of the commands, by themselves."""

from __future__ import annotations

import asyncio
import io
import os
from contextlib import redirect_stdout
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import httpx
import pytest
from mcp import Client as Assistant

from agentcalls import AsyncClient, Client, ConfigurationError
from agentcalls.cli import main
from agentcalls.cli.commands.mcp.serving import server_of
from agentcalls.cli.commands.mcp.tools import Scope, Tools
from agentcalls.cli.connect import read_profile, resolve
from agentcalls.cli.zone import Zone
from agentcalls.export import export
from agentcalls_api.models import ListCallsOutcome

if TYPE_CHECKING:
    from agentcalls import OtherParameters

GIVEN: OtherParameters = {
    "direction": "in & out",
    "outcome": ListCallsOutcome.GOOD,
    "min_duration": 5,
    "score": 1,
    "is_billed": False,
    "day": date(2019, 8, 24),
    "changed_since": datetime(2019, 8, 24, 14, tzinfo=UTC),
    "tags": ["vip", "a b"],
}
SENT = {
    "direction": ["in & out"],
    "outcome": ["good"],
    "minDuration": ["5"],
    "score": ["1.0"],
    "is_billed": ["false"],
    "day": ["2019-08-24"],
    "changed_since": ["2019-08-24T14:00:00+00:00"],
    "tags": ["vip", "a b"],
}
JSON = {
    "direction": "in & out",
    "outcome": "good",
    "min_duration": 5,
    "score": 1,
    "is_billed": False,
    "day": "2019-08-24",
    "changed_since": "2019-08-24T14:00:00Z",
    "tags": ["vip", "a b"],
}
OF_OTHERS = ("language", "withAudio")
"""Those of the agents and of one call."""
OPTIONS = [
    *("--direction", "in & out", "--outcome", "good", "--min-duration", "5", "--score", "1"),
    *("--no-is-billed", "--day", "2019-08-24", "--changed-since", "2019-08-24T14:00:00Z"),
    *("--tags", "vip", "--tags", "a b"),
]
WRONG: dict[str, Any] = {
    "direction": 1,
    "outcome": "ugly",
    "min_duration": True,
    "score": "1",
    "is_billed": 1,
    "day": "2019-02-30",
    "changed_since": datetime(2019, 8, 24),  # noqa: DTZ001
    "tags": "vip",
}
asked: list[dict[str, list[str]]] = []


def answer(request: httpx.Request) -> httpx.Response:
    given = request.url.params
    asked.append({name: given.get_list(name) for name in (*SENT, *OF_OTHERS) if name in given})
    if request.url.path.endswith("/call_1"):
        return httpx.Response(200, json={"message": "Success", "data": {"id": "call_1"}})
    return httpx.Response(200, json={"message": "Success", "meta": None, "data": []})


def client(*_: object) -> Client:
    http = httpx.Client(transport=httpx.MockTransport(answer))
    return Client(api_key="sk_1", base_url="https://host", http_client=http)


def seen() -> list[dict[str, list[str]]]:
    found = asked[:]
    asked.clear()
    return found


with client() as reader:
    listing = reader.calls.list("agent_1", **GIVEN)
    listing.all()
    reader.calls.list("agent_1", direction=None).all()
    assert not list(reader.calls.list_many(["agent_1"], **GIVEN))
    reader.calls.list("agent_1", direction="out", tags=[]).all()
    assert seen() == [SENT, {}, SENT, {"direction": ["out"]}]
    with pytest.raises(ConfigurationError):
        reader.calls.list("agent_1", direction=1)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        reader.calls.list("agent_1", dirction="out")  # type: ignore[call-arg]
    for name, value in WRONG.items():
        with pytest.raises(ConfigurationError, match=f"^{name} takes "):
            reader.calls.list("agent_1", **{name: value})
    reader.agents.list(language="en").all()
    assert reader.calls.get("agent_1", "call_1", with_audio=True).id == "call_1"
    assert seen() == [{"language": ["en"]}, {"withAudio": ["true"]}]
    with pytest.raises(ConfigurationError, match=r"^with_audio takes "):
        reader.calls.get("agent_1", "call_1", with_audio="yes")  # type: ignore[arg-type]
    # A checkpoint is of one listing.
    checkpoint = iter(listing).checkpoint
    reader.calls.list("agent_1", **GIVEN, resume=checkpoint).all()
    with pytest.raises(ConfigurationError):
        iter(reader.calls.list("agent_1", direction="out", resume=checkpoint))
    with TemporaryDirectory() as folder:
        seen()
        export(reader, ["agent_1"], Path(folder) / "calls.csv", **GIVEN)
        assert seen() == [SENT]


async def several() -> None:
    http = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    async with AsyncClient(api_key="sk_1", base_url="https://host", http_client=http) as other:
        await other.calls.list("agent_1", **GIVEN).all()
        assert seen() == [SENT]
        profile = read_profile(None, {})
        scope = Scope(profile, resolve({}, {}, profile), (), Zone(), show_numbers=False)
        async with Assistant(server_of(Tools(scope, other))) as assistant:
            tools = {tool.name: tool.input_schema for tool in (await assistant.list_tools()).tools}
            taken = tools["list_calls"]["properties"]
            assert taken["direction"]["description"] == "Filter by direction"
            for tool, arguments, one in (
                ("list_calls", {"agent_id": "agent_1", **JSON}, SENT),
                ("summarize_calls", {"agent_ids": ["agent_1"], **JSON}, SENT),
                ("list_agents", {"language": "en"}, {"language": ["en"]}),
                (
                    "get_call",
                    {"agent_id": "agent_1", "call_id": "call_1", "with_audio": True},
                    {"withAudio": ["true"]},
                ),
            ):
                told = await assistant.call_tool(tool, arguments)
                assert not told.is_error, told.content
                assert seen() == [one], tool
            told = await assistant.call_tool("list_calls", {"agent_id": "agent_1", "score": "x"})
            assert told.is_error


asyncio.run(several())


def run(command: str, *arguments: str) -> str:
    with (
        patch(f"agentcalls.cli.commands.{command}.connect", client),
        patch.dict(os.environ, {"AGENTCALLS_API_KEY": "sk_1"}),
        redirect_stdout(io.TextIOWrapper(io.BytesIO(), encoding="utf-8")) as out,
    ):
        code = main([command.partition(".")[0], *arguments])
        out.seek(0)
        assert code == 0, (command, out.read())
        return out.read()


for command, arguments, one in (
    ("agents", ("--language", "en"), {"language": ["en"]}),
    ("show", ("agent_1", "call_1", "--with-audio", "--json"), {"withAudio": ["true"]}),
):
    run(command, *arguments)
    assert seen() == [one]

with TemporaryDirectory() as folder:
    for command, options in {
        "list": [],
        "export": ["-o", f"{folder}/calls.ndjson"],
        "stats.stats": [],
        "check.check": ["--min-calls", "1"],
        "report.report": ["-o", f"{folder}/report.html"],
    }.items():
        run(command, "agent_1", *options, *OPTIONS)
        assert seen() == [SENT], command
        helped = " ".join(run(command, "--help").split())
        assert {word for word in OPTIONS if word.startswith("--")} <= set(helped.split()), command
        assert "Filter by direction" in helped
        assert "may be repeated" in helped
