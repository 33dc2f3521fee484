"""A host in a function, with some agents' calls: honest, or as odd as a test makes it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import httpx
from attrs import field, mutable

from agentcalls import Client
from agentcalls.clock import Clock

if TYPE_CHECKING:
    from collections.abc import Callable

Row = dict[str, Any]
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def row(number: int, **changed: Any) -> Row:
    """A call that was created so many minutes before `NOW`, and is over."""
    created = (NOW - timedelta(minutes=number)).isoformat()
    found = {
        "id": f"call_{number}",
        "source": None,
        "destination": "+2348012345678",
        "status": "ended",
        "direction": "outbound",
        "created_on": created,
        "duration_seconds": 42,
        "is_test_call": False,
        "error_reason": None,
        "end_reason": "hangup",
        "ringing_at": created,
        "ended_at": created,
    }
    return {**found, **changed}


def agent_row(id: Any) -> Row:
    """An agent of any id, or what is none."""
    moments = dict.fromkeys(("created_at", "updated_at"), NOW.isoformat())
    return {"id": id, "name": "x", "description": None, "status": "live", **moments}


@mutable
class Host:
    """Answers requests for calls and for agents; it honours `sort=created_on`, and otherwise gives the newest first."""

    calls: dict[str, list[Row]]
    sorts: bool = True
    meta: bool = True
    count: Callable[[int], int] = lambda count: count
    """The count that it tells, by the number of calls."""
    status: dict[str, int] = field(factory=dict[str, int])
    """The agents that fail, each with a status."""
    listed: list[Any] = field(factory=list[Any])
    """The ids in its listing of agents."""
    now: datetime = NOW
    asked: list[httpx.URL] = field(factory=list[httpx.URL])
    before: Callable[[int], object] = lambda _: None
    """Called with the number of each request, 1-based, before it is answered."""

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.url)
        self.before(len(self.asked))
        path = request.url.raw_path.decode().partition("?")[0].split("/")
        asked = request.url.params
        page, limit, sort = int(asked["page"]), int(asked["limit"]), asked.get("sort", "")
        if path[-1] == "agents":
            return self._page([agent_row(one) for one in self.listed], page, limit)
        agent = unquote(path[-2])
        if agent in self.status or agent not in self.calls:
            return httpx.Response(self.status.get(agent, 404), json={"message": "+1415555 no"})
        rows = list(self.calls[agent])
        if self.sorts:
            falling = sort != "created_on"
            rows.sort(
                key=lambda one: (str(one.get("created_on")), str(one.get("id"))), reverse=falling
            )
        return self._page(rows, page, limit)

    def _page(self, rows: list[Row], page: int, limit: int) -> httpx.Response:
        end, total = page * limit, self.count(len(rows))
        meta = {
            "total_count": total,
            "page_count": -(-total // limit),
            "current_page": page,
            "limit": limit,
            "has_next_page": end < total,
            "has_previous_page": page > 1,
        }
        body = {"message": "Success", "data": rows[end - limit : end]}
        content = json.dumps(body | ({"meta": meta} if self.meta else {}))
        return httpx.Response(200, content=content)

    def wall(self) -> float:
        return self.now.timestamp()

    def client(self, **options: Any) -> Client:
        """A new client of it, whose clock is the host's."""
        http = httpx.Client(transport=httpx.MockTransport(self))
        clock = Clock(wall=self.wall, sleep=lambda _: None)
        settings: dict[str, Any] = {"api_key": "sk_1", "base_url": "https://host", "clock": clock}
        return Client(**{**settings, "http_client": http, "max_retries": 0, **options})
