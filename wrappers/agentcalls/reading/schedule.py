"""The listings of many agents under one window, apart from the waiting: whom to ask next, and whose calls to hand out.

Pure: a shell sends what `plan` gives, hands the answers to `answered` or `failed` in the order in which they arrive,
and hands out `pending` until `advance` has nothing more.

    Window      A request takes a slot from when it is planned until its answer is handed out, or is known to be of no
                use. So at most `room` answers wait for a slow reader, whoever's they are.
    First half  There is one slot until half of the first answer that held calls was taken, or an agent has ended.
    Whom        An agent of whom nothing is under way goes first, then one that was not read yet; only where there is
                none, windows are fetched ahead, of the agent with the fewest. So many agents are read side by side,
                few share the whole window, and no more of them are begun than the window has slots, and two.
    Whose       Calls are handed out answer by answer, in the order in which the answers are ready; an agent's own come
                in its listing's order.
"""

from __future__ import annotations

from collections import deque
from contextlib import contextmanager
from itertools import chain, repeat
from typing import TYPE_CHECKING, cast

from attrs import define, evolve, field

from agentcalls.errors import (
    AgentCallsError,
    AuthenticationError,
    ConfigurationError,
    RateLimitError,
)
from agentcalls.reading.one_agent import AgentReader
from agentcalls.values import ManyReport, Report

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from agentcalls.models import Call
    from agentcalls.reading.options import ManyOptions, ReadOptions
    from agentcalls.reading.windows import Window
    from agentcalls.request.query import CallQuery
    from agentcalls.values import Checkpoint, Page

UNREAD = "The listing was not read."
_KEPT_PROBLEMS = 1000
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
        return self.agent.reading.query_for(self.window)


@define(eq=False)
class _Agent:
    id: str
    reading: AgentReader
    asked: deque[Request] = field(factory=deque[Request])


class Schedule:
    """How far one iteration over many agents has come; it is read by one thread or task."""

    def __init__(
        self,
        many: ManyOptions,
        query: CallQuery,
        options: ReadOptions,
        *,
        concurrency: int,
        wall: float,
    ) -> None:
        self._many, self._query, self._options = many, query, options
        self._concurrency, self._wall = concurrency, wall
        self._ids = iter(many.agent_ids)
        self._all_reached = self._stopped = False
        self._agents: dict[str, _Agent] = {}  # those begun, and neither ended nor failed
        self._reports: dict[str, Report] = {}  # of the others
        self._failures: dict[str, AgentCallsError] = {}
        self._failed_at: dict[str, Checkpoint] = {}
        self._problems_left = _KEPT_PROBLEMS
        self._slots_taken = 0
        self._ready: deque[_Agent] = deque()
        self._current: _Agent | None = None
        self.room = 1
        """How many requests may be under way."""
        self.pending: Iterator[tuple[str, Call]] = iter(())
        """Calls to hand out next, each with its agent's id."""

    @property
    def report(self) -> ManyReport:
        """What was read and proven up to now."""
        open_reports = {agent.id: agent.reading.report for agent in self._agents.values()}
        checkpoints = {agent.id: agent.reading.checkpoint for agent in self._agents.values()}
        agents = self._reports | open_reports
        found: list[str] = []
        if not self._all_reached or self._agents:
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

    def plan(self) -> Request | None:
        """The request to send next, or None where there is none now; each planned request is to be sent."""
        if self._stopped or self._slots_taken >= self.room or (self.room == 1 and self._current):
            return None
        begun = [agent for agent in self._agents.values() if self._may_ask(agent)]
        begun.sort(key=lambda agent: len(agent.asked))
        idle = [agent for agent in begun if not agent.asked]
        for agent in chain(idle, self._newcomers(), begun[len(idle) :]):
            if window := agent.reading.plan():
                request = Request(agent, window)
                agent.asked.append(request)
                self._slots_taken += 1
                return request
        return None

    def answered(self, request: Request, page: Page) -> None:
        """Take the answer to a request."""
        self._take(request, page)

    def failed(self, request: Request, error: AgentCallsError) -> None:
        """Take the failure of a request, to be told in its turn; one that would meet every agent is raised."""
        if isinstance(error, _OF_ALL_AGENTS):
            if not request.stale:
                self._fail(request.agent, error)
            raise error
        self._take(request, error)

    def advance(self) -> bool:
        """Whether there may be more to hand out of what was answered.

        Raises an agent's failure in its turn where `stop_on_error` is set.
        """
        agent, self._current = self._current, None
        if agent and agent.reading.take_held():
            self._hand_out(agent)
            return True
        if agent:
            self._go_on(agent)
        while self._ready:
            if self._accept(self._ready.popleft()):
                return True
        return False

    def end(self) -> None:
        """Nothing more is under way: raises the agents' failures together, where there are any."""
        if self._stopped:
            return
        self.stop()
        if self._failures:
            raise ExceptionGroup(self._failures_of(self._reports), list(self._failures.values()))

    def stop(self) -> None:
        """End reading: nothing more is planned, and nothing more is handed out."""
        self._stopped = True
        for agent in self._agents.values():
            agent.reading.stop()
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

    def _may_ask(self, agent: _Agent) -> bool:
        room = agent.reading.room
        return len(agent.asked) < room and (room > 1 or agent is not self._current)

    def _newcomers(self) -> Iterator[_Agent]:
        for agent_id in self._ids:
            try:
                query = evolve(self._query, agent_id=agent_id)
                if agent_id in self._agents or agent_id in self._reports:
                    continue
                options = evolve(self._options, resume=self._many.resume.get(agent_id))
                reading = AgentReader(
                    query, options, concurrency=self._concurrency, wall=self._wall
                )
            except ConfigurationError as error:
                self._reports[str(agent_id)] = Report(reason=UNREAD)
                self._note_failure(str(agent_id), error)
                continue
            agent = self._agents[agent_id] = _Agent(agent_id, reading)
            if reading.done:
                self._finish(agent)
            else:
                yield agent
        self._all_reached = True

    # What becomes of answers.

    def _take(self, request: Request, answer: Page | AgentCallsError) -> None:
        request.answer = answer
        if request.stale:
            self._slots_taken -= 1
        elif request is request.agent.asked[0] and request.agent is not self._current:
            self._ready.append(request.agent)

    def _accept(self, agent: _Agent) -> bool:
        # Whether the agent's next answer is handed out; or else its reading has failed.
        request = agent.asked.popleft()
        self._slots_taken -= 1
        try:
            if isinstance(request.answer, AgentCallsError):
                raise request.answer
            agent.reading.accept(request.window, cast("Page", request.answer))
        except AgentCallsError as error:
            self._fail(agent, error)
            return False
        while agent.asked and agent.reading.is_stale(agent.asked[0].window):
            self._drop(agent.asked.popleft())
            agent.reading.count_stale()
        self._hand_out(agent)
        return True

    def _hand_out(self, agent: _Agent) -> None:
        self._current = agent
        self.room = max(self.room, agent.reading.room)
        self.pending = zip(repeat(agent.id), agent.reading.pending)

    def _go_on(self, agent: _Agent) -> None:
        if agent.asked:
            if agent.asked[0].answer is not None:
                self._ready.append(agent)
        elif agent.reading.done:
            self._finish(agent)

    def _finish(self, agent: _Agent) -> None:
        del self._agents[agent.id]
        report = agent.reading.report
        problems = report.problems[: self._problems_left]
        self._problems_left -= len(problems)
        self._reports[agent.id] = evolve(report, problems=problems)

    def _drop(self, request: Request) -> None:
        # One that is still under way keeps its slot until it is answered.
        request.stale = True
        if request.answer is not None:
            self._slots_taken -= 1

    def _drop_all(self, agent: _Agent) -> None:
        while agent.asked:
            self._drop(agent.asked.popleft())

    def _fail(self, agent: _Agent, error: AgentCallsError) -> None:
        error.checkpoint = self._failed_at[agent.id] = agent.reading.checkpoint
        self._drop_all(agent)
        self._finish(agent)
        self.room = self._concurrency
        self._note_failure(agent.id, error)

    def _note_failure(self, agent_id: str, error: AgentCallsError) -> None:
        error.agent_id = agent_id
        error.add_note(f"Agent: {agent_id!r}")
        self._failures[agent_id] = error
        if self._many.stop_on_error:
            raise error

    def _failures_of(self, reached: dict[str, Report]) -> str:
        return f"{len(self._failures)} of {len(reached)} agents failed"
