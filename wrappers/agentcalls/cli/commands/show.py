"""`agentcalls show`."""

from typing import Annotated

import typer

from agentcalls.cli import options
from agentcalls.cli.connect import connect
from agentcalls.cli.show.conversation import row_of, write_conversation
from agentcalls.cli.show.output import Form, chosen_form, say, write_json
from agentcalls.cli.zone import chosen_zone

EXAMPLES = (
    "agentcalls show agent_one d4b01769-185a-43a0-a47a-2fa0a19cf156",
    "agentcalls show agent_one d4b01769-185a-43a0-a47a-2fa0a19cf156 --show-numbers --json",
)


def command(
    ctx: typer.Context,
    agent: options.Agent,
    call: Annotated[str, typer.Argument(metavar="CALL", help="The call's id.")],
    *,
    show_numbers: options.ShowNumbers = False,
    as_json: options.AsJson = False,
) -> None:
    """Show one call and its transcript.

    JSON has the call as the API sends it, with times in UTC, and with numbers masked, too.
    """
    form, zone = chosen_form(None, as_json=as_json), chosen_zone(ctx)
    with connect(ctx) as client:
        found = client.calls.get(agent, call, **options.chosen_filters(ctx))
    row = row_of(found, call, show_numbers=show_numbers)
    if form is Form.TABLE:
        write_conversation(row, zone)
    else:
        write_json(row)
    for problem in found.problems:
        say(f"{problem.field} {problem.why}.")
