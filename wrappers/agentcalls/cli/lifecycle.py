"""What a call has come to, where the contract leaves it open or a row cannot be read."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agentcalls import Call

FINAL = frozenset({"ended", "busy", "failed", "cancelled"})
"""The known statuses that a call does not leave."""


def is_over(call: Call) -> bool:
    """Whether a call has come to its end: by its status, or, whatever that is called, by its `ended_at`."""
    return call.status in FINAL or call.ended_at is not None
