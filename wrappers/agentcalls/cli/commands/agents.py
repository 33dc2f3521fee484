"""`agentcalls agents`."""

import sys
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer
from attrs import fields

from agentcalls.checks import did_you_mean
from agentcalls.cli import options
from agentcalls.cli.connect import connect
from agentcalls.cli.failures import Code, Failure
from agentcalls.cli.show.cells import local
from agentcalls.cli.show.output import Form, Row, chosen_form, say, write_rows
from agentcalls.cli.show.table import TableColumn, write_table
from agentcalls.cli.zone import Zone, chosen_zone
from agentcalls.described import quantity, timestamp
from agentcalls.settings import AGENT_STATUSES

if TYPE_CHECKING:
    from agentcalls import Agent

EXAMPLES = (
    "agentcalls agents --status live",
    "agentcalls agents --search desk --json",
)

_ROOMY, _WIDE = 80, 120


def command(
    ctx: typer.Context,
    *,
    status: Annotated[
        str | None,
        options.filtering(
            "--status",
            metavar="STATUS",
            help="Only agents with this status: live, paused, development, or another.",
        ),
    ] = None,
    search: options.Search = None,
    sort: options.Sort = None,
    form: options.Format = None,
    as_json: options.AsJson = False,
) -> None:
    """List the agents of your team.

    The exit code is 3 if it could not be proven that each agent was listed once; stderr says why.
    """
    form, zone = chosen_form(form, as_json=as_json), chosen_zone(ctx)
    with connect(ctx) as client:
        listing = client.agents.list(search=search, sort=sort, **options.chosen_filters(ctx))
        agents = listing.all()
    shown = [agent for agent in agents if status in {None, agent.status}]
    if form is Form.TABLE:
        write_table(shown, lambda width: _columns(width, zone))
    else:
        write_rows([_row(agent) for agent in shown], form, _names())
    sys.stdout.flush()
    say(f"Showing {len(shown):,} of {quantity(len(agents), 'agent')}.")
    if status is not None and not shown:
        found = {agent.status for agent in agents if agent.status}
        if meant := did_you_mean(status, {*AGENT_STATUSES, *found}):
            say(f"No agent has the status {status!r}.{meant}")
    if not listing.report.complete:
        raise Failure(f"Not proven complete: {listing.report.reason}", Code.FAILED)


def _columns(width: int, zone: Zone) -> list[TableColumn["Agent"]]:
    # An id is never cut: it is what other commands take.
    is_wide = width >= _WIDE
    columns: list[tuple[int, TableColumn[Agent]]] = [
        (0, TableColumn("ID", lambda agent: _text(agent.id))),
        (0, TableColumn("NAME", lambda agent: _text(agent.name), is_elastic=not is_wide)),
        (0, TableColumn("STATUS", lambda agent: _text(agent.status))),
        (_ROOMY, TableColumn("LANGUAGE", lambda agent: _text(agent.language))),
        (
            _ROOMY,
            TableColumn("CREATED", lambda agent: local(agent.created_at, zone=zone, seconds=False)),
        ),
        (
            _WIDE,
            TableColumn("DESCRIPTION", lambda agent: _text(agent.description), is_elastic=True),
        ),
    ]
    return [column for least, column in columns if width >= least]


def _text(value: object) -> str:
    return str(value or "")


def _names() -> tuple[str, ...]:
    from agentcalls import Agent  # noqa: PLC0415  # help does not need it

    # The unknown fields come last.
    return tuple(field.name for field in fields(Agent))


def _row(agent: "Agent") -> Row:
    values = {name: getattr(agent, name) for name in _names()}
    return {
        name: timestamp(value) if isinstance(value, datetime) else value
        for name, value in values.items()
    }
