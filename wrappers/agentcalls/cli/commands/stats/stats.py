"""`agentcalls stats`."""

import sys
from datetime import UTC
from typing import Annotated

import typer

from agentcalls.cli import options
from agentcalls.cli.agents import AgentsCalls, named_agents
from agentcalls.cli.commands.stats.bars import write_bars
from agentcalls.cli.connect import connect
from agentcalls.cli.groups import By
from agentcalls.cli.show.output import Form, Row, chosen_form, show, write_json, write_rows
from agentcalls.cli.show.units import clock, percent, tenths
from agentcalls.cli.summary import Summary
from agentcalls.cli.zone import Zone, chosen_zone
from agentcalls.described import quantity

EXAMPLES = (
    "agentcalls stats agent_demo --since 7d --by day",
    "agentcalls stats agent_demo agent_2 --live --by error_reason --status failed --json",
)


def command(
    ctx: typer.Context,
    *,
    by: Annotated[
        By,
        typer.Option(
            help="How to group the calls; day and hour are those of created_on, country is that of the destination "
            'and needs the extra "country".'
        ),
    ] = By.STATUS,
    form: Annotated[
        Form | None,
        options.output(
            "--format",
            help="Default: a table on a terminal, otherwise JSON. CSV and NDJSON have only the groups.",
        ),
    ] = None,
    as_json: Annotated[bool, options.output("--json", help="JSON, as in a pipe.")] = False,
) -> None:
    """Count the calls of agents, and show how many were answered, how long they lasted, and when they rang.

    Test calls count unless --live leaves them out. A call is answered if its status is answered or ended, and failed if
    its status is failed. The rates do not include calls that are queued or ringing. The ringing time is the time from
    created_on to ringing_at, when the other side rang. The exit code is 3 if an agent could not be read, or if it could
    not be proven that each call was counted once; stderr says why. If some calls of such an agent were read, they
    count.
    """
    form = chosen_form(form, as_json=as_json)
    zone = chosen_zone(ctx)
    summary = Summary(by.value, zone)
    names = named_agents(ctx)
    with connect(ctx) as client:
        names.read(client)
        filters = options.chosen_filters(ctx) | {"tz": zone.asked}
        calls = AgentsCalls(client, names, filters, ctx.obj["concurrency"])
        for _, call in calls:
            summary.add(call)
    rows, other = summary.rows(), summary.other()
    if form is Form.TABLE:
        _write_headline(summary)
        write_bars(by.value, rows, other)
    elif form is Form.JSON:
        write_json(_document(summary, calls) | {"groups": rows, "other": other})
    else:
        write_rows(
            [*rows, *([{by.value: "(other)"} | other] if other else [])], form, tuple(_columns(by))
        )
    sys.stdout.flush()
    calls.check_complete()


def _document(summary: Summary, calls: AgentsCalls) -> Row:
    total = summary.total()
    return {
        "agents": calls.agents.ids,
        "filters": {name: value for name, value in calls.filters.items() if name != "tz"},
        "first_created_on": summary.first,
        "last_created_on": summary.last,
        "time_zone": summary.zone.name(summary.last) if summary.last else None,
        "complete": not calls.gaps,
        "incomplete_reason": " ".join(calls.gaps) or None,
        "failures": calls.failures,
        "total": total.row(total.calls),
        "by": summary.by,
    }


def _columns(by: By) -> Row:
    return {by.value: None} | Summary(by.value, Zone(UTC)).total().row(0)


def _write_headline(summary: Summary) -> None:
    total = summary.total()
    row = total.row(total.calls)
    span = ""
    if summary.first and summary.last:
        first, last = (summary.zone.of(moment) for moment in (summary.first, summary.last))
        span = (
            f", created {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M}, {summary.zone.name(last)}"
        )
    lines = [f"{quantity(total.calls, 'call')}{span}"]
    if total.decided:
        rates = f"{percent(row['answer_rate'])}, failed {percent(row['failure_rate'])}"
        lines.append(f"answered {rates} of {total.decided:,} that are neither queued nor ringing")
    if row["duration_calls"]:
        median, p95 = row["duration_median_seconds"], row["duration_p95_seconds"]
        lines.append(f"lasted {clock(median)} (median), {clock(p95)} (p95)")
    if row["ringing_calls"]:
        median, p95 = row["ringing_median_seconds"], row["ringing_p95_seconds"]
        lines.append(f"time to ring {tenths(median)} (median), {tenths(p95)} (p95)")
    if total.tests:
        lines.append(f"{total.tests:,} are test calls: --live leaves them out")
    show(*lines, "")
