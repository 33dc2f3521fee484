"""CSV: its lines, and text that no spreadsheet takes for a formula."""

from __future__ import annotations

import csv
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TextIO

E164 = r"\+[1-9][0-9]{1,14}"
FORMULA = r"[\r\n]*[=+@\t-]"
"""How a text begins that may be taken for a formula; who skips line breaks takes what is behind them for one."""

_NUMBER, _FORMULA = re.compile(E164), re.compile(FORMULA)


def csv_safe(text: str) -> str:
    """The text with an apostrophe before it where it begins like a formula; an E.164 number stays as it is."""
    is_formula = _FORMULA.match(text) and not _NUMBER.fullmatch(text)
    return f"'{text}" if is_formula else text


def write_csv(file: TextIO, rows: Iterable[Iterable[object]]) -> None:
    """Write lines that end as those of Unix do, the same bytes in every Python."""
    # Python before 3.13 quotes only those line breaks of a text that also end a line.
    csv.writer(_UnixLines(file), lineterminator="\r\n").writerows(rows)


class _UnixLines:
    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, line: str) -> None:
        self._file.write(f"{line[:-2]}\n")
