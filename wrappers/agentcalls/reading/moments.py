"""The forms of `since` and `until`, and the moment that each form means."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Any, TypeAlias

from agentcalls.durations import duration_of
from agentcalls.errors import ConfigurationError

if TYPE_CHECKING:
    from attrs import Attribute

Moment: TypeAlias = datetime | date | str
"""An aware datetime, a date (its midnight in UTC), or text: a duration before now such as "24h", or ISO 8601."""

_FORMS = (
    'an aware datetime, a date, a duration such as "24h" or "7d", or ISO 8601 text with an offset'
)


def resolved(name: str, moment: Moment | None, now: datetime) -> datetime | None:
    """The moment in UTC that `moment` means at `now`; None for None.

    A duration, as read by `duration_of`, counts back from `now`; a date means its midnight in UTC. Raises
    `ConfigurationError` for anything else, also for a datetime without time zone; the message names the option.
    """
    try:
        return None if moment is None else _resolved(moment, now).astimezone(UTC)
    except (ValueError, OverflowError, TypeError):
        raise ConfigurationError(f"{name} takes {_FORMS}; not {moment!r}.") from None


def is_duration(moment: Moment | None) -> bool:
    """Whether it counts back from the time of the request."""
    return isinstance(moment, str) and duration_of(moment) is not None


def check_moment(_: object, attribute: Attribute[Any], value: Any) -> None:
    """Accept a `Moment` or None; raises `ConfigurationError` for anything else."""
    resolved(attribute.name, value, datetime.now(UTC))


def _resolved(moment: object, now: datetime) -> datetime:
    if isinstance(moment, str):
        if (length := duration_of(moment)) is not None:
            return now - length
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", moment):
            moment = date.fromisoformat(moment)
        else:
            from dateutil.parser import isoparse  # noqa: PLC0415 (slow to import, and rarely needed)

            moment = isoparse(moment)
    if isinstance(moment, date) and not isinstance(moment, datetime):
        return datetime.combine(moment, time(), UTC)
    if not isinstance(moment, datetime) or moment.utcoffset() is None:
        raise ValueError
    return moment
