"""Turn the body of a page, or of one row, into the models, and report each value that cannot be read.

A row of any shape becomes a model; a field that is missing or cannot be read is None, and its raw value stays among
the unknown fields. msgspec reads a valid page of calls, with the same result.
"""

from __future__ import annotations

import json
from collections import deque
from itertools import repeat
from typing import TYPE_CHECKING, Any, cast

import msgspec

from agentcalls.models import Call, fields_of
from agentcalls.request.decode.lenient import noting, read_into, read_row
from agentcalls.request.decode.repair import marked, mended
from agentcalls.request.decode.scalars import UnreadableError, kind_of
from agentcalls.request.decode.twins import NotNativeError, Twin
from agentcalls_api.models import CallPage, PageMeta

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agentcalls.models import Field
    from agentcalls.values import Problem

_MOST_DIGITS = 1000


class Body(msgspec.Struct, kw_only=True, frozen=True):
    """A body, after reading."""

    message: str | None
    meta: PageMeta | None = None
    data: list[Any]
    """The rows of a page; or one. With `as_rows`, what has the same fields."""
    extra: dict[str, Any]
    """The envelope's unknown fields, and the raw values of fields that could not be read."""
    problems: tuple[Problem, ...]


def decode_page(
    content: bytes, agent_id: str | None = None, model: type = Call, *, as_rows: bool = False
) -> Body:
    """The content of a body with timestamps in UTC, and all its problems; `agent_id` is the calls' agent.

    A valid page, with or without unknown fields, takes a fast path; any other is read row by row, with the same result.
    With `as_rows` the calls of a page without unknown fields are no `Call`s, but what has the same fields, as a table
    needs them.
    Raises ValueError with the reason for a body that is not a page: not JSON, not an object, or without a list `data`.
    """
    try:
        if model is Call:
            return _as_the_contract_says(content, agent_id, as_rows=as_rows)
    except _NO_FAST_PATH:
        pass
    body, data, mark = _opened(content)
    if not isinstance(data, list):
        raise ValueError(f"data is {kind_of(data)}, not a list")  # noqa: TRY004
    rows = cast("list[object]", data)
    try:
        if model is Call and not mark:
            return _with_unknown_fields(body, rows, agent_id)
    except _NO_FAST_PATH:
        pass
    return _row_by_row(body, rows, agent_id, mark, model=model)


def decode_one(content: bytes, agent_id: str | None, model: type) -> Body:
    """The content of a body whose `data` is one object, as `decode_page` gives it.

    Raises ValueError with the reason for a body that is not such a one.
    """
    body, data, mark = _opened(content)
    if not isinstance(data, dict):
        raise ValueError(f"data is {kind_of(data)}, not an object")  # noqa: TRY004
    return _row_by_row(body, [data], agent_id, mark, model=model, envelope=_MESSAGE)


def _opened(content: bytes) -> tuple[dict[str, Any], object, str]:
    # The envelope of a body without its data, the data, and what marks texts that have to be mended, if anything does.
    envelope, mark = _parsed(content)
    if not isinstance(envelope, dict):
        raise ValueError(f"the body is {kind_of(envelope)}, not an object")  # noqa: TRY004
    body = dict(cast("dict[str, Any]", envelope))
    return body, body.pop("data", None), mark


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
    calls = cast("list[Any]", made(page.data, repeat(agent_id)))
    return Body(message=page.message, meta=meta, data=calls, extra={}, problems=())


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
    return Body(message=message, meta=meta, data=calls, extra=extra, problems=())


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
_MESSAGE = _ENVELOPE[:1]


def _row_by_row(
    body: dict[str, Any],
    rows: list[object],
    agent_id: str | None,
    mark: str = "",
    *,
    model: type = Call,
    envelope: Sequence[Field] = _ENVELOPE,
) -> Body:
    problems: list[Problem] = []
    read: dict[str, Any] = {}
    if mark:
        body = mended(body, mark, noting(problems))
    body.setdefault("meta", None)
    read_into(read, body, envelope, noting(problems))
    data: list[Any] = [
        read_row(model, value, problems, row, mark) for row, value in enumerate(rows)
    ]
    if agent_id is not None and hasattr(model, "agent_id"):
        for call in data:
            call.agent_id = agent_id
    return Body(**read, data=data, extra=body, problems=tuple(problems))


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
