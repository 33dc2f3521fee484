"""The figures of docs/scale.md: what a simulated team takes differs from them by at most a twentieth."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Any

import pytest

from agentcalls.mirror import sync
from contract.tool.contract import ROOT
from mirror.team_at_work import Work

if TYPE_CHECKING:
    from pathlib import Path

PAGE = (ROOT / "docs/scale.md").read_text(encoding="utf-8")
DAYS = 90
UNITS = {"s": 1, "min": 60, "h": 3600}


def seconds(cell: str) -> float:
    number, unit = cell.split()
    return float(number) * UNITS[unit]


ROWS = [
    pytest.param([cell.strip() for cell in line.strip("| ").split("|")], id=line)
    for line in PAGE.partition("| A | N |")[2].partition("\n\n")[0].splitlines()[2:]
]


@pytest.mark.share
@pytest.mark.parametrize("cells", ROWS)
def test_a_row_of_the_table(cells: list[str], tmp_path: Path) -> None:
    agents, a_day, first, first_10, each, each_10, each_50 = cells
    team, calls, loading, following = (
        int(cell.replace(",", "")) for cell in (agents, a_day, first, each)
    )
    # An agent costs the same whichever others there are; some are enough.
    some = min(team, 4)
    work = Work(some, DAYS * calls // team, a_day=calls / team)
    path = tmp_path / "calls.sqlite"
    with work.client() as client:
        assert sync(client, work.agents, path, audit=0).complete
        assert loading == pytest.approx(work.asked * team / some, rel=0.05)
        sync_after(work, 600)
        assert sync(client, work.agents, path, audit=0).complete
        assert following == pytest.approx(work.asked * team / some, rel=0.05)
    for requests, rate, cell in (
        (loading, 10, first_10),
        (following, 10, each_10),
        (following, 50, each_50),
    ):
        assert seconds(cell) == pytest.approx(requests / rate, rel=0.05)


def sync_after(work: Work, wait: float) -> None:
    work.seconds += wait
    work.asked = 0


def test_a_run_takes_its_requests_divided_by_the_rate(tmp_path: Path) -> None:
    work = Work(400, 40, a_day=1, a_second=10)
    began = work.seconds
    with work.client(concurrency=1) as client:
        assert sync(client, work.agents, tmp_path / "calls.sqlite", audit=0).complete
    assert work.seconds - began == pytest.approx(work.asked / 10, rel=0.05)


def test_the_audit_takes_the_share_that_the_page_says(tmp_path: Path) -> None:
    work = Work(100, 40, a_day=1)
    path = tmp_path / "calls.sqlite"
    with work.client() as client:
        sync(client, work.agents, path)
        sync_after(work, 2 * 86_400)
        assert sync(client, work.agents, path).complete
    assert work.asked == pytest.approx(105, rel=0.02)
    assert "The audit takes 5 % more" in PAGE


def test_the_formulas_are_those_of_the_table() -> None:
    assert len(ROWS) == 6
    for row in ROWS:
        cells: Any = row.values[0]
        team, calls, loading, following = (
            int(cells[number].replace(",", "")) for number in (0, 1, 2, 4)
        )
        before, a_day = DAYS * calls / team, calls / team
        one_loads = 1 if before < 100 else before / 85 + 1
        one_follows = 1 if a_day < 95 else ceil(a_day / 85)
        assert loading == pytest.approx(team * one_loads, rel=0.05)
        assert following == pytest.approx(team * one_follows, rel=0.05)
