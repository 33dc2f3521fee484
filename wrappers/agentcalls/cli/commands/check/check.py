"""`agentcalls check`."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from agentcalls.cli import options
from agentcalls.cli.agents import naming
from agentcalls.cli.commands.check.failure_rate import CheckResult, FailureCount, Limits, percentage
from agentcalls.cli.connect import connect
from agentcalls.cli.failures import Code
from agentcalls.cli.newest import newest_first
from agentcalls.cli.show.output import printable, to_json

if TYPE_CHECKING:
    import agentcalls

EXAMPLES = (
    "agentcalls check agent_demo --max-failure-rate 20% --since 7d",
    "agentcalls check agent_demo agent_2 --max-failure-rate 20% --min-calls 5 --since 24h --json",
)

_FAILED = ("failed",)


def command(
    ctx: typer.Context,
    agents: options.Agents,
    *,
    max_failure_rate: Annotated[
        str, typer.Option(metavar="PERCENT", help="The largest share of failed calls that is fine.")
    ] = "5%",
    min_calls: Annotated[
        int, typer.Option(min=1, metavar="N", help="Fewer calls than these are not judged.")
    ] = 20,
    since: Annotated[
        str,
        typer.Option(
            metavar="WHEN",
            help="Calls created at or after: 24h or 7d ago (s, m, h, d, w), 2026-11-23, or ISO 8601 with an offset.",
        ),
    ] = "1h",
    failed_status: Annotated[
        list[str] | None,
        typer.Option(
            metavar="STATUS",
            help=f"A status that counts as failed, instead of {', '.join(_FAILED)}; may be given more than once.",
        ),
    ] = None,
    include_test: Annotated[
        bool, typer.Option("--include-test", help="Count test calls as well.")
    ] = False,
    as_json: Annotated[
        bool,
        typer.Option("--json", help="The numbers as JSON.", rich_help_panel=options.OUTPUT),
    ] = False,
) -> None:
    """Check that no more calls failed than is fine, in one line, for cron and monitors.

    Each agent is judged, and all together; the worst decides. The exit code is 0, or 3 where a rate
    is too high or it could not be proven that each call was counted. Too few calls to judge are fine.

    A call has failed whose status is failed: busy or cancelled is no failure of the system. Calls that
    are still under way do not count.
    """
    limits = Limits(percentage("--max-failure-rate", max_failure_rate), min_calls)
    with connect(ctx) as client:
        tallies = [
            _tally(
                client,
                agent,
                since=since,
                is_test_call=None if include_test else False,
                failed=failed_status or _FAILED,
            )
            for agent in dict.fromkeys(agents)
        ]
    outcome = CheckResult(tallies, limits, since)
    line = to_json(outcome.row()) if as_json else printable(outcome.line())
    sys.stdout.write(f"{line}\n")
    if outcome.verdict.is_alarm:
        sys.stdout.flush()
        raise typer.Exit(Code.FAILED)


def _tally(
    client: "agentcalls.Client",
    agent: str,
    *,
    since: str,
    is_test_call: bool | None,
    failed: list[str] | tuple[str, ...],
) -> FailureCount:
    tally = FailureCount(agent)
    with naming(agent):
        sort, _ = newest_first(client, agent, is_test_call=is_test_call)
        listing = client.calls.list(agent, sort=sort, is_test_call=is_test_call, since=since)
        tally.count(listing, failed)
    report = listing.report
    if not report.complete:
        tally.doubt = report.reason
    return tally
