"""What the house knows of the generated models, whatever the contract comes to say: fields, JSON names, and `Call`.

The one module that looks at how the generated code is made, apart from `request/operation.py`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import date
from enum import Enum
from functools import cache
from types import UnionType
from typing import TYPE_CHECKING, Any, TypeGuard, Union, cast, get_args, get_origin, get_type_hints
from uuid import UUID

import attrs

from agentcalls.described import described
from agentcalls_api import models
from agentcalls_api.types import Unset

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

EXTRA = "additional_properties"
"""The attribute of a model that holds what the contract does not know."""

Leaf = Callable[[Any], object]


@attrs.frozen(kw_only=True)
class Field:
    """A field of a generated model."""

    attribute: str
    """Its name in Python."""
    name: str
    """Its name in JSON, which is the contract's."""
    kinds: tuple[Any, ...]
    """The types that its value may have, `NoneType` among them where it may be null."""
    optional: bool
    """Whether it may be left out; it is `default` then."""
    default: Any


def _fields_of(model: type) -> tuple[Field, ...]:
    hints, names = _hints(model), _names(_generated(model))
    return tuple(
        Field(
            attribute=attribute.name,
            name=names[attribute.name],
            kinds=tuple(kind for kind in kinds if kind is not Unset),
            optional=Unset in kinds,
            default=attribute.default,
        )
        for attribute in attrs.fields(model)
        if attribute.name in names and attribute.name not in _ours(model)
        for kinds in [kinds_of(hints[attribute.name])]
    )


fields_of: Callable[[type], tuple[Field, ...]] = cache(_fields_of)
"""The fields of a generated model, in the contract's order, the ones that may be left out behind the others."""


def kinds_of(hint: object) -> tuple[Any, ...]:
    """The members of a union; any other hint alone."""
    return get_args(hint) if get_origin(hint) in {UnionType, Union} else (hint,)


@cache
def rest_of(model: type) -> object | None:
    """What a model's unknown fields may hold, as a hint; None where it takes none."""
    hint = _hints(model).get(EXTRA)
    return get_args(hint)[1] if hint else None


def is_model(kind: object) -> TypeGuard[type]:
    """Whether this is the class of a generated model, or of one of ours."""
    return isinstance(kind, type) and attrs.has(kind) and hasattr(kind, "from_dict")


def plain(value: Any, leaf: Leaf) -> Any:
    """The value as it stands in JSON, with moments, dates and UUIDs as `leaf` gives them."""
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
        # What could not be read is None, and is with the unknown fields as it was sent.
        if not isinstance(value, Unset) and not (value is None and field.name in found):
            found[field.name] = plain(value, leaf)
    return found


def _hints(model: type) -> dict[str, Any]:
    # The generated modules import each other for type checkers only.
    generated = _generated(model)
    home = sys.modules.get(generated.__module__.rpartition(".")[0])
    names = {name: getattr(home, name) for name in getattr(home, "__all__", ())}
    return get_type_hints(generated, localns=names)


def _generated(model: type) -> type:
    # A model of ours extends the generated one.
    return model if model.__base__ is object else cast("type", model.__base__)


def _ours(model: type) -> set[str]:
    return set() if _generated(model) is model else set(vars(model)["__annotations__"])


@cache
def _names(generated: type) -> dict[str, str]:
    # What the generated `to_dict` makes of an instance whose values are the names of its attributes.
    attributes = [field.name for field in attrs.fields(generated) if field.init]
    traced: Any = generated(**{name: _Trace(name) for name in attributes})
    names: dict[str, str] = {}
    for name, value in traced.to_dict().items():
        names[str(_innermost(value))] = name
    return names


def _innermost(value: Any) -> Any:
    return _innermost(value[0]) if isinstance(value, list) else value


class _Trace:
    # It takes part in all that `to_dict` does to a value of any type, and stays the name of its attribute.
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
    return str(value) if isinstance(value, UUID) else value.isoformat()


@described
@attrs.define(eq=False)
class Call(models.Call):
    """One telephony call of an agent, as it stood when the page was read.

    The types are the contract's. A row that breaks it is a call, too: a field that is missing, or that cannot be read,
    is None whatever its type, `Page.problems` and `listing.report.problems` name it, and what was sent in its place is
    in `additional_properties` under its name in JSON. With `strict=True` such a page is an error instead, and each
    field is what its type says.

    Equal are calls whose fields are; `agent_id` is no part of it, nor of `to_dict()`. The hash is that of the `id`.
    """

    agent_id: str | None = None
    """The agent whose calls were asked for; None in a call that was made by hand."""

    def __hash__(self) -> int:  # type: ignore[override]  # the generated model has none
        return hash(self.id)

    def to_dict(self) -> dict[str, Any]:
        """The call as the API sends it, by the names in JSON; what could not be read is as it was sent."""
        return _object(self, _json)
