"""Whether a server honours a sort: what the answers to a probe say, and what a walk does with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from agentcalls.reading.server_pages import ServerPages
from agentcalls.reading.walk.sort import KnownSorts, SortProbe
from agentcalls.reading.walk.walk import Walk
from agentcalls.request.query import CallQuery
from agentcalls.values import Checkpoint, Page
from simulation.shifting import BINDING, RefusedError, Row, ShiftingListing, moment, seeded

if TYPE_CHECKING:
    from collections.abc import Sequence


def rows_of(*seconds: int) -> list[Row]:
    return [Row(f"call_{second}", moment(second)) for second in seconds]


def verdict(
    rising: Sequence[Row] | None, falling: Sequence[Row] | None, *, seen: tuple[int, ...] = (40, 60)
) -> bool | None:
    keys = [moment(second) for second in seen]
    probe = SortProbe("created_on", min(keys, default=None), max(keys, default=None))
    windows = [probe.plan(0), probe.plan(0)]
    assert [(one.page, one.limit, one.sort) for one in windows if one] == [
        (1, 10, "created_on"),
        (1, 10, "-created_on"),
    ]
    assert probe.plan(0) is None
    probe.take(rising)
    assert not probe.done
    probe.take(falling)
    assert probe.done
    return probe.verdict


@pytest.mark.parametrize(
    ("rising", "falling", "expected"),
    [
        (rows_of(1, 2, 3), rows_of(99, 98), True),
        (rows_of(40, 45), rows_of(60, 55), True),  # the listing is what was seen
        (rows_of(40, 50), rows_of(60, 50), None),  # rows that are in both show no direction
        (rows_of(60, 50), rows_of(60, 50), False),  # ignored, newest first
        (rows_of(40, 50), rows_of(40, 50), False),  # ignored, oldest first
        (rows_of(99, 98), rows_of(1, 2), False),  # turned round
        (rows_of(1, 3, 2), rows_of(99, 98), False),
        (rows_of(40), rows_of(40), False),
        (None, rows_of(99), False),
        (rows_of(1), None, False),
        (rows_of(), rows_of(99), None),
        (rows_of(1), rows_of(), None),
        (rows_of(41, 50), rows_of(99, 98), None),  # the oldest that was seen is older
        (rows_of(1, 2), rows_of(59, 50), None),  # the newest that was seen is newer
    ],
)
def test_rows_in_each_direction_tell_whether_a_sort_is_honoured(
    rising: list[Row] | None,
    falling: list[Row] | None,
    expected: bool | None,  # noqa: FBT001
) -> None:
    assert verdict(rising, falling) is expected


def test_rows_of_one_key_tell_nothing() -> None:
    assert verdict(rows_of(5, 5), rows_of(5, 5), seen=(5,)) is None


def test_where_nothing_was_seen_the_rows_themselves_must_do() -> None:
    assert verdict(rows_of(1, 2), rows_of(9, 8), seen=()) is True
    assert verdict(rows_of(9, 8), rows_of(9, 8), seen=()) is False


def test_the_first_name_that_is_honoured_is_the_best() -> None:
    sorts = KnownSorts()
    assert (sorts.best, sorts.next_to_try) == (None, "created_on")
    sorts.learn("created_on", honoured=False)
    assert (sorts.best, sorts.next_to_try) == (None, "created_at")
    sorts.learn("created_at", honoured=True)
    assert (sorts.best, sorts.next_to_try) == ("created_at", None)


def read(
    listing: ShiftingListing, sorts: KnownSorts, *, sort: str | None = None, **settings: Any
) -> tuple[list[str | None], Walk[Row], list[str | None]]:
    """What a walk delivers, the walk, and the sorts that were asked for, in their order."""
    walk: Walk[Row] = Walk(binding=BINDING, sorts=sorts, sort=sort, **settings)
    delivered: list[str | None] = []
    asked: list[str | None] = []
    while window := walk.plan():
        asked.append(window.sort or sort)
        try:
            rows, meta = listing.fetch(window.page, window.limit, asked[-1])
        except RefusedError:
            assert walk.refuse(window)
        else:
            delivered += [row.id for row in walk.accept(window, rows, meta)]
    return delivered, walk, asked


def listing_of(size: int, **settings: Any) -> ShiftingListing:
    return ShiftingListing(list(range(size)), seeded(1), **settings)


def test_a_listing_of_one_page_is_asked_nothing_more() -> None:
    delivered, walk, asked = read(listing_of(99), sorts := KnownSorts())
    assert len(delivered) == 99
    assert asked == [None]
    assert walk.report.proof == "answer"
    assert sorts.best is None


def test_a_longer_listing_is_probed_once_and_then_asked_for_newest_first() -> None:
    sorts = KnownSorts()
    delivered, walk, asked = read(listing_of(250, newest_first=True), sorts)
    assert len(set(delivered)) == len(delivered) == 250
    assert asked == [None, "created_on", "-created_on", *["-created_on"] * (len(asked) - 3)]
    assert walk.report.proof == "order"
    _, walk, asked = read(listing_of(250), sorts)
    assert set(asked) == {"-created_on"}
    assert walk.report.requests == walk.report.pages == 3


@pytest.mark.parametrize("refuses", [False, True])
def test_the_other_name_is_tried_where_one_is_ignored_or_refused(refuses: bool) -> None:  # noqa: FBT001
    sorts = KnownSorts()
    listing = listing_of(250, names=("created_at",), refuses=refuses)
    delivered, walk, asked = read(listing, sorts)
    assert len(set(delivered)) == len(delivered) == 250
    assert asked[:5] == [None, "created_on", "-created_on", "created_at", "-created_at"]
    assert set(asked[5:]) == {"-created_at"}
    assert walk.report.proof == "order"


@pytest.mark.parametrize("by_change", [False, True])
def test_a_server_that_ignores_both_names_is_held_to_its_count(by_change: bool) -> None:  # noqa: FBT001
    sorts = KnownSorts()
    delivered, walk, asked = read(listing_of(250, names=(), by_change=by_change), sorts)
    assert len(set(delivered)) == len(delivered) == 250
    assert walk.report.proof == "count"
    _, walk, asked = read(listing_of(250, names=()), sorts)
    assert set(asked) == {None}


def test_a_count_that_does_not_agree_is_named_with_what_was_read() -> None:
    _, walk, _ = read(listing_of(800, names=(), cap=797), KnownSorts())
    assert not walk.report.complete
    assert "797 calls at first and 797 at last, and 800 were read" in (walk.report.reason or "")


def test_the_callers_sort_is_probed_and_kept() -> None:
    sorts = KnownSorts()
    delivered, walk, asked = read(listing_of(250), sorts, sort="created_on")
    assert len(delivered) == 250
    assert walk.report.proof == "order"
    assert asked[:3] == ["created_on", "created_on", "-created_on"]
    assert set(asked[3:]) == {"created_on"}
    _, walk, asked = read(listing_of(250, newest_first=True, names=()), sorts, sort="created_on")
    # The client holds that the server honours it; the direction of the first page says otherwise.
    assert walk.report.proof == "count"


def test_a_time_window_rests_on_the_order_alone() -> None:
    window: dict[str, Any] = {"since": moment(50), "until": moment(180)}
    delivered, walk, _ = read(listing_of(250), KnownSorts(), **window)
    assert (len(delivered), walk.report.proof) == (130, "order")
    delivered, walk, _ = read(listing_of(250, names=()), KnownSorts(), **window)
    assert (len(delivered), walk.report.complete) == (130, False)
    assert "time window" in (walk.report.reason or "")


def test_a_time_window_that_the_first_page_covers_is_read_again_in_the_order_that_proves_it() -> (
    None
):
    sorts = KnownSorts()
    listing = listing_of(1000, newest_first=True)
    delivered, walk, asked = read(listing, sorts, since=moment(950))
    assert (len(delivered), walk.report.proof) == (50, "order")
    assert asked == [None, "created_on", "-created_on", "-created_on"]
    _, walk, asked = read(listing, sorts, since=moment(950))
    assert asked == ["-created_on"]


@pytest.mark.parametrize("names", [("created_on",), ()])
def test_a_walk_that_ends_within_its_first_page_goes_on_from_its_checkpoint(
    names: tuple[str, ...],
) -> None:
    listing = listing_of(250, names=names, newest_first=True)
    first: Walk[Row] = Walk(binding=BINDING, sorts=KnownSorts())
    window = first.plan()
    assert window
    given = [row.id for row in first.accept(window, *listing.fetch(1, 100))][:40]
    resume = Checkpoint.from_json(first.checkpoint(40).to_json())
    delivered, walk, _ = read(listing, KnownSorts(), resume=resume)
    assert len(set(given + delivered)) == len(given + delivered) == 250
    assert walk.report.complete is bool(names)
    assert names or "resumed" in (walk.report.reason or "")


def test_an_id_that_comes_again_far_behind_is_noticed() -> None:
    listing = listing_of(5000)
    listing._rows[100].row = listing._rows[2490].row
    _, walk, _ = read(listing, KnownSorts())
    assert not walk.report.complete
    assert "twice" in (walk.report.reason or "")


def test_what_is_compared_for_repeats_stays_bounded_where_the_order_is_the_proof() -> None:
    _, walk, _ = read(listing_of(90_000), KnownSorts())
    assert walk.report.proof == "order"


@pytest.mark.parametrize("extra", [3, 100])
def test_a_count_capped_at_the_end_of_a_full_page_ends_no_walk(extra: int) -> None:
    listing = listing_of(100 + extra, cap=100)
    delivered, walk, _ = read(listing, KnownSorts())
    assert len(delivered) == 100 + extra
    assert walk.report.proof == "order"
    assert "100" in (walk.report.caveat or "")


@pytest.mark.parametrize("says", [True, False])
@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("limit", [1, 25, 30, 60, 99])
def test_a_server_that_gives_shorter_pages_is_read_whole(
    limit: int,
    exact: bool,  # noqa: FBT001
    says: bool,  # noqa: FBT001
) -> None:
    listing = listing_of(230, limit=limit, says_limit=says)
    delivered, walk, _ = read(listing, KnownSorts(), exact=exact)
    assert len(set(delivered)) == len(delivered) == 230
    if exact:
        # Pages of one row cannot overlap.
        assert walk.report.complete is (limit > 1)


def test_a_walk_resumed_in_plain_pages_far_on_asks_for_no_order() -> None:
    resume = Checkpoint(binding=BINDING, position=200, plain=True)
    delivered, walk, asked = read(listing_of(250), KnownSorts(), resume=resume)
    assert (len(delivered), set(asked)) == (50, {None})
    assert not walk.report.complete


def test_a_probe_that_tells_nothing_is_asked_again_by_the_next_walk() -> None:
    class Shrinking(ShiftingListing):
        def fetch(self, page: int, limit: int, sort: str | None = None) -> Any:
            rows, meta = super().fetch(page, limit, sort)
            return (rows if limit > 10 else []), meta

    sorts = KnownSorts()
    _, walk, asked = read(Shrinking(list(range(250)), seeded(1)), sorts)
    assert walk.report.proof == "count"
    assert asked[:3] == [None, "created_on", "-created_on"]
    assert sorts.next_to_try == "created_on"


@pytest.mark.parametrize("limit", [30, 60, 99])
@pytest.mark.parametrize("says", [True, False])
def test_the_servers_own_pages_go_on_where_they_come_short(limit: int, says: bool) -> None:  # noqa: FBT001
    listing = listing_of(230, limit=limit, says_limit=says)
    pages = ServerPages(CallQuery(agent_id="agent_1"))
    ids: list[str | None] = []
    while query := pages.next_query:
        rows, meta = listing.fetch(query.start, query.size)
        ids += [row.id for row in rows]
        pages.accept(Page(data=rows, meta=meta, message=None, request_id=None, rate_limit=None))
    assert len(set(ids)) == 230


def test_rows_of_one_key_behind_one_that_was_touched_show_no_direction() -> None:
    # A server that sorts by last change: an old call was changed between the two answers.
    same = [Row(f"call_{number}", moment(50)) for number in range(10)]
    assert verdict([*rows_of(1), *same[:9]], same, seen=(50,)) is None


@pytest.mark.parametrize("cap", [0, 57])
def test_an_only_page_that_holds_more_than_is_counted_proves_nothing(cap: int) -> None:
    delivered, walk, _ = read(listing_of(300, limit=60, says_limit=False, cap=cap), KnownSorts())
    assert len(delivered) == 300
    assert not walk.report.complete
    assert "does not agree" in (walk.report.reason or "")


@pytest.mark.parametrize("most", [10, 25, 60])
@pytest.mark.parametrize("group", [12, 40, 150])
@pytest.mark.parametrize("names", [("created_on",), ()])
def test_a_walk_ends_where_groups_are_as_wide_as_pages_are_long(
    most: int, group: int, names: tuple[str, ...]
) -> None:
    seconds = [number // group for number in range(500)]
    listing = ShiftingListing(seconds, seeded(1), limit=most, names=names)
    delivered, _, asked = read(listing, KnownSorts())
    assert len(set(delivered)) == len(delivered) == 500
    assert len(asked) < 500
