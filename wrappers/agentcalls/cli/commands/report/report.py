"""`agentcalls report`."""

from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from agentcalls.cli import options
from agentcalls.cli.agents import AgentsCalls, check_asked, named_agents
from agentcalls.cli.commands.report.document import Scope, page_of
from agentcalls.cli.commands.report.numbers import Numbers
from agentcalls.cli.connect import connect
from agentcalls.cli.failures import Code, Failure
from agentcalls.cli.show.output import say
from agentcalls.cli.zone import chosen_zone
from agentcalls.described import quantity
from agentcalls.table.extras import need

if TYPE_CHECKING:
    from agentcalls import CallListing

EXAMPLES = (
    "agentcalls report agent_demo -o report.html --since 30d",
    "agentcalls report agent_demo agent_2 -o report.html --live --show-numbers",
)


_ENDINGS = {".html", ".htm"}


class By(StrEnum):
    """The values of `--by`."""

    AGENT = "agent"
    COUNTRY = "country"
    SOURCE = "source"


def command(
    ctx: typer.Context,
    *,
    output: Annotated[
        Path,
        options.output(
            "--output",
            "-o",
            metavar="FILE",
            help="The HTML file, which ends in .html. An existing file is replaced when the new one is complete.",
        ),
    ],
    by: Annotated[
        By,
        typer.Option(
            help="What the first table compares: agents, countries of the destination (needs the extra "
            '"country"), or sources.'
        ),
    ] = By.AGENT,
    compare: Annotated[
        bool,
        typer.Option(
            "--compare/--no-compare",
            help="With --since, also read the span before, as long, to compare with.",
        ),
    ] = True,
    show_numbers: Annotated[
        bool,
        options.output(
            "--show-numbers", help="Show full telephone numbers; by default they are masked."
        ),
    ] = False,
) -> None:
    """Write a report of agents' calls: one HTML file with charts, which needs no network.

    It holds counts, a table that shows which agent is bad, the span before for comparison, and a searchable table
    of the latest 1,000 failed calls. Test calls count unless --live leaves them out. The exit code is 3 if an agent
    could not be read, or if it could not be proven that each call was counted once; the page and stderr say why. It
    needs the extra "report".
    """
    from agentcalls.export import written_whole  # noqa: PLC0415  # help does not need it

    if output.suffix.lower() not in _ENDINGS:
        raise Failure(
            f"The report is HTML: name a file that ends in .html, not {output.name!r}.", Code.USAGE
        )
    for package in ("altair", "vl_convert", "jinja2"):
        need(package)
    zone = chosen_zone(ctx)
    names = named_agents(ctx)
    numbers = Numbers(zone, show_numbers, by.value)
    asked = options.chosen_filters(ctx)
    filters: dict[str, Any] = {**asked, "tz": zone.asked}
    with written_whole(output) as file:
        with connect(ctx) as client:
            names.read(client)
            check_asked(client, names, filters)
            if compare and "since" in asked:
                span = client.calls.list("*", **filters)
                numbers.start, filters["since"] = _spans(span, datetime.now(UTC))
            calls = AgentsCalls(client, names, filters, ctx.obj["concurrency"])
            for agent, call in calls:
                numbers.add(agent, call)
        said = {
            name: numbers.text(value) if name == "search" else value
            for name, value in asked.items()
        }
        if (test := said.pop("is_test_call", None)) is not None:
            said["calls"] = "test only" if test else "live only"
        scope = Scope(names.ids, said, datetime.now(UTC), calls.gaps)
        file.write(page_of(numbers, scope))
    say(f"Wrote {output}: {quantity(numbers.total.calls, 'call')}.")
    calls.check_complete()


def _spans(listing: "CallListing", now: datetime) -> tuple[datetime | None, datetime]:
    # When the span begins, and when the one before does, which is as long. There is none before the beginning of time,
    # and none before a span that is yet to come.
    moments = iter(listing).checkpoint
    since = cast("datetime", moments.since)
    try:
        before = since - ((moments.until or now) - since)
    except OverflowError:
        return None, since
    return (since, before) if before < since else (None, since)
