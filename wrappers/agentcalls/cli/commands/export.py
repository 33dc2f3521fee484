"""`agentcalls export`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agentcalls import AgentCallsError, ConfigurationError
from agentcalls.cli import options
from agentcalls.cli.agents import check_asked, conclude, named_agents
from agentcalls.cli.connect import connect
from agentcalls.cli.failures import Code, Failure
from agentcalls.cli.show.output import say
from agentcalls.cli.show.progress_bar import progress_bar

if TYPE_CHECKING:
    from agentcalls.export import Filters, Outcome

EXAMPLES = (
    "agentcalls export agent_demo -o calls.parquet --since 30d",
    "agentcalls export agent_demo agent_2 -o calls.csv.gz --live --resume",
)

NAMES = "csv, ndjson, json, parquet, arrow, sqlite, duckdb"
"""Of the formats: help has no use for their modules."""


def command(
    ctx: typer.Context,
    agents: options.Agents = None,
    *,
    agents_file: options.AgentsFile = None,
    concurrency: options.Concurrency = None,
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
    keep_going: Annotated[
        bool,
        typer.Option(
            "--keep-going",
            help="Write what there is where agents fail, name them, and exit with 3.",
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
    there once, and stderr says why. An agent that fails costs the file, unless --keep-going is given.
    """
    filters: Filters = {
        "status": status,
        "search": search,
        "is_test_call": test,
        "since": since,
        "until": until,
        "sort": sort,
    }
    if output == "-" and (resume or force):
        raise Failure("--resume and --force are for a file, not for stdout.", Code.USAGE)
    names = named_agents(ctx, agents, agents_file)
    how: dict[str, Any] = {"format": form, "keep_going": keep_going, "concurrency": concurrency}
    if output == "-":
        from agentcalls.export import export_stream  # noqa: PLC0415  # help has no use for it

        with connect(ctx) as client, progress_bar(hidden=sys.stdout.isatty()) as tell:
            check_asked(client, names, filters)
            stream = sys.stdout.buffer
            how["format"] = form or "ndjson"
            outcome = export_stream(client, names, stream, progress=tell, **how, **filters)
            stream.flush()
    else:
        outcome = _to_file(ctx, names, output, filters, {**how, "resume": resume, "force": force})
    _conclude(outcome, "stdout" if output == "-" else output)


def _to_file(
    ctx: typer.Context, names: list[str], output: str, filters: "Filters", how: dict[str, Any]
) -> "Outcome":
    from agentcalls.export import export, folder_of  # noqa: PLC0415  # as above

    try:
        with connect(ctx) as client, progress_bar() as tell:
            check_asked(client, names, filters)
            return export(client, names, output, progress=tell, **how, **filters)
    except (AgentCallsError, KeyboardInterrupt, OSError) as error:
        if not isinstance(error, ConfigurationError):
            left = folder_of(Path(output))
            if left.is_dir():
                say(f"{left} has what was read so far: the same command with --resume goes on.")
        raise


def _conclude(outcome: "Outcome", output: str) -> None:
    agents = f" of {outcome.agents:,} agents" if outcome.agents > 1 else ""
    calls = "1 call" if outcome.calls == 1 else f"{outcome.calls:,} calls"
    say(f"Wrote {calls}{agents} to {output}.")
    if outcome.problems:
        say(
            f"Values that the contract does not allow, written as far as read: {outcome.problems:,}."
        )
    failures = {agent: failure.message for agent, failure in outcome.failures.items()}
    conclude(failures, outcome.incomplete, outcome.agents)
