"""What the vendor's own SDK does with this operation, and what we do: each test shows both, on the same answers."""

from __future__ import annotations

import inspect
import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import bimpeai
import httpx
import pydantic
import pytest
from bimpeai._retries import compute_backoff

from agentcalls import Client, ConfigurationError, UnexpectedResponseError

if TYPE_CHECKING:
    from collections.abc import Callable

    from flavours import MakeClient

    Answer = Callable[[httpx.Request], httpx.Response]


def vendor_of(answer: Answer, **options: Any) -> bimpeai.BimpeAI:
    http = httpx.Client(transport=httpx.MockTransport(answer))
    return bimpeai.BimpeAI(api_key="sk_1", base_url="https://host", http_client=http, **options)


def ours_of(make_client: MakeClient, answer: Answer) -> Client:
    return make_client(
        api_key="sk_1", base_url="https://host", http_client=make_client.http(answer)
    )


def test_status_that_it_does_not_know_costs_it_the_page_and_us_nothing(
    make_client: MakeClient, page_body: Any
) -> None:
    page_body["data"].append({**page_body["data"][0], "id": "call_2", "status": "parked"})

    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=page_body)

    with pytest.raises(pydantic.ValidationError):
        vendor_of(answer).calls.list("a")
    assert [call.status for call in ours_of(make_client, answer).calls.list("a")] == [
        "ended",
        "parked",
    ]


def test_retry_after_is_cut_by_it_and_honoured_by_us(
    make_client: MakeClient, page_body: Any
) -> None:
    answers = iter(
        [httpx.Response(429, headers={"Retry-After": "30"}), httpx.Response(200, json=page_body)]
    )
    assert compute_backoff(0, retry_after_s=30) == 8
    assert len(ours_of(make_client, lambda _: next(answers)).calls.list("a").all()) == 1
    assert make_client.clock.slept == [30]


@pytest.mark.parametrize("agent_id", ["../../x", "a/b?c", "a#b"])
def test_agent_id_reaches_another_endpoint_with_it_and_stays_one_segment_with_us(
    make_client: MakeClient, page_body: Any, agent_id: str
) -> None:
    reached: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        reached.append(request.url.path)
        return httpx.Response(200, json=page_body)

    vendor_of(answer).calls.list(agent_id)
    ours_of(make_client, answer).calls.list(agent_id).page(1)
    theirs, ours = reached
    assert theirs != f"/api/v1/console/agents/{agent_id}/calls"
    assert ours == f"/api/v1/console/agents/{agent_id}/calls"
    with pytest.raises(ConfigurationError):
        ours_of(make_client, answer).calls.list("..")


def test_body_that_is_no_envelope_is_a_bare_type_error_there_and_a_typed_one_here(
    make_client: MakeClient,
) -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=[1, 2])

    with pytest.raises(TypeError):
        vendor_of(answer).calls.list("a")
    with pytest.raises(UnexpectedResponseError):
        ours_of(make_client, answer).calls.list("a").page(1)


def test_row_that_is_no_object_costs_it_the_page_and_is_reported_by_us(
    make_client: MakeClient, page_body: Any
) -> None:
    page_body["data"].append("row")

    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=page_body)

    with pytest.raises(pydantic.ValidationError):
        vendor_of(answer).calls.list("a")
    page = ours_of(make_client, answer).calls.list("a").page(1)
    assert (len(page), page.problems[0].row) == (2, 1)


def test_it_asks_for_pages_of_twenty_and_we_for_a_hundred(
    make_client: MakeClient, page_body: Any
) -> None:
    limits: list[str | None] = []

    def answer(request: httpx.Request) -> httpx.Response:
        limits.append(request.url.params.get("limit"))
        return httpx.Response(200, json=page_body)

    vendor_of(answer).calls.list("a")
    ours_of(make_client, answer).calls.list("a").all()
    assert limits == [None, "100"]  # the documented default is 20


def test_rows_that_shift_into_the_next_page_come_twice_from_it_and_once_from_us(
    make_client: MakeClient, page_body: Any
) -> None:
    class Shifting:
        """Newest first; a call arrives before each request but the first."""

        def __init__(self) -> None:
            self.count = 250
            self.asked = 0

        def __call__(self, request: httpx.Request) -> httpx.Response:
            self.count += self.asked > 0
            self.asked += 1
            page, limit = (int(request.url.params[name]) for name in ("page", "limit"))
            numbers = range(self.count, 0, -1)[(page - 1) * limit : page * limit]
            moment = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
            data = [
                {
                    **page_body["data"][0],
                    "id": f"call_{number}",
                    "created_on": datetime.fromtimestamp(moment + number, UTC).isoformat(),
                }
                for number in numbers
            ]
            meta = {
                "total_count": self.count,
                "page_count": -(-self.count // limit),
                "current_page": page,
                "limit": limit,
                "has_next_page": page * limit < self.count,
                "has_previous_page": page > 1,
            }
            return httpx.Response(200, json={**page_body, "meta": meta, "data": data})

    theirs = [call.id for call in vendor_of(Shifting()).calls.list("a", limit=100)]
    assert len(theirs) > len(set(theirs))
    ours = [call.id for call in ours_of(make_client, Shifting()).calls.list("a")]
    assert len(ours) == len(set(ours))
    assert {f"call_{number}" for number in range(1, 251)} <= set(ours)


def test_timestamps_are_text_there_and_datetimes_here(
    make_client: MakeClient, page_body: Any
) -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=page_body)

    assert isinstance(vendor_of(answer).calls.list("a").data[0].created_on, str)
    call = ours_of(make_client, answer).calls.list("a").first()
    assert call is not None
    assert call.created_on == datetime(2026, 11, 23, 10, tzinfo=UTC)


def test_environment_second_header_and_log_are_known_here_only(
    make_client: MakeClient,
    page_body: Any,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("AGENTCALLS_API_KEY", "sk_1")
    monkeypatch.setenv("AGENTCALLS_BASE_URL", "https://host")
    assert (
        inspect.signature(bimpeai.BimpeAI).parameters["api_key"].default is inspect.Parameter.empty
    )
    answers = iter([httpx.Response(503), httpx.Response(200, json=page_body)])
    sent: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return next(answers)

    caplog.set_level(logging.INFO, "agentcalls")
    make_client(auth="x-api-key", http_client=make_client.http(answer)).calls.list("a").page(1)
    assert [request.headers["X-Api-Key"] for request in sent] == ["sk_1", "sk_1"]
    assert any(record.name == "agentcalls" for record in caplog.records)
