"""`agentcalls check`."""

import sys
from collections.abc import Callable
from enum import StrEnum
from typing import Annotated

import typer

from agentcalls import AgentCallsError
from agentcalls.cli import options
from agentcalls.cli.agents import AgentsCalls, check_asked, named_agents
from agentcalls.cli.amounts import percentage
from agentcalls.cli.commands.check.failure_rate import CheckResult, FailureCount, Limits
from agentcalls.cli.commands.check.monitors import Plugin, nagios_line, prometheus_text, state_of
from agentcalls.cli.connect import connect
from agentcalls.cli.failures import Code, Failure, sentence_of
from agentcalls.cli.show.output import printable, wrapped, write_json
from agentcalls.cli.zone import chosen_zone

EXAMPLES = (
    "agentcalls check agent_demo --max-failure-rate 20% --since 7d",
    "agentcalls check agent_demo agent_2 --max-failure-rate 20% --min-calls 5 --since 24h --format prometheus",
)

_FAILED = ("failed",)


class Form(StrEnum):
    """The values of `--format`."""

    TEXT = "text"
    JSON = "json"
    NAGIOS = "nagios"
    PROMETHEUS = "prometheus"


def command(
    ctx: typer.Context,
    *,
    max_failure_rate: Annotated[
        str, typer.Option(metavar="PERCENT", help="The largest allowed share of failed calls.")
    ] = "5%",
    min_calls: Annotated[
        int, typer.Option(min=1, metavar="N", help="Do not judge fewer calls than this.")
    ] = 20,
    since: Annotated[str, typer.Option(metavar="WHEN", help=options.SINCE)] = "1h",
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
    as_json: Annotated[bool, options.output("--json", help="The numbers as JSON.")] = False,
    form: Annotated[
        Form | None,
        options.output(
            "--format",
            help="A line, the numbers as JSON, the line and exit code of a Nagios plugin, or Prometheus' text format.",
        ),
    ] = None,
) -> None:
    """Check that not too many calls failed, and print one line, for cron and monitors.

    Each agent is checked alone, and all agents together; the worst result counts. The exit code is 9 if a rate is too
    high, and 3 if an agent could not be read, or if it could not be proven that each call was counted. Otherwise it is
    0, also with too few calls to judge. The line names twelve agents at most, the worst first; --json has all.

    With --format nagios, the exit codes are those of a plugin: 2 if a rate is too high, and 3 for anything that keeps
    the calls from being counted.

    A call has failed if its status is failed. Busy and cancelled calls are not failures of the system. Unfinished calls
    do not count.
    """
    form = _chosen(form, as_json=as_json)

    def checked() -> CheckResult:
        limits = Limits(percentage("--max-failure-rate", max_failure_rate), min_calls)
        zone = chosen_zone(ctx)
        names = named_agents(ctx)
        with connect(ctx) as client:
            names.read(client)
            counts = {name: FailureCount(name) for name in names.ids}
            is_test_call = None if include_test else False
            filters = {
                **options.chosen_filters(ctx),
                "is_test_call": is_test_call,
                "since": since,
                "tz": zone.asked,
            }
            for status in failed_status or ():
                # A word that is close to a status would never count, and the check would stay green.
                check_asked(client, [], {**filters, "status": status})
            calls = AgentsCalls(client, names, filters, ctx.obj["concurrency"])
            for agent, call in calls:
                counts[agent].count(call, failed_status or _FAILED)
        for agent, count in counts.items():
            count.doubt, count.error = calls.doubts.get(agent), calls.failures.get(agent)
        return CheckResult(list(counts.values()), limits, since, names.doubt)

    code = _as_plugin(checked) if form is Form.NAGIOS else _shown(checked(), form)
    sys.stdout.flush()
    if code:
        raise typer.Exit(code)


def _chosen(form: Form | None, *, as_json: bool) -> Form:
    if form and as_json and form is not Form.JSON:
        raise Failure(f"--json and --format {form.value} contradict each other.", Code.USAGE)
    return Form.JSON if as_json else form or Form.TEXT


def _shown(result: CheckResult, form: Form) -> int:
    if form is Form.JSON:
        write_json(result.row())
    elif form is Form.PROMETHEUS:
        sys.stdout.writelines(f"{printable(line)}\n" for line in prometheus_text(result))
    else:
        sys.stdout.write(wrapped(result.line(), sys.stdout))
    return result.verdict.code


def _as_plugin(checked: Callable[[], CheckResult]) -> int:
    # To a monitor, 1 and 2 are a warning and an alarm: whatever kept the calls from being counted is neither.
    result = None
    try:
        result = checked()
    except (AgentCallsError, Failure, OSError) as error:
        state, sentence = Plugin.UNKNOWN, sentence_of(error) or ""
    else:
        state, sentence = state_of(result.verdict), result.sentence()
    sys.stdout.write(f"{printable(nagios_line(state, sentence, result))}\n")
    return state
