"""What an assistant gets to see of values that others wrote: bounded, without what hides or reorders text."""

from __future__ import annotations

import re
from typing import Any, cast

from agentcalls.cli.show.output import printable_lines
from agentcalls.described import finite

LONGEST_TEXT = 4_000
"""Characters; what is longer is cut."""
_NUMBER = re.compile(r"\+\d[\d\s().-]{5,}\d")


def presented(value: Any) -> Any:
    """A value of JSON whose texts, also its names, have no control characters and are cut where they are long."""
    if isinstance(value, str):
        return text_of(value)
    if isinstance(value, list):
        return [presented(item) for item in cast("list[object]", value)]
    if isinstance(value, dict):
        items = cast("dict[str, object]", value).items()
        return {text_of(name): presented(item) for name, item in items}
    return finite(value)


def text_of(text: str) -> str:
    """A text as `presented` has it."""
    # Characters that no screen shows can carry what only a model reads.
    shown = printable_lines(text[:LONGEST_TEXT])
    return shown if len(text) <= LONGEST_TEXT else f"{shown}… ({len(text):,} characters)"


def sentence_shown(sentence: str, *, show_numbers: bool) -> str:
    """A sentence about an error, on one line; it may hold a server's words, and numbers in them."""
    sentence = " ".join(sentence.split())
    # Only numbers in the international form are masked. Other forms look like ids, dates and times.
    return text_of(sentence if show_numbers else _NUMBER.sub("…", sentence))
