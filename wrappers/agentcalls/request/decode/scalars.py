"""Read scalar values: texts, numbers, timestamps, the members of an enumeration.

A reader takes a JSON value, and returns the Python value or raises an error with the reason.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any, cast
from uuid import UUID

import msgspec

Note = Callable[[str, object, str], None]
"""Called for each problem within a value: its path, the raw value, and the reason."""
Reader = Callable[[object, Note], Any]
"""Returns the Python value after noting the problems within it; raises `UnreadableError`."""


class UnreadableError(Exception):
    """Why a value cannot be read, and the value to use instead."""

    def __init__(self, why: str, instead: object = None) -> None:
        super().__init__(why)
        self.instead = instead


MISSING = object()
"""The placeholder for a missing value."""


def one_of(values: dict[tuple[type, object], object], value: object, _: Note) -> Any:
    """The member for a JSON value, compared by type and value: true is not 1."""
    if isinstance(value, float) and value.is_integer():  # JSON does not distinguish 42 from 42.0
        value = int(value)
    try:
        return values[type(value), value]
    except (KeyError, TypeError):
        allowed = ", ".join(repr(known) for _, known in values)
        raise UnreadableError(
            "is missing" if value is MISSING else f"is not one of the contract's values: {allowed}"
        ) from None


def anything(value: object, _: Note) -> Any:
    """Any value, unchanged."""
    if value is MISSING:
        raise UnreadableError("is missing")
    return value


def _scalar(kind: type, name: str) -> Reader:
    def read(value: object, _: Note) -> Any:
        if type(value) is kind:
            return value
        raise UnreadableError(not_a(value, name))

    return read


def _integer(value: object, note: Note) -> Any:
    # JSON does not distinguish 42 from 42.0.
    return int(value) if isinstance(value, float) and value.is_integer() else _whole(value, note)


def _number(value: object, _: Note) -> Any:
    try:
        number = float(value) if type(value) in {int, float} else math.nan  # type: ignore[arg-type]
    except OverflowError:
        number = math.inf
    if math.isfinite(number):
        return number
    raise UnreadableError(
        not_a(value, "a finite number" if type(value) in {int, float} else "a number")
    )


def _timestamp(value: object, note: Note) -> Any:
    text = cast("str", _text(value, note))
    try:
        moment = msgspec.convert(text, datetime)
    except (msgspec.ValidationError, UnicodeError):
        from dateutil.parser import isoparse  # noqa: PLC0415 (slow to import, and rarely needed)

        try:
            moment = isoparse(text)
        except (ValueError, OverflowError) as error:
            raise UnreadableError("is not an ISO 8601 timestamp") from error
    if moment.tzinfo is None:
        raise UnreadableError("has no offset; UTC is assumed", moment.replace(tzinfo=UTC))
    try:
        return moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise UnreadableError("is beyond the years 1 to 9999 in UTC") from error


def _made(kind: Callable[[str], Any], name: str) -> Reader:
    def read(value: object, note: Note) -> Any:
        try:
            return kind(_text(value, note))
        except ValueError as error:
            raise UnreadableError(f"is not {name}") from error

    return read


_whole = _scalar(int, "an integer")
_text = _scalar(str, "a text")
SCALARS: dict[Any, Reader] = {
    Any: anything,
    str: _text,
    int: _integer,
    float: _number,
    bool: _scalar(bool, "true or false"),
    datetime: _timestamp,
    date: _made(date.fromisoformat, "an ISO 8601 date"),
    UUID: _made(UUID, "a UUID"),
}


def not_a(value: object, name: str) -> str:
    """Why a value is not of the type `name`, such as "is a text, not an integer"."""
    return "is missing" if value is MISSING else f"is {kind_of(value)}, not {name}"


def kind_of(value: object) -> str:
    """The type of a JSON value, in words."""
    for kind, name in (
        (bool, "true or false"),
        (str, "a text"),
        (list, "a list"),
        (dict, "an object"),
    ):
        if isinstance(value, kind):
            return name
    return "missing" if value is None else "a number"
