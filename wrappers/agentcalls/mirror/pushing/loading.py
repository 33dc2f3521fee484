"""Rows into a warehouse, with dlt: the part that knows dlt, and nothing of a copy."""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agentcalls import AgentCallsError, ConfigurationError
from agentcalls.export.disk import operations
from agentcalls.mirror.schema import CALLS
from agentcalls.table.extras import need

if TYPE_CHECKING:
    from collections.abc import Iterator

_AS_EVER = "column hints were different"
"""JSON is text in Arrow, and JSON in the table: of this dlt warns each time."""
_PIPELINE = "agentcalls_push"  # a DuckDB file gets this name; one called like the dataset is ambiguous to DuckDB

_PACKAGES = {"delta": "deltalake", "iceberg": "pyiceberg"}
"""The package that dlt writes a table format with."""


class LoadError(AgentCallsError):
    """A destination did not take the rows; the next push loads what is left, and goes on."""


class Loader:
    """A pipeline of dlt into the table `calls` of a dataset; `folder` keeps what is not loaded yet.

    Raises `ConfigurationError` for a destination that dlt does not have, or cannot merge into.
    """

    def __init__(
        self, folder: Path, destination: str, *, dataset: str, table_format: str | None
    ) -> None:
        dlt = need("dlt")
        if destination == "filesystem" and not table_format:
            raise ConfigurationError(
                "dlt:filesystem appends to plain files: name a format that merges, such as delta."
            )
        if package := _PACKAGES.get(table_format or ""):
            need(package)  # before anything is extracted, which would wait for it
        self._dlt: Any = dlt
        self._table_format = table_format
        logging.getLogger("dlt").addFilter(_tells_something)
        try:
            probe = _pipeline(folder, destination, dataset)
            strategies = probe.destination.capabilities().supported_merge_strategies
            where = str(probe.destination_client().config)
            self.place: str = hashlib.sha256(
                f"{destination} {where} {dataset}".encode()
            ).hexdigest()[:16]
            """Tells one place from another; it shows neither."""
            # What one place did not take must not be loaded into another.
            self._pipeline: Any = _pipeline(folder / self.place, destination, dataset)
        except _errors() as error:
            raise ConfigurationError(f"dlt:{destination} cannot be used: {error}") from error
        self._strategy = "upsert" if "upsert" in (strategies or ()) else "delete-insert"

    def extract(self, tables: Iterator[Any]) -> None:
        """Keep each `pyarrow.Table` of calls in files, to be loaded."""
        resource = self._dlt.resource(
            tables,
            name=CALLS.name,
            primary_key=CALLS.key,
            write_disposition={"disposition": "merge", "strategy": self._strategy},
            columns={"additional_properties": {"data_type": "json"}},
            table_format=self._table_format,
            # A value of another type would become NULL.
            schema_contract={"data_type": "freeze"},
        )
        self._attempt(lambda: self._pipeline.extract(resource))

    def load(self) -> None:
        """Load what was extracted, first what an earlier push has left; raises `LoadError` if any was not taken.

        The steps are taken one by one: where something is pending, dlt's `run` would load that, and silently ignore
        what is new.
        """

        def load() -> None:
            self._pipeline.normalize()
            self._pipeline.load().raise_on_failed_jobs()

        self._attempt(load)
        # dlt keeps all that it ever loaded: every call, once for each change.
        for package in Path(self._pipeline.working_dir, "load", "loaded").iterdir():
            operations.remove_tree(package)

    def _attempt(self, step: Any) -> None:
        try:
            step()
        except _errors() as error:
            raise LoadError(f"dlt could not load the calls: {error}") from error


def _pipeline(folder: Path, destination: str, dataset: str) -> Any:
    return need("dlt").pipeline(
        _PIPELINE, destination=destination, dataset_name=dataset, pipelines_dir=str(folder)
    )


def _tells_something(record: logging.LogRecord) -> bool:
    return _AS_EVER not in record.getMessage()


def _errors() -> tuple[type[Exception], ...]:
    from dlt.common.exceptions import DltException  # noqa: PLC0415 (an extra)

    return (DltException, ImportError, ValueError)
