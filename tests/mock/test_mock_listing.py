"""What a listing shows, held against a model of it in plain Python."""

from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentcalls_mock import Call, Seeding, create_app, open_store, serving
from agentcalls_mock.query import Order
from agentcalls_mock.seeding import calls_of, roster

Row = dict[str, Any]

KNOWN = ("queued", "ringing", "answered", "ended", "busy", "failed", "cancelled")
SEARCHES = (
    "SIP",
    "none",
    "+1415",
    "é",
    "above 30%",
    "%",
    "_",
    "packet_loss",
    "'",
    "\x00",
    "\x1f",
    "\\",
)

queries = st.fixed_dictionaries(
    {},
    optional={
        "sort": st.builds(
            "{}{}".format,
            st.sampled_from(["", "-"]),
            st.sampled_from([*Call._fields, "created_at", "duration", "id; DROP TABLE calls", ""]),
        ),
        "status": st.sampled_from([*KNOWN, "Ended", "unknown", ""]),
        "is_test_call": st.sampled_from(["true", "false"]),
        "search": st.sampled_from([*SEARCHES, "", "TRUE", "2026-11-2", "7"]) | st.text(max_size=3),
        "unknown": st.text(max_size=3),
    },
)


def model(rows: list[Row], query: dict[str, str]) -> list[Row]:
    """The rows that match, in order: what the reference page promises, in as few words."""
    wanted = query.get("search", "")
    # SQLite folds ASCII only, and so does the mock say it does.
    folded = "".join(c.lower() if c.isascii() else c for c in wanted)
    found = [
        row
        for row in rows
        if query.get("status", row["status"]) == row["status"]
        and query.get("is_test_call", str(row["is_test_call"]).lower())
        == str(row["is_test_call"]).lower()
        and any(folded in str(v).lower() for v in row.values() if v is not None)
    ]
    sort = query.get("sort", "-created_on").replace("created_at", "created_on")
    if sort.lstrip("-") not in Call._fields or sort.startswith("--"):
        sort = "-created_on"
    field = sort.removeprefix("-")
    found.sort(key=lambda row: (row[field] is not None, row[field], row["id"]))
    return found[::-1] if sort.startswith("-") else found


def page_of(api: httpx.Client, agent: str = "agent_demo", **query: object) -> dict[str, Any]:
    answer = api.get(f"{agent}/calls", params={k: str(v) for k, v in query.items()})
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def test_a_listing_is_the_seeded_calls_newest_first_ties_by_id(
    rows: list[Row], seeding: Seeding
) -> None:
    seeded = [call._asdict() for call in calls_of(roster(seeding)[0], seeding)]

    assert rows == sorted(seeded, key=lambda c: (c["created_on"], c["id"]), reverse=True)
    assert [tuple(row) for row in rows] == [Call._fields] * seeding.calls


@settings(max_examples=400, deadline=None, database=None, derandomize=True)
@given(query=queries, page=st.integers(1, 30), limit=st.integers(1, 100))
def test_any_page_of_any_query_is_that_page_of_the_model(
    api: httpx.Client, rows: list[Row], query: dict[str, str], page: int, limit: int
) -> None:
    expected = model(rows, query)
    count = -(-len(expected) // limit)
    body = page_of(api, **query, page=page, limit=limit)

    assert list(body.items()) == [
        ("message", "Success"),
        (
            "meta",
            {
                "total_count": len(expected),
                "page_count": count,
                "current_page": page,
                "limit": limit,
                "has_next_page": page < count,
                "has_previous_page": page > 1 and count > 0,
            },
        ),
        ("data", expected[(page - 1) * limit : page * limit]),
    ]


@settings(max_examples=40, deadline=None, database=None, derandomize=True)
@given(query=queries, limit=st.integers(20, 100))
def test_pages_concatenate_to_the_whole_and_its_reverse_is_the_reverse(
    api: httpx.Client, query: dict[str, str], limit: int
) -> None:
    field = query.pop("sort", "created_on").removeprefix("-")
    field = field if field in Call._fields else "status"

    def whole(sort: str) -> list[Row]:
        body = page_of(api, **query | {"sort": sort}, limit=limit)
        found: list[Row] = body["data"]
        for number in range(2, body["meta"]["page_count"] + 1):
            found += page_of(api, **query | {"sort": sort}, limit=limit, page=number)["data"]
        assert len(found) == body["meta"]["total_count"]
        return found

    assert whole(field) == whole(f"-{field}")[::-1]


def test_meta_has_the_fields_of_the_reference_page_in_its_order(api: httpx.Client) -> None:
    assert list(page_of(api)["meta"]) == [
        "total_count",
        "page_count",
        "current_page",
        "limit",
        "has_next_page",
        "has_previous_page",
    ]


def test_without_page_and_limit_the_first_20_are_shown(api: httpx.Client, rows: list[Row]) -> None:
    body = page_of(api)

    assert body["data"] == rows[:20]
    assert (body["meta"]["current_page"], body["meta"]["limit"]) == (1, 20)


@pytest.mark.parametrize("page", [6, 10**9, 2**53 - 1])
def test_a_page_past_the_end_is_empty_and_says_so(api: httpx.Client, page: int) -> None:
    body = page_of(api, page=page, limit=100)

    assert body["data"] == []
    assert body["meta"] == {
        "total_count": 430,
        "page_count": 5,
        "current_page": page,
        "limit": 100,
        "has_next_page": False,
        "has_previous_page": True,
    }


@pytest.mark.parametrize(
    ("agent", "count"),
    [
        ("agent_demo", 430),
        ("agent_2", 43),
        ("agent_empty", 0),
        ("agent_one", 1),
        ("agent%2Fwith%20slash%3F%26%23%C3%A9", 12),
    ],
)
def test_each_agent_has_its_own_calls(api: httpx.Client, agent: str, count: int) -> None:
    body = page_of(api, agent, limit=100)

    assert body["meta"]["total_count"] == count
    assert len(body["data"]) == min(count, 100)


@pytest.mark.parametrize("known", KNOWN)
def test_each_known_status_has_calls(api: httpx.Client, known: str) -> None:
    assert page_of(api, status=known)["meta"]["total_count"] > 0


def test_another_default_order_is_used_where_sort_names_no_field(
    seeding: Seeding, rows: list[Row]
) -> None:
    with (
        open_store(seeding) as store,
        serving(create_app(store, default_order=Order("id", descending=False))) as url,
        httpx.Client(
            base_url=f"{url}/api/v1/console/agents/", headers={"X-Api-Key": "sk_test_full"}
        ) as api,
    ):
        first = sorted(rows, key=lambda row: str(row["id"]))[:20]

        assert page_of(api)["data"] == first
        assert page_of(api, sort="nothing")["data"] == first
        assert page_of(api, sort="-created_at")["data"] == rows[:20]
