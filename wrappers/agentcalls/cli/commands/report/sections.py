"""The sections of the page: the words and the table that stand beside each chart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from agentcalls.cli.commands.report.rates import Rate
from agentcalls.cli.show.units import percent
from agentcalls.cli.summary import MOST_GROUPS
from agentcalls.described import quantity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agentcalls.cli.commands.report.numbers import Bars, Numbers
    from agentcalls.cli.commands.report.rates import Row


@frozen
class Section:
    """A chart, its summary in words, and its numbers as a table; without rows there is no chart."""

    name: str
    title: str
    words: str
    headings: Sequence[str]
    rows: Sequence[tuple[str, Sequence[str]]]
    """The name and the cells of each row."""
    is_open: bool = False
    """Whether the table is shown at once."""
    has_chart: bool = True


def sections_of(numbers: Numbers) -> list[Section]:
    """The sections of the page, in order."""
    statuses, hours = numbers.statuses(), numbers.hours()
    weekdays = list(dict.fromkeys(day for day, _, _ in hours))
    return [
        _section_of_groups(numbers),
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
            "rates",
            "Failure rate by day",
            _words_of_rates(numbers),
            ["Day", "Failed", "Calls", "Failure rate"],
            [(day, _cells(rate)) for day, rate in numbers.rates_by_day() if numbers.total.decided],
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


def _section_of_groups(numbers: Numbers) -> Section:
    compares = numbers.start is not None
    title = {"agent": "Agents", "country": "Countries", "source": "Sources"}[numbers.by]
    headings = [numbers.by.capitalize(), "Failed", "Calls", "Failure rate"]
    rows = numbers.groups()
    return Section(
        "groups",
        title,
        _words_of_groups(numbers, rows),
        [*headings, *(["Calls before", "Failure rate before"] if compares else [])],
        [
            (
                row.name,
                [
                    *_cells(row.now),
                    *([f"{row.before.calls:,}", _share(row.before)] if compares else []),
                ],
            )
            for row in rows
        ],
        is_open=True,
        has_chart=len(rows) > 1,
    )


def _cells(rate: Rate) -> list[str]:
    return [f"{rate.failed:,}", f"{rate.calls:,}", _share(rate)]


def _share(rate: Rate) -> str:
    return percent(rate.share) or "none"


def _words_of_groups(numbers: Numbers, rows: list[Row]) -> str:
    total = numbers.total
    if not total.failed:
        return "No call failed."
    worst, all_of_them = rows[0], Rate(total.calls, total.decided, total.failed)
    if len(rows) == 1:
        return f"{worst.name}: {_share(worst.now)} of the calls failed."
    return (
        f"{worst.name} fails most beyond the average: {_share(worst.now)} of {quantity(worst.now.decided, 'call')}, "
        f"against {_share(all_of_them)} of all {total.decided:,}."
    )


def _words_of_rates(numbers: Numbers) -> str:
    days = [(day, rate) for day, rate in numbers.rates_by_day() if rate.failed]
    if not days:
        return "No call failed."
    day, rate = max(days, key=lambda item: item[1].share or 0)
    return f"The worst day was {day}: {_share(rate)}, {rate.failed:,} of {quantity(rate.decided, 'call')}."


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
        f"There were calls on {with_calls:,} of {quantity(len(days), 'day')}; "
        f"the busiest was {busiest}, with {counts.total():,}."
    )
    left_out = numbers.days_left_out()
    if left_out:
        words += f" More than {MOST_GROUPS:,} days are not shown, which leaves {quantity(left_out, 'call')} out."
    return words


def _words_of_hours(numbers: Numbers) -> str:
    day, hour, calls = max(numbers.hours(), key=lambda item: item[2])
    if not calls:
        return "There are no calls."
    return (
        f"The busiest hour of the week is {day}, {hour:02}:00 to {hour:02}:59, with {quantity(calls, 'call')} over the "
        "whole time."
    )


def _words_of_bars(bars: Bars, what: str, how: str) -> str:
    total = sum(count for _, count in bars)
    if not total:
        return f"No {what}."
    name, count = max(bars, key=lambda bar: bar[1])
    return f"{total:,} {what}. Most often, {quantity(count, 'time')}: {how} {name}."


def _words_of_reasons(numbers: Numbers) -> str:
    failed, reasons = numbers.total.failed, numbers.reasons()
    if not reasons:
        return "No call failed."
    name, count = reasons[0]
    return f"{quantity(failed, 'call')} failed; the most frequent reason, {quantity(count, 'time')}: {name}."
