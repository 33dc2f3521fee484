"""Push the changes of a copy to a warehouse: read the rows since the last push, load them, and note the last one."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from attrs import frozen

from agentcalls import ConfigurationError
from agentcalls.checks import as_builtin, checked_boolean, checked_text
from agentcalls.mirror.copies import checked, exists, locked, opened
from agentcalls.mirror.plan import latest
from agentcalls.mirror.pushing.loading import Loader
from agentcalls.mirror.schema import CALLS
from agentcalls.table import arrow
from agentcalls.table.columns import COLUMNS
from agentcalls.table.extras import need

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

    from agentcalls.mirror.databases.target import Target

DATASET = "agentcalls"
_CHANGED = CALLS.names.index("changed_at")


@frozen
class Pushed:
    """The outcome of a push."""

    rows: int
    """Calls that were new, changed or marked since the last push to this place."""
    mark: datetime | None
    """The latest `changed_at` that was pushed to this place; None if nothing was."""


def push(
    path: str | os.PathLike[str],
    destination: str,
    *,
    dataset: str = DATASET,
    table_format: str | None = None,
    full: bool = False,
) -> Pushed:
    """The outcome of loading the changes since the last push from a copy into a warehouse.

    The table is `calls`, merged by `agent_id` and `id`, with the columns of the copy. The copy notes the last
    row once the destination has taken everything. So the next push repeats one that was killed, and a repeated push
    changes nothing. Rows that are not loaded yet are in a folder beside the copy, `NAME.push`. The copy is locked only
    while it is read. If two pushes run at once, the second one raises `InUseError`.

    Args:
        path: The copy.
        destination: A destination of dlt, such as "postgres"; its credentials are where dlt looks for them.
        dataset: The schema, or its equivalent in the destination.
        table_format: The format of a table, such as "delta", if the destination is `filesystem`.
        full: Push all calls again, for a destination that has lost some.

    Raises:
        ConfigurationError: There is no copy, dlt is not installed (the extra `dlt`), or the destination cannot be used.
        LoadError: The destination did not take the rows.
    """
    target, _ = checked(path)
    destination, dataset = _name("destination", destination), _name("dataset", dataset)
    table_format = None if table_format is None else _name("table_format", table_format)
    full = checked_boolean("full", full)
    if not exists(target):
        raise ConfigurationError(f"There is no {target}.")
    folder = target.with_name(f"{target.name}.push")
    folder.mkdir(mode=0o700, exist_ok=True)  # it holds phone numbers
    # Two at once would load each other's files, and the slower one set the mark back.
    with locked(folder, f"Another push of {target} is under way."):
        loader = Loader(folder, destination, dataset=dataset, table_format=table_format)
        name = f"pushed {loader.place}"
        with opened(target, None) as copy:
            found = _Reading(copy, None if full else copy.noted(name))
            loader.extract(found.tables())
        if found.rows:
            loader.load()
            with opened(target, None) as copy:
                copy.note(name, str(found.mark))
    return Pushed(found.rows, found.mark)


def _name(argument: str, value: object) -> str:
    found = checked_text(argument, as_builtin(value))
    if not found:
        raise ConfigurationError(f"{argument} must not be empty.")
    return found


class _Reading:
    """The rows that changed, counted as they are read."""

    def __init__(self, copy: Target, mark: str | None) -> None:
        self.rows = 0
        self.mark = datetime.fromisoformat(mark) if mark else None
        self._pieces = copy.changed(self.mark)

    def tables(self) -> Iterator[Any]:
        """Each some thousand rows as a `pyarrow.Table`."""
        pa = need("pyarrow")
        fields = list(arrow.schema())
        for field in CALLS.fields[len(COLUMNS) :]:
            kind = pa.bool_() if field.kind is bool else pa.timestamp("us", "UTC")
            fields.append(pa.field(field.name, kind))
        for rows in self._pieces:
            self.rows += len(rows)
            self.mark = latest(self.mark, *(row[_CHANGED] for row in rows))
            arrays = [
                pa.array(column, one.type)
                for column, one in zip(zip(*rows, strict=True), fields, strict=True)
            ]
            yield pa.Table.from_arrays(arrays, schema=pa.schema(fields))
