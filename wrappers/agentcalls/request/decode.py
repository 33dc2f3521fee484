"""The body of a 200, turned into the generated models: what can be read is read, and what cannot is reported.

What a field holds is taken from the generated model's own type hints, so a field that the contract gains is read
without a line here. A row always gives a `Call`, whatever its shape; a field that is missing or cannot be read is None.
"""

from __future__ import annotations

import json
from collections import deque
from datetime import UTC, datetime
from types import UnionType
from typing import TYPE_CHECKING, Any, TypeVar, cast, get_args, get_type_hints

import attrs
import msgspec
from msgspec.structs import astuple

from agentcalls.values import Problem
from agentcalls_api.models import Call, PageMeta

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

ModelT = TypeVar("ModelT", bound=attrs.AttrsInstance)

_LONGEST_RAW = 200
_MOST_DIGITS = 1000
_MOST_SHARED = 4096


@attrs.frozen
class Body:
    """The body of a page that was read."""

    message: str | None
    meta: PageMeta | None
    data: list[Call]
    extra: dict[str, Any]
    """The envelope's fields that the contract does not know."""
    problems: tuple[Problem, ...]


def decode_page(content: bytes) -> Body:
    """What a body holds, its timestamps in UTC, with every problem found.

    A page that is as the contract says takes a fast path, with or without fields that the contract does not know; any
    other is read row by row, to the same result. Raises ValueError, saying why, where it is no page at all: no JSON, no
    object, or without a list `data`.
    """
    try:
        return _as_the_contract_says(content)
    except (msgspec.DecodeError, UnicodeError, RecursionError, _NotInUTCError):
        envelope = _parsed(content)
    if not isinstance(envelope, dict):
        raise ValueError(f"the body is {_kind(envelope)}, not an object")  # noqa: TRY004
    body = dict(cast("dict[str, Any]", envelope))
    rows = body.pop("data", None)
    if not isinstance(rows, list):
        raise ValueError(f"data is {_kind(rows)}, not a list")  # noqa: TRY004
    try:
        return _with_unknown_fields(body, cast("list[object]", rows))
    except (msgspec.ValidationError, UnicodeError, _NotInUTCError):
        return _row_by_row(body, cast("list[object]", rows))


# The typed paths. Each model has a Struct of the same fields, which msgspec fills and checks at once; models are made
# of its values, column by column. That is a sixth of what reading dictionaries costs.


class _NotInUTCError(Exception):
    # A timestamp that is right but has another offset, or none.
    pass


def _twin(model: type, *, closed: bool) -> Any:
    hints = get_type_hints(model)
    fields = [
        (attribute.name, hints[attribute.name])
        for attribute in attrs.fields(model)
        if attribute.init
    ]
    # gc=False: no Struct outlives its page, and none is part of a cycle.
    return msgspec.defstruct(model.__name__, fields, gc=False, forbid_unknown_fields=closed)


_META: Any = _twin(PageMeta, closed=True)
_CALLS: Any = list[_twin(Call, closed=True)]  # type: ignore[misc]
_PAGE: Any = msgspec.defstruct(
    "Page",
    [("message", str), ("meta", _META | None), ("data", _CALLS)],
    gc=False,
    forbid_unknown_fields=True,
)
_OPEN_META: Any = _twin(PageMeta, closed=False)
_OPEN_CALLS: Any = list[_twin(Call, closed=False)]  # type: ignore[misc]
_decode_as_page: Callable[[bytes], Any] = msgspec.json.Decoder(_PAGE).decode
_shared: dict[str | None, str | None] = {}


def _as_the_contract_says(content: bytes) -> Body:
    page = _decode_as_page(content)
    meta = None if page.meta is None else PageMeta(*astuple(page.meta))
    return Body(page.message, meta, _calls(page.data), {}, ())


def _with_unknown_fields(body: dict[str, Any], rows: list[object]) -> Body:
    extra = dict(body)
    message = msgspec.convert(extra.pop("message", None), str)
    raw_meta, meta = extra.pop("meta", None), None
    if raw_meta is not None:
        meta = PageMeta(*astuple(msgspec.convert(raw_meta, _OPEN_META)))
    calls = _calls(msgspec.convert(rows, _OPEN_CALLS))
    # Every known field is there; what is left of the dictionaries without them is unknown.
    if meta is not None:
        meta.additional_properties = _without(_FIELDS[PageMeta], raw_meta)
    for row, call in zip(rows, calls, strict=True):
        call.additional_properties = _without(_FIELDS[Call], row)
    return Body(message, meta, calls, extra, ())


def _without(known: Iterable[str], row: Any) -> dict[str, Any]:
    rest = cast("dict[str, Any]", row)
    deque[object](map(rest.pop, known), maxlen=0)
    return rest


def _calls(rows: list[msgspec.Struct]) -> list[Call]:
    if not rows:
        return []
    columns: list[Any] = list(zip(*map(astuple, rows), strict=True))
    for position in _TIMESTAMPS:
        if {moment.tzinfo for moment in columns[position] if moment is not None} - {UTC}:
            raise _NotInUTCError
    # A million calls have a few dozen different statuses and reasons: one text for each is enough.
    if len(_shared) > _MOST_SHARED:
        _shared.clear()
    for position in _REPEATING:
        columns[position] = map(_shared.setdefault, columns[position], columns[position])
    return list(map(Call, *columns))


# The lenient path.


def _row_by_row(body: dict[str, Any], rows: list[object]) -> Body:
    problems: list[Problem] = []
    message, meta = body.pop("message", _MISSING), body.pop("meta", None)
    try:
        read_message = cast("str", _text(message))
    except _UnreadableError as error:
        read_message = None
        raw = None if message is _MISSING else _short(message)
        problems.append(Problem(field="message", raw=raw, why=str(error)))
    return Body(
        read_message,
        None if meta is None else _model(PageMeta, meta, problems, row=None),
        [_model(Call, value, problems, row=row) for row, value in enumerate(rows)],
        body,
        tuple(problems),
    )


def _parsed(content: bytes) -> object:
    try:
        return msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        # What msgspec refuses and json lets through: NaN, lone surrogates, a byte order mark.
        try:
            return json.loads(content.decode("utf-8-sig"), parse_int=_any_integer)
        except (ValueError, RecursionError):
            raise ValueError("the body is no JSON") from None


def _any_integer(digits: str) -> int | float:
    # Python refuses to read an integer of thousands of digits.
    return int(digits) if len(digits) < _MOST_DIGITS else float(digits)


def _model(model: type[ModelT], value: object, problems: list[Problem], row: int | None) -> ModelT:
    extra: dict[str, Any] = {}
    fields: dict[str, Any] = dict.fromkeys(_FIELDS[model])
    if isinstance(value, dict):
        extra = dict(cast("dict[str, Any]", value))
        call_id = extra.get("id") if model is Call else None
        for name, (read, nullable) in _FIELDS[model].items():
            raw = extra.pop(name, _MISSING)
            if raw is None and nullable:
                continue
            try:
                fields[name] = read(raw)
            except _UnreadableError as error:
                fields[name] = error.instead
                problems.append(
                    Problem(
                        row=row,
                        call_id=call_id if isinstance(call_id, str) else None,
                        field=name,
                        raw=None if raw is _MISSING else _short(raw),
                        why=str(error),
                    )
                )
    else:
        problems.append(
            Problem(
                row=row,
                field="meta" if row is None else None,
                raw=_short(value),
                why=f"is {_kind(value)}, not an object",
            )
        )
    instance = model(**fields)
    instance.additional_properties = extra  # type: ignore[attr-defined]
    return instance


class _UnreadableError(Exception):
    # Why a value cannot be read as it should, and what is taken instead.
    def __init__(self, why: str, instead: object = None) -> None:
        super().__init__(why)
        self.instead = instead


_MISSING = object()


def _scalar(kind: type, name: str) -> Callable[[object], object]:
    def read(value: object) -> object:
        if type(value) is kind:
            return value
        raise _UnreadableError(
            "is missing" if value is _MISSING else f"is {_kind(value)}, not {name}"
        )

    return read


def _integer(value: object) -> object:
    # JSON does not tell 42 from 42.0.
    return int(value) if isinstance(value, float) and value.is_integer() else _whole(value)


_whole = _scalar(int, "an integer")
_text = _scalar(str, "a text")


def _timestamp(value: object) -> object:
    text = cast("str", _text(value))
    try:
        moment = msgspec.convert(text, datetime)
    except (msgspec.ValidationError, UnicodeError):
        from dateutil.parser import isoparse  # noqa: PLC0415 (slow to import, and hardly ever needed)

        try:
            moment = isoparse(text)
        except (ValueError, OverflowError) as error:
            raise _UnreadableError("is no ISO 8601 timestamp") from error
    if moment.tzinfo is None:
        raise _UnreadableError("has no offset; UTC is assumed", moment.replace(tzinfo=UTC))
    try:
        return moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise _UnreadableError("is beyond the years 1 to 9999 in UTC") from error


_READERS: dict[object, Callable[[object], object]] = {
    str: _text,
    int: _integer,
    bool: _scalar(bool, "true or false"),
    datetime: _timestamp,
}


def _fields(model: type) -> dict[str, tuple[Callable[[object], object], bool]]:
    # Each field's reader, and whether null is allowed, off the generated model's type hints.
    hints = get_type_hints(model)
    fields: dict[str, tuple[Callable[[object], object], bool]] = {}
    for attribute in attrs.fields(model):
        if attribute.init:
            hint = hints[attribute.name]
            kinds = get_args(hint) if isinstance(hint, UnionType) else (hint,)
            (kind,) = set(kinds) - {type(None)}
            fields[attribute.name] = (_READERS[kind], type(None) in kinds)
    return fields


_FIELDS: dict[type, dict[str, tuple[Callable[[object], object], bool]]] = {
    model: _fields(model) for model in (Call, PageMeta)
}

_TIMESTAMPS = [
    position for position, (read, _) in enumerate(_FIELDS[Call].values()) if read is _timestamp
]
_REPEATING = [
    position
    for position, name in enumerate(_FIELDS[Call])
    if name in {"status", "direction", "error_reason", "end_reason"}
]


def _kind(value: object) -> str:
    for kind, name in (
        (bool, "true or false"),
        (str, "a text"),
        (list, "a list"),
        (dict, "an object"),
    ):
        if isinstance(value, kind):
            return name
    return "missing" if value is None else "a number"


def _short(value: object) -> object:
    if isinstance(value, str):
        return value[:_LONGEST_RAW]
    if isinstance(value, list | dict):
        return f"{_kind(cast('object', value))} of {len(cast('list[object]', value))}"
    return value
