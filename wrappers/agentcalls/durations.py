"""Durations as text, for `since`, `until` and the command line's options."""

from __future__ import annotations

import re
from datetime import timedelta

from agentcalls.errors import ConfigurationError

_UNITS = {
    "ms": "milliseconds",
    "s": "seconds",
    "m": "minutes",
    "h": "hours",
    "d": "days",
    "w": "weeks",
}
_DURATION = re.compile(rf"([0-9]{{1,9}})({'|'.join(_UNITS)})")


def duration_of(text: str) -> timedelta | None:
    """The duration in a text: digits and ms, s, m, h, d or w, such as `24h`; None for any other text."""
    if not isinstance(text, str):  # a caller may pass anything
        raise ConfigurationError(f"text takes a string, not {type(text).__name__}.")
    matched = _DURATION.fullmatch(text)
    try:
        return timedelta(**{_UNITS[matched[2]]: int(matched[1])}) if matched else None
    except OverflowError:
        return None
