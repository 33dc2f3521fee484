from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from agentcalls.request.decode.page import decode_page
from benchmarks.goals import GOALS, METHODS
from benchmarks.serving import page_server
from benchmarks.team import requests_of, team_server

if TYPE_CHECKING:
    from collections.abc import Generator

TOTAL = 250


@pytest.fixture(scope="module")
def server() -> Generator[str]:
    with page_server(TOTAL) as url:
        yield url


def answer(url: str, *, agent: int = 0, **query: int) -> httpx.Response:
    return httpx.get(f"{url}/api/v1/console/agents/agent_{agent}/calls", params=query)


def body(url: str, *, agent: int = 0, **query: int) -> dict[str, Any]:
    page: dict[str, Any] = answer(url, agent=agent, **query).json()
    return page


@pytest.mark.parametrize(
    ("page", "limit"), [(1, 100), (2, 96), (3, 96), (3, 100), (4, 83), (5, 50), (6, 50), (9, 100)]
)
def test_any_window_is_answered_exactly(server: str, page: int, limit: int) -> None:
    rows = body(server, page=1, limit=TOTAL)["data"]
    window = body(server, page=page, limit=limit)
    assert window["data"] == rows[(page - 1) * limit : page * limit]
    assert window["meta"] == {
        "total_count": TOTAL,
        "page_count": -(-TOTAL // limit),
        "current_page": page,
        "limit": limit,
        "has_next_page": page * limit < TOTAL,
        "has_previous_page": page > 1,
    }


def test_rows_are_distinct_and_in_strict_order(server: str) -> None:
    page = decode_page(answer(server, page=1, limit=TOTAL).content)
    assert not page.problems
    assert len({call.id for call in page.data}) == TOTAL
    keys = [call.created_on for call in page.data]
    assert keys == sorted(set(keys))


def test_a_row_takes_as_many_bytes_as_in_the_real_log(server: str) -> None:
    rows = body(server, page=1, limit=100)["data"]
    assert {len(row) for row in rows} == {12}
    assert 340 < sum(len(json.dumps(row, separators=(",", ":"))) for row in rows) / 100 < 370


def test_no_two_agents_share_a_call(server: str) -> None:
    ids = [{row["id"] for row in body(server, agent=n, page=1, limit=100)["data"]} for n in (0, 7)]
    assert len(ids[0] | ids[1]) == 200


def test_headers_are_those_that_the_contract_documents(server: str) -> None:
    headers = answer(server, page=1, limit=1).headers
    for name in ("Date", "X-Request-Id", "X-RateLimit-Limit", "X-RateLimit-Remaining"):
        assert headers[name]
    assert int(headers["X-RateLimit-Reset"]) > 0


def test_each_goal_judges_a_figure_of_its_own() -> None:
    assert len({goal.figure for goal in GOALS}) == len(GOALS)


def test_each_goal_names_its_method() -> None:
    assert {goal.method for goal in GOALS} == set(METHODS)


def test_a_team_works_on_each_time_its_requests_are_counted() -> None:
    with team_server(40, apart=47, new=0.5, changed=3) as url:
        before = [body(url, agent=agent, page=1, limit=100)["data"] for agent in range(4)]
        assert [len(rows) for rows in before] == [40] * 4
        assert (requests_of(url), requests_of(url)) == (4, 0)
        after = [body(url, agent=agent, page=1, limit=100)["data"] for agent in range(4)]
    assert [len(rows) for rows in after] == [41] * 4
    changed = [row["id"] for row in after[1] if row not in before[1]]
    assert changed == [row["id"] for row in after[1][-4:]]
