"""What a copy is in any database: reading its state, and writing what came, each in one transaction."""

from __future__ import annotations

from abc import abstractmethod
from datetime import UTC, datetime, timedelta
from math import isfinite
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from agentcalls import ConfigurationError
from agentcalls.described import quantity
from agentcalls.mirror import schema
from agentcalls.mirror.change import Written, columns_in
from agentcalls.mirror.databases.database import Database
from agentcalls.mirror.plan import EARLIEST, AgentRow, OpenCall
from agentcalls.table.columns import storable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from agentcalls import Call
    from agentcalls.mirror.change import Change, Run, Span

_TICK = timedelta(microseconds=1)
_PAIRS = schema.Table("pairs", schema.SEEN.fields, schema.SEEN.key)
_SPANS = schema.Table("spans", (schema.Field("agent_id", str), schema.Field("since", datetime)))
_RANKED = schema.Table("ranked", (*schema.SEEN.fields, schema.Field("created_on", datetime)))
_ABOUT = {
    "schema_version": str(schema.VERSION),
    "stamp": datetime.min.replace(tzinfo=UTC).isoformat(),
    "credit": "0",
}
# The rows that are gone, by the span of a proven reading and by what it was given. For SQLite, CROSS JOIN says that the
# agents come first: otherwise each transaction would go through all calls.
_MARK = """
UPDATE calls SET deleted_at = ?, changed_at = ? WHERE rowid IN (
    SELECT calls.rowid FROM spans CROSS JOIN calls WHERE calls.agent_id = spans.agent_id
    AND calls.{moment} {sign} spans.since AND calls.deleted_at IS NULL AND NOT EXISTS (
        SELECT 1 FROM {given} AS given WHERE given.agent_id = calls.agent_id AND given.id = calls.id
    )
)"""
_MARK_FOLLOWED = _MARK.format(moment="created_on", sign=">=", given="pairs")
_MARK_REREAD = _MARK.format(moment="first_seen", sign="<", given="seen")

# What a transaction came to: a row that came in it and is gone again is both new and marked.
_WRITTEN = """
SELECT count(*) FILTER (WHERE first_seen = ?), count(*) FILTER (WHERE first_seen < ? AND deleted_at IS NULL),
    count(*) FILTER (WHERE deleted_at = ?) FROM calls WHERE changed_at = ?"""


class InUseError(ConfigurationError):
    """Another process has the copy open."""


class Target(Database):
    """A copy that is open for writing; only one process has it.

    A new one is made for `host`; None is any host, for a copy that exists. Raises `ConfigurationError` for a database
    that is no copy, of another host, or of a newer version.
    """

    def __init__(self, path: Path, host: str | None) -> None:
        self.path = path
        if host is not None and not self.tables():
            with self.transaction():
                self.create()
                self.replace(schema.ABOUT, [*_ABOUT.items(), ("host", host)], by=("name",))
        self._stamp = self._checked(host)

    @abstractmethod
    def put_columns(self, columns: list[list[Any]], stamp: datetime) -> None:
        """Insert calls, update calls that differ, and unmark calls that were marked; see `columns_in`."""

    def put(self, calls: Sequence[tuple[str, Sequence[Call]]], stamp: datetime) -> None:
        """The same from the calls; what no table can hold is changed, as in every table of ours."""

        def put(agent_id: str, some: Sequence[Call]) -> None:
            self.put_columns(columns_in([(agent_id, some)]), stamp)

        try:
            self.put_columns(columns_in(calls), stamp)
        except (UnicodeEncodeError, OverflowError):
            for agent_id, some in calls:
                storable(put, agent_id, some)

    def agents(self) -> dict[str, AgentRow]:
        """What the copy knows of each agent, by its id."""
        names = schema.AGENTS.names
        rows = self.fetch(schema.AGENTS, f"SELECT {', '.join(names)} FROM agents")  # noqa: S608 (our own names)
        return {row[0]: AgentRow(**dict(zip(names, row, strict=True))) for row in rows}

    def held(self) -> dict[str, int]:
        """How many calls the copy has of each agent, without the marked ones."""
        return dict(
            self.run("SELECT agent_id, count(*) FROM calls WHERE deleted_at IS NULL GROUP BY 1")
        )

    def open_calls(self, before: datetime) -> list[OpenCall]:
        """The calls that are open and were created before a moment."""
        rows = self.fetch(
            _RANKED,
            'SELECT agent_id, id, created_on FROM calls WHERE "open" AND deleted_at IS NULL AND created_on < ?',
            [before],
        )
        return [OpenCall(*row) for row in rows]

    def ranks(self, calls: Sequence[OpenCall]) -> list[tuple[str, int]]:
        """The agent of each call, and how many of its calls in the copy are older."""
        with self.loaded(_RANKED, _rows(_RANKED, calls)):
            rows = self.run(
                "SELECT ranked.agent_id, count(calls.id) FROM ranked LEFT JOIN calls"
                " ON calls.agent_id = ranked.agent_id AND calls.created_on < ranked.created_on"
                " AND calls.deleted_at IS NULL GROUP BY ranked.agent_id, ranked.id"
            )
        return [(agent_id, int(rank)) for agent_id, rank in rows]

    @property
    def credit(self) -> float:
        """The requests that the audit may make."""
        return float(self._about()["credit"])

    def next_stamp(self, now: datetime) -> datetime:
        """A moment later than all that are in the copy, or were given before: now, if the clock was not set back."""
        self._stamp = max(now, self._stamp + _TICK)
        return self._stamp

    def write(self, change: Change, now: datetime) -> Written:
        """Write what came, in one transaction; `changed_at` of it is later than all before."""
        stamp = self.next_stamp(now)
        with self.transaction():
            if change.calls:
                self.put(change.calls, stamp)
            if change.seen:
                self.replace(schema.SEEN, dict.fromkeys(change.seen), by=schema.SEEN.key)
            self._mark(_MARK_FOLLOWED, change.followed, stamp, change.given)
            self._mark(_MARK_REREAD, change.reread, stamp)
            for agent_id in change.ended:
                self.run("DELETE FROM seen WHERE agent_id = ?", [agent_id])
            self.replace(
                schema.AGENTS, _rows(schema.AGENTS, change.agents.values()), by=("agent_id",)
            )
            counts = (one for found in change.problems.values() for one in found)
            problems = [(one.agent_id, one.field, one.why, one.rows, stamp) for one in counts]
            self.replace(schema.PROBLEMS, problems, by=("agent_id",))
            self._note("stamp", stamp.isoformat())
            if change.credit is not None:
                self._note("credit", str(change.credit))
            ((new, changed, marked),) = self.run(_WRITTEN, [stamp] * 4)
        return Written(new, changed, marked)

    def noted(self, name: str) -> str | None:
        """What was noted under a name that is not the copy's own."""
        return self._about().get(name)

    def note(self, name: str, value: str) -> None:
        """Note a text under a name, in place of an earlier one."""
        with self.transaction():
            self.replace(schema.ABOUT, [(name, value)], by=("name",))

    def changed(self, after: datetime | None) -> Iterator[list[tuple[Any, ...]]]:
        """The rows of `calls` that changed after a moment, in no order; all of them for None."""
        return self.pieces(
            schema.CALLS,
            f"SELECT {schema.CALLS.columns} FROM calls WHERE changed_at > ?",  # noqa: S608 (our own names)
            [after or EARLIEST],
        )

    def note_run(self, run: Run) -> None:
        """Write the row of a run, in place of that of its beginning."""
        with self.transaction():
            self.replace(schema.RUNS, _rows(schema.RUNS, [run]), by=("began_at",))

    def verify(self) -> list[str]:
        """What is wrong with the copy, in sentences: keys that are there twice, states that contradict each other."""
        found: list[str] = []
        for table in schema.TABLES:
            key = ", ".join(table.key)
            ((twice,),) = self.run(
                f"SELECT count(*) FROM (SELECT 1 FROM {table.name} GROUP BY {key} HAVING count(*) > 1) AS twice"  # noqa: S608 (our own names)
            )
            if twice:
                found.append(f"{twice:,} keys are in {table.name} more than once.")
        ((bare,),) = self.run("SELECT count(*) FROM calls WHERE id IS NULL OR created_on IS NULL")
        if bare:
            found.append(f"{quantity(bare, 'call')} without id or created_on.")
        return found

    def _mark(
        self,
        statement: str,
        spans: Sequence[Span],
        stamp: datetime,
        given: Sequence[tuple[str, str]] = (),
    ) -> None:
        if spans:
            with self.loaded(_SPANS, _rows(_SPANS, spans)), self.loaded(_PAIRS, given):
                self.run(statement, [stamp, stamp])

    def _note(self, name: str, value: str) -> None:
        self.run("UPDATE about SET value = ? WHERE name = ?", [value, name])

    def _about(self) -> dict[str, str]:
        return dict(self.run("SELECT name, value FROM about"))

    def create(self) -> None:
        """Make the tables and views."""
        for table in schema.TABLES:
            columns = ", ".join(
                f'"{field.name}" {self.types[field.kind]}' for field in table.fields
            )
            self.run(f"CREATE TABLE {table.name} ({columns})")
        self._make_views()

    def _make_views(self) -> None:
        for name, query in schema.views_in(self.words).items():
            self.run(f"DROP VIEW IF EXISTS {name}")
            self.run(f"CREATE VIEW {name} AS {query}")
        self.replace(schema.ABOUT, [("views", schema.mark_of_views(self.words))], by=("name",))

    def _checked(self, host: str | None) -> datetime:
        # The latest stamp of a copy that is ours.
        about = self._about() if "about" in self.tables() else {}
        version, stamp = _state_of(about)
        if version < 1:
            raise ConfigurationError(
                f"{self.path} is no copy that agentcalls made: choose another file."
            )
        if version > schema.VERSION:
            raise ConfigurationError(
                f"{self.path} has version {version} of the schema, and this agentcalls knows {schema.VERSION}:"
                " install a newer one."
            )
        if host not in {None, about["host"]}:
            raise ConfigurationError(
                f"{self.path} is a copy of the calls at {about['host']}, and not at {host}: choose another file."
            )
        is_as_made = about.get("views") == schema.mark_of_views(self.words)
        if version < schema.VERSION or not (is_as_made and schema.VIEWS.keys() <= self.tables()):
            self._bring_up_to_date(version)
        return stamp

    def _bring_up_to_date(self, version: int) -> None:
        with self.transaction():
            for step in range(version, schema.VERSION):
                for statement in schema.MIGRATIONS[step]:
                    self.run(statement)
            self._note("schema_version", str(schema.VERSION))
            # A view of a table that was changed would fail, and one of another release may mean something else.
            self._make_views()


def _rows(table: schema.Table, values: Iterable[object]) -> Iterable[tuple[Any, ...]]:
    # Values that have the columns of a table as attributes; attrs' own astuple takes six times as long.
    return map(attrgetter(*table.names), values)


def _state_of(about: Mapping[str, str]) -> tuple[int, datetime]:
    # The version and the latest stamp; version 0 for what no agentcalls wrote. A newer one may write the rest anew.
    try:
        version = int(about["schema_version"])
        if version > schema.VERSION:
            return version, EARLIEST
        stamp = datetime.fromisoformat(about["stamp"])
        sound = stamp.tzinfo and isfinite(float(about["credit"])) and about["host"]
    except (KeyError, TypeError, ValueError):
        return 0, EARLIEST
    return version if sound else 0, stamp
