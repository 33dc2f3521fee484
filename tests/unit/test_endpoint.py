from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from agentcalls import RateLimit, UnexpectedResponseError
from agentcalls.endpoint import page_from


def without(body: dict[str, Any], *path: Any) -> dict[str, Any]:
    *parents, last = path
    node: Any = body
    for key in parents:
        node = node[key]
    del node[last]
    return body


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
def test_body_that_is_no_page_is_an_unexpected_response(content: bytes) -> None:
    with pytest.raises(UnexpectedResponseError, match="no page of calls") as caught:
        page_from(httpx.Response(200, content=content, headers={"X-Request-Id": "r1"}))
    assert (caught.value.status, caught.value.request_id) == (200, "r1")
    assert caught.value.path == "/api/v1/console/agents/{agentId}/calls"


def test_missing_field_is_named(page_body: dict[str, Any]) -> None:
    with pytest.raises(UnexpectedResponseError, match="the field 'status' is missing"):
        page_from(httpx.Response(200, json=without(page_body, "data", 0, "status")))


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
    assert page_from(httpx.Response(200, json=page_body, headers=headers)).rate_limit == expected
