"""Figures: the median of the rounds, and their spread."""

from __future__ import annotations

from statistics import median, quantiles
from typing import TYPE_CHECKING

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Sequence

_FEW = 4


@frozen
class Figure:
    """The middle of several rounds."""

    value: float
    """Their median."""
    low: float
    """Their lower quartile; with fewer than four rounds the lowest value."""
    high: float
    """Their upper quartile; with fewer than four rounds the highest value."""
    rounds: int


def figure(values: Sequence[float]) -> Figure:
    """The figure of some rounds, at least one."""
    if len(values) < _FEW:
        return Figure(median(values), min(values), max(values), len(values))
    low, _, high = quantiles(values, n=4)
    return Figure(median(values), low, high, len(values))


def of_runs(runs: Sequence[Sequence[float]]) -> Figure:
    """The figure of some runs, each with new processes: of the median of each."""
    return figure([median(rounds) for rounds in runs])


def ratio_of_runs(ours: Sequence[Sequence[float]], theirs: Sequence[Sequence[float]]) -> Figure:
    """The ratio of two clients, the figure of the medians of each run's ratios."""
    return figure([ratio(one, other).value for one, other in zip(ours, theirs, strict=True)])


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> Figure:
    """The ratio of two clients, taken in each round, because a slow machine slows both in the same round."""
    return figure([one / other for one, other in zip(ours, theirs, strict=True)])
