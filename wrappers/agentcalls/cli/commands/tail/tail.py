"""`agentcalls tail`."""

import sys
from datetime import timedelta
from typing import Annotated

import typer

from agentcalls.cli import options
from agentcalls.cli.agents import check_asked
from agentcalls.cli.amounts import bounded_duration
from agentcalls.cli.commands.tail.following import Follower
from agentcalls.cli.commands.tail.polling import Polls
from agentcalls.cli.commands.tail.ticker import json_writer, terminal_writer
from agentcalls.cli.connect import connect
from agentcalls.cli.failures import Code
from agentcalls.cli.zone import chosen_zone

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
        options.filtering(
            "--status",
            metavar="STATUS",
            help="Only calls that have or reach this status, such as failed.",
        ),
    ] = None,
    is_test_call: options.Test = None,
    interval: Annotated[
        str, typer.Option(metavar="TIME", help="How long to wait between two polls.")
    ] = "10s",
    follow: Annotated[
        str,
        typer.Option(
            metavar="TIME", help="How long to follow an unfinished call, counted from its creation."
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
            help="How many existing calls to show first.",
        ),
    ] = 10,
    as_json: Annotated[
        bool, options.output("--json", help="One line of JSON for each event, as in a pipe.")
    ] = False,
) -> None:
    """Show an agent's new calls as they come, and each call that changes its status or ends.

    It shows each event once, and runs until Ctrl-C. A call is followed until it is over, but no longer than --follow
    after its creation, and only among the latest 10,000 calls. A call that appears more than 5 minutes late is found
    only while an older call is followed. If no answer comes, tail keeps trying.

    A line of JSON holds "event" (earlier, new or changed), "previous_status" and "call".
    """
    seconds = bounded_duration(
        "--interval", interval, least=100 * _MILLISECOND, most=_DAY
    ).total_seconds()
    reach = bounded_duration("--follow", follow, least=timedelta(0), most=7 * _DAY)
    zone = chosen_zone(ctx)
    with connect(ctx) as client:
        as_lines = as_json or not sys.stdout.isatty()
        filters = options.chosen_filters(ctx) | {"is_test_call": is_test_call}
        check_asked(client, [agent], filters | {"status": status})  # which may have been mistyped
        follower = Follower(status=status, follow=reach)
        polls = Polls(client, agent, follower, filters=filters, zone=zone)
        try:
            news = polls.begin(earlier)
            write = json_writer(agent) if as_lines else terminal_writer(zone)
            while True:
                for event in news:
                    write(event)
                news = polls.next(seconds)
        except KeyboardInterrupt:
            # Ctrl-C is the normal end: no message.
            raise typer.Exit(Code.INTERRUPTED) from None
