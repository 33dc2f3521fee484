"""A share of many cases, drawn anew on each run by AGENTCALLS_SEED; all of them at night."""

from __future__ import annotations

import os
from collections import defaultdict
from itertools import product
from random import Random
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pytest

ALL = "ALL_COMBINATIONS" in os.environ


def drawn(*axes: Iterable[Any], last: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Each combination of the axes with one of the last axis, which AGENTCALLS_SEED draws; with each at night."""
    random = Random(os.environ["AGENTCALLS_SEED"])
    return [
        (*combination, one)
        for combination in product(*axes)
        for one in (last if ALL else [random.choice(last)])
    ]


def not_drawn(items: Iterable[pytest.Item]) -> set[pytest.Item]:
    """What the marks `share` leave to the night.

    `@pytest.mark.share("fault", one_in=3)` keeps a third of the cases that have the same `fault`, and one at least;
    with no `one_in`, one of them. `pool="pip"` draws among all tests of the module with that pool.
    """
    if ALL:
        return set()
    pools: dict[tuple[object, ...], list[pytest.Item]] = defaultdict(list)
    shares: dict[tuple[object, ...], int] = {}
    for item in items:
        mark = item.get_closest_marker("share")
        if mark:
            place = (item.path, mark.kwargs.get("pool") or getattr(item, "originalname", ""))
            values: dict[str, object] = getattr(getattr(item, "callspec", None), "params", {})
            key = (*place, *(id(values.get(name)) for name in mark.args))  # not all can be hashed
            pools[key].append(item)
            shares[key] = mark.kwargs.get("one_in", len(pools[key]))
    return {item for key, pool in pools.items() for item in _left(pool, shares[key])}


def _left(pool: list[pytest.Item], one_in: int) -> set[pytest.Item]:
    random = Random(f"{os.environ['AGENTCALLS_SEED']} {pool[0].nodeid}")
    return set(pool) - set(random.sample(pool, max(1, len(pool) // one_in)))
