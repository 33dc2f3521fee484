"""The agents of a command, and their calls: read in parallel, delivered in the order given."""

from __future__ import annotations

import sys
from collections import Counter
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import define, field

import agentcalls  # `Agent` with all models, only where it is asked for
from agentcalls import AgentCallsError, ConfigurationError
from agentcalls.checks import Several, did_you_mean, ids_in
from agentcalls.cli.failures import Code, Failure, sentence_of
from agentcalls.cli.show.output import console, is_plain, say
from agentcalls.described import quantity
from agentcalls.settings import AGENT_STATUSES

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping, Sequence

    import typer

    from agentcalls import Agent, AgentReport, Call, Client
    from agentcalls.request.concurrency import Concurrency

_STEP = 100
_ANY_AGENT = "*"
MOST_NAMED = 10
"""The most agents, or sentences about agents, in a message."""


class Named(list["str | Agent"]):
    """A command's agents: the ids that were written; with --all-agents, once they were read, what the API listed."""

    doubt: str | None = None
    """Why there may be more of them."""
    _is_all = False
    _status: str | None = None

    @classmethod
    def all_of(cls, status: str | None) -> Named:
        """All agents of the team, or those with this status."""
        names = cls()
        names._is_all, names._status = True, status
        return names

    @property
    def ids(self) -> list[str]:
        """The ids as they come back in reports."""
        return list(Several("agents", self, agentcalls.Agent))

    def read(self, client: Client) -> None:
        """Read the team's agents, if all are wanted; raises `Failure` if there are none."""
        if not self._is_all:
            return
        listing = client.agents.list()
        agents = listing.all()
        wanted = [agent for agent in agents if self._status in {None, agent.status}]
        if not wanted:
            statuses = {agent.status or "none" for agent in agents}
            meant = did_you_mean(self._status or "", {*AGENT_STATUSES, *statuses})
            raise Failure(
                f"No agent has the status {self._status!r}; their statuses: {listed(sorted(statuses))}.{meant}"
                if agents
                else "The team has no agents.",
                Code.NOT_FOUND,
            )
        self[:] = wanted
        if not listing.report.complete:
            self.doubt = (
                f"The listing of the agents is not proven complete: {listing.report.reason}"
            )


def named_agents(ctx: typer.Context) -> Named:
    """The agents of the arguments and then of the file ("-" is stdin), each once; reports repeated ids on stderr.

    Raises `Failure` if there is no agent, if the file names none, or if --all-agents contradicts them.
    """
    every, status = ctx.obj["all_agents"], ctx.obj["agent_status"]
    agents, file = ctx.obj["agents"], ctx.obj["agents_file"]
    if every and (agents or file is not None):
        raise Failure("--all-agents and agents that are named contradict each other.", Code.USAGE)
    if status is not None and not every:
        raise Failure("--agent-status goes with --all-agents.", Code.USAGE)
    if every:
        return Named.all_of(status)
    if file == "-" and ctx.obj["key_stdin"]:
        raise Failure("--agents-file - and --key-stdin both read stdin.", Code.USAGE)
    names = [*(agents or ()), *(() if file is None else _names_in(file))]
    if not names:
        raise Failure(
            "Name an agent, or a file of agents with --agents-file, or say --all-agents.",
            Code.USAGE,
        )
    counts = Counter(names)
    again = [name for name, count in counts.items() if count > 1]
    if again:
        say(f"Named more than once, and read once: {listed(again)}.")
    return Named(counts)


def listed(names: Sequence[str]) -> str:
    """The names, separated by commas; only the first ones if there are many."""
    more = len(names) - MOST_NAMED
    shown = [name if name.isprintable() and name else repr(name) for name in names[:MOST_NAMED]]
    return ", ".join([*shown, *([f"and {more:,} more"] if more > 0 else [])])


def check_asked(client: Client, agents: Sequence[str | Agent], filters: Mapping[str, Any]) -> None:
    """Send nothing; raises `ConfigurationError` for wrong arguments, of which an agent that the API listed is none."""
    for agent in (_ANY_AGENT, *agents):
        if not isinstance(agent, agentcalls.Agent):
            client.calls.list(agent, **filters)


@define
class AgentsCalls:
    """The calls of agents, each with its agent's id. A failing agent does not stop the others."""

    client: Client
    agents: Named
    filters: Mapping[str, Any]
    """Arguments of `client.calls.list`."""
    concurrency: Concurrency | None = None
    """How many requests may be in flight at once; None means the client's setting."""
    doubts: dict[str, str] = field(factory=dict[str, str], init=False)
    """Why an agent's listing could not be proven complete, by agent id."""
    failures: dict[str, str] = field(factory=dict[str, str], init=False)
    """The error text of each agent that failed, by agent id."""
    _errors: list[AgentCallsError] = field(factory=list[AgentCallsError], init=False)

    def __iter__(self) -> Iterator[tuple[str, Call]]:
        """Each call; on a terminal, also shows the progress.

        Raises an error that ends the whole reading, or the first failure if every agent failed.
        """
        check_asked(self.client, self.agents, self.filters)
        many = self.client.calls.list_many(
            self.agents,
            **self.filters,
            concurrency=self.concurrency,
            ordered=True,
            on_agent=self._ended,
        )
        try:
            with closing(iter(many)) as calls, _shown(len(self.agents)) as tell:
                for number, (agent, call) in enumerate(calls, 1):
                    tell(agent, number)
                    yield agent, call
        except ExceptionGroup:
            if len(self.failures) == len(self.agents):
                if len(self.failures) > 1:
                    say(f"All {len(self.agents):,} agents failed: {listed(list(self.failures))}.")
                raise self._errors[0] from None

    @property
    def gaps(self) -> list[str]:
        """Sentences about calls that are missing, or may be missing."""
        failed = [f"Could not be read: {why}" for why in self.failures.values()]
        return [
            *([self.agents.doubt] if self.agents.doubt else []),
            *failed,
            *(f"{agent}: {why}" for agent, why in self.doubts.items()),
        ]

    def check_complete(self) -> None:
        """Raises `Failure` if an agent failed, or if a listing could not be proven complete."""
        conclude(self.failures, self.doubts, self.agents)

    def _ended(self, agent: AgentReport) -> None:
        if agent.error:
            self._errors.append(agent.error)
            self.failures[agent.agent_id] = sentence_of(agent.error) or ""
        elif not agent.report.complete:
            self.doubts[agent.agent_id] = agent.report.reason or ""


def conclude(failures: Mapping[str, str], doubts: Mapping[str, str], agents: Named) -> None:
    """Report on stderr which agents failed and which listings are not proven complete; raises `Failure` if any."""
    for reasons in (failures, doubts):
        for agent, why in islice(reasons.items(), MOST_NAMED):
            say(why if agent and agent in why else f"{listed([agent])}: {why}")
    found: list[str] = []
    if failures:
        found.append(
            f"{len(failures):,} of {quantity(len(agents), 'agent')} failed: {listed(list(failures))}."
        )
    if doubts:
        found.append(f"Not proven complete: {len(doubts):,} of {quantity(len(agents), 'listing')}.")
    if agents.doubt:
        found.append(agents.doubt)
    if found:
        raise Failure(" ".join(found), Code.FAILED)


def _names_in(file: str) -> list[str]:
    name = "stdin" if file == "-" else file
    try:
        data = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        return ids_in(data, name)
    except OSError as error:
        raise Failure(f"{name} cannot be read: {error.strerror}.", Code.USAGE) from error
    except ConfigurationError as error:
        raise Failure(str(error), Code.USAGE) from error


@contextmanager
def _shown(agents: int) -> Generator[Callable[[str, int], None]]:
    """A function that is called with each call's agent and number, and shows them on a terminal."""
    if is_plain(sys.stderr):
        yield lambda _agent, _number: None
        return
    from rich.progress import Progress, SpinnerColumn, TextColumn  # noqa: PLC0415  # only for a terminal

    count = TextColumn("{task.description}: {task.completed:,.0f} calls", markup=False)
    with Progress(SpinnerColumn(), count, console=console(sys.stderr), transient=True) as progress:
        task = progress.add_task("Reading", total=None)
        seen: dict[str, None] = {}

        def tell(agent: str, number: int) -> None:
            if agent not in seen or number % _STEP == 0:
                seen[agent] = None
                of = f" ({len(seen)} of {agents})" if agents > 1 else ""
                progress.update(task, description=f"Reading {agent}{of}", completed=number)

        yield tell
