"""The agents and their numbers of calls, as a function of four values."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random

from agentcalls_mock.data import Call, generate_calls

TEAM = "team_demo"
OTHER_TEAM = "team_other"
ESCAPED_AGENT = "agent/with slash?&#é"


@dataclass(frozen=True, slots=True)
class Agent:
    """An agent with its number of calls; a key sees the agents of its own team only."""

    id: str
    calls: int
    team: str = TEAM


@dataclass(frozen=True, slots=True, kw_only=True)
class Seeding:
    """What the data is made from: equal seedings make equal listings, byte for byte."""

    seed: int = 7
    calls: int = 2500
    agents: int = 3
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def describe(self) -> str:
        """The seeding as options of the command line."""
        now = self.now.isoformat()
        return f"--agents {self.agents} --calls {self.calls} --seed {self.seed} --now {now}"


def roster(seeding: Seeding) -> tuple[Agent, ...]:
    """`agent_demo` with `calls` calls, `agent_2` … with a tenth each, and the fixed agents.

    Every seeding has the fixed agents: an empty agent, one with a single call, one whose id needs escaping in a path,
    and one of another team.
    """
    others = (f"agent_{number}" for number in range(2, seeding.agents + 1))
    return (
        Agent("agent_demo", seeding.calls),
        *(Agent(name, seeding.calls // 10) for name in others),
        Agent("agent_empty", 0),
        Agent("agent_one", 1),
        Agent(ESCAPED_AGENT, 12),
        Agent("agent_other_team", 12, OTHER_TEAM),
    )


def calls_of(agent: Agent, seeding: Seeding) -> Iterator[Call]:
    """Yields the agent's calls, newest first, whichever other agents there are."""
    random = Random(f"{seeding.seed}/{agent.id}")  # noqa: S311  # made-up data, not a secret
    return generate_calls(agent.calls, random=random, now=seeding.now)
