"""Calls as rows: every field for programs, a few readable columns for people."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from agentcalls.cli.failures import Code, Failure
from agentcalls.cli.show.table import TableColumn
from agentcalls.cli.summary import Zone

if TYPE_CHECKING:
    from agentcalls import Call

FIELDS = (
    "id",
    "source",
    "destination",
    "status",
    "direction",
    "created_on",
    "duration_seconds",
    "is_test_call",
    "error_reason",
    "end_reason",
    "ringing_at",
    "ended_at",
)
"""The fields of a call, in the contract's order."""

_NARROW, _ROOMY, _WIDE = 74, 100, 140
_MINUTE = 60


def checked_fields(text: str | None) -> tuple[str, ...] | None:
    """The fields named, with commas between them; None for None. Raises `Failure` for one that no call has."""
    if text is None:
        return None
    fields = tuple(name.strip() for name in text.split(","))
    for name in fields:
        if name not in FIELDS:
            raise Failure(f"A call has no field {name!r}; it has {', '.join(FIELDS)}.", Code.USAGE)
    return fields


def table_columns(
    fields: tuple[str, ...] | None, width: int, *, utc: bool
) -> list[TableColumn[Call]]:
    """The columns of a table: these fields, or else what fits the width."""
    when = partial(_local, utc=utc, seconds=bool(fields) or width >= _ROOMY)
    if fields:
        return [TableColumn(name.upper(), partial(_field, name=name, when=when)) for name in fields]
    columns: list[tuple[int, TableColumn[Call]]] = [
        (0, TableColumn("CREATED", lambda call: when(call.created_on))),
        (0, TableColumn("STATUS", lambda call: _text(call.status))),
        (_ROOMY, TableColumn("DIRECTION", lambda call: _text(call.direction))),
        (_NARROW, TableColumn("FROM", lambda call: _text(call.source))),
        (0, TableColumn("TO", lambda call: _text(call.destination))),
        (0, TableColumn("TIME", lambda call: _duration(call.duration_seconds), is_number=True)),
        (_WIDE, TableColumn("TEST", lambda call: "test" if call.is_test_call else "")),
        (
            0,
            TableColumn(
                "REASON", lambda call: call.error_reason or call.end_reason or "", is_elastic=True
            ),
        ),
        (_WIDE, TableColumn("ID", lambda call: _text(call.id))),
    ]
    return [column for least, column in columns if width >= least]


def _field(call: Call, *, name: str, when: Any) -> str:
    value = getattr(call, name)
    if isinstance(value, bool):
        return str(value).lower()
    return str(when(value) if isinstance(value, datetime) else _text(value))


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _local(moment: datetime | None, *, utc: bool, seconds: bool) -> str:
    # A row that cannot be read has no moment.
    if moment is None:
        return ""
    zoned = Zone(is_utc=utc).of(moment).replace(tzinfo=None)
    # Not strftime, whose %Y writes the year 1 as 1.
    return f"{zoned.isoformat(' ', 'seconds' if seconds else 'minutes')}{'Z' if utc else ''}"


def _duration(seconds: int | None) -> str:
    return "" if seconds is None else f"{seconds // _MINUTE}:{seconds % _MINUTE:02}"
