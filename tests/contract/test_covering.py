from __future__ import annotations

from itertools import combinations, pairwise, product

import pytest

from contract.tool.covering import in_turn, pairs


@pytest.mark.parametrize("sizes", [(2, 2), (1, 3), (3, 1, 2), (5, 4, 3, 2), (26, 9, 5, 4)])
def test_each_two_values_of_two_parameters_stand_in_a_row(sizes: tuple[int, ...]) -> None:
    domains = {f"p{place}": range(size) for place, size in enumerate(sizes)}
    rows = pairs(domains)
    met = {(one, row[one], two, row[two]) for row in rows for one, two in combinations(domains, 2)}
    assert met == {
        (one, i, two, j)
        for one, two in combinations(domains, 2)
        for i, j in product(domains[one], domains[two])
    }
    # The two largest take so many; the others come along with them.
    largest = sorted(sizes)[-2:]
    assert len(rows) <= 1.4 * largest[0] * largest[1]
    assert rows == pairs(domains)


@pytest.mark.parametrize("number", [1, 2, 3, 20])
def test_each_thing_comes_once_right_after_each_thing(number: int) -> None:
    walk = in_turn(range(number))
    assert sorted(pairwise(walk)) == list(product(range(number), repeat=2))
