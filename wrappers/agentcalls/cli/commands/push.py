"""`agentcalls push`."""

from typing import Annotated, Any

import typer

from agentcalls.cli.failures import Code, Failure
from agentcalls.cli.show.output import say
from agentcalls.described import quantity

EXAMPLES = (
    "agentcalls push calls.duckdb --to dlt:duckdb",
    "agentcalls push calls.duckdb --to dlt:duckdb --dataset raw_calls",
)

_SCHEME = "dlt:"


def command(
    file: Annotated[
        str, typer.Argument(metavar="COPY", help="The database that agentcalls sync keeps.")
    ],
    *,
    to: Annotated[
        str,
        typer.Option(
            metavar="dlt:DESTINATION",
            help="A destination of dlt, such as dlt:postgres, dlt:bigquery or dlt:snowflake. dlt finds the credentials "
            "in its own variables and files, such as DESTINATION__POSTGRES__CREDENTIALS.",
        ),
    ],
    dataset: Annotated[
        str, typer.Option(metavar="NAME", help="The schema, or what the destination has instead.")
    ] = "agentcalls",
    table_format: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="The format of the table in dlt:filesystem, such as delta."
        ),
    ] = None,
    full: Annotated[
        bool,
        typer.Option("--full", help="Push all calls again, for a destination that has lost some."),
    ] = False,
) -> None:
    """Load what changed in a copy into a warehouse, with dlt.

    The table calls of the dataset is merged by agent_id and id; it has the columns of the copy, deleted_at too. A push
    that was killed is repeated by the next one, and a repeated push changes nothing.
    """
    from agentcalls.mirror import InUseError  # noqa: PLC0415  # help does not need it

    name = destination_of("--to", to)
    try:
        hand_on(file, name, dataset=dataset, table_format=table_format, full=full)
    except InUseError as error:
        raise Failure(str(error)) from error


def destination_of(option: str, to: str) -> str:
    """The name that dlt has for a destination; raises `Failure` for a text that is not `dlt:NAME`."""
    name = to.removeprefix(_SCHEME)
    if not to.startswith(_SCHEME) or not name:
        raise Failure(
            f"{option} takes dlt: and a destination of dlt, such as dlt:postgres; not {to!r}.",
            Code.USAGE,
        )
    return name


def hand_on(file: str, destination: str, **options: Any) -> None:
    """Push, and say what came of it."""
    from agentcalls.mirror import push  # noqa: PLC0415  # as above

    pushed = push(file, destination, **options)
    calls = quantity(pushed.rows, "call")
    say(
        f"Pushed {calls} of {file} to {_SCHEME}{destination}."
        if pushed.rows
        else f"Nothing in {file} is new to {_SCHEME}{destination}."
    )
