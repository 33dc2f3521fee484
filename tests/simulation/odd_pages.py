"""A server whose pages and `meta` are odd, around a listing that shifts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import evolve, frozen

from simulation.shifting import MissingError, ShiftingListing

if TYPE_CHECKING:
    import random

    from agentcalls_api.models import PageMeta
    from simulation.shifting import Row


@frozen
class Oddities:
    """How the pages differ from those of the listing.

    Args:
        begins_at: The number of the first page.
        least: The shortest page that may be asked for.
        cut: Rows that are left out at the end of a full page.
        sorts_a_page: The calls of a page are sorted as asked, once the page is cut.
        beyond: What a page beyond the end is: empty, missing (404), the last page, or the first.
        counts: `total_count`: right, of the page, none, rounded, one more or one less.
        follows: `has_next_page`: right, always, never, where the page is full, or left out.
    """

    begins_at: int = 1
    least: int = 1
    cut: int = 0
    sorts_a_page: bool = False
    beyond: str = "empty"
    counts: str = "right"
    follows: str = "right"


def drawn_oddities(draw: random.Random) -> Oddities:
    """Odd pages that somewhere contradict themselves; docs/paging.md names two kinds that do not."""
    odd = Oddities(
        begins_at=draw.choice([1, 1, 1, 0]),
        least=draw.choice([1, 1, 10, 20]),
        cut=draw.choice([0, 0, 0, 1, 3]),
        sorts_a_page=draw.random() < 0.15,
        beyond=draw.choice(["empty", "empty", "missing", "last", "first"]),
        counts=draw.choice(["right", "right", "page", "none", "rounded", "more", "less"]),
        follows=draw.choice(["right", "right", "always", "never", "full", "none"]),
    )
    # A page that is counted as the whole listing, and says that no other follows, looks like one.
    return evolve(odd, follows="always") if odd.counts == "page" and odd.follows != "none" else odd


class OddPages:
    """The listing, with odd pages."""

    def __init__(self, listing: ShiftingListing, odd: Oddities) -> None:
        self._listing, self._odd = listing, odd
        self.random, self.throughout = listing.random, listing.throughout

    def fetch(self, page: int, limit: int, sort: str | None = None) -> tuple[list[Row], PageMeta]:
        odd, limit = self._odd, max(limit, self._odd.least)
        rows, meta = self._listing.fetch(page + 1 - odd.begins_at, limit, sort)
        last = max(1, -(-len(self._listing) // meta.limit))
        if page + 1 - odd.begins_at > last and odd.beyond != "empty":
            if odd.beyond == "missing":
                raise MissingError
            rows, meta = self._listing.again(last if odd.beyond == "last" else 1, limit, sort)
        count = len(rows)
        rows = rows[: len(rows) - odd.cut] if count >= meta.limit > odd.cut else rows
        if odd.sorts_a_page and sort and rows and all(row.created_on for row in rows):
            rows.sort(key=lambda row: str(row.created_on), reverse=sort.startswith("-"))
        return rows, self._said(meta, page, rows)

    def _said(self, meta: PageMeta, page: int, rows: list[Row]) -> PageMeta:
        odd, total = self._odd, meta.total_count
        counts: dict[str, Any] = {
            "right": total,
            "page": len(rows),
            "none": None,
            "rounded": round(total, -2),
            "more": total + 1,
            "less": max(0, total - 1),
        }
        follows: dict[str, Any] = {
            "right": meta.has_next_page,
            "always": True,
            "never": False,
            "full": len(rows) >= meta.limit,
            "none": None,
        }
        meta.total_count, meta.has_next_page = counts[odd.counts], follows[odd.follows]
        meta.current_page = page
        return meta
