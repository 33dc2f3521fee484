"""A host with a team of agents, in a function: honest, or changed by the test."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from collections.abc import Callable

    from agentcalls import Client
    from flavours import MakeClient

Row = dict[str, Any]
AGENTS = "/api/v1/console/agents"
_FIRST = datetime(2026, 1, 1, tzinfo=UTC)


def agent(number: int, **changed: Any) -> Row:
    """An agent with what an agent must have."""
    moment = (_FIRST + timedelta(hours=number * 37 % 1000)).isoformat()
    row = {"id": f"agent_{number}", "name": f"Name {number}", "description": "Talks."}
    return {**row, "created_at": moment, "updated_at": moment, **changed}


class Team:
    """Answers requests for the agents: sorted where that is asked for, otherwise as they are."""

    def __init__(self, rows: list[Row], *, sorts: bool = True) -> None:
        self.rows, self.sorts = rows, sorts
        self.asked: list[httpx.URL] = []
        self.change: Callable[[Row], Any] = lambda body: body

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.url)
        assert request.url.path == AGENTS
        asked = request.url.params
        page, limit = int(asked.get("page", 1)), int(asked.get("limit", 20))
        rows, sort = list(self.rows), asked.get("sort", "")
        if self.sorts and sort.removeprefix("-") in {"created_at", "name"}:
            name = sort.removeprefix("-")
            rows.sort(key=lambda row: (row[name], row["id"]), reverse=sort.startswith("-"))
        count = -(-len(rows) // limit)
        meta = {
            "total_count": len(rows),
            "page_count": count,
            "current_page": page,
            "limit": limit,
            "has_next_page": page < count,
            "has_previous_page": page > 1,
        }
        data = rows[(page - 1) * limit : page * limit]
        return httpx.Response(
            200, json=self.change({"message": "Success", "meta": meta, "data": data})
        )


def client_of(make_client: MakeClient, answer: Any, **options: Any) -> Client:
    """A client of a host that is a function."""
    settings = {"api_key": "sk_1", "base_url": "https://host", **options}
    return make_client(http_client=make_client.http(answer), **settings)
