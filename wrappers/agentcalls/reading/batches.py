"""Calls in batches, each with the checkpoint after it: the unit of a transaction."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from agentcalls.checks import as_builtin, checked_integer
from agentcalls.described import described

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterable, Callable, Generator, Iterable

    from agentcalls.models import Call
    from agentcalls.reading.one_agent import AgentReader
    from agentcalls.values import AgentReport, Checkpoint, Report


@described
@frozen(kw_only=True, eq=False)
class CallBatch:
    """Some calls of one agent, to be written together with their checkpoint."""

    agent_id: str
    """The agent whose calls these are."""
    calls: list[Call] = field(repr=False)
    """The calls in their order; there may be none in the last batch."""
    checkpoint: Checkpoint = field(repr=False)
    """Where reading continues after these calls."""
    report: Report = field(repr=False)
    """What was read and proven of the agent, up to these calls."""
    done: bool
    """Whether the agent's reading ended with these calls; True in the last batch of each agent that does not fail."""

    def to_arrow(self) -> Any:
        """The calls as a `pyarrow.RecordBatch`; see docs/dataframes.md for its columns.

        Raises `ConfigurationError` if pyarrow is not installed; the extra `arrow` includes it.
        """
        return import_module("agentcalls.table.arrow").record_batch(self.agent_id, self.calls)


class Batching:
    """Gathers calls, agent by agent; a batch has at most `size`."""

    def __init__(self, size: int) -> None:
        self._size = checked_integer("size", as_builtin(size), 1)
        self._readers: dict[str, AgentReader] = {}
        self._calls: dict[str, list[Call]] = {}
        self._ready: list[CallBatch] = []

    def begin(self, begin: Callable[[str], AgentReader]) -> Callable[[str], AgentReader]:
        """`begin`, wrapped to remember the reader of each agent."""

        def begun(agent_id: str) -> AgentReader:
            reader = self._readers[agent_id] = begin(agent_id)
            return reader

        return begun

    def on_agent(
        self, tell: Callable[[AgentReport], object] | None
    ) -> Callable[[AgentReport], object]:
        """`tell`, wrapped to complete the batches of each agent that has ended."""

        def told(agent: AgentReport) -> None:
            if agent.agent_id in self._readers:
                if agent.error is None or agent.agent_id in self._calls:
                    self._ready.append(self._batch(agent.agent_id, done=agent.error is None))
                del self._readers[agent.agent_id]
            if tell:
                tell(agent)

        return told

    def over(
        self,
        pairs: Iterable[tuple[str, Any]],
        add: Callable[[list[Call], Any], object] = list[Any].append,
    ) -> Generator[CallBatch]:
        """The batches of these pairs of agent and call. The calls before a failure are given before it is raised.

        With `list.extend`, the pairs have all rows of an answer, and a batch holds some more than `size`.
        """
        try:
            for agent_id, came in pairs:
                yield from self._take(agent_id, came, add)
        except Exception:
            yield from self._rest()
            raise
        yield from self._rest()

    async def async_over(self, pairs: AsyncIterable[tuple[str, Call]]) -> AsyncGenerator[CallBatch]:
        """The same, awaited."""
        try:
            async for agent_id, call in pairs:
                for batch in self._take(agent_id, call):
                    yield batch
        except Exception:
            for batch in self._rest():
                yield batch
            raise
        for batch in self._rest():
            yield batch

    def _take(
        self, agent_id: str, came: Any, add: Callable[[list[Call], Any], object] = list[Any].append
    ) -> list[CallBatch]:
        # The end of an agent is reported before the next call comes.
        ready, self._ready = self._ready, []
        calls = self._calls.setdefault(agent_id, [])
        add(calls, came)
        if len(calls) >= self._size:
            ready.append(self._batch(agent_id, done=False))
        return ready

    def _rest(self) -> list[CallBatch]:
        return [*self._ready, *(self._batch(agent_id, done=False) for agent_id in [*self._calls])]

    def _batch(self, agent_id: str, *, done: bool) -> CallBatch:
        reader = self._readers[agent_id]
        return CallBatch(
            agent_id=agent_id,
            calls=self._calls.pop(agent_id, []),
            checkpoint=reader.checkpoint,
            report=reader.report,
            done=done,
        )
