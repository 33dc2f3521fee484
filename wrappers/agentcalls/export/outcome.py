"""An export's filters, its progress, and its result."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import field, frozen

from agentcalls import OtherParameters
from agentcalls.export.journal import AgentFailure

if TYPE_CHECKING:
    from agentcalls import CallStatus, Moment, TimeZone


class Filters(OtherParameters, total=False):
    """Which calls are exported, as in `client.calls.list`."""

    search: str | None
    sort: str | None
    is_test_call: bool | None
    status: CallStatus | None
    since: Moment | None
    until: Moment | None
    tz: TimeZone | None


@frozen(kw_only=True)
class Progress:
    """The progress of an export."""

    agent_id: str
    """The current agent."""
    agents_done: int
    agents: int
    agent_calls: int
    """Written calls of this agent."""
    agent_total: int | None
    """The server's count of its calls; None if the server sends none, or if `since` or `until` is used."""
    calls: int
    """Written calls of all agents."""
    built: int | None = None
    """Calls in the file that is built at the end; None before that, and for text."""


@frozen(kw_only=True)
class Outcome:
    """The result of an export."""

    calls: int
    agents: int
    """The number of agents, failed ones included."""
    problems: int
    """The number of problems in the pages."""
    incomplete: dict[str, str]
    """Why an agent's listing is not proven complete, by agent id."""
    failures: dict[str, AgentFailure] = field(factory=dict[str, AgentFailure])
    """The agents that could not be read to their end, by id; always empty without `keep_going`."""
    already: bool = False
    """Whether the file was complete before: a resume that had nothing to read."""
    doubt: str | None = None
    """Why there may be more agents: the report's reason of `client.agents.list()`, if it is not proven complete."""

    @property
    def complete(self) -> bool:
        """Whether each listing is proven complete, the one of the agents too, and no agent failed."""
        return not (self.incomplete or self.failures or self.doubt)
