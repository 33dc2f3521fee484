from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from agentcalls import Client
from agentcalls_mock import FULL_KEY

if TYPE_CHECKING:
    from collections.abc import Generator

    from exports import AnswerParser


@pytest.fixture
def reader(mock_url: str) -> Generator[Client]:
    """A client of the mock that blocks, as exports want it."""
    with Client(api_key=FULL_KEY, base_url=mock_url) as client:
        yield client


@pytest.fixture
def answering(page_body: dict[str, Any]) -> Generator[AnswerParser]:
    """Makes clients whose only page holds the rows given."""
    opened: list[httpx.Client] = []

    def make(*rows: Any) -> Client:
        body = page_body | {"data": list(rows)}
        body["meta"] = page_body["meta"] | {"total_count": len(rows)}
        content = json.dumps(body)  # httpx's own refuses half of a character
        http = httpx.Client(
            transport=httpx.MockTransport(lambda _: httpx.Response(200, content=content))
        )
        opened.append(http)
        return Client(api_key="sk_x", base_url="http://127.0.0.1:1", http_client=http)

    yield make
    for http in opened:
        http.close()
