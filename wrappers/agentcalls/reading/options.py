"""The options of reading a listing: the client uses them, and the API does not get them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from attrs import Attribute, AttrsInstance, field, fields, frozen
from attrs.validators import optional

from agentcalls.checks import Several, builtin_fields, check_boolean, check_integer
from agentcalls.errors import ConfigurationError
from agentcalls.reading.moments import Moment, TimeZone, check_moment, check_zone
from agentcalls.settings import MAX_CONCURRENCY
from agentcalls.values import Checkpoint

if TYPE_CHECKING:
    from collections.abc import Callable

    from agentcalls.values import AgentReport


def _checkpoint(_: object, attribute: Attribute[Any], value: object) -> None:
    if not isinstance(value, Checkpoint):
        raise ConfigurationError(
            f"{attribute.name} takes a Checkpoint, not {type(value).__name__}."
        )


def _checkpoints(_: object, attribute: Attribute[Any], value: object) -> None:
    if not isinstance(value, Mapping):
        raise ConfigurationError(f"{attribute.name} takes a mapping from agent ids to checkpoints.")


def _callable(_: object, attribute: Attribute[Any], value: object) -> None:
    if not callable(value):
        raise ConfigurationError(f"{attribute.name} takes a callable, not {type(value).__name__}.")


@frozen(kw_only=True, field_transformer=builtin_fields)
class ReadOptions:
    """The options of `client.calls.list` that are not API parameters; see there. None means the client's setting."""

    tz: TimeZone | None = field(default=None, validator=check_zone)
    since: Moment | None = field(default=None, validator=check_moment)
    until: Moment | None = field(default=None, validator=check_moment)
    oldest_first: bool = field(default=False, validator=check_boolean)
    exact: bool = field(default=True, validator=check_boolean)
    max_items: int | None = field(default=None, validator=optional(check_integer(0)))
    resume: Checkpoint | None = field(default=None, repr=False, validator=optional(_checkpoint))
    concurrency: int | None = field(
        default=None, validator=optional(check_integer(1, MAX_CONCURRENCY))
    )
    strict: bool | None = field(default=None, validator=optional(check_boolean))
    max_retries: int | None = field(default=None, validator=optional(check_integer(0)))

    @property
    def needs_iterating(self) -> bool:
        """Whether `since`, `until` or `resume` is given: the API itself has no such parameters."""
        return any(option is not None for option in (self.since, self.until, self.resume))


@frozen(kw_only=True, field_transformer=builtin_fields)
class ManyOptions:
    """The options of `client.calls.list_many` that `list` does not have; see there."""

    agent_ids: Several = field(repr=False)
    resume: Mapping[str, Checkpoint] = field(repr=False, validator=_checkpoints)
    since: Callable[[str], Moment | None] | None = field(default=None, repr=False)
    """The moment of each agent; None where they share one."""
    stop_on_error: bool = field(default=False, validator=check_boolean)
    ordered: bool = field(default=False, validator=check_boolean)
    on_agent: Callable[[AgentReport], object] | None = field(
        default=None, repr=False, validator=optional(_callable)
    )


def check_order(sort: str | None, *, oldest_first: object) -> None:
    """Raise `ConfigurationError` where a caller asks for two orders."""
    if sort is not None and oldest_first:
        raise ConfigurationError("oldest_first=True and sort=… contradict each other.")


def own_moments(
    since: Moment | Mapping[str, Moment | None] | Callable[[str], Moment | None] | None,
) -> Callable[[str], Moment | None] | None:
    """The moment of each agent where `since` is a mapping or a function; None where it is one for all of them."""
    if isinstance(since, Mapping):
        # pyright sees a mapping of anything.
        return partial(_moment_in, cast("Mapping[str, Moment | None]", since))  # type: ignore[redundant-cast]
    return since if callable(since) else None


def _moment_in(moments: Mapping[str, Moment | None], agent_id: str) -> Moment | None:
    try:
        return moments[agent_id]  # a mapping may have its own default
    except KeyError:
        return None


def settings_shown(*values: AttrsInstance) -> str:
    """The settings that differ from their defaults, as a repr shows them."""
    found = [
        f"{one.name}={getattr(value, one.name)!r}"
        for value in values
        for one in fields(type(value))
        if one.repr and one.name != "agent_id" and getattr(value, one.name) != one.default
    ]
    return f": {', '.join(found)}" if found else ""
