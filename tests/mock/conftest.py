"""One mock for all tests that only read, over real HTTP on loopback."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from agentcalls_mock import FULL_KEY, Seeding, create_app, open_store, serving

Row = dict[str, Any]


@pytest.fixture(scope="session")
def seeding() -> Seeding:
    return Seeding(seed=11, calls=430, agents=2, now=datetime(2026, 11, 23, 12, 0, 0, 500, UTC))


@pytest.fixture(scope="session")
def mock_url(seeding: Seeding) -> Iterator[str]:
    with open_store(seeding) as store, serving(create_app(store)) as url:
        yield url


@pytest.fixture(scope="session")
def api(mock_url: str) -> Iterator[httpx.Client]:
    """A client with the full key; its paths begin at the agent's id."""
    base = f"{mock_url}/api/v1/console/agents/"
    with httpx.Client(base_url=base, headers={"X-Api-Key": FULL_KEY}) as client:
        yield client


@pytest.fixture(scope="session")
def rows(api: httpx.Client) -> list[Row]:
    """All calls of agent_demo, as the pages of an unfiltered listing show them."""
    pages = [api.get("agent_demo/calls", params={"page": n, "limit": 100}) for n in range(1, 6)]
    return [row for page in pages for row in page.json()["data"]]
