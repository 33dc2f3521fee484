"""A team whose agents have so many calls a day, behind a limit of so many requests a second; time is the test's."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from agentcalls import Client
from agentcalls.clock import Clock
from agentcalls_mock import RateLimit
from agentcalls_mock.ratelimit import RateLimiter

START = datetime(2026, 3, 1, tzinfo=UTC)


class Work:
    """The API: each agent had its first calls before `START`, evenly, and has so many a day since."""

    def __init__(self, agents: int, calls: int, *, a_day: float, a_second: float = 0) -> None:
        self.agents = [f"agent_{number}" for number in range(agents)]
        self.seconds = START.timestamp()
        self.asked = 0
        self._step = timedelta(days=1) / a_day
        self._first = START - calls * self._step
        window = RateLimit(round(a_second) or 10**9, 1)
        self._limiter = RateLimiter(window, clock=lambda: self.seconds)

    @property
    def _total(self) -> int:
        now = datetime.fromtimestamp(self.seconds, UTC)
        return int((now - self._first) / self._step)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        allowance = self._limiter.take("all")
        if not allowance.admitted:
            return httpx.Response(429, headers=allowance.headers(), json={"message": "Slow down."})
        self.asked += 1
        asked = request.url.params
        page, limit = int(asked["page"]), int(asked["limit"])
        total, end = self._total, int(asked["page"]) * int(asked["limit"])
        rising = asked.get("sort") == "created_on"
        numbers = range(total)[:: 1 if rising else -1][end - limit : end]
        agent = request.url.path.split("/")[-2]
        meta = {
            "total_count": total,
            "page_count": -(-total // limit),
            "current_page": page,
            "limit": limit,
            "has_next_page": end < total,
            "has_previous_page": page > 1,
        }
        body = {
            "message": "Success",
            "meta": meta,
            "data": [self._row(agent, number) for number in numbers],
        }
        return httpx.Response(200, headers=allowance.headers(), content=json.dumps(body))

    def client(self, *, concurrency: int = 8) -> Client:
        # Each thread that sleeps moves the one clock on, so where time is measured there is one.
        clock = Clock(
            now=lambda: self.seconds,
            wall=lambda: self.seconds,
            random=lambda: 0.0,
            sleep=self._sleep,
        )
        http = httpx.Client(transport=httpx.MockTransport(self))
        return Client(
            api_key="sk_1",
            base_url="https://host",
            http_client=http,
            clock=clock,
            concurrency=concurrency,
        )

    def _sleep(self, seconds: float) -> None:
        self.seconds += seconds

    def _row(self, agent: str, number: int) -> dict[str, Any]:
        created = (self._first + number * self._step).isoformat(timespec="milliseconds")
        return {
            "id": f"{agent}_{number}",
            "source": None,
            "destination": "+2348012345678",
            "status": "ended",
            "direction": "outbound",
            "created_on": created.replace("+00:00", "Z"),
            "duration_seconds": 3,
            "is_test_call": False,
            "error_reason": None,
            "end_reason": None,
            "ringing_at": None,
            "ended_at": created.replace("+00:00", "Z"),
        }
