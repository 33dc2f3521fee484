"""Tables and lines for people fit their terminal, whatever its width from 60 to 220 columns."""

from __future__ import annotations

import io
import os
import re
import sys
from datetime import UTC, timedelta
from fractions import Fraction
from random import Random
from typing import TYPE_CHECKING

import attrs
import pytest
from rich.cells import cell_len
from rich.text import Text

from agentcalls.cli.commands.check.check import Form, _shown
from agentcalls.cli.commands.check.failure_rate import CheckResult, FailureCount, Limits
from agentcalls.cli.commands.stats.bars import write_bars
from agentcalls.cli.commands.tail.following import Event
from agentcalls.cli.commands.tail.ticker import terminal_writer
from agentcalls.cli.show.cells import table_columns
from agentcalls.cli.show.table import fitted, write_table
from agentcalls.cli.summary import Summary
from agentcalls.cli.zone import Zone
from drawn import ALL
from made import NOON, call

if TYPE_CHECKING:
    from collections.abc import Callable

    from agentcalls import Call

ALL_WIDTHS = range(60, 221)
DRAWN = Random(os.environ["AGENTCALLS_SEED"]).sample(ALL_WIDTHS[1:-1], 38)
WIDTHS = ALL_WIDTHS if ALL else [ALL_WIDTHS[0], *DRAWN, ALL_WIDTHS[-1]]


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def calls() -> list[Call]:
    """Calls with the longest values that a list shows, wide characters, and nothing at all."""
    whole = attrs.evolve(
        call("123e4567-e89b-42d3-a456-426614174000", "cancelled"),
        direction="outbound",
        source="+442079460018123",
        destination="+234801234567890",
        duration_seconds=100_000,
        is_test_call=True,
        ringing_at=NOON + timedelta(seconds=30),
        error_reason="SIP 503 Service Unavailable, 号码不在服务区 " * 3,
        end_reason="transferred_to_human",
    )
    days = [attrs.evolve(whole, created_on=NOON - timedelta(days=day)) for day in range(3)]
    failed = attrs.evolve(whole, status="failed", error_reason="carrier rejected")
    return [*days, failed, attrs.evolve(whole, status="ended"), call(None, at=None)]


CALLS = calls()


def list_(width: int) -> None:
    write_table(CALLS, lambda _: table_columns(None, width, Zone(UTC)))


def fields(width: int) -> None:
    names = ("id", "source", "destination", "status", "created_on", "ringing_at", "error_reason")
    write_table(CALLS, lambda _: table_columns(names, width, Zone(UTC)))


def tail(_: int) -> None:
    write = terminal_writer(Zone(UTC))
    for one in CALLS:
        write(Event("changed", one, "answered"))


def stats(by: str) -> Callable[[int], None]:
    def write(_: int) -> None:
        summary = Summary(by, Zone(UTC))
        for one in CALLS:
            summary.add(one)
        write_bars(by, summary.rows(), None)

    return write


def check(_: int) -> None:
    counts = [FailureCount(f"agent_{number}", 20, number) for number in range(20)]
    _shown(CheckResult(counts, Limits(Fraction(1, 20), 20), "1h"), Form.TEXT)


by_day = stats("day")
EVERY = [list_, tail, by_day, check]
"""Shown in each width. The others differ from them in their texts."""


@pytest.mark.parametrize(
    "write",
    [list_, fields, tail, stats("status"), by_day, stats("error_reason"), check],
    ids=["list", "fields", "tail", "status", "day", "reason", "check"],
)
def test_no_line_is_wider_than_its_terminal(
    write: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm")  # of a dumb one, Rich believes 80 columns
    for width in WIDTHS if write in EVERY else WIDTHS[::7]:
        monkeypatch.setenv("COLUMNS", str(width))
        terminal = Terminal()
        monkeypatch.setattr(sys, "stdout", terminal)
        write(width)
        lines = Text.from_ansi(terminal.getvalue()).plain.splitlines()
        assert len(lines) > 3 or write is check
        assert [line for line in lines if cell_len(line) > width] == [], width


def test_a_tail_has_each_time_to_the_second_and_each_change_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    for width in WIDTHS:
        monkeypatch.setenv("COLUMNS", str(width))
        terminal = Terminal()
        monkeypatch.setattr(sys, "stdout", terminal)
        tail(width)
        first = Text.from_ansi(terminal.getvalue()).plain.splitlines()[1]
        assert re.match(r"(\d{4}-)?\d\d-\d\d \d\d:\d\d:\d\dZ +answered → cancelled ", first), (
            width,
            first,
        )


def headings(by: str, width: int, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", str(width))
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    stats(by)(width)
    return Text.from_ansi(terminal.getvalue()).plain.splitlines()[0].split()


def test_failures_by_day_are_shown_before_anything_else_and_a_bar_stays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert headings("day", 60, monkeypatch) == ["DAY", "CALLS", "SHARE", "ANSWERED", "FAILED"]
    assert headings("day", 80, monkeypatch)[3:] == ["ANSWERED", "FAILED", "MEDIAN"]
    assert headings("day", 100, monkeypatch)[-2:] == ["P95", "RINGS"]
    assert "FAILED" not in headings("status", 100, monkeypatch)


@pytest.mark.parametrize(
    ("widths", "elastic", "whole", "fitting"),
    [
        ([5, 5], [False, True], 12, [5, 5]),
        ([5, 9], [False, True], 13, [5, 6]),
        ([5, 4], [False, True], 10, [4, 4]),
        ([5, 9], [False, True], 10, [4, 4]),
        ([30, 4, 9], [False, False, False], 20, [6, 4, 6]),
        ([9, 9, 9], [False, False, False], 5, [3, 3, 3]),
    ],
)
def test_columns_shrink_the_elastic_first_and_then_the_widest(
    widths: list[int], elastic: list[bool], whole: int, fitting: list[int]
) -> None:
    assert fitted(widths, elastic, whole) == fitting
