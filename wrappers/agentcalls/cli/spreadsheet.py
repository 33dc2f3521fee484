"""Text that no spreadsheet takes for a formula."""

from __future__ import annotations

import re

_E164 = re.compile(r"\+[1-9][0-9]{1,14}")


def csv_safe(text: str) -> str:
    """The text with an apostrophe before it where it begins like a formula; an E.164 number stays as it is."""
    is_formula = text.startswith(("=", "+", "-", "@", "\t")) and not _E164.fullmatch(text)
    return f"'{text}" if is_formula else text
