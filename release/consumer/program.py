"""A program of a user's, for type checkers; nothing runs it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from agentcalls import (
    AgentCallsError,
    AsyncClient,
    Call,
    Checkpoint,
    Client,
    NotFoundError,
    RateLimitError,
)
from agentcalls.export import export

if TYPE_CHECKING:
    from pathlib import Path


def failed(agent_id: str) -> dict[str, int]:
    reasons: dict[str, int] = {}
    with Client(api_key="sk_1", base_url="https://api.example.com", timeout=3) as client:
        listing = client.calls.list(agent_id, status="failed", since=timedelta(hours=24))
        for call in listing:
            reason: str = call.error_reason or "unknown"
            reasons[reason] = reasons.get(reason, 0) + 1
        complete: bool = listing.report.complete
        if not complete:
            print(listing.report.reason)
    return reasons


def newest(client: Client, agent_id: str) -> datetime | None:
    call: Call | None = client.calls.list(agent_id).first()
    return None if call is None else call.created_on


def transcript(client: Client, agent_id: str, call_id: str) -> list[str]:
    try:
        found = client.calls.get(agent_id, call_id)
    except NotFoundError as error:
        print(error.status, error.request_id)
        return []
    except RateLimitError as error:
        print(error.retry_after)
        raise
    return [f"{message.role}: {message.message}" for message in found.conversation_logs or []]


def copy(client: Client, agents: list[str], target: Path) -> int:
    return export(client, agents, target).calls


async def many(agents: list[str], resume: dict[str, Checkpoint]) -> dict[str, Checkpoint]:
    async with AsyncClient() as client:
        listing = client.calls.list_many(agents, since="yesterday", tz="local", resume=resume)
        try:
            async for agent_id, call in listing:
                print(agent_id, call.id, call.duration_seconds)
        except* AgentCallsError as failures:
            print(failures.exceptions)
        return dict(listing.report.checkpoints)
