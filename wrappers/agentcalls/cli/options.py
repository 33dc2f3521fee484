"""The arguments and options that commands share."""

from typing import Annotated

import typer

Agent = Annotated[str, typer.Argument(metavar="AGENT", help="The agent's id.")]
Agents = Annotated[list[str] | None, typer.Argument(metavar="[AGENT...]", help="The agents' ids.")]
AgentsFile = Annotated[
    str | None,
    typer.Option(
        "--agents-file",
        metavar="FILE",
        help='More agents\' ids, one a line; "#" begins a comment. "-" is stdin.',
    ),
]
Concurrency = Annotated[
    int | None,
    typer.Option(
        "--concurrency",
        min=1,
        max=64,
        metavar="N",
        help="How many requests may be under way at once, 1 to 64; 8 where left out.",
    ),
]

FILTERS = "Filters"
OUTPUT = "Output"

Status = Annotated[
    str | None,
    typer.Option(
        "--status",
        metavar="STATUS",
        help="Calls of this status only: queued, ringing, answered, ended, busy, failed, cancelled, or another.",
        rich_help_panel=FILTERS,
    ),
]
Search = Annotated[
    str | None,
    typer.Option(
        metavar="TEXT", help="What the server looks for in the calls.", rich_help_panel=FILTERS
    ),
]
Test = Annotated[
    bool | None,
    typer.Option(
        "--test/--live", help="Test calls only, or live ones only.", rich_help_panel=FILTERS
    ),
]
Since = Annotated[
    str | None,
    typer.Option(
        metavar="WHEN",
        help="Calls created at or after: 24h or 7d ago (s, m, h, d, w), 2026-11-23, or ISO 8601 with an offset.",
        rich_help_panel=FILTERS,
    ),
]
Until = Annotated[
    str | None,
    typer.Option(metavar="WHEN", help="Calls created before; as --since.", rich_help_panel=FILTERS),
]
Sort = Annotated[
    str | None,
    typer.Option(
        metavar="FIELD",
        help='The field to sort by, "-" in front for descending; the server\'s own order where left out.',
        rich_help_panel=FILTERS,
    ),
]
AsJson = Annotated[
    bool,
    typer.Option("--json", help="JSON with all fields, as pipes get.", rich_help_panel=OUTPUT),
]
Utc = Annotated[
    bool,
    typer.Option(
        "--utc", help="Times of a table in UTC, not in this machine's zone.", rich_help_panel=OUTPUT
    ),
]
