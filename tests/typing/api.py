"""What a user's type checker sees: mypy and pyright read this file in `make types`; nothing runs it."""

from __future__ import annotations

from datetime import datetime
from typing import assert_type

import httpx
from hypothesis.strategies import SearchStrategy

from agentcalls import (
    Agent,
    AgentCallsError,
    AgentListing,
    AsyncAgentListing,
    AsyncCallListing,
    AsyncClient,
    AsyncManyListing,
    Call,
    CallBatch,
    CallDetail,
    CallListing,
    CallMessage,
    Checkpoint,
    Client,
    ManyListing,
    ManyReport,
    Page,
    PageMeta,
    RateLimit,
    RateLimitError,
)
from agentcalls.testing import make_call, make_page, strategies
from agentcalls_mock import MockCallsAPI


def sync() -> None:
    with Client(
        api_key=lambda: "sk_1", auth="x-api-key", timeout=3, http_client=httpx.Client()
    ) as client:
        assert_type(client, Client)
        listing = client.calls.list(
            "agent_1", status="failed", sort="-created_on", is_test_call=False
        )
        assert_type(listing, CallListing)
        client.calls.list("agent_1", status="a status of next year")
        client.calls.list("agent_1", page="1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        client.calls.list("agent_1", 2)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
        for call in listing:
            assert_type(call, Call)
            assert_type(call.created_on, datetime)
            assert_type(call.ended_at, datetime | None)
            assert_type(call.duration_seconds, int | None)
            assert_type(call.status, str)
        for page in listing.pages():
            assert_type(page, Page)
        assert_type(listing.page(1).data, list[Call])
        assert_type(listing.page(1).meta, PageMeta | None)
        assert_type(listing.page(1).rate_limit, RateLimit | None)
        assert_type(listing.first(), Call | None)
        assert_type(listing.count(), int)
        assert_type(listing.all(), list[Call])
        many = client.calls.list_many({"agent_1", "agent_2"}, since="1h", resume={})
        assert_type(many, ManyListing)
        for agent_id, call in many:
            assert_type(agent_id, str)
            assert_type(call, Call)
        for batch in many.batches(100):
            assert_type(batch, CallBatch)
            assert_type(batch.checkpoint, Checkpoint)
        client.calls.list_many(["agent_1"], since={"agent_1": "1h"})
        client.calls.list_many(["agent_1"], since=lambda agent_id: agent_id or None)
        client.calls.list_many([1])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
        assert_type(iter(many).report, ManyReport)
        for error in many.report.failures.values():
            assert_type(error, AgentCallsError)
            assert_type(error.agent_id, str | None)
        assert_type(dict(many.report.checkpoints), dict[str, Checkpoint])
        agents = client.agents.list(search="support", sort="-created_at")
        assert_type(agents, AgentListing)
        for agent in agents:
            assert_type(agent, Agent)
            assert_type(agent.created_at, datetime)
            assert_type(agent.status or "unknown", str)
        for agents_page in agents.pages():
            assert_type(agents_page, Page[Agent])
        assert_type(agents.first(), Agent | None)
        client.calls.list_many(agents)
        client.calls.list_many([*agents, "agent_1"])
        detail = client.calls.get("agent_1", "call_1")
        assert_type(detail, CallDetail)
        assert_type(detail.conversation_logs, list[CallMessage])
    try:
        listing.first()
    except RateLimitError as error:
        assert_type(error.retry_after, float | None)
        assert_type(error.status, int | None)


async def asynchronous() -> None:
    async def key() -> str:
        return "sk_1"

    async with AsyncClient(api_key=key, base_url="https://host") as client:
        assert_type(client, AsyncClient)
        listing = client.calls.list("agent_1")
        assert_type(listing, AsyncCallListing)
        async for call in listing:
            assert_type(call, Call)
        async for page in listing.pages():
            assert_type(page, Page)
        assert_type(await listing.page(1), Page)
        assert_type(await listing.first(), Call | None)
        assert_type(await listing.count(), int)
        assert_type(await listing.all(), list[Call])
        many = client.calls.list_many(f"agent_{number}" for number in range(3))
        assert_type(many, AsyncManyListing)
        async for agent_id, call in many:
            assert_type((agent_id, call), tuple[str, Call])
        assert_type(many.report.complete, bool)
        agents = client.agents.list()
        assert_type(agents, AsyncAgentListing)
        assert_type([agent async for agent in agents], list[Agent])
        client.calls.list_many(agents)
        assert_type(await client.calls.get("agent_1", "call_1"), CallDetail)


async def with_options() -> None:
    assert_type(Client().with_options(timeout=None, strict=True), Client)
    assert_type(AsyncClient().with_options(max_retries=0).with_options(deadline=3), AsyncClient)


def for_tests() -> None:
    with MockCallsAPI() as api:
        assert_type(api.client(), Client)
        assert_type(api.async_client(), AsyncClient)
        assert_type(api.add_call("agent_1", status="failed").end_reason, str | None)
        assert_type(api.fail(503).hits, int)
        assert_type([request.status for request in api.requests], list[int | None])
    assert_type(make_page([make_call(status="failed")]), Page[Call])
    assert_type(strategies.listings(), SearchStrategy[list[Call]])
