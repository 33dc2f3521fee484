"""Durations and shares in options, with bounds."""

from __future__ import annotations

import re
from datetime import timedelta
from fractions import Fraction

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


def percentage(name: str, text: str) -> Fraction:
    """The share in an option's text, 1/20 for `5%`; raises `Failure`, which names the option."""
    matched = re.fullmatch(r"([0-9]{1,3}(?:\.[0-9]{1,6})?) ?%", text)
    share = Fraction(matched[1]) / 100 if matched else None
    if share is None or share > 1:
        raise Failure(
            f"{name} takes a percentage from 0% to 100% with its sign, such as 5% or 0.5%, "
            f"since 0.05 alone could be either; not {text!r}.",
            Code.USAGE,
        )
    return share


def _words(length: timedelta) -> str:
    unit = next((unit for unit, size in _UNITS.items() if length and not length % size), "ms")
    return f"{length // _UNITS[unit]}{unit}"
