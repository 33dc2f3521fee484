"""The arguments and options that commands share."""

from typing import Annotated, Any, Literal

import typer

from agentcalls.settings import CONCURRENCY, MAX_CONCURRENCY

Agent = Annotated[str, typer.Argument(metavar="AGENT", help="The agent id.")]
Agents = Annotated[list[str] | None, typer.Argument(metavar="[AGENT...]", help="The agent ids.")]
AgentsFile = Annotated[
    str | None,
    typer.Option(
        "--agents-file",
        metavar="FILE",
        help='More agent ids, one per line; "#" starts a comment. "-" is stdin.',
    ),
]


def _concurrency(text: str) -> int | Literal["auto"]:
    if text == "auto":
        return "auto"
    if text.isdecimal() and 1 <= int(text) <= MAX_CONCURRENCY:
        return int(text)
    raise typer.BadParameter(f"{text!r} is neither a number from 1 to {MAX_CONCURRENCY} nor auto.")


Concurrency = Annotated[
    Any,
    typer.Option(
        "--concurrency",
        parser=_concurrency,
        metavar="N|auto",
        help=f"How many requests may be in flight at once, 1 to {MAX_CONCURRENCY}; {CONCURRENCY} by default. "
        "auto: as many as the server answers in time.",
    ),
]

SINCE = (
    "Calls created from then on: 24h or 7d ago (s, m, h, d, w), today, yesterday, 2026-11-23, or 2026-11-23T10:00. "
    "Days and times are those of this machine, of --tz, or of --utc, unless an offset is given."
)

FILTERS = "Filters"
OUTPUT = "Output"

Status = Annotated[
    str | None,
    typer.Option(
        "--status",
        metavar="STATUS",
        help="Only calls with this status: queued, ringing, answered, ended, busy, failed, cancelled, or another.",
        rich_help_panel=FILTERS,
    ),
]
Search = Annotated[
    str | None,
    typer.Option(
        metavar="TEXT", help="Free text that the server searches for.", rich_help_panel=FILTERS
    ),
]
Test = Annotated[
    bool | None,
    typer.Option(
        "--test/--live", help="Only test calls, or only live calls.", rich_help_panel=FILTERS
    ),
]
Since = Annotated[
    str | None,
    typer.Option(
        metavar="WHEN",
        help=SINCE,
        rich_help_panel=FILTERS,
    ),
]
Until = Annotated[
    str | None,
    typer.Option(
        metavar="WHEN",
        help="Calls created before this time; written like --since.",
        rich_help_panel=FILTERS,
    ),
]
Sort = Annotated[
    str | None,
    typer.Option(
        metavar="FIELD",
        help='The field to sort by; "-" in front means descending. Default: newest first, if the server sorts so.',
        rich_help_panel=FILTERS,
    ),
]
AsJson = Annotated[
    bool,
    typer.Option("--json", help="JSON with all fields, as in a pipe.", rich_help_panel=OUTPUT),
]
Utc = Annotated[
    bool,
    typer.Option(
        "--utc",
        help="Days and times in UTC, not in this machine's time zone.",
        rich_help_panel=OUTPUT,
    ),
]
Tz = Annotated[
    str | None,
    typer.Option(
        "--tz",
        metavar="ZONE",
        help="Days and times in this time zone, such as America/New_York.",
        rich_help_panel=OUTPUT,
    ),
]
