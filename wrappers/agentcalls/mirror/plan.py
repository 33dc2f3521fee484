"""The rules of a copy, without clock, socket or database: what to read of an agent, and its state afterwards.

An agent is read in three ways:

    Whole       From its oldest call on: the first load, and each reading of the audit. It continues from its
                checkpoint, even in a later run. If it is proven, the calls of the copy that it did not find are marked.
    Following   From its newest call back to `since_of`. If it is proven, the calls of the copy in that span that it
                did not find are marked.
    Looking     The pages that should hold the open calls that are older than that span.

The watermark and `proven_at` move only after a proven reading.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from attrs import evolve, frozen

from agentcalls.settings import MAX_LIMIT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from agentcalls import Report

_MARGIN = timedelta(minutes=5)
"""How much later than newer calls a call may appear without being late."""
_MISCOUNTS = 2
_REREAD_EVERY = timedelta(hours=1)
_DAY, _WEEK = timedelta(days=1), timedelta(weeks=1)
_LONGER = math.log(8 / 7)
_ROWS_A_REQUEST = 85
"""New rows in a request of a whole reading, whose windows overlap."""
EARLIEST = datetime.min.replace(tzinfo=UTC)
_LATEST = datetime.max.replace(tzinfo=UTC)


@frozen(kw_only=True)
class AgentRow:
    """The state of an agent in a copy: a row of `agents`. Moments are this machine's, except the watermark."""

    agent_id: str
    watermark: datetime | None = None
    """`created_on` of the newest call of a proven reading, in the server's time."""
    server_count: int | None = None
    """The server's count of its calls in the latest reading."""
    proven_at: datetime | None = None
    """When the latest proven reading began; None until the first load is proven."""
    reread_at: datetime | None = None
    """When the latest proven whole reading began."""
    tried_at: datetime | None = None
    """The latest run in which a whole reading ended, proven or not."""
    looked_at: datetime | None = None
    """The latest run that looked at the old open calls that were due."""
    miscounts: int = 0
    """The number of runs in a row in which the counts of the server and the copy differed."""
    reading_since: datetime | None = None
    """When the unfinished whole reading began; None if there is none."""
    checkpoint: str | None = None
    """Where it continues."""
    error: str | None = None
    """Why the latest reading failed, or is not proven; None if it is."""
    due: datetime | None = None
    """The agent is quiet, and is not asked before this moment."""

    @property
    def is_loaded(self) -> bool:
        """Whether the first load is proven."""
        return self.proven_at is not None


def since_of(agent: AgentRow, now: datetime, follow: timedelta) -> datetime | None:
    """The moment from which an agent is followed; None for all of its calls.

    Calls that came in order since the last proven reading are newer than the watermark, whatever the clocks say. Late
    calls and changes are found as far back as `follow`, even if no sync ran for a long time.
    """
    if agent.watermark is None or agent.proven_at is None:
        return None
    first = min(now, agent.proven_at)
    return min(moved(agent.watermark, -_MARGIN), moved(first, -follow))


def begun(agent: AgentRow, now: datetime) -> AgentRow:
    """The agent when a whole reading begins or continues."""
    return agent if agent.reading_since else evolve(agent, reading_since=now, checkpoint=None)


def followed(agent: AgentRow, report: Report, newest: datetime | None, now: datetime) -> AgentRow:
    """The agent after it was followed; `newest` is the latest `created_on` that was read."""
    if not report.complete:
        return evolve(agent, server_count=report.total_count_last, error=report.reason)
    return evolve(
        agent,
        server_count=report.total_count_last,
        watermark=latest(agent.watermark, newest),
        proven_at=now,
        error=None,
    )


def reread(agent: AgentRow, report: Report, newest: datetime | None, now: datetime) -> AgentRow:
    """The agent after a whole reading has ended, proven or not."""
    began = agent.reading_since
    agent = evolve(
        agent,
        server_count=report.total_count_last,
        tried_at=now,
        reading_since=None,
        checkpoint=None,
        error=report.reason,
    )
    if not report.complete:
        return agent
    return evolve(
        agent,
        watermark=latest(agent.watermark, newest),
        proven_at=latest(agent.proven_at, min(began or now, now)),
        reread_at=began,
    )


def counted(agent: AgentRow, held: int, *, steady: bool) -> AgentRow:
    """The agent after the copy's calls were counted; `steady`: the server's count stayed the same."""
    if agent.server_count == held:
        return evolve(agent, miscounts=0) if agent.miscounts else agent
    return evolve(agent, miscounts=agent.miscounts + 1) if steady else agent


def is_doubtful(agent: AgentRow, now: datetime) -> bool:
    """Whether the counts have differed long enough to read the agent whole now."""
    waited = agent.tried_at is None or abs(now - agent.tried_at) >= _REREAD_EVERY
    return agent.miscounts >= _MISCOUNTS and waited


def quieted(agent: AgentRow, now: datetime, every: timedelta | None) -> AgentRow:
    """The agent with its next due moment, if it had no call for a day and is asked less often."""
    settled = agent.error is None and agent.reading_since is None and not agent.miscounts
    rests = agent.is_loaded and (agent.watermark is None or now - agent.watermark >= _DAY)
    if not (every and settled and rests):
        return evolve(agent, due=None) if agent.due else agent
    return evolve(agent, due=moved(now, every))


def is_due(agent: AgentRow, now: datetime, every: timedelta | None) -> bool:
    """Whether to ask an agent in this run; if the clock was set back, the wait is still at most `every`."""
    return every is None or agent.due is None or not now < agent.due <= moved(now, every)


@frozen
class OpenCall:
    """A call that was open when it was last read, and is older than the span that is followed."""

    agent_id: str
    id: str
    created_on: datetime


def due_calls(
    calls: Iterable[OpenCall], agents: Mapping[str, AgentRow], now: datetime
) -> list[OpenCall]:
    """The open calls to look at now: each at growing intervals, and daily once it is a week old.

    If the clock was ahead at the last look, the call is due.
    """
    return [
        call
        for call in calls
        if (last := agents[call.agent_id].looked_at) is None
        or last > now
        or _looks(now - call.created_on) > _looks(last - call.created_on)
    ]


def pages_of(ranks: Iterable[tuple[str, int]]) -> list[tuple[str, int]]:
    """The agents and pages, counted from the oldest call, that should hold the calls of these ranks; each once."""
    return sorted({(agent_id, rank // MAX_LIMIT + 1) for agent_id, rank in ranks})


@frozen
class Audit:
    """A whole reading that the budget allows."""

    agent_id: str
    most: int | None
    """The rows it may read; None for all."""


def audited(
    agents: Iterable[AgentRow],
    held: Mapping[str, int],
    budget: int,
    now: datetime,
    follow: timedelta,
) -> list[Audit]:
    """The whole readings to begin or continue, for a budget of requests.

    Unfinished readings come first, then the agents whose last whole reading is oldest. An agent that was proven whole
    within `follow` needs none.
    """
    old = [
        agent
        for agent in agents
        if agent.reading_since or agent.reread_at is None or abs(now - agent.reread_at) > follow
    ]
    found: list[Audit] = []
    for agent in sorted(
        old, key=lambda one: (one.reading_since is None, one.tried_at or EARLIEST, one.agent_id)
    ):
        if budget < 1:
            break
        needed = requests_of(held.get(agent.agent_id, 0))
        most = None if needed <= budget else budget * _ROWS_A_REQUEST
        found.append(Audit(agent.agent_id, most))
        budget -= needed
    return found


def requests_of(rows: int) -> int:
    """About how many requests a whole reading of this many rows takes."""
    return 1 if rows < MAX_LIMIT else -(-rows // _ROWS_A_REQUEST)


def least_requests(agents: Iterable[AgentRow], held: Mapping[str, int], *, full: bool) -> int:
    """The least number of requests that a run makes, judged by the copy alone."""
    total = 0
    for agent in agents:
        count = max(held.get(agent.agent_id, 0), agent.server_count or 0)
        total += max(1, -(-count // MAX_LIMIT)) if full else 1
    return total


def latest(*moments: datetime | None) -> datetime | None:
    """The latest of these moments; None without any."""
    return max((moment for moment in moments if moment is not None), default=None)


def _looks(age: timedelta) -> int:
    # The number of looks due by this age: each one after a seventh of the age, but at most a day, later.
    minutes = max(1.0, min(age, _WEEK) / timedelta(minutes=1))
    days = max(timedelta(), age - _WEEK) // _DAY
    return int(math.log(minutes) / _LONGER) + days


def moved(moment: datetime, span: timedelta) -> datetime:
    """A moment that much later, or earlier if the span is negative; at the ends of time, the first or the last one."""
    try:
        return moment + span
    except OverflowError:
        return EARLIEST if span < timedelta() else _LATEST
