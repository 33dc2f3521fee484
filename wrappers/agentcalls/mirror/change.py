"""The rows that one transaction writes to a copy, and their counts."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003  # the schema reads the types of the fields
from typing import TYPE_CHECKING, Any

from attrs import define, field, frozen

from agentcalls.table.columns import columns_of, still_open, with_json_texts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agentcalls import Call
    from agentcalls.mirror.plan import AgentRow


@frozen
class ProblemCount:
    """How often a reading met one problem in one field of an agent's calls."""

    agent_id: str
    field: str
    why: str
    rows: int


@frozen
class Span:
    """A proven reading of an agent's calls from a moment on: calls that it did not find are gone."""

    agent_id: str
    since: datetime
    """A `created_on` if the agent was followed, a `first_seen` if it was read whole."""


@define
class Change:
    """Rows that are not written yet."""

    calls: list[tuple[str, Sequence[Call]]] = field(factory=list["tuple[str, Sequence[Call]]"])
    """Calls with their agents; each has its id and its `created_on`."""
    rows: int = 0
    """The number of these calls."""
    seen: list[tuple[str, str]] = field(factory=list[tuple[str, str]])
    """Agent and id of each call that an unfinished whole reading found."""
    given: list[tuple[str, str]] = field(factory=list[tuple[str, str]])
    """The same for the readings in `followed`."""
    followed: list[Span] = field(factory=list["Span"])
    reread: list[Span] = field(factory=list["Span"])
    ended: list[str] = field(factory=list[str])
    """Agents whose whole reading has ended, proven or not: the ids that it found are forgotten."""
    agents: dict[str, AgentRow] = field(factory=dict[str, "AgentRow"])
    problems: dict[str, list[ProblemCount]] = field(factory=dict[str, list[ProblemCount]])
    """The problems by agent; they replace those of earlier readings."""
    credit: float | None = None
    """The requests that the audit may make; None if unchanged."""

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to write."""
        return not (self.calls or self.agents or self.problems or self.credit is not None)


def columns_in(calls: Sequence[tuple[str, Sequence[Call]]]) -> list[list[Any]]:
    """The values of each column of every table of ours, from calls with their agents; and whether a call is open."""
    columns = columns_of("", [call for _, some in calls for call in some])
    columns[0] = [agent_id for agent_id, some in calls for _ in some]
    return [*with_json_texts(columns), still_open(columns)]


@frozen
class Written:
    """How many rows of `calls` a transaction, or a run, changed."""

    new: int = 0
    changed: int = 0
    """New and marked calls are not counted here."""
    marked: int = 0

    def __add__(self, other: Written) -> Written:
        return Written(
            self.new + other.new, self.changed + other.changed, self.marked + other.marked
        )


@frozen(kw_only=True)
class Run:
    """A row of `runs`."""

    began_at: datetime
    ended_at: datetime | None = None
    agents: int = 0
    failed: int = 0
    unproven: int = 0
    asked: int = 0
    new: int = 0
    changed: int = 0
    marked: int = 0
    complete: bool | None = None
    why: str | None = None
