"""`spark.read.format("agentcalls")`: Spark finds the source by the name of this package; see docs/spark.md.

Spark imports every package called `pyspark_…`, and finds none of them if one fails. So nothing is imported here but
Spark itself: all else, when the source is used.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_spark: Any = import_module("pyspark.sql.datasource")  # its types are in an environment of its own


class DefaultSource(_spark.DataSource):  # type: ignore[misc]  # as above
    """Calls of agents: a row each, with the columns of docs/dataframes.md, and `_complete` with `allow_incomplete`."""

    @classmethod
    def name(cls) -> str:
        """The name for `format`."""
        return "agentcalls"

    def schema(self) -> str:
        """The columns, as Spark's DDL."""
        return str(self._asked().schema())

    def reader(self, schema: object) -> Any:  # noqa: ARG002  # Spark checks the batches against it
        """What reads the calls once; with the option `pushdown` it takes filters over from Spark."""
        return import_module("pyspark_agentcalls.batch").reader(self._asked())

    def streamReader(self, schema: object) -> Any:  # noqa: ARG002, N802  # as above; Spark's name
        """What reads the calls again and again."""
        return import_module("pyspark_agentcalls.stream").AgentsStream(self._asked())

    def _asked(self) -> Any:
        return import_module("pyspark_agentcalls.asked").asked_of(self.options)
