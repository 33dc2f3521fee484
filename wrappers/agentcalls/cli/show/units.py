"""Shares and durations in readable form."""

from __future__ import annotations

_MINUTE, _HOUR = 60, 3600


def percent(rate: float | None) -> str:
    """`70.4%`; an empty text for None."""
    return "" if rate is None else f"{rate:.1%}"


def clock(seconds: float | None) -> str:
    """`1:05` or `2:00:00`; an empty text for None."""
    if seconds is None:
        return ""
    whole = round(seconds)
    minutes = f"{whole // _MINUTE}:{whole % _MINUTE:02}"
    if whole < _HOUR:
        return minutes
    return f"{whole // _HOUR}:{whole // _MINUTE % _MINUTE:02}:{whole % _MINUTE:02}"


def tenths(seconds: float | None) -> str:
    """`2.9 s`; an empty text for None."""
    return "" if seconds is None else f"{seconds:.1f} s"
