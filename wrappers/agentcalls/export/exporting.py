"""Calls of some agents, in the agents' order, into one file: whole or absent, and resumed where it was interrupted."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import IO, TYPE_CHECKING

from attrs import evolve

from agentcalls import ConfigurationError
from agentcalls.export.compression import PIECES
from agentcalls.export.copying import Copying, Task, progress_of
from agentcalls.export.formats import format_of
from agentcalls.export.journal import Journal, Workspace
from agentcalls.export.outcome import Outcome
from agentcalls.export.resuming import begun
from agentcalls.table.text import NAMES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Unpack

    from agentcalls import Client
    from agentcalls.export.outcome import Filters, Progress

_JOURNAL_CALLS = 5_000
_ANY_AGENT = "*"


def export(
    client: Client,
    agents: Iterable[str],
    path: str | os.PathLike[str],
    *,
    format: str | None = None,  # noqa: A002 (what it is called)
    resume: bool = False,
    force: bool = False,
    keep_going: bool = False,
    concurrency: int | None = None,
    progress: Callable[[Progress], object] | None = None,
    journal_calls: int = _JOURNAL_CALLS,
    **filters: Unpack[Filters],
) -> Outcome:
    """What was written to `path`, which is there then, whole; after any error, or a kill, it is as it was before.

    A symbolic link stays: what it points to is written. A file that is replaced hands on its mode.

    Each call that `client.calls.list` gives for the agents becomes a row: the agents in the order given, each once. The
    columns are `agentcalls.table.columns.COLUMNS`.

    Args:
        client: Reads the listings.
        agents: The agents' ids.
        path: The file. Its ending says the format: .csv, .ndjson, .jsonl, .json, all three also with .gz or .zst,
            .parquet, .arrow, .feather, .sqlite, .sqlite3, .db, .duckdb.
        format: The format's name, whatever the ending.
        resume: Go on with an export with the same filters that was interrupted, if there was one. Where the agents are
            others by now, it goes back to the last place up to which they were the same.
        force: Replace a file that is there, a regular one, and begin anew unless `resume` is given.
        keep_going: Write what there is where agents fail, and name them in `Outcome.failures`. Calls of an agent that
            were read before it failed are in the file.
        concurrency: How many requests may be under way at once, for all agents together; what the client says where it
            is left out.
        progress: Called now and then.
        journal_calls: After how many calls the journal is written; an interrupted export repeats at most as many.
        filters: As in `client.calls.list`. A duration such as `since="24h"` is counted from the moment that the export
            first began, for all agents, also where it is resumed.

    Raises:
        ConfigurationError: Before anything is sent, for a file that is there, a name that can be no file's, a file that
            another export is writing, an interrupted export that is neither resumed nor forced away or is another one,
            a format that is none, and what is not installed.
        AgentCallsError: What reading the listings raises, in the agents' order; the message names the other agents that
            fail too. With `keep_going` only what would meet every agent: a key or rate limit that is refused, and the
            first failure where every agent failed.
    """
    form, compression = format_of(os.fspath(path), format)
    task = Task(
        client=client,
        agents=_once(agents),
        form=form,
        filters=filters,
        concurrency=concurrency,
        keep_going=keep_going,
        journal_calls=journal_calls,
        tell=progress or _tell_nobody,
    )
    workspace = Workspace(Path(path))
    made = workspace.built if form.build else workspace.rows
    asked = evolve(_journal(task, compression), force=force)
    with workspace.locked():
        journal = begun(workspace, asked, made, task.agents, resume=resume, keep_going=keep_going)
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

                journal = Copying(task, journal, file, PIECES[compression], keep).run()
        if form.build and journal.stage == "building":
            done = progress_of(task, journal, task.agents[-1])
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
    keep_going: bool = False,
    concurrency: int | None = None,
    progress: Callable[[Progress], object] | None = None,
    **filters: Unpack[Filters],
) -> Outcome:
    """What was written to an open file, a pipe for one: the same bytes as `export` writes of text, without a journal.

    Raises what `export` raises, and `ConfigurationError` for a format that is no text.
    """
    form, _ = format_of("", format)
    if form.build:
        raise ConfigurationError(f"{form.name} is written to a file, not to a stream.")
    task = Task(
        client=client,
        agents=_once(agents),
        form=form,
        filters=filters,
        concurrency=concurrency,
        keep_going=keep_going,
        journal_calls=_JOURNAL_CALLS,
        tell=progress or _tell_nobody,
    )
    copying = Copying(task, _journal(task), file, PIECES[""], lambda reached: reached)
    return _outcome(copying.run())


def _once(agents: Iterable[str]) -> list[str]:
    names = list(dict.fromkeys(agents))
    if not names:
        raise ConfigurationError("There is no agent to export calls of.")
    return names


def _tell_nobody(progress: Progress) -> None:
    pass


def _journal(task: Task, compression: str = "") -> Journal:
    calls, filters = task.client.calls, task.filters
    for agent in task.agents:
        # Refused before anything is sent.
        calls.list(agent, concurrency=task.concurrency, **filters)
    # An iteration that has not begun knows which moments `since` and `until` mean, and what it is bound to.
    start = iter(calls.list(_ANY_AGENT, **filters)).checkpoint
    what = [task.client.base_url, start.binding, task.form.name, compression, NAMES]
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
