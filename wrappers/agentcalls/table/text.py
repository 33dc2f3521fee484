"""Rows as UTF-8 text: CSV, NDJSON and JSON, the same for exports and the command line.

CSV     A header line, then a line for each row; a text that looks like a formula is marked as text. RFC 4180, but with
        Unix line ends. None, an empty text and an empty object are empty.
NDJSON  One object per line.
JSON    An array of the same objects.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from functools import lru_cache
from types import NoneType
from typing import TYPE_CHECKING, Any

import msgspec
from attrs import evolve, frozen

from agentcalls.table.columns import COLUMNS, columns_of, storable, whole_text, with_json_texts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import IO, TextIO

    from agentcalls.models import Call

    Names = tuple[str, ...]
    Values = Sequence[Sequence[Any]]

NAMES = tuple(column.name for column in COLUMNS)
"""The columns of a table of calls."""

_E164 = r"\+[1-9][0-9]{1,14}"
# The start of a text that a spreadsheet may read as a formula; some skip line breaks before it, some take the
# full-width signs of East Asian keyboards for the plain ones.
_FORMULA = r"[\r\n]*[=+@\t\uff1d\uff0b\uff0d\uff20-]"
_IS_NUMBER, _IS_FORMULA = re.compile(_E164), re.compile(_FORMULA)
# Searches all texts of a column, each after a NUL, for one that looks like a formula and is not a number. A NUL within
# a text only causes a closer look.
_ANY_FORMULA = re.compile(rf"\0(?!{_E164}(?:\0|\Z)){_FORMULA}")
_SIGNS = "\r\n=+@\t-\uff1d\uff0b\uff0d\uff20"
_ENCODER = msgspec.json.Encoder()


@frozen(kw_only=True)
class TextForm:
    """How rows become text that can be appended to: a head, batches of rows, and a tail."""

    name: str
    encode: Callable[[Names, Values], bytes]
    """Returns the text of some rows, from the names of their columns and the values of each column."""
    head: Callable[[Names], bytes] = lambda _: b""
    """The text before the first row."""
    between: bytes = b""
    """The text between two batches."""
    tail: bytes = b""
    """The text after the last row."""
    nests: bool = True
    """Whether a value may be an object or a list; otherwise it is written as JSON text."""

    def of_calls(self, agent_id: str, calls: Sequence[Call], names: Names = NAMES) -> bytes:
        """The text of some calls of an agent, in these columns."""

        def encode(agent_id: str, calls: Sequence[Call]) -> bytes:
            values = columns_of(agent_id, calls)
            columns = zip(NAMES, values if self.nests else with_json_texts(values), strict=True)
            of_name = dict(columns)
            return self.encode(names, [of_name[name] for name in names])

        return storable(encode, agent_id, calls)

    def of_rows(self, names: Names, rows: Sequence[Mapping[str, Any]]) -> bytes:
        """The text of rows that map column names to values."""
        columns = [[row[name] for row in rows] for name in names]
        return self.encode(names, [list(map(_storable, column)) for column in columns])

    def write(self, file: IO[bytes], names: Names, batches: Iterable[bytes]) -> None:
        """Write a whole text from the text of each batch."""
        # Nothing is written before the first batch: a failure at the first request does not change the file.
        coming = iter(batches)
        first = next(coming, b"")
        file.write(self.head(names) + first)
        for batch in coming:
            file.write(self.between + batch)
        file.write(self.tail)


def _storable(value: Any) -> Any:
    return whole_text(value) if isinstance(value, str) else value


def row_of(agent_id: str, call: Call) -> dict[str, Any]:
    """A call as the object on a line of NDJSON."""
    columns = storable(columns_of, agent_id, [call])
    return {name: value for name, (value,) in zip(NAMES, columns, strict=True)}


def csv_safe(text: str) -> str:
    """The text, with an apostrophe in front if it looks like a formula; an E.164 number is not changed."""
    is_formula = _IS_FORMULA.match(text) and not _IS_NUMBER.fullmatch(text)
    return f"'{text}" if is_formula else text


def write_csv(file: TextIO, rows: Iterable[Iterable[object]]) -> None:
    """Write lines with Unix line ends, the same bytes in every Python."""
    # Before 3.13, Python quotes a text for a line break only if it is the line end in use.
    csv.writer(_UnixLines(file), lineterminator="\r\n").writerows(rows)


class _UnixLines:
    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, line: str) -> None:
        self._file.write(f"{line[:-2]}\n")


def _csv_lines(rows: Iterable[Sequence[str]]) -> bytes:
    rows = list(rows)
    commas = len(rows[0]) - 1 if rows else 0
    # Most rows need no quotes. The csv module takes the others; a row of nothing needs them, too.
    lines = list(map(",".join, rows))
    text = "\n".join(lines)
    if not commas or not _are_plain(text, commas * len(rows), len(rows) - 1):
        text = "\n".join(
            line if commas and _are_plain(line, commas, 0) else _csv_line(row)
            for line, row in zip(lines, rows, strict=True)
        )
    return f"{text}\n".encode() if rows else b""


def _are_plain(text: str, commas: int, breaks: int) -> bool:
    # Whether no comma and no line break is one of a cell's, and nothing is a quotation mark.
    return (
        text.count(",") == commas
        and text.count("\n") == breaks
        and '"' not in text
        and "\r" not in text
    )


def _csv_line(row: Sequence[str]) -> str:
    line = io.StringIO(newline="")
    write_csv(line, [row])
    return line.getvalue()[:-1]


def _csv_cells(values: Sequence[Any]) -> Sequence[str]:
    kinds = set(map(type, values))
    if kinds <= {str, NoneType}:
        texts = (
            ["" if value is None else value for value in values] if NoneType in kinds else values
        )
        # Most text columns hold no formula at all, and few hold a sign of one.
        joined = "\0" + "\0".join(texts)
        # To look for one character takes a tenth of the time of looking for two.
        has_sign = any(sign in joined and f"\0{sign}" in joined for sign in _SIGNS)
        if not has_sign or not _ANY_FORMULA.search(joined):
            return texts
    if kinds <= {int, NoneType}:
        return ["" if value is None else str(value) for value in values]
    if kinds <= {bool}:
        return ["true" if value else "false" for value in values]
    return [_csv_cell(value) for value in values]


def _csv_cell(value: Any) -> str:
    if isinstance(value, str):
        return csv_safe(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return _ENCODER.encode(value).decode() if value != {} else ""
    return "" if value is None else str(value)


@lru_cache(maxsize=8)
def _object(names: Names) -> Any:
    # A name may not be a valid Python identifier.
    fields = [f"field_{number}" for number in range(len(names))]
    rename = dict(zip(fields, names, strict=True))
    return msgspec.defstruct("Row", fields, rename=rename, gc=False)


def _json_lines(names: Names, values: Values) -> bytes:
    return _ENCODER.encode_lines(list(map(_object(names), *values)))


def _json_elements(names: Names, values: Values) -> bytes:
    # JSON escapes the line breaks within a text.
    return b"\n" + _json_lines(names, values)[:-1].replace(b"\n", b",\n")


def _marked_head(names: Names) -> bytes:
    # Excel takes a CSV for UTF-8 only if it begins with a byte order mark.
    return codecs.BOM_UTF8 + _csv_lines([names])


CSV = TextForm(
    name="csv",
    encode=lambda _, values: _csv_lines(zip(*map(_csv_cells, values), strict=True)),
    head=lambda names: _csv_lines([names]),
    nests=False,
)
EXCEL_CSV = evolve(CSV, name="excel-csv", head=_marked_head)
NDJSON = TextForm(name="ndjson", encode=_json_lines)
JSON = TextForm(
    name="json", encode=_json_elements, head=lambda _: b"[", between=b",", tail=b"\n]\n"
)
FORMS = {form.name: form for form in (CSV, NDJSON, JSON)}
"""The forms by name."""
