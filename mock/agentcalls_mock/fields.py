"""Rows by the names of their fields: what is left out has a default, and what is wrong is refused with a sentence."""

import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from difflib import get_close_matches
from enum import Enum
from typing import Any, get_args, get_type_hints

from agentcalls_mock.arguments import EARLIEST, LATEST
from agentcalls_mock.data import Call, timestamp
from agentcalls_mock.profiles import Profile, profile_of

_TIMES = {"created_on", "ringing_at", "ended_at", "created_at", "updated_at"}
_OWN, _CUSTOMER = "+14155550100", "+14155550123"
_RINGS_AFTER, _TALKS, _LASTS = 2_000, 42, 45_000
_LARGEST = 2**63 - 1

# What a call of each status has by default, beside its number and its times.
_BY_STATUS: Mapping[str, Mapping[str, Any]] = {
    "ended": {"duration_seconds": _TALKS, "end_reason": "customer_ended_call"},
    "busy": {"end_reason": "busy"},
    "failed": {"end_reason": "failed", "error_reason": "SIP 503 Service Unavailable"},
    "cancelled": {"end_reason": "cancelled_by_user"},
}
_RANG = {"ringing", "answered", "ended"}


def call_of(fields: Mapping[str, Any], *, id: str, created: int) -> Call:
    """The call with these fields; what is left out fits its status, and is all made up.

    `created` is its creation in Unix milliseconds unless `created_on` is given. Times are aware datetimes, or ISO 8601
    with an offset, kept to the millisecond. Raises `TypeError` for a field that calls do not have, or of a wrong type,
    and `ValueError` for a time without a zone.
    """
    given = _checked(fields, Call)
    status = given.get("status", "ended")
    if "created_on" in given:
        created = milliseconds(given["created_on"])
    ended = status in _BY_STATUS
    default = Call(
        id=id,
        source=_OWN,
        destination=_CUSTOMER,
        status=status,
        direction="outbound",
        created_on=timestamp(created),
        duration_seconds=None,
        is_test_call=False,
        error_reason=None,
        end_reason=None,
        ringing_at=timestamp(created + _RINGS_AFTER) if status in _RANG else None,
        ended_at=timestamp(created + _LASTS) if ended else None,
    )
    return default._replace(**{**_BY_STATUS.get(status, {}), **given})


def agent_of(agent_id: str, fields: Mapping[str, Any], *, place: int, now: datetime) -> Profile:
    """The agent with these fields; what is left out is made up. Raises like `call_of`."""
    if "id" in fields:
        message = "the id of an agent is the first argument"
        raise TypeError(message)
    given = _checked({"id": agent_id, **fields}, Profile)
    return profile_of(agent_id, place, now)._replace(**given)


def meant(name: str, known: Sequence[str]) -> str:
    """The name among the known ones that was probably meant, as a question; "" if none is close."""
    close = get_close_matches(name, known, 1)
    return f"; did you mean {close[0]!r}?" if close else ""


def milliseconds(value: datetime | str, name: str = "") -> int:
    """The Unix time in whole milliseconds; raises `ValueError` for no time, and for one without a zone."""
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        message = f"{name} is no ISO 8601 time: {value!r}"
        raise ValueError(message) from None
    if moment.utcoffset() is None:
        message = f"{name} has no time zone: {value!s}. Take datetime.now(UTC), or add an offset"
        raise ValueError(message)
    if not EARLIEST <= moment.year <= LATEST:
        message = f"{name} is not in the years {EARLIEST} to {LATEST}: {value!s}"
        raise ValueError(message)
    # Exact: a float of seconds may be a microsecond short of its millisecond.
    since = moment.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1_000 + since.microseconds // 1_000


def check_whole(name: str, value: object, least: int, most: int | None = None) -> None:
    """Raise `ValueError` for anything but a whole number within the bounds."""
    whole = value if isinstance(value, int) and not isinstance(value, bool) else None
    if whole is None or whole < least or (most is not None and whole > most):
        bounds = f"from {least}" if most is None else f"from {least} to {most}"
        message = f"{name} takes a whole number {bounds}, not {value!r}"
        raise ValueError(message)


def check_seconds(name: str, value: object, *, is_zero_allowed: bool = True) -> None:
    """Raise `ValueError` for anything but a finite number of seconds, above 0 or from it."""
    number = value if isinstance(value, int | float) and not isinstance(value, bool) else -1
    if not (0 <= number <= sys.float_info.max and (number or is_zero_allowed)):
        bounds = "from 0" if is_zero_allowed else "above 0"
        message = f"{name} takes seconds {bounds}, not {value!r}"
        raise ValueError(message)


def _checked(fields: Mapping[str, Any], row: type[Call | Profile]) -> dict[str, Any]:
    hints = get_type_hints(row)
    return {name: _value(name, value, row, hints) for name, value in fields.items()}


def _value(name: str, value: Any, row: type[Call | Profile], hints: Mapping[str, Any]) -> Any:
    if name not in hints:
        what = "a call" if row is Call else "an agent"
        message = f"{name!r} is no field of {what}{meant(name, list(hints))}"
        raise TypeError(message)
    kinds = get_args(hints[name]) or (hints[name],)
    value = value.value if isinstance(value, Enum) else value
    if name in _TIMES and isinstance(value, datetime | str):
        return timestamp(milliseconds(value, name))
    if type(value) not in kinds:
        expected = " or ".join("None" if kind is type(None) else kind.__name__ for kind in kinds)
        expected = expected.replace("str", "an aware datetime") if name in _TIMES else expected
        message = f"{name} takes {expected}, not {value!r}"
        raise TypeError(message)
    if isinstance(value, str):
        _check_text(name, value)
    if isinstance(value, int) and abs(value) > _LARGEST:
        message = f"{name} is beyond 64 bits: {value}"
        raise ValueError(message)
    return value


def _check_text(name: str, value: str) -> None:
    try:
        value.encode()
    except UnicodeEncodeError:
        message = f"{name} holds half a character (a lone surrogate), which UTF-8 cannot carry"
        raise ValueError(message) from None
    if name == "id" and not value:
        message = "id is empty"
        raise ValueError(message)
