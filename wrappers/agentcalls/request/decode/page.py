"""Turn the body of a page into the generated models, and report each value that cannot be read.

A row of any shape becomes a `Call`; a field that is missing or cannot be read is None, and its raw value stays among
the unknown fields. msgspec reads a valid page, with the same result.
"""

from __future__ import annotations

import json
from collections import deque
from itertools import repeat
from typing import TYPE_CHECKING, Any, cast

import attrs
import msgspec

from agentcalls.models import Call, fields_of
from agentcalls.request.decode.lenient import noting, read_into, read_row
from agentcalls.request.decode.repair import marked, mended
from agentcalls.request.decode.scalars import UnreadableError, kind_of
from agentcalls.request.decode.twins import NotNativeError, Twin
from agentcalls_api.models import CallPage, PageMeta

if TYPE_CHECKING:
    from collections.abc import Callable

    from agentcalls.values import Problem

_MOST_DIGITS = 1000


@attrs.frozen
class Body:
    """The body of a page, after reading."""

    message: str | None
    meta: PageMeta | None
    data: list[Call]
    """With `as_rows`, what has the same fields."""
    extra: dict[str, Any]
    """The envelope's unknown fields, and the raw values of fields that could not be read."""
    problems: tuple[Problem, ...]


def decode_page(content: bytes, agent_id: str | None = None, *, as_rows: bool = False) -> Body:
    """The content of a body with timestamps in UTC, and all its problems; `agent_id` is the calls' agent.

    A valid page, with or without unknown fields, takes a fast path; any other is read row by row, with the same result.
    With `as_rows` the calls of a page without unknown fields are no `Call`s, but what has the same fields, as a table
    needs them.
    Raises ValueError with the reason for a body that is not a page: not JSON, not an object, or without a list `data`.
    """
    try:
        return _as_the_contract_says(content, agent_id, as_rows=as_rows)
    except _NO_FAST_PATH:
        envelope, mark = _parsed(content)
    if not isinstance(envelope, dict):
        raise ValueError(f"the body is {kind_of(envelope)}, not an object")  # noqa: TRY004
    body = dict(cast("dict[str, Any]", envelope))
    rows = body.pop("data", None)
    if not isinstance(rows, list):
        raise ValueError(f"data is {kind_of(rows)}, not a list")  # noqa: TRY004
    try:
        if not mark:
            return _with_unknown_fields(body, cast("list[object]", rows), agent_id)
    except _NO_FAST_PATH:
        pass
    return _row_by_row(body, cast("list[object]", rows), agent_id, mark)


_NO_FAST_PATH = (
    msgspec.DecodeError,
    UnicodeError,
    RecursionError,
    NotNativeError,
    UnreadableError,
)
_CALLS = Twin(Call, shared={"status", "direction", "error_reason", "end_reason"})
_META = Twin(PageMeta)
_PAGE: Any = msgspec.defstruct(
    "Page",
    [("message", str), ("meta", _META.closed | None), ("data", list[_CALLS.closed])],  # type: ignore[name-defined]
    gc=False,
    forbid_unknown_fields=True,
)
_decode_as_page: Callable[[bytes], Any] = msgspec.json.Decoder(_PAGE).decode


def _as_the_contract_says(content: bytes, agent_id: str | None, *, as_rows: bool) -> Body:
    page = _decode_as_page(content)
    meta = None if page.meta is None else _META.models([page.meta])[0]
    made = _CALLS.rows if as_rows else _CALLS.models
    calls = cast("list[Call]", made(page.data, repeat(agent_id)))
    return Body(page.message, meta, calls, {}, ())


def _with_unknown_fields(body: dict[str, Any], rows: list[object], agent_id: str | None) -> Body:
    extra = dict(body)
    message = msgspec.convert(extra.pop("message", None), str)
    raw_meta, meta = extra.pop("meta", None), None
    if raw_meta is not None:
        (meta,) = _META.models([msgspec.convert(raw_meta, _META.open)])
    calls = _CALLS.models(msgspec.convert(rows, list[_CALLS.open]), repeat(agent_id))  # type: ignore[name-defined]
    # Every known field was read; the other keys of the dictionaries are unknown fields.
    if meta is not None:
        meta.additional_properties = _without(_NAMES[PageMeta], raw_meta)
    for row, call in zip(rows, calls, strict=True):
        call.additional_properties = _without(_NAMES[Call], row)
    return Body(message, meta, calls, extra, ())


def _without(names: tuple[list[str], list[str]], row: Any) -> dict[str, Any]:
    rest, (required, optional) = cast("dict[str, Any]", row), names
    deque[object](map(rest.pop, required), maxlen=0)
    for name in optional:
        rest.pop(name, None)
    return rest


_NAMES = {
    model: (
        [field.name for field in fields_of(model) if not field.optional],
        [field.name for field in fields_of(model) if field.optional],
    )
    for model in (Call, PageMeta)
}
_ENVELOPE = [field for field in fields_of(CallPage) if field.name in {"message", "meta"}]


def _row_by_row(
    body: dict[str, Any], rows: list[object], agent_id: str | None, mark: str = ""
) -> Body:
    problems: list[Problem] = []
    envelope: dict[str, Any] = {}
    if mark:
        body = mended(body, mark, noting(problems))
    body.setdefault("meta", None)
    read_into(envelope, body, _ENVELOPE, noting(problems))
    data = [read_row(value, problems, row, agent_id, mark) for row, value in enumerate(rows)]
    return Body(**envelope, data=data, extra=body, problems=tuple(problems))


def _parsed(content: bytes) -> tuple[object, str]:
    # The JSON of a body, and what marks in it where texts have to be mended, if anywhere.
    try:
        return msgspec.json.decode(content), ""
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        # json accepts what msgspec refuses: NaN, lone surrogates, a byte order mark.
        text, mark = marked(content)
        try:
            found = json.loads(text, parse_int=_any_integer)
        except (ValueError, RecursionError):
            raise ValueError("the body is not JSON") from None
        return found, mark if mark in text else ""


def _any_integer(digits: str) -> int | float:
    # Python refuses to read an integer of thousands of digits.
    return int(digits) if len(digits) < _MOST_DIGITS else float(digits)
