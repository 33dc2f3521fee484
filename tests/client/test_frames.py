"""A listing as a frame of pandas or polars, and what notebooks show of pages and listings, in both flavours."""

from __future__ import annotations

import json
import re
import sys
from datetime import date, datetime
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import attrs
import httpx
import pandas as pd
import polars as pl
import pytest

from agentcalls import Call, Client, ConfigurationError
from agentcalls.table.columns import AGENTS, COLUMNS

if TYPE_CHECKING:
    from flavours import MakeClient

NAMES = [column.name for column in COLUMNS]
KINDS: dict[Any, str] = {
    datetime: "datetime64[us, UTC]",
    date: "object",
    int: "Int64",
    float: "Float64",
    bool: "boolean",
}
PANDAS = {column.name: KINDS.get(column.kind, "string") for column in COLUMNS}


@pytest.mark.parametrize("agent", ["agent_demo", "agent_empty"])
def test_frame_of_pandas_has_every_value_with_its_type(agent: str, client: Client) -> None:
    listing = client.calls.list(agent)
    frame = listing.to_pandas()
    assert {name: str(kind) for name, kind in frame.dtypes.items()} == PANDAS
    rows = listing.to_arrow().to_pylist()
    assert [
        {name: None if pd.isna(value) else value for name, value in row.items()}
        for row in frame.to_dict("records")
    ] == rows


@pytest.mark.parametrize("agent", ["agent_demo", "agent_empty"])
def test_frame_of_polars_has_every_value_with_its_type(agent: str, client: Client) -> None:
    listing = client.calls.list(agent)
    frame = listing.to_polars()
    assert frame.schema["destination"] == pl.String
    assert frame.schema["duration_seconds"] == pl.Int64
    assert frame.schema["created_on"] == pl.Datetime("us", "UTC")
    assert frame.to_dicts() == listing.to_arrow().to_pylist()


def every_listing(client: Client) -> dict[str, Any]:
    return {
        "calls.list": client.calls.list("agent_demo"),
        "calls.list_many": client.calls.list_many(["agent_demo", "agent_one", "agent_empty"]),
        "agents.list": client.agents.list(),
    }


LISTINGS = ["calls.list", "calls.list_many", "agents.list"]


def rows_of(name: str, listing: Any) -> list[dict[str, Any]]:
    """What an iteration gives, as a table has it: an agent's id first, moments as datetimes, JSON as text."""
    pairs = list(listing) if name == "calls.list_many" else [(None, row) for row in listing]
    found: list[dict[str, Any]] = []
    for agent, row in pairs:
        names = [each.name for each in attrs.fields(type(row)) if each.name in vars_of(row)]
        own = {"agent_id": agent or row.agent_id} if isinstance(row, Call) else {}
        found.append(own | {each: getattr(row, each) for each in names})
    return found


def vars_of(row: Any) -> set[str]:
    return set(row.to_dict()) & {column.attribute for column in (*COLUMNS, *AGENTS)}


@pytest.mark.parametrize("name", LISTINGS)
def test_every_listing_is_a_table_of_its_rows(name: str, client: Client) -> None:
    listing = every_listing(client)[name]
    table = listing.to_arrow()
    columns = AGENTS if name == "agents.list" else COLUMNS
    assert table.column_names == [column.name for column in columns]
    expected, found = rows_of(name, every_listing(client)[name]), table.to_pylist()
    assert len(expected) == len(found) > 0
    key = itemgetter("id")
    for one, other in zip(sorted(expected, key=key), sorted(found, key=key), strict=True):
        assert {column: other[column] for column in one} == one
    frames = every_listing(client)[name].to_pandas(), every_listing(client)[name].to_polars()
    assert [list(frame.columns) for frame in frames] == [table.column_names] * 2
    assert [len(frame) for frame in frames] == [len(found)] * 2
    assert str(frames[0].dtypes["id"]) == "string"


@pytest.mark.parametrize("name", LISTINGS)
def test_notebook_shows_every_listing_without_a_request(name: str, client: Client) -> None:
    listing = every_listing(client)[name]
    assert listing._repr_html_().endswith("<p>The listing was not read.</p>")
    listing.to_arrow()
    assert re.search("<p>[1-9] pages? read; complete</p>$", listing._repr_html_())


def test_agent_with_half_a_character_is_in_a_table(
    make_client: MakeClient, page_body: dict[str, Any]
) -> None:
    page_body["data"] = [{"id": "a", "name": "\ud800"}]
    http = make_client.http(lambda _: httpx.Response(200, content=json.dumps(page_body)))
    listing = make_client(api_key="sk_x", base_url="http://127.0.0.1:1", http_client=http).agents
    assert listing.list(max_items=1).to_arrow()["name"].to_pylist() == ["\ufffd"]


@pytest.mark.parametrize(
    ("module", "command"),
    [
        ("pandas", "pip install pandas"),
        ("polars", "pip install polars"),
        ("pyarrow", r'pip install "\.\[arrow\]"'),
    ],
)
def test_package_that_is_missing_is_named_before_anything_is_sent(
    make_client: MakeClient, monkeypatch: pytest.MonkeyPatch, module: str, command: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    http = make_client.http(lambda _: pytest.fail("It was sent."))
    listing = make_client(api_key="k", base_url="http://127.0.0.1:1", http_client=http).calls.list(
        "a"
    )
    for name in {"pandas", "polars"} & {module} or {"pandas", "polars"}:
        with pytest.raises(ConfigurationError, match=f"{module} is not installed: {command}"):
            getattr(listing, f"to_{name}")()


def odd_page(client: Client) -> Any:
    return client.calls.list("a<b>").page(1)


@pytest.fixture
def odd(make_client: MakeClient, page_body: dict[str, Any]) -> Client:
    """A client of a host whose page has 25 calls with mark-up and half a character in them."""
    row = page_body["data"][0] | {"end_reason": "<script>&", "odd": "\ud800", "error_reason": None}
    page_body["data"] = [row | {"id": f"call_{number}"} for number in range(25)]
    page_body["meta"]["total_count"] = 25
    http = make_client.http(lambda _: httpx.Response(200, content=json.dumps(page_body)))
    return make_client(api_key="sk_x", base_url="http://127.0.0.1:1", http_client=http)


def test_notebook_shows_a_page_as_a_table_of_escaped_text(odd: Client) -> None:
    page: Any = odd.calls.list("a").page(1)
    shown = page._repr_html_()
    assert shown.startswith("<code>&lt;Page 1: 25 calls&gt;</code><table><tr><th>")
    assert shown.count("<tr>") == 21
    assert shown.endswith("</table><p>5 more rows</p>")
    assert "<td>&lt;script&gt;&amp;</td>" in shown
    assert "<td>+14155550100</td>" in shown  # as repr(call) has it
    assert "None" not in shown
    assert shown.encode()


def test_notebook_shows_an_empty_page_without_a_table(client: Client) -> None:
    page: Any = client.calls.list("agent_empty").page(1)
    assert page._repr_html_() == "<code>&lt;Page 1: 0 calls&gt;</code>"


def test_notebook_shows_a_listing_without_a_request(odd: Client) -> None:
    listing: Any = odd.calls.list("a<b>", status="failed")
    kind = "(Async)?CallListing"
    title = rf"<code>&lt;{kind} of &#x27;a&lt;b&gt;&#x27;: status=&#x27;failed&#x27;&gt;</code>"
    assert re.fullmatch(rf"{title}<p>The listing was not read.</p>", listing._repr_html_())
    listing.all()
    assert re.fullmatch(rf"{title}<p>1 page read; complete</p>", listing._repr_html_())


def test_frame_of_calls_at_hand_is_made_of_their_dicts(client: Client) -> None:
    calls: list[Call] = client.calls.list("agent_demo", max_items=5).all()
    frame = pd.DataFrame([call.to_dict() for call in calls])
    assert list(frame["destination"]) == [call.destination for call in calls]
    assert len(json.loads(json.dumps([call.to_dict() for call in calls]))) == 5
