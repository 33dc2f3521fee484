"""Durations in options, with bounds."""

from __future__ import annotations

from datetime import timedelta

from agentcalls import duration_of
from agentcalls.cli.failures import Code, Failure

_UNITS = {
    "d": timedelta(days=1),
    "h": timedelta(hours=1),
    "m": timedelta(minutes=1),
    "s": timedelta(seconds=1),
    "ms": timedelta(milliseconds=1),
}


def bounded_duration(name: str, text: str, *, least: timedelta, most: timedelta) -> timedelta:
    """The duration in an option's text, such as `10s` or `500ms`; raises `Failure`, which names the option."""
    length = duration_of(text)
    if length is None or not least <= length <= most:
        raise Failure(
            f"{name} takes a time from {_words(least)} to {_words(most)}, such as 10s, 5m or 1h (ms, s, m, h, d); "
            f"not {text!r}.",
            Code.USAGE,
        )
    return length


def _words(length: timedelta) -> str:
    unit = next((unit for unit, size in _UNITS.items() if length and not length % size), "ms")
    return f"{length // _UNITS[unit]}{unit}"
