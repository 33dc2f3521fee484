"""Validators of settings and arguments: each raises `ConfigurationError`, which says what is allowed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from agentcalls.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from attrs import Attribute


_LARGEST = 2**53 - 1  # the largest integer that JSON and JavaScript represent exactly


def check_text(_: object, attribute: Attribute[Any], value: object) -> None:
    """Accept a string that can be sent; raises `ConfigurationError` for anything else."""
    if not isinstance(value, str):
        raise ConfigurationError(f"{attribute.name} takes a string, not {type(value).__name__}.")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise ConfigurationError(f"{attribute.name} cannot be encoded as UTF-8.") from error


def check_integer(
    lowest: int, highest: int = _LARGEST
) -> Callable[[object, Attribute[Any], object], None]:
    """A validator for integers from `lowest` to `highest`, both included; raises `ConfigurationError`."""
    bounds = f"an integer from {lowest}" + (f" to {highest}" if highest < _LARGEST else "")

    def check(_: object, attribute: Attribute[Any], value: object) -> None:
        if not isinstance(value, int) or isinstance(value, bool):
            raise ConfigurationError(
                f"{attribute.name} takes {bounds}, not {type(value).__name__}."
            )
        if not lowest <= value <= highest:
            most = bounds if value < lowest else f"an integer from {lowest} to {highest}"
            raise ConfigurationError(f"{attribute.name} takes {most}.")

    return check


def check_boolean(_: object, attribute: Attribute[Any], value: object) -> None:
    """Accept True and False; raises `ConfigurationError` for anything else."""
    if not isinstance(value, bool):
        raise ConfigurationError(
            f"{attribute.name} takes True or False, not {type(value).__name__}."
        )


def at_least(
    lowest: float, takes: str, kind: type[int | float] = float
) -> Callable[[object, Attribute[Any], object], None]:
    """A validator for a finite number not below `lowest`; the `ConfigurationError` quotes `takes`."""

    def check(_: object, attribute: Attribute[Any], value: object) -> None:
        number = isinstance(value, int | kind) and not isinstance(value, bool)
        if not number or not lowest <= cast("float", value) < float("inf"):
            raise ConfigurationError(f"{attribute.name} takes {takes}.")

    return check
