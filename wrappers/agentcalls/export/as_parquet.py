"""Parquet, compressed with zstd, in row groups of 65,536 calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentcalls.export.as_arrow import tables
from agentcalls.export.disk import operations
from agentcalls.table.arrow import schema
from agentcalls.table.extras import need

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def build(rows: Path, path: Path, built: Callable[[int], object]) -> None:
    """Build the file from the kept rows."""
    parquet = need("pyarrow.parquet")
    with (
        operations.new(path) as file,
        parquet.ParquetWriter(file, schema(), compression="zstd") as writer,
    ):
        for table in tables(rows, built):
            writer.write_table(table)


def count(path: Path) -> int:
    """The number of rows in a file."""
    with operations.read(path) as file:
        return int(need("pyarrow.parquet").ParquetFile(file).metadata.num_rows)
