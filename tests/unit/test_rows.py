"""Rows for a table, which are no calls, and the text made of them: the same as made of calls, one by one."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentcalls import Call
from agentcalls.request.decode.page import decode_page
from agentcalls.table.columns import COLUMNS, value_of, whole_text
from agentcalls.table.text import CSV, JSON, NAMES, NDJSON, TextForm, csv_safe
from contract.tool.contract import reference_bodies

ROW: dict[str, Any] = reference_bodies()["200"]["data"][0]

texts = st.text('ab,"\n\r=+-@\t\0é\uff1d', max_size=4) | st.sampled_from(
    ["", "+15550100", "\ud800"]
)
moments = st.datetimes(timezones=st.sampled_from([UTC, None])).map(
    lambda moment: moment.isoformat() + ("" if moment.tzinfo else "Z")
) | st.sampled_from(["2026-11-23T10:00:00Z", "2026-11-23T10:00:00+01:00", "2026-11-23T10:00:00.5Z"])
changed_rows = st.fixed_dictionaries(
    {},
    optional={
        "source": st.none() | texts,
        "destination": texts,
        "created_on": moments,
        "ended_at": st.none() | moments,
        "duration_seconds": st.none() | st.integers(-(2**70), 2**70),
        "is_test_call": st.booleans() | st.none(),
        "error_reason": texts,
        "extra": st.none() | texts | st.lists(texts, max_size=1),
    },
).map(lambda changes: {**ROW, **changes})
pages = st.lists(changed_rows, max_size=4).map(
    lambda data: json.dumps({"message": "", "meta": None, "data": data}).encode()
)


def values_of(call: Call) -> list[Any]:
    """The values of a call in a table, one by one."""

    def leaf(moment: datetime) -> str:
        return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")

    return ["agent", *(storable(value_of(call, column, leaf)) for column in COLUMNS[1:])]


def storable(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: storable(each) for name, each in value.items()}
    if isinstance(value, list):
        return [storable(each) for each in value]
    return whole_text(value) if isinstance(value, str) else value


def in_64_bits(values: list[Any]) -> list[Any]:
    return [
        None if type(value) is int and not -(2**63) <= value < 2**63 else value for value in values
    ]


def ndjson_of(calls: list[Call]) -> bytes:
    rows = [dict(zip(NAMES, in_64_bits(values_of(call)), strict=True)) for call in calls]
    return b"".join(msgspec.json.encode(row) + b"\n" for row in rows)


def csv_of(calls: list[Call]) -> bytes:
    lines = io.StringIO(newline="")
    writer = csv.writer(lines, lineterminator="\r\n")
    for call in calls:
        writer.writerow([cell(value) for value in in_64_bits(values_of(call))])
        # Line ends of texts stay.
        text = lines.getvalue()
        lines.seek(0)
        lines.truncate()
        lines.write(f"{text[:-2]}\n")
    return lines.getvalue().encode()


def cell(value: Any) -> Any:
    if isinstance(value, bool | dict):
        return csv_safe(msgspec.json.encode(value).decode()) if value != {} else ""
    return csv_safe(value) if isinstance(value, str) else value


@given(pages)
def test_rows_give_the_text_that_calls_give(content: bytes) -> None:
    calls, rows = decode_page(content, "agent"), decode_page(content, "agent", as_rows=True)
    assert (rows.message, rows.meta, rows.extra) == (calls.message, calls.meta, calls.extra)
    assert rows.problems == calls.problems
    assert NDJSON.of_calls("agent", rows.data) == ndjson_of(calls.data)
    assert CSV.of_calls("agent", rows.data) == csv_of(calls.data)
    assert JSON.of_calls("agent", rows.data) == JSON.of_calls("agent", calls.data)


def test_a_page_as_the_contract_says_makes_no_call() -> None:
    content = json.dumps({"message": "", "meta": None, "data": [ROW]}).encode()
    (row,) = decode_page(content, as_rows=True).data
    assert not isinstance(row, Call)
    assert (row.id, row.created_on.tzinfo, row.additional_properties) == (ROW["id"], UTC, {})


@pytest.mark.parametrize("odd", [{"extra": 1}, {"created_on": "2026-11-23T10:00:00+01:00"}])
def test_any_other_page_is_one_of_calls(odd: dict[str, Any]) -> None:
    content = json.dumps({"message": "", "meta": None, "data": [{**ROW, **odd}]}).encode()
    (row,) = decode_page(content, as_rows=True).data
    assert isinstance(row, Call)


@pytest.mark.parametrize("form", [CSV, NDJSON, JSON])
def test_columns_that_are_asked_for_are_those_of_the_whole_row(form: TextForm) -> None:
    content = json.dumps({"message": "", "meta": None, "data": [ROW, ROW]}).encode()
    body = decode_page(content, as_rows=True)
    text = form.of_calls("agent", body.data, ("is_test_call",))
    expected = {
        "csv": b"true\ntrue\n",
        "ndjson": b'{"is_test_call":true}\n{"is_test_call":true}\n',
        "json": b'\n{"is_test_call":true},\n{"is_test_call":true}',
    }
    assert text == expected[form.name]


def test_a_column_of_nothing_is_quoted_where_it_is_alone() -> None:
    rows: list[dict[str, Any]] = [{"reason": None}, {"reason": "a"}]
    assert CSV.of_rows(("reason",), rows) == b'""\na\n'


@pytest.mark.parametrize("text", ["a", "a,b", 'a"b', "a\nb", "a\rb", "a\r\nb"])
def test_what_needs_quotes_has_them_as_the_csv_module_gives_them(text: str) -> None:
    lines = io.StringIO(newline="")
    csv.writer(lines, lineterminator="\r\n").writerow([text, 1])
    rows: list[dict[str, Any]] = [{"one": text, "two": 1}, {"one": None, "two": 2}]
    assert CSV.of_rows(("one", "two"), rows).decode() == f"{lines.getvalue()[:-2]}\n,2\n"


@pytest.mark.parametrize("sign", [*"=+@\t-\uff1d\uff0b\uff0d\uff20", "\r=", "\n=", "\r\n+1+"])
def test_each_sign_of_a_formula_is_found_in_a_column_of_texts(sign: str) -> None:
    rows: list[dict[str, Any]] = [{"one": "a", "two": 1}, {"one": f"{sign}1", "two": 2}]
    (_, (first, _)) = csv.reader(
        io.StringIO(CSV.of_rows(("one", "two"), rows).decode(), newline="")
    )
    assert first == f"'{sign}1"


def test_an_object_in_a_cell_is_json_and_an_empty_one_is_nothing() -> None:
    rows: list[dict[str, Any]] = [{"one": {"a": [1]}, "two": 1.5}, {"one": {}, "two": []}]
    assert CSV.of_rows(("one", "two"), rows) == b'"{""a"":[1]}",1.5\n,[]\n'


def test_true_and_nothing_may_share_a_column() -> None:
    rows: list[dict[str, Any]] = [{"one": True, "two": 1}, {"one": None, "two": 2}]
    assert CSV.of_rows(("one", "two"), rows) == b"true,1\n,2\n"
