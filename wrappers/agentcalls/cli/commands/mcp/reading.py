"""Calls of agents, read to their end and counted: a failing agent does not stop the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import field, mutable

from agentcalls.cli.agents import MOST_NAMED
from agentcalls.cli.show.phone_numbers import masked, without_numbers
from agentcalls.cli.summary import FAILED, Summary
from agentcalls.described import timestamp

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from agentcalls import AgentCallsError, AgentReport, AsyncClient, Checkpoint
    from agentcalls.cli.commands.mcp.progress import Progress

MOST_GROUPS = 100
"""The most groups, or reasons, in an answer."""

Row = dict[str, Any]


async def span(
    client: AsyncClient, agent_id: str, filters: Mapping[str, Any]
) -> tuple[datetime | None, datetime | None]:
    """The moments that `since` and `until` mean now. Nothing is sent.

    Raises `ConfigurationError` for a wrong argument, and if there can be no call between them.
    """
    start: Checkpoint = aiter(client.calls.list(agent_id, **filters)).checkpoint
    return start.since, start.until


@mutable
class Reading:
    """The numbers of the calls of agents, and what is missing of them."""

    summary: Summary
    agents: Sequence[str]
    since: datetime | None
    until: datetime | None
    doubt: str | None = None
    """Why there may be more agents."""
    reasons: Summary = field(init=False)
    """The calls that failed, by `error_reason`."""
    failures: dict[str, AgentCallsError] = field(factory=dict[str, "AgentCallsError"], init=False)
    gaps: list[str] = field(factory=list[str], init=False)
    """Sentences about calls that are missing, or may be missing."""
    calls: int = field(default=0, init=False)
    ended: int = field(default=0, init=False)
    """Agents that have been read to their end, or failed."""

    def __attrs_post_init__(self) -> None:
        self.reasons = Summary("error_reason", self.summary.zone)

    async def read(
        self, client: AsyncClient, filters: Mapping[str, Any], progress: Progress
    ) -> None:
        """Count every call; raises the first failure if every agent failed."""
        progress.says = self._so_far
        window: dict[str, Any] = {**filters, "since": self.since, "until": self.until}
        listing = client.calls.list_many(self.agents, **window, ordered=True, on_agent=self._ended)
        try:
            async for _, call in listing:
                self.calls += 1
                self.summary.add(call)
                if call.status == FAILED:
                    self.reasons.add(call)
        except ExceptionGroup:
            if len(self.failures) == len(self.agents):
                raise next(iter(self.failures.values())) from None

    def window(self, *, show_numbers: bool) -> Row:
        """The values of `results.Window`."""
        total = self.summary.total()
        gaps = [*([self.doubt] if self.doubt else []), *self.gaps]
        more = [f"And {len(gaps) - MOST_NAMED:,} more."] if len(gaps) > MOST_NAMED else []
        reasons = groups(self.reasons, show_numbers=show_numbers)
        return {
            "since": moment(self.since),
            "until": moment(self.until),
            "complete": not gaps,
            "incomplete_reason": " ".join([*gaps[:MOST_NAMED], *more]) or None,
            "failed_agents": list(self.failures)[:MOST_NAMED],
            "total": total.row(total.calls),
            "failure_reasons": [
                {"error_reason": row["error_reason"], "calls": row["calls"]} for row in reasons
            ],
            "failed_for_other_reasons": total.failed - sum(row["calls"] for row in reasons),
        }

    def _so_far(self) -> str:
        return (
            f"{self.calls:,} calls read, {self.ended:,} of {len(self.agents):,} agents to their end"
        )

    def _ended(self, agent: AgentReport) -> None:
        self.ended += 1
        if agent.error:
            self.failures[agent.agent_id] = agent.error
            self.gaps.append(f"Could not be read: {agent.error}")
        elif not agent.report.complete:
            self.gaps.append(f"{agent.agent_id}: {agent.report.reason}")


def groups(summary: Summary, *, show_numbers: bool) -> list[Row]:
    """The groups with their numbers, but for the smallest ones, or the earliest days, where there are many."""
    rows = summary.rows()
    kept = rows[-MOST_GROUPS:] if summary.by == "day" else rows[:MOST_GROUPS]
    hide = masked if summary.by == "source" else without_numbers
    if not show_numbers and summary.by in {"source", "end_reason", "error_reason"}:
        for row in kept:
            row[summary.by] = row[summary.by] and hide(row[summary.by])
    return kept


def moment(value: datetime | None) -> str | None:
    """A moment in UTC, as calls have it."""
    return None if value is None else timestamp(value)
