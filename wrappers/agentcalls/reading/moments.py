"""The forms of `since` and `until`, the moment that each form means, and the time zone of a form that names none."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import TYPE_CHECKING, Any, TypeAlias

from agentcalls.checks import did_you_mean
from agentcalls.durations import duration_of
from agentcalls.errors import ConfigurationError

if TYPE_CHECKING:
    from attrs import Attribute

Moment: TypeAlias = datetime | date | timedelta | str
"""A datetime, a date (its midnight), a duration before now (a timedelta, or text such as "24h"), "today", "yesterday",
or ISO 8601 text."""

TimeZone: TypeAlias = tzinfo | str
"""A tzinfo, the name of an IANA time zone, or "local" for this machine's."""

_FORMS = (
    'a datetime, a date, a duration such as "24h" or "7d", "today", "yesterday", or ISO 8601 text'
)
_DAYS_AGO = {"today": 0, "yesterday": 1}


def resolved(
    name: str, moment: Moment | None, now: datetime, tz: TimeZone | None = None
) -> datetime | None:
    """Convert `moment` to a datetime in UTC, relative to `now`; None stays None.

    A duration, as read by `duration_of`, counts back from `now`. Days and times without an offset are those of `tz`;
    without it, days are those of UTC. Raises `ConfigurationError` for anything else; the message names the option.
    """
    try:
        return None if moment is None else _resolved(moment, now, tz).astimezone(UTC)
    except _NaiveError:
        raise ConfigurationError(
            f"{name} takes a time with an offset or a tzinfo, or tz=… beside it; not {moment!r}."
        ) from None
    except (ValueError, OverflowError, TypeError):
        raise ConfigurationError(
            f"{name} takes {_FORMS}; not {moment!r}.{did_you_mean(moment, _DAYS_AGO)}"
        ) from None


class _NaiveError(ValueError):
    """A time of day whose zone is not known."""


def is_relative(moment: Moment | None) -> bool:
    """Whether it depends on the time of the request."""
    return isinstance(moment, timedelta) or (
        isinstance(moment, str) and (moment in _DAYS_AGO or duration_of(moment) is not None)
    )


def check_moment(options: Any, attribute: Attribute[Any], value: Any) -> None:
    """Accept a `Moment` or None in the time zone of the options; raises `ConfigurationError` for anything else."""
    resolved(attribute.name, value, datetime.now(UTC), options.tz)


def check_zone(_: object, attribute: Attribute[Any], value: Any) -> None:
    """Accept a `TimeZone` or None; raises `ConfigurationError` for anything else."""
    try:
        if value not in {None, "local"}:
            _zone(value)
    except (ValueError, OSError, TypeError, LookupError, AttributeError):
        from zoneinfo import available_timezones  # noqa: PLC0415 (rarely needed)

        raise ConfigurationError(
            f'{attribute.name} takes a tzinfo, the name of a time zone such as "Europe/Berlin", or "local";'
            f" this machine knows no {value!r}.{did_you_mean(value, available_timezones())}"
        ) from None


def _resolved(moment: object, now: datetime, tz: TimeZone | None) -> datetime:
    if isinstance(moment, str):
        moment = _meant(moment, now, tz)
    if isinstance(moment, timedelta):
        if moment < timedelta():
            raise ValueError
        return now - moment
    if isinstance(moment, date) and not isinstance(moment, datetime):
        moment, tz = datetime.combine(moment, time()), tz or UTC
    if not isinstance(moment, datetime):
        raise TypeError
    if moment.tzinfo is not None and moment.utcoffset() is not None:
        return moment
    if tz is None:
        raise _NaiveError
    return moment.astimezone() if tz == "local" else moment.replace(tzinfo=_zone(tz))


def _meant(text: str, now: datetime, tz: TimeZone | None) -> object:
    if text in _DAYS_AGO:
        today = now.astimezone(None if tz == "local" else _zone(tz or UTC)).date()
        return today - timedelta(days=_DAYS_AGO[text])
    if (length := duration_of(text)) is not None:
        return length
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        return date.fromisoformat(text)
    from dateutil.parser import isoparse  # noqa: PLC0415 (slow to import, and rarely needed)

    return isoparse(text)


def _zone(tz: TimeZone) -> tzinfo:
    if isinstance(tz, tzinfo):
        return tz
    from zoneinfo import ZoneInfo  # noqa: PLC0415 (rarely needed)

    return ZoneInfo(tz)
