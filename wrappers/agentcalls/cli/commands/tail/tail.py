"""`agentcalls tail`."""

import sys
from datetime import timedelta
from typing import Annotated

import typer

from agentcalls.cli import options
from agentcalls.cli.commands.tail.durations import bounded_duration
from agentcalls.cli.commands.tail.following import Follower
from agentcalls.cli.commands.tail.polling import Polls
from agentcalls.cli.commands.tail.ticker import json_writer, terminal_writer
from agentcalls.cli.connect import connect
from agentcalls.cli.failures import Code

EXAMPLES = (
    "agentcalls tail agent_demo --status failed --interval 30s",
    "agentcalls tail agent_demo --live -n 100 --json",
)

_MILLISECOND, _HOUR, _DAY = timedelta(milliseconds=1), timedelta(hours=1), timedelta(days=1)
_MOST_EARLIER = 1000


def command(
    ctx: typer.Context,
    agent: options.Agent,
    *,
    status: Annotated[
        str | None,
        typer.Option(
            "--status",
            metavar="STATUS",
            help="Calls that have this status or come to have it, such as failed.",
            rich_help_panel=options.FILTERS,
        ),
    ] = None,
    test: options.Test = None,
    interval: Annotated[
        str, typer.Option(metavar="TIME", help="How long to wait between two looks.")
    ] = "10s",
    follow: Annotated[
        str,
        typer.Option(
            metavar="TIME",
            help="How long after its creation a call is followed that is not over.",
        ),
    ] = "1h",
    earlier: Annotated[
        int,
        typer.Option(
            "-n",
            "--lines",
            min=0,
            max=_MOST_EARLIER,
            metavar="N",
            help="How many of the calls that are there already to show.",
        ),
    ] = 10,
    as_json: Annotated[
        bool,
        typer.Option(
            "--json",
            help="A line of JSON for each, as pipes get.",
            rich_help_panel=options.OUTPUT,
        ),
    ] = False,
    utc: options.Utc = False,
) -> None:
    """Show an agent's new calls, and those whose status changes or that end, as it happens.

    Each is told once, until Ctrl-C. A call is followed until it is over: for --follow after its
    creation, as long as it is among the latest 10,000; one that appears more than 5 minutes
    late is found only while an older one is followed. Where no answer comes, it goes on trying.

    A line of JSON holds "event" (earlier, new or changed), "previous_status", and the "call".
    """
    seconds = bounded_duration(
        "--interval", interval, least=100 * _MILLISECOND, most=_DAY
    ).total_seconds()
    reach = bounded_duration("--follow", follow, least=timedelta(0), most=7 * _DAY)
    with connect(ctx) as client:
        as_lines = as_json or not sys.stdout.isatty()
        follower = Follower(status=status, follow=reach)
        polls = Polls(client, agent, follower, is_test_call=test, utc=utc)
        try:
            news = polls.begin(earlier)
            write = json_writer(agent) if as_lines else terminal_writer(utc=utc)
            while True:
                for event in news:
                    write(event)
                news = polls.next(seconds)
        except KeyboardInterrupt:
            # The way to end it, not worth a word.
            raise typer.Exit(Code.INTERRUPTED) from None
