"""Listings under one window, without the waiting: which agent to request next, and whose calls to deliver.

Pure: a shell sends the requests from `plan`, passes the results to `answered` in order of arrival, and
delivers `pending` until `advance` has nothing more.

    Window      A request takes a slot from its planning until its answer is delivered or known to be stale. So at most
                `room` answers of all agents wait for a slow reader.
    First half  There is one slot until half of the first answer with calls is taken, or an agent has ended.
    Which next  Idle agents first, then new ones; otherwise prefetch for the agent with the fewest requests in flight.
                So many agents are read in parallel, and few agents share the whole window. The number of started
                agents is at most the number of slots plus two.
    Delivery    Calls are delivered answer by answer, in the order in which the answers are ready; the calls of one
                agent come in order.
    Probes      While an agent's requests are under way that find out what the server sorts by, no other agent sends
                its own: it waits, and learns the result when its next request is planned. If that agent fails, or finds
                out nothing, the next one asks. Agents that wait count as slots for those that would begin.

`ordered.py` differs in the last two, and in what counts as a slot.
"""

from __future__ import annotations

from collections import deque
from contextlib import contextmanager
from functools import partial
from itertools import chain, islice
from typing import TYPE_CHECKING, Generic, SupportsInt, TypeVar, cast

from agentcalls.described import quantity
from agentcalls.errors import AgentCallsError, ConfigurationError
from agentcalls.reading.ended import UNREAD, EndedAgents
from agentcalls.reading.one_agent import AgentState, PageRequest
from agentcalls.request.log import log_listing
from agentcalls.settings import MAX_CONCURRENCY
from agentcalls.values import AgentReport, Report

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator

    from agentcalls.models import Call
    from agentcalls.reading.one_agent import AgentReader
    from agentcalls.values import ManyReport, Page

ItemT = TypeVar("ItemT")


class Schedule(Generic[ItemT]):
    """The state of one iteration; only one thread or task reads it.

    Args:
        ids: The agents, read only as far as requests are made; a repeated id is skipped.
        begin: Creates the reader of an agent; raises `ConfigurationError` for an invalid id.
        label: Turns an agent's id and calls into the delivered items.
        concurrency: How many requests may be in flight at once.
        stop_on_error: Whether the first failure is raised, and ends the iteration.
        on_agent: Called when an agent has ended.
    """

    def __init__(
        self,
        ids: Iterable[str],
        begin: Callable[[str], AgentReader],
        label: Callable[[str, Iterator[Call]], Iterator[ItemT]],
        *,
        concurrency: SupportsInt,
        stop_on_error: bool = False,
        on_agent: Callable[[AgentReport], object] | None = None,
    ) -> None:
        self.ids = ids
        """The agents, as they were given."""
        self._ids, self._begin, self._label = iter(ids), begin, label
        self._concurrency = concurrency
        # The most of one agent's, within `room`.
        self._most = 1 if int(concurrency) == 1 else MAX_CONCURRENCY
        self._outcomes = EndedAgents(stop_on_error=stop_on_error, on_agent=on_agent)
        self._all_reached = self._stopped = False
        self._seen: set[str] = set()
        self._agents: dict[str, AgentState] = {}  # begun and not ended, in that order
        self._slots_taken = self._under_way = 0
        self._ready: deque[AgentState] = deque()
        self._current: AgentState | None = None
        self._is_open = False
        self.pending: Iterator[ItemT] = iter(())
        """The items to deliver next."""

    @property
    def room(self) -> int:
        """How many requests may be in flight: one, until half of the first answer is taken."""
        return int(self._concurrency) if self._is_open else 1

    def __repr__(self) -> str:
        return f"{quantity(len(self._outcomes.ended), 'agent')} read, {len(self._agents):,} begun"

    @property
    def report(self) -> ManyReport:
        """What was read and proven so far."""
        begun = {agent_id: self.agent(agent_id) for agent_id in self._agents}
        return self._outcomes.report(begun, done=self.done, doubt=getattr(self.ids, "doubt", None))

    def agent(self, agent_id: str) -> AgentReport:
        """What was read and proven of one agent; raises `KeyError` for an agent that was not reached."""
        if agent_id not in self._agents:
            return self._outcomes.ended[agent_id]
        reader = self._agents[agent_id].reader
        return AgentReport(agent_id=agent_id, report=reader.report, checkpoint=reader.checkpoint)

    @property
    def done(self) -> bool:
        """Whether each agent was read to its end, or failed."""
        return self._all_reached and not self._agents

    def plan(self) -> PageRequest | None:
        """The next request to send, or None if there is none now; each planned request must be sent."""
        if self._stopped or self._under_way >= self.room or (self.room == 1 and self._current):
            return None
        for agent in self._candidates():
            if not self._waits(agent) and (window := agent.reader.plan()):
                request = PageRequest(agent, window)
                agent.asked.append(request)
                self._slots_taken += 1
                self._under_way += 1
                return request
        return None

    def answered(self, request: PageRequest, answer: Page | AgentCallsError) -> None:
        """Take the answer to a request, or its failure, which is reported in the agent's turn.

        An error that affects every agent is raised at once, unless the order is kept.
        """
        if isinstance(answer, AgentCallsError) and self._raises_at_once(answer):
            if not request.stale:
                self._fail(request.agent, answer)
            raise answer
        request.answer = answer
        self._under_way -= 1
        agent = request.agent
        if request.stale:
            self._slots_taken -= 1
        elif request is agent.asked[0] and agent is not self._current:
            self._look_at(agent)

    def advance(self) -> bool:
        """Whether the answers so far may hold more to deliver.

        Raises an agent's failure in its turn if `stop_on_error` is set.
        """
        agent, self._current = self._current, None
        if agent and agent.reader.left:
            # A caller that takes the second half of a first answer probably wants more.
            agent.room = self._most
            self._hand_out(agent, agent.reader.pending)
            return True
        if agent and agent.asked:
            self._look_at(agent)
        elif agent and agent.reader.done:
            self._finish(agent)
        while ready := self._next_ready():
            if self._accept(ready):
                return True
        return False

    def end(self) -> None:
        """End the iteration; raises the agents' failures together, if there are any."""
        if not self._stopped:
            self.stop()
            self._outcomes.raise_failures()

    def stop(self) -> None:
        """End reading: nothing more is planned or delivered."""
        stopped, self._stopped = self._stopped, True
        for agent in self._agents.values():
            if not stopped:
                log_listing(agent.reader, agent.reader.report, ended=False)
            agent.reader.stop()
            self._drop_all(agent)
        self._ready.clear()
        self._current, self.pending = None, iter(())

    @contextmanager
    def stopped_by_errors(self, forget: Callable[[], object]) -> Generator[None]:
        """A block in which any error ends the reading."""
        try:
            yield
        except BaseException:
            self.stop()
            forget()
            raise

    # Which agent to request next.

    def _candidates(self) -> Iterator[AgentState]:
        if self._slots_taken >= self.room:
            return
        begun = sorted(filter(self._may_ask, self._agents.values()), key=lambda a: len(a.asked))
        idle = [agent for agent in begun if not agent.asked]
        waiting = sum(map(self._waits, idle))
        newcomers = self._newcomers() if self._slots_taken + waiting < self.room else ()
        yield from chain(idle, newcomers, begun[len(idle) :])

    def _waits(self, agent: AgentState) -> bool:
        return agent.reader.walk.may_wait and any(
            one.reader.walk.probes for one in self._agents.values()
        )

    def _may_ask(self, agent: AgentState) -> bool:
        return len(agent.asked) < min(agent.room, self.room) and (
            agent.room > 1 or agent is not self._current
        )

    def _newcomers(self) -> Iterator[AgentState]:
        for agent_id in self._ids:
            name = str(agent_id)
            if name in self._seen:
                continue
            self._seen.add(name)
            try:
                agent = AgentState(agent_id, self._begin(agent_id))
            except ConfigurationError as error:
                unread = Report(reason=UNREAD)
                self._tell_in_turn(partial(self._outcomes.tell, name, unread, error))
                continue
            if agent.reader.done:
                self._tell_in_turn(partial(self._finish, agent))
            else:
                self._agents[agent_id] = agent
                yield agent
        self._all_reached = True

    def _tell_in_turn(self, tell: Callable[[], None]) -> None:
        tell()

    # How answers are handled.

    def _raises_at_once(self, error: AgentCallsError, /) -> bool:
        return error.affects_all_agents

    def _look_at(self, agent: AgentState) -> None:
        # Whether the next answer of the agent has come.
        if agent.asked[0].answer is not None:
            self._ready.append(agent)

    def _next_ready(self) -> AgentState | None:
        return self._ready.popleft() if self._ready else None

    def _accept(self, agent: AgentState) -> bool:
        # Whether the agent's next answer is delivered; otherwise its reading has failed.
        request, reader = agent.asked.popleft(), agent.reader
        self._slots_taken -= 1
        try:
            if isinstance(request.answer, AgentCallsError):
                if not reader.bears(request.window, request.answer):
                    raise request.answer
            elif not agent.opened:
                reader.accept(request.window, cast("Page", request.answer))
        except AgentCallsError as error:
            self._fail(agent, error)
            if error.affects_all_agents:
                raise
            return False
        agent.opened = False
        while agent.asked and reader.walk.is_stale(agent.asked[0].window):
            self._drop(agent.asked.popleft())
            reader.walk.count_stale()
        half, calls = (reader.left + 1) // 2, reader.pending
        if agent.room == 1 and half < reader.left:
            calls = islice(calls, half)  # stop early, and no extra page is requested
        elif reader.walk.begun:
            agent.room = self._most
        self._hand_out(agent, calls)
        return True

    def _hand_out(self, agent: AgentState, calls: Iterator[Call]) -> None:
        self._current = agent
        self._is_open |= agent.room > 1
        self.pending = self._label(agent.id, calls)

    def _fail(self, agent: AgentState, error: AgentCallsError) -> None:
        error.checkpoint = agent.reader.checkpoint
        self._drop_all(agent)
        # An agent that does not exist must not delay the others as a first page does.
        self._is_open = True
        self._finish(agent, error)

    def _finish(self, agent: AgentState, error: AgentCallsError | None = None) -> None:
        self._agents.pop(agent.id, None)
        report = agent.reader.report
        log_listing(agent.reader, report, error)
        self._outcomes.tell(agent.id, report, error)
        for tell in agent.then:
            tell()

    def _drop(self, request: PageRequest) -> None:
        # A request in flight keeps its slot until it is answered, because the server still works on it.
        request.stale = True
        if request.answer is not None:
            self._slots_taken -= 1

    def _drop_all(self, agent: AgentState) -> None:
        while agent.asked:
            self._drop(agent.asked.popleft())
