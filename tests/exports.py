"""Reads an export back with what reads such files elsewhere, as rows of Python's own values."""

from __future__ import annotations

import csv
import gzip
import io
import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

import duckdb
import zstandard
from pyarrow import feather, parquet

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from agentcalls import Client

ENDINGS = (
    "csv",
    "csv.gz",
    "csv.zst",
    "ndjson",
    "jsonl.gz",
    "json",
    "json.zst",
    "parquet",
    "arrow",
    "feather",
    "sqlite",
    "duckdb",
)
TIMES = ("created_on", "ringing_at", "ended_at")

Row = dict[str, Any]


class AnswerParser(Protocol):
    """Makes a client whose only page holds these rows."""

    def __call__(self, *rows: Any) -> Client: ...


def rows_of(path: Path) -> list[Row]:
    """The rows of a file; timestamps as datetimes, unknown fields as an object."""
    name = path.name
    if name.endswith(".parquet"):
        return _typed(parquet.read_table(path).to_pylist())
    if name.endswith((".arrow", ".feather")):
        return _typed(feather.read_table(path).to_pylist())
    if name.endswith(".duckdb"):
        with duckdb.connect(str(path), read_only=True) as database:
            return _typed(database.sql("FROM calls").to_arrow_table().to_pylist())
    if name.endswith(".sqlite"):
        with closing(sqlite3.connect(path)) as database:
            database.row_factory = sqlite3.Row
            return _typed(dict(row) for row in database.execute("SELECT * FROM calls"))
    text = text_of(path)
    if ".csv" in name:
        return _typed(
            {name: value or None for name, value in row.items()}
            for row in csv.DictReader(io.StringIO(text, newline=""))
        )
    rows = json.loads(text) if ".json." in f"{name}." else map(json.loads, text.splitlines())
    return _typed(rows)


def text_of(path: Path) -> str:
    """The text of a file, decompressed."""
    data = path.read_bytes()
    if path.suffix == ".gz":
        data = gzip.decompress(data)
    if path.suffix == ".zst":
        with zstandard.ZstdDecompressor().stream_reader(data, read_across_frames=True) as stream:
            data = stream.read()
    return data.decode()


def _typed(rows: Iterable[Row]) -> list[Row]:
    return [{name: _value(name, value) for name, value in row.items()} for row in rows]


def _value(name: str, value: Any) -> Any:
    if name in TIMES and isinstance(value, str):
        # SQLite's own form, as its date functions give it, names no zone.
        moment = datetime.fromisoformat(value)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    if name == "is_test_call" and value is not None:
        return {"true": True, "false": False, 1: True, 0: False}[value]
    if name == "duration_seconds" and value is not None:
        return int(value)
    if name == "additional_properties":
        return json.loads(value) if isinstance(value, str) else value or {}
    return value
