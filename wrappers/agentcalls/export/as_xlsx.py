"""Excel: sheets of calls with a heading each; phone numbers are text, timestamps are Excel's, in UTC.

Excel has no time zones, milliseconds at best, no year before 1900, 15 digits, and 32,767 characters in a cell. What it
cannot hold is text, and text that is too long is cut.
"""

from __future__ import annotations

from datetime import date, datetime
from itertools import count as numbers
from typing import TYPE_CHECKING, Any
from zipfile import ZipFile

from agentcalls.export.disk import operations
from agentcalls.export.spool import spooled_columns
from agentcalls.table.columns import COLUMNS
from agentcalls.table.extras import need

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MOST_ROWS = 1_048_575
"""Calls on a sheet, below its heading."""
_LONGEST = 32_767
_EXACT = 10**15
_FIRST_YEAR = 1900
_CHUNK_BYTES = 1 << 20
_ROW = b"<row "


def build(rows: Path, path: Path, built: Callable[[int], object]) -> None:
    """Build the file from the spooled rows, in memory that does not grow with them."""
    spill = path.with_name("spill")
    operations.remove_tree(spill)
    operations.make_folder(spill)
    options = {"constant_memory": True, "tmpdir": str(spill)}
    with operations.new(path) as file, need("xlsxwriter").Workbook(file, options) as book:
        sheets = _Sheets(book)
        for columns in spooled_columns(rows):
            for row in zip(*columns, strict=True):
                sheets.write(row)
            built(sheets.rows)
    operations.remove_tree(spill)


def count(path: Path) -> int:
    """The number of rows in a file, without the headings."""
    with operations.read(path) as file, ZipFile(file) as book:
        sheets = [name for name in book.namelist() if name.startswith("xl/worksheets/sheet")]
        return sum(_rows_of(book, name) - 1 for name in sheets)


def _rows_of(book: ZipFile, name: str) -> int:
    found, end = 0, b""
    with book.open(name) as sheet:
        while chunk := sheet.read(_CHUNK_BYTES):
            found += (end + chunk).count(_ROW)
            end = chunk[1 - len(_ROW) :]
    return found


class _Sheets:
    """The sheets of a book: when one is full, the next begins."""

    def __init__(self, book: Any) -> None:
        self.rows = 0
        self._book = book
        self._bold = book.add_format({"bold": True})
        self._formats = {
            datetime: book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss.000"}),
            date: book.add_format({"num_format": "yyyy-mm-dd"}),
        }
        self._names = ("calls" if number == 1 else f"calls {number}" for number in numbers(1))
        self._begin()

    def _begin(self) -> None:
        self._line = 0
        self._sheet = self._book.add_worksheet(next(self._names))
        self._sheet.freeze_panes(1, 0)
        for place, column in enumerate(COLUMNS):
            self._sheet.set_column(place, place, 24 if column.kind is datetime else 16)
            self._sheet.write_string(0, place, column.name, self._bold)

    def write(self, row: tuple[Any, ...]) -> None:
        if self._line == MOST_ROWS:
            self._begin()
        self.rows += 1
        self._line += 1
        for place, (value, column) in enumerate(zip(row, COLUMNS, strict=True)):
            if value is not None:
                self._write(place, value, column.kind)

    def _write(self, place: int, value: Any, kind: type) -> None:
        at, sheet = (self._line, place), self._sheet
        if isinstance(value, bool):
            sheet.write_boolean(*at, value)
        elif isinstance(value, int | float) and abs(value) < _EXACT:
            sheet.write_number(*at, value)
        elif isinstance(value, str) and kind in self._formats and int(value[:4]) > _FIRST_YEAR:
            moment = datetime.fromisoformat(value).replace(tzinfo=None)
            sheet.write_datetime(*at, moment, self._formats[kind])
        else:
            # Never as what it looks like: no formula, no link, no number.
            sheet.write_string(*at, str(value)[:_LONGEST])
