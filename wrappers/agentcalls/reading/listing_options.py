"""The options for reading a listing, which the client uses and does not send."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from attrs import Attribute, AttrsInstance, field, fields, frozen
from attrs.validators import optional

from agentcalls.checks import builtin_fields, check_boolean, check_callable, check_integer, check_is
from agentcalls.errors import ConfigurationError
from agentcalls.reading.moments import Moment, TimeZone, check_moment, check_zone, resolved
from agentcalls.request.concurrency import Concurrency, check_concurrency
from agentcalls.values import Checkpoint

if TYPE_CHECKING:
    from collections.abc import Callable

    from agentcalls.checks import Several
    from agentcalls.values import AgentReport


def _checkpoints(_: object, attribute: Attribute[Any], value: object) -> None:
    # mypy knows it as a mapping already, pyright as one of anything.
    given: Any = value
    if not isinstance(value, Mapping) or not all(
        isinstance(each, Checkpoint) for each in given.values()
    ):
        raise ConfigurationError(f"{attribute.name} takes a mapping from agent ids to checkpoints.")


@frozen(kw_only=True, field_transformer=builtin_fields)
class ReadOptions:
    """The options of `client.calls.list` that are not API parameters; see there. None means the client's setting."""

    tz: TimeZone | None = field(default=None, validator=check_zone)
    since: Moment | None = field(default=None, validator=check_moment)
    until: Moment | None = field(default=None, validator=check_moment)
    oldest_first: bool = field(default=False, validator=check_boolean)
    exact: bool = field(default=True, validator=check_boolean)
    max_items: int | None = field(default=None, validator=optional(check_integer(0)))
    resume: Checkpoint | None = field(
        default=None, repr=False, validator=optional(check_is(Checkpoint))
    )
    concurrency: Concurrency | None = field(default=None, validator=optional(check_concurrency))
    strict: bool | None = field(default=None, validator=optional(check_boolean))
    max_retries: int | None = field(default=None, validator=optional(check_integer(0)))

    def check_span(self, wall: float) -> None:
        """Raise `ConfigurationError` if `since` is not before `until`; `wall` is the present, as Unix time."""
        now = datetime.fromtimestamp(wall, UTC)
        since, until = (
            resolved(name, getattr(self, name), now, self.tz) for name in ("since", "until")
        )
        if since and until and since >= until:
            begin, end = (
                repr(moment) if isinstance(moment, str) else str(moment)
                for moment in (self.since, self.until)
            )
            raise ConfigurationError(
                f"since takes a moment before until=…: {begin} is not before {end}."
            )

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
        default=None, repr=False, validator=optional(check_callable)
    )


def check_order(sort: str | None, *, oldest_first: object) -> None:
    """Raise `ConfigurationError` if a caller names two orders."""
    if sort is not None and oldest_first:
        raise ConfigurationError("oldest_first=True and sort=… contradict each other.")


def own_moments(
    since: Moment | Mapping[str, Moment | None] | Callable[[str], Moment | None] | None,
) -> Callable[[str], Moment | None] | None:
    """The moment of each agent if `since` is a mapping or a function; None if all share one."""
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
