"""`agentcalls show`."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from agentcalls.cli import options
from agentcalls.cli.connect import connect
from agentcalls.cli.failures import Code, Failure
from agentcalls.cli.show.conversation import write_conversation
from agentcalls.cli.show.masking import masked, without_numbers_within
from agentcalls.cli.show.output import Form, chosen_form, say, write_json
from agentcalls.cli.zone import chosen_zone

if TYPE_CHECKING:
    from agentcalls import CallDetail

EXAMPLES = (
    "agentcalls show agent_one d4b01769-185a-43a0-a47a-2fa0a19cf156",
    "agentcalls show agent_one d4b01769-185a-43a0-a47a-2fa0a19cf156 --show-numbers --json",
)


def command(
    ctx: typer.Context,
    agent: options.Agent,
    call: Annotated[str, typer.Argument(metavar="CALL", help="The call's id.")],
    *,
    show_numbers: Annotated[
        bool,
        typer.Option(
            "--show-numbers",
            help="Show full telephone numbers; by default they are masked, also in what was said.",
            rich_help_panel=options.OUTPUT,
        ),
    ] = False,
    as_json: options.AsJson = False,
    utc: options.Utc = False,
    tz: options.Tz = None,
) -> None:
    """Show one call and its transcript.

    JSON has the call as the API sends it, with times in UTC, and with numbers masked, too.
    """
    form, zone = chosen_form(None, as_json=as_json), chosen_zone(tz, utc=utc)
    with connect(ctx) as client:
        found = client.calls.get(agent, call)
    if found.id not in {None, call}:
        raise Failure(f"The server answered with another call: {found.id}.", Code.SERVER)
    row = _row(found) if show_numbers else _without_numbers(_row(found))
    if form is Form.TABLE:
        write_conversation(row, zone)
    else:
        write_json(row)
    for problem in found.problems:
        say(f"{problem.field} {problem.why}.")


def _row(call: "CallDetail") -> dict[str, Any]:
    return {"agent_id": call.agent_id, **call.to_dict()}


# They look like numbers.
_IDS = {"agent_id", "id", "url"}
_MOMENTS = {"created_on", "created_at", "ringing_at", "ended_at", "started_at", "answered_at"}


def _without_numbers(row: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = without_numbers_within(row, _IDS | _MOMENTS)
    for name in ("source", "destination"):
        if isinstance(row[name], str):
            found[name] = masked(row[name])
    return found
