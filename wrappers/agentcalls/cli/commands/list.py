"""`agentcalls list`."""

import sys
from typing import Annotated

import typer

from agentcalls.cli import options
from agentcalls.cli.connect import connect
from agentcalls.cli.failures import Code, Failure
from agentcalls.cli.show.cells import checked_fields, table_columns
from agentcalls.cli.show.output import Counted, Form, chosen_form, say, write_calls
from agentcalls.cli.show.table import write_table
from agentcalls.cli.zone import chosen_zone
from agentcalls.described import quantity

EXAMPLES = (
    "agentcalls list agent_demo --status failed --since 7d",
    "agentcalls list agent_demo --live --all --fields created_on,destination,status --format csv",
)

_LIMIT = 50


def command(
    ctx: typer.Context,
    agent: options.Agent,
    *,
    limit: Annotated[
        int | None, options.output(min=1, metavar="N", help=f"How many calls; {_LIMIT} by default.")
    ] = None,
    every: Annotated[bool, options.output("--all", help="All calls.")] = False,
    only: Annotated[
        str | None,
        options.output(
            "--fields",
            metavar="NAME,...",
            help="Only these fields, by their JSON names; a wrong name lists all names.",
        ),
    ] = None,
    form: options.Format = None,
    as_json: options.AsJson = False,
) -> None:
    """List an agent's calls.

    JSON, NDJSON and CSV have times in UTC. With --all, the exit code is 3 if it could not be proven that each call was
    listed once; stderr says why.
    """
    if every and limit:
        raise Failure("--all and --limit contradict each other.", Code.USAGE)
    wanted = checked_fields(only)
    zone = chosen_zone(ctx)
    form = chosen_form(form, as_json=as_json)
    most = None if every else limit or _LIMIT
    filters = options.chosen_filters(ctx)
    with connect(ctx) as client:
        listing = client.calls.list(agent, **filters, tz=zone.asked, max_items=most)
        calls = Counted(listing)
        if form is Form.TABLE:
            write_table(calls, lambda width: table_columns(wanted, width, zone))
        else:
            write_calls(agent, calls, form, wanted)
        report = listing.report
    sys.stdout.flush()
    # The server's total ignores --since and --until.
    total = None if filters.keys() & {"since", "until"} else report.total_count_last
    say(_summary(calls.count, total, most))
    if every and not report.complete:
        raise Failure(f"Not proven complete: {report.reason}", Code.FAILED)


def _summary(shown: int, total: int | None, most: int | None) -> str:
    if total is not None:
        return f"Showing {shown:,} of {quantity(total, 'call')}."
    if shown == most:
        return f"Showing the first {quantity(shown, 'call')}: --all shows every one."
    return f"Showing {quantity(shown, 'call')}."
