"""The calls of several agents, one agent after the other, and what was proven of each listing."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from attrs import define, field

from agentcalls import APIStatusError
from agentcalls.cli.failures import Code, Failure
from agentcalls.cli.show.output import console, is_plain

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping, Sequence

    from agentcalls import Call, CallListing, Client

_STEP = 100


@contextmanager
def naming(agent: str) -> Generator[None]:
    """Let an error of the API say which of many agents it is about."""
    try:
        yield
    except APIStatusError as error:
        error.message = f"{agent}: {error.message}"
        raise


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
    """The calls of agents with their agent's id, each agent read once."""

    client: Client
    agents: Sequence[str]
    filters: Mapping[str, Any]
    """Arguments of `client.calls.list`."""
    doubts: list[str] = field(factory=list[str], init=False)
    """Why a listing could not be proven complete, an item for each agent of which that is so."""

    def __iter__(self) -> Iterator[tuple[str, Call]]:
        """Each call; meanwhile, on a terminal, how many there were."""
        self.doubts.clear()
        if is_plain(sys.stderr):
            for agent in dict.fromkeys(self.agents):
                yield from ((agent, call) for call in self._of(agent))
            return
        from rich.progress import Progress, SpinnerColumn, TextColumn  # noqa: PLC0415  # off a terminal, none

        count = TextColumn("{task.description}: {task.completed:,.0f} calls", markup=False)
        with Progress(
            SpinnerColumn(), count, console=console(sys.stderr), transient=True
        ) as progress:
            for agent in dict.fromkeys(self.agents):
                task = progress.add_task(f"Reading {agent}", total=None)
                for number, call in enumerate(self._of(agent), 1):
                    if number % _STEP == 0:
                        progress.update(task, completed=number)
                    yield agent, call

    def check_complete(self) -> None:
        """Raises `Failure` where a listing could not be proven complete."""
        if self.doubts:
            raise Failure(f"Not proven complete: {' '.join(self.doubts)}", Code.FAILED)

    def _of(self, agent: str) -> Iterator[Call]:
        listing = self.client.calls.list(agent, **self.filters)
        check_span(listing, self.filters.get("since"), self.filters.get("until"))
        with naming(agent):
            yield from listing
        report = listing.report
        if not report.complete:
            self.doubts.append(f"{agent}: {report.reason}")
