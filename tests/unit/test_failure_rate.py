from __future__ import annotations

import re
from fractions import Fraction

import attrs
import pytest

from agentcalls.cli.amounts import percentage
from agentcalls.cli.commands.check.failure_rate import (
    CheckResult,
    FailureCount,
    Limits,
    Verdict,
)
from agentcalls.cli.commands.check.monitors import nagios_line, prometheus_text, state_of
from agentcalls.cli.failures import Code, Failure
from made import NOON, call

LIMITS = Limits(Fraction(5, 100), 20)


def outcome(*tallies: FailureCount) -> CheckResult:
    return CheckResult(tallies, LIMITS, "1h")


def tally(failed: int, calls: int, *, name: str = "a", doubt: str | None = None) -> FailureCount:
    return FailureCount(name, calls=calls, failed=failed, doubt=doubt)


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("5%", Fraction(1, 20)),
        ("0.5 %", Fraction(1, 200)),
        ("0%", Fraction(0)),
        ("100%", Fraction(1)),
    ],
)
def test_percentages(text: str, share: Fraction) -> None:
    assert percentage("--rate", text) == share


@pytest.mark.parametrize(
    "text", ["0.05", "5", "", "%", "five%", "-1%", "100.1%", "5%%", "\u0665%", "1e1%"]
)
def test_what_is_no_percentage_or_lacks_its_sign_is_refused(text: str) -> None:
    with pytest.raises(Failure, match=r"--rate takes a percentage .* such as 5%") as caught:
        percentage("--rate", text)
    assert caught.value.code is Code.USAGE


def test_calls_are_counted_once_they_are_over_and_failed_by_their_status_alone() -> None:
    counted = FailureCount("a")
    calls = [call(status=status) for status in ("ended", "busy", "cancelled", "failed", "failed")]
    odd = [
        call(status="ringing"),
        call(status="transferred"),
        attrs.evolve(call(status="transferred"), ended_at=NOON),
        attrs.evolve(call(status="busy"), error_reason="486 Busy Here"),
    ]
    for one in (*calls, *odd):
        counted.count(one, ["failed"])
    assert (counted.calls, counted.failed, counted.under_way) == (7, 2, 2)
    counted = FailureCount("a")
    for one in (*calls, *odd):
        counted.count(one, ["busy", "ringing"])
    assert (counted.calls, counted.failed, counted.under_way) == (8, 3, 1)


@pytest.mark.parametrize(
    ("failed", "calls", "doubt", "verdict"),
    [
        (1, 20, None, Verdict.OK),
        (2, 20, None, Verdict.FAILED),
        (19, 19, None, Verdict.TOO_FEW),
        (0, 0, None, Verdict.TOO_FEW),
        (0, 0, "why", Verdict.INCOMPLETE),
        (1, 20, "why", Verdict.INCOMPLETE),
        (2, 20, "why", Verdict.FAILED),
    ],
)
def test_the_limit_itself_is_fine_and_what_could_not_be_counted_is_not(
    failed: int, calls: int, doubt: str | None, verdict: Verdict
) -> None:
    found = outcome(tally(failed, calls, doubt=doubt))
    assert found.verdict is verdict
    assert verdict.code == {Verdict.FAILED: 9, Verdict.INCOMPLETE: 3}.get(verdict, 0)


def test_the_worst_decides_and_the_line_names_who_it_is() -> None:
    found = outcome(tally(1, 100, name="fine"), tally(10, 20, name="bad"), tally(1, 2, name="few"))
    assert found.line() == (
        "FAILED: 12 of 122 calls failed (9.84%) since 1h, limit 5%; over the limit: bad: 10 of 20 calls failed (50%)"
    )
    assert [row["result"] for row in found.row()["agents"]] == ["ok", "failed", "too_few"]


def test_one_bad_agent_is_an_alarm_though_the_total_is_fine_and_many_small_ones_though_each_is() -> (
    None
):
    assert outcome(tally(2, 20), tally(0, 1000)).verdict is Verdict.FAILED
    small = outcome(*[tally(5, 10) for _ in range(3)])
    assert small.verdict is Verdict.FAILED
    assert small.line() == "FAILED: 15 of 30 calls failed (50%) since 1h, limit 5%"


def test_the_line_says_what_could_not_be_judged_or_proven() -> None:
    assert outcome(tally(0, 0)).line() == (
        "OK: 0 of 0 calls failed since 1h, limit 5%; fewer than 20, too few to judge"
    )
    assert outcome(tally(0, 20), tally(0, 20, name="b", doubt="It shifted.")).line() == (
        "UNKNOWN: 0 of 40 calls failed (0%) since 1h, limit 5%; not proven complete: b: It shifted."
    )


def test_the_worst_are_named_first_and_twelve_at_most() -> None:
    bad = [tally(number, 20, name=f"a{number:02}") for number in range(2, 21)]
    odd = [tally(0, 20, name=f"d{number}", doubt="Why.") for number in range(3)]
    line = outcome(*bad, *odd).line()
    named = [
        f"a{number:02}: {number} of 20 calls failed ({5 * number}%)" for number in range(20, 8, -1)
    ]
    assert (
        f"; over the limit: {', '.join(named)}, and 7 more; not proven complete: 3 agents" in line
    )
    assert len(outcome(*bad, *odd).row()["agents"]) == 22
    gone = [FailureCount(f"g{number}", error=f"404 for g{number}") for number in range(9)]
    line = outcome(*bad[:5], *gone, *odd).line()
    assert "; could not be read: 404 for g0, " in line
    assert "404 for g6, and 2 more; not proven complete: 3 agents" in line


def read(text: str) -> dict[tuple[str, str], float]:
    """The samples of Prometheus' text format, by name and label, as its grammar has it."""
    found: dict[tuple[str, str], float] = {}
    for line in text.splitlines():
        if line.startswith("#"):
            assert re.fullmatch(r"# (HELP agentcalls_\w+ .+|TYPE agentcalls_\w+ gauge)", line)
            continue
        sample = re.fullmatch(r'(\w+)(?:\{agent="((?:[^"\\\n]|\\[\\"n])*)"\})? ([-+.e0-9]+)', line)
        assert sample, line
        name = re.sub(r"\\(.)", lambda one: {"n": "\n"}.get(one[1], one[1]), sample[2] or "")
        found[sample[1].removeprefix("agentcalls_"), name] = float(sample[3])
    return found


def test_prometheus_has_a_sample_for_each_agent_and_none_for_what_was_not_read() -> None:
    odd = 'a"b\\c\nd'
    found = outcome(
        tally(5, 20, name="bad"),
        tally(0, 0, name=odd),
        tally(0, 20, name="odd", doubt="Why."),
        FailureCount("gone", error="404"),
    )
    samples = read("\n".join(prometheus_text(found)))
    assert samples["failure_rate_limit", ""] == 0.05
    assert {name: value for (name, agent), value in samples.items() if agent == "bad"} == {
        "calls": 20,
        "calls_failed": 5,
        "calls_under_way": 0,
        "failure_rate": 0.25,
        "over_limit": 1,
        "proven_complete": 1,
    }
    assert samples["calls", odd] == 0
    assert ("failure_rate", odd) not in samples
    assert samples["proven_complete", "odd"] == 0
    assert [key for key in samples if key[1] == "gone"] == [("proven_complete", "gone")]


def test_line_of_a_plugin_keeps_its_bar_for_the_numbers() -> None:
    none = outcome(tally(0, 0, name="a|b", doubt="Odd | why."))
    line = nagios_line(state_of(none.verdict), none.sentence(), none)
    assert line == (
        "AGENTCALLS UNKNOWN - 0 of 0 calls failed since 1h, limit 5%; not proven complete: a/b: Odd / why."
        " | failure_rate=U;;5;0;100 calls=0;;;0 failed=0;;;0 under_way=0;;;0 agents=1;;;0 agents_over_limit=0;;;0"
    )


def test_the_row_has_every_number() -> None:
    assert outcome(tally(1, 20)).row() == {
        "result": "ok",
        "max_failure_rate": 0.05,
        "min_calls": 20,
        "since": "1h",
        "agents_not_proven_complete": None,
        "total": (
            numbers := {
                "result": "ok",
                "calls": 20,
                "failed": 1,
                "failure_rate": 0.05,
                "under_way": 0,
                "not_proven_complete": None,
                "error": None,
            }
        ),
        "agents": [{"agent": "a"} | numbers],
    }
    assert outcome(tally(0, 0)).row()["total"]["failure_rate"] is None
