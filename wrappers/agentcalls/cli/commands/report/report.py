"""`agentcalls report`."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from agentcalls.cli import options
from agentcalls.cli.agents import AgentsCalls, named_agents
from agentcalls.cli.commands.report.document import Scope, page_of
from agentcalls.cli.commands.report.numbers import Numbers
from agentcalls.cli.connect import connect
from agentcalls.cli.show.output import say
from agentcalls.cli.zone import chosen_zone
from agentcalls.table.extras import need

EXAMPLES = (
    "agentcalls report agent_demo -o report.html --since 30d",
    "agentcalls report agent_demo agent_2 -o report.html --live --show-numbers",
)


def command(
    ctx: typer.Context,
    agents: options.Agents = None,
    *,
    agents_file: options.AgentsFile = None,
    concurrency: options.Concurrency = None,
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="The HTML file. An existing file is replaced when the new one is complete.",
            rich_help_panel=options.OUTPUT,
        ),
    ],
    status: options.Status = None,
    search: options.Search = None,
    test: options.Test = None,
    since: options.Since = None,
    until: options.Until = None,
    show_numbers: Annotated[
        bool,
        typer.Option(
            "--show-numbers",
            help="Show full telephone numbers; by default they are masked.",
            rich_help_panel=options.OUTPUT,
        ),
    ] = False,
    utc: options.Utc = False,
    tz: options.Tz = None,
) -> None:
    """Write a report of agents' calls: one HTML file with charts, which needs no network.

    It holds counts, and a searchable table of the latest 1,000 failed calls. Test calls count unless --live leaves them
    out. The exit code is 3 if an agent could not be read, or if it could not be proven that each call was counted once;
    the page and stderr say why. It needs the extra "report".
    """
    from agentcalls.export import written_whole  # noqa: PLC0415  # help does not need it

    for package in ("altair", "vl_convert", "jinja2"):
        need(package)
    zone = chosen_zone(tz, utc=utc)
    names = named_agents(ctx, agents, agents_file)
    numbers = Numbers(zone, show_numbers)
    filters = {
        "status": status,
        "search": search,
        "is_test_call": test,
        "since": since,
        "until": until,
        "tz": zone.asked,
    }
    with written_whole(output) as file:
        with connect(ctx) as client:
            names.read(client)
            calls = AgentsCalls(client, names, filters, concurrency)
            for agent, call in calls:
                numbers.add(agent, call)
        asked = {"status": status, "search": numbers.text(search), "since": since, "until": until}
        said = {name: value for name, value in asked.items() if value}
        if test is not None:
            said["calls"] = "test only" if test else "live only"
        scope = Scope(names, said, datetime.now(UTC), calls.gaps)
        file.write(page_of(numbers, scope))
    say(f"Wrote {output}: {numbers.total.calls:,} calls.")
    calls.check_complete()
