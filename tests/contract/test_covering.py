from __future__ import annotations

from itertools import combinations, pairwise, product
from math import prod

import pytest

from contract.tool.covering import covering, in_turn


@pytest.mark.parametrize("strength", [2, 3])
@pytest.mark.parametrize("sizes", [(2, 2, 2), (1, 3, 2), (3, 1, 2), (5, 4, 3, 2), (26, 9, 5, 4)])
def test_each_two_or_three_values_of_as_many_parameters_stand_in_a_row(
    sizes: tuple[int, ...], strength: int
) -> None:
    domains = {f"p{place}": range(size) for place, size in enumerate(sizes)}
    rows = covering(domains, strength)
    met = {some for row in rows for some in combinations(row.items(), strength)}
    assert met == {
        tuple(zip(names, values, strict=True))
        for names in combinations(domains, strength)
        for values in product(*(domains[name] for name in names))
    }
    # The largest take so many; the others come along with them.
    assert len(rows) <= 1.4 * prod(sorted(sizes)[-strength:])
    assert rows == covering(domains, strength)


@pytest.mark.parametrize("number", [1, 2, 3, 20])
def test_each_thing_comes_once_right_after_each_thing(number: int) -> None:
    walk = in_turn(range(number))
    assert sorted(pairwise(walk)) == list(product(range(number), repeat=2))
