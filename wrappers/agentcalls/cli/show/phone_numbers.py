"""Telephone numbers, masked for people who need not know them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Collection

_TAIL = 3
_SMALLEST = 10**6
_NUMBER_IN_TEXT = re.compile(r"\+?\d[\d\s().-]{5,}\d")


# The values of these fields look like telephone numbers.
_IDS = {"agent_id", "id", "url"}
_MOMENTS = {"created_on", "created_at", "ringing_at", "ended_at", "started_at", "answered_at"}


def masked(number: str) -> str:
    """A number's last digits: they distinguish callers, but are not enough to call them."""
    return f"…{number[-_TAIL:]}" if len(number) > 2 * _TAIL else "…" * bool(number)


def without_numbers(text: str) -> str:
    """The text with "…" for each number in it."""
    return _NUMBER_IN_TEXT.sub("…", text)


def without_numbers_within(value: Any, left: Collection[str]) -> Any:
    """The same of all that is within a value of JSON, but for what has one of the names in `left`."""
    if isinstance(value, str):
        return without_numbers(value)
    if isinstance(value, int | float):
        return value if abs(value) < _SMALLEST else "…"
    if isinstance(value, list):
        return [without_numbers_within(item, left) for item in cast("list[object]", value)]
    if isinstance(value, dict):
        items = cast("dict[str, object]", value).items()
        return {
            name: item if name in left else without_numbers_within(item, left)
            for name, item in items
        }
    return value


def call_without_numbers(row: dict[str, Any]) -> dict[str, Any]:
    """A call by JSON names with its numbers masked, also those within texts; its ids and moments stay."""
    found: dict[str, Any] = without_numbers_within(row, _IDS | _MOMENTS)
    for name in ("source", "destination"):
        if isinstance(row[name], str):
            found[name] = masked(row[name])
    return found
