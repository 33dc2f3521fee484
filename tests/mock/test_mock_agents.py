"""The team's agents and single calls, as the mock has them: profiles, transcripts, scopes and 404s."""

from __future__ import annotations

from collections import Counter
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from agentcalls_mock import FULL_KEY, NOSCOPE_KEY, Seeding, create_app, open_store, serving
from agentcalls_mock.auth import SCOPE
from agentcalls_mock.profiles import Profile
from agentcalls_mock.seeding import ESCAPED_AGENT, TEAM, roster

Row = dict[str, Any]
AGENTS = "/api/v1/console/agents"


@pytest.fixture(scope="session")
def root(mock_url: str, api: httpx.Client) -> str:
    del api  # the same mock
    return f"{mock_url}{AGENTS}"


def get(url: str, key: str = FULL_KEY, **params: str | int) -> httpx.Response:
    return httpx.get(url, params=params, headers={"X-Api-Key": key})


def test_agents_of_the_team_are_listed_with_all_fields(root: str, seeding: Seeding) -> None:
    body = get(root).json()
    ids = [agent.id for agent in roster(seeding) if agent.team == TEAM]
    assert [row["id"] for row in body["data"]] == ids
    assert all(tuple(row) == Profile._fields for row in body["data"])
    assert {row["status"] for row in body["data"]} == {"live", "paused", "development"}
    assert body["meta"]["total_count"] == len(ids)


@pytest.mark.parametrize("sort", ["created_at", "-created_at", "name", "-status", "nonsense"])
def test_agents_are_sorted_by_any_field(root: str, sort: str) -> None:
    rows: list[Row] = get(root).json()["data"]
    name = sort.removeprefix("-")
    expected = (
        sorted(rows, key=lambda row: (row[name], row["id"]), reverse=sort.startswith("-"))
        if name in Profile._fields
        else rows
    )
    assert get(root, sort=sort).json()["data"] == expected


def test_agents_come_in_no_order_of_creation_by_themselves(root: str) -> None:
    moments = [row["created_at"] for row in get(root).json()["data"]]
    assert moments not in (sorted(moments), sorted(moments, reverse=True))


def test_agents_are_paged_and_searched(root: str) -> None:
    every = get(root).json()["data"]
    pages = [get(root, page=page, limit=2).json() for page in range(1, 5)]
    assert [row for page in pages for row in page["data"]] == every
    assert [page["meta"]["has_next_page"] for page in pages] == [True, True, False, False]
    assert [row["id"] for row in get(root, search="BOOKINGS").json()["data"]] == ["agent_2"]
    assert get(root, search="nowhere").json()["meta"]["total_count"] == 0


@pytest.mark.parametrize(("name", "most"), [("search", 255), ("sort", 64)], ids=str)
def test_only_the_agents_listing_bounds_its_texts(root: str, name: str, most: int) -> None:
    assert get(root, **{name: "é" * most}).status_code == 200
    refused = get(root, **{name: "é" * (most + 1)})
    assert refused.status_code == 400
    assert [error["path"] for error in refused.json()["errors"]] == [name]
    assert get(f"{root}/agent_demo/calls", **{name: "é" * (most + 1)}).status_code == 200


def test_any_scope_opens_the_agents_and_one_scope_the_calls() -> None:
    keys = {"sk_any": frozenset({"other:read"}), "sk_calls": frozenset({SCOPE})}
    with open_store(Seeding(calls=7)) as store, serving(create_app(store, keys=keys)) as url:
        root = f"{url}{AGENTS}"
        call = get(f"{root}/agent_demo/calls", "sk_calls").json()["data"][0]
        ways = (root, f"{root}/agent_demo/calls", f"{root}/agent_demo/calls/{call['id']}")
        assert [get(way, "sk_any").status_code for way in ways] == [200, 403, 403]
        assert [get(way, "sk_calls").status_code for way in ways] == [200, 200, 200]
        assert [get(way, "sk_none").status_code for way in ways] == [401, 401, 401]


def test_refusal_to_list_agents_names_no_scope(root: str) -> None:
    body = get(root, NOSCOPE_KEY).json()
    assert (body["code"], SCOPE in body["message"]) == ("insufficient_scope", False)


def test_each_call_is_there_in_detail_as_it_is_listed(root: str, rows: list[Row]) -> None:
    for row in rows[:50]:
        body = get(f"{root}/agent_demo/calls/{row['id']}").json()
        assert list(body) == ["message", "data"]
        assert list(body["data"]) == [*row, "started_at", "answered_at", "conversation_logs"]
        assert {name: body["data"][name] for name in row} == row


def test_transcript_fits_the_status(root: str, rows: list[Row]) -> None:
    seen: Counter[str] = Counter()
    kinds: set[str] = set()
    for row in rows[:60]:
        detail = get(f"{root}/agent_demo/calls/{row['id']}").json()["data"]
        logs, status = detail["conversation_logs"], row["status"]
        seen[status] += 1
        assert (detail["started_at"] is None) == (status == "queued")
        if status not in {"answered", "ended"}:
            assert (detail["answered_at"], logs) == (None, [])
            continue
        assert logs[0]["role"] == "assistant"
        moments = [message["created_at"] for message in logs]
        assert moments == sorted(moments)
        assert row["ringing_at"] <= detail["answered_at"] <= moments[0]
        assert moments[-1] <= (row["ended_at"] or moments[-1])
        assert len({message["id"] for message in logs}) == len(logs)
        assert all(message["message"] or message["attachments"] for message in logs)
        kinds |= {message["message_type"] for message in logs}
        if row["end_reason"] in {"voicemail", "silence_timeout"}:
            assert {message["role"] for message in logs} == {"assistant"}
    assert len(seen) == 7
    assert kinds == {"text", "image"}


def test_call_is_the_same_each_time_it_is_asked_for(root: str, rows: list[Row]) -> None:
    url = f"{root}/agent_demo/calls/{rows[5]['id']}"
    assert get(url).json() == get(url).json()


@pytest.mark.parametrize(
    ("way", "said"),
    [
        ("agent_demo/calls/nowhere", "Call not found"),
        ("agent_demo/calls/a%2Fb%20c%C3%A9", "Call not found"),
        ("agent_nobody/calls/nowhere", "Agent not found"),
        ("agent_other_team/calls/nowhere", "Agent not found"),
        (f"{quote(ESCAPED_AGENT, safe='')}/calls/nowhere", "Call not found"),
    ],
)
def test_what_is_not_there_is_404(root: str, way: str, said: str) -> None:
    answer = get(f"{root}/{way}")
    assert (answer.status_code, answer.json()["message"]) == (404, said)


def test_call_of_another_agent_is_not_this_ones(root: str, rows: list[Row]) -> None:
    assert get(f"{root}/agent_2/calls/{rows[0]['id']}").status_code == 404


def test_call_whose_status_changed_has_the_transcript_of_the_new_one() -> None:
    with open_store(Seeding(calls=7)) as store, serving(create_app(store)) as url:
        root = f"{url}{AGENTS}/agent_demo/calls"
        ended = next(row for row in get(root).json()["data"] if row["status"] == "ended")
        assert get(f"{root}/{ended['id']}").json()["data"]["conversation_logs"]
        store.connection.execute("UPDATE calls SET status = 'busy' WHERE id = ?", (ended["id"],))
        assert get(f"{root}/{ended['id']}").json()["data"]["conversation_logs"] == []
