"""Write each event to stdout at once, one line each: text for a terminal, NDJSON for programs."""

from __future__ import annotations

import select
import sys
import time
from typing import TYPE_CHECKING

from agentcalls.cli.show.cells import table_columns
from agentcalls.cli.show.output import console, printable, write_json
from agentcalls.cli.show.table import GAP, NARROWEST, STYLES, TableColumn, fitted, line

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TextIO

    from rich.text import Text

    from agentcalls import Call
    from agentcalls.cli.commands.tail.following import Event
    from agentcalls.cli.zone import Zone

# The rows are still unknown, so the widths are fixed. The longest change is "answered → cancelled"; the longest number
# in E.164 form has 15 digits.
_WIDTHS = {
    "CREATED": 19,
    "STATUS": 20,
    "DIRECTION": 9,
    "FROM": 16,
    "TO": 16,
    "TIME": 6,
    "TEST": 4,
    "REASON": 0,
    "ID": 36,
}
_FAIR, _ROOMY = 74, 100
_YEAR = "2026-"
_WIDER = 8  # than the same columns of a list, whose statuses are one word


def json_writer(agent_id: str) -> Callable[[Event], None]:
    """A function that writes an event as a line of JSON; the call is as in an export."""
    from agentcalls.table.text import row_of  # noqa: PLC0415  # help does not need the models

    def write(event: Event) -> None:
        row = {"event": event.kind, "previous_status": event.previous_status}
        write_json(row | {"call": row_of(agent_id, event.call)})
        sys.stdout.flush()

    return write


def terminal_writer(zone: Zone) -> Callable[[Event], None]:
    """Write a table's heading now; returns a function that writes an event, such as `ringing → ended`."""
    from rich.text import Text  # noqa: PLC0415  # JSON does not need Rich

    out = console(sys.stdout)
    room, is_narrow = out.width - _WIDER, out.width < _FAIR
    left_out = {"FROM"} if room < _ROOMY else set[str]()
    left_out |= {"REASON"} if is_narrow else set[str]()
    # A change is often a matter of seconds, so they are shown at any width; without room, the year gives way.
    columns = [
        column
        for column in table_columns(None, room, zone, seconds=True)
        if column.heading not in left_out
    ]
    widths = [_WIDTHS[column.heading] for column in columns]
    widths[0] += len("Z") * zone.is_utc
    if is_narrow:
        text = columns[0].text
        columns[0] = TableColumn("CREATED", lambda call: text(call)[len(_YEAR) :])
        widths[0] -= len(_YEAR)
    spare = out.width - sum(widths) - GAP * (len(widths) - 1)
    elastic = [
        width == 0 or column.heading == "TO" for width, column in zip(widths, columns, strict=True)
    ]
    widths = [width or max(NARROWEST, spare) for width in widths]
    widths = fitted(widths, elastic, out.width)

    def show(cells: list[Text]) -> None:
        out.print(line(cells, widths, columns, cut=True), soft_wrap=True)

    def write(event: Event) -> None:
        show([_cell(column, event) for column in columns])

    show([Text(column.heading, style="bold") for column in columns])
    return write


def _cell(column: TableColumn[Call], event: Event) -> Text:
    from rich.text import Text  # noqa: PLC0415  # as above

    text = printable(column.text(event.call))
    if column.heading != "STATUS":
        return Text(text)
    before = f"{printable(event.previous_status)} → " if event.previous_status else ""
    return Text(before + text, style=STYLES.get(text, ""))


def wait_while_read(stream: TextIO, seconds: float) -> None:
    """Wait this long; raises `BrokenPipeError` as soon as the stream's reader, such as `| head`, has stopped."""
    # On some systems, poll does not support terminals.
    if stream.isatty() or not hasattr(select, "poll"):
        time.sleep(seconds)
        return
    poll = select.poll()
    poll.register(stream.fileno(), 0)
    if poll.poll(seconds * 1000):
        raise BrokenPipeError
