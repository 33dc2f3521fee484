from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from agentcalls.request.decode.page import decode_page
from benchmarks.figures import Figure, of_runs, ratio_of_runs
from benchmarks.goals import GOALS, METHODS
from benchmarks.report import ahead
from benchmarks.server import COUNT_PATH, REFUSED_PATH, RateLimit
from benchmarks.serving import counted, page_server
from benchmarks.team import team_server

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


@pytest.mark.parametrize("path", ["/api/v1/console/agents/agent_0/calls", "/nowhere"])
def test_an_answer_belongs_to_its_question(server: str, path: str) -> None:
    # Of another id our client would ask again, and import httpx for the error: a start would be measured with both.
    answers = [httpx.get(server + path, headers={"X-Request-Id": name}) for name in ("a-1", "a-2")]
    assert [one.headers["x-request-id"] for one in answers] == ["a-1", "a-2"]
    assert len(httpx.get(server + path).headers["x-request-id"]) == 32


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


def test_pages_are_counted_and_those_without_any_of_the_newest_rows() -> None:
    with page_server(TOTAL) as url:
        for query in (
            "page=1&limit=100&sort=-created_on",
            "page=2&limit=100&sort=-created_on",
            "page=1&limit=100",
            "page=3&limit=50",
            "page=3&limit=100",
        ):
            httpx.get(f"{url}/api/v1/console/agents/agent_0/calls?{query}")
        assert counted(url, f"{COUNT_PATH}?newest=100") == 3
        assert counted(url, COUNT_PATH) == 0


def test_a_limited_server_answers_so_many_in_a_second_and_counts_the_others() -> None:
    limit = RateLimit(2)
    assert [limit.lets_through(second) for second in (7, 7, 7, 7, 8)] == [
        *[True] * 2,
        False,
        False,
        True,
    ]
    assert (limit.refused, limit.left) == (2, 1)
    with page_server(TOTAL, per_second=1) as url:
        answers = [answer(url, page=1, limit=1) for _ in range(5)]
        refused = [one for one in answers if one.status_code == 429]
        assert refused
        assert counted(url, REFUSED_PATH) == len(refused)
        assert counted(url, REFUSED_PATH) == 0
    assert {one.headers["X-RateLimit-Remaining"] for one in answers} == {"0"}
    assert {one.headers["Retry-After"] for one in refused} == {"1"}


def test_the_figure_of_some_runs_is_the_middle_of_their_middles() -> None:
    runs = [[1.0, 2.0, 9.0], [4.0, 4.0, 4.0], [3.0, 3.0, 8.0]]
    assert of_runs(runs) == Figure(3.0, 2.0, 4.0, 3)
    twice = [[2 * one for one in run] for run in runs]
    assert ratio_of_runs(twice, runs) == Figure(2.0, 2.0, 2.0, 3)


def test_peers_that_need_less_cpu_than_the_default_settings_are_named() -> None:
    figures = {
        "aiohttp/default": Figure(0.4, 0.4, 0.4, 3),
        "http.client/default": Figure(0.3, 0.3, 0.3, 3),
        "stripe/default": Figure(7.0, 7.0, 7.0, 3),
        "pool of eight/exact-8": Figure(0.8, 0.8, 0.8, 3),
    }
    text = ahead(figures)
    assert "http.client (0.3), aiohttp (0.4)" in text
    assert "pool of eight (0.8)" in text
    assert "stripe" not in text


def test_a_team_works_on_each_time_its_requests_are_counted() -> None:
    with team_server(40, apart=47, new=0.5, changed=3) as url:
        before = [body(url, agent=agent, page=1, limit=100)["data"] for agent in range(4)]
        assert [len(rows) for rows in before] == [40] * 4
        assert (counted(url, COUNT_PATH), counted(url, COUNT_PATH)) == (4, 0)
        after = [body(url, agent=agent, page=1, limit=100)["data"] for agent in range(4)]
    assert [len(rows) for rows in after] == [41] * 4
    changed = [row["id"] for row in after[1] if row not in before[1]]
    assert changed == [row["id"] for row in after[1][-4:]]
