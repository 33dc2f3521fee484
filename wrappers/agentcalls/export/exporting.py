"""Write calls of some agents, in the agents' order, into one file that is complete or absent, and can be resumed."""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
from typing import IO, TYPE_CHECKING

from attrs import evolve

from agentcalls import Agent, ConfigurationError
from agentcalls.checks import Several, as_builtin, checked_boolean, checked_path
from agentcalls.export.compression import PIECES
from agentcalls.export.copying import Copying, Task, progress_of
from agentcalls.export.disk import operations
from agentcalls.export.formats import format_of
from agentcalls.export.journal import Journal
from agentcalls.export.outcome import Outcome
from agentcalls.export.resuming import begun
from agentcalls.export.workspace import Workspace
from agentcalls.table.text import NAMES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path
    from typing import Unpack

    from agentcalls import Client
    from agentcalls.export.formats import Build, Format
    from agentcalls.export.outcome import Filters, Progress
    from agentcalls.request.concurrency import Concurrency

_JOURNAL_CALLS = 5_000
_ANY_AGENT = "*"


def export(
    client: Client,
    agents: Iterable[str | Agent],
    path: str | os.PathLike[str],
    *,
    format: str | None = None,  # noqa: A002 (what it is called)
    resume: bool = False,
    force: bool = False,
    keep_going: bool = False,
    concurrency: Concurrency | None = None,
    progress: Callable[[Progress], object] | None = None,
    journal_calls: int = _JOURNAL_CALLS,
    **filters: Unpack[Filters],
) -> Outcome:
    """The outcome of writing a complete file to `path`; an error or a kill does not change `path`.

    A symbolic link stays, and its target is written. A new file is this user's alone; a replaced one keeps its mode and
    its owner.

    Each call of the agents' listings becomes a row: the agents in the order given, each once. The columns are
    `agentcalls.table.columns.COLUMNS`.

    Args:
        client: Reads the listings.
        agents: The agents, by their ids or as `client.agents.list()` gives them.
        path: The file. Its ending sets the format: .csv, .ndjson, .jsonl, .json, all three also with .gz or .zst,
            .parquet, .arrow, .feather, .sqlite, .sqlite3, .db, .duckdb, .xlsx.
        format: The format's name, whatever the ending.
        resume: Continue an interrupted export with the same filters, if there is one. If the list of agents changed, it
            goes back to the last recorded position before the first difference. A file that is complete already is
            left as it is, and `Outcome.already` says so.
        force: Replace an existing regular file, and start again unless `resume` is given.
        keep_going: If agents fail, write the others, and name the failed agents in `Outcome.failures`. Calls that were
            read before an agent failed are in the file.
        concurrency: How many requests may be in flight at once, for all agents together; by default the client's
            setting.
        progress: Called from time to time.
        journal_calls: After how many calls the journal is written; a resumed export repeats at most this many.
        filters: As in `client.calls.list`. A duration such as `since="24h"` counts back from the first start of the
            export, for all agents, also after a resume.

    Raises:
        ConfigurationError: Before anything is sent: the file exists, the name cannot be a file, the folder beside it is
            not this user's alone, another export is writing the file, a database is in use, an interrupted export is
            neither resumed nor discarded or does not match, the format is unknown, or a package is not installed.
        AgentCallsError: The first agent's failure, in the agents' order; the message names the other agents that fail,
            too. With `keep_going`, only an error that affects every agent, such as a refused key or the rate limit, or
            the first failure if every agent failed.
        OSError: The disk is full or fails; the export can be resumed.
    """
    target = checked_path("path", path)
    form, compression = format_of(os.fspath(path), as_builtin(format))
    resume, force = checked_boolean("resume", resume), checked_boolean("force", force)
    names, given, doubt = _once(agents)
    task = Task(
        client=client,
        agents=names,
        form=form,
        filters=filters,
        concurrency=concurrency,
        keep_going=keep_going,
        journal_calls=journal_calls,
        progress=_tell_nobody if progress is None else progress,
    )
    workspace = Workspace(target, form)
    asked = evolve(_journal(task, given, compression), force=force)
    with workspace.locked():
        journal = begun(workspace, asked, task.agents, resume=resume, keep_going=keep_going)
        already = workspace.is_published(journal)
        if journal.stage == "reading":
            journal = _read(task, workspace, journal, compression)
        if form.build and journal.stage == "building":
            journal = _build(task, workspace, journal, form.build)
        workspace.publish(journal)
        # What is beside the file may change what a reader finds in it.
        _check_count(form, workspace.target, journal)
        workspace.forget()
    return evolve(_outcome(journal), already=already, doubt=doubt)


def export_stream(
    client: Client,
    agents: Iterable[str | Agent],
    file: IO[bytes],
    *,
    format: str = "ndjson",  # noqa: A002 (what it is called)
    keep_going: bool = False,
    concurrency: Concurrency | None = None,
    progress: Callable[[Progress], object] | None = None,
    **filters: Unpack[Filters],
) -> Outcome:
    """The outcome of writing text to an open file, such as a pipe: the same bytes as `export`, without a journal.

    Raises like `export`, and `ConfigurationError` for a format that is not text.
    """
    _check_binary(file)
    form, _ = format_of("", as_builtin(format))
    if form.build:
        raise ConfigurationError(f"{form.name} is written to a file, not to a stream.")
    names, given, doubt = _once(agents)
    task = Task(
        client=client,
        agents=names,
        form=form,
        filters=filters,
        concurrency=concurrency,
        keep_going=keep_going,
        journal_calls=_JOURNAL_CALLS,
        progress=_tell_nobody if progress is None else progress,
    )
    copying = Copying(task, _journal(task, given), file, PIECES[""], lambda reached: reached)
    return evolve(_outcome(copying.run()), doubt=doubt)


def _check_binary(file: object) -> None:
    if isinstance(file, io.TextIOBase) or not callable(getattr(file, "write", None)):
        raise ConfigurationError(f"file takes an open binary file, not {type(file).__name__}.")


def _read(task: Task, workspace: Workspace, journal: Journal, compression: str) -> Journal:
    with operations.continued(workspace.rows) as file:
        operations.cut(file, journal.size)

        def keep(reached: Journal) -> Journal:
            kept = operations.sync(file)
            made = kept if reached.stage == "made" else None
            reached = evolve(reached, size=kept.size, made=made)
            workspace.save(reached)
            return reached

        return Copying(task, journal, file, PIECES[compression], keep).run()


def _build(task: Task, workspace: Workspace, journal: Journal, build: Build) -> Journal:
    built, done = workspace.built, progress_of(task, journal, task.agents[-1])
    workspace.clear_built()
    build(workspace.rows, built, lambda count: task.progress(evolve(done, built=count)))
    made = operations.sync_made(built)
    try:
        _check_count(task.form, built, journal)
    except OSError:
        # The rows are not what was written: a resume reads them again.
        operations.remove(workspace.rows)
        raise
    journal = evolve(journal, stage="made", made=made)
    workspace.save(journal)
    return journal


def _check_count(form: Format, path: Path, journal: Journal) -> None:
    count = form.count(path) if form.count else journal.calls
    if count != journal.calls:
        raise OSError(errno.EIO, f"It holds {count:,} calls, and not {journal.calls:,}", str(path))


def _once(agents: Iterable[str | Agent]) -> tuple[list[str], list[str], str | None]:
    # The ids, those that the caller wrote, and why there may be more.
    several = Several("agents", agents, Agent)
    names = list(dict.fromkeys(several))
    if not names:
        raise ConfigurationError("agents takes at least one id.")
    return names, several.given, several.doubt


def _tell_nobody(progress: Progress) -> None:
    pass


def _journal(task: Task, given: Iterable[str], compression: str = "") -> Journal:
    calls, filters = task.client.calls, task.filters
    for agent in (_ANY_AGENT, *given):
        # Raises for an invalid agent id or filter before anything is sent.
        calls.list(agent, concurrency=task.concurrency, **filters)
    # The checkpoint of a new iteration holds the moments of `since` and `until`, and the binding.
    start = iter(calls.list(_ANY_AGENT, **filters)).checkpoint
    what = [
        task.client.base_url,
        start.binding,
        task.form.name,
        task.form.text.name,
        compression,
        NAMES,
    ]
    binding = hashlib.sha256(json.dumps(what).encode()).hexdigest()[:32]
    return Journal(binding=binding, since=start.since, until=start.until)


def _outcome(journal: Journal) -> Outcome:
    return Outcome(
        calls=journal.calls,
        agents=journal.agents_done,
        problems=journal.problems,
        incomplete=journal.incomplete,
        failures=journal.failures,
    )
