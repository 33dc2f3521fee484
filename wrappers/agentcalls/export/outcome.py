"""What an export is asked for, how far it has come, and what it wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from attrs import field, frozen

from agentcalls.export.journal import AgentFailure

if TYPE_CHECKING:
    from agentcalls import CallStatus, Moment


class Filters(TypedDict, total=False):
    """Which calls are exported, as in `client.calls.list`."""

    search: str | None
    sort: str | None
    is_test_call: bool | None
    status: CallStatus | None
    since: Moment | None
    until: Moment | None


@frozen(kw_only=True)
class Progress:
    """How far an export has come."""

    agent_id: str
    """The agent that is being written."""
    agents_done: int
    agents: int
    agent_calls: int
    """Calls of this agent that were written."""
    agent_total: int | None
    """Calls that the server counts of it; None where it says nothing, or where `since` or `until` leave some out."""
    calls: int
    """Calls that were written, of all agents."""
    built: int | None = None
    """Calls in the file that is built of them; None before that, and for text."""


@frozen(kw_only=True)
class Outcome:
    """What an export wrote."""

    calls: int
    agents: int
    """The agents that were asked for, those that failed included."""
    problems: int
    """How much the pages held that the contract does not allow."""
    incomplete: dict[str, str]
    """Why the listing of an agent is not proven complete, by its id."""
    failures: dict[str, AgentFailure] = field(factory=dict[str, AgentFailure])
    """The agents that could not be read, or not to their end, by id; only `keep_going` lets an export have any."""

    @property
    def complete(self) -> bool:
        """Whether each listing is proven complete, as `listing.report` says it, and no agent failed."""
        return not self.incomplete and not self.failures
