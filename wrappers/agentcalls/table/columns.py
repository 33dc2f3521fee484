"""A call as a table row: the columns, their order, and their values.

The first column is the agent's id. Then come the contract's fields, with their JSON names and in the contract's order;
they are read from the generated model, so a new field needs no code here. The last is `additional_properties`: unknown
fields, and raw values of fields that could not be read.
"""

from __future__ import annotations

from array import array
from datetime import date, datetime
from enum import Enum
from operator import attrgetter
from types import NoneType
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast, get_args, get_origin
from uuid import UUID

import attrs
import msgspec

from agentcalls.models import EXTRA, Agent, Call, fields_of, plain
from agentcalls.table.lifecycle import FINAL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from agentcalls.models import Field

T = TypeVar("T")

_WHOLE_SECOND = len("2026-11-23T10:00:00Z")
_INTEGERS = range(-(2**63), 2**63)


@attrs.frozen
class Column:
    """A column; any of its values may be None, since a row may break the contract."""

    name: str
    kind: type
    """str, int, float, bool, datetime, date, or object for any JSON."""
    attribute: str
    """The attribute of a call with the value."""


def _kind(kinds: tuple[Any, ...]) -> type:
    # The type of a column for values of these types.
    found = {_stored(kind) for kind in kinds} - {NoneType}
    return found.pop() if len(found) == 1 else object


def _stored(kind: Any) -> type:
    if get_origin(kind) is Literal:
        return _kind(tuple(value.__class__ for value in get_args(kind)))
    if isinstance(kind, type) and issubclass(kind, Enum):
        return _kind(tuple(member.value.__class__ for member in kind))
    if kind is UUID:
        return str
    return kind if kind in {str, int, float, bool, datetime, date, NoneType} else object


def _columns_for(model: type) -> tuple[Column, ...]:
    fields = (Column(field.name, _kind(field.kinds), field.attribute) for field in fields_of(model))
    return (*fields, Column(EXTRA, object, EXTRA))


AGENTS = _columns_for(Agent)
"""The columns of a table of agents, in order."""
COLUMNS = (Column("agent_id", str, "agent_id"), *_columns_for(Call))
"""The columns of every table of calls, in order."""
JSON = tuple(number for number, column in enumerate(COLUMNS) if column.kind is object)
"""The positions of JSON columns in `COLUMNS`; the last one holds the unknown fields."""
_NUMBER = {column.name: number for number, column in enumerate(COLUMNS)}


def columns_of(agent_id: str, calls: Sequence[Call]) -> list[list[Any]]:
    """The values of each column. Timestamps are ISO 8601 text in UTC with six decimals. Dates are text.

    Raises OverflowError for an integer of more than 64 bits.
    """
    columns: list[list[Any]] = [[agent_id] * len(calls)]
    columns += [make(map(get, calls)) for get, make in _GETTERS[Call]]
    return columns


def agent_columns_of(_: object, agents: Sequence[Agent]) -> list[list[Any]]:
    """The values of each column of `AGENTS`, written like those of calls."""
    return [make(map(get, agents)) for get, make in _GETTERS[Agent]]


def value_of(call: Call, column: Column, leaf: Callable[[Any], object]) -> Any:
    """A call's value in a column, as JSON; `leaf` converts datetimes, dates and UUIDs."""
    return plain(getattr(call, column.attribute), leaf)


def storable(
    make: Callable[[str, Sequence[Any]], T],
    agent_id: str,
    rows: Sequence[Any],
    model: type[Call | Agent] = Call,
) -> T:
    """The result of `make` for the rows; if that fails, for the rows with values that a table can hold.

    A lone surrogate, which JSON may hold and UTF-8 may not, becomes U+FFFD; an integer of more than 64 bits becomes
    None.
    """
    try:
        return make(agent_id, rows)
    except (UnicodeEncodeError, OverflowError):
        return make(agent_id, [_storable_row(row, model) for row in rows])


def storable_values(values: Iterable[object]) -> tuple[Any, ...]:
    """The values, changed so that a table can hold them; `storable` does the same with a row."""
    return tuple(map(_storable, values))


def with_json_texts(
    values: Sequence[list[Any]], columns: Sequence[Column] = COLUMNS
) -> list[list[Any]]:
    """The values of these columns with their JSON as text; no value and no unknown fields become None."""
    texts = list(values)
    for number, column in enumerate(columns):
        if column.kind is object:
            texts[number] = [
                None if found is None or (column.name == EXTRA and not found) else _json(found)
                for found in values[number]
            ]
    return texts


def still_open(columns: Sequence[Sequence[Any]]) -> list[bool]:
    """Whether each call is open, from the columns of a table: the same as `is_over` says of a call."""
    over = zip(columns[_NUMBER["status"]], columns[_NUMBER["ended_at"]], strict=True)
    return [not (status in FINAL or ended is not None) for status, ended in over]


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def whole_text(text: str) -> str:
    """The text as valid Unicode: a lone surrogate becomes U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _timestamps(moments: Iterable[datetime | None]) -> list[str | None]:
    # All texts have the same length: they sort by time, and no reader sees two formats.
    encoded = msgspec.json.encode(list(moments))
    if b"." not in encoded:
        encoded = encoded.replace(b'Z"', b'.000000Z"')
    texts: list[str | None] = msgspec.json.decode(encoded)
    if encoded.count(b".") == encoded.count(b"Z"):
        return texts
    return [
        text if text is None or len(text) > _WHOLE_SECOND else f"{text[:-1]}.000000Z"
        for text in texts
    ]


def _integers(values: Iterable[int | None]) -> list[int | None]:
    integers = list(values)
    array("q", filter(None, integers))
    return integers


def _plain(values: Iterable[Any]) -> list[Any]:
    # msgspec converts datetimes, dates and UUIDs.
    return [plain(value, lambda leaf: leaf) for value in values]


def _texts(values: Iterable[Any]) -> list[str | None]:
    texts: list[str | None] = msgspec.to_builtins(_plain(values))
    return texts


def _storable_row(row: Any, model: type[Call | Agent]) -> Any:
    fields = {
        column.attribute: _storable(
            plain(getattr(row, column.attribute), lambda leaf: leaf),
            integers=column.kind is object,
        )
        for column in _columns_for(model)[:-1]
    }
    made = model(**fields)
    made.additional_properties = _storable(row.additional_properties, integers=True)
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


_MAKERS: dict[type, Callable[[Iterable[Any]], list[Any]]] = {
    datetime: _timestamps,
    int: _integers,
    date: _texts,
    object: _plain,
}


def _maker(field: Field) -> Callable[[Iterable[Any]], list[Any]]:
    kind = _kind(field.kinds)
    make = _MAKERS.get(kind, list)
    if not field.optional and set(field.kinds) <= {kind, NoneType}:
        return make
    return _texts if kind is str else lambda values: make(_plain(values))


_GETTERS: dict[type, list[tuple[Any, Callable[[Iterable[Any]], list[Any]]]]] = {
    model: [
        *((attrgetter(field.attribute), _maker(field)) for field in fields_of(model)),
        (attrgetter(EXTRA), list),
    ]
    for model in (Call, Agent)
}
