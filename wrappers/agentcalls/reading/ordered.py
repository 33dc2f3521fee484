"""The schedule of agents that come in the order given; a listing of one agent is one of these.

It differs from the one that mixes them in three things:

    Window      Requests under way count apart from answers that wait: these may be six times as many. Otherwise the
                answers of later agents would hold up the requests of the earlier ones. The agent whose turn it is may
                always ask: it is what all the others wait for.
    Whom        In the agents' order, each for as much as it can use. An agent's first answer is read before its turn,
                since only then is it known what else to ask for; its calls wait.
    Whose       Everything comes at its place, failures too.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from agentcalls.errors import AgentCallsError
from agentcalls.reading.schedule import ItemT, Schedule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agentcalls.models import Call
    from agentcalls.reading.one_agent import Agent, AgentReader, Request

# Answers that may wait for the agents before theirs, for each request that may be under way. With four, agents of
# several pages take up to 1.4 times as long as mixed, where one answer in fifty is slow; with six, 1.25 times.
_WAITING = 6


class OrderedSchedule(Schedule[ItemT]):
    """How far one iteration in the agents' order has come."""

    def failed(self, request: Request, error: AgentCallsError) -> None:
        """Take the failure of a request, to be told in its turn; then, one that would meet every agent is raised."""
        self._take(request, error)

    def _first(self) -> Agent | None:
        return next(iter(self._agents.values()), None)

    def _candidates(self) -> Iterator[Agent]:
        first = self._first()
        for agent in chain(list(self._agents.values()), self._newcomers()):
            if agent is not first and self._slots_taken >= _WAITING * self.room:
                return
            if self._may_ask(agent):
                yield agent

    def _tell_in_turn(self, tell: Callable[[], None]) -> None:
        if self._agents:
            next(reversed(self._agents.values())).then.append(tell)
        else:
            tell()

    def _look_at(self, agent: Agent) -> None:
        request = agent.asked[0]
        # While there is one slot, the first half of this answer is all that anybody may want.
        if agent.room == 1 < self.room and not isinstance(request.answer, AgentCallsError | None):
            agent.room, agent.opened = self._concurrency, True
            agent.reader.accept(request.window, request.answer)

    def _next_ready(self) -> Agent | None:
        first = self._first()
        return first if first and first.asked and first.asked[0].answer is not None else None


def schedule_of_one(reader: AgentReader, *, concurrency: int) -> Schedule[Call]:
    """The iteration over one agent: its calls as they are, its failure as it is."""
    return OrderedSchedule(
        [reader.agent_id],
        lambda _: reader,
        lambda _, calls: calls,
        concurrency=concurrency,
        stop_on_error=True,
    )
