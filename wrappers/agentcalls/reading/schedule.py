"""Listings under one window, apart from the waiting: whom to ask next, and whose calls to hand out.

Pure: a shell sends what `plan` gives, hands the answers to `answered` or `failed` in the order in which they arrive,
and hands out `pending` until `advance` has nothing more.

    Window      A request takes a slot from when it is planned until its answer is handed out, or is known to be of no
                use. So at most `room` answers wait for a slow reader, whoever's they are.
    First half  There is one slot until half of the first answer that held calls was taken, or an agent has ended.
    Whom        Idle agents first, then new ones; otherwise prefetch for the agent with the fewest requests in flight.
                So many agents are read side by side, few share the whole window, and no more of them are begun than
                the window has slots, and two.
    Whose       Calls are handed out answer by answer, in the order in which the answers are ready; an agent's own come
                in its listing's order.

`ordered.py` differs in the last two, and in what counts as a slot.
"""

from __future__ import annotations

from collections import deque
from contextlib import contextmanager
from functools import partial
from itertools import chain, islice
from typing import TYPE_CHECKING, Generic, TypeVar, cast

from agentcalls.errors import (
    AgentCallsError,
    AuthenticationError,
    ConfigurationError,
    RateLimitError,
)
from agentcalls.reading.one_agent import Agent, Request
from agentcalls.reading.outcomes import UNREAD, Outcomes
from agentcalls.values import AgentReport, Report

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator

    from agentcalls.models import Call
    from agentcalls.reading.one_agent import AgentReader
    from agentcalls.values import ManyReport, Page

ItemT = TypeVar("ItemT")

# What the key, the client or its rate limit is refused for, every other agent would be refused for too.
OF_ALL_AGENTS = (AuthenticationError, ConfigurationError, RateLimitError)


class Schedule(Generic[ItemT]):
    """How far one iteration has come; it is read by one thread or task.

    Args:
        ids: The agents, read only as far as requests are made; an id that comes again is passed over.
        begin: Makes the reader of an agent; raises `ConfigurationError` for one that cannot be read.
        label: Makes what is handed out of an agent's id and its calls.
        concurrency: How many requests may be under way at once.
        stop_on_error: Whether the first failure is raised, and ends the iteration.
        on_agent: Called when an agent has ended.
    """

    def __init__(
        self,
        ids: Iterable[str],
        begin: Callable[[str], AgentReader],
        label: Callable[[str, Iterator[Call]], Iterator[ItemT]],
        *,
        concurrency: int,
        stop_on_error: bool = False,
        on_agent: Callable[[AgentReport], object] | None = None,
    ) -> None:
        self._ids, self._begin, self._label = iter(ids), begin, label
        self._concurrency = concurrency
        self._outcomes = Outcomes(stop_on_error=stop_on_error, on_agent=on_agent)
        self._all_reached = self._stopped = False
        self._seen: set[str] = set()
        self._agents: dict[
            str, Agent
        ] = {}  # those begun and not ended, in the order in which they were begun
        self._slots_taken = self._under_way = 0
        self._ready: deque[Agent] = deque()
        self._current: Agent | None = None
        self.room = 1
        """How many requests may be under way."""
        self.pending: Iterator[ItemT] = iter(())
        """What to hand out next."""

    def __repr__(self) -> str:
        return f"{len(self._outcomes.ended)} agents read, {len(self._agents)} begun"

    @property
    def report(self) -> ManyReport:
        """What was read and proven up to now."""
        begun = {agent_id: self.agent(agent_id) for agent_id in self._agents}
        return self._outcomes.report(begun, done=self.done)

    def agent(self, agent_id: str) -> AgentReport:
        """What was read and proven of one agent; raises `KeyError` for one that was not reached."""
        if agent_id not in self._agents:
            return self._outcomes.ended[agent_id]
        reader = self._agents[agent_id].reader
        return AgentReport(agent_id=agent_id, report=reader.report, checkpoint=reader.checkpoint)

    @property
    def done(self) -> bool:
        """Whether each agent was read to its end, or failed."""
        return self._all_reached and not self._agents

    def plan(self) -> Request | None:
        """The request to send next, or None where there is none now; each planned request is to be sent."""
        if self._stopped or self._under_way >= self.room or (self.room == 1 and self._current):
            return None
        for agent in self._candidates():
            if window := agent.reader.plan():
                request = Request(agent, window)
                agent.asked.append(request)
                self._slots_taken += 1
                self._under_way += 1
                return request
        return None

    def answered(self, request: Request, page: Page) -> None:
        """Take the answer to a request."""
        self._take(request, page)

    def failed(self, request: Request, error: AgentCallsError) -> None:
        """Take the failure of a request, to be told in its turn; one that would meet every agent is raised."""
        if isinstance(error, OF_ALL_AGENTS):
            if not request.stale:
                self._fail(request.agent, error)
            raise error
        self._take(request, error)

    def advance(self) -> bool:
        """Whether there may be more to hand out of what was answered.

        Raises an agent's failure in its turn where `stop_on_error` is set.
        """
        agent, self._current = self._current, None
        if agent and agent.reader.left:
            # The second half of a first answer: who takes it is likely to want more.
            agent.room = self._concurrency
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
        """Nothing more is to come: raises the agents' failures together, where there are any."""
        if not self._stopped:
            self.stop()
            self._outcomes.raise_failures()

    def stop(self) -> None:
        """End reading: nothing more is planned, and nothing more is handed out."""
        self._stopped = True
        for agent in self._agents.values():
            agent.reader.stop()
            self._drop_all(agent)
        self._ready.clear()
        self._current, self.pending = None, iter(())

    @contextmanager
    def stopped_by_errors(self, forget: Callable[[], object]) -> Generator[None]:
        """A block in which any error ends reading."""
        try:
            yield
        except BaseException:
            self.stop()
            forget()
            raise

    # Whom to ask.

    def _candidates(self) -> Iterator[Agent]:
        if self._slots_taken >= self.room:
            return
        begun = sorted(filter(self._may_ask, self._agents.values()), key=lambda a: len(a.asked))
        idle = [agent for agent in begun if not agent.asked]
        yield from chain(idle, self._newcomers(), begun[len(idle) :])

    def _may_ask(self, agent: Agent) -> bool:
        return len(agent.asked) < agent.room and (agent.room > 1 or agent is not self._current)

    def _newcomers(self) -> Iterator[Agent]:
        for agent_id in self._ids:
            name = str(agent_id)
            if name in self._seen:
                continue
            self._seen.add(name)
            try:
                agent = Agent(agent_id, self._begin(agent_id))
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

    # What becomes of answers.

    def _take(self, request: Request, answer: Page | AgentCallsError) -> None:
        request.answer = answer
        self._under_way -= 1
        agent = request.agent
        if request.stale:
            self._slots_taken -= 1
        elif request is agent.asked[0] and agent is not self._current:
            self._look_at(agent)

    def _look_at(self, agent: Agent) -> None:
        # Whether what it waits for has come.
        if agent.asked[0].answer is not None:
            self._ready.append(agent)

    def _next_ready(self) -> Agent | None:
        return self._ready.popleft() if self._ready else None

    def _accept(self, agent: Agent) -> bool:
        # Whether the agent's next answer is handed out; or else its reading has failed.
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
            if isinstance(error, OF_ALL_AGENTS):
                raise
            return False
        agent.opened = False
        while agent.asked and reader.is_stale(agent.asked[0].window):
            self._drop(agent.asked.popleft())
            reader.count_stale()
        half = (reader.left + 1) // 2
        if agent.room == 1 and half < reader.left:
            # Stop early, and no extra page is requested.
            self._hand_out(agent, islice(reader.pending, half))
        else:
            agent.room = self._concurrency
            self._hand_out(agent, reader.pending)
        return True

    def _hand_out(self, agent: Agent, calls: Iterator[Call]) -> None:
        self._current = agent
        self.room = max(self.room, agent.room)
        self.pending = self._label(agent.id, calls)

    def _fail(self, agent: Agent, error: AgentCallsError) -> None:
        error.checkpoint = agent.reader.checkpoint
        self._drop_all(agent)
        # An agent that is not there must not hold up the others as a first page does.
        self.room = self._concurrency
        self._finish(agent, error)

    def _finish(self, agent: Agent, error: AgentCallsError | None = None) -> None:
        self._agents.pop(agent.id, None)
        self._outcomes.tell(agent.id, agent.reader.report, error)
        for tell in agent.then:
            tell()

    def _drop(self, request: Request) -> None:
        # One that is still under way keeps its slot until it is answered: the server is still at work on it.
        request.stale = True
        if request.answer is not None:
            self._slots_taken -= 1

    def _drop_all(self, agent: Agent) -> None:
        while agent.asked:
            self._drop(agent.asked.popleft())
