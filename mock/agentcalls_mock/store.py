"""The queries: one page of an agent's calls, and how many there are. Always parameterised."""

import sqlite3
from collections.abc import Iterable
from types import TracebackType
from typing import Self

from agentcalls_mock.data import Call
from agentcalls_mock.profiles import Profile
from agentcalls_mock.query import CallQuery, Order
from agentcalls_mock.schema import SEPARATOR

# No text of a request ever becomes part of a statement: the code below joins only our own field names and phrases.
_PROFILE = ", ".join(Profile._fields)
_COLUMNS = ", ".join(Call._fields)
INSERT = f"INSERT INTO calls (agent, {_COLUMNS}) VALUES (?{', ?' * len(Call._fields)})"  # noqa: S608  # field names

INSERT_AGENT = (
    f"INSERT INTO agents (key, team, {_PROFILE}) VALUES (?, ?{', ?' * len(Profile._fields)})"  # noqa: S608  # field names
)


class Store:
    """Agents and their calls. Use `connection` to change rows while the mock runs.

    Any SQL on the tables of `schema.py` is allowed: triggers keep the counts that `page` relies on.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Take over a connection to a seeded database."""
        self.connection = connection

    def __enter__(self) -> Self:
        """The store itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the store."""
        self.close()

    def close(self) -> None:
        """Close the connection; data in memory are gone with it."""
        self.connection.close()

    def agent(self, agent_id: str, *, team: str) -> int | None:
        """The agent's key in the tables, or None if the team has no such agent."""
        found = self.connection.execute(
            "SELECT key FROM agents WHERE id = ? AND team = ?", (agent_id, team)
        ).fetchone()
        return None if found is None else found[0]

    def agents(self, query: CallQuery, *, team: str) -> tuple[int, list[Profile]]:
        """The number of the team's agents that match, and those on the query's page.

        Without an order they come as they were made. As for calls, nulls come first, and ids decide between equals.
        """
        rows = self.connection.execute(
            f"SELECT {_PROFILE} FROM agents WHERE team = ? ORDER BY key",  # noqa: S608  # field names
            (team,),
        )
        wanted, order = (query.search or "").lower(), query.order
        found = [
            agent
            for agent in map(Profile._make, rows)
            if any(wanted in value.lower() for value in agent if value is not None)
        ]
        if order:
            found.sort(
                key=lambda agent: (getattr(agent, order.field) or "", agent.id),
                reverse=order.descending,
            )
        start = (query.page - 1) * query.limit
        return len(found), found[start : start + query.limit]

    def call(self, agent: int, call_id: str) -> Call | None:
        """The call of this id, or None if the agent of this key has no such call."""
        found = self.connection.execute(
            f"SELECT {_COLUMNS} FROM calls WHERE agent = ? AND id = ?",  # noqa: S608  # see above
            (agent, call_id),
        ).fetchone()
        return None if found is None else Call(*found)

    def add_agent(self, profile: Profile, *, team: str) -> int:
        """Insert an agent, and return its key; raises sqlite3.IntegrityError on an id in use."""
        added = self.connection.execute(INSERT_AGENT, (None, team, *profile))
        return int(added.lastrowid or 0)

    def every_call(self, agent: int) -> list[Call]:
        """The calls of the agent of this key, newest first."""
        rows = self.connection.execute(
            f"SELECT {_COLUMNS} FROM calls WHERE agent = ? {_order_by('created_on', descending=True)}",  # noqa: S608
            (agent,),
        )
        return [Call(*row) for row in rows]

    def add(self, agent: int, calls: Iterable[Call]) -> None:
        """Insert calls for the agent of this key; raises sqlite3.IntegrityError on an id in use."""
        self.connection.executemany(INSERT, ((agent, *call) for call in calls))

    def page(self, agent: int, query: CallQuery, order: Order) -> tuple[int, list[Call]]:
        """The number of calls that match, and those on the query's page, in `order`."""
        where, values = _conditions(agent, query)
        total = self._total(where, values, searched=bool(query.search))
        offset = (query.page - 1) * query.limit
        size = min(query.limit, total - offset)
        if size <= 0:
            return total, []
        backward = order.descending
        # SQLite walks to an offset row by row, so the second half is reached from the far end.
        if offset > total // 2:
            offset, backward = total - offset - size, not backward
        # Keys first: the walk then stays inside an index and reads only the rows of the page.
        rows = self.connection.execute(
            f"""SELECT {_COLUMNS} FROM calls WHERE key IN (
                SELECT key FROM calls WHERE {where} {_order_by(order.field, descending=backward)}
                LIMIT ? OFFSET ?
            ) {_order_by(order.field, descending=order.descending)}""",  # noqa: S608  # see above
            (*values, size, offset),
        )
        return total, [Call(*row) for row in rows]

    def _total(self, where: str, values: list[object], *, searched: bool) -> int:
        # The stored counts cover every filter except the search.
        counting = (
            f"SELECT count(*) FROM calls WHERE {where}"  # noqa: S608  # see above
            if searched
            else f"SELECT coalesce(sum(total), 0) FROM counts WHERE {where}"  # noqa: S608  # see above
        )
        return int(self.connection.execute(counting, values).fetchone()[0])


def _conditions(agent: int, query: CallQuery) -> tuple[str, list[object]]:
    conditions: list[str] = ["agent = ?"]
    values: list[object] = [agent]
    if query.status is not None:
        conditions.append("status = ?")
        values.append(query.status)
    if query.is_test_call is not None:
        conditions.append("is_test_call = ?")
        values.append(query.is_test_call)
    if query.search:
        # Not LIKE, so % and _ mean themselves.
        found = "instr(visible, lower(?)) > 0"
        conditions.append(found if SEPARATOR not in query.search else "? IS NULL")
        values.append(query.search)
    return " AND ".join(conditions), values


def _order_by(field: str, *, descending: bool) -> str:
    direction = "DESC" if descending else "ASC"
    return f"ORDER BY {field} {direction}, id {direction}"
