"""`agentcalls export`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agentcalls import AgentCallsError, ConfigurationError
from agentcalls.cli import options
from agentcalls.cli.agents import Named, check_asked, conclude, named_agents
from agentcalls.cli.connect import connect
from agentcalls.cli.failures import Code, Failure
from agentcalls.cli.show.output import Form, data_stream, say
from agentcalls.cli.show.progress_bar import progress_bar
from agentcalls.cli.zone import chosen_zone
from agentcalls.described import quantity

if TYPE_CHECKING:
    from agentcalls.export import Outcome

EXAMPLES = (
    "agentcalls export agent_demo -o calls.parquet --since 30d",
    "agentcalls export agent_demo agent_2 -o calls.csv.gz --live --resume",
)

NAMES = "csv, ndjson, json, excel-csv, parquet, arrow, sqlite, duckdb, xlsx"
"""The names of the formats; help does not import their modules."""


def command(
    ctx: typer.Context,
    *,
    output: Annotated[
        str,
        options.output(
            "--output",
            "-o",
            metavar="FILE",
            help="The file. Its ending sets the format: .csv, .ndjson, .jsonl or .json, each also with .gz or .zst; "
            '.parquet, .arrow, .feather, .sqlite, .db, .duckdb or .xlsx. "-" is stdout.',
        ),
    ],
    form: Annotated[
        str | None,
        options.output(
            "--format",
            metavar="NAME",
            help=f"The format, whatever the ending: {NAMES}. Default on stdout: ndjson.",
        ),
    ] = None,
    excel: Annotated[
        bool,
        options.output(
            "--excel",
            help="CSV with a byte order mark, so that Excel reads it as UTF-8. .xlsx keeps phone numbers, too.",
        ),
    ] = False,
    resume: Annotated[
        bool, options.output("--resume", help="Continue this export if it was interrupted.")
    ] = False,
    force: Annotated[
        bool,
        options.output(
            "--force",
            help="Replace an existing file. Without --resume, discard an interrupted export.",
        ),
    ] = False,
    keep_going: Annotated[
        bool,
        options.output(
            "--keep-going",
            help="If agents fail, write all other calls, name these agents, and exit with 3.",
        ),
    ] = False,
) -> None:
    """Write all calls of some agents to a file.

    The file is complete or absent. Every format has the agent's id first, then the fields of a call, with times in UTC,
    and unknown fields as JSON. The exit code is 3 if it could not be proven that each call is there once; stderr says
    why. If an agent fails, there is no file, unless --keep-going is given.
    """
    filters: dict[str, Any] = {**options.chosen_filters(ctx), "tz": chosen_zone(ctx).asked}
    if output == "-" and (resume or force):
        raise Failure("--resume and --force are for a file, not for stdout.", Code.USAGE)
    if excel:
        lowered = output.lower().removesuffix(".gz").removesuffix(".zst")
        if form not in {None, "csv"} or not (form or lowered.endswith(".csv")):
            raise Failure("--excel is for CSV: name a file that ends in .csv.", Code.USAGE)
        form = "excel-csv"
    names = named_agents(ctx)
    how: dict[str, Any] = {
        "format": form,
        "keep_going": keep_going,
        "concurrency": ctx.obj["concurrency"],
    }
    if output == "-":
        from agentcalls.export import export_stream  # noqa: PLC0415  # help does not need it

        with connect(ctx) as client, progress_bar(hidden=sys.stdout.isatty()) as tell:
            names.read(client)
            check_asked(client, names, filters)
            how["format"] = form or "ndjson"
            stream = data_stream(Form.CSV if form in {"csv", "excel-csv"} else Form.JSON)
            outcome = export_stream(client, names, stream, progress=tell, **how, **filters)
            sys.stdout.flush()
    else:
        outcome = _to_file(ctx, names, output, filters, {**how, "resume": resume, "force": force})
    _conclude(outcome, names, "stdout" if output == "-" else output)


def _to_file(
    ctx: typer.Context, names: Named, output: str, filters: dict[str, Any], how: dict[str, Any]
) -> "Outcome":
    from agentcalls.export import export, folder_of  # noqa: PLC0415  # as above

    try:
        with connect(ctx) as client, progress_bar() as tell:
            names.read(client)
            check_asked(client, names, filters)
            return export(client, names, output, progress=tell, **how, **filters)
    except (AgentCallsError, KeyboardInterrupt, OSError) as error:
        if not isinstance(error, ConfigurationError):
            left = folder_of(Path(output))
            if left.is_dir():
                say(
                    f"{left} keeps the calls that were read: the same command with --resume continues."
                )
        raise


def _conclude(outcome: "Outcome", names: Named, output: str) -> None:
    whole = outcome.agents - len(outcome.failures)
    agents = f" of {quantity(whole, 'agent')}" if outcome.agents > 1 else ""
    calls = quantity(outcome.calls, "call")
    if outcome.already:
        say(f"{output} was complete already, with {calls}{agents}. --force reads them again.")
    else:
        say(f"Wrote {calls}{agents} to {output}.")
    if outcome.problems:
        say(
            f"Values that the contract does not allow, written as far as possible: {outcome.problems:,}."
        )
    failures = {agent: failure.message for agent, failure in outcome.failures.items()}
    conclude(failures, outcome.incomplete, names)
