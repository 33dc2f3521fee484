"""What is asked of an agent's call log: the parameters of `listCalls`, checked before anything is sent."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from attrs import Attribute, asdict, evolve, field, frozen
from attrs.validators import optional

from agentcalls.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_LIMIT = 100
"""The largest page that the API gives, in calls."""

_LARGEST = 2**53 - 1  # what JSON and JavaScript take for an integer

CallStatus: TypeAlias = (
    Literal["queued", "ringing", "answered", "ended", "busy", "failed", "cancelled"] | str  # noqa: PYI051
)
"""The known statuses, for editors to offer. The list is open: any string is taken."""


def check_text(_: object, attribute: Attribute[Any], value: object) -> None:
    """Let a string pass that can be sent; raises `ConfigurationError` for anything else."""
    if not isinstance(value, str):
        raise ConfigurationError(f"{attribute.name} takes a string, not {type(value).__name__}.")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise ConfigurationError(f"{attribute.name} cannot be encoded as UTF-8.") from error


def _segment(_: object, attribute: Attribute[Any], value: str) -> None:
    # "." and ".." would be resolved away and reach another path with the key.
    if value in {"", ".", ".."} or any(
        unicodedata.category(character) == "Cc" for character in value
    ):
        raise ConfigurationError(
            f"{attribute.name} is {value!r}: it is empty, a dot segment, or holds a control character."
        )


def check_integer(
    lowest: int, highest: int = _LARGEST
) -> Callable[[object, Attribute[Any], object], None]:
    """A validator that lets the integers between the two pass, both included; raises `ConfigurationError`."""
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
    """Let True and False pass; raises `ConfigurationError` for anything else."""
    if not isinstance(value, bool):
        raise ConfigurationError(
            f"{attribute.name} takes True or False, not {type(value).__name__}."
        )


@frozen(kw_only=True)
class CallQuery:
    """One request for calls: each attribute is a parameter of `listCalls` in openapi.yaml; None is not sent.

    Raises `ConfigurationError` for a value that the contract does not allow.
    """

    agent_id: str = field(validator=[check_text, _segment])
    page: int | None = field(default=None, validator=optional(check_integer(1)))
    limit: int | None = field(default=None, validator=optional(check_integer(1, MAX_LIMIT)))
    search: str | None = field(default=None, validator=optional(check_text))
    sort: str | None = field(default=None, validator=optional(check_text))
    is_test_call: bool | None = field(default=None, validator=optional(check_boolean))
    status: CallStatus | None = field(default=None, validator=optional(check_text))

    @property
    def start(self) -> int:
        """The page that reading starts at, 1-based."""
        return self.page or 1

    @property
    def size(self) -> int:
        """Calls a page: the caller's `limit`, or else as many as the API gives."""
        return self.limit or MAX_LIMIT

    def window(self, page: int, limit: int) -> CallQuery:
        """The same query for page `page` (1-based) of `limit` calls a page."""
        return evolve(self, page=page, limit=limit)

    def sent(self) -> dict[str, Any]:
        """The parameters that are sent, by their Python names."""
        return asdict(self, filter=lambda _, value: value is not None)
