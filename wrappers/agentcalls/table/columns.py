"""A call as the row of a table: which columns there are, in which order, and what each holds.

First the agent's id, then the contract's fields in its order, off the generated model so that a new one needs no line
here, and last `additional_properties`: what the server sent beside them.
"""

from __future__ import annotations

from array import array
from datetime import datetime
from operator import attrgetter
from types import UnionType
from typing import TYPE_CHECKING, Any, TypeVar, cast, get_args, get_type_hints

import attrs
import msgspec

from agentcalls_api.models import Call

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

T = TypeVar("T")

BATCH = 5_000
"""Calls that are turned into columns at a time, at most."""

_WHOLE_SECOND = len("2026-11-23T10:00:00Z")
_INTEGERS = range(-(2**63), 2**63)


@attrs.frozen
class Column:
    """A column; any value of it may be None, since a row is taken as the server sent it."""

    name: str
    kind: type
    """str, int, bool, datetime, or dict for an object of any fields."""


def _kind(hint: object) -> type:
    kinds = get_args(hint) if isinstance(hint, UnionType) else (hint,)
    (kind,) = set(kinds) - {type(None)}
    return cast("type", kind)


_HINTS = get_type_hints(Call)
_EXTRA = "additional_properties"
_FIELDS = tuple(
    Column(field.name, _kind(_HINTS[field.name])) for field in attrs.fields(Call) if field.init
)
COLUMNS = (Column("agent_id", str), *_FIELDS, Column(_EXTRA, dict))
"""The columns of every table, in their order."""


def columns_of(agent_id: str, calls: Sequence[Call]) -> list[list[Any]]:
    """The values of each column; a moment is ISO 8601 text in UTC, always with six decimals.

    Raises OverflowError for an integer of more than 64 bits.
    """
    columns: list[list[Any]] = [[agent_id] * len(calls)]
    columns += [_READERS.get(kind, list)(map(get, calls)) for get, kind in _GETTERS]
    return columns


def storable(make: Callable[[str, Sequence[Call]], T], agent_id: str, calls: Sequence[Call]) -> T:
    """What `make` makes of the calls, or else of what a table can hold of them.

    Half of a character, which JSON may hold and UTF-8 may not, becomes U+FFFD; an integer of more than 64 bits None.
    """
    try:
        return make(agent_id, calls)
    except (UnicodeEncodeError, OverflowError):
        return make(agent_id, [_storable_call(call) for call in calls])


def whole_text(text: str) -> str:
    """The text as UTF-8 can hold it: half of a character becomes U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def json_texts(objects: Sequence[dict[str, Any]]) -> list[str | None]:
    """The objects as JSON, None for an empty one."""
    return [msgspec.json.encode(found).decode() if found else None for found in objects]


def _timestamps(moments: Iterable[datetime | None]) -> list[str | None]:
    # Of one length, so that the texts sort as the moments do, and that no reader takes them for two formats.
    texts: list[str | None] = msgspec.to_builtins(list(moments))
    return [
        text if text is None or len(text) > _WHOLE_SECOND else f"{text[:-1]}.000000Z"
        for text in texts
    ]


def _integers(values: Iterable[int | None]) -> list[int | None]:
    integers = list(values)
    array("q", filter(None, integers))
    return integers


def _storable_call(call: Call) -> Call:
    fields = {column.name: _storable(getattr(call, column.name)) for column in _FIELDS}
    made = Call(**fields)
    made.additional_properties = _storable(call.additional_properties, integers=True)
    return made


def _storable(value: Any, *, integers: bool = False) -> Any:
    if isinstance(value, str):
        return whole_text(value)
    if isinstance(value, dict):
        found = cast("dict[str, Any]", value)
        return {_storable(k): _storable(v, integers=True) for k, v in found.items()}
    if isinstance(value, list):
        return [_storable(one, integers=True) for one in cast("list[object]", value)]
    if type(value) is int and value not in _INTEGERS and not integers:
        return None
    return value


_GETTERS = [(attrgetter(column.name), column.kind) for column in COLUMNS[1:]]
_READERS: dict[type, Callable[[Iterable[Any]], list[Any]]] = {
    datetime: _timestamps,
    int: _integers,
}
