"""Arrow and Feather: the IPC file format, uncompressed, so that every reader can memory-map it.

The rows are kept as an IPC stream without an end, which can be cut after any batch and gone on with.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from agentcalls.export.disk import operations
from agentcalls.table.arrow import batch_maker, schema
from agentcalls.table.extras import need
from agentcalls.table.text import TextForm

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

GROUP_ROWS = 1 << 16
"""Rows in one chunk of the file; the last one has the rest."""


def _serialized(of_arrow: Any) -> bytes:
    data: bytes = of_arrow.serialize().to_pybytes()
    return data


_maker = cache(batch_maker)
STREAM = TextForm(
    name="arrow-stream",
    encode=lambda _, values: _serialized(_maker()(values)),
    head=lambda _: _serialized(schema()),
    nests=False,
)
"""Rows for files that Arrow writes."""


def build(rows: Path, path: Path, built: Callable[[int], object]) -> None:
    """Build the file from the kept rows."""
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
    """Yields the kept rows as tables of one chunk each; then calls `built` with the number of rows so far."""
    pa = need("pyarrow")
    kept: list[Any] = []
    count = held = 0
    with operations.read(rows) as file, need("pyarrow.ipc").open_stream(file) as batches:
        for batch in batches:
            kept.append(batch)
            held += batch.num_rows
            # How the rows were kept, which is another after a resume, makes no other file.
            while held >= GROUP_ROWS:
                table = pa.Table.from_batches(kept)
                yield table.slice(0, GROUP_ROWS).combine_chunks()
                kept = table.slice(GROUP_ROWS).to_batches()
                held -= GROUP_ROWS
                count += GROUP_ROWS
                built(count)
    if held:
        yield pa.Table.from_batches(kept).combine_chunks()
        built(count + held)
