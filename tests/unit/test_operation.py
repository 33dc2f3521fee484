from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import partial
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from agentcalls import Agent, NotFoundError, Page, Problem, RateLimit, UnexpectedResponseError
from agentcalls.request.operation import GET_CALL, LIST_CALLS
from agentcalls.request.retry import Answer

ASKED = LIST_CALLS.outgoing({"agent_id": "agent_1", "page": 3})


def page_of(content: Any, headers: dict[str, str] | None = None, *, strict: bool = False) -> Page:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return read(200, body, headers, strict=strict)


def read(
    status: int,
    content: bytes,
    headers: dict[str, str] | None = None,
    *,
    key: str = "",
    strict: bool = True,
) -> Page:
    answer = Answer(status=status, headers=httpx.Headers(headers), content=content, secret=key)
    return ASKED.result_of(answer, strict=strict)[0]


def json_or_none(content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html>",
        b"\xff\xfe",
        b"null",
        b"[]",
        b"{}",
        b'"text"',
        b'{"data": null}',
        b"[" * 100_000,
    ],
)
@pytest.mark.parametrize("strict", [False, True])
def test_body_that_is_no_page_is_an_unexpected_response(content: bytes, strict: bool) -> None:  # noqa: FBT001
    with pytest.raises(UnexpectedResponseError, match="not a page of calls") as caught:
        page_of(content, {"X-Request-Id": "r1"}, strict=strict)
    assert (caught.value.status, caught.value.request_id) == (200, "r1")
    assert caught.value.path == "/api/v1/console/agents/{agentId}/calls"
    assert caught.value.body in (json_or_none(content), content[:2048].decode(errors="replace"))


def test_problem_is_reported_with_its_page_and_raised_when_strict(
    page_body: dict[str, Any],
) -> None:
    del page_body["data"][0]["status"]
    page_body["meta"]["current_page"] = 3
    page = page_of(page_body)
    assert page.data[0].status is None
    assert page.problems == (
        Problem(page=3, row=0, call_id="call_1", field="status", why="is missing"),
    )
    with pytest.raises(UnexpectedResponseError, match="status"):
        page_of(page_body, strict=True)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        ({"X-RateLimit-Limit": "many"}, None),
        (
            {
                "X-RateLimit-Limit": "60",
                "X-RateLimit-Remaining": "59",
                "X-RateLimit-Reset": "1764000000",
            },
            RateLimit(60, 59, datetime(2025, 11, 24, 16, tzinfo=UTC)),
        ),
        ({"X-RateLimit-Remaining": "0"}, RateLimit(None, 0, None)),
        ({"X-RateLimit-Remaining": "1", "X-RateLimit-Reset": "9" * 30}, RateLimit(None, 1, None)),
    ],
)
def test_rate_limit_is_what_the_headers_say(
    page_body: dict[str, Any], headers: dict[str, str], expected: RateLimit | None
) -> None:
    assert page_of(page_body, headers).rate_limit == expected


@pytest.mark.parametrize("key", ["test", "id", "1", "sk_", "created"])
def test_key_too_short_to_be_one_is_not_cut_out_of_a_page(
    page_body: dict[str, Any], key: str
) -> None:
    content = json.dumps(page_body).encode()
    page = read(200, content, key=key)
    assert page.data == page_of(page_body).data


@pytest.mark.parametrize("escaped", ["sk_canary/4711", r"sk_canary\/4711", r"\u0073k_canary/4711"])
def test_key_that_a_server_echoes_is_cut_out_of_page_and_error(
    page_body: dict[str, Any], escaped: str
) -> None:
    key = "sk_canary/4711"
    content = json.dumps(page_body).replace("hangup", escaped).encode()
    page = read(200, content, key=key)
    assert page.data[0].end_reason == "***"
    with pytest.raises(NotFoundError) as caught:
        read(404, content[:-3], key=key)
    assert "canary" not in repr(vars(caught.value))


def test_single_object_of_any_model_is_read_though_it_has_no_place_for_problems() -> None:
    reader: Any = GET_CALL.read
    operation: Any = replace(GET_CALL, read=partial(reader, model=Agent, asked=None))
    answer = Answer(status=200, headers=httpx.Headers(), content=b'{"data": {"id": "a"}}')
    asked = operation.outgoing({"agent_id": "agent_1", "call_id": "call_1"})
    agent, problems = asked.result_of(answer, strict=False)
    assert (type(agent), agent.id) == (Agent, "a")
    assert problems
