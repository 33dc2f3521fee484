"""What the new parameter gives: it is sent where it is given, in both flavours, and refused where it is no text."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from agentcalls import AsyncClient, Client, ConfigurationError

asked: list[str | None] = []


def answer(request: httpx.Request) -> httpx.Response:
    asked.append(request.url.params.get("direction"))
    return httpx.Response(200, json={"message": "Success", "meta": None, "data": []})


transport = httpx.MockTransport(answer)
with Client(
    api_key="sk_1", base_url="https://host", http_client=httpx.Client(transport=transport)
) as client:
    client.calls.list("agent_1", direction="inbound").all()
    client.calls.list("agent_1").all()
    with pytest.raises(ConfigurationError):
        client.calls.list("agent_1", direction=1)  # type: ignore[arg-type]


async def main() -> None:
    http = httpx.AsyncClient(transport=transport)
    async with AsyncClient(api_key="sk_1", base_url="https://host", http_client=http) as client:
        await client.calls.list("agent_1", direction="outbound").all()


asyncio.run(main())
assert asked == ["inbound", None, "outbound"]
