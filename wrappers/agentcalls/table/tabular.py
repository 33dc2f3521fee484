"""A listing as a table of Arrow, pandas or polars, in both flavours; each package is imported on first use."""

from __future__ import annotations

from importlib import import_module
from itertools import islice
from typing import TYPE_CHECKING, Any

from agentcalls.settings import BATCH

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from agentcalls.table.arrow import Chunk


def _frames() -> Any:
    return import_module("agentcalls.table.frames")


class Tabular:
    """A listing that can be read as a table."""

    __slots__ = ()
    query: Any

    def _chunks(self) -> Iterator[Chunk]:
        listing: Any = self
        rows: Iterator[Any] = iter(listing)
        while some := list(islice(rows, BATCH)):
            yield listing.query.of_agent, some

    def to_arrow(self) -> Any:
        """All rows of an iteration, calls or agents, as a `pyarrow.Table`; see docs/dataframes.md for its columns.

        Raises `ConfigurationError` if pyarrow is not installed; the extra `arrow` includes it.
        """
        return self.arrow_batches().read_all()

    def arrow_batches(self) -> Any:
        """All rows as a `pyarrow.RecordBatchReader`, fetched as it is read: at most 5,000 at a time.

        Iterating it yields each `pyarrow.RecordBatch`; polars and duckdb read it directly. Raises like `to_arrow`.
        """
        return import_module("agentcalls.table.arrow").record_batches(
            self._chunks(), self.query.model
        )

    def to_pandas(self) -> Any:
        """All rows of an iteration, as a `pandas.DataFrame` with the columns of `to_arrow`.

        Phone numbers are texts, timestamps are in UTC, and integers that may be missing are `Int64`; see
        docs/dataframes.md. Raises `ConfigurationError` if pandas or pyarrow is not installed.
        """
        make = _frames().pandas_maker()
        return make(self.to_arrow())

    def to_polars(self) -> Any:
        """All rows of an iteration, as a `polars.DataFrame` with the columns of `to_arrow`.

        Raises `ConfigurationError` if polars or pyarrow is not installed.
        """
        make = _frames().polars_maker()
        return make(self.to_arrow())


class AsyncTabular:
    """A listing that can be read as a table, with `await`."""

    __slots__ = ()
    query: Any

    async def _chunks(self) -> AsyncIterator[Chunk]:
        listing: Any = self
        some: list[Any] = []
        async for row in listing:
            some.append(row)
            if len(some) == BATCH:
                yield listing.query.of_agent, some
                some = []
        if some:
            yield listing.query.of_agent, some

    async def to_arrow(self) -> Any:
        """All rows of an iteration, calls or agents, as a `pyarrow.Table`; see docs/dataframes.md for its columns.

        Raises `ConfigurationError` if pyarrow is not installed; the extra `arrow` includes it.
        """
        return await import_module("agentcalls.table.arrow").async_table(
            self._chunks(), self.query.model
        )

    def arrow_batches(self) -> AsyncIterator[Any]:
        """Yields all rows as `pyarrow.RecordBatch`es of at most 5,000 rows.

        Raises like `to_arrow`.
        """
        batches: AsyncIterator[Any] = import_module("agentcalls.table.arrow").async_record_batches(
            self._chunks(), self.query.model
        )
        return batches

    async def to_pandas(self) -> Any:
        """All rows of an iteration, as a `pandas.DataFrame`; the same as `CallListing.to_pandas`."""
        make = _frames().pandas_maker()
        return make(await self.to_arrow())

    async def to_polars(self) -> Any:
        """All rows of an iteration, as a `polars.DataFrame`; the same as `CallListing.to_polars`."""
        make = _frames().polars_maker()
        return make(await self.to_arrow())
