"""What the second operation gives: one call, in both flavours, with an error of its own."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from agentcalls import AsyncClient, Call, Client, NotFoundError

ROW = {
    "id": "call/1",
    "source": None,
    "destination": "+2348012345678",
    "status": "ended",
    "direction": "outbound",
    "created_on": "2026-11-23T10:00:00Z",
    "duration_seconds": 42,
    "is_test_call": False,
    "error_reason": None,
    "end_reason": None,
    "ringing_at": None,
    "ended_at": None,
}


def answer(request: httpx.Request) -> httpx.Response:
    if request.url.raw_path == b"/api/v1/console/agents/agent_1/calls/call%2F1":
        return httpx.Response(200, json=ROW)
    return httpx.Response(404, json={"message": "Call not found", "code": "not_found"})


transport = httpx.MockTransport(answer)
with Client(
    api_key="sk_1", base_url="https://host", http_client=httpx.Client(transport=transport)
) as client:
    call: Call = client.calls.get("agent_1", "call/1")
    assert call.duration_seconds == 42
    with pytest.raises(NotFoundError) as caught:
        client.calls.get("agent_1", "call_2")
    assert caught.value.path == "/api/v1/console/agents/{agentId}/calls/{callId}"


async def main() -> Call:
    http = httpx.AsyncClient(transport=transport)
    async with AsyncClient(api_key="sk_1", base_url="https://host", http_client=http) as client:
        return await client.calls.get("agent_1", "call/1")


assert asyncio.run(main()) == call
