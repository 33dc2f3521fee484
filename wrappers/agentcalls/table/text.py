"""Rows as text, in UTF-8: CSV, NDJSON and JSON, written in one way by exports and the command line.

CSV     A line of names, then a line for each row; what a spreadsheet would take for a formula is marked as text.
RFC 4180 but for the line ends, which are those of Unix. None, an empty text and an empty object are empty.
NDJSON  An object a line.
JSON    An array of the same objects.
"""

from __future__ import annotations

import csv
import io
import re
from functools import lru_cache
from types import NoneType
from typing import TYPE_CHECKING, Any

import msgspec
from attrs import frozen

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
# How a text begins that may be taken for a formula; who skips line breaks takes what is behind them for one.
_FORMULA = r"[\r\n]*[=+@\t-]"
_IS_NUMBER, _IS_FORMULA = re.compile(_E164), re.compile(_FORMULA)
# In all texts of a column, each behind a NUL: one that begins as a formula does and is no number. A text that holds a
# NUL can only make it look closer.
_ANY_FORMULA = re.compile(rf"\0(?!{_E164}(?:\0|\Z)){_FORMULA}")
_ENCODER = msgspec.json.Encoder()


@frozen(kw_only=True)
class TextForm:
    """How rows become text that can be added to: a head, batches of rows, and a tail."""

    name: str
    encode: Callable[[Names, Values], bytes]
    """The text of some rows, given the names of their columns and the values of each column."""
    head: Callable[[Names], bytes] = lambda _: b""
    """What stands before the first row."""
    between: bytes = b""
    """What stands between two batches."""
    tail: bytes = b""
    """What stands behind the last row."""
    nests: bool = True
    """Whether a value may be an object or a list; JSON stands in its place as text otherwise."""

    def of_calls(self, agent_id: str, calls: Sequence[Call], names: Names = NAMES) -> bytes:
        """The text of some calls of an agent, in these columns."""

        def encode(agent_id: str, calls: Sequence[Call]) -> bytes:
            values = columns_of(agent_id, calls)
            columns = zip(NAMES, values if self.nests else with_json_texts(values), strict=True)
            of_name = dict(columns)
            return self.encode(names, [of_name[name] for name in names])

        return storable(encode, agent_id, calls)

    def of_rows(self, names: Names, rows: Sequence[Mapping[str, Any]]) -> bytes:
        """The text of other rows, given by the names of the columns."""
        columns = [[row[name] for row in rows] for name in names]
        return self.encode(names, [list(map(_storable, column)) for column in columns])

    def write(self, file: IO[bytes], names: Names, batches: Iterable[bytes]) -> None:
        """Write a whole text, given the text of each batch."""
        # Nothing is written before there is something: a failure at the first request leaves the file as it was.
        coming = iter(batches)
        first = next(coming, b"")
        file.write(self.head(names) + first)
        for batch in coming:
            file.write(self.between + batch)
        file.write(self.tail)


def _storable(value: Any) -> Any:
    return whole_text(value) if isinstance(value, str) else value


def row_of(agent_id: str, call: Call) -> dict[str, Any]:
    """A call as the object that NDJSON has on a line."""
    columns = storable(columns_of, agent_id, [call])
    return {name: value for name, (value,) in zip(NAMES, columns, strict=True)}


def csv_safe(text: str) -> str:
    """The text with an apostrophe before it where it begins like a formula; an E.164 number stays as it is."""
    is_formula = _IS_FORMULA.match(text) and not _IS_NUMBER.fullmatch(text)
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


def _csv_lines(rows: Iterable[Iterable[object]]) -> bytes:
    lines = io.StringIO(newline="")
    write_csv(lines, rows)
    return lines.getvalue().encode()


def _csv_cells(values: Sequence[Any]) -> Sequence[Any]:
    kinds = set(map(type, values))
    if kinds <= {int, float, NoneType}:
        return values
    # Most columns of text hold no formula at all.
    if kinds <= {str, NoneType} and not _ANY_FORMULA.search("\0" + "\0".join(filter(None, values))):
        return values
    return [_csv_cell(value) for value in values]


def _csv_cell(value: Any) -> Any:
    if isinstance(value, str):
        return csv_safe(value)
    if isinstance(value, bool | dict | list):
        return "" if value == {} else _ENCODER.encode(value).decode()
    return value


@lru_cache(maxsize=8)
def _object(names: Names) -> Any:
    # A name may be no identifier of Python.
    fields = [f"field_{number}" for number in range(len(names))]
    rename = dict(zip(fields, names, strict=True))
    return msgspec.defstruct("Row", fields, rename=rename, gc=False)


def _json_lines(names: Names, values: Values) -> bytes:
    return _ENCODER.encode_lines(list(map(_object(names), *values)))


def _json_elements(names: Names, values: Values) -> bytes:
    # JSON escapes the line breaks within a text.
    return b"\n" + _json_lines(names, values)[:-1].replace(b"\n", b",\n")


CSV = TextForm(
    name="csv",
    encode=lambda _, values: _csv_lines(zip(*map(_csv_cells, values), strict=True)),
    head=lambda names: _csv_lines([names]),
    nests=False,
)
NDJSON = TextForm(name="ndjson", encode=_json_lines)
JSON = TextForm(
    name="json", encode=_json_elements, head=lambda _: b"[", between=b",", tail=b"\n]\n"
)
FORMS = {form.name: form for form in (CSV, NDJSON, JSON)}
"""The forms by their names."""
