"""A call and its transcript, for people: the call's fields, and then a line for each message."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from agentcalls.cli.failures import Code, Failure
from agentcalls.cli.show.cells import duration, local
from agentcalls.cli.show.output import printable, printable_lines, show
from agentcalls.cli.show.phone_numbers import call_without_numbers

if TYPE_CHECKING:
    from rich.table import Table

    from agentcalls import CallDetail
    from agentcalls.cli.zone import Zone

Row = dict[str, Any]

_LONGEST_ROLE = 16
_FIELDS = (
    ("Call", "id"),
    ("Agent", "agent_id"),
    ("Status", "status"),
    ("Direction", "direction"),
    ("From", "source"),
    ("To", "destination"),
    ("Created", "created_on"),
    ("Ringing", "ringing_at"),
    ("Answered", "answered_at"),
    ("Ended", "ended_at"),
    ("Time", "duration_seconds"),
    ("Test call", "is_test_call"),
    ("Error", "error_reason"),
    ("End", "end_reason"),
)


def row_of(found: CallDetail, asked: str, *, show_numbers: bool) -> Row:
    """The call that was asked for, as JSON has it; raises `Failure` for another call."""
    if found.id not in {None, asked}:
        raise Failure(f"The server answered with another call: {found.id}.", Code.SERVER)
    row = {"agent_id": found.agent_id, **found.to_dict()}
    return row if show_numbers else call_without_numbers(row)


def write_conversation(row: Row, zone: Zone) -> None:
    """Write a call, as JSON has it, to stdout; values that it does not have are left out."""
    from rich.text import Text  # noqa: PLC0415  # JSON does not need Rich

    fields = _grid(1)
    for title, name in _FIELDS:
        if text := _value(name, row.get(name), zone):
            fields.add_row(Text(title, style="bold"), Text(text, overflow="fold"))
    messages = row.get("conversation_logs")
    if not isinstance(messages, list) or not messages:
        show(fields, "", "No transcript.")
        return
    said = _grid(2)
    for message in cast("list[object]", messages):
        when, role, text = _message(message, zone)
        said.add_row(when, Text(role, style="bold"), Text(text, overflow="fold"))
    show(fields, "", said)


def _grid(narrow: int) -> Table:
    from rich.table import Table  # noqa: PLC0415  # as above

    grid = Table.grid(padding=(0, 2))
    for _ in range(narrow):
        grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    return grid


def _value(name: str, value: object, zone: Zone) -> str:
    if name == "duration_seconds" and isinstance(value, int):
        return duration(value)
    if name == "is_test_call":
        return "yes" if value is True else ""
    return "" if value is None else printable(_when(value, zone) or str(value))


def _when(value: object, zone: Zone) -> str:
    # A moment as this zone shows it; "" for anything else.
    try:
        return local(datetime.fromisoformat(cast("str", value)), zone=zone, seconds=True)
    except (TypeError, ValueError):
        return ""


def _message(message: object, zone: Zone) -> tuple[str, str, str]:
    # When, who and what. A message that breaks the contract is shown as it is.
    if not isinstance(message, dict):
        return "", "?", printable(str(message))
    found = cast("Row", message)
    text, attachments = found.get("message"), found.get("attachments")
    extra = cast("list[object]", attachments) if isinstance(attachments, list) else []
    lines = [*([] if text is None else [str(text)]), *map(_attachment, extra)]
    said = "\n".join(lines) or f"({found.get('message_type') or 'nothing'})"
    role = printable(str(found.get("role") or "?"))[:_LONGEST_ROLE]
    return (
        _when(found.get("created_at"), zone).partition(" ")[2],
        role,
        printable_lines(said.replace("\r\n", "\n").replace("\t", " ")),
    )


def _attachment(value: object) -> str:
    one = cast("Row", value) if isinstance(value, dict) else {}
    return f"[{one.get('type') or 'attachment'}] {one.get('url') or value}"
