"""A share of many combinations, drawn anew on each run; all of them at night."""

from __future__ import annotations

import os
from itertools import product
from random import Random
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

ALL = "ALL_COMBINATIONS" in os.environ


def drawn(*axes: Iterable[Any], last: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Each combination of the axes with one of the last axis, which AGENTCALLS_SEED draws; with each at night."""
    random = Random(os.environ["AGENTCALLS_SEED"])
    return [
        (*combination, one)
        for combination in product(*axes)
        for one in (last if ALL else [random.choice(last)])
    ]
