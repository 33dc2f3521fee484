"""Bytes that JSON forbids cost no page, no other row and no other field."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentcalls.request.decode.page import decode_page
from contract.tool.contract import reference_bodies

PAGE: dict[str, Any] = reference_bodies()["200"]
ROW: dict[str, Any] = PAGE["data"][0]
HERE = "HERE"
ROWS = 3

broken = st.one_of(
    st.integers(0, 31).map(lambda code: bytes([code])),
    st.integers(0x80, 0xFF).map(lambda code: bytes([code])),
    st.sampled_from([b"\xed\xa0\x80", b"\xc0\x80", b"\xf5\x80\x80\x80", b"\xe2\x82"]),
)
places = st.sampled_from([name for name in ROW if isinstance(ROW[name], str)])


def body_of(row: int, field: str, odd: bytes, **more: object) -> bytes:
    rows = [{**ROW, "id": f"call_{number}"} for number in range(ROWS)]
    rows[row] |= {field: HERE, **more}
    return json.dumps({**PAGE, "data": rows}, ensure_ascii=False).encode().replace(b"HERE", odd)


@given(broken, places, st.integers(0, ROWS - 1), st.text(max_size=3), st.text(max_size=3))
def test_odd_byte_costs_one_text(odd: bytes, field: str, row: int, before: str, after: str) -> None:
    quoted = [json.dumps(text, ensure_ascii=False)[1:-1] for text in (before, after)]
    content = body_of(row, field, quoted[0].encode() + odd + quoted[1].encode())
    body = decode_page(content)
    usual = decode_page(body_of(row, field, b"x"))
    assert len(body.data) == ROWS
    told = [(problem.row, problem.field) for problem in body.problems]
    assert (row, field) in told
    assert {problem.call_id for problem in body.problems} == {body.data[row].id}
    assert {where for where, _ in told} == {row}
    for number, (found, expected) in enumerate(zip(body.data, usual.data, strict=True)):
        if number != row:
            assert found == expected
    shown = body.data[row].to_dict()
    kept = shown[field] if isinstance(shown.get(field), str) else None
    if kept is not None and field != "created_on":
        assert kept.startswith(before)
        assert kept.endswith(after)
        assert "\N{REPLACEMENT CHARACTER}" in kept[len(before) :]


@pytest.mark.parametrize("odd", [b"\x00", b"\n", b"\x1b", b"\xff", b"\xc3"])
def test_names_nested_texts_and_the_envelope_are_mended_too(odd: bytes) -> None:
    content = body_of(1, "new", b"x" + odd, other={"in HERE": ["HERE"]})
    body = decode_page(content)
    assert body.data[1].additional_properties == {
        "new": "x\ufffd",
        "other": {"in x\ufffd": ["x\ufffd"]},
    }
    assert [(problem.row, problem.call_id) for problem in body.problems] == [(1, "call_1")] * 3
    message = decode_page(
        json.dumps({**PAGE, "message": HERE}).encode().replace(b"HERE", b"a" + odd)
    )
    assert message.message == "a\ufffd"
    assert [problem.row for problem in message.problems] == [None]


def test_replacement_character_that_was_sent_is_no_problem() -> None:
    content = body_of(0, "id", "\N{REPLACEMENT CHARACTER}\ufdd0".encode(), destination="a\tb")
    assert decode_page(content).problems == ()
    both = decode_page(content.replace(b"a\\tb", b"a\tb"))
    assert [problem.field for problem in both.problems] == ["destination"]
    assert both.data[0].id == "\N{REPLACEMENT CHARACTER}\ufdd0"


def test_page_that_has_every_mark_is_read_all_the_same() -> None:
    marks = "".join(map(chr, range(0xFDD0, 0xFDF0)))
    (first, *_) = decode_page(body_of(0, "id", marks.encode() + b"\xff")).data
    assert first.id
    assert first.id.startswith(marks[:-1])


@pytest.mark.parametrize(
    "content", [b'{"data": [\x00]}', b'{"data": [\xff]}', b'{"data": ["a]}', b'\xff{"data": []}']
)
def test_what_is_odd_outside_of_texts_is_no_json(content: bytes) -> None:
    with pytest.raises(ValueError, match="not JSON"):
        decode_page(content)
