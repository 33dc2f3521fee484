"""Whatever happens to a listing between two requests, in any order: no call twice, and none lost where it says so."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from hypothesis import given, settings
from hypothesis import strategies as st

from agentcalls import Client
from contract.tool.contract import reference_bodies

ROW: dict[str, Any] = reference_bodies()["200"]["data"][0]
START = datetime(2026, 1, 1, tzinfo=UTC)

# What happens before a request: rows that arrive, go, or are late, and how many.
changes = st.lists(
    st.lists(
        st.tuples(
            st.sampled_from(["arrive", "go", "late"]), st.integers(0, 10_000), st.integers(1, 30)
        ),
        max_size=3,
    ),
    max_size=25,
)


class Shifting:
    """An API whose listing goes through these changes, one list of them before each request."""

    def __init__(
        self, count: int, ties: int, plan: list[list[tuple[str, int, int]]], *, newest_first: bool
    ) -> None:
        self._plan = plan
        self._newest_first = newest_first
        self._ties = ties
        self._made = self._late = 0
        self.rows: list[tuple[int, str]] = []
        self.arrive(count)
        self.throughout = {call_id for _, call_id in self.rows}

    def arrive(self, count: int) -> None:
        for _ in range(count):
            self.rows.append((self._made // self._ties * 10, f"call_{self._made}"))
            self._made += 1

    def change(self, what: str, where: int, count: int) -> None:
        if what == "arrive":
            self.arrive(count)
        elif what == "go":
            at = where % (len(self.rows) + 1)
            self.throughout -= {call_id for _, call_id in self.rows[at : at + count]}
            del self.rows[at : at + count]
        else:
            self._late += 1
            self.rows.append((where % (self._made * 10 + 10) + 5, f"late_{self._late}"))
            self.rows.sort(key=lambda row: row[0])

    def __call__(self, request: httpx.Request) -> httpx.Response:
        for change in self._plan.pop(0) if self._plan else []:
            self.change(*change)
        page, limit = (int(request.url.params[name]) for name in ("page", "limit"))
        rows = self.rows[::-1] if self._newest_first else self.rows
        meta = {
            "total_count": len(rows),
            "page_count": -(-len(rows) // limit),
            "current_page": page,
            "limit": limit,
            "has_next_page": page * limit < len(rows),
            "has_previous_page": page > 1,
        }
        data = [
            {**ROW, "id": call_id, "created_on": (START + timedelta(seconds=key)).isoformat()}
            for key, call_id in rows[(page - 1) * limit : page * limit]
        ]
        return httpx.Response(
            200, content=json.dumps({"message": "Success", "meta": meta, "data": data})
        )


@settings(max_examples=150)
@given(
    count=st.integers(0, 450),
    ties=st.sampled_from([1, 1, 2, 3, 40]),
    plan=changes,
    newest_first=st.booleans(),
)
def test_any_interleaving_repeats_no_call_and_loses_none_where_complete(
    count: int,
    ties: int,
    plan: list[list[tuple[str, int, int]]],
    *,
    newest_first: bool,
) -> None:
    api = Shifting(count, ties, plan, newest_first=newest_first)
    http = httpx.Client(transport=httpx.MockTransport(api))
    with Client(api_key="sk_1", base_url="https://host", http_client=http, concurrency=1) as client:
        listing = client.calls.list("agent_1")
        read = [call.id for call in listing]
    assert len(read) == len(set(read))
    if listing.report.complete:
        assert api.throughout <= set(read)
    else:
        assert listing.report.reason
