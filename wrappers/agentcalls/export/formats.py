"""The formats of an export, by name and by the ending of the file's name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from agentcalls import ConfigurationError
from agentcalls.export import as_arrow, as_duckdb, as_parquet, as_sqlite
from agentcalls.export.compression import PIECES
from agentcalls.table.extras import need
from agentcalls.table.text import CSV, JSON, NDJSON, TextForm

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@frozen(kw_only=True)
class Format:
    """How calls are written: as text that is added to, from which some formats are built at the end."""

    name: str
    endings: tuple[str, ...]
    text: TextForm = NDJSON
    build: Callable[[Path, Path, Callable[[int], object]], None] | None = None
    """What makes the file of the text of all calls, telling how many it has in it; None where that is the file."""
    needs: str | None = None
    """An optional dependency."""


FORMATS = (
    Format(name="csv", endings=(".csv",), text=CSV),
    Format(name="ndjson", endings=(".ndjson", ".jsonl")),
    Format(name="json", endings=(".json",), text=JSON),
    Format(
        name="parquet",
        endings=(".parquet",),
        build=as_parquet.build,
        needs="pyarrow.parquet",
    ),
    Format(
        name="arrow",
        endings=(".arrow", ".feather"),
        build=as_arrow.build,
        needs="pyarrow",
    ),
    Format(name="sqlite", endings=(".sqlite", ".sqlite3", ".db"), build=as_sqlite.build),
    Format(
        name="duckdb",
        endings=(".duckdb",),
        build=as_duckdb.build,
        needs="duckdb",
    ),
)
"""All of them, the ones that need nothing else first."""


def format_of(file_name: str, name: str | None = None) -> tuple[Format, str]:
    """The format of a file, by its `name` or else by the file's ending, and the ending of its compression or "".

    Raises `ConfigurationError`, saying what to do, for an ending or a name that is none, a format that compresses by
    itself, and a dependency that is not installed.
    """
    lowered = file_name.lower()
    compression = next(ending for ending in (".gz", ".zst", "") if lowered.endswith(ending))
    inner = lowered.removesuffix(compression)
    for form in FORMATS:
        if form.name == name or (name is None and inner.endswith(form.endings)):
            break
    else:
        endings = ", ".join(ending for form in FORMATS for ending in form.endings)
        names = ", ".join(form.name for form in FORMATS)
        raise ConfigurationError(
            f"No format is called {name!r}: it is one of {names}."
            if name is not None
            else f"The ending of {file_name!r} says no format: use {endings}, or name it with format=…."
        )
    if compression and form.build:
        raise ConfigurationError(
            f"{form.name} files are not compressed from outside: leave out {compression!r}."
        )
    PIECES[compression]()
    if form.needs:
        need(form.needs)
    return form, compression
