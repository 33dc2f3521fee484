"""The readers of a query that is run once: one takes filters over from Spark, and one does not.

They are two classes, because Spark refuses every query of a reader that could take filters while
`spark.sql.python.filterPushdown.enabled` is false, which is its default.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from attrs import evolve

from agentcalls.settings import CALL_STATUSES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pyspark_agentcalls.asked import Asked, Share

_spark: Any = import_module("pyspark.sql.datasource")  # as in __init__.py


def reader(asked: Asked) -> AgentsReader:
    """The reader that the option `pushdown` asks for."""
    return (PushdownReader if asked.pushdown else AgentsReader)(asked)


class AgentsReader(_spark.DataSourceReader):  # type: ignore[misc]  # as in __init__.py
    """Reads groups of agents, never ranges of pages: nobody could prove the seam between two tasks."""

    def __init__(self, asked: Asked) -> None:
        self.asked = asked

    def partitions(self) -> list[Any]:
        """A partition for each group of agents; none where filters leave no agent."""
        return [_spark.InputPartition(share) for share in self.asked.shares()]

    def read(self, partition: Any) -> Iterator[Any]:
        """Each `pyarrow.RecordBatch` of a partition."""
        share: Share | None = partition.value  # None is Spark's, where there is no partition
        return share.batches(self.asked) if share else iter(())


class PushdownReader(AgentsReader):
    """The same, which asks the API only for what a filter can leave over."""

    def pushFilters(self, filters: Sequence[Any]) -> Sequence[Any]:  # noqa: N802  # Spark's name
        """Take over what is understood; every filter is handed back, so that Spark applies it as well."""
        self.asked = narrowed(self.asked, filters)
        return filters


def narrowed(asked: Asked, filters: Sequence[Any]) -> Asked:
    """What is asked for under these filters of Spark's, all of which a row must pass.

    An option stays as it is: the filter is then Spark's alone. So is a status that the contract does not know, which
    the API may refuse.
    """
    for one in filters:
        column, values = _allowed(one)
        if column == "agent_id":
            asked = evolve(asked, agents=tuple(agent for agent in asked.agents if agent in values))
        elif len(values) == 1 and column not in asked.filters:
            (value,) = values
            if column == "is_test_call" or (column == "status" and value in CALL_STATUSES):
                asked = evolve(asked, filters={**asked.filters, column: value})
    return asked


def _allowed(one: Any) -> tuple[str | None, tuple[Any, ...]]:
    """The column of a filter and the values that it lets pass; None for a filter of another kind."""
    inner: Any = one
    kind = type(one).__name__
    if kind == "Not":
        inner, kind = one.child, f"Not {type(one.child).__name__}"
    column = ".".join(getattr(inner, "attribute", ()))
    value: Any = getattr(inner, "value", None)
    if kind == "In":
        return column, tuple(value)
    if kind in {"EqualTo", "EqualNullSafe"} and value is not None:
        return column, (value,)
    if kind == "Not EqualTo" and column == "is_test_call":
        return column, (not value,)
    return None, ()
