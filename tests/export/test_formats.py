from __future__ import annotations

import csv
import io
import sqlite3
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pandas as pd
import polars as pl
import pytest
from pyarrow import parquet
from ruamel.yaml import YAML

from agentcalls import Client, ConfigurationError
from agentcalls.export import as_parquet, as_sqlite, export, export_stream
from agentcalls.export.as_arrow import STREAM
from agentcalls.table.columns import COLUMNS
from agentcalls.table.extras import need
from exports import ENDINGS, Row, rows_of, text_of

if TYPE_CHECKING:
    from exports import AnswerParser

AGENTS = ["agent_demo", "agent_empty", "agent/with slash?&#é", "agent_one"]
NAMES = [column.name for column in COLUMNS]


def expected(client: Client, agents: list[str]) -> list[Row]:
    return [
        {"agent_id": agent} | {name: getattr(call, name) for name in NAMES[1:]}
        for agent in agents
        for call in client.calls.list(agent)
    ]


@pytest.mark.parametrize("ending", ENDINGS)
def test_each_format_holds_each_call_of_each_agent(
    ending: str, reader: Client, tmp_path: Path
) -> None:
    folder = tmp_path / "it's %41 & more"
    folder.mkdir()
    path = folder / f"calls.{ending}"
    outcome = export(reader, AGENTS, path)
    rows = rows_of(path)
    assert rows == expected(reader, AGENTS)
    assert list(rows[0]) == NAMES
    assert (outcome.calls, outcome.agents, outcome.complete) == (len(rows), 4, True)
    assert [entry.name for entry in folder.iterdir()] == [path.name]


@pytest.mark.parametrize("ending", ENDINGS)
def test_an_empty_listing_makes_a_file_without_rows(
    ending: str, reader: Client, tmp_path: Path
) -> None:
    path = tmp_path / f"calls.{ending}"
    assert export(reader, ["agent_empty"], path).complete
    assert rows_of(path) == []


def test_an_empty_file_still_has_its_columns(reader: Client, tmp_path: Path) -> None:
    def made(ending: str) -> Path:
        path = tmp_path / f"calls.{ending}"
        export(reader, ["agent_empty"], path)
        return path

    with closing(sqlite3.connect(made("sqlite"))) as database:
        assert [row[1] for row in database.execute("PRAGMA table_info(calls)")] == NAMES
    with duckdb.connect(str(made("duckdb")), read_only=True) as analytical:
        assert analytical.sql("FROM calls").columns == NAMES
    assert parquet.read_schema(made("parquet")).names == NAMES
    assert made("csv").read_text().split() == [",".join(NAMES)]
    assert made("json").read_text() == "[\n]\n"


def test_sqlite_compares_timestamps_with_its_own_functions_and_finds_by_an_index(
    answering: AnswerParser, page_body: dict[str, Any], tmp_path: Path
) -> None:
    row, path = page_body["data"][0], tmp_path / "calls.sqlite"
    moments = ["2026-11-23T09:59:59.999Z", "2026-11-23T10:00:00Z", "2026-11-23T12:00:00+01:00"]
    export(
        answering(
            *(row | {"id": str(number), "created_on": at} for number, at in enumerate(moments))
        ),
        ["a"],
        path,
    )
    with closing(sqlite3.connect(path)) as database:
        since = "SELECT id FROM calls WHERE created_on >= datetime('2026-11-24 10:00:00', '-1 day')"
        assert set(database.execute(since)) == {("1",), ("2",)}
        assert [plan[3] for plan in database.execute(f"EXPLAIN QUERY PLAN {since}")] == [
            "SEARCH calls USING INDEX calls_created_on (created_on>?)"
        ]
        hours = "SELECT strftime('%H', created_on), julianday(created_on) > 0 FROM calls ORDER BY 1"
        assert list(database.execute(hours)) == [("09", 1), ("10", 1), ("11", 1)]
        table = {
            each[1]: (each[2], each[5]) for each in database.execute("PRAGMA table_info(calls)")
        }
        assert table["created_on"] == ("TIMESTAMP", 0)
        assert table["is_test_call"] == ("BOOLEAN", 0)
        assert (table["agent_id"], table["id"]) == (("TEXT", 1), ("TEXT", 2))
        names = {each[1] for each in database.execute("PRAGMA index_list(calls)")}
        assert {"calls_created_on", "calls_status"} <= names
        seen = database.execute("SELECT typeof(created_on), typeof(destination) FROM calls")
        assert set(seen) == {("text", "text")}


def test_call_that_came_twice_is_in_a_database_twice_without_a_key(
    tmp_path: Path, answering: AnswerParser, page_body: dict[str, Any]
) -> None:
    rows, path = tmp_path / "rows", tmp_path / "calls.sqlite"
    export(answering(page_body["data"][0]), ["a"], tmp_path / "calls.ndjson")
    rows.write_bytes(2 * (tmp_path / "calls.ndjson").read_bytes())
    told: list[int] = []
    as_sqlite.build(rows, path, told.append)
    assert (as_sqlite.count(path), told) == (2, [2])


@pytest.mark.parametrize("ending", ENDINGS)
def test_odd_rows_are_kept_as_far_as_a_table_can_hold_them(
    ending: str, answering: AnswerParser, page_body: dict[str, Any], tmp_path: Path
) -> None:
    row = page_body["data"][0]
    odd = row | {
        "id": "call_2",
        "source": None,
        "error_reason": 'two\nlines, "quoted" and a\ttab; NUL: \0; half: \ud83d, whole: \U0001f600',
        "duration_seconds": 2**63,
        "sentiment": {"score": 0.5, "of": ["\udc00", 2**70, None, True], "\ud800": 1},
        "ringing_at": "2026-11-23T10:00:02.5+02:00",
    }
    path = tmp_path / f"calls.{ending}"
    outcome = export(answering(row, odd, None), ["agent_1"], path)
    first, second, third = rows_of(path)
    assert (first["id"], first["additional_properties"]) == ("call_1", {})
    assert second == {
        "agent_id": "agent_1",
        "id": "call_2",
        "source": None,
        "destination": "+2348012345678",
        "status": "ended",
        "direction": "outbound",
        "created_on": datetime(2026, 11, 23, 10, tzinfo=UTC),
        "duration_seconds": None,
        "is_test_call": False,
        "error_reason": 'two\nlines, "quoted" and a\ttab; NUL: \0; half: \ufffd, whole: \U0001f600',
        "end_reason": "hangup",
        "ringing_at": datetime(2026, 11, 23, 8, 0, 2, 500_000, tzinfo=UTC),
        "ended_at": datetime(2026, 11, 23, 10, 1, 0, 500_000, tzinfo=UTC),
        "additional_properties": {
            "sentiment": {"score": 0.5, "of": ["\ufffd", 2**70, None, True], "\ufffd": 1}
        },
    }
    assert third == dict.fromkeys(NAMES) | {"agent_id": "agent_1", "additional_properties": {}}
    assert not outcome.complete
    assert outcome.problems


@pytest.mark.parametrize("ending", ["csv", "json", "parquet"])
@pytest.mark.parametrize(
    ("field", "value", "kept"),
    [
        ("duration_seconds", 2**63 - 1, 2**63 - 1),
        ("duration_seconds", -(2**63) - 1, None),
        ("end_reason", "\ud800", "\ufffd"),
    ],
)
def test_what_no_table_can_hold_is_enough_by_itself(
    ending: str,
    field: str,
    value: object,
    kept: object,
    *,
    answering: AnswerParser,
    page_body: dict[str, Any],
    tmp_path: Path,
) -> None:
    path = tmp_path / f"calls.{ending}"
    export(answering(page_body["data"][0] | {field: value}), ["a"], path)
    assert [row[field] for row in rows_of(path)] == [kept]


def test_tables_have_null_where_there_is_no_unknown_field(
    answering: AnswerParser, page_body: dict[str, Any], tmp_path: Path
) -> None:
    for ending in ("parquet", "sqlite", "duckdb", "csv"):
        export(answering(page_body["data"][0]), ["a"], tmp_path / f"calls.{ending}")
    column = "additional_properties"
    assert parquet.read_table(tmp_path / "calls.parquet")[column].null_count == 1
    with closing(sqlite3.connect(tmp_path / "calls.sqlite")) as database:
        assert list(database.execute(f"SELECT {column} FROM calls")) == [(None,)]  # noqa: S608 (a name)
    with duckdb.connect(str(tmp_path / "calls.duckdb"), read_only=True) as analytical:
        assert analytical.sql(f"SELECT {column} FROM calls").fetchall() == [(None,)]  # noqa: S608 (a name)
    assert (tmp_path / "calls.csv").read_text().endswith("Z,\n")


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("+14155550100", "+14155550100"),
        ("+1", "'+1"),
        ("+", "'+"),
        ("+01234567", "'+01234567"),
        ("+1234567890123456", "'+1234567890123456"),
        ("+14155550100\n", "'+14155550100\n"),
        ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
        ("-1", "'-1"),
        ("@sum", "'@sum"),
        ("\tx", "'\tx"),
        *((f"{sign}1", f"'{sign}1") for sign in "\uff1d\uff0b\uff0d\uff20"),
        ("\uff0b14155550100", "'\uff0b14155550100"),
        ("\r=1", "'\r=1"),
        ("\r\n\r-1", "'\r\n\r-1"),
        ("a\rb\r\n", "a\rb\r\n"),
        ("a\0=b", "a\0=b"),
        (" =1", " =1"),
        ("x", "x"),
        ("", ""),
    ],
)
def test_csv_marks_what_a_spreadsheet_would_take_for_a_formula(
    text: str, written: str, answering: AnswerParser, page_body: dict[str, Any], tmp_path: Path
) -> None:
    row = page_body["data"][0]
    for field in ("id", "source", "destination", "status", "end_reason"):
        row[field] = text
    path = tmp_path / "calls.csv"
    export(answering(row), ["=agent"], path)
    (found,) = csv.DictReader(io.StringIO(path.read_bytes().decode(), newline=""))
    assert found["agent_id"] == "'=agent"
    for field in ("id", "source", "destination", "status", "end_reason"):
        assert found[field] == written


def test_text_has_timestamps_of_one_length(
    answering: AnswerParser, tmp_path: Path, page_body: Any
) -> None:
    path = tmp_path / "calls.ndjson"
    export(answering(page_body["data"][0]), ["a"], path)
    assert '"ringing_at":"2026-11-23T10:00:02.000000Z"' in path.read_text()
    assert '"ended_at":"2026-11-23T10:01:00.500000Z"' in path.read_text()


def test_other_tools_read_the_files_without_being_told_anything(
    reader: Client, tmp_path: Path
) -> None:
    def made(ending: str) -> str:
        path = tmp_path / f"calls.{ending}"
        export(reader, ["agent_demo"], path)
        return str(path)

    utc = pl.Datetime("us", "UTC")
    assert pl.read_parquet(made("parquet")).schema["created_on"] == utc
    assert pl.read_ipc(made("arrow")).schema["created_on"] == utc
    assert pl.read_csv(made("csv"), try_parse_dates=True).schema["created_on"] == utc
    assert pl.read_ndjson(made("ndjson")).height == 250
    frame = pd.read_csv(made("csv.gz"), parse_dates=["created_on", "ringing_at", "ended_at"])
    assert all(str(frame[name].dt.tz) == "UTC" for name in ("created_on", "ringing_at", "ended_at"))
    assert len(pd.read_json(made("json"))) == 250
    assert len(pd.read_feather(made("feather"))) == 250
    for ending in ("csv.zst", "jsonl", "jsonl.gz", "json.gz"):
        with duckdb.connect() as database:
            kinds = database.sql(f"SELECT typeof(created_on) FROM '{made(ending)}'").fetchall()  # noqa: S608
        assert kinds == [("TIMESTAMP WITH TIME ZONE",)] * 250


def test_every_field_of_the_contract_has_a_column_in_its_order() -> None:
    contract = YAML(typ="safe").load(Path("openapi.yaml").read_text())
    fields = list(contract["components"]["schemas"]["Call"]["properties"])
    assert ["agent_id", *fields, "additional_properties"] == NAMES


@pytest.mark.parametrize("form", ["csv", "ndjson", "json"])
def test_a_stream_gets_the_bytes_of_the_file(form: str, reader: Client, tmp_path: Path) -> None:
    stream = io.BytesIO()
    outcome = export_stream(reader, AGENTS, stream, format=form)
    assert outcome == export(reader, AGENTS, tmp_path / "calls", format=form)
    assert stream.getvalue() == (tmp_path / "calls").read_bytes()


def test_what_is_no_text_is_not_written_to_a_stream(reader: Client) -> None:
    with pytest.raises(ConfigurationError, match=r"^sqlite is written to a file"):
        export_stream(reader, AGENTS, io.BytesIO(), format="sqlite")


@pytest.mark.parametrize(
    ("name", "form", "message"),
    [
        ("calls.xls", None, "calls.xls' names no format: use .csv, .ndjson"),
        ("calls", "excel", "There is no format 'excel': use one of csv, ndjson"),
        (
            "calls.parquet.gz",
            None,
            "parquet files cannot end in '.gz': leave it out",
        ),
    ],
)
def test_what_is_no_format_is_refused(
    name: str, form: str | None, message: str, reader: Client, tmp_path: Path
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        export(reader, AGENTS, tmp_path / name, format=form)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("module", "ending", "extra"),
    [
        ("duckdb", "duckdb", "duckdb"),
        ("pyarrow", "arrow", "arrow"),
        ("pyarrow.parquet", "parquet", "arrow"),
        ("zstandard", "csv.zst", "zstd"),
    ],
)
def test_what_is_not_installed_is_named_before_anything_is_sent(
    module: str, ending: str, extra: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    package = module.partition(".")[0]
    message = rf'^{package} is not installed: pip install "\.\[{extra}\]" in a clone of agentcalls$'
    client = Client(api_key="sk_x", base_url="http://127.0.0.1:1", max_retries=0)
    with client, pytest.raises(ConfigurationError, match=message):
        export(client, ["a"], tmp_path / f"calls.{ending}")
    assert list(tmp_path.iterdir()) == []


def test_a_dependency_that_is_broken_says_so_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The package is there, and what it needs is not.
    (tmp_path / "half_installed.py").write_text("import nowhere_to_be_found")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="nowhere_to_be_found"):
        need("half_installed")


def test_large_files_are_in_groups_of_rows(
    answering: AnswerParser, page_body: dict[str, Any], tmp_path: Path
) -> None:
    (row,) = page_body["data"]
    calls = answering(row).calls.list("a").all()
    rows, path = tmp_path / "rows", tmp_path / "calls.parquet"
    # One row, and then batches that do not end where a group does.
    kept = [STREAM.of_calls("a", calls * count) for count in (1, 1_000, 999)]
    rows.write_bytes(STREAM.head(tuple(NAMES)) + kept[0] + kept[1] * 149 + kept[2])
    told: list[int] = []
    as_parquet.build(rows, path, told.append)
    file = parquet.ParquetFile(path)
    groups = [file.metadata.row_group(number).num_rows for number in range(file.num_row_groups)]
    assert sum(groups) == told[-1] == 150_000
    assert groups == [1 << 16, 1 << 16, 150_000 - (1 << 17)]


def test_compressed_text_is_one_text_for_other_readers(reader: Client, tmp_path: Path) -> None:
    plain, pressed = tmp_path / "a.csv", tmp_path / "b.csv.gz"
    export(reader, AGENTS, plain)
    export(reader, AGENTS, pressed, journal_calls=1)
    assert text_of(pressed) == plain.read_text()
