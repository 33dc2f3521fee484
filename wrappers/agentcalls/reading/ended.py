"""How each of many agents ended, and the combined result."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from attrs import evolve

from agentcalls.described import quantity
from agentcalls.values import AgentReport, ManyReport

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agentcalls.errors import AgentCallsError
    from agentcalls.values import Report

UNREAD = "The listing was not read."
KEPT_PROBLEMS = 1000
"""How many problems a report keeps; the count is full."""


class EndedAgents:
    """The agents that have ended, in the order of their ends.

    Args:
        stop_on_error: Whether a failure is raised as soon as it is reported.
        on_agent: Called with each agent that has ended.
    """

    def __init__(
        self, *, stop_on_error: bool, on_agent: Callable[[AgentReport], object] | None
    ) -> None:
        self.ended: dict[str, AgentReport] = {}
        self._stop_on_error, self._on_agent = stop_on_error, on_agent
        self._problems_left = KEPT_PROBLEMS

    def tell(
        self, agent_id: str | None, report: Report, error: AgentCallsError | None = None
    ) -> None:
        """Record that an agent has ended, and call `on_agent`."""
        # A report of each agent is kept, without all problems: otherwise memory would grow with the calls.
        report = evolve(report, problems=report.problems[: self._problems_left])
        self._problems_left -= len(report.problems)
        checkpoint = error.checkpoint if error else None
        key = cast("str", agent_id)
        ended = AgentReport(agent_id=key, report=report, error=error, checkpoint=checkpoint)
        self.ended[key] = ended
        if error:
            error.agent_id = error.agent_id or agent_id
        if self._on_agent:
            self._on_agent(ended)
        if error and self._stop_on_error:
            raise error

    def report(
        self, begun: Mapping[str, AgentReport], *, done: bool, doubt: str | None = None
    ) -> ManyReport:
        """What was read and proven of these agents, and of the `begun` agents that have not ended.

        `doubt` says why there may be more agents.
        """
        agents = {**self.ended, **begun}
        failures = {one.agent_id: one.error for one in agents.values() if one.error}
        unproven = sum(not (one.report.complete or one.error) for one in self.ended.values())
        found: list[str] = []
        if not done:
            found.append("Not every agent was read to its end.")
        elif doubt:
            found.append(f"The listing of the agents is not proven complete: {doubt}")
        if failures:
            found.append(f"{len(failures):,} of {quantity(len(agents), 'agent')} failed.")
        if unproven:
            found.append(f"{unproven} of the listings read are not proven complete.")
        return ManyReport(
            agents={one.agent_id: one.report for one in agents.values()},
            failures=failures,
            checkpoints={one.agent_id: one.checkpoint for one in agents.values() if one.checkpoint},
            complete=not found,
            reason=" ".join(found) or None,
        )

    def raise_failures(self) -> None:
        """Raises the failures together, if there are any."""
        if errors := [one.error for one in self.ended.values() if one.error]:
            raise ExceptionGroup(
                f"{len(errors):,} of {quantity(len(self.ended), 'agent')} failed", errors
            )
