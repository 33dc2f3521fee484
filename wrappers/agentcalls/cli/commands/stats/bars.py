"""A table of groups with bars, as wide as the terminal."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from agentcalls.cli.show.output import console, printable, show
from agentcalls.cli.show.table import STYLES, say_left_out
from agentcalls.cli.show.units import clock, percent, tenths

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.table import Table

    from agentcalls.cli.show.output import Row

MOST_ROWS = 25
"""How many groups of free text are shown; a pipe gets all groups."""

_ROOMY = 100
_LABEL, _WIDEST_LABEL = 26, 60
_SHORTEST_BAR, _FAIR_BAR = 6, 20
_GAP = 2
_WIDEST_BAR = 60
_BAR_OF_A_PIPE = 24
_EIGHTHS = " ▏▎▍▌▋▊▉"


def write_bars(by: str, rows: list[Row], other: Row | None) -> None:
    """Write a line for each group to stdout."""
    from rich.cells import cell_len  # noqa: PLC0415  # JSON does not need Rich

    out = console(sys.stdout)
    shown = rows if by in {"day", "hour"} or not out.is_terminal else rows[:MOST_ROWS]
    beyond: list[Row] = [{by: "(other)"} | other] if other else []
    lines = [*shown, *beyond]
    labels = [label_of(by, row[by]) for row in lines]
    table = _table()
    widest = _WIDEST_LABEL if out.width >= _ROOMY else _LABEL
    table.add_column(by.upper(), overflow="ellipsis", max_width=widest, no_wrap=True)
    table.add_column("CALLS", justify="right", no_wrap=True)
    table.add_column("SHARE", justify="right", no_wrap=True)
    table.add_column("")  # the column that shrinks
    # Within one status, either all calls or none are answered, or failed.
    cells = {name: text for name, text in _CELLS.items() if by != "status" or name not in _RATES}
    columns = [[by, *labels], ["CALLS", *(f"{row['calls']:,}" for row in lines)], ["100.0%"]]
    taken = [max(map(cell_len, texts)) for texts in columns]
    room = out.width - min(widest, taken[0]) - sum(taken[1:]) - 3 * _GAP
    shown_cells: list[Callable[[Row], str]] = []
    fitting = _that_fit(cells, lines, room)
    for heading, text in fitting.items():
        table.add_column(heading, justify="right", no_wrap=True)
        shown_cells.append(text)
    most = max((row["calls"] for row in rows), default=0)
    for row, label in zip(lines, labels, strict=True):
        table.add_row(
            _text(label, STYLES.get(label, "")),
            f"{row['calls']:,}",
            percent(row["share"]),
            _Bar(row["calls"], most, STYLES.get(label, "cyan")),
            *(text(row) for text in shown_cells),
        )
    show(table)
    if len(shown) < len(rows):
        show(f"and {len(rows) - len(shown):,} more: --json has them all")
    if out.is_terminal:
        say_left_out(cells, fitting)


def label_of(by: str, value: object) -> str:
    """A group's value in readable form."""
    if value is None:
        return "(none)"
    return f"{value:02}:00" if by == "hour" else printable(str(value))


def _that_fit(
    cells: dict[str, Callable[[Row], str]], rows: list[Row], room: int
) -> dict[str, Callable[[Row], str]]:
    # The most telling columns that the room is enough for, in the order of the table.
    chosen: set[str] = set()
    for name in filter(cells.__contains__, _TELLING):
        width = _GAP + max(len(text) for text in [name, *map(cells[name], rows)])
        # A bar may be short for the rates' sake, and for no other column's.
        if width + (_SHORTEST_BAR if name in _RATES else _FAIR_BAR) <= room:
            room -= width
            chosen.add(name)
    return {name: text for name, text in cells.items() if name in chosen}


_CELLS: dict[str, Callable[[Row], str]] = {
    "ANSWERED": lambda row: percent(row["answer_rate"]),
    "FAILED": lambda row: percent(row["failure_rate"]),
    "MEDIAN": lambda row: clock(row["duration_median_seconds"]),
    "P95": lambda row: clock(row["duration_p95_seconds"]),
    "RINGS": lambda row: tenths(row["ringing_median_seconds"]),
    "RINGS P95": lambda row: tenths(row["ringing_p95_seconds"]),
}
_TELLING = ("FAILED", "ANSWERED", "MEDIAN", "P95", "RINGS", "RINGS P95")
_RATES = {"ANSWERED", "FAILED"}


class _Bar:
    # As long as its column allows, in eighths of a character; in ASCII, in whole characters.

    def __init__(self, value: int, most: int, style: str) -> None:
        self._share = value / most if most else 0
        self._style = style

    def __rich_console__(self, console: Any, options: Any) -> Any:
        width = options.max_width
        eighths = round(self._share * width * 8)
        full, part = divmod(eighths, 8)
        blocks = "█" * full + _EIGHTHS[part].strip()
        text = "#" * round(self._share * width) if options.ascii_only else blocks
        yield _text(text, self._style)

    def __rich_measure__(self, console: Any, options: Any) -> Any:
        from rich.measure import Measurement  # noqa: PLC0415  # JSON does not need Rich

        # A line in a pipe has no maximum width.
        return Measurement(1, _WIDEST_BAR if console.is_terminal else _BAR_OF_A_PIPE)


def _text(text: str, style: str) -> Any:
    from rich.text import Text  # noqa: PLC0415  # JSON does not need Rich

    return Text(text, style=style)


def _table() -> Table:
    from rich.table import Table  # noqa: PLC0415  # the same

    return Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
