"""`agentcalls check`."""

import sys
from typing import Annotated

import typer

from agentcalls.cli import options
from agentcalls.cli.agents import AgentsCalls, check_asked, named_agents
from agentcalls.cli.commands.check.failure_rate import CheckResult, FailureCount, Limits, percentage
from agentcalls.cli.connect import connect
from agentcalls.cli.failures import Code
from agentcalls.cli.show.output import printable, say, write_json
from agentcalls.cli.zone import chosen_zone

EXAMPLES = (
    "agentcalls check agent_demo --max-failure-rate 20% --since 7d",
    "agentcalls check agent_demo agent_2 --max-failure-rate 20% --min-calls 5 --since 24h --json",
)

_FAILED = ("failed",)


def command(
    ctx: typer.Context,
    agents: options.Agents = None,
    *,
    agents_file: options.AgentsFile = None,
    concurrency: options.Concurrency = None,
    max_failure_rate: Annotated[
        str, typer.Option(metavar="PERCENT", help="The largest allowed share of failed calls.")
    ] = "5%",
    min_calls: Annotated[
        int, typer.Option(min=1, metavar="N", help="Do not judge fewer calls than this.")
    ] = 20,
    since: Annotated[
        str,
        typer.Option(
            metavar="WHEN",
            help=options.SINCE,
        ),
    ] = "1h",
    failed_status: Annotated[
        list[str] | None,
        typer.Option(
            metavar="STATUS",
            help=f"Count this status as failed, instead of {', '.join(_FAILED)}; may be repeated.",
        ),
    ] = None,
    include_test: Annotated[
        bool, typer.Option("--include-test", help="Count test calls, too.")
    ] = False,
    as_json: Annotated[
        bool,
        typer.Option("--json", help="The numbers as JSON.", rich_help_panel=options.OUTPUT),
    ] = False,
    utc: options.Utc = False,
    tz: options.Tz = None,
) -> None:
    """Check that not too many calls failed, and print one line, for cron and monitors.

    Each agent is checked alone, and all agents together; the worst result counts. The exit code is 3 if a rate is too
    high, an agent could not be read, or it could not be proven that each call was counted. Otherwise it is 0, also with
    too few calls to judge.

    A call has failed if its status is failed. Busy and cancelled calls are not failures of the system. Unfinished calls
    do not count.
    """
    limits = Limits(percentage("--max-failure-rate", max_failure_rate), min_calls)
    zone = chosen_zone(tz, utc=utc)
    names = named_agents(ctx, agents, agents_file)
    is_test_call = None if include_test else False
    with connect(ctx) as client:
        names.read(client)
        counts = {name: FailureCount(name) for name in names}
        filters = {"is_test_call": is_test_call, "since": since, "tz": zone.asked}
        check_asked(client, names, filters)
        calls = AgentsCalls(client, names, filters, concurrency)
        for agent, call in calls:
            counts[agent].count(call, failed_status or _FAILED)
    for agent, count in counts.items():
        count.doubt, count.error = calls.doubts.get(agent), calls.failures.get(agent)
    outcome = CheckResult(list(counts.values()), limits, since)
    if as_json:
        write_json(outcome.row())
    else:
        sys.stdout.write(f"{printable(outcome.line())}\n")
    sys.stdout.flush()
    if names.doubt:
        say(names.doubt)
    if outcome.verdict.is_alarm or names.doubt:
        raise typer.Exit(Code.FAILED)
