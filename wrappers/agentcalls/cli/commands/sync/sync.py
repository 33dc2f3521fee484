"""The command: its options, and what it says."""

from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agentcalls.cli.agents import Named, conclude, listed, named_agents
from agentcalls.cli.amounts import bounded_duration, percentage
from agentcalls.cli.commands.push import destination_of, hand_on
from agentcalls.cli.commands.sync.progress import progress_bar
from agentcalls.cli.commands.sync.repeating import repeat
from agentcalls.cli.connect import connect
from agentcalls.cli.failures import Code, Failure
from agentcalls.cli.show.output import say
from agentcalls.described import quantity

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from agentcalls import Client
    from agentcalls.mirror import Progress, Synced

EXAMPLES = (
    "agentcalls sync agent_demo agent_2 --to calls.sqlite",
    "agentcalls sync --all-agents --to calls.duckdb --follow 48h --audit 10%",
)

_copy: Any = partial(typer.Option, rich_help_panel="Copy")
_again: Any = partial(typer.Option, rich_help_panel="Again and again")
_checks: Any = partial(typer.Option, rich_help_panel="Instead of a sync")
_SECOND, _DAY = timedelta(seconds=1), timedelta(days=1)
_LONGEST = 3650 * _DAY


def command(
    ctx: typer.Context,
    *,
    to: Annotated[
        str,
        _copy(
            metavar="FILE",
            help="The database, made where there is none: .duckdb, or .sqlite, .sqlite3 or .db.",
        ),
    ],
    follow: Annotated[
        str,
        _copy(
            metavar="TIME",
            help="How far back each sync looks for calls that come late, change or are deleted.",
        ),
    ] = "24h",
    audit: Annotated[
        str,
        _copy(
            metavar="PERCENT",
            help="The share of requests that may be spent on reading agents whole again, beside the rest; 0% is none.",
        ),
    ] = "5%",
    full: Annotated[bool, _copy("--full", help="Read all agents whole again now.")] = False,
    quiet_every: Annotated[
        str | None,
        _copy(
            metavar="TIME",
            help="Ask an agent that had no call for a day only so often, such as 1h. By default, in each sync.",
        ),
    ] = None,
    push: Annotated[
        str | None,
        _copy(
            metavar="dlt:DESTINATION",
            help="Then load what changed into a warehouse, as agentcalls push does.",
        ),
    ] = None,
    every: Annotated[
        str | None,
        _again(
            metavar="TIME", help="Sync again at these times, such as 10m, until SIGTERM or Ctrl-C."
        ),
    ] = None,
    metrics: Annotated[
        str | None,
        _again(
            metavar="HOST:PORT",
            help="With --every: answer /metrics for Prometheus, and /healthz, at this address.",
        ),
    ] = None,
    dry_run: Annotated[
        bool,
        _checks(
            "--dry-run",
            help="Say how many requests a sync makes at least, by the database alone; none is made.",
        ),
    ] = False,
    verify: Annotated[
        bool,
        _checks(
            "--verify",
            help="Check the database by itself: whether a call is there twice; no request is made.",
        ),
    ] = False,
) -> None:
    """Keep a copy of agents' calls in a database up to date.

    The first sync reads all calls; it may be killed, and the next one goes on. Later ones ask for new calls, for those
    of the last --follow, and for calls that are still open. They do not see an edit of an older call, or a deletion
    that a late call makes up for in the count: --audit finds them over time, --full at once. What is gone is marked in
    deleted_at, and never removed. The exit code is 3 if an agent failed, or its calls could not be proven.
    """
    if verify:
        _verify(to)
        return
    names = named_agents(ctx)
    destination = None if push is None else destination_of("--push", push)
    how: dict[str, Any] = {
        "follow": bounded_duration("--follow", follow, least=timedelta(), most=_LONGEST),
        "audit": float(percentage("--audit", audit)),
        "full": full,
        "concurrency": ctx.obj["concurrency"],
    }
    if quiet_every is not None:
        how["quiet_every"] = bounded_duration(
            "--quiet-every", quiet_every, least=_SECOND, most=_LONGEST
        )
    if metrics is not None and every is None:
        raise Failure("--metrics goes with --every.", Code.USAGE)
    if dry_run:
        _dry_run(None if ctx.obj["all_agents"] else names, to, full=full)
        return
    with connect(ctx) as client:

        def run(check: "Callable[[], None]") -> "Synced":
            outcome = _synced(client, names, to, check, how)
            if destination is not None:
                hand_on(to, destination)
            return outcome

        if every is not None:
            length = bounded_duration("--every", every, least=_SECOND, most=_LONGEST)
            repeat(run, length, metrics)
            return
        with _in_use():
            outcome = run(_nothing)
    conclude(outcome.failures, outcome.unproven, names)


def _synced(
    client: "Client", names: Named, to: str, check: "Callable[[], None]", how: dict[str, Any]
) -> "Synced":
    from agentcalls.mirror import sync  # noqa: PLC0415  # help does not need it

    names.doubt = None  # that of the sync before
    names.read(client)  # new agents of the team join by themselves
    with progress_bar() as tell:

        def told(progress: "Progress") -> None:
            check()
            if tell:
                tell(progress)

        outcome = sync(client, names, to, progress=told, **how)
    say(sentence(outcome, to))
    return outcome


@contextmanager
def _in_use() -> "Generator[None]":
    # Another process has the copy: that is no wrong usage.
    from agentcalls.mirror import InUseError  # noqa: PLC0415  # as above

    try:
        yield
    except InUseError as error:
        raise Failure(str(error)) from error


def _nothing() -> None:
    pass


def sentence(outcome: "Synced", to: str) -> str:
    """What a sync came to, on one line."""
    written = outcome.written
    text = (
        f"{to}: {quantity(written.new, 'new call')}, {written.changed:,} changed, {written.marked:,} gone;"
        f" {quantity(outcome.asked, 'request')} for {quantity(outcome.agents - outcome.skipped, 'agent')}."
    )
    if outcome.skipped:
        text += f" Not due: {quantity(outcome.skipped, 'quiet agent')}."
    if outcome.differing:
        text += f" The server counts otherwise, which a later sync looks into: {listed(outcome.differing)}."
    return text


def _dry_run(names: Named | None, to: str, *, full: bool) -> None:
    from agentcalls.mirror import least_requests  # noqa: PLC0415  # as above

    with _in_use():
        least = least_requests(names, to, full=full)
    typer.echo(f"At least {quantity(least, 'request')}.")


def _verify(to: str) -> None:
    from agentcalls.mirror import verify  # noqa: PLC0415  # as above

    with _in_use():
        found = verify(to)
    if found:
        raise Failure(f"{to}: {' '.join(found)}", Code.FAILED)
    typer.echo(f"{to}: each call is there once.")
