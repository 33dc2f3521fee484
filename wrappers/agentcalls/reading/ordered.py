"""The schedule that keeps the given order of agents; it also serves the listing of a single agent.

It differs from the mixing schedule in four ways:

    Window      Requests in flight and waiting answers count separately; there may be six times as many answers.
                Otherwise the answers of later agents would delay the requests of earlier ones. The current agent may
                always send a request, because all others wait for it.
    Which next  The agents in order, each with as many requests as it can use. An agent's first answer is read before
                its turn, because the further requests depend on it; its calls wait.
    Delivery    Everything comes in order, failures too.
    Probes      The first agent never waits for another's.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any, SupportsInt, cast

from agentcalls.errors import AgentCallsError
from agentcalls.reading.schedule import ItemT, Schedule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agentcalls.reading.one_agent import AgentReader, AgentState

# How many answers may wait for earlier agents, for each request that may be in flight. If one answer in fifty is slow,
# agents of several pages take up to 1.4 times as long as mixed with four, and 1.25 times with six.
_WAITING = 6


class OrderedSchedule(Schedule[ItemT]):
    """The state of one iteration in the agents' order."""

    def _raises_at_once(self, _: AgentCallsError, /) -> bool:
        return False

    def _first(self) -> AgentState | None:
        return next(iter(self._agents.values()), None)

    def _candidates(self) -> Iterator[AgentState]:
        first = self._first()
        for agent in chain(list(self._agents.values()), self._newcomers()):
            if agent is not first and self._slots_taken >= _WAITING * self.room:
                return
            if self._may_ask(agent):
                yield agent

    def _waits(self, agent: AgentState) -> bool:
        # The answers of a later agent are not taken before its turn.
        return agent is not self._first() and super()._waits(agent)

    def _tell_in_turn(self, tell: Callable[[], None]) -> None:
        if self._agents:
            next(reversed(self._agents.values())).then.append(tell)
        else:
            tell()

    def _look_at(self, agent: AgentState) -> None:
        request = agent.asked[0]
        # While there is one slot, the first half of this answer may be enough for the caller.
        if agent.room == 1 < self.room and not isinstance(request.answer, AgentCallsError | None):
            agent.room, agent.opened = self._most, True
            agent.reader.accept(request.window, request.answer)

    def _next_ready(self) -> AgentState | None:
        first = self._first()
        return first if first and first.asked and first.asked[0].answer is not None else None


def schedule_of_one(reader: AgentReader, *, concurrency: SupportsInt) -> Schedule[Any]:
    """The iteration over one listing: its rows and its failure come unchanged."""
    return OrderedSchedule(
        [cast("str", reader.agent_id)],  # None is the listing of the agents
        lambda _: reader,
        lambda _, calls: calls,
        concurrency=concurrency,
        stop_on_error=True,
    )
