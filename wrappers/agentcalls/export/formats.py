"""The formats of an export, by name and by the ending of the file's name."""

from __future__ import annotations

from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from attrs import frozen

from agentcalls import ConfigurationError
from agentcalls.checks import did_you_mean
from agentcalls.export import as_arrow, as_duckdb, as_parquet, as_sqlite, as_xlsx
from agentcalls.export.compression import PIECES
from agentcalls.table.extras import need
from agentcalls.table.text import CSV, EXCEL_CSV, JSON, NDJSON, TextForm

if TYPE_CHECKING:
    from collections.abc import Callable

    Build = Callable[[Path, Path, Callable[[int], object]], None]


@frozen(kw_only=True)
class Format:
    """How calls are written: as text, or what else can be appended to; some formats are built from it at the end."""

    name: str
    endings: tuple[str, ...]
    text: TextForm = NDJSON
    build: Build | None = None
    """Builds the file from the text of all calls, and reports its progress; None if the text is the file."""
    count: Callable[[Path], int] | None = None
    """Opens a built file, and counts its calls."""
    check: Callable[[Path], object] = lambda _: None
    """Raises `ConfigurationError` if a built file cannot get this name."""
    beside: tuple[str, ...] = ()
    """What a reader opens with the file if it is there: endings of the file's whole name."""
    needs: str | None = None
    """An optional dependency."""


FORMATS = (
    Format(name="csv", endings=(".csv",), text=CSV),
    Format(name="ndjson", endings=(".ndjson", ".jsonl")),
    Format(name="json", endings=(".json",), text=JSON),
    Format(name="excel-csv", endings=(), text=EXCEL_CSV),
    Format(
        name="parquet",
        endings=(".parquet",),
        text=as_arrow.STREAM,
        build=as_parquet.build,
        count=as_parquet.count,
        needs="pyarrow.parquet",
    ),
    Format(
        name="arrow",
        endings=(".arrow", ".feather"),
        text=as_arrow.STREAM,
        build=as_arrow.build,
        count=as_arrow.count,
        needs="pyarrow",
    ),
    Format(
        name="sqlite",
        endings=(".sqlite", ".sqlite3", ".db"),
        build=as_sqlite.build,
        count=as_sqlite.count,
        check=as_sqlite.check,
        beside=("-wal", "-shm", "-journal"),
    ),
    Format(
        name="duckdb",
        endings=(".duckdb",),
        build=as_duckdb.build,
        count=as_duckdb.count,
        check=as_duckdb.check,
        beside=(".wal",),
        needs="duckdb",
    ),
    Format(
        name="xlsx",
        endings=(".xlsx",),
        build=as_xlsx.build,
        count=as_xlsx.count,
        needs="xlsxwriter",
    ),
)
"""All formats; those without further dependencies come first."""


def format_of(file_name: str, name: str | None = None) -> tuple[Format, str]:
    """The format with this `name`, otherwise that of the file's ending; and the ending of the compression, or "".

    Raises `ConfigurationError` for an unknown ending or name, for compression of a format that compresses itself, and
    for a dependency that is not installed.
    """
    lowered = file_name.lower()
    compression = next(ending for ending in (".gz", ".zst", "") if lowered.endswith(ending))
    inner = lowered.removesuffix(compression)
    for form in FORMATS:
        if form.name == name or (name is None and inner.endswith(form.endings)):
            break
    else:
        endings = [ending for form in FORMATS for ending in form.endings]
        names = [form.name for form in FORMATS]
        raise ConfigurationError(
            f"There is no format {name!r}: use one of {', '.join(names)}.{did_you_mean(name, names)}"
            if name is not None
            else f"The ending of {file_name!r} names no format: use {', '.join(endings)}, or pass format=…."
            f"{did_you_mean(PurePath(inner).suffix, endings)}"
        )
    if compression and form.build:
        raise ConfigurationError(f"{form.name} files cannot end in {compression!r}: leave it out.")
    PIECES[compression]()
    if form.needs:
        need(form.needs)
    return form, compression
