"""Failure rates of groups and days, now and in the span before, so that one sees which is bad, and since when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import define, field, frozen

from agentcalls.cli.summary import FAILED, UNDECIDED, Groups

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from agentcalls import Call

MOST_GROUPS_SHOWN = 100
OTHERS = "all others"


@define
class Rate:
    """The calls of a group in one span."""

    calls: int = 0
    decided: int = 0
    failed: int = 0

    def add(self, call: Call) -> None:
        """Count a call."""
        self.calls += 1
        self.decided += call.status not in UNDECIDED
        self.failed += call.status == FAILED

    @property
    def share(self) -> float | None:
        """Failed calls divided by decided calls; None without any."""
        return self.failed / self.decided if self.decided else None


@frozen
class Row:
    """A group, in both spans."""

    name: str
    now: Rate
    before: Rate
    is_text: bool = True
    """Whether the failed calls of the group have its name among their texts."""


@define
class Rates:
    """The rates of each group in both spans."""

    _groups: Groups[tuple[Rate, Rate]] = field(
        factory=lambda: Groups(lambda: (Rate(), Rate())), init=False
    )

    def add(self, key: Hashable, call: Call, *, before: bool) -> None:
        """Count a call."""
        self._groups.of(key)[before].add(call)

    def in_order(self, total: Rate, name_of: Callable[[Any], str]) -> list[Row]:
        """The groups, first those with the most failures beyond what the rate of all would give them.

        So a group of two failed calls does not come before one of two hundred in a thousand. Equal names are numbered.
        """
        share = total.share or 0
        groups = sorted(
            self._groups.by_key.items(),
            key=lambda item: (share * item[1][0].decided - item[1][0].failed, str(item[0])),
        )
        names: dict[str, int] = {}
        rows: list[Row] = []
        for key, (now, before) in groups[:MOST_GROUPS_SHOWN]:
            name = name_of(key) if key is not None else "(none)"
            names[name] = names.get(name, 0) + 1
            label = name if names[name] == 1 else f"{name} ({names[name]})"
            rows.append(Row(label, now, before, is_text=label == name and key is not None))
        rest = [pair for _, pair in groups[MOST_GROUPS_SHOWN:]]
        rest += [self._groups.other] if self._groups.other else []
        if rest:
            now, before = map(_sum, zip(*rest, strict=True))
            rows.append(Row(OTHERS, now, before, is_text=False))
        return rows

    def by_key(self) -> dict[Any, Rate]:
        """The rate of each group now."""
        return {key: now for key, (now, _) in self._groups.by_key.items()}


def _sum(rates: tuple[Rate, ...]) -> Rate:
    return Rate(
        sum(rate.calls for rate in rates),
        sum(rate.decided for rate in rates),
        sum(rate.failed for rate in rates),
    )
