"""Lengths of time as options take them."""

from __future__ import annotations

import re
from datetime import timedelta

from agentcalls.cli.failures import Code, Failure

_UNITS = {
    "ms": "milliseconds",
    "s": "seconds",
    "m": "minutes",
    "h": "hours",
    "d": "days",
}


def duration(name: str, text: str, *, least: timedelta, most: timedelta) -> timedelta:
    """The length of time that an option's text means, `10s` or `500ms`; raises `Failure`, which names the option."""
    matched = re.fullmatch(r"([0-9]{1,6})(ms|[smhd])", text)
    length = timedelta(**{_UNITS[matched[2]]: int(matched[1])}) if matched else timedelta(-1)
    if not least <= length <= most:
        raise Failure(
            f"{name} takes a time from {_words(least)} to {_words(most)}, such as 10s, 5m or 1h (ms, s, m, h, d); "
            f"not {text!r}.",
            Code.USAGE,
        )
    return length


def _words(length: timedelta) -> str:
    for unit in ("d", "h", "m", "s"):
        count, rest = divmod(length, timedelta(**{_UNITS[unit]: 1}))
        if count and not rest:
            return f"{count}{unit}"
    return f"{length // timedelta(milliseconds=1)}ms"
