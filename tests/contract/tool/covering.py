"""Tables and walks that leave no pair out: what goes wrong where two things meet, no single one shows."""

from __future__ import annotations

from itertools import combinations, product
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

T = TypeVar("T")


def pairs(domains: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    """Rows in which each value of each parameter meets each value of each other one (all-pairs testing)."""
    names = list(domains)
    places = {name: range(len(values)) for name, values in domains.items()}
    # The keys of a dict, which keeps their order, for the rows to be the same each time.
    left = {
        ((one, i), (two, j)): None
        for one, two in combinations(names, 2)
        for i, j in product(places[one], places[two])
    }
    rows = []
    while left:
        row = dict(next(iter(left)))
        for name in (name for name in names if name not in row):
            gains = [
                sum(_pair(names, it, (name, i)) in left for it in row.items()) for i in places[name]
            ]
            row[name] = gains.index(max(gains))
        for met in combinations(((name, row[name]) for name in names), 2):
            left.pop(met, None)
        rows.append({name: domains[name][row[name]] for name in names})
    return rows


def _pair(names: list[str], *two: tuple[str, int]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(two, key=lambda it: names.index(it[0])))


def in_turn(things: Sequence[T]) -> list[T]:
    """A walk on which each thing comes right after each thing, itself as well (a de Bruijn sequence)."""
    walk = [
        it
        for place, one in enumerate(things)
        for step in ([one], *([one, two] for two in things[place + 1 :]))
        for it in step
    ]
    return [*walk, *things[:1]]
