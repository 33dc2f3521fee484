from __future__ import annotations

import copy
import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentcalls import Call, PageMeta
from agentcalls.request.decode.page import _CALLS, Body, _row_by_row, decode_page
from agentcalls.values import Problem
from agentcalls_api import models
from agentcalls_api.models import CallPage
from contract.tool.contract import SCHEMAS, reference_bodies

ROW: dict[str, Any] = reference_bodies()["200"]["data"][0]
META: dict[str, Any] = reference_bodies()["200"]["meta"]


def decoded(row: object = ROW, **envelope: object) -> Body:
    body = {"message": "Success", "meta": META, "data": [row], **envelope}
    return decode_page(json.dumps(body).encode())


def test_reference_page_is_what_the_generated_client_makes_of_it() -> None:
    body = decoded()
    expected = CallPage.from_dict(copy.deepcopy(reference_bodies()["200"]))
    assert (body.message, body.meta) == (expected.message, expected.meta)
    assert [attrs.astuple(call)[:-1] for call in body.data] == list(
        map(attrs.astuple, expected.data)
    )
    # The generated client spells its moments otherwise.
    again = [models.Call.from_dict(call.to_dict()) for call in body.data]
    assert again == expected.data
    assert (body.extra, body.problems) == ({}, ())


def test_unknown_fields_are_kept_on_call_meta_and_page() -> None:
    body = decoded({**ROW, "sentiment": [1]}, meta={**META, "cursor": "c"}, region="eu")
    assert body.data[0].additional_properties == {"sentiment": [1]}
    assert body.meta is not None
    assert body.meta.additional_properties == {"cursor": "c"}
    assert (body.extra, body.problems) == ({"region": "eu"}, ())


@pytest.mark.parametrize("field", ROW)
def test_missing_field_is_none_and_reported(field: str) -> None:
    body = decoded({name: value for name, value in ROW.items() if name != field})
    call_id = None if field == "id" else "string"
    assert body.problems == (Problem(row=0, call_id=call_id, field=field, why="is missing"),)
    assert getattr(body.data[0], field) is None
    assert body.data[0].additional_properties == {}


@pytest.mark.parametrize("field", ROW)
def test_null_is_a_problem_only_where_the_contract_does_not_allow_it(field: str) -> None:
    body = decoded({**ROW, field: None})
    nullable = "null" in SCHEMAS["Call"]["properties"][field]["type"]
    assert [problem.field for problem in body.problems] == ([] if nullable else [field])
    assert getattr(body.data[0], field) is None


@pytest.mark.parametrize(
    ("field", "raw", "why"),
    [
        ("id", 7, "is a number, not a text"),
        ("status", ["queued"], "is a list, not a text"),
        ("is_test_call", "true", "is a text, not true or false"),
        ("is_test_call", 1, "is a number, not true or false"),
        ("duration_seconds", "42", "is a text, not an integer"),
        ("duration_seconds", True, "is true or false, not an integer"),
        ("duration_seconds", 4.5, "is a number, not an integer"),
        ("duration_seconds", float("nan"), "is a number, not an integer"),
        ("duration_seconds", float("inf"), "is a number, not an integer"),
        ("created_on", 1566656122, "is a number, not a text"),
        ("created_on", "yesterday", "is not an ISO 8601 timestamp"),
        ("ended_at", "", "is not an ISO 8601 timestamp"),
        ("ended_at", "2019-08-24T25:00:00Z", "is not an ISO 8601 timestamp"),
        ("created_on", "0001-01-01T00:00:00+05:00", "is beyond the years 1 to 9999 in UTC"),
        ("created_on", "9999-12-31T23:59:59-05:00", "is beyond the years 1 to 9999 in UTC"),
    ],
)
def test_value_that_cannot_be_read_is_none_and_reported_with_what_was_sent(
    field: str, raw: Any, why: str
) -> None:
    body = decoded({**ROW, field: raw})
    (problem,) = body.problems
    assert (problem.row, problem.field, problem.why) == (0, field, why)
    assert repr(problem.raw) == repr("a list of 1" if isinstance(raw, list) else raw)
    assert getattr(body.data[0], field) is None
    assert repr(body.data[0].additional_properties) == repr({field: raw})


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("2019-08-24T14:15:22Z", datetime(2019, 8, 24, 14, 15, 22, tzinfo=UTC)),
        ("2019-08-24T16:15:22.5+02:00", datetime(2019, 8, 24, 14, 15, 22, 500_000, tzinfo=UTC)),
        ("2019-08-24 14:15:22Z", datetime(2019, 8, 24, 14, 15, 22, tzinfo=UTC)),
        ("20190824T141522Z", datetime(2019, 8, 24, 14, 15, 22, tzinfo=UTC)),
        ("2019-W34-6T14:15:22+0000", datetime(2019, 8, 24, 14, 15, 22, tzinfo=UTC)),
        ("2019-08-24T24:00:00Z", datetime(2019, 8, 25, tzinfo=UTC)),
    ],
)
def test_timestamp_in_any_iso_8601_form_is_read_in_utc(raw: str, expected: datetime) -> None:
    body = decoded({**ROW, "created_on": raw})
    assert body.data[0].created_on == expected
    assert body.data[0].created_on.tzinfo is UTC
    assert body.problems == ()


@pytest.mark.parametrize("raw", ["2019-08-24T14:15:22", "2019-08-24 14:15:22", "20190824T141522"])
def test_timestamp_without_offset_is_taken_for_utc_and_reported(raw: str) -> None:
    body = decoded({**ROW, "created_on": raw})
    assert body.data[0].created_on == datetime(2019, 8, 24, 14, 15, 22, tzinfo=UTC)
    assert [(problem.field, problem.raw, problem.why) for problem in body.problems] == [
        ("created_on", raw, "has no offset; UTC is assumed")
    ]


def test_integer_written_with_a_fraction_of_zero_is_an_integer() -> None:
    body = decoded({**ROW, "duration_seconds": 42.0})
    assert (body.data[0].duration_seconds, type(body.data[0].duration_seconds)) == (42, int)
    assert body.problems == ()


@pytest.mark.parametrize("row", [None, 7, "text", [], [ROW], True])
def test_row_that_is_no_object_is_a_call_of_nothing_and_reported(row: object) -> None:
    body = decode_page(json.dumps({"message": "", "meta": None, "data": [ROW, row, ROW]}).encode())
    assert len(body.data) == 3
    values = attrs.asdict(body.data[1])
    assert values.pop("additional_properties") == {}
    assert set(values.values()) == {None}
    assert [(problem.row, problem.field) for problem in body.problems] == [(1, None)]
    assert "not an object" in body.problems[0].why


def test_meta_that_cannot_be_read_is_reported_field_by_field_or_whole() -> None:
    body = decoded(meta={**META, "limit": "100", "has_next_page": None})
    assert body.meta is not None
    assert [body.meta.limit, body.meta.has_next_page, body.meta.total_count] == [None, None, 0]
    assert [problem.field for problem in body.problems] == ["meta.limit", "meta.has_next_page"]
    assert body.meta.additional_properties == {"limit": "100"}
    assert decoded(meta=None).problems == ()
    body = decoded(meta=[1])
    (problem,) = body.problems
    assert (problem.field, problem.why) == ("meta", "is a list, not an object")
    assert (body.meta, body.extra) == (None, {"meta": [1]})


def test_message_that_is_no_text_is_kept_as_it_was_sent() -> None:
    body = decoded(message=["Success"])
    assert [problem.why for problem in body.problems] == ["is a list, not a text"]
    assert (body.message, body.extra) == (None, {"message": ["Success"]})


def test_integer_of_thousands_of_digits_costs_its_field_only() -> None:
    text = json.dumps({"message": "Success", "meta": META, "data": [ROW]}).replace("42", "9" * 5000)
    body = decode_page(text.encode())
    assert [problem.field for problem in body.problems] == ["duration_seconds"]


def test_json_is_utf_8() -> None:
    with pytest.raises(ValueError, match="not JSON"):
        decode_page(json.dumps({"data": []}).encode("utf-16"))


def test_envelope_without_meta_or_message_is_a_page() -> None:
    body = decode_page(b'{"data": []}')
    assert (body.meta, body.message, body.data) == (None, None, [])
    assert [(problem.field, problem.why) for problem in body.problems] == [
        ("message", "is missing")
    ]


def test_what_msgspec_refuses_and_json_reads_is_a_page() -> None:
    text = json.dumps({"message": "Success", "meta": META, "data": [ROW]})
    assert decode_page(b"\xef\xbb\xbf" + text.encode()).data == decoded().data
    assert decode_page(text.replace('"string"', '"\\ud800"').encode()).data[0].id == "\ud800"


def test_raw_value_is_cut_to_a_length_that_can_be_shown() -> None:
    assert decoded({**ROW, "created_on": "x" * 999}).problems[0].raw == "x" * 200
    assert decoded({**ROW, "created_on": ["x" * 999]}).problems[0].raw == "a list of 1"
    assert decoded({**ROW, "created_on": {}}).problems[0].raw == "an object of 0"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)
rows = st.dictionaries(st.sampled_from([*ROW, "extra"]), json_values).map(
    lambda changes: {**ROW, **changes}
)
partial_rows = st.builds(
    lambda row, gone: {name: value for name, value in row.items() if name not in gone},
    rows,
    st.sets(st.sampled_from([*ROW])),
)


@given(json_values)
def test_any_json_is_a_page_or_a_value_error(value: Any) -> None:
    content = json.dumps(value).encode()
    try:
        body = decode_page(content)
    except ValueError:
        assert not (isinstance(value, dict) and isinstance(value.get("data"), list))
    else:
        assert len(body.data) == len(value["data"])


@given(st.binary(max_size=60))
def test_any_bytes_are_a_page_or_a_value_error(content: bytes) -> None:
    with suppress(ValueError):
        assert decode_page(content).data is not None


@given(st.lists(partial_rows | json_values, max_size=4), json_values)
def test_every_row_gives_a_call_and_every_field_is_right_or_none_and_reported(
    data: list[Any], meta: Any
) -> None:
    body = decode_page(json.dumps({"message": "", "meta": meta, "data": data}).encode())
    assert len(body.data) == len(data)
    reported = {(problem.row, problem.field) for problem in body.problems}
    for index, (row, call) in enumerate(zip(data, body.data, strict=True)):
        assert type(call) is Call
        if not isinstance(row, dict):
            assert (index, None) in reported
            continue
        unread = {name for name in ROW if getattr(call, name) is None and row.get(name) is not None}
        assert call.additional_properties.keys() == (row.keys() - ROW.keys()) | unread
        assert all(repr(call.additional_properties[name]) == repr(row[name]) for name in unread)
        for name, schema in SCHEMAS["Call"]["properties"].items():
            value = getattr(call, name)
            if value is None:
                assert (index, name) in reported or (row[name] is None and "null" in schema["type"])
            elif isinstance(value, datetime):
                assert value.tzinfo is UTC
            else:
                assert value == row[name]
                assert type(value) in {str, int, bool}
    assert body.meta is None or type(body.meta) is PageMeta


pages = st.fixed_dictionaries(
    {"data": st.lists(rows | partial_rows, max_size=3)},
    optional={
        "message": json_values | st.text(),
        "meta": st.just(META) | json_values,
        "extra": json_values,
    },
)


@given(pages)
def test_fast_paths_give_what_reading_row_by_row_gives(page: dict[str, Any]) -> None:
    content = json.dumps(page).encode()
    envelope = json.loads(content)
    slow = _row_by_row(envelope, envelope.pop("data"), "agent_1")
    fast = decode_page(content, "agent_1")
    assert repr(fast) == repr(slow)


@pytest.mark.parametrize("extra", [{}, {"sentiment": None}])
def test_page_as_the_contract_says_takes_a_fast_path(
    extra: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr("agentcalls.request.decode.page._row_by_row")
    body = decoded({**ROW, **extra}, **extra)
    assert body.problems == ()
    assert body.data[0].additional_properties == body.extra == extra


def test_texts_that_repeat_are_shared_between_calls_and_pages() -> None:
    first, second = (decoded({**ROW, "end_reason": "hang" + "up"}).data[0] for _ in range(2))
    for name in ("status", "direction", "error_reason", "end_reason"):
        assert getattr(first, name) is getattr(second, name)


def test_shared_texts_do_not_grow_without_bound() -> None:
    for number in range(50):
        rows = [{**ROW, "end_reason": f"reason {number} {index}"} for index in range(100)]
        decode_page(json.dumps({"message": "", "meta": None, "data": rows}).encode())
    assert len(_CALLS._texts) <= 4096 + 400


@pytest.mark.parametrize("odd", [{"created_on": "\ud800"}, {"\ud800": 1}, {"status": "\ud800"}])
def test_half_a_character_costs_no_page(page_body: dict[str, Any], odd: dict[str, Any]) -> None:
    page_body["data"].append({**page_body["data"][0], **odd})
    page = decode_page(json.dumps(page_body).encode())
    assert [call.id for call in page.data] == ["call_1", "call_1"]
    assert len(page.problems) == ("created_on" in odd)
