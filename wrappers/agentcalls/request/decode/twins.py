"""The fast path to models: a Struct with the same fields, which msgspec fills and checks at once.

It costs a sixth of reading dictionaries. If msgspec would read a type differently from `request/decode/lenient.py`, the
latter reads the field.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from enum import Enum
from operator import attrgetter
from types import NoneType
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar, Union, get_args, get_origin
from uuid import UUID

import msgspec
from msgspec.structs import astuple

from agentcalls.models import EXTRA, fields_of, kinds_of
from agentcalls.request.decode.lenient import reader_of
from agentcalls.request.decode.scalars import UnreadableError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

ModelT = TypeVar("ModelT")

_MOST_SHARED = 4096
_NATIVE = {NoneType, Any, str, int, float, bool, datetime, date, UUID}


class NotNativeError(Exception):
    """A value that may be valid, but that the fast path cannot read."""


class Twin(Generic[ModelT]):
    """The Structs of a generated model, and the conversion of their instances to the model's."""

    def __init__(self, model: type[ModelT], shared: Iterable[str] = ()) -> None:
        fields = fields_of(model)
        types = [_native(field.kinds) for field in fields]
        self._model = model
        self._moments = [number for number, kind in enumerate(types) if datetime in kinds_of(kind)]
        self._get_moments = [attrgetter(fields[number].attribute) for number in self._moments]
        self._shared = [
            number
            for number, field in enumerate(fields)
            if field.attribute in shared and set(field.kinds) <= {str, NoneType}
        ]
        self._others = [
            (number, reader_of(field.kinds), field.default)
            for number, (field, kind) in enumerate(zip(fields, types, strict=True))
            if kind is None
        ]
        self._texts: dict[str | None, str | None] = {}
        declared = [
            (field.attribute, Any if kind is None else kind, *([field.default] * field.optional))
            for field, kind in zip(fields, types, strict=True)
        ]
        names = {field.attribute: field.name for field in fields}

        def struct(*, closed: bool) -> Any:
            # gc=False: no Struct outlives its page or is part of a cycle.
            return msgspec.defstruct(
                model.__name__,
                declared,
                rename=names,
                gc=False,
                forbid_unknown_fields=closed,
                namespace={EXTRA: {}},
            )

        self.closed: Any = struct(closed=True)
        """Accepts only the contract's fields."""
        self.open: Any = struct(closed=False)

    def rows(self, rows: Sequence[msgspec.Struct], *more: Iterable[object]) -> Sequence[Any]:
        """The Structs themselves, which have a model's attributes, after the same checks; raises as `models` does.

        Where a model's value would be another than theirs, they are the models.
        """
        if self._others:
            return self.models(rows, *more)
        for get in self._get_moments:
            _check_offsets(map(get, rows))
        return rows

    def models(self, rows: Sequence[msgspec.Struct], *more: Iterable[object]) -> list[ModelT]:
        """The models for some Structs; `more` are columns after the contract's.

        Raises `NotNativeError` or `UnreadableError` if the fast path cannot read a value.
        """
        if not rows:
            return []
        columns: list[Any] = list(zip(*map(astuple, rows), strict=True))
        for number in self._moments:
            _check_offsets(columns[number])
        # A million calls share a few dozen statuses and reasons: one string for each is enough.
        if len(self._texts) > _MOST_SHARED:
            self._texts.clear()
        for number in self._shared:
            columns[number] = map(self._texts.setdefault, columns[number], columns[number])
        for number, read, default in self._others:
            columns[number] = [
                value if value is default else read(value, _refuse) for value in columns[number]
            ]
        return list(map(self._model, *columns, *more))


def _check_offsets(moments: Iterable[datetime | None]) -> None:
    # Nearly always it is the very same object, and comparing takes longer.
    odd = [moment for moment in moments if moment is not None and moment.tzinfo is not UTC]
    if any(moment.tzinfo != UTC for moment in odd):
        raise NotNativeError


def _refuse(_path: str, _raw: object, why: str) -> None:
    raise UnreadableError(why)


def _native(kinds: tuple[Any, ...]) -> Any:
    # The type with which msgspec gives the same result; None if there is none.
    some = [kind for kind in kinds if kind is not NoneType]
    return Union[kinds] if len(some) == 1 and _is_native(some[0]) else None  # noqa: UP007 (of a tuple)


def _is_native(kind: Any) -> bool:
    if get_origin(kind) is list:
        item = _native(kinds_of(get_args(kind)[0]))
        return item is not None and datetime not in kinds_of(
            item
        )  # its offset must be checked, too
    if get_origin(kind) is Literal:
        return {type(value) for value in get_args(kind)} <= {str, int}
    return kind in _NATIVE or (isinstance(kind, type) and issubclass(kind, Enum))
