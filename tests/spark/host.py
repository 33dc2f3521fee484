"""The mock that the tests of the Spark source read, and its truth."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from agentcalls_mock import Seeding

if TYPE_CHECKING:
    from collections.abc import Callable

    from doubtful import Doubtful

KEY = "sk_canary_7f3a9c51d2e8"
WARNED = "sk_warned_0b44e6cc91fa"
"""A key where docs/spark.md says that none may be."""
SEEDING = Seeding(calls=250, agents=4, now=datetime.now(UTC))  # a stream reads up to now
AGENTS = ("agent_demo", "agent_2", "agent_3", "agent_4", "agent_empty", "agent_one")


def streamed(run: Callable[[], object]) -> None:
    """Run a stream, and again where Spark gave up on its own process, which has ten seconds to answer in any load."""
    from pyspark.errors import StreamingQueryException  # noqa: PLC0415  # absent in `make test`

    for left in reversed(range(5)):
        try:
            run()
        except StreamingQueryException as error:
            if not left or "failed to connect back" not in str(error):
                raise
        else:
            return


class Host:
    """The mock, with what it was asked and what it holds."""

    def __init__(self, store: Any, app: Doubtful) -> None:
        self.store, self.app = store, app

    def calls(self, agent: str, where: str = "1") -> set[tuple[str, str]]:
        """The truth: the agent and id of each call that the mock holds of an agent."""
        named = "SELECT a.id AS agent_id, c.* FROM calls c JOIN agents a ON c.agent = a.key"
        found = self.store.connection.execute(
            f"SELECT agent_id, id FROM ({named}) WHERE agent_id = ? AND ({where})",  # noqa: S608  # the tests' own
            (agent,),
        )
        return set(found)

    def all_calls(self, where: str = "1") -> set[tuple[str, str]]:
        """The same of all agents that the tests read."""
        return set().union(*(self.calls(agent, where) for agent in AGENTS))

    @property
    def agents_asked(self) -> set[str]:
        return {agent for agent, _ in self.app.asked}
