"""Calls, or agents, as Arrow data for polars, pandas and duckdb; an empty listing has the same schema as any other."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any, TypeAlias

from agentcalls.models import Agent, Call
from agentcalls.table.columns import (
    AGENTS,
    COLUMNS,
    agent_columns_of,
    columns_of,
    storable,
    with_json_texts,
)
from agentcalls.table.extras import need

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Sequence

    from agentcalls.table.columns import Column


Chunk: TypeAlias = "tuple[str, Sequence[Any]]"
"""An agent's id, and some of its calls; or no id, and some agents."""

_TABLES: dict[type, tuple[tuple[Column, ...], Any]] = {
    Call: (COLUMNS, columns_of),
    Agent: (AGENTS, agent_columns_of),
}


def schema(model: type = Call) -> Any:
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
    return pa.schema([(column.name, types[column.kind]) for column in _TABLES[model][0]])


def batch_maker(model: type = Call) -> Callable[[Sequence[Sequence[Any]]], Any]:
    """A function from columns to a `pyarrow.RecordBatch`; timestamps, dates and JSON in the columns are texts."""
    pa, fields = need("pyarrow"), schema(model)
    text = pa.string()
    types = [(field.type, pa.types.is_temporal(field.type)) for field in fields]

    def make(columns: Sequence[Sequence[Any]]) -> Any:
        # Arrow reads a timestamp from text four times as fast as from a datetime.
        arrays = [
            pa.array(column, text).cast(kind) if is_temporal else pa.array(column, kind)
            for column, (kind, is_temporal) in zip(columns, types, strict=True)
        ]
        return pa.record_batch(arrays, schema=fields)

    return make


def record_batch(agent_id: str, calls: Sequence[Call]) -> Any:
    """The `pyarrow.RecordBatch` of these calls."""
    return _maker(Call)(agent_id, calls)


def record_batches(chunks: Iterable[Chunk], model: type) -> Any:
    """A `pyarrow.RecordBatchReader` that fetches the rows as it is read; its schema is known before."""
    pa, make = need("pyarrow"), _maker(model)
    return pa.RecordBatchReader.from_batches(schema(model), (make(*some) for some in chunks))


async def async_record_batches(chunks: AsyncIterable[Chunk], model: type) -> AsyncIterator[Any]:
    """Yields each `pyarrow.RecordBatch` of the rows."""
    make = _maker(model)
    async for some in chunks:
        yield make(*some)


async def async_table(chunks: AsyncIterable[Chunk], model: type) -> Any:
    """The `pyarrow.Table` of the rows."""
    pa = need("pyarrow")
    batches = [batch async for batch in async_record_batches(chunks, model)]
    return pa.Table.from_batches(batches, schema(model))


def _maker(model: type) -> Callable[[str, Sequence[Any]], Any]:
    make, columns, values_of = batch_maker(model), *_TABLES[model]

    def made(agent_id: str, rows: Sequence[Any]) -> Any:
        return make(with_json_texts(values_of(agent_id, rows), columns))

    return lambda agent_id, rows: storable(made, agent_id, rows, model)
