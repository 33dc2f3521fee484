"""Which part of an interrupted export is still valid: the filters are the same, the agents may have changed."""

from __future__ import annotations

import hashlib
from itertools import accumulate
from typing import TYPE_CHECKING

from attrs import evolve

from agentcalls import ConfigurationError
from agentcalls.export.journal import Mark

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agentcalls.export.journal import Journal
    from agentcalls.export.workspace import Workspace

_START = Mark(agents_done=0, prefix="")


def prefixes_of(agents: Sequence[str]) -> list[str]:
    """At index n, a hash of the first n agents in their order."""

    def add(prefix: str, agent: str) -> str:
        named = f"{prefix} {agent}".encode("utf-8", "surrogatepass")
        return hashlib.sha256(named).hexdigest()[:16]

    return list(accumulate(agents, add, initial=_START.prefix))


def begun(
    workspace: Workspace,
    asked: Journal,
    agents: Sequence[str],
    *,
    resume: bool,
    keep_going: bool,
) -> Journal:
    """The journal to continue from, with its rows in place.

    Raises `ConfigurationError` if something would be overwritten, or if the interrupted export does not match.
    """
    left = None if asked.force and not resume else workspace.load()
    target = workspace.target
    if left and not resume:
        raise ConfigurationError(
            f"An export to {target} was interrupted: continue with resume=True, or start again with force=True."
        )
    if left and left.binding != asked.binding:
        raise ConfigurationError(
            f"The export to {target} that was interrupted had other filters, another"
            " format or another host: start again with force=True."
        )
    if left:
        left = evolve(
            still_good(left, agents, keep_going=keep_going), force=left.force or asked.force
        )
    elif resume and not asked.force:
        left = _finished(workspace, asked, agents, keep_going=keep_going)
    force = left.force if left else asked.force
    left = workspace.rest(left) if left else None
    if target.exists() and not force and not (left and workspace.is_published(left)):
        raise ConfigurationError(f"{target} already exists: replace it with force=True.")
    if not left:
        workspace.clear()
    journal = left or evolve(asked, force=force)
    workspace.save(journal)
    return journal


def _finished(
    workspace: Workspace, asked: Journal, agents: Sequence[str], *, keep_going: bool
) -> Journal | None:
    # A file that is complete is not read again if it is what was asked for.
    done = workspace.finished()
    if not done or done.binding != asked.binding:
        return None
    done = still_good(done, agents, keep_going=keep_going)
    return done if done.stage == "made" else None


def still_good(journal: Journal, agents: Sequence[str], *, keep_going: bool) -> Journal:
    """The journal, or the part of it that an export of these agents would have written, too.

    If agents were removed, added or reordered, it goes back to a mark before the first difference. Without
    `keep_going`, it also goes back to a mark before the first agent that failed.
    """
    prefixes = prefixes_of(agents)
    failed = (
        [] if keep_going else [agents.index(agent) for agent in journal.failures if agent in agents]
    )
    most = min(failed, default=len(agents))

    def holds(mark: Mark) -> bool:
        return mark.agents_done <= most and prefixes[mark.agents_done] == mark.prefix

    as_it_is = Mark(agents_done=journal.agents_done, prefix=journal.prefix)
    following = agents[journal.agents_done :][:1]
    if holds(as_it_is) and (
        (not following and journal.checkpoint is None)
        or (journal.stage == "reading" and journal.agent_id in {None, *following})
    ):
        return journal
    marks = [mark for mark in journal.marks if holds(mark)]
    mark = marks[-1] if marks else _START
    kept = set(agents[: mark.agents_done])
    return evolve(
        journal,
        stage="reading",
        made=None,
        agents_done=mark.agents_done,
        prefix=mark.prefix,
        marks=marks,
        agent_id=None,
        checkpoint=None,
        agent_calls=0,
        calls=mark.calls,
        size=mark.size,
        problems=mark.problems,
        incomplete={agent: why for agent, why in journal.incomplete.items() if agent in kept},
        failures={agent: why for agent, why in journal.failures.items() if agent in kept},
    )
