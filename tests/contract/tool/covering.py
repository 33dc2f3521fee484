"""Tables and walks that leave no pair out: what goes wrong where two things meet, no single one shows."""

from __future__ import annotations

from itertools import combinations, product
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

T = TypeVar("T")


def covering(domains: Mapping[str, Sequence[Any]], strength: int = 2) -> list[dict[str, Any]]:
    """Rows in which each value of each parameter meets each value of each other one (all-pairs testing).

    With a strength of three, each value meets each two of others. (allpairspy, the package for it, leaves triples out.)
    """
    names = list(domains)
    values = [
        [(place, number) for number in range(len(domains[it]))] for place, it in enumerate(names)
    ]
    # The keys of a dict, which keeps their order, for the rows to be the same each time.
    left = {met: None for some in combinations(values, strength) for met in product(*some)}
    rows = []
    while left:
        row = dict(next(iter(left)))
        for place in (place for place in range(len(names)) if place not in row):
            others = list(combinations(row.items(), strength - 1))
            gains = [
                sum(tuple(sorted((*other, value))) in left for other in others)
                for value in values[place]
            ]
            row[place] = gains.index(max(gains))
        for met in combinations(sorted(row.items()), strength):
            left.pop(met, None)
        rows.append({name: domains[name][row[place]] for place, name in enumerate(names)})
    return rows


def in_turn(things: Sequence[T]) -> list[T]:
    """A walk on which each thing comes right after each thing, itself as well (a de Bruijn sequence)."""
    walk = [
        it
        for place, one in enumerate(things)
        for step in ([one], *([one, two] for two in things[place + 1 :]))
        for it in step
    ]
    return [*walk, *things[:1]]
