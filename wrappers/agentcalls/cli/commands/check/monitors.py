"""The result of a check for monitors: a Nagios plugin's line with its exit code, and Prometheus' text format."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

from agentcalls.cli.commands.check.failure_rate import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from fractions import Fraction

    from agentcalls.cli.commands.check.failure_rate import CheckResult, FailureCount


class Plugin(IntEnum):
    """The exit codes of a plugin, from the Monitoring Plugins Development Guidelines."""

    OK = 0
    CRITICAL = 2
    UNKNOWN = 3


_STATES = {Verdict.FAILED: Plugin.CRITICAL, Verdict.INCOMPLETE: Plugin.UNKNOWN}


def state_of(verdict: Verdict) -> Plugin:
    """What a plugin ends with; too few calls to judge are fine."""
    return _STATES.get(verdict, Plugin.OK)


def nagios_line(state: Plugin, sentence: str, result: CheckResult | None = None) -> str:
    """A plugin's line: the state, a sentence, and the numbers as performance data behind a bar."""
    # A bar begins the performance data.
    text = f"AGENTCALLS {state.name} - {sentence.replace('|', '/')}"
    if result is None:
        return text
    total, limits = result.total, result.limits
    rate = "U" if total.rate is None else f"{_percent(total.rate)}%"
    over = sum(limits.verdict(tally) is Verdict.FAILED for tally in result.agents)
    counts = {"calls": total.calls, "failed": total.failed, "under_way": total.under_way}
    counts |= {"agents": len(result.agents), "agents_over_limit": over}
    numbers = [f"failure_rate={rate};;{_percent(limits.max_failure_rate)};0;100"]
    numbers += [f"{name}={count};;;0" for name, count in counts.items()]
    return f"{text} | {' '.join(numbers)}"


def _percent(share: Fraction) -> str:
    return f"{float(share * 100):.6g}"


def prometheus_text(result: CheckResult) -> Iterator[str]:
    """Yields the lines of the text exposition format: a gauge for each number, a sample for each agent."""
    limits = result.limits
    values: dict[str, tuple[str, Callable[[FailureCount], float | None]]] = {
        "calls": ("Calls that are over.", lambda tally: tally.calls),
        "calls_failed": ("Calls that failed.", lambda tally: tally.failed),
        "calls_under_way": ("Calls that are not over.", lambda tally: tally.under_way),
        "failure_rate": ("Failed calls divided by calls that are over.", _rate),
        "over_limit": (
            "1 if too many calls failed, and there are enough to judge.",
            lambda tally: limits.verdict(tally) is Verdict.FAILED,
        ),
        "proven_complete": (
            "1 if it is proven that each call was counted; 0 also if the agent could not be read.",
            lambda tally: not (tally.doubt or tally.error),
        ),
    }
    yield from _head("failure_rate_limit", "The largest allowed failure rate.")
    yield f"agentcalls_failure_rate_limit {float(limits.max_failure_rate):.10g}"
    for name, (meaning, value_of) in values.items():
        yield from _head(name, meaning)
        for tally in result.agents:
            # What was not read is missing, and not 0.
            value = None if tally.error and name != "proven_complete" else value_of(tally)
            if value is not None:
                yield f'agentcalls_{name}{{agent="{_escaped(tally.name)}"}} {float(value):.10g}'


def _rate(tally: FailureCount) -> float | None:
    return None if tally.rate is None else float(tally.rate)


def _head(name: str, meaning: str) -> Iterator[str]:
    yield f"# HELP agentcalls_{name} {meaning}"
    yield f"# TYPE agentcalls_{name} gauge"


def _escaped(label: str) -> str:
    return label.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
