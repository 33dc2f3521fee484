"""Calls for tests of what is decided about calls."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import attrs

from agentcalls import Call

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def call(id: str | None = "call_1", status: str = "ended", *, at: datetime | None = NOON) -> Call:
    """A call of this id, status and moment of creation; all else is None."""
    nothing: Any = None
    fields: dict[str, Any] = dict.fromkeys(field.name for field in attrs.fields(Call) if field.init)
    return Call(**fields | {"id": id or nothing, "status": status, "created_on": at or nothing})
