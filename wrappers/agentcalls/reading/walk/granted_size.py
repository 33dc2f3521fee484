"""The size of the server's pages, which decides the position of a page in the listing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from agentcalls.errors import PaginationError
from agentcalls.reading.walk.evidence import judge
from agentcalls.reading.walk.ledger import Doubt

if TYPE_CHECKING:
    from agentcalls.reading.walk.evidence import Evidence
    from agentcalls.reading.walk.ledger import Ledger
    from agentcalls.reading.walk.plan import Plan
    from agentcalls.reading.walk.windows import Window
    from agentcalls_api.models import PageMeta

_CHANGES = 3
_LEAST_CAP = 10


class GrantedSize:
    """The page size that the server applies if it is not the requested one; it changes the plan."""

    def __init__(self, plan: Plan, ledger: Ledger) -> None:
        self._plan, self._ledger = plan, ledger
        self._changes = self._short = 0

    def judge(self, window: Window, count: int, meta: PageMeta | None) -> Evidence | None:
        """The evidence of an answer; None if its position is not the requested one, so that it is not used.

        Raises `PaginationError` if the server changes its page size too often.
        """
        plan, answer = self._plan, judge(window, count, meta)
        size = plan.plain.size if plan.plain else window.limit
        granted = answer.granted or size
        if plan.plain and granted == size and answer.short and count == self._ledger.most:
            return answer  # each page was cut as short, so their numbers go on
        if granted == size and answer.count and answer.short and answer.says_more:
            # The server may cap its pages and not say so, or its count may be old. The far end shows which.
            chain, may_change = plan.chain, self._changes < _CHANGES and not self._ledger.doubts
            if chain and may_change and not chain.far_ends and plan.ask_far_end(chain):
                return None
            # Without it, a cap is believed once, and again where two pages of a chain in a row are just as short. A
            # page of a few rows is the last that a server shows, rather than a cap.
            opens = not (chain or plan.plain)
            shown = opens or (chain and (chain.far_ends or answer.count == self._short))
            believed = self._changes < (_CHANGES if shown else 1)
            believed = believed and not (chain and answer.count < _LEAST_CAP)
            self._short = answer.count
            granted = answer.count if believed else size
        if granted != window.limit:
            answer = judge(replace(window, limit=granted), count, meta)
        if granted == size:
            return answer
        # Offsets count in pages of the applied size: only the first page has the expected position.
        self._changes += 1
        if self._changes > _CHANGES:
            raise PaginationError("The server applies another limit again and again.")
        if window.page == 1 and not plan.start:
            plan.grant(granted)
            return answer
        if not plan.chain or plan.start or granted > size:
            self._ledger.doubt(Doubt.REGRANTED)
            plan.go_plainly(plan.position, granted, None)
        else:
            plan.shrink(plan.chain, granted)
        return None
