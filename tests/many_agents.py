"""APIs of several agents, for tests: one that fails as a test wants, and one that counts what is under way."""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from agentcalls import Client
    from flavours import MakeClient

FIRST_WALK = 3
"""Requests that a client's first walk of several pages takes more: two probes, and its first page again."""
START = datetime(2026, 1, 1, tzinfo=UTC)


class Agents:
    """An API of several agents; it remembers what was asked, and fails as a test wants.

    The newest calls come first, unless `sort=created_on` is asked for.
    """

    def __init__(self, row: dict[str, Any], counts: dict[str, int]) -> None:
        self._row = {**row, "ended_at": None}  # nothing that would make pages be read row by row
        self.counts = counts
        self.asked: list[str] = []
        """The agent of each request, as they come."""
        self.fail: Callable[[str, int], httpx.Response | None] = lambda _agent, _page: None
        self._lock = threading.Lock()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        agent = request.url.path.split("/")[-2]
        page, limit = (int(request.url.params[name]) for name in ("page", "limit"))
        with self._lock:
            self.asked.append(agent)
        total = self.counts.get(agent)
        if total is None:
            return httpx.Response(404, json={"message": "No such agent."})
        end = page * limit
        meta = {
            "total_count": total,
            "page_count": -(-total // limit),
            "current_page": page,
            "limit": limit,
            "has_next_page": end < total,
            "has_previous_page": page > 1,
        }
        falling = request.url.params.get("sort") != "created_on"
        listed = range(total)[:: -1 if falling else 1]
        rows = [self.row(agent, number) for number in listed[end - limit : end]]
        body = {"message": "Success", "meta": meta, "data": rows}
        return self.fail(agent, page) or httpx.Response(200, content=json.dumps(body))

    def row(self, agent: str, number: int) -> dict[str, Any]:
        created = START + timedelta(minutes=number)
        return {**self._row, "id": f"{agent}_{number}", "created_on": created.isoformat()}

    def expected(self, agent: str) -> list[str]:
        return [f"{agent}_{number}" for number in reversed(range(self.counts[agent]))]


class Counting:
    """An ASGI application that counts the requests to the one it wraps, and how many there are at once.

    It counts those whose id has its `prefix`: the last ones of an earlier test may arrive late.
    """

    def __init__(self, app: Any) -> None:
        self._app = app
        self.prefix = ""
        self.reset()

    def reset(self) -> None:
        self.at_once = self.most_at_once = 0
        self.asked: list[str] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or not self._is_counted(scope["headers"]):
            await self._app(scope, receive, send)
            return
        self.asked.append(scope["path"].split("/")[-2])
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await self._app(scope, receive, send)
        finally:
            self.at_once -= 1

    def _is_counted(self, headers: Iterable[tuple[bytes, bytes]]) -> bool:
        return dict(headers).get(b"x-request-id", b"").startswith(self.prefix.encode())


def client_of(make_client: MakeClient, api: Any, **options: Any) -> Client:
    return make_client(
        api_key="sk_1", base_url="https://host", http_client=make_client.http(api), **options
    )


def by_agent(pairs: Iterable[tuple[str, Any]]) -> dict[str, list[str]]:
    read: dict[str, list[str]] = defaultdict(list)
    for agent_id, call in pairs:
        read[agent_id].append(call.id)
    return read


def failing(agent: str, status: int, *, page: int = 1) -> Callable[[str, int], Any]:
    return lambda asked, number: (
        httpx.Response(status, json={"message": "No."})
        if asked == agent and number >= page
        else None
    )
