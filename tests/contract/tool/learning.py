"""What a host's answers say of its search and of its orders, which the contract leaves open: pure, and once said, held.

A search looks at some fields and not at others, at whole texts or at parts of them; an order has some collation. Which,
is for each host to say; but it says the same of each row.
"""

from __future__ import annotations

import re
from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import attrs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from contract.tool.host import Answer, Row

Way = tuple[str, str, bool]
SHORTEST = 3  # of less, some indexes know nothing
FEW = 8  # values, in whatever order they are: that of an enum, for one


def ways(row: Row, text: str) -> frozenset[Way]:
    """The ways in which a row has a text: in which field, at which place of it, and whether in its case."""
    found = set()
    for name, value in row.items():
        if isinstance(value, str) and text.casefold() in value.casefold():
            place = value.casefold().index(text.casefold())
            before, after = value[:place], value[place + len(text) :]
            edges = (_edge(before[-1:], text[:1]), _edge(text[-1:], after[:1]))
            how = "whole" if not before and not after else " ".join(edges)
            found.add((name, how, text in value))
    return frozenset(found)


def _edge(one: str, two: str) -> str:
    return "inside" if one.isalnum() and two.isalnum() else "at a word"


@attrs.define
class Search:
    """The ways in which rows are found, and those in which they are not."""

    not_found: dict[Way, Answer] = attrs.field(factory=dict)
    found: dict[frozenset[Way], tuple[str, Answer]] = attrs.field(factory=dict)

    def contradiction(
        self, rows: Mapping[str, Row], text: str, ids: set[str], answer: Answer
    ) -> tuple[str, Answer, Answer] | None:
        """What a search says that contradicts an earlier one: a row that is found, and the two answers."""
        if len(text.strip()) < SHORTEST or text != text.strip():
            return None
        for id_, row in rows.items():
            has = ways(row, text)
            if not has:
                continue
            if id_ in ids:
                self.found.setdefault(has, (id_, answer))
            else:
                self.not_found |= {way: answer for way in has if way not in self.not_found}
        for has, (id_, shown) in self.found.items():
            if has <= self.not_found.keys():
                return id_, shown, self.not_found[min(has)]
        return None


def is_ordered(values: Sequence[Any], *, reverse: bool = False) -> bool:
    """Whether values are in an order that some database has; nulls stand at either end."""
    nulls = [value is None for value in values]
    if sum(one != two for one, two in pairwise(nulls)) > 1:
        return False
    there = [value for value in values if value is not None]
    if len(set(there)) <= FEW and all(isinstance(it, str) for it in there):
        return len(groups(there)) == len(set(there))
    for key in _collations(there):
        keys = [key(value) for value in there]
        if keys == sorted(keys, reverse=reverse):
            return True
    return False


def groups(values: Iterable[Any]) -> list[Any]:
    """The values in their order, those that follow themselves once; without nulls."""
    there = [value for value in values if value is not None]
    return [it for place, it in enumerate(there) if place == 0 or it != there[place - 1]]


def _collations(values: Sequence[Any]) -> list[Callable[[Any], Any]]:
    if not all(isinstance(it, str) for it in values):
        return [lambda it: it]
    if values and all(re.match(r"\d{4}-\d\d-\d\dT", it) for it in values):
        return [datetime.fromisoformat]
    return [
        str,
        str.casefold,
        lambda it: re.sub(r"\W", "", it).casefold(),
        lambda it: [(part.isdigit(), part.zfill(40)) for part in re.split(r"(\d+)", it)],
    ]
