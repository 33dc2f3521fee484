"""Bring a copy up to date: the public functions."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from agentcalls import Agent, ConfigurationError, duration_of
from agentcalls.checks import Several, checked_boolean
from agentcalls.mirror import plan
from agentcalls.mirror.copies import checked, exists, opened
from agentcalls.mirror.run import Running, Task

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable

    from agentcalls import Client
    from agentcalls.mirror.synced import Progress, Synced
    from agentcalls.request.concurrency import Concurrency

FOLLOW = "24h"
"""How far back late calls and changes are looked for."""
AUDIT = 0.05
"""The share of requests that whole readings may make beside the others."""


def sync(
    client: Client,
    agents: Iterable[str | Agent],
    path: str | os.PathLike[str],
    *,
    follow: timedelta | str = FOLLOW,
    audit: float = AUDIT,
    full: bool = False,
    quiet_every: timedelta | str | None = None,
    concurrency: Concurrency | None = None,
    progress: Callable[[Progress], object] | None = None,
) -> Synced:
    """The outcome of bringing a copy of the agents' calls up to date; a kill leaves it as the last transaction did.

    The first run loads each agent, oldest call first. A later run reads the new calls, the calls created within
    `follow`, and the calls that are still open. It cannot see an edit of an old call, or a deletion that a late call
    makes up for in the count. Whole readings find these: those of `audit`, or with `full` at once.

    Args:
        client: Reads the listings.
        agents: The agents, by their ids or as `client.agents.list()` gives them. What the copy has of others stays.
        path: The database, which is made if it does not exist: .duckdb, or .sqlite, .sqlite3 or .db.
        follow: How far back late calls and changes are looked for: a timedelta, or text such as "24h".
        audit: The share of a run's requests for reading agents whole again, beginning with the agent whose last whole
            reading is oldest; 0 for none.
        full: Read all agents whole now.
        quiet_every: How often to ask an agent that had no call for a day; by default in each run.
        concurrency: How many requests may be in flight at once; by default the client's setting.
        progress: Called from time to time.

    Raises:
        ConfigurationError: A value is not allowed, the file is no copy of this host's calls or has a newer version, or
            an extra is not installed; nothing was sent. `InUseError` if another process has the file open.
        AgentCallsError: An error affects every agent, such as a refused key or the rate limit; or every agent failed,
            and this is the first failure. The calls that were read before are in the copy.
        OSError: The disk is full or the database fails; the copy is as the last transaction left it.
    """
    names, given, doubt = _once(agents)
    task = Task(
        client=client,
        agents=names,
        follow=_span("follow", follow),
        audit=audit,
        full=full,
        quiet_every=None if quiet_every is None else _span("quiet_every", quiet_every),
        concurrency=concurrency,
        progress=_tell_nobody if progress is None else progress,
        doubt=doubt,
    )
    for agent in ("*", *given):
        # It raises for an argument that cannot be sent.
        client.calls.list(agent, concurrency=concurrency)
    with opened(path, client.base_url) as copy:
        return Running(task, copy).run()


def least_requests(
    agents: Iterable[str | Agent] | None,
    path: str | os.PathLike[str],
    *,
    full: bool = False,
) -> int:
    """The least number of requests that a sync makes, judged by the copy alone; nothing is sent.

    `agents` is None for the agents of the copy. The copy may be of any host. Raises like `sync`.
    """
    full = checked_boolean("full", full)
    known: dict[str, plan.AgentRow] = {}
    held: dict[str, int] = {}
    if exists(checked(path)[0]):
        with opened(path, None) as copy:
            known, held = copy.agents(), copy.held()
    names = list(known) if agents is None else _once(agents)[0]
    wanted = [known.get(one, plan.AgentRow(agent_id=one)) for one in names]
    return plan.least_requests(wanted, held, full=full)


def verify(path: str | os.PathLike[str]) -> list[str]:
    """What is wrong with a copy of any host by itself, in sentences; nothing is sent. Raises like `sync`."""
    if not exists(checked(path)[0]):
        raise ConfigurationError(f"There is no {path}.")
    with opened(path, None) as copy:
        return copy.verify()


def _once(agents: Iterable[str | Agent]) -> tuple[list[str], list[str], str | None]:
    # All ids; the ids that the caller wrote; why there may be more agents.
    several = Several("agents", agents, Agent)
    names = list(dict.fromkeys(several))
    if not names:
        raise ConfigurationError("A copy needs at least one agent.")
    # A list of agents that were read before may know it, too.
    return names, several.given, several.doubt or getattr(agents, "doubt", None)


def _span(name: str, value: object) -> timedelta:
    span = duration_of(value) if isinstance(value, str) else value
    if not isinstance(span, timedelta) or span < timedelta():
        raise ConfigurationError(f'{name} takes a duration such as "24h"; not {value!r}.')
    return span


def _tell_nobody(_: Progress) -> None:
    pass
