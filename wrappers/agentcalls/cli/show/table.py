"""A streaming table for people: the first rows set the widths of all rows."""

from __future__ import annotations

import sys
from itertools import chain, islice
from typing import TYPE_CHECKING, Generic, TypeVar

from attrs import frozen

from agentcalls.cli.show.output import UNBOUNDED, console, printable, say

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from rich.text import Text

T = TypeVar("T")

_SAMPLE = 100
GAP = 2
NARROWEST = 6
_LEAST = 3

STYLES = {
    "failed": "red",
    "busy": "yellow",
    "cancelled": "yellow",
    "ended": "green",
    "answered": "cyan",
    "ringing": "cyan",
    "queued": "cyan",
    "live": "green",  # this and the next two of an agent
    "paused": "yellow",
    "development": "cyan",
}


@frozen
class TableColumn(Generic[T]):
    """One column: its heading, and the text and style of a cell."""

    heading: str
    text: Callable[[T], str]
    is_number: bool = False
    is_elastic: bool = False
    """Whether it shrinks if the terminal is too narrow."""


def write_table(rows: Iterable[T], columns_at: Callable[[int], Sequence[TableColumn[T]]]) -> None:
    """Write rows to stdout as they come; on a terminal, a cell that is too long is cut.

    `columns_at` gives the columns for a width. Those that the terminal has no room for are named on stderr.
    """
    from rich.cells import cell_len  # noqa: PLC0415  # JSON does not need Rich
    from rich.text import Text  # noqa: PLC0415  # the same

    out = console(sys.stdout)
    columns = columns_at(out.width)
    coming = iter(rows)
    sample = list(islice(coming, _SAMPLE))
    widths = [
        max(cell_len(text) for text in [column.heading, *(_shown(column, row) for row in sample)])
        for column in columns
    ]
    widths = fitted(widths, [column.is_elastic for column in columns], out.width)

    def show(cells: Sequence[Text]) -> None:
        out.print(line(cells, widths, columns, cut=out.is_terminal), soft_wrap=True)

    show([Text(column.heading, style="bold") for column in columns])
    for row in chain(sample, coming):
        texts = [_shown(column, row) for column in columns]
        show([Text(text, style=STYLES.get(text, "")) for text in texts])
    say_left_out(*([one.heading for one in some] for some in (columns_at(UNBOUNDED), columns)))


def say_left_out(headings: Iterable[str], shown: Collection[str]) -> None:
    """Say on stderr which columns the terminal has no room for."""
    if left_out := [heading for heading in headings if heading not in shown]:
        say(f"No room for {', '.join(left_out)}: a wider terminal shows them, and --json has them.")


def fitted(widths: Sequence[int], elastic: Sequence[bool], whole: int) -> list[int]:
    """The widths of columns that fit together: elastic columns shrink first, then always the widest one."""
    fitting = list(widths)

    def excess() -> int:
        return max(0, sum(fitting) + GAP * (len(fitting) - 1) - whole)

    for number, shrinks in enumerate(elastic):
        if shrinks:
            least = min(NARROWEST, fitting[number])
            fitting[number] = max(least, fitting[number] - excess())
    while excess() and max(fitting) > _LEAST:
        fitting[fitting.index(max(fitting))] -= 1
    return fitting


def line(
    cells: Sequence[Text], widths: Sequence[int], columns: Sequence[TableColumn[T]], *, cut: bool
) -> Text:
    """The cells in columns of these widths; `cut` shortens cells that are too long."""
    from rich.text import Text  # noqa: PLC0415  # JSON does not need Rich

    for cell, width, column in zip(cells, widths, columns, strict=True):
        if cut:
            cell.truncate(width, overflow="ellipsis")
        missing = width - cell.cell_len
        cell.pad_left(missing) if column.is_number else cell.pad_right(missing)
    whole = Text(" " * GAP).join(cells)
    whole.rstrip()
    return whole


def _shown(column: TableColumn[T], row: T) -> str:
    return printable(column.text(row))
