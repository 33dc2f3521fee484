"""The tables and views of a copy, the same in DuckDB and in SQLite; docs/schema.md says what is in them.

A new version of the schema appends the statements that bring the one before it up to date to `MIGRATIONS`. The views
need none: where they are not those of this release, they are made anew.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import TYPE_CHECKING, get_args, get_type_hints

from attrs import frozen

from agentcalls.mirror.change import ProblemCount, Run
from agentcalls.mirror.plan import AgentRow
from agentcalls.table.columns import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Mapping

VERSION = 1
"""The version of the schema that this code writes."""

MIGRATIONS: dict[int, tuple[str, ...]] = {}
"""What brings a copy of each earlier version to the next one: statements that both databases understand."""


@frozen
class Field:
    """A column of a table of a copy."""

    name: str
    kind: type
    """str, int, float, bool, datetime or date, or object for any JSON; each may be NULL."""


@frozen
class Table:
    """A table of a copy."""

    name: str
    fields: tuple[Field, ...]
    key: tuple[str, ...] = ()
    """The columns whose values are unique together."""

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns, in order."""
        return tuple(field.name for field in self.fields)

    @property
    def columns(self) -> str:
        """The same as SQL lists them."""
        return ", ".join(f'"{name}"' for name in self.names)


def _fields_of(model: type) -> tuple[Field, ...]:
    # A row is written of the attributes of a value, so its columns are those of the class.
    hints = get_type_hints(model).items()
    return tuple(Field(name, (get_args(kind) or (kind,))[0]) for name, kind in hints)


CALLS = Table(
    "calls",
    (
        *(Field(column.name, column.kind) for column in COLUMNS),
        Field("open", bool),
        Field("first_seen", datetime),
        Field("changed_at", datetime),
        Field("deleted_at", datetime),
    ),
    key=("agent_id", "id"),
)
"""A row for each call that was ever seen. `changed_at` grows from one transaction to the next."""

AGENTS = Table("agents", _fields_of(AgentRow), key=("agent_id",))
"""A row for each agent: how far its calls are proven, and the whole reading that is under way."""

RUNS = Table("runs", _fields_of(Run), key=("began_at",))
"""A row for each run; one that was killed has no `ended_at`."""

PROBLEMS = Table(
    "problems",
    (*_fields_of(ProblemCount), Field("seen_at", datetime)),
    key=("agent_id", "field", "why"),
)
"""What the contract does not allow, counted by agent, field and reason in the latest reading that met it."""

SEEN = Table("seen", (Field("agent_id", str), Field("id", str)), key=("agent_id", "id"))
"""The calls that a whole reading that is under way was given."""

ABOUT = Table("about", (Field("name", str), Field("value", str)), key=("name",))
"""`schema_version`, a mark of the `views`, the `host` whose calls these are, the latest `stamp`, and the requests that
the audit may make."""

TABLES = (CALLS, AGENTS, RUNS, PROBLEMS, SEEN, ABOUT)

VIEWS = {
    "current_calls": "SELECT * FROM calls WHERE deleted_at IS NULL",
    "calls_by_day": (
        "SELECT agent_id, {day} AS day, count(*) AS calls, CAST(sum({open}) AS BIGINT) AS open,"
        " {seconds} AS seconds FROM calls WHERE deleted_at IS NULL GROUP BY 1, 2"
    ),
    "failure_rate": (
        "SELECT agent_id, CAST(sum(1 - {open}) AS BIGINT) AS over, CAST(sum({failed}) AS BIGINT) AS failed,"
        " 1.0 * sum({failed}) / nullif(sum(1 - {open}), 0) AS rate"
        " FROM calls WHERE deleted_at IS NULL GROUP BY 1"
    ),
}
"""The views by name; `{day}`, `{seconds}`, `{open}` and `{failed}` stand for what a database calls the day in UTC,
the sum of durations that may be no 64-bit integer, and 0 or 1."""


def views_in(words: Mapping[str, str]) -> dict[str, str]:
    """The queries of the views in the words of a database."""
    return {name: query.format(**words) for name, query in VIEWS.items()}


def mark_of_views(words: Mapping[str, str]) -> str:
    """What tells these views from others: DuckDB keeps a query in words of its own, which cannot be compared."""
    return hashlib.sha256(repr(views_in(words)).encode()).hexdigest()[:16]
