"""Calls as table rows: every field for programs, a few readable columns for people."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from agentcalls.checks import did_you_mean
from agentcalls.cli.failures import Code, Failure
from agentcalls.cli.show.output import to_json
from agentcalls.cli.show.table import TableColumn

if TYPE_CHECKING:
    from collections.abc import Callable

    from agentcalls import Call
    from agentcalls.cli.zone import Zone
    from agentcalls.table.columns import Column

_NARROW, _ROOMY, _WIDE = 74, 100, 140
_MINUTE = 60


def fields() -> dict[str, Column]:
    """The fields of a call by JSON name, in the contract's order."""
    from agentcalls.table.columns import COLUMNS  # noqa: PLC0415  # help does not need it

    return {column.name: column for column in COLUMNS[1:-1]}


def checked_fields(text: str | None) -> tuple[str, ...] | None:
    """The fields in a comma-separated text; None for None. Raises `Failure` for an unknown field."""
    if text is None:
        return None
    names = tuple(name.strip() for name in text.split(","))
    known = fields()
    for name in names:
        if name not in known:
            raise Failure(
                f"A call has no field {name!r}; it has {', '.join(known)}.{did_you_mean(name, known)}",
                Code.USAGE,
            )
    return names


def table_columns(
    names: tuple[str, ...] | None, width: int, zone: Zone, *, seconds: bool = False
) -> list[TableColumn[Call]]:
    """The columns of a table: these fields, otherwise the columns that fit the width.

    Times have seconds where there is room, or with `seconds`.
    """
    when = partial(local, zone=zone, seconds=seconds or bool(names) or width >= _ROOMY)
    if names:
        known = fields()
        return [
            TableColumn(name.upper(), partial(_field, column=known[name], when=when))
            for name in names
        ]
    columns: list[tuple[int, TableColumn[Call]]] = [
        (0, TableColumn("CREATED", lambda call: when(call.created_on))),
        (0, TableColumn("STATUS", lambda call: _text(call.status))),
        (_ROOMY, TableColumn("DIRECTION", lambda call: _text(call.direction))),
        (_NARROW, TableColumn("FROM", lambda call: _text(call.source))),
        (0, TableColumn("TO", lambda call: _text(call.destination))),
        (0, TableColumn("TIME", lambda call: duration(call.duration_seconds), is_number=True)),
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


def _field(call: Call, *, column: Column, when: Callable[[datetime], str]) -> str:
    value = _value(call, column, when)
    return _text(value) if value is None or isinstance(value, str) else to_json(value)


def _value(call: Call, column: Column, when: Callable[[datetime], str]) -> Any:
    from agentcalls.table.columns import value_of  # noqa: PLC0415  # as above

    return value_of(
        call, column, lambda leaf: when(leaf) if isinstance(leaf, datetime) else str(leaf)
    )


def _text(value: object) -> str:
    return "" if value is None else str(value)


def local(moment: datetime | None, *, zone: Zone, seconds: bool) -> str:
    """The moment in this zone, to the second or the minute; "" for None."""
    # A row that breaks the contract may have no timestamp.
    if moment is None:
        return ""
    zoned = zone.of(moment).replace(tzinfo=None)
    # Not strftime: its %Y writes the year 1 as 1.
    return (
        f"{zoned.isoformat(' ', 'seconds' if seconds else 'minutes')}{'Z' if zone.is_utc else ''}"
    )


def duration(seconds: int | None) -> str:
    """Minutes and seconds, as in 1:05; "" for None."""
    return "" if seconds is None else f"{seconds // _MINUTE}:{seconds % _MINUTE:02}"
