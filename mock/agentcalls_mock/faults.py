"""Faults on purpose, to test clients: which requests fail, and how; by default none.

A mock with faults switched on fails every Nth request, and each that asks for it with `X-Mock-Fault: KIND`.
"""

import re
from dataclasses import dataclass

_NAMES = {"empty", "html", "stall", "truncate"}


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault of every Nth request; if `every` is 0, only requests that ask for a fault fail."""

    kind: str
    every: int = 1


def parse_fault(text: str) -> Fault | None:
    """The fault for `KIND[:N]` or `header`; None for any other text."""
    kind, colon, number = text.partition(":")
    if text == "header":
        return Fault("", 0)
    if not is_kind(kind) or (colon and not re.fullmatch(r"[1-9]\d{0,8}", number, re.ASCII)):
        return None
    return Fault(kind, int(number or 1))


def is_kind(text: str) -> bool:
    """Whether this is a status from 400 to 599 or the name of a fault."""
    return bool(re.fullmatch(r"[45]\d\d", text, re.ASCII)) or text in _NAMES
