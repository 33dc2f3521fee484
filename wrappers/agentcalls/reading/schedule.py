"""Listings under one window, apart from the waiting: whom to ask next, and whose calls to hand out.

One agent or many: a listing of one agent is one of many agents of which there is one. Pure: a shell sends what `plan`
gives, hands the answers to `answered` or `failed` in the order in which they arrive, and hands out `pending` until
`advance` has nothing more.

    Window      A request takes a slot from when it is planned until its answer is handed out, or is known to be of no
                use. So at most `room` answers wait for a slow reader, whoever's they are.
    First half  There is one slot until half of the first answer that held calls was taken, or an agent has ended.
    Whom        Idle agents first, then new ones; otherwise prefetch for the agent with the fewest requests in flight.
                So many agents are read side by side, few share the whole window, and no more of them are begun than
                the window has slots, and two.
    Whose       Calls are handed out answer by answer, in the order in which the answers are ready; an agent's own come
                in its listing's order.

Where the agents are to come in the order given, three of these differ:

    Window      Requests under way count apart from answers that wait: these may be six times as many. Otherwise the
                answers of later agents would hold up the requests of the earlier ones. The agent whose turn it is may
                always ask: it is what all the others wait for.
    Whom        In the agents' order, each for as much as it can use. An agent's first answer is read before its turn,
                since only then is it known what else to ask for; its calls wait.
    Whose       Everything comes at its place, failures too.
"""

from __future__ import annotations

from collections import deque
from contextlib import contextmanager
from functools import partial
from itertools import chain, islice
from typing import TYPE_CHECKING, Generic, TypeVar, cast

from attrs import define, evolve, field

from agentcalls.errors import (
    AgentCallsError,
    AuthenticationError,
    ConfigurationError,
    RateLimitError,
)
from agentcalls.values import AgentReport, ManyReport, Report

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator

    from agentcalls.reading.one_agent import AgentReader
    from agentcalls.reading.windows import Window
    from agentcalls.request.query import CallQuery
    from agentcalls.values import Checkpoint, Page
    from agentcalls_api.models import Call

ItemT = TypeVar("ItemT")

UNREAD = "The listing was not read."
_KEPT_PROBLEMS = 1000
_WAITING = (
    4  # answers that may wait for the agents before theirs, for each request that may be under way
)
# What the key, the client or its rate limit is refused for, every other agent would be refused for too.
_OF_ALL_AGENTS = (AuthenticationError, ConfigurationError, RateLimitError)


@define(eq=False)
class Request:
    """A window of an agent's listing, from when it is planned until its answer is handed out."""

    agent: _Agent
    window: Window
    answer: Page | AgentCallsError | None = None
    stale: bool = False

    @property
    def query(self) -> CallQuery:
        """What to ask for."""
        return self.agent.reader.query_for(self.window)


@define(eq=False)
class _Agent:
    id: str
    reader: AgentReader
    room: int = 1
    """How many requests of it may be under way: one, until half of its first answer is taken."""
    asked: deque[Request] = field(factory=deque[Request])
    opened: bool = False
    """Whether its first answer was read before its turn, and waits."""
    then: list[Callable[[], None]] = field(factory=list["Callable[[], None]"])
    """What is to be told behind it: agents that came next, and ended as they began."""


class Schedule(Generic[ItemT]):
    """How far one iteration has come; it is read by one thread or task.

    Args:
        ids: The agents, read only as far as requests are made; an id that comes again is passed over.
        begin: Makes the reader of an agent; raises `ConfigurationError` for one that cannot be read.
        label: Makes what is handed out of an agent's id and its calls.
        concurrency: How many requests may be under way at once.
        ordered: Whether the agents come in the order given.
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
        ordered: bool = False,
        stop_on_error: bool = False,
        on_agent: Callable[[AgentReport], object] | None = None,
    ) -> None:
        self._ids, self._begin, self._label = iter(ids), begin, label
        self._concurrency, self._ordered = concurrency, ordered
        self._stop_on_error, self._on_agent = stop_on_error, on_agent
        self._all_reached = self._stopped = False
        self._seen: set[str] = set()
        self._agents: dict[str, _Agent] = {}  # those begun, and neither ended nor failed
        self._reports: dict[str, Report] = {}  # of the others
        self._failures: dict[str, AgentCallsError] = {}
        self._failed_at: dict[str, Checkpoint] = {}
        self._problems_left = _KEPT_PROBLEMS
        self._slots_taken = self._under_way = 0
        self._ready: deque[_Agent] = deque()
        self._current: _Agent | None = None
        self.room = 1
        """How many requests may be under way."""
        self.pending: Iterator[ItemT] = iter(())
        """What to hand out next."""

    @classmethod
    def of_one(cls, reader: AgentReader, *, concurrency: int) -> Schedule[Call]:
        """The iteration over one agent: its calls as they are, its failure as it is and in its turn."""
        return Schedule(
            [reader.agent_id],
            lambda _: reader,
            lambda _, calls: calls,
            concurrency=concurrency,
            ordered=True,
            stop_on_error=True,
        )

    @property
    def report(self) -> ManyReport:
        """What was read and proven up to now."""
        agents = self._reports | {agent.id: agent.reader.report for agent in self._agents.values()}
        checkpoints = {agent.id: agent.reader.checkpoint for agent in self._agents.values()}
        found: list[str] = []
        if not self.done:
            found.append("Not every agent was read to its end.")
        if self._failures:
            found.append(f"{self._failures_of(agents)}.")
        doubtful = sum(not report.complete for report in self._reports.values())
        if doubtful > len(self._failures):
            found.append(
                f"{doubtful - len(self._failures)} of the listings read are not proven complete."
            )
        return ManyReport(
            agents=agents,
            failures=dict(self._failures),
            checkpoints=self._failed_at | checkpoints,
            complete=not found,
            reason=" ".join(found) or None,
        )

    def agent(self, agent_id: str) -> AgentReport:
        """What was read and proven of one agent; raises `KeyError` for one that was not reached."""
        if agent := self._agents.get(agent_id):
            report, checkpoint = agent.reader.report, agent.reader.checkpoint
            return AgentReport(agent_id=agent_id, report=report, error=None, checkpoint=checkpoint)
        return AgentReport(
            agent_id=agent_id,
            report=self._reports[agent_id],
            error=self._failures.get(agent_id),
            checkpoint=self._failed_at.get(agent_id),
        )

    @property
    def done(self) -> bool:
        """Whether each agent was read to its end, or failed."""
        return self._all_reached and not self._agents

    def plan(self) -> Request | None:
        """The request to send next, or None where there is none now; each planned request is to be sent."""
        if self._stopped or self._under_way >= self.room or (self.room == 1 and self._current):
            return None
        for agent in self._by_turn() if self._ordered else self._by_need():
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
        if isinstance(error, _OF_ALL_AGENTS) and not self._ordered:
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
            agent.room = self._concurrency
            self._hand_out(agent, agent.reader.pending)
            return True
        if agent:
            self._go_on(agent)
        while ready := self._next_ready():
            if self._accept(ready):
                return True
        return False

    def end(self) -> None:
        """Nothing more is to come: raises the agents' failures together, where there are any."""
        if self._stopped:
            return
        self.stop()
        if self._failures:
            raise ExceptionGroup(self._failures_of(self._reports), list(self._failures.values()))

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

    def _by_need(self) -> Iterator[_Agent]:
        if self._slots_taken >= self.room:
            return
        begun = sorted(filter(self._may_ask, self._agents.values()), key=lambda a: len(a.asked))
        idle = [agent for agent in begun if not agent.asked]
        yield from chain(idle, self._newcomers(), begun[len(idle) :])

    def _by_turn(self) -> Iterator[_Agent]:
        first = self._first()
        for agent in chain(list(self._agents.values()), self._newcomers()):
            if agent is not first and self._slots_taken >= _WAITING * self.room:
                return
            if self._may_ask(agent):
                yield agent

    def _may_ask(self, agent: _Agent) -> bool:
        return len(agent.asked) < agent.room and (agent.room > 1 or agent is not self._current)

    def _first(self) -> _Agent | None:
        return next(iter(self._agents.values()), None)

    def _newcomers(self) -> Iterator[_Agent]:
        for agent_id in self._ids:
            name = str(agent_id)
            if name in self._seen:
                continue
            self._seen.add(name)
            try:
                reader = self._begin(agent_id)
            except ConfigurationError as error:
                self._in_turn(partial(self._refuse, name, error))
                continue
            agent = _Agent(agent_id, reader)
            if reader.done:
                self._in_turn(partial(self._finish, agent))
            else:
                self._agents[agent_id] = agent
                yield agent
        self._all_reached = True

    def _in_turn(self, tell: Callable[[], None]) -> None:
        if self._ordered and self._agents:
            next(reversed(self._agents.values())).then.append(tell)
        else:
            tell()

    # What becomes of answers.

    def _take(self, request: Request, answer: Page | AgentCallsError) -> None:
        request.answer = answer
        self._under_way -= 1
        agent = request.agent
        if request.stale:
            self._slots_taken -= 1
        elif not self._ordered:
            if request is agent.asked[0] and agent is not self._current:
                self._ready.append(agent)
        elif agent.room == 1 < self.room and not isinstance(answer, AgentCallsError):
            agent.room, agent.opened = self._concurrency, True
            agent.reader.accept(request.window, answer)

    def _next_ready(self) -> _Agent | None:
        if not self._ordered:
            return self._ready.popleft() if self._ready else None
        first = self._first()
        return first if first and first.asked and first.asked[0].answer is not None else None

    def _accept(self, agent: _Agent) -> bool:
        # Whether the agent's next answer is handed out; or else its reading has failed.
        request = agent.asked.popleft()
        self._slots_taken -= 1
        reader, answer = agent.reader, request.answer
        if agent.opened:
            agent.opened = False
        else:
            try:
                if isinstance(answer, AgentCallsError):
                    raise answer
                reader.accept(request.window, cast("Page", answer))
            except AgentCallsError as error:
                self._fail(agent, error)
                if isinstance(error, _OF_ALL_AGENTS):
                    raise
                return False
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

    def _hand_out(self, agent: _Agent, calls: Iterator[Call]) -> None:
        self._current = agent
        self.room = max(self.room, agent.room)
        self.pending = self._label(agent.id, calls)

    def _go_on(self, agent: _Agent) -> None:
        if agent.asked:
            if agent.asked[0].answer is not None:
                self._ready.append(agent)
        elif agent.reader.done:
            self._finish(agent)

    def _finish(self, agent: _Agent) -> None:
        self._agents.pop(agent.id, None)
        report = agent.reader.report
        problems = report.problems[: self._problems_left]
        self._problems_left -= len(problems)
        self._ended(agent.id, evolve(report, problems=problems))
        for tell in agent.then:
            tell()

    def _drop(self, request: Request) -> None:
        # One that is still under way keeps its slot until it is answered.
        request.stale = True
        if request.answer is not None:
            self._slots_taken -= 1

    def _drop_all(self, agent: _Agent) -> None:
        while agent.asked:
            self._drop(agent.asked.popleft())

    def _fail(self, agent: _Agent, error: AgentCallsError) -> None:
        error.checkpoint = self._failed_at[agent.id] = agent.reader.checkpoint
        self._drop_all(agent)
        self.room = self._concurrency
        self._note(agent.id, error)
        self._finish(agent)

    def _refuse(self, agent_id: str, error: AgentCallsError) -> None:
        self._note(agent_id, error)
        self._ended(agent_id, Report(reason=UNREAD))

    def _note(self, agent_id: str, error: AgentCallsError) -> None:
        error.agent_id = agent_id
        error.add_note(f"Agent: {agent_id!r}")
        self._failures[agent_id] = error

    def _ended(self, agent_id: str, report: Report) -> None:
        self._reports[agent_id] = report
        if self._on_agent:
            self._on_agent(self.agent(agent_id))
        if self._stop_on_error and agent_id in self._failures:
            raise self._failures[agent_id]

    def _failures_of(self, reached: dict[str, Report]) -> str:
        return f"{len(self._failures)} of {len(reached)} agents failed"
