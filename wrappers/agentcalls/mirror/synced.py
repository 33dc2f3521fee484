"""The progress and the outcome of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from agentcalls.described import quantity

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from agentcalls import AgentCallsError
    from agentcalls.mirror.change import Written


@frozen(kw_only=True)
class Progress:
    """The progress of a run."""

    agents: int
    """The agents that this run reads."""
    agents_done: int
    requests: int
    """The requests for the agents that are done, without retries."""
    calls: int
    """The calls that were read."""


@frozen(kw_only=True)
class Synced:
    """The outcome of a run."""

    agents: int
    """The number of agents that were named, including agents that were not due."""
    skipped: int = 0
    """The number of agents that were not due, because they are quiet."""
    asked: int
    """The number of requests; retries are not counted."""
    written: Written
    """How many calls of the copy are new, changed, or marked as gone."""
    unproven: Mapping[str, str]
    """Why an agent's calls are not proven, by agent id."""
    failures: Mapping[str, str]
    """The agents that failed, each with the name and the status of its error."""
    differing: Sequence[str] = ()
    """The agents whose calls are proven, although the server counts another number."""
    oldest_watermark: datetime | None = None
    """`created_on` of each agent's newest proven call, and of these the oldest; None if there is none."""
    doubt: str | None = None
    """Why the list of agents may be incomplete; None if it is complete."""

    @property
    def complete(self) -> bool:
        """Whether each agent that was due is proven, and the listing of the agents, too."""
        return not (self.unproven or self.failures or self.doubt)

    @property
    def why(self) -> str | None:
        """Why the run is not complete, without quoting the server; None if it is complete."""
        found: list[str] = []
        if self.failures:
            kinds = ", ".join(sorted(set(self.failures.values())))
            found.append(
                f"{len(self.failures):,} of {quantity(self.agents, 'agent')} failed: {kinds}."
            )
        if self.unproven:
            reasons = " ".join(sorted(set(self.unproven.values())))
            found.append(
                f"Not proven: {len(self.unproven):,} of {quantity(self.agents, 'agent')}: {reasons}"
            )
        if self.doubt:
            found.append(self.doubt)
        return " ".join(found) or None


def failure_of(error: AgentCallsError) -> str:
    """The name of an error's class, and its status: the message may hold what a server said."""
    name = type(error).__name__
    return f"{name} ({error.status})" if error.status else name
