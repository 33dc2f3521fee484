"""Files for Excel: read back as Excel does, from the XML in them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET
from zipfile import ZipFile

import pytest

from agentcalls import ConfigurationError
from agentcalls.export import as_xlsx, export
from agentcalls.table.columns import COLUMNS
from exports import rows_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from agentcalls import Client

NAMES = [column.name for column in COLUMNS]
_SPACE = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def sheets_of(path: Path) -> list[list[list[Any]]]:
    """Each sheet's rows; a text is a text, a number a float, a truth a bool, and an empty cell None."""
    with ZipFile(path) as book:
        assert book.testzip() is None
        names = sorted(name for name in book.namelist() if name.startswith("xl/worksheets/sheet"))
        trees = [ET.fromstring(book.read(name)) for name in names]  # noqa: S314 (our own)
    return [[_row(row) for row in tree.iter(f"{_SPACE}row")] for tree in trees]


def _row(row: ET.Element) -> list[Any]:
    cells: list[Any] = [None] * len(NAMES)
    for cell in row:
        assert cell.find(f"{_SPACE}f") is None  # a formula
        column = 0
        for letter in cell.attrib["r"].rstrip("0123456789"):
            column = 26 * column + ord(letter) - ord("A") + 1
        text = "".join(cell.itertext())
        kinds: dict[str, Callable[[str], Any]] = {"inlineStr": str, "b": lambda one: one == "1"}
        cells[column - 1] = kinds.get(cell.get("t", "n"), float)(text)
    return cells


def moment(days: float) -> datetime:
    return datetime(1899, 12, 30, tzinfo=UTC) + timedelta(days=days)


def test_file_has_each_call_with_numbers_as_text_and_times_as_times(
    reader: Client, tmp_path: Path
) -> None:
    agents = ["agent_demo", "agent_one"]
    outcome = export(reader, agents, tmp_path / "calls.xlsx")
    export(reader, agents, tmp_path / "calls.ndjson")
    ((head, *rows),) = sheets_of(tmp_path / "calls.xlsx")
    expected = rows_of(tmp_path / "calls.ndjson")
    assert (head, len(rows)) == (NAMES, outcome.calls)
    for row, call in zip(rows, expected, strict=True):
        found = dict(zip(NAMES, row, strict=True))
        assert found["destination"] == call["destination"]
        assert found["is_test_call"] is call["is_test_call"]
        assert found["duration_seconds"] == call["duration_seconds"]
        assert abs(moment(found["created_on"]) - call["created_on"]) < timedelta(milliseconds=1)


def test_what_excel_cannot_hold_is_text_or_cut(
    answering: Any, page_body: dict[str, Any], tmp_path: Path
) -> None:
    row = page_body["data"][0]
    odd = row | {
        "id": "call_2",
        "source": "=1+1",
        "error_reason": "x" * 40_000,
        "end_reason": "https://a.test \0<row >",
        "duration_seconds": 2**60,
        "created_on": "0001-01-01T00:00:00Z",
    }
    path = tmp_path / "calls.xlsx"
    export(answering(row, odd, None), ["a"], path)
    ((_, first, second, third),) = sheets_of(path)
    assert first[NAMES.index("duration_seconds")] == 42
    found = dict(zip(NAMES, second, strict=True))
    assert (found["source"], found["duration_seconds"]) == ("=1+1", str(2**60))
    assert len(found["error_reason"]) == 32_767
    assert found["created_on"] == "0001-01-01T00:00:00.000000Z"
    assert third == ["a", *[None] * (len(NAMES) - 1)]


def test_sheet_that_is_full_is_followed_by_another(
    reader: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agentcalls.export.as_xlsx.MOST_ROWS", 100)
    monkeypatch.setattr("agentcalls.export.as_xlsx._CHUNK_BYTES", 997)
    path = tmp_path / "calls.xlsx"
    assert export(reader, ["agent_demo"], path).calls == 250
    assert [len(rows) for rows in sheets_of(path)] == [101, 101, 51]
    assert as_xlsx.count(path) == 250


def test_empty_file_has_its_heading(reader: Client, tmp_path: Path) -> None:
    path = tmp_path / "calls.xlsx"
    assert export(reader, ["agent_empty"], path).complete
    assert sheets_of(path) == [[NAMES]]
    assert list(tmp_path.iterdir()) == [path]


def test_csv_for_excel_has_a_byte_order_mark_and_is_a_csv_otherwise(
    reader: Client, tmp_path: Path
) -> None:
    export(reader, ["agent_demo"], tmp_path / "calls.csv")
    export(reader, ["agent_demo"], tmp_path / "excel.csv", format="excel-csv")
    plain = (tmp_path / "calls.csv").read_bytes()
    assert (tmp_path / "excel.csv").read_bytes() == b"\xef\xbb\xbf" + plain
    with pytest.raises(ConfigurationError, match=r"xlsx files cannot end in '\.gz'"):
        export(reader, ["agent_demo"], tmp_path / "calls.xlsx.gz")
