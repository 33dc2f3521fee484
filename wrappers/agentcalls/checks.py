"""Settings and arguments, converted and checked where they enter: `ConfigurationError` says what is allowed."""

from __future__ import annotations

import operator
import os
import re
from datetime import date, datetime, time, timedelta
from functools import partial, reduce
from pathlib import Path
from types import NoneType
from typing import TYPE_CHECKING, Any, cast, get_args, get_origin, get_type_hints

from agentcalls.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Callable, Iterable, Iterator, Mapping

    from attrs import Attribute

_NUMPY_BOOLEANS = {"bool", "bool_"}  # in NumPy 2 and 1; they extend nothing
_ALIKE = 0.8  # from 0 to 1, the same
_LARGEST = 2**53 - 1  # the largest integer that JSON and JavaScript represent exactly


def as_builtin(value: Any) -> Any:
    """The value as the built-in type that its own type extends: the text of an enum of texts, the datetime of pandas.

    A subclass may print, compare or hash as something else. NumPy's integers and booleans become Python's; all other
    values stay.
    """
    if value is None or type(value) in _BUILT_IN:
        return value
    for kind, make in _BUILT_IN.items():
        if isinstance(value, kind):
            return make(value)
    own: type[object] = type(cast("object", value))
    if own.__name__ in _NUMPY_BOOLEANS:
        return bool(value)
    return operator.index(value) if hasattr(own, "__index__") else value


def builtin_fields(_: type, fields: list[Attribute[Any]]) -> list[Attribute[Any]]:
    """For attrs' `field_transformer`: each argument of the class becomes a built-in type before it is checked."""
    return [field.evolve(converter=as_builtin) for field in fields]


class Several:
    """Several ids, each as built-in text; an iterator gives them once.

    A value of the type `named` counts by its id, and by an empty one if it has none. An asynchronous iterable must be
    read with `gather` first. Raises `ConfigurationError` for one text, which would be read character by character, and
    for a value that has no items.
    """

    def __init__(
        self, name: str, ids: Iterable[Any] | AsyncIterable[Any], named: type[Any] | None = None
    ) -> None:
        is_several = hasattr(ids, "__iter__") or hasattr(ids, "__aiter__")
        if isinstance(ids, str | bytes | bytearray) or not is_several:
            raise ConfigurationError(f"{name} takes several ids, not {type(ids).__name__}.")
        self._name, self._ids, self._named = name, ids, named or ()
        self._read: Any = ids
        self._gathered: list[Any] | None = None
        self.given: list[str] = []
        """The ids so far that the caller wrote. If one cannot be sent, the argument is wrong; an id that the API listed
        is a failure of its agent alone."""

    def __iter__(self) -> Iterator[str]:
        if hasattr(self._ids, "__iter__"):
            self._read = iter(cast("Iterable[Any]", self._ids))
        elif self._gathered is None:
            raise ConfigurationError(f"{self._name} is asynchronous: AsyncClient reads it.")
        found = self._read if self._gathered is None else self._gathered
        for value in found:
            known = as_builtin(id_of(value, self._named))
            is_listed = isinstance(value, self._named)
            if not is_listed:
                self.given.append(known)
            yield "" if is_listed and known is None else known

    async def gather(self) -> None:
        """Read an asynchronous iterable to its end."""
        if hasattr(self._ids, "__aiter__"):
            self._read = aiter(cast("AsyncIterable[Any]", self._ids))
            self._gathered = [value async for value in self._read]

    @property
    def doubt(self) -> str | None:
        """Why there may be more ids than these: their own listing is not proven complete."""
        report = getattr(self._read, "report", None)
        return None if report is None or report.complete else report.reason

    def __length_hint__(self) -> int:
        length = operator.length_hint(self._ids, -1)
        return NotImplemented if length < 0 else length


def id_of(value: Any, named: type[Any] | tuple[type[Any], ...]) -> Any:
    """The id of a value of such a type; any other value is an id, and stays as it is."""
    return value.id if isinstance(value, named) else value


def ids_in(data: bytes, name: str) -> list[str]:
    """The ids in the bytes of a file of this name: UTF-8 text, one id a line, as docs/many.md describes it.

    Raises `ConfigurationError` for other bytes, and for a file without an id.
    """
    try:
        text = data.decode("utf-8-sig")  # editors on Windows write a byte order mark
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{name} is not UTF-8 text.") from error
    # An id itself may contain a "#".
    lines = [re.sub(r"(^|\s)#.*", "", line).strip() for line in re.split(r"[\r\n]+", text)]
    ids = [line for line in lines if line]
    if not ids:
        raise ConfigurationError(f"{name} names no agent.")
    return ids


def _date_of(value: date) -> date:
    return date(value.year, value.month, value.day)


def _datetime_of(value: datetime) -> datetime:
    try:
        return datetime.combine(
            _date_of(value),
            time(value.hour, value.minute, value.second, value.microsecond, fold=value.fold),
            value.tzinfo,
        )
    except (TypeError, ValueError):
        return value  # pandas' NaT, which is refused later


_BUILT_IN: dict[type, Callable[[Any], Any]] = {
    str: str.__str__,
    bool: bool,
    int: int.__int__,
    float: float.__float__,
    datetime: _datetime_of,
    date: _date_of,
    timedelta: lambda value: timedelta(value.days, value.seconds, value.microseconds),
}


def validator(
    check: Callable[..., object], *bounds: Any
) -> Callable[[object, Attribute[Any], object], None]:
    """For attrs: a validator that calls `check` with the name of the field, its value, and these bounds."""

    def checked(_: object, attribute: Attribute[Any], value: object) -> None:
        check(attribute.name, value, *bounds)

    return checked


def checked_text(name: str, value: object, longest: int | None = None) -> str:
    """A string that can be sent, of at most `longest` characters; raises `ConfigurationError` for anything else."""
    if not isinstance(value, str):
        raise ConfigurationError(f"{name} takes a string, not {type(value).__name__}.")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise ConfigurationError(f"{name} cannot be encoded as UTF-8.") from error
    if longest is not None and len(value) > longest:
        raise ConfigurationError(f"{name} takes at most {longest} characters.")
    return value


def checked_others(
    given: Mapping[str, Any], parameters: type, *, strict: bool = True
) -> dict[str, Any] | None:
    """Those of `OtherParameters`, or of a type like it, as the generated code takes them; None without any.

    Unless `strict`, a value is text, with commas between several. Raises TypeError for an unknown name, and
    `ConfigurationError` for a value of another type.
    """
    kinds = get_type_hints(parameters) if given else {}
    for name in given.keys() - kinds.keys():
        raise TypeError(f"There is no parameter {name!r}.")
    return {
        name: _of_kind(name, value, kinds[name], strict=strict)
        for name, value in given.items()
        if value is not None
    } or None


def _of_kind(name: str, value: Any, kind: Any, *, strict: bool) -> Any:
    from msgspec import ValidationError, convert  # noqa: PLC0415  # few need it

    kinds: list[Any] = [one for one in get_args(kind) if one is not NoneType]
    if not strict and any(get_origin(one) is list for one in kinds):
        value = [one.strip() for one in value.split(",")]
    several = isinstance(value, list | tuple | set | frozenset)
    try:
        found = convert(
            [as_builtin(one) for one in cast("list[Any]", value)] if several else as_builtin(value),
            reduce(lambda one, other: one | other, kinds),
            strict=strict,
        )
    except ValidationError as error:
        raise ConfigurationError(f"{name} takes a value of the contract's type: {error}.") from None
    for one in found if several else [found]:
        if isinstance(one, str):
            checked_text(name, one)
        if isinstance(one, datetime) and one.tzinfo is None:
            raise ConfigurationError(f"{name} takes moments with their offset from UTC.")
    return found


def did_you_mean(value: object, known: Iterable[str]) -> str:
    """A question after a sentence, such as " Did you mean 'failed'?"; "" if nothing known is close to the value."""
    meant = close_to(value, known) if isinstance(value, str) else None
    return "" if meant is None else f" Did you mean {meant!r}?"


def close_to(value: str, known: Iterable[str]) -> str | None:
    """The known value that an unknown one resembles; None if the value is known, or resembles none."""
    lowered = {each.lower(): each for each in known}
    if value in {"", *lowered.values()}:
        return None
    from difflib import get_close_matches  # noqa: PLC0415  # few values need it

    return next(
        (lowered[each] for each in get_close_matches(value.lower(), lowered, 1, _ALIKE)), None
    )


def checked_integer(name: str, value: object, lowest: int, highest: int = _LARGEST) -> int:
    """An integer from `lowest` to `highest`, both included; raises `ConfigurationError` for anything else."""
    bounds = f"an integer from {lowest}" + (f" to {highest}" if highest < _LARGEST else "")
    if not isinstance(value, int) or isinstance(value, bool):
        raise ConfigurationError(f"{name} takes {bounds}, not {type(value).__name__}.")
    if not lowest <= value <= highest:
        most = bounds if value < lowest else f"an integer from {lowest} to {highest}"
        raise ConfigurationError(f"{name} takes {most}.")
    return value


def checked_boolean(name: str, value: object) -> bool:
    """True or False; raises `ConfigurationError` for anything else."""
    if not isinstance(value, bool):
        raise ConfigurationError(f"{name} takes True or False, not {type(value).__name__}.")
    return value


def checked_callable(name: str, value: object) -> None:
    """Accept a function; raises `ConfigurationError` for anything else."""
    if not callable(value):
        raise ConfigurationError(f"{name} takes a function, not {type(value).__name__}.")


def checked_instance(name: str, value: object, kind: type[Any]) -> None:
    """Accept a value of this type; raises `ConfigurationError` for anything else."""
    if not isinstance(value, kind):
        raise ConfigurationError(f"{name} takes a {kind.__name__}, not {type(value).__name__}.")


def checked_path(name: str, value: object) -> Path:
    """The path that a text or a path-like object names; raises `ConfigurationError` for any other value."""
    text: object = value
    if isinstance(value, str | os.PathLike):
        text = os.fspath(cast("str | os.PathLike[str]", value))
    if not isinstance(text, str):
        raise ConfigurationError(f"{name} takes a path, not {type(text).__name__}.")
    if not text:
        raise ConfigurationError(f"{name} cannot be empty: it names a file.")
    if "\0" in text:
        raise ConfigurationError(f"{name} cannot hold a null character.")
    try:
        os.fsencode(text)
    except UnicodeEncodeError as error:
        raise ConfigurationError(f"{name} cannot be {text!r}: no file has such a name.") from error
    return Path(as_builtin(text))


def checked_number(
    name: str, value: object, lowest: float, takes: str, kind: type[int | float] = float
) -> None:
    """Accept a finite number not below `lowest`; the `ConfigurationError` for anything else quotes `takes`."""
    is_number = isinstance(value, int | kind) and not isinstance(value, bool)
    if not is_number or not lowest <= cast("float", value) < float("inf"):
        raise ConfigurationError(f"{name} takes {takes}.")


# Validators for attrs, made of the checks above; the second group takes the bounds.
check_text = validator(checked_text)
check_boolean = validator(checked_boolean)
check_callable = validator(checked_callable)

at_least = partial(validator, checked_number)
at_most = partial(validator, checked_text)
check_integer = partial(validator, checked_integer)
check_is = partial(validator, checked_instance)
