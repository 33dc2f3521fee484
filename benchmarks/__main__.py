"""Measure, or judge the last results.

python -m benchmarks [--quick] [--only NAME …]     measure, print the table, write the results
python -m benchmarks --check                       say which goals the last full results miss; exit 1 if any
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.command_line import COMMAND_LINE
from benchmarks.copies import COPIES
from benchmarks.goals import GOALS
from benchmarks.measures import FULL, NETWORKED, QUICK
from benchmarks.report import Results, about, is_met, load, outdated, publish, save, table
from benchmarks.startup import FRESH

if TYPE_CHECKING:
    from benchmarks.figures import Figure

_RESULTS = Path(__file__).with_name("results.json")
_README = Path(__file__).with_name("README.md")
_QUICK_RESULTS = Path(__file__).parents[1] / "reports/bench-quick.json"
_MEASURES = {measure.__name__: measure for measure in (*NETWORKED, *FRESH, *COMMAND_LINE, *COPIES)}


def measure(*, quick: bool, only: list[str]) -> None:
    """Take all measures, or `only` some, and print the table; only a full run is saved."""
    path = _QUICK_RESULTS if quick else _RESULTS
    figures: dict[str, Figure] = {}
    for name in only or _MEASURES:
        began = time.perf_counter()
        figures |= _MEASURES[name](QUICK if quick else FULL)
        print(f"{name}: {time.perf_counter() - began:.0f} s", file=sys.stderr)
    results = Results(about(quick=quick), figures)
    if not only:
        save(results, path)
    if not only and not quick:
        publish(results, _README)
    print(table(results))


def check() -> int:
    """The exit code for the last full results: 1 if a goal is missed."""
    results = load(_RESULTS)
    print(table(results))
    if outdated(results):
        print("The facade may have changed since: run `make bench` again.", file=sys.stderr)
    missed = [goal for goal in GOALS if not is_met(goal, results.figures)]
    for goal in missed:
        print(f"missed: {goal.text} ({goal.figure})", file=sys.stderr)
    print(f"{len(GOALS) - len(missed)} of {len(GOALS)} goals are met.")
    return 1 if missed else 0


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer pages and rounds")
    parser.add_argument("--only", nargs="+", default=[], choices=_MEASURES, help="write nothing")
    parser.add_argument("--check", action="store_true", help="judge the last results")
    asked = parser.parse_args()
    if asked.check:
        return check()
    measure(quick=asked.quick, only=asked.only)
    return 0


if __name__ == "__main__":
    sys.exit(main())
