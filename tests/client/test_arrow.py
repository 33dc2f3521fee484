from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

import duckdb
import httpx
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from agentcalls import Client, ConfigurationError, NotFoundError, settings
from agentcalls.table import tabular
from agentcalls.table.columns import COLUMNS
from agentcalls_mock import FULL_KEY

if TYPE_CHECKING:
    from flavours import MakeClient

UTC_TIME = pa.timestamp("us", "UTC")


def test_a_table_has_every_call_and_field_in_order(client: Client) -> None:
    listing = client.calls.list("agent_demo")
    calls = listing.all()
    table = listing.to_arrow()
    names = [column.name for column in COLUMNS]
    assert table.column_names == names
    assert table.to_pylist() == [
        {"agent_id": "agent_demo"}
        | {name: getattr(call, name) for name in names[1:-1]}
        | {"additional_properties": None}
        for call in calls
    ]
    assert listing.report.complete


def test_an_empty_listing_has_the_same_schema(client: Client) -> None:
    table = client.calls.list("agent_empty").to_arrow()
    assert table.num_rows == 0
    assert table.schema == client.calls.list("agent_demo").to_arrow().schema
    assert [table.schema.field(name).type for name in ("created_on", "ringing_at", "ended_at")] == [
        UTC_TIME
    ] * 3
    assert table.schema.field("duration_seconds").type == pa.int64()
    assert table.schema.field("is_test_call").type == pa.bool_()


def test_odd_rows_become_null_and_unknown_fields_json(
    make_client: MakeClient, page_body: dict[str, Any]
) -> None:
    row = page_body["data"][0]
    odd = row | {
        "id": "\ud800",
        "duration_seconds": 2**64,
        "created_on": None,
        "new": [1, "\udc00"],
    }
    page_body["data"] = [row, odd, None]
    page_body["meta"]["total_count"] = 3
    http = make_client.http(lambda _: _json(page_body))
    client = make_client(api_key="sk_x", base_url="http://127.0.0.1:1", http_client=http)
    first, second, third = client.calls.list("a").to_arrow().to_pylist()
    assert first["ended_at"] == datetime(2026, 11, 23, 10, 1, 0, 500_000, tzinfo=UTC)
    assert (second["id"], second["duration_seconds"], second["created_on"]) == (
        "\ufffd",
        None,
        None,
    )
    assert second["additional_properties"] == '{"new":[1,"\ufffd"]}'
    assert third == dict.fromkeys(third) | {"agent_id": "a"}


def test_batches_are_bounded_and_read_as_they_are_taken(
    make_client: MakeClient, page_body: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert vars(tabular)["BATCH"] == settings.BATCH
    monkeypatch.setattr(tabular, "BATCH", few := 300)
    row = page_body["data"][0]
    calls = 2 * few + 100
    asked: list[int] = []

    def answer(request: Any) -> Any:
        page = int(request.url.params["page"])
        limit = int(request.url.params["limit"])
        asked.append(page)
        numbers = range((page - 1) * limit, min(page * limit, calls))
        meta = {
            "total_count": calls,
            "page_count": -(-calls // limit),
            "current_page": page,
            "limit": limit,
            "has_next_page": page * limit < calls,
            "has_previous_page": page > 1,
        }
        return _json(page_body | {"meta": meta, "data": [row | {"id": str(n)} for n in numbers]})

    client = make_client(
        api_key="sk_x",
        base_url="http://127.0.0.1:1",
        http_client=make_client.http(answer),
        concurrency=1,
    )
    batches = client.calls.list("a", exact=False).arrow_batches()
    assert asked == []
    first = next(iter(batches))
    assert first.num_rows == few
    assert len(asked) == few // 100
    assert [batch.num_rows for batch in batches] == [few, 100]


def test_an_error_of_the_listing_is_raised_as_it_is(client: Client) -> None:
    with pytest.raises(NotFoundError):
        client.calls.list("agent_of_nobody").to_arrow()
    with pytest.raises(NotFoundError):
        list(client.calls.list("agent_of_nobody").arrow_batches())


def test_without_pyarrow_the_extra_is_named(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ConfigurationError, match=r'pip install "\.\[arrow\]"'):
        client.calls.list("agent_demo").to_arrow()
    with pytest.raises(ConfigurationError, match=r'pip install "\.\[arrow\]"'):
        list(client.calls.list("agent_demo").arrow_batches())


@pytest.mark.parametrize("agent", ["agent_demo", "agent_empty"])
def test_polars_pandas_and_duckdb_are_one_line_away(agent: str, client: Client) -> None:
    arrow = client.calls.list(agent).to_arrow()
    count = arrow.num_rows
    frame = cast("pl.DataFrame", pl.from_arrow(arrow))
    assert frame.height == count
    assert frame.schema["created_on"] == pl.Datetime("us", "UTC")
    pandas_frame = arrow.to_pandas()
    assert len(pandas_frame) == count
    assert isinstance(pandas_frame["created_on"].dtype, pd.DatetimeTZDtype)
    with duckdb.connect() as database:
        assert database.sql("SELECT count(*) FROM arrow").fetchall() == [(count,)]


def test_a_reader_streams_into_duckdb_and_polars(mock_url: str) -> None:
    # In the blocking flavour only: Arrow's streams know no waiting.
    client = Client(api_key=FULL_KEY, base_url=mock_url)
    with duckdb.connect() as database:
        relation = database.from_arrow(client.calls.list("agent_demo").arrow_batches())
        assert relation.count("*").fetchall() == [(250,)]
    assert len(pl.from_arrow(client.calls.list("agent_demo").arrow_batches())) == 250
    client.close()


def _json(body: Any) -> Any:
    # httpx's own refuses half of a character.
    return httpx.Response(200, content=json.dumps(body))
