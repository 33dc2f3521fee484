"""CSV: a line of names, then a line for each call; what a spreadsheet would take for a formula is marked as text.

RFC 4180 but for the line ends, which are those of Unix; in UTF-8. None and an empty text are both empty.
"""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any

from agentcalls.table.columns import COLUMNS, columns_of, with_json_texts
from agentcalls.table.text import E164, FORMULA, csv_safe, write_csv

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agentcalls import Call

# In all texts of a column, each behind a NUL: one that begins as a formula does and is no number. A text that holds a
# NUL can only make it look closer.
_ANY_FORMULA = re.compile(rf"\0(?!{E164}(?:\0|\Z)){FORMULA}")
_WORDS = {True: "true", False: "false"}


def encode(agent_id: str, calls: Sequence[Call]) -> bytes:
    """The lines of some calls."""
    columns = with_json_texts(columns_of(agent_id, calls))
    for number, column in enumerate(COLUMNS):
        if column.kind is str:
            columns[number] = _harmless(columns[number])
        elif column.kind is bool:
            columns[number] = list(map(_WORDS.get, columns[number]))
    return _lines(zip(*columns, strict=True))


def header() -> bytes:
    """The line of names."""
    return _lines([[column.name for column in COLUMNS]])


def _lines(rows: Any) -> bytes:
    lines = io.StringIO(newline="")
    write_csv(lines, rows)
    return lines.getvalue().encode()


def _harmless(texts: list[str | None]) -> list[str | None]:
    if not _ANY_FORMULA.search("\0" + "\0".join(filter(None, texts))):
        return texts
    return [text and csv_safe(text) for text in texts]
