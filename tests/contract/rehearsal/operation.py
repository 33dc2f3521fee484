"""What the third operation gives: a note is written once, in both flavours, whatever has to be sent again."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import httpx
import pytest

from agentcalls import (
    AsyncClient,
    Client,
    Clock,
    ConfigurationError,
    NotFoundError,
    UnexpectedResponseError,
)

if TYPE_CHECKING:
    from agentcalls_api.models import Note

NOTES: dict[str, str] = {}
"""What the server has written, by the key that it was sent with."""
asked: list[httpx.Request] = []


def answer(request: httpx.Request) -> httpx.Response:
    asked.append(request)
    if request.url.raw_path != b"/api/v1/console/agents/agent%2F1/calls/call_1/notes":
        return httpx.Response(404, json={"message": "Call not found", "code": "not_found"})
    assert (request.method, request.headers["Content-Type"]) == ("POST", "application/json")
    text, key = json.loads(request.content)["text"], request.headers["Idempotency-Key"]
    if key not in NOTES:
        NOTES[key] = text  # it is written, and the answer is lost
        return httpx.Response(503)
    if text == "lost":
        return httpx.Response(200, json={"message": "Created", "data": {}})
    return httpx.Response(201, json={"message": "Created", "data": {"id": "n", "text": text}})


async def no_sleep(_: float) -> None:
    pass


transport = httpx.MockTransport(answer)
with Client(
    api_key="sk_1",
    base_url="https://host",
    http_client=httpx.Client(transport=transport),
    clock=Clock(sleep=lambda _: None),
) as client:
    note: Note = client.calls.add_note("agent/1", "call_1", "Call back")
    assert (note.id, note.text) == ("n", "Call back")
    assert list(NOTES.values()) == ["Call back"]
    assert asked[0].content == asked[1].content
    assert asked[0].headers["Idempotency-Key"] == asked[1].headers["Idempotency-Key"]
    with pytest.raises(NotFoundError) as caught:
        client.calls.add_note("agent_2", "call_1", "x")
    assert (caught.value.method, caught.value.path) == (
        "POST",
        "/api/v1/console/agents/{agentId}/calls/{callId}/notes",
    )
    with pytest.raises(ConfigurationError):
        client.calls.add_note("agent/1", "..", "x")
    with pytest.raises(UnexpectedResponseError, match="neither a note nor an error"):
        client.calls.add_note("agent/1", "call_1", "lost")


async def main() -> Note:
    http = httpx.AsyncClient(transport=transport)
    async with AsyncClient(
        api_key="sk_1", base_url="https://host", http_client=http, clock=Clock(sleep=no_sleep)
    ) as client:
        return await client.calls.add_note("agent/1", "call_1", "Call back")


assert asyncio.run(main()) == note
assert sorted(NOTES.values()) == ["Call back", "Call back", "lost"]
