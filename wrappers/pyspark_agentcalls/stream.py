"""The reader of a stream: new calls, and what changed of those younger than `follow`."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib import import_module
from typing import TYPE_CHECKING, Any

from agentcalls import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyspark_agentcalls.asked import Asked

_spark: Any = import_module("pyspark.sql.datasource")  # as in __init__.py


class AgentsStream(_spark.DataSourceStreamReader):  # type: ignore[misc]  # as in __init__.py
    """An offset is a moment: `{"until": …}`, empty at the start. A batch reads the calls from `follow` before the last.

    So a call comes in several batches, each time as it is then, and the sink merges by agent and id.
    """

    def __init__(self, asked: Asked) -> None:
        if "until" in asked.filters:
            raise ConfigurationError("A stream has no end: until is for a query that is run once.")
        self.asked = asked

    def initialOffset(self) -> dict[str, str]:  # noqa: N802  # Spark's name
        """Where a new stream begins."""
        return {"until": ""}

    def latestOffset(  # noqa: N802  # Spark's name
        self,
        start: dict[str, str] | None = None,
        limit: object = None,  # noqa: ARG002  # all that is there is one batch
    ) -> dict[str, str]:
        """The end of the next batch: now, or the start where that is hardly over.

        A stream without a trigger would otherwise ask for all agents all the time. Spark before 4.2 gives no start.
        """
        now = datetime.now(UTC)
        last = _moment(start)
        if start and last and now - last < self.asked.every:
            return start
        return {"until": now.isoformat()}

    def partitions(self, start: dict[str, str], end: dict[str, str]) -> list[Any]:
        """A partition for each group of agents; none where nothing is new."""
        last, until = _moment(start), _moment(end)
        if until is None or until == last:
            return []
        since = last - self.asked.follow if last else self.asked.filters.get("since")
        shares = self.asked.spanning(since, until).shares()
        return [_spark.InputPartition(share) for share in shares]

    def read(self, partition: Any) -> Iterator[Any]:
        """Each `pyarrow.RecordBatch` of a partition."""
        batches: Iterator[Any] = partition.value.batches(self.asked)
        return batches


def _moment(offset: dict[str, str] | None) -> datetime | None:
    text = (offset or {}).get("until")
    return datetime.fromisoformat(text) if text else None
