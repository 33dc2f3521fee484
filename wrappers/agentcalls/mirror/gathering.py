"""Gathers the calls that are read into transactions, and updates the state of each agent."""

from __future__ import annotations

from collections import Counter
from time import monotonic
from typing import TYPE_CHECKING

from attrs import evolve

from agentcalls.mirror import plan
from agentcalls.mirror.change import Change, ProblemCount, Span, Written

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from agentcalls import Call, CallBatch, Report
    from agentcalls.mirror.databases.target import Target
    from agentcalls.mirror.plan import AgentRow

_ROWS = 5_000
_SECONDS = 2.0


class Gathering:
    """The calls that one run has read; they are written after some thousand rows or some seconds.

    Args:
        target: The copy.
        clock: The time of this machine, as an aware datetime.
    """

    def __init__(self, target: Target, clock: Callable[[], datetime]) -> None:
        self.agents: dict[str, AgentRow] = target.agents()
        self.held: dict[str, int] = target.held()
        self.began: datetime = clock()
        """When the run began, by the clock."""
        self.stamp: datetime = target.next_stamp(self.began)
        """The same moment, but later than every stamp in the copy."""
        self.written: Written = Written()
        self.steady: dict[str, bool] = {}
        """The agents that were proven in this run, each with whether the server's count stayed the same."""
        self.unproven: dict[str, str] = {}
        """Why the latest reading of an agent is not proven, by agent id."""
        self.reread: set[str] = set()
        """The agents that were proven whole."""
        self._target, self._clock = target, clock
        self._change = Change()
        self._written_at = monotonic()
        self._given: dict[str, list[str]] = {}
        self._newest: dict[str, datetime | None] = {}
        self._nameless = Counter[str]()

    def begin(self, agent_ids: Iterable[str], *, whole: bool) -> None:
        """Note the agents that will be read next."""
        for agent_id in agent_ids:
            self._given.pop(agent_id, None)
            self._newest[agent_id] = None
            if whole:
                self.agents[agent_id] = plan.begun(self.agents[agent_id], self.stamp)

    def take(self, batch: CallBatch, since: datetime | None, *, whole: bool, ended: bool) -> None:
        """Take a batch of an agent that is read whole, or from a moment on; `ended` is whether it is the last one."""
        agent_id, agent = batch.agent_id, self.agents[batch.agent_id]
        calls = self.add(agent_id, batch.calls)
        newest = max((call.created_on for call in calls), default=None)
        newest = self._newest[agent_id] = plan.latest(self._newest[agent_id], newest)
        if not whole:
            self._given.setdefault(agent_id, []).extend([call.id for call in calls])
        if ended:
            agent = self._ended(agent, batch.report, since, newest, whole=whole)
        elif whole:
            agent = evolve(agent, checkpoint=batch.checkpoint.to_json())
        self.keep(agent)
        if self._change.rows >= _ROWS or monotonic() - self._written_at >= _SECONDS:
            self.write()

    def restart(self, agent_id: str) -> None:
        """Give up a whole reading that cannot continue."""
        self._change.ended.append(agent_id)
        self.keep(evolve(self.agents[agent_id], reading_since=None, checkpoint=None))

    def add(self, agent_id: str, calls: Sequence[Call]) -> list[Call]:
        """Take calls of an agent; returns the calls with an id and a `created_on`: all, if the server is sound.

        Calls with an empty id are left out, because they would overwrite each other.
        """
        # The types are the contract's; a row that breaks the contract may have None in any field.
        sound = [
            call
            for call in calls
            if call.id and call.created_on is not None  # pyright: ignore[reportUnnecessaryComparison]
        ]
        if len(sound) < len(calls):
            self._nameless[agent_id] += sum(call.id == "" for call in calls)
        if sound:
            self._change.calls.append((agent_id, sound))
            self._change.rows += len(sound)
            if self._is_marking(agent_id):
                self._change.seen += [(agent_id, call.id) for call in sound]
        return sound

    def keep(self, agent: AgentRow) -> None:
        """Take the new state of an agent."""
        self.agents[agent.agent_id] = self._change.agents[agent.agent_id] = agent

    def fail(self, agent_id: str, why: str) -> None:
        """Note that reading an agent has failed; the calls that were read are kept."""
        self.steady.pop(agent_id, None)
        self.keep(evolve(self.agents[agent_id], error=why))

    def write(self, credit: float | None = None) -> None:
        """Write all that was gathered, in one transaction."""
        self._change.credit = credit
        if not self._change.is_empty:
            change, self._change = self._change, Change()
            self.written += self._target.write(change, self._clock())
        self._written_at = monotonic()

    def _is_marking(self, agent_id: str) -> bool:
        # Whether an unfinished whole reading may find that calls are gone.
        return self.agents[agent_id].reading_since is not None and self.held.get(agent_id, 0) > 0

    def _ended(
        self,
        agent: AgentRow,
        report: Report,
        since: datetime | None,
        newest: datetime | None,
        *,
        whole: bool,
    ) -> AgentRow:
        agent_id, change = agent.agent_id, self._change
        if whole:
            if self._is_marking(agent_id):
                change.ended.append(agent_id)
                if report.complete and agent.reading_since:
                    change.reread.append(Span(agent_id, agent.reading_since))
            if report.complete:
                self.reread.add(agent_id)
            agent = plan.reread(agent, report, newest, self.began)
        else:
            given = self._given.pop(agent_id, [])
            if report.complete:
                change.followed.append(Span(agent_id, since or plan.EARLIEST))
                change.given += [(agent_id, id) for id in given]
            agent = plan.followed(agent, report, newest, self.began)
        if report.complete:
            self.steady[agent_id] = report.total_count_first == report.total_count_last
            self.unproven.pop(agent_id, None)
        else:
            self.steady.pop(agent_id, None)
            self.unproven[agent_id] = report.reason or ""
        kinds = Counter((one.field or "", one.why) for one in report.problems)
        if nameless := self._nameless.pop(agent_id, 0):
            kinds["id", "is empty"] = nameless
        if kinds:
            change.problems[agent_id] = [
                ProblemCount(agent_id, *kind, rows) for kind, rows in kinds.items()
            ]
        return agent
