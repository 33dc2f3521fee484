"""Whether a call is over, even if its status is unknown or its row cannot be read."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agentcalls import Call

FINAL = frozenset({"ended", "busy", "failed", "cancelled"})
"""The known final statuses of a call."""


def is_over(call: Call) -> bool:
    """Whether a call is over: by its status, or, with any status, by its `ended_at`."""
    return call.status in FINAL or call.ended_at is not None
