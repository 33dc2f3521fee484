"""Arrow and Feather: the IPC file format, uncompressed, so that every reader can memory-map it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agentcalls.export.disk import operations
from agentcalls.export.spool import spooled_columns
from agentcalls.table.arrow import batch_maker, schema
from agentcalls.table.extras import need

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

GROUP_ROWS = 1 << 16
"""Rows in one chunk of the file; a chunk may have some more."""


def build(rows: Path, path: Path, built: Callable[[int], object]) -> None:
    """Build the file from the spooled rows."""
    ipc = need("pyarrow.ipc")
    with operations.new(path) as file, ipc.new_file(file, schema()) as writer:
        for table in tables(rows, built):
            writer.write_table(table)


def count(path: Path) -> int:
    """The number of rows in a file."""
    with operations.read(path) as file, need("pyarrow.ipc").open_file(file) as reader:
        return int(
            sum(reader.get_batch(number).num_rows for number in range(reader.num_record_batches))
        )


def tables(rows: Path, built: Callable[[int], object]) -> Iterator[Any]:
    """Yields the spooled rows as tables of one chunk each; calls `built` with the number of rows so far."""
    pa, make = need("pyarrow"), batch_maker()
    kept: list[Any] = []
    count = held = 0
    for columns in spooled_columns(rows):
        kept.append(make(columns))
        held += len(columns[0])
        count += len(columns[0])
        if held >= GROUP_ROWS:
            yield pa.Table.from_batches(kept).combine_chunks()
            kept, held = [], 0
        built(count)
    if kept:
        yield pa.Table.from_batches(kept).combine_chunks()
