"""`agentcalls export`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agentcalls import AgentCallsError, ConfigurationError
from agentcalls.cli import options
from agentcalls.cli.agents import check_span
from agentcalls.cli.connect import connect
from agentcalls.cli.failures import Code, Failure
from agentcalls.cli.show.output import say
from agentcalls.cli.show.progress_bar import progress_bar
from agentcalls.files import replaceable

if TYPE_CHECKING:
    from agentcalls.export import Filters, Outcome

EXAMPLES = (
    "agentcalls export agent_demo -o calls.parquet --since 30d",
    "agentcalls export agent_demo agent_2 -o calls.csv.gz --live --resume",
)

NAMES = "csv, ndjson, json, parquet, arrow, sqlite, duckdb"
"""Of the formats: help has no use for their modules."""

_MOST_REASONS = 10


def command(
    ctx: typer.Context,
    agents: Annotated[
        list[str] | None, typer.Argument(metavar="[AGENT...]", help="The agents' ids.")
    ] = None,
    *,
    output: Annotated[
        str,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="The file, its format by its ending: .csv, .ndjson, .jsonl and .json, with .gz or .zst or without, "
            '.parquet, .arrow, .feather, .sqlite, .db, .duckdb. "-" is stdout.',
            rich_help_panel=options.OUTPUT,
        ),
    ],
    agents_file: Annotated[
        str | None,
        typer.Option(metavar="FILE", help='More agents\' ids, one a line; "-" is stdin.'),
    ] = None,
    form: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="NAME",
            help=f"The format, whatever the ending: {NAMES}. On stdout ndjson, unless given.",
            rich_help_panel=options.OUTPUT,
        ),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Go on with this export where it was interrupted, if it was.",
            rich_help_panel=options.OUTPUT,
        ),
    ] = False,
    force: Annotated[
        bool,
        typer.Option(
            "--force",
            help="Replace the file if it is there, and what an interrupted export left.",
            rich_help_panel=options.OUTPUT,
        ),
    ] = False,
    status: options.Status = None,
    search: options.Search = None,
    test: options.Test = None,
    since: options.Since = None,
    until: options.Until = None,
    sort: options.Sort = None,
) -> None:
    """Write all calls of some agents to a file.

    The file is whole or not there. Every format has the agent's id first, then the fields of a call, times in UTC,
    and what the contract does not know as JSON. The exit code is 3 where it could not be proven that each call is
    there once, and stderr says why.
    """
    filters: Filters = {
        "status": status,
        "search": search,
        "is_test_call": test,
        "since": since,
        "until": until,
        "sort": sort,
    }
    if agents_file == "-" and ctx.obj["key_stdin"]:
        raise Failure("--agents-file - and --key-stdin both read stdin.", Code.USAGE)
    if output == "-" and (resume or force):
        raise Failure("--resume and --force are for a file, not for stdout.", Code.USAGE)
    names = [*(agents or ()), *_names_in(agents_file)]
    if not names:
        raise Failure("Name an agent, or a file of them with --agents-file.", Code.USAGE)
    if output == "-":
        from agentcalls.export import export_stream  # noqa: PLC0415  # help has no use for it

        with connect(ctx) as client, progress_bar(hidden=sys.stdout.isatty()) as tell:
            check_span(client.calls.list(names[0], **filters), since, until)
            stream = sys.stdout.buffer
            outcome = export_stream(
                client, names, stream, format=form or "ndjson", progress=tell, **filters
            )
            stream.flush()
    else:
        outcome = _to_file(ctx, names, output, form, filters, resume=resume, force=force)
    _conclude(outcome, "stdout" if output == "-" else output)


def _to_file(
    ctx: typer.Context,
    names: list[str],
    output: str,
    form: str | None,
    filters: "Filters",
    *,
    resume: bool,
    force: bool,
) -> "Outcome":
    from agentcalls.export import export  # noqa: PLC0415  # as above

    try:
        with connect(ctx) as client, progress_bar() as tell:
            check_span(
                client.calls.list(names[0], **filters), filters.get("since"), filters.get("until")
            )
            return export(
                client,
                names,
                output,
                format=form,
                resume=resume,
                force=force,
                progress=tell,
                **filters,
            )
    except (AgentCallsError, KeyboardInterrupt, OSError) as error:
        if not isinstance(error, ConfigurationError):
            left = Path(f"{replaceable(Path(output))}.partial")
            if left.is_dir():
                say(f"{left} has what was read so far: the same command with --resume goes on.")
        raise


def _names_in(path: str | None) -> list[str]:
    if path is None:
        return []
    data = sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
    try:
        text = data.decode("utf-8-sig")  # editors on Windows write a mark
    except UnicodeDecodeError as error:
        name = "stdin" if path == "-" else path
        raise Failure(f"{name} is no text in UTF-8.", Code.USAGE) from error
    return [name for line in text.splitlines() if (name := line.strip())]


def _conclude(outcome: "Outcome", output: str) -> None:
    agents = f" of {outcome.agents:,} agents" if outcome.agents > 1 else ""
    calls = "1 call" if outcome.calls == 1 else f"{outcome.calls:,} calls"
    say(f"Wrote {calls}{agents} to {output}.")
    if outcome.problems:
        say(
            f"Values that the contract does not allow, written as far as read: {outcome.problems:,}."
        )
    if outcome.complete:
        return
    reasons = [f"{agent}: {reason}" for agent, reason in outcome.incomplete.items()]
    for line in reasons[:_MOST_REASONS]:
        say(line)
    raise Failure(
        f"Not proven complete: {len(reasons):,} of {outcome.agents:,} listings.", Code.FAILED
    )
