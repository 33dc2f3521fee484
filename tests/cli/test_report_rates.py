"""Which group of a report is bad, and what it is compared with."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from agentcalls import Client
from agentcalls.cli.commands.report.document import page_of
from agentcalls.cli.commands.report.numbers import Numbers
from agentcalls.cli.commands.report.report import _spans
from agentcalls.cli.zone import Zone
from cli.test_report import NO_DOUBT, Page
from made import NOON, call

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from typer.testing import Result

    from agentcalls import Call

    Cli = Callable[..., Result]


def calls_of(failed: int, count: int, **fields: Any) -> list[Call]:
    """So many calls, some of which failed."""
    statuses = ["failed"] * failed + ["ended"] * (count - failed)
    return [attrs.evolve(call(None, status), **fields) for status in statuses]


def counted(by: str = "agent", /, **agents: list[Call]) -> Numbers:
    numbers = Numbers(Zone(UTC), show_numbers=False, by=by)
    for agent, calls in agents.items():
        for one in calls:
            numbers.add(agent, one)
    return numbers


def test_the_worst_agent_is_the_one_with_most_failures_beyond_the_average() -> None:
    numbers = counted(
        small=calls_of(1, 1), bad=calls_of(60, 200), fine=calls_of(20, 400), none=calls_of(0, 0)
    )
    assert [row.name for row in numbers.groups()] == ["bad", "small", "fine"]
    page = Page(page_of(numbers, NO_DOUBT))
    assert page.rows["Agents"] == [
        ["Agent", "Failed", "Calls", "Failure rate"],
        ["bad", "60", "200", "30.0%"],
        ["small", "1", "1", "100.0%"],
        ["fine", "20", "400", "5.0%"],
    ]
    said = "bad fails most beyond the average: 30.0% of 200 calls, against 13.5% of all 601."
    assert said in page.text


def test_span_before_is_compared_and_in_no_other_number() -> None:
    numbers = Numbers(Zone(UTC), show_numbers=False, start=NOON)
    for one in (*calls_of(2, 4), *calls_of(9, 9, created_on=NOON - timedelta(days=1))):
        numbers.add("a", one)
    for one in calls_of(0, 1, created_on=None):
        numbers.add("a", one)
    page = Page(page_of(numbers, NO_DOUBT))
    assert page.rows["Agents"][1] == ["a", "2", "5", "40.0%", "9", "100.0%"]
    assert page.rows["Failure rate by day"][1:] == [["2026-11-23", "2", "4", "50.0%"]]
    assert len(page.rows["Failed calls"]) == 3
    assert "2 calls; 100.0% in the span before" in page.text
    assert "The span before is as long, and ends at 2026-11-23 12:00:00." in page.text
    assert "a: 40.0% of the calls failed." in page.text


def test_sources_are_masked_and_countries_named() -> None:
    numbers = ["+14155550123", "+2348012340123", None]
    calls = [one for number in numbers for one in calls_of(1, 2, source=number, destination=number)]
    sources = counted("source", a=calls)
    assert [row.name for row in sources.groups()] == ["…123", "…123 (2)", "(none)"]
    assert [row.is_text for row in sources.groups()] == [True, False, False]
    page = Page(page_of(counted("country", a=calls), NO_DOUBT))
    assert [row[0] for row in page.rows["Countries"]] == ["Country", "NG", "(none)", "US"]
    chart = {row["name"]: row.get("filter") for row in page.charts["groups"]["data"]["values"]}
    assert chart == {"(none)": None, "NG": None, "US": None}


def test_groups_beyond_a_hundred_are_counted_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agentcalls.cli.summary.MOST_GROUPS", 130)
    numbers = counted(**{f"agent_{number:03}": calls_of(1, 1) for number in range(140)})
    *_, last, others = numbers.groups()
    assert (last.name, others.name, others.now.failed) == ("agent_099", "all others", 40)
    assert len(Page(page_of(numbers, NO_DOUBT)).charts["groups"]["data"]["values"]) == 15


def test_calls_without_an_outcome_have_no_rate() -> None:
    page = Page(page_of(counted(a=[call(status="queued")], b=[call(status="ringing")]), NO_DOUBT))
    assert page.rows["Agents"][1:] == [["a", "0", "1", "none"], ["b", "0", "1", "none"]]
    assert not {"groups", "rates"} & set(page.charts)


@pytest.mark.parametrize(
    ("since", "until", "start", "before"),
    [
        ("2026-11-20", "2026-11-22", "2026-11-20", "2026-11-18"),
        ("2026-11-20", None, "2026-11-20", "2026-11-17"),
        ("2026-12-20", None, None, "2026-12-20"),
        ("0001-01-03", None, None, "0001-01-03"),
    ],
)
def test_span_before_is_as_long_as_the_span(
    since: str, until: str | None, start: str | None, before: str
) -> None:
    def day(text: str) -> datetime:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)

    with Client(api_key="k", base_url="http://127.0.0.1:1") as client:
        listing = client.calls.list("a", since=since, until=until, tz="UTC")
    assert _spans(listing, day("2026-11-23")) == (start and day(start), day(before))


def test_command_reads_the_span_before_unless_told_not_to(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    run = (
        "report",
        "agent_demo",
        "-o",
        str(path),
        "--since",
        "2026-11-08",
        "--until",
        "2026-11-22",
        "--utc",
    )
    assert cli(*run).exit_code == 0
    compared = Page(path.read_text())
    assert cli(*run, "--no-compare").exit_code == 0
    alone = Page(path.read_text())
    assert [row[:4] for row in compared.rows["Agents"]] == alone.rows["Agents"]
    assert int(compared.rows["Agents"][1][4]) > 0
    for heading in ("Calls by day and status", "Failed calls", "Durations"):
        assert compared.rows[heading] == alone.rows[heading]
    assert "Filters: since 2026-11-08, until 2026-11-22." in compared.text
