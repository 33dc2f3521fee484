"""Calls of some agents, in the agents' order, into one file: whole or absent, and resumed where it was interrupted."""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, TypedDict

from attrs import evolve, frozen

from agentcalls import AgentCallsError, Checkpoint, ConfigurationError
from agentcalls.export.compression import PIECES
from agentcalls.export.formats import format_of
from agentcalls.export.journal import Journal, Workspace
from agentcalls.table.text import NAMES

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable
    from typing import Unpack

    from agentcalls import CallStatus, Client, Moment, Report
    from agentcalls.export.compression import Piece
    from agentcalls.export.formats import Format

_BATCH = 1_000
_JOURNAL_CALLS = 5_000
_AGENT_WEIGHT = 100  # an agent costs a request even where it has no call


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
    """The agent that is being read."""
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
    problems: int
    """How much the pages held that the contract does not allow."""
    incomplete: dict[str, str]
    """Why the listing of an agent is not proven complete, by its id."""

    @property
    def complete(self) -> bool:
        """Whether each listing is proven complete, as `listing.report` says it."""
        return not self.incomplete


def export(
    client: Client,
    agents: Iterable[str],
    path: str | os.PathLike[str],
    *,
    format: str | None = None,  # noqa: A002 (what it is called)
    resume: bool = False,
    force: bool = False,
    progress: Callable[[Progress], object] | None = None,
    journal_calls: int = _JOURNAL_CALLS,
    **filters: Unpack[Filters],
) -> Outcome:
    """What was written to `path`, which is there then, whole; after any error, or a kill, it is as it was before.

    A symbolic link stays: what it points to is written. A file that is replaced hands on its mode.

    Each call that `client.calls.list` gives for the agents becomes a row: the agents in the order given, each once. The
    columns are `agentcalls.table.columns.COLUMNS`.

    Args:
        client: Reads the listings; its `concurrency` says how many requests are under way at once.
        agents: The agents' ids.
        path: The file. Its ending says the format: .csv, .ndjson, .jsonl, .json, all three also with .gz or .zst,
            .parquet, .arrow, .feather, .sqlite, .sqlite3, .db, .duckdb.
        format: The format's name, whatever the ending.
        resume: Go on with an export of the same agents and filters that was interrupted, if there was one.
        force: Replace a file that is there, a regular one, and begin anew unless `resume` is given.
        progress: Called now and then.
        journal_calls: After how many calls the journal is written; an interrupted export repeats at most as many.
        filters: As in `client.calls.list`. A duration such as `since="24h"` is counted from the moment that the export
            first began, for all agents, also where it is resumed.

    Raises:
        ConfigurationError: Before anything is sent, for a file that is there, a name that can be no file's, a file that
            another export is writing, an interrupted export that is neither resumed nor forced away or is another one,
            a format that is none, and what is not installed.
        AgentCallsError: What reading the listings raises.
    """
    form, compression = format_of(os.fspath(path), format)
    task = _Task(client, _once(agents), form, filters, progress or _tell_nobody)
    workspace = Workspace(Path(path))
    made = workspace.built if form.build else workspace.rows
    asked = evolve(_journal(task, compression), force=force)
    with workspace.locked():
        journal = _begun(workspace, asked, made, resume=resume)
        if journal.stage == "reading":
            with workspace.rows.open("r+b") as file:
                file.truncate(journal.size)
                file.seek(journal.size)

                def keep(reached: Journal) -> Journal:
                    file.flush()
                    os.fsync(file.fileno())
                    reached = evolve(reached, size=file.tell())
                    workspace.save(reached)
                    return reached

                rows = _Rows(file, PIECES[compression], keep, journal_calls)
                journal = rows.read(task, journal)
        if form.build and journal.stage == "building":
            done = _progress(task, journal, task.agents[-1])
            workspace.built.unlink(missing_ok=True)
            form.build(
                workspace.rows, workspace.built, lambda count: task.tell(evolve(done, built=count))
            )
            with workspace.built.open("r+b") as file:
                os.fsync(file.fileno())
            workspace.save(evolve(journal, stage="made"))
        workspace.publish(made)
    return _outcome(journal)


def export_stream(
    client: Client,
    agents: Iterable[str],
    file: IO[bytes],
    *,
    format: str = "ndjson",  # noqa: A002 (what it is called)
    progress: Callable[[Progress], object] | None = None,
    **filters: Unpack[Filters],
) -> Outcome:
    """What was written to an open file, a pipe for one: the same bytes as `export` writes of text, without a journal.

    Raises what `export` raises, and `ConfigurationError` for a format that is no text.
    """
    form, _ = format_of("", format)
    if form.build:
        raise ConfigurationError(f"{form.name} is written to a file, not to a stream.")
    task = _Task(client, _once(agents), form, filters, progress or _tell_nobody)
    rows = _Rows(file, PIECES[""], lambda reached: reached, _JOURNAL_CALLS)
    return _outcome(rows.read(task, _journal(task)))


@frozen
class _Task:
    client: Client
    agents: list[str]
    form: Format
    filters: Filters
    tell: Callable[[Progress], object]


class _Rows:
    # The text of an export, in pieces; after each, `keep` makes sure of what was reached.

    def __init__(
        self,
        file: IO[bytes],
        piece: Callable[[], Piece],
        keep: Callable[[Journal], Journal],
        journal_calls: int,
    ) -> None:
        self._file = file
        self._new_piece = piece
        self._piece: Piece | None = None
        self._keep = keep
        self._journal_calls = journal_calls
        self._since_kept = 0

    def read(self, task: _Task, journal: Journal) -> Journal:
        # The agents that the journal does not have yet, to the end of the text.
        form, list_calls = task.form.text, task.client.calls.list
        filters: Filters = {**task.filters, "since": journal.since, "until": journal.until}
        counted = journal.since is None and journal.until is None
        if not journal.agents_done and journal.checkpoint is None:
            self._write(form.head(NAMES))
        for agent in task.agents[journal.agents_done :]:
            left = journal.checkpoint
            resume = Checkpoint.from_json(left) if left else None
            with (
                _named(agent, task),
                closing(iter(list_calls(agent, resume=resume, **filters))) as calls,
            ):
                while some := list(islice(calls, _BATCH)):
                    text = form.of_calls(agent, some)
                    self._write(form.between + text if journal.calls else text)
                    journal = _with_calls(journal, len(some))
                    if self._due(len(some)):
                        there = calls.checkpoint.to_json()
                        journal = self._cut(evolve(journal, checkpoint=there))
                    total = calls.report.total_count_last if counted else None
                    task.tell(_progress(task, journal, agent, total))
                journal = _after(journal, agent, calls.report)
            if self._due(_AGENT_WEIGHT):
                journal = self._cut(journal)
            task.tell(_progress(task, journal, agent))
        self._write(form.tail)
        return self._cut(evolve(journal, stage="building" if task.form.build else "made"))

    def _write(self, data: bytes) -> None:
        self._piece = self._piece or self._new_piece()
        self._file.write(self._piece.compress(data))

    def _due(self, weight: int) -> bool:
        self._since_kept += weight
        return self._since_kept >= self._journal_calls

    def _cut(self, reached: Journal) -> Journal:
        if self._piece:
            self._file.write(self._piece.flush())
        self._piece, self._since_kept = None, 0
        return self._keep(reached)


def _once(agents: Iterable[str]) -> list[str]:
    names = list(dict.fromkeys(agents))
    if not names:
        raise ConfigurationError("There is no agent to export calls of.")
    return names


@contextmanager
def _named(agent: str, task: _Task) -> Generator[None]:
    # Which of many it was.
    try:
        yield
    except AgentCallsError as error:
        error.agent_id = agent
        if len(task.agents) > 1:
            error.message = f"{agent}: {error.message}"
        raise


def _journal(task: _Task, compression: str = "") -> Journal:
    # A reading that has not begun knows which moments `since` and `until` mean, and what makes it the same as another.
    start = iter(task.client.calls.list(task.agents[0], **task.filters)).checkpoint
    what = [task.client.base_url, start.binding, task.agents, task.form.name, compression, NAMES]
    binding = hashlib.sha256(json.dumps(what).encode()).hexdigest()[:32]
    return Journal(binding=binding, since=start.since, until=start.until)


def _begun(workspace: Workspace, asked: Journal, made: Path, *, resume: bool) -> Journal:
    # The journal to go on from, its rows in place; refuses what would be overwritten.
    left = None if asked.force and not resume else workspace.load()
    target = workspace.target
    if left and not resume:
        raise ConfigurationError(
            f"An export to {target} was interrupted: go on with resume=True, or begin anew with force=True."
        )
    if left and left.binding != asked.binding:
        raise ConfigurationError(
            f"The export to {target} that was interrupted had other agents or filters, another"
            " format or another host: begin anew with force=True."
        )
    journal = left or asked
    published = journal.stage == "made" and not made.exists()
    if target.exists() and not (asked.force or journal.force or published):
        raise ConfigurationError(f"{target} is there already: replace it with force=True.")
    if not left:
        workspace.clear()
        workspace.rows.touch()
        workspace.save(asked)
    return journal


def _with_calls(journal: Journal, count: int) -> Journal:
    return evolve(journal, calls=journal.calls + count, agent_calls=journal.agent_calls + count)


def _after(journal: Journal, agent: str, report: Report) -> Journal:
    incomplete = journal.incomplete
    if not report.complete:
        incomplete = {**incomplete, agent: report.reason or ""}
    return evolve(
        journal,
        agents_done=journal.agents_done + 1,
        checkpoint=None,
        agent_calls=0,
        problems=journal.problems + report.problem_count,
        incomplete=incomplete,
    )


def _tell_nobody(progress: Progress) -> None:
    pass


def _progress(task: _Task, journal: Journal, agent: str, total: int | None = None) -> Progress:
    return Progress(
        agent_id=agent,
        agents_done=journal.agents_done,
        agents=len(task.agents),
        agent_calls=journal.agent_calls,
        agent_total=total,
        calls=journal.calls,
    )


def _outcome(journal: Journal) -> Outcome:
    return Outcome(
        calls=journal.calls,
        agents=journal.agents_done,
        problems=journal.problems,
        incomplete=journal.incomplete,
    )
