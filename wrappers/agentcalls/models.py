"""Facts about the generated models, read from their code: fields, JSON names, and `Call`.

Only this module and `request/operation.py` depend on the structure of the generated code.
"""

from __future__ import annotations

import copyreg
import sys
from collections.abc import Callable
from datetime import date, datetime
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, TypeGuard, Union, cast, get_args, get_origin, get_type_hints
from uuid import UUID

import attrs
from msgspec import Struct

from agentcalls.described import described, finite, timestamp
from agentcalls_api import models
from agentcalls_api.types import Unset

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from agentcalls.values import Problem

EXTRA = "additional_properties"
"""The attribute of a model that holds unknown fields."""

Leaf = Callable[[Any], object]

# A copy of a call equals it, in another process, too: Unset is one object in each.
copyreg.pickle(Unset, lambda _: "UNSET")


class Field(Struct, frozen=True, kw_only=True):
    """A field of a generated model."""

    attribute: str
    """Its name in Python."""
    name: str
    """Its name in JSON and in the contract."""
    kinds: tuple[Any, ...]
    """The types that its value may have, with `NoneType` if it may be null."""
    optional: bool
    """Whether it may be missing; its value is then `default`."""
    default: Any
    """None for a field that may also be null, so that no user meets UNSET there."""


def _fields_of(model: type) -> tuple[Field, ...]:
    hints, names = _hints(model), _names(_generated(model))
    return tuple(
        Field(
            attribute=attribute.name,
            name=names[attribute.name],
            kinds=tuple(kind for kind in kinds if kind is not Unset),
            optional=Unset in kinds,
            default=None if NoneType in kinds and Unset in kinds else attribute.default,
        )
        for attribute in attrs.fields(model)
        if attribute.name in names and attribute.name not in _ours(model)
        for kinds in [kinds_of(hints[attribute.name])]
    )


fields_of: Callable[[type], tuple[Field, ...]] = cache(_fields_of)
"""The fields of a generated model, in the contract's order; optional fields come last."""


def kinds_of(hint: object) -> tuple[Any, ...]:
    """The members of a union; any other hint alone."""
    return get_args(hint) if get_origin(hint) in {UnionType, Union} else (hint,)


@cache
def rest_of(model: type) -> object | None:
    """The type hint of a model's unknown fields; None if it has none."""
    hint = _hints(model).get(EXTRA)
    return get_args(hint)[1] if hint else None


def is_model(kind: object) -> TypeGuard[type]:
    """Whether this is the class of a generated model, or one of our own."""
    return isinstance(kind, type) and attrs.has(kind) and hasattr(kind, "from_dict")


def plain(value: Any, leaf: Leaf) -> Any:
    """The value as JSON; `leaf` converts datetimes, dates and UUIDs."""
    if isinstance(value, list):
        return [plain(item, leaf) for item in cast("list[object]", value)]
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, date | UUID):  # a datetime is a date
        return leaf(value)
    if is_model(value.__class__):
        return _object(value, leaf)
    return None if isinstance(value, Unset) else value


def _object(model: Any, leaf: Leaf) -> dict[str, Any]:
    rest: Mapping[str, object] = getattr(model, EXTRA, {})
    found = {name: plain(value, leaf) for name, value in rest.items()}
    for field in fields_of(model.__class__):
        value = getattr(model, field.attribute)
        # A field that could not be read is None; its raw value is among the unknown fields.
        if not isinstance(value, Unset) and not (value is None and field.name in found):
            found[field.name] = plain(value, leaf)
    return found


def _hints(model: type) -> dict[str, Any]:
    # The generated modules import each other only for type checkers.
    generated = _generated(model)
    home = sys.modules.get(generated.__module__.rpartition(".")[0])
    names = {name: getattr(home, name) for name in getattr(home, "__all__", ())}
    return get_type_hints(generated, localns=names)


def _generated(model: type) -> type:
    # A model of ours extends the generated one.
    return model if model.__base__ is object else cast("type", model.__base__)


def _ours(model: type) -> set[str]:
    return set() if _generated(model) is model else set(vars(model).get("__annotations__", ()))


@cache
def _names(generated: type) -> dict[str, str]:
    # Fill an instance with its own attribute names: its `to_dict` then shows the JSON name of each.
    attributes = [field.name for field in attrs.fields(generated) if field.init]
    traced: Any = generated(**{name: _Trace(name) for name in attributes})
    names: dict[str, str] = {}
    for name, value in traced.to_dict().items():
        names[str(_innermost(value))] = name
    return names


def _innermost(value: Any) -> Any:
    return _innermost(value[0]) if isinstance(value, list) else value


class _Trace:
    # It supports every call that `to_dict` makes on a value, and stays the name of its attribute.
    def __init__(self, name: str) -> None:
        self._name = name

    def isoformat(self) -> _Trace:
        return self

    to_dict = to_tuple = isoformat

    @property
    def value(self) -> _Trace:
        return self

    def __iter__(self) -> Iterator[_Trace]:
        yield self

    def __str__(self) -> str:
        return self._name


def _json(value: Any) -> str:
    return timestamp(value) if isinstance(value, datetime) else str(value)


class _Row:
    # The methods of our own models. Two values are equal if their fields are.
    __slots__ = ()
    id: Any

    def __hash__(self) -> int:
        return hash(self.id)

    def to_dict(self) -> dict[str, Any]:
        """The values as JSON, with the API's names, and moments as `timestamp` has them.

        A field that could not be read has its raw value; a number that JSON cannot write, such as NaN, is None.
        """
        return {name: finite(value) for name, value in _object(self, _json).items()}


@described
@attrs.define(eq=False)
class Call(_Row, models.Call):  # type: ignore[misc]  # the generated model has no hash
    """One telephony call of an agent, as it was when the page was read.

    The types are the contract's. A row that breaks the contract is a call, too: a field that is missing or cannot be
    read is None, whatever its type. `Page.problems` and `listing.report.problems` name the field, and its raw value is
    in `additional_properties` under its JSON name. With `strict=True` such a page is an error instead, and every field
    has its type.

    Two calls are equal if their fields are equal; `agent_id` does not count, and is not in `to_dict()`. The hash is
    that of the `id`.
    """

    agent_id: str | None = None
    """The agent of the request; None in a call that you made yourself."""


@described
@attrs.define(eq=False)
class CallDetail(_Row, models.CallDetail):  # type: ignore[misc]  # as above
    """One telephony call with its transcript, `conversation_logs`, as it was when it was read.

    It has all that a `Call` has, and is as lenient: a field that is missing or cannot be read is None.
    """

    agent_id: str | None = None
    """The agent of the request; None in a call that you made yourself."""
    problems: tuple[Problem, ...] = ()
    """Everything in the answer that the contract does not allow."""


@described
@attrs.define(eq=False)
class Agent(_Row, models.Agent):  # type: ignore[misc]  # as above
    """A voice agent of the team, as it was when the page was read; as lenient as a `Call`.

    A field that may be missing is None then. Its type also names `Unset`, which `agent.status or "unknown"` leaves out.
    """

    @property
    def created_on(self) -> datetime:
        """The same as `created_at`, by the name that calls have."""
        return self.created_at
