"""A table for people that streams: the first rows set the widths, and the rest keep to them."""

from __future__ import annotations

import sys
from itertools import chain, islice
from typing import TYPE_CHECKING, Generic, TypeVar

from attrs import frozen

from agentcalls.cli.output import console, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from rich.text import Text

T = TypeVar("T")

_SAMPLE = 100
_GAP = 2
_NARROWEST = 6

_STYLES = {
    "failed": "red",
    "busy": "yellow",
    "cancelled": "yellow",
    "ended": "green",
    "answered": "cyan",
    "ringing": "cyan",
    "queued": "cyan",
}


@frozen
class Column(Generic[T]):
    """One column: its heading, and the text and style of a cell."""

    heading: str
    text: Callable[[T], str]
    is_number: bool = False
    is_elastic: bool = False
    """Whether it gives way where the terminal is too narrow."""


def write_table(rows: Iterable[T], columns: Sequence[Column[T]]) -> None:
    """Write rows to stdout as they come; on a terminal, a cell that is too long for its column is cut."""
    from rich.cells import cell_len  # noqa: PLC0415  # JSON need not wait for Rich
    from rich.text import Text  # noqa: PLC0415  # the same

    out = console(sys.stdout)
    coming = iter(rows)
    sample = list(islice(coming, _SAMPLE))
    widths = [
        max(cell_len(text) for text in [column.heading, *(_shown(column, row) for row in sample)])
        for column in columns
    ]
    spare = out.width - sum(widths) - _GAP * (len(columns) - 1)
    for position, column in enumerate(columns):
        if column.is_elastic and spare < 0:
            widths[position] = max(_NARROWEST, widths[position] + spare)

    def line(cells: Sequence[Text]) -> Text:
        fitted: list[Text] = []
        for cell, width, column in zip(cells, widths, columns, strict=True):
            if out.is_terminal:
                cell.truncate(width, overflow="ellipsis")
            missing = width - cell.cell_len
            cell.pad_left(missing) if column.is_number else cell.pad_right(missing)
            fitted.append(cell)
        whole = Text(" " * _GAP).join(fitted)
        whole.rstrip()
        return whole

    def show(cells: Sequence[Text]) -> None:
        out.print(line(cells), soft_wrap=True)

    show([Text(column.heading, style="bold") for column in columns])
    for row in chain(sample, coming):
        texts = [_shown(column, row) for column in columns]
        show([Text(text, style=_STYLES.get(text, "")) for text in texts])


def _shown(column: Column[T], row: T) -> str:
    return printable(column.text(row))
