"""Judge the failure rate: the counts, the limits, and the line with the result."""

from __future__ import annotations

from enum import StrEnum
from fractions import Fraction
from typing import TYPE_CHECKING

from attrs import frozen, mutable

from agentcalls.cli.failures import Code
from agentcalls.described import quantity
from agentcalls.table.lifecycle import is_over

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from agentcalls import Call
    from agentcalls.cli.show.output import Row


class Verdict(StrEnum):
    """The result of a check."""

    OK = "ok"
    TOO_FEW = "too_few"
    INCOMPLETE = "incomplete"
    FAILED = "failed"

    @property
    def code(self) -> Code:
        """The exit code of the command."""
        return _CODES.get(self, Code.FINE)


_CODES = {Verdict.FAILED: Code.TOO_MANY, Verdict.INCOMPLETE: Code.FAILED}
_MOST_NAMED = 12
_HEADS = {Verdict.FAILED: "FAILED", Verdict.INCOMPLETE: "UNKNOWN"}


@mutable
class FailureCount:
    """The counts of an agent's calls, or of all agents' calls."""

    name: str
    calls: int = 0
    """Calls that are over."""
    failed: int = 0
    under_way: int = 0
    doubt: str | None = None
    """Why it is not proven that each call was counted; None if it is."""

    error: str | None = None
    """Why the agent could not be read; it is then not judged, and not in the total."""

    def count(self, call: Call, failed: Collection[str]) -> None:
        """Count a call, as failed if it has one of these statuses."""
        if call.status in failed:
            self.calls, self.failed = self.calls + 1, self.failed + 1
        elif is_over(call):
            self.calls += 1
        else:
            self.under_way += 1

    @property
    def rate(self) -> Fraction | None:
        """Failed calls divided by calls that are over; None if no call is over."""
        return Fraction(self.failed, self.calls) if self.calls else None

    def __str__(self) -> str:
        share = "" if self.rate is None else f" ({shown(self.rate)})"
        return f"{self.failed:,} of {quantity(self.calls, 'call')} failed{share}"


@frozen
class Limits:
    """The number of calls and the failure rate from which on there is an alarm."""

    max_failure_rate: Fraction
    """The largest allowed share."""
    min_calls: int
    """The smallest number of calls that is judged, at least one."""

    def verdict(self, tally: FailureCount) -> Verdict:
        """The verdict on a tally; a tally that may lack calls is never OK."""
        rate = tally.rate
        if tally.error:
            return Verdict.INCOMPLETE
        if rate is not None and tally.calls >= self.min_calls and rate > self.max_failure_rate:
            return Verdict.FAILED
        if tally.doubt:
            return Verdict.INCOMPLETE
        return Verdict.OK if tally.calls >= self.min_calls else Verdict.TOO_FEW


@frozen
class CheckResult:
    """The result of a check, with its numbers."""

    agents: Sequence[FailureCount]
    limits: Limits
    since: str
    doubt: str | None = None
    """Why it is not proven that these are all agents; None if it is."""

    @property
    def total(self) -> FailureCount:
        """The sum over all agents that could be read."""
        read = [tally for tally in self.agents if not tally.error]
        return FailureCount(
            "total",
            calls=sum(tally.calls for tally in read),
            failed=sum(tally.failed for tally in read),
            under_way=sum(tally.under_way for tally in read),
            doubt=next((tally.doubt for tally in read if tally.doubt), None),
        )

    @property
    def verdict(self) -> Verdict:
        """The worst alarm of an agent or of the total; without an alarm, the total's verdict."""
        of_total = self.limits.verdict(self.total)
        verdicts = {of_total, *map(self.limits.verdict, self.agents)}
        if self.doubt:
            verdicts.add(Verdict.INCOMPLETE)
        alarms = [alarm for alarm in (Verdict.FAILED, Verdict.INCOMPLETE) if alarm in verdicts]
        return next(iter(alarms), of_total)

    def line(self) -> str:
        """The result on one line: the verdict, the total, and the agents that somebody must look at."""
        return f"{_HEADS.get(self.verdict, 'OK')}: {self.sentence()}"

    def sentence(self) -> str:
        """The same without the verdict; it names twelve agents at most, the worst first."""
        limit = shown(self.limits.max_failure_rate)
        text = f"{self.total} since {self.since}, limit {limit}"
        if self.verdict is Verdict.TOO_FEW:
            text += f"; fewer than {self.limits.min_calls:,}, too few to judge"
        over = [each for each in self.agents if self.limits.verdict(each) is Verdict.FAILED]
        over.sort(key=lambda tally: (tally.rate, tally.failed), reverse=True)
        groups = {
            "over the limit": [f"{tally.name}: {tally}" for tally in over],
            "could not be read": [tally.error for tally in self.agents if tally.error],
            "not proven complete": [
                f"{tally.name}: {tally.doubt}" for tally in self.agents if tally.doubt
            ],
        }
        if len(self.agents) == 1:
            del groups["over the limit"]
        left = _MOST_NAMED
        for head, sentences in groups.items():
            named, left = sentences[:left], max(0, left - len(sentences))
            if more := len(sentences) - len(named):
                named.append(f"and {more:,} more" if named else quantity(more, "agent"))
            text += f"; {head}: {', '.join(named)}" if named else ""
        return f"{text}; {self.doubt}" if self.doubt else text

    def row(self) -> Row:
        """The result with all its numbers; rates are fractions, 0.05 for 5%."""
        return {
            "result": self.verdict,
            "max_failure_rate": float(self.limits.max_failure_rate),
            "min_calls": self.limits.min_calls,
            "since": self.since,
            "agents_not_proven_complete": self.doubt,
            "total": self._row(self.total),
            "agents": [{"agent": tally.name} | self._row(tally) for tally in self.agents],
        }

    def _row(self, tally: FailureCount) -> Row:
        return {
            "result": self.limits.verdict(tally),
            "calls": tally.calls,
            "failed": tally.failed,
            "failure_rate": None if tally.rate is None else float(tally.rate),
            "under_way": tally.under_way,
            "not_proven_complete": tally.doubt,
            "error": tally.error,
        }


def shown(share: Fraction) -> str:
    """A share as a percentage with three digits."""
    return f"{float(share * 100):.3g}%"
