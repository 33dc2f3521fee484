"""One run: send the requests of the plan, agent by agent, and count the results."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

from attrs import asdict, evolve, field, frozen

from agentcalls import (
    AgentCallsError,
    Checkpoint,
    Client,
    ConfigurationError,
    PaginationError,
)
from agentcalls.checks import at_least, builtin_fields, check_boolean, check_callable, check_is
from agentcalls.mirror import plan
from agentcalls.mirror.change import Run
from agentcalls.mirror.gathering import Gathering
from agentcalls.mirror.synced import Progress, Synced, failure_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from agentcalls import AgentReport, CallBatch
    from agentcalls.mirror.databases.target import Target
    from agentcalls.request.concurrency import Concurrency

_BATCH = 1_000


@frozen(kw_only=True, field_transformer=builtin_fields)
class Task:
    """The agents to copy, and how; raises `ConfigurationError` for a value that cannot be used."""

    client: Client = field(validator=check_is(Client))
    agents: Sequence[str]
    follow: timedelta
    audit: float = field(validator=at_least(0, "a share, such as 0.05"))
    """The requests of the audit, as a share of all others."""
    full: bool = field(validator=check_boolean)
    quiet_every: timedelta | None
    concurrency: Concurrency | None
    progress: Callable[[Progress], object] = field(validator=check_callable)
    doubt: str | None
    """Why there may be more agents."""

    def now(self) -> datetime:
        """The time by the client's clock."""
        # The checkpoint of a new iteration holds the moment that `since` means.
        start = iter(self.client.calls.list("*", since=timedelta())).checkpoint
        return cast("datetime", start.since)


class Running:
    """One run of a task over a copy."""

    def __init__(self, task: Task, target: Target) -> None:
        self._task, self._target = task, target
        self._gathering = Gathering(target, task.now)
        self._now = self._gathering.began
        self._asked = self._asked_to_load = self._calls = 0
        self._done: set[str] = set()
        self._failures: dict[str, AgentCallsError] = {}
        agents = self._gathering.agents
        for agent_id in task.agents:
            agents.setdefault(agent_id, plan.AgentRow(agent_id=agent_id))
        self._due = [
            agent_id
            for agent_id in task.agents
            if task.full or plan.is_due(agents[agent_id], self._now, task.quiet_every)
        ]

    def run(self) -> Synced:
        """The outcome of the run, which is also a row of `runs`.

        Raises an error that ends the whole reading, and the first failure if every agent failed.
        """
        began = Run(began_at=self._gathering.stamp)
        self._target.note_run(began)
        try:
            self._ask()
            if self._failures and len(self._failures) == len(self._due):
                raise next(iter(self._failures.values()))
        except AgentCallsError as error:
            self._end(began, failure_of(error))
            raise
        return self._end(began)

    def _ask(self) -> None:
        gathering, due = self._gathering, self._due
        loaded = [agent_id for agent_id in due if gathering.agents[agent_id].is_loaded]
        new = [agent_id for agent_id in due if not gathering.agents[agent_id].is_loaded]
        if not self._task.full:
            self._follow(loaded)
        loading = self._asked
        resumed = self._reread(due if self._task.full else new)
        # An earlier run read the beginning of these: it may have changed since.
        self._follow([agent_id for agent_id in resumed if agent_id in gathering.steady])
        self._asked_to_load = self._asked - loading
        self._look(loaded)
        self._count(due)
        doubtful = [one for one in due if plan.is_doubtful(gathering.agents[one], self._now)]
        if doubtful:
            self._reread(doubtful)
            self._count(doubtful)
        self._audit(loaded)

    def _follow(self, agent_ids: Sequence[str]) -> None:
        agents, follow = self._gathering.agents, self._task.follow
        since = {one: plan.since_of(agents[one], self._now, follow) for one in agent_ids}
        self._gathering.begin(agent_ids, whole=False)
        # One agent with more than a page finds out the order for all of them.
        held = self._gathering.held
        first = sorted(agent_ids, key=lambda one: held.get(one, 0))[-1:]
        for some in (first, [one for one in agent_ids if one not in first]):
            for batch in self._read(some, since=since):
                self._gathering.take(batch, since[batch.agent_id], whole=False, ended=batch.done)

    def _reread(self, agent_ids: Sequence[str], most: int | None = None) -> list[str]:
        # Returns the agents whose reading an earlier run had begun.
        gathering = self._gathering
        resume: dict[str, Checkpoint] = {}
        for agent_id in agent_ids:
            checkpoint = self._checkpoint(agent_id)
            if checkpoint:
                resume[agent_id] = checkpoint
            elif gathering.agents[agent_id].reading_since:
                gathering.restart(agent_id)
        gathering.begin(agent_ids, whole=True)
        taken = dict.fromkeys(agent_ids, 0)
        for batch in self._read(agent_ids, oldest_first=True, resume=resume, max_items=most):
            taken[batch.agent_id] += len(batch.calls)
            cut = most is not None and taken[batch.agent_id] >= most and not batch.report.complete
            gathering.take(batch, None, whole=True, ended=batch.done and not cut)
        for agent_id in agent_ids:
            if isinstance(self._failures.get(agent_id), PaginationError):
                gathering.restart(agent_id)  # it would fail there again
        return list(resume)

    def _read(
        self,
        agent_ids: Sequence[str],
        *,
        resume: Mapping[str, Checkpoint] | None = None,
        **options: Any,
    ) -> Iterator[CallBatch]:
        # Yields the batches of the agents that did not fail before.
        before = {one: found.report.requests for one, found in (resume or {}).items()}

        def ended(agent: AgentReport) -> None:
            self._asked += agent.report.requests - before.get(agent.agent_id, 0)
            self._done.add(agent.agent_id)
            if agent.error:
                self._failures[agent.agent_id] = agent.error

        names = [one for one in agent_ids if one not in self._failures]
        if not names:
            return
        listing = self._task.client.calls.list_many(
            names,
            resume=resume,
            concurrency=self._task.concurrency,
            on_agent=ended,
            **options,
        )
        try:
            with closing(listing._row_batches(_BATCH)) as batches:  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
                for batch in batches:
                    self._calls += len(batch.calls)
                    yield batch
                    self._tell()
        except ExceptionGroup:
            pass  # each is among the failures
        finally:
            for agent_id in names:
                if agent_id in self._failures:
                    self._gathering.fail(agent_id, failure_of(self._failures[agent_id]))

    def _checkpoint(self, agent_id: str) -> Checkpoint | None:
        text = self._gathering.agents[agent_id].checkpoint
        if text is None:
            return None
        try:
            checkpoint = Checkpoint.from_json(text)
        except ConfigurationError:
            return None  # of another version
        listing = self._task.client.calls.list(agent_id, oldest_first=True)
        return checkpoint if checkpoint.binding == iter(listing).checkpoint.binding else None

    def _look(self, agent_ids: Iterable[str]) -> None:
        # The calls that are still open, and older than the span that was followed.
        gathering, calls = self._gathering, self._task.client.calls
        gathering.write()
        names = {one for one in agent_ids if one not in self._failures} - gathering.reread
        before = plan.moved(self._now, -self._task.follow)
        found = [call for call in self._target.open_calls(before) if call.agent_id in names]
        due = plan.due_calls(found, gathering.agents, self._now)
        for agent_id, number in plan.pages_of(self._target.ranks(due)) if due else ():
            if agent_id in self._failures:
                continue
            try:
                self._asked += 1
                page = calls.list(agent_id, oldest_first=True).page(number)
            except AgentCallsError as error:
                if error.affects_all_agents:
                    raise
                self._failures[agent_id] = error
                gathering.fail(agent_id, failure_of(error))
            else:
                gathering.add(agent_id, page.data)
                gathering.keep(evolve(gathering.agents[agent_id], looked_at=self._now))

    def _count(self, agent_ids: Iterable[str]) -> None:
        gathering = self._gathering
        gathering.write()
        gathering.held = self._target.held()
        for agent_id in agent_ids:
            agent, steady = gathering.agents[agent_id], gathering.steady.get(agent_id)
            if steady is not None:
                found = plan.counted(agent, gathering.held.get(agent_id, 0), steady=steady)
                found = plan.quieted(found, self._now, self._task.quiet_every)
                if found is not agent:
                    gathering.keep(found)

    def _audit(self, agent_ids: Iterable[str]) -> None:
        gathering, task = self._gathering, self._task
        followed = self._asked
        credit = self._target.credit + task.audit * (followed - self._asked_to_load)
        names = [
            gathering.agents[one]
            for one in agent_ids
            if one not in self._failures and one not in gathering.reread
        ]
        chosen = plan.audited(names, gathering.held, int(credit), self._now, task.follow)
        self._reread([one.agent_id for one in chosen if one.most is None])
        for one in chosen:
            if one.most is not None:
                self._reread([one.agent_id], one.most)
        gathering.write(max(0.0, credit - (self._asked - followed)))

    def _end(self, began: Run, why: str | None = None) -> Synced:
        gathering = self._gathering
        gathering.write()
        watermarks = [gathering.agents[one].watermark for one in self._task.agents]
        outcome = Synced(
            agents=len(self._task.agents),
            skipped=len(self._task.agents) - len(self._due),
            asked=self._asked,
            written=gathering.written,
            oldest_watermark=min(filter(None, watermarks), default=None),
            doubt=self._task.doubt,
            unproven=gathering.unproven,
            failures={one: failure_of(error) for one, error in self._failures.items()},
            differing=sorted(
                one
                for one in gathering.steady
                if gathering.agents[one].server_count != gathering.held.get(one, 0)
            ),
        )
        self._target.note_run(
            evolve(
                began,
                ended_at=self._task.now(),
                agents=len(self._due),
                failed=len(outcome.failures),
                unproven=len(outcome.unproven),
                asked=outcome.asked,
                **asdict(outcome.written),
                complete=why is None and outcome.complete,
                why=why or outcome.why,
            )
        )
        return outcome

    def _tell(self) -> None:
        self._task.progress(
            Progress(
                agents=len(self._due),
                agents_done=len(self._done),
                requests=self._asked,
                calls=self._calls,
            )
        )
