"""Calls as Arrow data for polars, pandas and duckdb; every listing, even an empty one, has the same schema."""

from __future__ import annotations

from datetime import date, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from agentcalls.settings import BATCH
from agentcalls.table.columns import COLUMNS, columns_of, storable, with_json_texts
from agentcalls.table.extras import need

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator, Sequence

    from agentcalls.models import Call


def schema() -> Any:
    """The `pyarrow.Schema` of every table: timestamps have microseconds and are in UTC; JSON is text."""
    pa = need("pyarrow")
    types = {
        str: pa.string(),
        int: pa.int64(),
        float: pa.float64(),
        bool: pa.bool_(),
        date: pa.date32(),
        datetime: pa.timestamp("us", "UTC"),
        object: pa.string(),
    }
    return pa.schema([(column.name, types[column.kind]) for column in COLUMNS])


def batch_maker() -> Callable[[Sequence[Sequence[Any]]], Any]:
    """A function from columns to a `pyarrow.RecordBatch`; timestamps, dates and JSON in the columns are texts."""
    pa, fields = need("pyarrow"), schema()

    def make(columns: Sequence[Sequence[Any]]) -> Any:
        # Arrow reads a timestamp from text four times as fast as from a datetime.
        arrays = [
            pa.array(column, pa.string()).cast(field.type)
            if pa.types.is_temporal(field.type)
            else pa.array(column, field.type)
            for column, field in zip(columns, fields, strict=True)
        ]
        return pa.record_batch(arrays, schema=fields)

    return make


def record_batch(agent_id: str, calls: Sequence[Call]) -> Any:
    """The `pyarrow.RecordBatch` of these calls."""
    return storable(_maker(), agent_id, calls)


def record_batches(agent_id: str, calls: Iterable[Call]) -> Any:
    """A `pyarrow.RecordBatchReader` that fetches the calls as it is read; its schema is known before."""
    pa, make = need("pyarrow"), _maker()

    def batches() -> Iterator[Any]:
        left = iter(calls)
        while some := list(islice(left, BATCH)):
            yield storable(make, agent_id, some)

    return pa.RecordBatchReader.from_batches(schema(), batches())


async def async_record_batches(agent_id: str, calls: AsyncIterable[Call]) -> AsyncIterator[Any]:
    """Yields each `pyarrow.RecordBatch` of the calls."""
    make = _maker()
    some: list[Call] = []
    async for call in calls:
        some.append(call)
        if len(some) == BATCH:
            yield storable(make, agent_id, some)
            some = []
    if some:
        yield storable(make, agent_id, some)


async def async_table(agent_id: str, calls: AsyncIterable[Call]) -> Any:
    """The `pyarrow.Table` of the calls."""
    pa = need("pyarrow")
    batches = [batch async for batch in async_record_batches(agent_id, calls)]
    return pa.Table.from_batches(batches, schema())


def _maker() -> Callable[[str, Sequence[Call]], Any]:
    make = batch_maker()

    def made(agent_id: str, calls: Sequence[Call]) -> Any:
        return make(with_json_texts(columns_of(agent_id, calls)))

    return made
