"""What the new field gives: it is read, typed, and reported where it is missing, without a line of the facade's."""

from __future__ import annotations

import httpx

from agentcalls import Client

ROW = {
    "id": "call_1",
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
URL = "https://recordings.example/1"


def answer(_: httpx.Request) -> httpx.Response:
    rows = [{**ROW, "recording_url": URL}, ROW]
    return httpx.Response(200, json={"message": "Success", "meta": None, "data": rows})


with Client(
    api_key="sk_1",
    base_url="https://host",
    http_client=httpx.Client(transport=httpx.MockTransport(answer)),
) as client:
    page = client.calls.list("agent_1").page(1)
recordings: list[str | None] = [call.recording_url for call in page]
assert recordings == [URL, None]
assert [(problem.row, problem.field) for problem in page.problems] == [(1, "recording_url")]
