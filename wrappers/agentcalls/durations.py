"""Durations as text, for `since`, `until` and the command line's options."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import cast

from agentcalls.errors import ConfigurationError

_UNITS = {
    "milliseconds": "ms|milliseconds?",
    "seconds": "s|secs?|seconds?",
    "minutes": "m|mins?|minutes?",
    "hours": "h|hrs?|hours?",
    "days": "d|days?",
    "weeks": "w|weeks?",
}
_DURATION = re.compile(
    "([0-9]{1,9}) ?(?:" + "|".join(f"(?P<{unit}>{names})" for unit, names in _UNITS.items()) + ")"
)


def duration_of(text: str) -> timedelta | None:
    """The duration in a text such as `24h`, `24 h` or `24 hours`; None for any other text.

    The units are ms, s, m, h, d and w, or their names.
    """
    if not isinstance(cast("object", text), str):  # a caller may pass anything
        raise ConfigurationError(f"text takes a string, not {type(text).__name__}.")
    matched = _DURATION.fullmatch(text)
    try:
        return timedelta(**{str(matched.lastgroup): int(matched[1])}) if matched else None
    except OverflowError:
        return None
