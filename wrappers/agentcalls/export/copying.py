"""Write the calls of agents, in the agents' order, into an open file, and record the progress from time to time."""

from __future__ import annotations

from contextlib import closing, suppress
from typing import IO, TYPE_CHECKING, Any

from attrs import evolve, field, frozen

from agentcalls import AgentCallsError, Checkpoint, Client
from agentcalls.checks import builtin_fields, check_boolean, check_callable, check_integer, check_is
from agentcalls.export.journal import AgentFailure, Mark
from agentcalls.export.outcome import Progress
from agentcalls.export.resuming import prefixes_of
from agentcalls.table.columns import whole_text
from agentcalls.table.text import NAMES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agentcalls import AgentReport, Call
    from agentcalls.export.compression import Piece
    from agentcalls.export.formats import Format
    from agentcalls.export.journal import Journal
    from agentcalls.export.outcome import Filters
    from agentcalls.reading.iterators import RowChunkIterator
    from agentcalls.request.concurrency import Concurrency

_BATCH = 1_000
_AGENT_WEIGHT = 100  # an agent without calls still costs a request


@frozen(kw_only=True, field_transformer=builtin_fields)
class Task:
    """What to write, and how."""

    client: Client = field(validator=check_is(Client))
    agents: Sequence[str]
    form: Format
    filters: Filters
    concurrency: Concurrency | None
    keep_going: bool = field(validator=check_boolean)
    journal_calls: int = field(validator=check_integer(1))
    """After how many calls the journal is written."""
    progress: Callable[[Progress], object] = field(validator=check_callable)


class Copying:
    """One run over the agents that are not yet done in a journal.

    Args:
        task: What to write.
        journal: The progress so far.
        file: The file to append to.
        piece: Starts a piece of compressed text.
        keep: Saves the progress durably; called between two pieces.
    """

    def __init__(
        self,
        task: Task,
        journal: Journal,
        file: IO[bytes],
        piece: Callable[[], Piece],
        keep: Callable[[Journal], Journal],
    ) -> None:
        self._task = task
        self._journal = journal
        self._file = file
        self._new_piece = piece
        self._piece: Piece | None = None
        self._keep = keep
        self._since_kept = 0
        self._prefixes = prefixes_of(task.agents)
        self._counted = journal.since is None and journal.until is None
        self._some: list[Call] = []

    def run(self) -> Journal:
        """Write the rest of the text; returns the journal.

        Raises the first agent's failure; its message names the other agents that fail. With `keep_going`, raises only
        an error that ends the whole reading, or the first failure if every agent failed.
        """
        task, journal = self._task, self._journal
        if not journal.agents_done and journal.checkpoint is None:
            self._write(task.form.text.head(NAMES))
        agents = task.agents[journal.agents_done :]
        left = journal.checkpoint
        options: dict[str, Any] = {**task.filters, "since": journal.since, "until": journal.until}
        listing = task.client.calls.list_many(
            agents,
            **options,
            resume={agents[0]: Checkpoint.from_json(left)} if left else None,
            concurrency=task.concurrency,
            ordered=True,
            stop_on_error=not task.keep_going,
            on_agent=self._ended,
        )
        try:
            with closing(listing._rows()) as rows:  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
                self._read(rows)
        except ExceptionGroup as group:
            # Each failure is already in the journal.
            if len(self._journal.failures) == len(task.agents) and not self._journal.calls:
                first = group.exceptions[0]
                self._name(first)
                raise first from None
        except AgentCallsError as error:
            self._name(error)
            raise
        self._write(task.form.text.tail)
        return self._cut(evolve(self._journal, stage="building" if task.form.build else "made"))

    def _read(self, rows: RowChunkIterator) -> None:
        for agent, some in rows:
            self._some += some
            if len(self._some) >= _BATCH:
                self._write_some(agent, rows.agent(agent))

    def _write_some(self, agent: str, reached: AgentReport) -> None:
        some, journal = self._some, self._journal
        if not some:
            return
        form, self._some = self._task.form.text, []
        text = form.of_calls(agent, some)
        self._write(form.between + text if journal.calls else text)
        self._journal = journal = evolve(
            journal,
            agent_id=agent,
            calls=journal.calls + len(some),
            agent_calls=journal.agent_calls + len(some),
        )
        if self._due(len(some)) and reached.checkpoint:
            self._journal = self._cut(evolve(journal, checkpoint=reached.checkpoint.to_json()))
        total = reached.report.total_count_last if self._counted else None
        self._task.progress(progress_of(self._task, self._journal, agent, total))

    def _ended(self, agent: AgentReport) -> None:
        task, name = self._task, agent.agent_id
        self._write_some(name, agent)
        if agent.error and not task.keep_going:
            return  # it is about to be raised
        self._journal = after(self._journal, agent, self._prefixes)
        # An error that ends the whole reading is about to be raised; it must not be saved as this agent's failure.
        if self._due(_AGENT_WEIGHT) and not agent.error:
            journal = self._cut(self._journal)
            mark = Mark(
                agents_done=journal.agents_done,
                prefix=journal.prefix,
                calls=journal.calls,
                size=journal.size,
                problems=journal.problems,
            )
            self._journal = evolve(journal, marks=[*journal.marks, mark])
        task.progress(progress_of(task, self._journal, name))

    def _write(self, data: bytes) -> None:
        self._piece = self._piece or self._new_piece()
        self._file.write(self._piece.compress(data))

    def _due(self, weight: int) -> bool:
        self._since_kept += weight
        return self._since_kept >= self._task.journal_calls

    def _cut(self, reached: Journal) -> Journal:
        if self._piece:
            self._file.write(self._piece.flush())
        self._piece, self._since_kept = None, 0
        return self._keep(reached)

    def _name(self, error: Exception) -> None:
        # Put into the message which other agents fail.
        if not isinstance(error, AgentCallsError) or self._task.keep_going:
            return
        agent = error.agent_id or ""
        if agent in self._task.agents and (others := self._failing_after(agent)):
            error.message += f" Also failing: {', '.join(others)}."

    def _failing_after(self, agent: str) -> list[str]:
        # One request for each agent, to find permanent failures.
        task, failing = self._task, dict[str, str]()

        def note(found: AgentReport) -> None:
            if found.error and not found.error.retryable:
                what = found.error.status or type(found.error).__name__
                failing[found.agent_id] = f"{found.agent_id} ({what})"

        rest = task.agents[task.agents.index(agent) + 1 :]
        options: dict[str, Any] = {**task.filters, "since": None, "until": None}
        listing = task.client.calls.list_many(
            rest,
            **options,
            max_items=1,
            max_retries=0,
            concurrency=task.concurrency,
            on_agent=note,
        )
        with suppress(AgentCallsError, ExceptionGroup), closing(iter(listing)) as calls:
            for _ in calls:
                pass
        return [failing[name] for name in rest if name in failing]


def after(journal: Journal, agent: AgentReport, prefixes: Sequence[str]) -> Journal:
    """The journal after an agent was read to its end, or as far as possible."""
    incomplete, failures, error = journal.incomplete, journal.failures, agent.error
    if error:
        failure = AgentFailure(
            kind=type(error).__name__, status=error.status, message=whole_text(str(error))
        )
        failures = {**failures, agent.agent_id: failure}
    elif not agent.report.complete:
        incomplete = {**incomplete, agent.agent_id: agent.report.reason or ""}
    done = journal.agents_done + 1
    return evolve(
        journal,
        agents_done=done,
        prefix=prefixes[done],
        agent_id=None,
        checkpoint=None,
        agent_calls=0,
        problems=journal.problems + agent.report.problem_count,
        incomplete=incomplete,
        failures=failures,
    )


def progress_of(task: Task, journal: Journal, agent: str, total: int | None = None) -> Progress:
    """The progress to report now."""
    return Progress(
        agent_id=agent,
        agents_done=journal.agents_done,
        agents=len(task.agents),
        agent_calls=journal.agent_calls,
        agent_total=total,
        calls=journal.calls,
    )
