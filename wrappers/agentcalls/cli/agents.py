"""Which agents a command is about, and the calls of all of them: side by side, in the order given."""

from __future__ import annotations

import re
import sys
from collections import Counter
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import define, field

from agentcalls import AgentCallsError
from agentcalls.cli.failures import Code, Failure, sentence_of
from agentcalls.cli.show.output import console, is_plain, say

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping, Sequence

    import typer

    from agentcalls import AgentReport, Call, CallListing, Client

_STEP = 100
MOST_NAMED = 10
"""How many agents, or sentences about them, a message has."""


def named_agents(ctx: typer.Context, agents: Sequence[str] | None, file: str | None) -> list[str]:
    """The agents of the arguments and then of the file, "-" for stdin, each once; says which came again.

    Raises `Failure` where there is none, and for a file that names none.
    """
    if file == "-" and ctx.obj["key_stdin"]:
        raise Failure("--agents-file - and --key-stdin both read stdin.", Code.USAGE)
    names = [*(agents or ()), *(() if file is None else _names_in(file))]
    if not names:
        raise Failure("Name an agent, or a file of them with --agents-file.", Code.USAGE)
    counts = Counter(names)
    again = [name for name, count in counts.items() if count > 1]
    if again:
        say(f"Named more than once, and read once: {listed(again)}.")
    return list(counts)


def listed(names: Sequence[str]) -> str:
    """Names with commas between them, the first of them where there are many."""
    more = len(names) - MOST_NAMED
    return ", ".join([*names[:MOST_NAMED], *([f"and {more:,} more"] if more > 0 else [])])


def check_asked(client: Client, agents: Sequence[str], filters: Mapping[str, Any]) -> None:
    """Send nothing; raises `ConfigurationError` for what cannot be asked, and `Failure` as `check_span` does."""
    first, *_ = [client.calls.list(agent, **filters) for agent in agents]
    check_span(first, filters.get("since"), filters.get("until"))


def check_span(listing: CallListing, since: object, until: object) -> None:
    """Raises `Failure` for a listing that begins where it has ended already."""
    # An iteration that has not begun knows which moments they mean.
    start = iter(listing).checkpoint
    if start.since and start.until and start.since >= start.until:
        raise Failure(
            f"--since {since} is not before --until {until}: there can be no call between them.",
            Code.USAGE,
        )


@define
class AgentsCalls:
    """The calls of agents with their agent's id. An agent that fails costs the others nothing."""

    client: Client
    agents: Sequence[str]
    filters: Mapping[str, Any]
    """Arguments of `client.calls.list`."""
    concurrency: int | None = None
    """How many requests may be under way at once; what the client says for None."""
    doubts: dict[str, str] = field(factory=dict[str, str], init=False)
    """Why the listing of an agent could not be proven complete, by its id."""
    failures: dict[str, str] = field(factory=dict[str, str], init=False)
    """What went wrong with each agent that failed, by its id."""
    _errors: list[AgentCallsError] = field(factory=list[AgentCallsError], init=False)

    def __iter__(self) -> Iterator[tuple[str, Call]]:
        """Each call; meanwhile, on a terminal, how many there were.

        Raises what ends the reading of all, and the first failure where every agent failed.
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
                first, *others = self.failures
                if others:
                    say(f"All {len(self.agents):,} agents failed: {listed(list(self.failures))}.")
                raise _naming(self._errors[0], first) from None
        except AgentCallsError as error:
            raise _naming(error, error.agent_id) from error.__cause__

    @property
    def gaps(self) -> list[str]:
        """Sentences about what is missing, or may be."""
        failed = [f"{agent} could not be read: {why}" for agent, why in self.failures.items()]
        return [*failed, *(f"{agent}: {why}" for agent, why in self.doubts.items())]

    def check_complete(self) -> None:
        """Raises `Failure` where an agent failed, or a listing could not be proven complete."""
        conclude(self.failures, self.doubts, len(self.agents))

    def _ended(self, agent: AgentReport) -> None:
        if agent.error:
            self._errors.append(agent.error)
            self.failures[agent.agent_id] = sentence_of(agent.error) or ""
        elif not agent.report.complete:
            self.doubts[agent.agent_id] = agent.report.reason or ""


def conclude(failures: Mapping[str, str], doubts: Mapping[str, str], agents: int) -> None:
    """Say why agents failed and listings could not be proven complete, and raise `Failure` where there are any."""
    for reasons in (failures, doubts):
        for agent, why in islice(reasons.items(), MOST_NAMED):
            say(f"{agent}: {why}")
    found: list[str] = []
    if failures:
        found.append(f"{len(failures):,} of {agents:,} agents failed: {listed(list(failures))}.")
    if doubts:
        found.append(f"Not proven complete: {len(doubts):,} of {agents:,} listings.")
    if found:
        raise Failure(" ".join(found), Code.FAILED)


def _naming(error: AgentCallsError, agent: str | None) -> AgentCallsError:
    # Of no agent is, for instance, a client that was closed.
    error.message = ": ".join(filter(None, (agent, error.message)))
    return error


def _names_in(file: str) -> list[str]:
    data = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    name = "stdin" if file == "-" else file
    try:
        text = data.decode("utf-8-sig")  # editors on Windows write a mark
    except UnicodeDecodeError as error:
        raise Failure(f"{name} is no text in UTF-8.", Code.USAGE) from error
    # An id may hold a "#" itself.
    lines = [re.sub(r"(^|\s)#.*", "", line).strip() for line in re.split(r"[\r\n]+", text)]
    names = [line for line in lines if line]
    if not names:
        raise Failure(f"{name} names no agent.", Code.USAGE)
    return names


@contextmanager
def _shown(agents: int) -> Generator[Callable[[str, int], None]]:
    """What is told each call's agent and number, and shows it on a terminal."""
    if is_plain(sys.stderr):
        yield lambda _agent, _number: None
        return
    from rich.progress import Progress, SpinnerColumn, TextColumn  # noqa: PLC0415  # off a terminal, none

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
