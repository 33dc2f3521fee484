"""Read values that may break the contract, and note each value that cannot be read.

There is a reader for each type that a generated model can have, recursively. The types come from the model's own type
hints, so a new field of the contract needs no code here.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import Enum
from functools import cache, partial
from types import NoneType
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast, get_args, get_origin
from uuid import UUID

from agentcalls.models import EXTRA, Call, fields_of, is_model, kinds_of, rest_of
from agentcalls.request.decode.repair import cleaned, mended
from agentcalls.request.decode.scalars import (
    MISSING,
    SCALARS,
    Note,
    Reader,
    UnreadableError,
    anything,
    kind_of,
    not_a,
    one_of,
)
from agentcalls.values import Problem
from agentcalls_api import models

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from agentcalls.models import Field

ModelT = TypeVar("ModelT")

_LONGEST_RAW = 200


def read_row(
    model: type[ModelT], value: object, problems: list[Problem], row: int, mark: str = ""
) -> ModelT:
    """The model of a row of any shape, mended where it is marked; its problems are added to `problems`."""
    note = noting(problems, row, _id_of(value, mark))
    try:
        if mark:
            value = mended(value, mark, note)
        made: ModelT = _model(model, value, note)
    except (UnreadableError, RecursionError) as error:
        note("", value, _why(error))
        nothing: Any = dict.fromkeys((field.attribute for field in fields_of(model)), None)
        made = model(**nothing)
    return made


def _id_of(value: object, mark: str) -> str | None:
    found = cast("dict[str, object]", value).get("id") if isinstance(value, dict) else None
    return cleaned(found, mark) if isinstance(found, str) else None


def noting(problems: list[Problem], row: int | None = None, call_id: str | None = None) -> Note:
    """A function that adds a problem to `problems`."""

    def note(field: str, raw: object, why: str) -> None:
        raw = None if raw is MISSING else short(raw)
        problems.append(Problem(row=row, call_id=call_id, field=field or None, raw=raw, why=why))

    return note


def read_into(
    values: dict[str, Any], rest: dict[str, Any], fields: Iterable[Field], note: Note
) -> None:
    """Take the fields out of `rest` and read them into `values`, by attribute.

    A field that cannot be read is None; its raw value stays in `rest`.
    """
    for field in fields:
        raw = rest.pop(field.name, MISSING)
        if raw is MISSING and field.optional:
            values[field.attribute] = field.default
            continue
        try:
            values[field.attribute] = reader_of(field.kinds)(raw, _within(note, field.name))
        except (UnreadableError, RecursionError) as error:
            values[field.attribute] = instead = getattr(error, "instead", None)
            note(field.name, raw, _why(error))
            if instead is None and raw is not MISSING and raw is not None:
                rest[field.name] = raw


def _why(error: Exception) -> str:
    return "is nested too deeply" if isinstance(error, RecursionError) else str(error)


def _within(note: Note, name: str) -> Note:
    def inner(path: str, raw: object, why: str) -> None:
        note(f"{name}{'' if path[:1] in {'', '['} else '.'}{path}", raw, why)

    return inner


@cache
def reader_of(kinds: tuple[Any, ...]) -> Reader:
    """The reader for a value that may have these types."""
    some = sorted((kind for kind in kinds if kind is not NoneType), key=_breadth)
    read = (
        _reader(some[0]) if len(some) == 1 else partial(_either, [_reader(kind) for kind in some])
    )
    return partial(_nullable, read) if NoneType in kinds else read


def _breadth(kind: object) -> int:
    # The narrower type is tried first: only some texts are timestamps.
    order = (bool, datetime, date, UUID, int, float, list, str, Any)
    found = get_origin(kind) or kind
    return order.index(found) if found in order else -1


def _reader(kind: Any) -> Reader:
    if kind in SCALARS:
        return SCALARS[kind]
    if get_origin(kind) is list:
        return partial(_list, kinds_of(get_args(kind)[0]))
    if get_origin(kind) is Literal:
        return partial(one_of, {(type(value), value): value for value in get_args(kind)})
    if is_model(kind):
        return partial(_model, Call if kind is models.Call else kind)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return partial(one_of, {(type(member.value), member.value): member for member in kind})
    return anything


def _nullable(read: Reader, value: object, note: Note) -> Any:
    return None if value is None else read(value, note)


def _either(readers: Sequence[Reader], value: object, note: Note) -> Any:
    # The first result without a problem; otherwise the first result of all.
    flawed: list[tuple[Any, list[tuple[str, object, str]]]] = []
    for read in readers:
        notes: list[tuple[str, object, str]] = []
        try:
            found = read(value, partial(_keep, notes))
        except UnreadableError as error:
            if error.instead is not None:
                flawed.append((error.instead, [("", value, str(error))]))
        else:
            if not notes:
                return found
            flawed.append((found, notes))
    if not flawed:
        raise UnreadableError(not_a(value, "one of the contract's types"))
    found, notes = flawed[0]
    for about in notes:
        note(*about)
    return found


def _keep(notes: list[tuple[str, object, str]], path: str, raw: object, why: str) -> None:
    notes.append((path, raw, why))


def _list(kinds: tuple[Any, ...], value: object, note: Note) -> list[Any]:
    if not isinstance(value, list):
        raise UnreadableError(not_a(value, "a list"))
    read, items = reader_of(kinds), cast("list[object]", value)
    return [_part(f"[{number}]", read, item, note) for number, item in enumerate(items)]


def _part(path: str, read: Reader, value: object, note: Note) -> Any:
    # If a part cannot be read, the whole value counts as unreadable, and its raw value is kept.
    try:
        return read(value, _within(note, path))
    except UnreadableError as error:
        if error.instead is None:
            raise UnreadableError(f"{path} {error}") from error
        note(path, value, str(error))
        return error.instead


def _model(model: type, value: object, note: Note) -> Any:
    if not isinstance(value, dict):
        raise UnreadableError(not_a(value, "an object"))
    values: dict[str, Any] = {}
    rest, fields = dict(cast("dict[str, Any]", value)), fields_of(model)
    read_into(values, rest, fields, note)
    made, others = model(**values), rest_of(model)
    if others is None:
        if rest:
            raise UnreadableError(
                f"has a field that the contract does not allow: {next(iter(rest))}"
            )
        return made
    if others is not Any and not fields:
        read = reader_of(kinds_of(others))
        rest = {name: _part(name, read, item, note) for name, item in rest.items()}
    setattr(made, EXTRA, rest)
    return made


def short(value: object) -> object:
    """A value in the short form for a problem."""
    if isinstance(value, str):
        return value[:_LONGEST_RAW]
    if isinstance(value, list | dict):
        return f"{kind_of(cast('object', value))} of {len(cast('list[object]', value))}"
    return value
