"""A seed draws the same share each time, no case is out of its reach, and the night leaves nothing out."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import drawn
from contract.tool.contract import ROOT

FAULTS = ["reset", "stall", "garbage"]
WAYS = ["own", "passed"]


class Item:
    """What of a test's item matters to the draw."""

    path = Path("test_x.py")

    def __init__(self, test: str, fault: str, way: str, mark: pytest.Mark) -> None:
        self.originalname = test
        self.nodeid = f"test_x.py::{test}[{fault}-{way}]"
        self.callspec = SimpleNamespace(params={"fault": fault, "way": way})
        self.get_closest_marker = {"share": mark}.get


def cases(test: str, *each: str, **share: Any) -> list[Any]:
    mark = pytest.mark.share(*each, **share).mark
    return [Item(test, fault, way, mark) for fault, way in product(FAULTS, WAYS)]


@pytest.fixture(autouse=True)
def _by_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawn, "ALL", False)


def kept(items: list[Any], monkeypatch: pytest.MonkeyPatch, seed: int = 1) -> list[str]:
    monkeypatch.setenv("AGENTCALLS_SEED", str(seed))
    left = drawn.not_drawn(items)
    return [item.nodeid for item in items if item not in left]


def test_each_value_that_is_named_keeps_one_case(monkeypatch: pytest.MonkeyPatch) -> None:
    names = kept(cases("test_a", "fault"), monkeypatch)
    assert [re.findall(r"\[(\w+)-", name)[0] for name in names] == FAULTS


@pytest.mark.parametrize(
    ("share", "count"), [({}, 1), ({"one_in": 2}, 3), ({"one_in": 4}, 1), ({"one_in": 9}, 1)]
)
def test_so_many_are_kept(share: Any, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(kept(cases("test_a", **share), monkeypatch)) == count


def test_a_test_has_its_own_share_unless_it_is_in_a_pool(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(kept(cases("test_a") + cases("test_b"), monkeypatch)) == 2
    pooled = cases("test_a", pool="pip") + cases("test_b", pool="pip")
    assert len(kept(pooled, monkeypatch)) == 1


def test_a_seed_repeats_its_share_and_others_reach_the_rest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    runs = [kept(cases("test_a"), monkeypatch, seed) for seed in range(100)]
    assert runs == [kept(cases("test_a"), monkeypatch, seed) for seed in range(100)]
    assert len({name for run in runs for name in run}) == len(FAULTS) * len(WAYS)


def test_nothing_is_left_out_at_night(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawn, "ALL", True)
    assert len(kept(cases("test_a"), monkeypatch)) == len(FAULTS) * len(WAYS)


def test_the_night_sets_each_variable_that_a_share_reads() -> None:
    (whole,) = re.findall(r"^WHOLE := (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    read = re.compile(r'os\.environ\.get\(\s*"([A-Z_]+)"|"([A-Z_]+)" in os\.environ')
    found = {
        name
        for path in (ROOT / "tests").rglob("*.py")
        for names in read.findall(path.read_text())
        for name in names
        if name
    }
    assert {setting.partition("=")[0] for setting in whole.split()} == found - {
        "CI",
        "SLIPCOVER_COVERAGE_DIR",
    }
