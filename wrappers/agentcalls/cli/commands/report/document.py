"""The page: the counts in words, charts and tables, in one file that needs no network."""

from __future__ import annotations

import base64
import hashlib
import json
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from attrs import astuple, frozen

from agentcalls.cli.commands.report.charts import charts_of
from agentcalls.cli.show.units import clock, percent, tenths
from agentcalls.cli.summary import MOST_GROUPS
from agentcalls.table.extras import need

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from agentcalls.cli.commands.report.numbers import Bars, CallFailure, Numbers


# Keeps the page below two million bytes; in the worst case, a text is only quotation marks of five bytes each.
_MOST_BYTES_OF_FAILURES = 400_000
_ROW_BYTES = 160


@frozen
class Scope:
    """The parameters of the report, and the doubts about its completeness."""

    agents: Sequence[str]
    filters: dict[str, str]
    made_at: datetime
    doubts: Sequence[str]
    """Why the listings could not be proven complete."""


@frozen
class Section:
    """A chart, its summary in words, and its numbers as a table; without rows there is no chart."""

    name: str
    title: str
    words: str
    headings: Sequence[str]
    rows: Sequence[tuple[str, Sequence[str]]]
    """The name and the cells of each row."""
    note: str = ""


def page_of(numbers: Numbers, scope: Scope) -> str:
    """The HTML of the report; raises `MissingExtraError` if a package for it is not installed."""
    jinja = need("jinja2")
    from agentcalls.cli.commands.report.script import bundle  # noqa: PLC0415  # help needs no exports

    # The chart packages are required for an empty listing, too, so that a missing one shows at once.
    scripts = [bundle(), _own("page.js")]
    environment = jinja.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    total = numbers.total.row(numbers.total.calls)
    failures = _that_fit(numbers.failures())
    return str(
        environment.from_string(_own("page.html")).render(
            scope=scope,
            made_at=_moment(numbers, scope.made_at),
            zone=numbers.zone.name(scope.made_at),
            first=numbers.first and _moment(numbers, numbers.first),
            last=numbers.last and _moment(numbers, numbers.last),
            facts=_facts(total),
            sections=_sections(numbers),
            failures=failures,
            moments=[_moment(numbers, failure.created) for failure in failures],
            failed=numbers.total.failed,
            several=len(scope.agents) > 1,
            masked=not numbers.show_numbers,
            style=jinja.utils.markupsafe.Markup(_own("page.css")),
            scripts=[jinja.utils.markupsafe.Markup(script) for script in scripts],
            hashes=" ".join(_hash(script) for script in scripts),
            # The text of a call must not be able to end its element.
            charts=jinja.utils.markupsafe.Markup(
                json.dumps(charts_of(numbers), separators=(",", ":")).replace("<", "\\u003c")
            ),
        )
    )


def _facts(total: dict[str, Any]) -> list[tuple[str, str, str]]:
    undecided = total["calls"] - total["decided"]
    return [
        (
            "Calls",
            f"{total['calls']:,}",
            f"{total['test_calls']:,} of them test calls; {undecided:,} still queued or ringing",
        ),
        ("Answered", percent(total["answer_rate"]) or "none", f"{total['answered']:,} calls"),
        ("Failed", percent(total["failure_rate"]) or "none", f"{total['failed']:,} calls"),
        (
            "Duration",
            clock(total["duration_median_seconds"]) or "none",
            f"median; 95% lasted at most {clock(total['duration_p95_seconds'])}"
            if total["duration_calls"]
            else "no call has one",
        ),
        (
            "Time to ring",
            tenths(total["ringing_median_seconds"]) or "none",
            f"median; 95% within {tenths(total['ringing_p95_seconds'])}"
            if total["ringing_calls"]
            else "no call rang",
        ),
    ]


def _sections(numbers: Numbers) -> list[Section]:
    statuses, hours = numbers.statuses(), numbers.hours()
    weekdays = list(dict.fromkeys(day for day, _, _ in hours))
    return [
        Section(
            "days",
            "Calls by day and status",
            _words_of_days(numbers),
            ["Day", *statuses, "all"],
            [
                (day, [f"{counts[status]:,}" for status in statuses] + [f"{counts.total():,}"])
                for day, counts in numbers.days()
            ],
        ),
        Section(
            "hours",
            "Busiest hours",
            _words_of_hours(numbers),
            ["Day", *(f"{hour:02}" for hour in range(24))],
            [
                (weekday, [f"{calls:,}" for day, _, calls in hours if day == weekday])
                for weekday in weekdays
                if numbers.first
            ],
        ),
        _section_of_bars(
            "durations",
            "Durations",
            _words_of_bars(numbers.lengths(), "calls have a duration", "lasted"),
            "Lasted",
            numbers.lengths(),
        ),
        _section_of_bars(
            "ringing",
            "Ringing time",
            _words_of_bars(numbers.waits(), "calls rang", "after"),
            "Time to ring",
            numbers.waits(),
        ),
        _section_of_bars(
            "reasons", "Failure reasons", _words_of_reasons(numbers), "Reason", numbers.reasons()
        ),
    ]


def _section_of_bars(name: str, title: str, words: str, heading: str, bars: Bars) -> Section:
    rows = [(bar, [f"{count:,}"]) for bar, count in bars]
    has_calls = any(count for _, count in bars)
    return Section(name, title, words, [heading, "Calls"], rows if has_calls else [])


def _words_of_days(numbers: Numbers) -> str:
    days = numbers.days()
    if not days:
        return "There are no calls."
    busiest, counts = max(days, key=lambda item: item[1].total())
    with_calls = sum(1 for _, counts in days if counts)
    words = (
        f"There were calls on {with_calls:,} of {len(days):,} days; "
        f"the busiest was {busiest}, with {counts.total():,}."
    )
    left_out = numbers.days_left_out()
    if left_out:
        words += (
            f" More than {MOST_GROUPS:,} days are not shown, which leaves {left_out:,} calls out."
        )
    return words


def _words_of_hours(numbers: Numbers) -> str:
    day, hour, calls = max(numbers.hours(), key=lambda item: item[2])
    if not calls:
        return "There are no calls."
    return (
        f"The busiest hour of the week is {day}, {hour:02}:00 to {hour:02}:59, with {calls:,} calls over the "
        "whole time."
    )


def _words_of_bars(bars: Bars, what: str, how: str) -> str:
    total = sum(count for _, count in bars)
    if not total:
        return f"No {what}."
    name, count = max(bars, key=lambda bar: bar[1])
    return f"{total:,} {what}. Most often, {count:,} times: {how} {name}."


def _words_of_reasons(numbers: Numbers) -> str:
    failed, reasons = numbers.total.failed, numbers.reasons()
    if not reasons:
        return "No call failed."
    name, count = reasons[0]
    return f"{failed:,} calls failed; the most frequent reason, {count:,} times: {name}."


def _that_fit(failures: list[CallFailure]) -> list[CallFailure]:
    left = _MOST_BYTES_OF_FAILURES
    for number, failure in enumerate(failures):
        texts = [text for text in astuple(failure) if isinstance(text, str)]
        left -= _ROW_BYTES + sum(map(_size, texts))
        if left < 0:
            return failures[:number]
    return failures


def _size(text: str) -> int:
    return sum(5 if character in "&<>\"'" else 3 if character > "\x7f" else 1 for character in text)


def _moment(numbers: Numbers, moment: datetime | None) -> str:
    return f"{numbers.zone.of(moment):%Y-%m-%d %H:%M:%S}" if moment else ""


def _own(name: str) -> str:
    return files("agentcalls.cli.commands.report").joinpath(name).read_text(encoding="utf-8")


def _hash(script: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
