"""The walk, clause by clause, against servers that are honest, odd, or lie."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING, Any

import pytest

from agentcalls.errors import ConfigurationError, PaginationError
from agentcalls.reading.walk.created_on import (
    direction_of,
    is_ordered,
    is_strict,
    largest_group,
    span_of,
)
from agentcalls.reading.walk.sort import KnownSorts
from agentcalls.reading.walk.walk import Walk
from agentcalls.reading.walk.windows import Window, farthest_window
from agentcalls.values import Checkpoint
from simulation.shifting import BINDING, Row, ShiftingListing, meta_of, moment, seeded

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from agentcalls_api.models import PageMeta

    Server = Callable[[int, int], tuple[Sequence[Row], PageMeta | None]]


OF_A_PROBE = 10


def rows_of(*seconds: float) -> list[Row]:
    return [Row(f"call_{second}", moment(second)) for second in seconds]


def a_walk(**settings: Any) -> Walk[Row]:
    """A walk over a server that is known to honour a sort; the oldest call first where nothing else is said."""
    sorts = KnownSorts()
    sorts.learn("created_on", honoured=True)
    given: dict[str, Any] = {"binding": BINDING, "sort": "created_on", "sorts": sorts}
    return Walk(**(given | settings))


def server_of(rows: Sequence[Row]) -> Server:
    return lambda page, limit: (
        rows[(page - 1) * limit : page * limit],
        meta_of(len(rows), page, limit),
    )


def odd(server: Server, **changes: Any) -> Server:
    """The server with other values in its meta."""

    def fetch(page: int, limit: int) -> tuple[Sequence[Row], PageMeta | None]:
        rows, meta = server(page, limit)
        for name, value in changes.items():
            setattr(meta, name, value)
        return rows, meta

    return fetch


def without_meta(server: Server) -> Server:
    return lambda page, limit: (server(page, limit)[0], None)


def read(
    server: Server, walk: Walk[Row] | None = None, *, at_most: int = 500, **settings: Any
) -> list[Row]:
    """What a walk delivers, one window at a time, within so many requests."""
    walk = walk or a_walk(**settings)
    delivered: list[Row] = []
    sort: str | None = None
    for number in range(at_most):
        window = walk.plan()
        if window is None:
            assert walk.done
            return delivered
        sort = sort if number else window.sort
        delivered += walk.accept(window, *answer_of(server, window, sort))
    raise AssertionError("the walk does not end")


def answer_of(
    server: Server, window: Window, sort: str | None
) -> tuple[Sequence[Row], PageMeta | None]:
    """The answer to a window; one that turns the order of the walk gets the last rows that the server shows."""
    if window.sort == sort or window.limit == OF_A_PROBE:
        return server(window.page, window.limit)
    every: dict[str | None, Row] = {}
    meta: PageMeta | None = None
    for page in itertools.count(1):
        rows, meta = server(page, window.limit)
        if not rows or every.keys() >= {row.id for row in rows}:
            break
        every |= {row.id: row for row in rows}
    if meta:
        meta.current_page, meta.has_previous_page = 1, False
    return [*every.values()][::-1][: window.limit], meta


def walked(server: Server, *, at_most: int = 500, **settings: Any) -> tuple[list[Row], Walk[Row]]:
    walk: Walk[Row] = a_walk(**settings)
    return read(server, walk, at_most=at_most), walk


def planned(walk: Walk[Row]) -> list[Window]:
    windows: list[Window] = []
    while len(windows) < 50 and (window := walk.plan()):
        windows.append(window)
    return windows


def ids(rows: Sequence[Row]) -> list[str | None]:
    return [row.id for row in rows]


# Windows and order.


@pytest.mark.parametrize(
    ("start", "window"),
    [(0, (1, 100)), (96, (2, 96)), (188, (3, 94)), (40, (1, 100)), (1000, (11, 100))],
)
def test_a_window_starts_at_or_before_and_reaches_farthest(
    start: int, window: tuple[int, int]
) -> None:
    found = farthest_window(start)
    assert (found.page, found.limit) == window
    assert found.offset <= start < found.end


def test_no_other_window_reaches_farther() -> None:
    for start in range(3000):
        ends = [(start // limit + 1) * limit for limit in range(1, 101)]
        window = farthest_window(start)
        assert window.end == max(ends)
        assert window.limit == max(
            limit for limit in range(1, 101) if ends[limit - 1] == window.end
        )


def test_the_order_of_keys_is_seen() -> None:
    one, two, three = moment(1), moment(2), moment(3)
    assert direction_of([one, two, two]) == 1
    assert direction_of([three, two, one]) == -1
    assert direction_of([one, three, two]) == direction_of([one, one]) == direction_of([]) == 0
    assert is_ordered([one, one, two], 1)
    assert not is_ordered([one, one, two], -1)
    assert is_strict([one, two], 1)
    assert not is_strict([one, one], 1)
    assert is_strict([two, one], -1)
    assert not is_strict([two, two], -1)
    assert largest_group([one, two, two, three]) == 2
    assert span_of(two, [one, two, two, three], 1) == (1, 3)
    assert span_of(two, [three, two, two, one], -1) == (1, 3)


# Honest listings.


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("size", [0, 1, 99])
def test_a_listing_of_one_page_costs_one_request(size: int, exact: bool) -> None:  # noqa: FBT001
    delivered, walk = walked(server_of(rows_of(*range(size))), exact=exact)
    assert len(delivered) == size
    assert walk.report.requests == walk.report.pages == 1
    assert walk.report.complete is exact
    assert walk.report.total_count_first == walk.report.total_count_last == size


def test_a_listing_of_one_page_is_complete_whatever_its_order() -> None:
    rows = rows_of(3, 1, 2, 5, 4)
    delivered, walk = walked(server_of(rows))
    assert delivered == rows
    assert walk.report.complete
    assert walk.report.reason is None


def test_a_listing_of_one_page_is_complete_where_all_its_keys_are_equal() -> None:
    rows = [Row(f"call_{number}", moment(1)) for number in range(60)]
    delivered, walk = walked(server_of(rows))
    assert delivered == rows
    assert walk.report.complete


@pytest.mark.parametrize("newest_first", [False, True])
@pytest.mark.parametrize("size", [101, 191, 192, 193, 1000])
def test_a_listing_at_rest_is_read_once_and_proven(size: int, newest_first: bool) -> None:  # noqa: FBT001
    rows = rows_of(*range(size))
    if newest_first:
        rows.reverse()
    delivered, walk = walked(server_of(rows))
    assert delivered == rows
    assert walk.report.complete
    assert walk.report.repairs == 0


def test_the_first_window_is_asked_for_alone_and_then_many_at_once() -> None:
    server = server_of(rows_of(*range(1000)))
    walk: Walk[Row] = a_walk()
    first = walk.plan()
    assert first
    assert (first.page, first.limit) == (1, 100)
    assert walk.plan() is None
    assert not walk.done
    walk.accept(first, *server(1, 100))
    ahead = planned(walk)
    assert ahead[-1].end >= 1000
    assert sum(window.end >= 1000 for window in ahead) == 1
    for window in ahead:
        walk.accept(window, *server(window.page, window.limit))
    assert not walk.done
    far_end = walk.plan()
    assert far_end
    assert (far_end.page, far_end.limit, far_end.sort) == (1, 100, "-created_on")
    walk.accept(far_end, *answer_of(server, far_end, None))
    assert walk.done
    assert walk.report.complete


def test_answers_are_refused_out_of_turn() -> None:
    walk: Walk[Row] = a_walk()
    with pytest.raises(ValueError, match="not the window planned first"):
        walk.accept(Window(1, 100), [], None)
    server = server_of(rows_of(*range(1000)))
    read_first(walk, server)
    one, two = walk.plan(), walk.plan()
    assert one
    assert two
    with pytest.raises(ValueError, match="not the window planned first"):
        walk.accept(two, *server(two.page, two.limit))


def read_first(walk: Walk[Row], server: Server) -> list[Row]:
    window = walk.plan()
    assert window
    return walk.accept(window, *server(window.page, window.limit))


def test_a_deletion_before_the_next_window_is_repaired_and_voids_what_was_planned() -> None:
    rows = rows_of(*range(1000))
    walk: Walk[Row] = a_walk()
    delivered = read_first(walk, server_of(rows))
    one, two = walk.plan(), walk.plan()
    assert one
    assert two
    del rows[:50]
    assert walk.accept(one, *server_of(rows)(one.page, one.limit)) == []
    assert walk.is_stale(two)
    assert walk.accept(two, *server_of(rows)(two.page, two.limit)) == []
    assert walk.plan() is not None
    assert walk.plan() is None, "one window at a time after a repair"
    report = walk.report
    assert (report.requests, report.pages, report.repairs) == (3, 1, 1)
    assert len(delivered) == 100


@pytest.mark.parametrize("shrunk_to", [0, 30, 100, 101, 150, 500])
def test_a_list_that_shrinks_below_the_window_ends_proven_at_its_real_end(shrunk_to: int) -> None:
    rows = rows_of(*range(1000))
    walk: Walk[Row] = a_walk()
    delivered = read_first(walk, server_of(rows))
    for _ in range(4):
        delivered += read_first(walk, server_of(rows))
    left = rows[: shrunk_to // 2] + rows[len(rows) - shrunk_to // 2 :]
    delivered += read(server_of(left), walk)
    assert set(ids(left)) <= set(ids(delivered))
    assert len(set(ids(delivered))) == len(delivered)
    assert walk.report.complete


@pytest.mark.parametrize(("group", "repairs"), [(45, 1), (95, 0)])
def test_a_step_back_goes_before_a_group_at_the_edge_unless_no_window_would_get_beyond_it(
    group: int, repairs: int
) -> None:
    # The second window, which ends with row 191, ends with the group.
    rows = rows_of(*range(192 - group))
    rows += [Row(f"same_{number}", moment(200)) for number in range(group)]
    rows += rows_of(*range(300, 900))
    walk: Walk[Row] = a_walk()
    delivered = read_first(walk, server_of(rows))
    second, *ahead = planned(walk)
    delivered += walk.accept(second, *server_of(rows)(second.page, second.limit))
    assert delivered == rows[:192]
    del rows[:60]
    for window in ahead:
        delivered += walk.accept(window, *server_of(rows)(window.page, window.limit))
    assert walk.report.repairs == repairs
    delivered += read(server_of(rows), walk)
    assert len(set(delivered)) == len(delivered)
    assert (set(rows) <= set(delivered)) is walk.report.complete is (repairs > 0)


def test_equal_keys_across_the_windows_edge_are_delivered_once_each() -> None:
    rows = [Row(f"call_{number}", moment(number // 3)) for number in range(1000)]
    delivered, walk = walked(server_of(rows))
    assert delivered == rows
    assert walk.report.complete


def test_windows_ahead_overlap_by_the_groups_of_equal_keys_seen() -> None:
    server = server_of([Row(f"call_{number}", moment(number // 8)) for number in range(3000)])
    walk: Walk[Row] = a_walk()
    read_first(walk, server)
    while windows := planned(walk):
        for window in windows:
            walk.accept(window, *answer_of(server, window, None))
    assert walk.report.repairs == 0
    assert walk.report.proof == "order"


def test_a_group_of_equal_keys_wider_than_any_window_is_read_and_said_to_be_unproven() -> None:
    rows = rows_of(*range(150)) + [Row(f"same_{number}", moment(200)) for number in range(450)]
    rows += rows_of(*range(300, 500))
    delivered, walk = walked(server_of(rows))
    assert delivered == rows
    assert walk.report.requests < 20
    assert not walk.report.complete
    assert "created_on" in (walk.report.reason or "")


def test_a_seam_that_never_joins_is_given_up_after_eight_repairs() -> None:
    # From row 100 on, every window holds only rows far after the first page's.
    def server(page: int, limit: int) -> tuple[Sequence[Row], PageMeta | None]:
        offset = (page - 1) * limit
        if page == 1:
            return rows_of(*range(limit)), meta_of(10**6, page, limit)
        rows = rows_of(*range(10**7 + offset, 10**7 + min(offset + limit, 900_000)))
        return rows, meta_of(10**6, page, limit)

    walk = a_walk(
        resume=Checkpoint(
            binding=BINDING,
            position=500_000,
            direction=1,
            key=moment(500),
            at_key=("x",),
            recent=("x",),
            ordered=True,
        ),
    )
    for _ in range(12):
        window = walk.plan()
        assert window
        walk.accept(window, *server(window.page, window.limit))
    assert walk.report.repairs == 8
    assert walk.report.pages == 4
    assert not walk.report.complete


def test_a_step_back_takes_what_the_listing_lost_by_its_own_count_into_account() -> None:
    rows = rows_of(*range(60_000))
    checkpoint = Checkpoint(
        binding=BINDING,
        position=50_000,
        direction=1,
        key=moment(49_999),
        at_key=("call_49999",),
        recent=tuple(f"call_{number}" for number in range(49_950, 50_000)),
        total=60_000,
    )
    delivered, walk = walked(server_of(rows[40_000:]), resume=checkpoint)
    assert ids(delivered) == ids(rows[50_000:])
    assert walk.report.complete
    assert walk.report.repairs == 1


def test_a_listing_sorted_by_status_does_not_pass_for_one_in_order_of_creation() -> None:
    # Two blocks, each in order of created_on. A deletion hides the place where one follows the other.
    rows = rows_of(*range(1000, 1100)) + [
        Row(f"failed_{number}", moment(number)) for number in range(950, 1150)
    ]
    walk: Walk[Row] = a_walk()
    delivered = read_first(walk, server_of(rows))
    del rows[90:96]
    del rows[90:94]
    delivered += read(server_of(rows), walk)
    assert not walk.report.complete
    assert set(ids(rows)) <= set(ids(delivered))


def test_old_rows_that_were_never_seen_do_not_pass_for_the_end() -> None:
    rows = rows_of(*range(1000, 1100)) + [
        Row(f"failed_{number}", moment(number)) for number in range(950, 1040)
    ]
    walk: Walk[Row] = a_walk()
    delivered = read_first(walk, server_of(rows))
    del rows[90:100]
    delivered += read(server_of(rows), walk)
    assert set(ids(rows)) <= set(ids(delivered))
    assert not walk.report.complete


def test_rows_in_no_order_are_read_plainly_without_repeats() -> None:
    numbers = list(range(1000))
    seeded(1).shuffle(numbers)
    rows = rows_of(*numbers)
    delivered, walk = walked(server_of(rows))
    assert delivered == rows
    assert walk.report.requests == 11
    assert not walk.report.complete
    assert "created_on" in (walk.report.reason or "")


def test_an_order_that_breaks_later_makes_the_walk_plain_and_loses_nothing() -> None:
    rows = rows_of(*range(500), *range(5000, 4500, -1))
    delivered, walk = walked(server_of(rows))
    assert sorted(map(str, ids(delivered))) == sorted(map(str, ids(rows)))
    assert not walk.report.complete


def test_a_first_page_of_equal_keys_is_read_on_plainly() -> None:
    rows = [Row(f"call_{number}", moment(number // 100)) for number in range(250)]
    delivered, walk = walked(server_of(rows))
    assert delivered == rows
    assert not walk.report.complete


# Where reading begins and stops.


def test_reading_that_begins_behind_the_start_delivers_from_there_and_is_not_complete() -> None:
    rows = rows_of(*range(500))
    for exact in (True, False):
        delivered, walk = walked(server_of(rows), start=140, exact=exact)
        assert delivered == rows[140:]
        assert "behind the start" in (walk.report.reason or "")


def test_reading_that_begins_at_the_end_of_a_window_needs_no_repair() -> None:
    delivered, walk = walked(server_of(rows_of(*range(500))), start=99)
    assert len(delivered) == 401
    assert walk.report.repairs == 0


def test_reading_that_begins_behind_the_end_ends_at_once() -> None:
    delivered, walk = walked(server_of(rows_of(*range(50))), start=140)
    assert delivered == []
    assert walk.report.requests == 1
    assert not walk.report.complete


def test_max_items_stops_with_its_reason_and_the_fewest_requests() -> None:
    rows = rows_of(*range(500))
    delivered, walk = walked(server_of(rows), max_items=150)
    assert delivered == rows[:150]
    assert walk.report.requests == 2
    assert "max_items" in (walk.report.reason or "")
    assert read(server_of(rows), resume=walk.checkpoint(58)) == rows[150:]


@pytest.mark.parametrize("size", [99, 250, 1000, 1234])
@pytest.mark.parametrize("counted", [0, 7])
def test_max_items_at_the_very_end_is_complete_also_where_the_end_is_doubtful(
    size: int, counted: int
) -> None:
    server = odd(server_of(rows_of(*range(size))), total_count=size + counted)
    delivered, walk = walked(server, max_items=size)
    assert len(delivered) == size
    assert walk.report.complete == (not counted or size > 100)
    delivered, walk = walked(server_of(rows_of(*range(size))), max_items=size - 1)
    assert len(delivered) == size - 1
    assert not walk.report.complete


@pytest.mark.parametrize("size", [250, 1000, 1234])
@pytest.mark.parametrize("counted", [0, 7])
@pytest.mark.parametrize("sort", ["created_on", "-created_on"])
def test_a_server_that_refuses_the_opposite_order_is_read_as_it_was_before_and_asked_once(
    size: int, counted: int, sort: str
) -> None:
    rows = rows_of(*range(size))[:: -1 if sort.startswith("-") else 1]
    server = odd(server_of(rows), total_count=size + counted)
    walk: Walk[Row] = a_walk(sort=sort)
    delivered: list[Row] = []
    refused = 0
    while window := walk.plan():
        if window.page == 1 and delivered:
            assert walk.refuse(window)
            assert not walk.refuse(window)
            refused += 1
        else:
            delivered += walk.accept(window, *server(window.page, window.limit))
    assert walk.done
    assert delivered == rows
    assert refused == (size >= 1000 or counted > 0)
    assert walk.report.complete == (not counted)


def test_max_items_cut_in_the_last_page_is_not_complete() -> None:
    delivered, walk = walked(server_of(rows_of(*range(99))), max_items=98)
    assert len(delivered) == 98
    assert not walk.report.complete


def test_a_bound_of_zero_asks_for_nothing() -> None:
    delivered, walk = walked(server_of(rows_of(1)), max_items=0)
    assert delivered == []
    assert walk.report.requests == 0
    assert "max_items" in (walk.report.reason or "")


def test_max_items_keeps_windows_from_being_planned_in_vain() -> None:
    walk: Walk[Row] = a_walk(max_items=150)
    read_first(walk, server_of(rows_of(*range(5000))))
    assert walk.plan()
    assert walk.plan() is None


def test_an_abandoned_walk_is_not_complete() -> None:
    walk: Walk[Row] = a_walk()
    assert not walk.report.complete
    read_first(walk, server_of(rows_of(*range(500))))
    assert "not read to its end" in (walk.report.reason or "")


def test_plain_pages_drop_repeats_and_never_claim_to_be_complete() -> None:
    listing = ShiftingListing(list(range(1000)), seeded(1), newest_first=True, inserts=5)
    delivered, walk = walked(listing.fetch, exact=False)
    assert len(set(ids(delivered))) == len(delivered)
    assert walk.report.repeats_dropped > 0
    assert not walk.report.complete
    assert "exact" in (walk.report.reason or "")


def test_plain_pages_are_planned_ahead_up_to_the_end() -> None:
    walk: Walk[Row] = a_walk(exact=False)
    read_first(walk, server_of(rows_of(*range(1000))))
    assert [window.page for window in planned(walk)] == list(range(2, 11))


def test_ids_are_forgotten_after_a_thousand() -> None:
    rows = rows_of(*range(1200))
    delivered, _ = walked(server_of(rows + rows), exact=False)
    assert delivered == rows + rows
    rows = rows_of(*range(900))
    delivered, _ = walked(server_of(rows + rows), exact=False)
    assert delivered == rows


# Time windows.


@pytest.mark.parametrize("newest_first", [False, True])
def test_a_time_window_has_its_start_and_lacks_its_end(newest_first: bool) -> None:  # noqa: FBT001
    rows = rows_of(*range(1000))
    shown = rows[::-1] if newest_first else rows
    sort = "-created_on" if newest_first else "created_on"
    delivered, walk = walked(server_of(shown), since=moment(300), until=moment(500), sort=sort)
    assert sorted(map(str, ids(delivered))) == sorted(map(str, ids(rows[300:500])))
    assert walk.report.complete


@pytest.mark.parametrize("exact", [True, False])
def test_a_time_window_stops_early(exact: bool) -> None:  # noqa: FBT001
    rows = rows_of(*range(5000))
    _, walk = walked(server_of(rows), until=moment(50), exact=exact)
    assert walk.report.requests == 1
    assert walk.report.complete is exact
    delivered, walk = walked(
        server_of(rows[::-1]), since=moment(4850), exact=exact, sort="-created_on"
    )
    assert len(delivered) == 150
    assert walk.report.requests == 2
    assert walk.report.complete is exact


def test_reaching_the_end_of_a_time_window_is_enough() -> None:
    delivered, walk = walked(server_of(rows_of(*range(5000))), until=moment(99))
    assert len(delivered) == 99
    assert walk.report.requests == 1
    assert walk.report.complete


def test_equal_keys_at_the_start_of_a_time_window_are_all_read() -> None:
    # Newest first, the first page ends within the calls of the very moment `since`.
    rows = [Row(f"call_{number}", moment(-(number // 8))) for number in range(600)]
    since = rows[99].created_on
    delivered, walk = walked(server_of(rows), since=since, sort="-created_on")
    assert delivered == rows[:104]
    assert walk.report.complete


def test_the_end_of_a_time_window_must_be_reached() -> None:
    rows = rows_of(*range(99), 99, 99.5, *range(100, 300))
    delivered, walk = walked(server_of(rows), until=moment(99.75))
    assert delivered == rows[:101]
    assert walk.report.complete


def test_a_time_window_of_an_unordered_listing_is_read_to_the_end_and_unproven() -> None:
    numbers = list(range(1000))
    seeded(1).shuffle(numbers)
    for exact in (True, False):
        delivered, walk = walked(
            server_of(rows_of(*numbers)), since=moment(300), until=moment(500), exact=exact
        )
        assert len(delivered) == 200
        assert walk.report.requests == 11
        assert not walk.report.complete


def test_plain_pages_that_change_direction_are_read_to_the_end() -> None:
    rows = rows_of(*range(500, 700), *range(400, 200, -1))
    delivered, walk = walked(server_of(rows), since=moment(390), exact=False)
    assert len(delivered) == 211
    assert walk.report.requests == 5


def test_a_row_without_a_key_is_delivered_in_any_time_window() -> None:
    rows = [*rows_of(*range(50)), Row("odd", None)]
    delivered, walk = walked(server_of(rows), until=moment(10))
    assert ids(delivered)[-1] == "odd"
    assert not walk.report.complete


def test_plain_pages_look_for_an_order_from_the_first_two_different_keys_on() -> None:
    rows = [Row(f"call_{number}", moment(max(0, number - 150))) for number in range(1000)]
    delivered, walk = walked(server_of(rows), until=moment(100), exact=False)
    assert len(delivered) == 250
    assert walk.report.requests == 3


# Malformed rows.


def test_malformed_rows_are_delivered_and_make_the_walk_unproven() -> None:
    rows: list[Row] = rows_of(*range(300))
    rows[150] = Row(None, moment(150))
    rows[98] = Row("call_98", None)
    rows[97] = Row(None, None)
    delivered, walk = walked(server_of(rows))
    assert set(rows) == set(delivered)
    assert ids(delivered).count("call_98") == 1
    assert not walk.report.complete
    assert "lacks" in (walk.report.reason or "")


def test_a_malformed_row_makes_even_one_page_unproven() -> None:
    delivered, walk = walked(server_of([Row(None, moment(1)), Row(None, moment(2))]))
    assert len(delivered) == 2
    assert not walk.report.complete


def test_rows_without_any_key_are_read_plainly() -> None:
    rows = [Row(f"call_{number}", None) for number in range(250)]
    delivered, walk = walked(server_of(rows))
    assert delivered == rows
    keyed = rows_of(*range(100)) + [Row(f"odd_{number}", None) for number in range(250)]
    delivered, walk = walked(server_of(keyed))
    assert set(delivered) == set(keyed)
    assert not walk.report.complete


def test_a_call_that_comes_twice_in_one_answer_is_delivered_once_and_makes_the_walk_unproven() -> (
    None
):
    rows = rows_of(*range(40))
    delivered, walk = walked(server_of([*rows, rows[3]]))
    assert delivered == rows
    assert not walk.report.complete
    many = rows_of(*range(300))
    many[200] = Row("call_150", moment(200))
    delivered, walk = walked(server_of(many))
    assert len(delivered) == 299
    assert not walk.report.complete
    same = [*rows_of(*range(110)), Row("twin", moment(120)), Row("twin", moment(120))]
    delivered, walk = walked(server_of(same))
    assert len(delivered) == 111
    assert not walk.report.complete


@pytest.mark.parametrize(
    ("first", "again"),
    [(120, 2_510), (150, 15_000), (9_950, 29_900), (30_100, 50_000), (31_000, 50_900)],
)
def test_a_call_that_comes_again_within_twenty_thousand_makes_the_walk_unproven(
    first: int, again: int
) -> None:
    rows = rows_of(*range(51_000))
    rows[again] = Row(f"call_{first}", moment(again))
    walk = a_walk()
    read(server_of(rows), walk, at_most=700)
    assert not walk.report.complete
    assert walk.report.reason == "A call came twice in different places."


def test_plain_pages_without_any_key_are_read_to_the_end_of_a_time_window() -> None:
    rows = [Row(f"call_{number}", None) for number in range(150)]
    delivered, _ = walked(server_of(rows), until=moment(100), exact=False)
    assert delivered == rows


# Servers that lie.


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("total", [1000, None, 10**9])
def test_a_server_that_repeats_a_page_for_ever_is_an_error(exact: bool, total: int | None) -> None:  # noqa: FBT001
    def server(page: int, limit: int) -> tuple[Sequence[Row], PageMeta | None]:
        meta = meta_of(total or 0, page, limit)
        meta.has_next_page = True
        return rows_of(*range(limit)), meta

    with pytest.raises(PaginationError, match="repeats itself"):
        read(server, at_most=60, exact=exact)


def test_a_server_that_repeats_itself_and_claims_to_grow_is_an_error() -> None:
    total = 1000

    def server(page: int, limit: int) -> tuple[Sequence[Row], PageMeta | None]:
        nonlocal total
        total += 1000
        return rows_of(*range(limit)), meta_of(total, page, limit)

    with pytest.raises(PaginationError, match=r"^61 pages"):
        read(server, at_most=80, empty_at_all=60)


def test_five_thousand_windows_without_a_new_id_are_put_up_with() -> None:
    with pytest.raises(PaginationError, match=r"^5001 pages"):
        read(
            lambda page, limit: ([Row(None, None)], meta_of(10**9, page, limit)),
            at_most=5_001,
            exact=False,
        )


@pytest.mark.parametrize("exact", [True, False])
def test_a_server_that_clamps_page_ends(exact: bool) -> None:  # noqa: FBT001
    rows = rows_of(*range(200))

    def server(page: int, limit: int) -> tuple[Sequence[Row], PageMeta | None]:
        last = min(page, -(-len(rows) // limit))
        meta = meta_of(len(rows), last, limit)
        meta.has_next_page = True
        meta.total_count = 0
        return rows[(last - 1) * limit : last * limit], meta

    delivered, walk = walked(server, exact=exact)
    assert delivered == rows
    assert walk.done


def test_a_clamped_plain_page_is_the_end() -> None:
    rows = rows_of(*range(200))

    def server(page: int, limit: int) -> tuple[Sequence[Row], PageMeta | None]:
        last = min(page, 2)
        meta = odd(server_of(rows), total_count=None, has_next_page=True)(last, limit)[1]
        return rows[(last - 1) * limit : last * limit], meta

    delivered, walk = walked(server, exact=False)
    assert delivered == rows
    assert walk.report.requests == 3
    assert "earlier page" in (walk.report.reason or "")


def test_a_clamped_full_page_is_the_end_and_unproven() -> None:
    rows = rows_of(*range(1000))
    walk: Walk[Row] = a_walk()
    read_first(walk, server_of(rows))
    window = walk.plan()
    assert window
    meta = meta_of(100, 1, window.limit)
    meta.has_next_page = True
    assert walk.accept(window, rows[: window.limit], meta) == []
    assert walk.done
    assert not walk.report.complete


def test_a_clamped_full_page_is_no_proof_of_the_end_whatever_it_counts() -> None:
    rows = rows_of(*range(1000))
    walk: Walk[Row] = a_walk()
    read_first(walk, server_of(rows))
    window = walk.plan()
    assert window
    meta = meta_of(window.end, 1, window.limit)
    meta.has_next_page = False
    assert walk.accept(window, rows[: window.limit], meta) == []
    assert not walk.report.complete


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("key", [None, moment(99)])
def test_a_server_that_repeats_a_row_without_an_id_for_ever_is_an_error(
    exact: bool,  # noqa: FBT001
    key: datetime | None,
) -> None:
    def server(page: int, limit: int) -> tuple[Sequence[Row], PageMeta | None]:
        return [*rows_of(*range(limit - 1)), Row(None, key)], meta_of(10**9, page, limit)

    with pytest.raises(PaginationError):
        read(server, at_most=80, exact=exact, empty_at_all=60)


@pytest.mark.parametrize("keyed", [True, False])
def test_a_listing_without_any_id_is_read_to_its_end(keyed: bool) -> None:  # noqa: FBT001
    rows = [Row(None, moment(number) if keyed else None) for number in range(5000)]
    for exact in (True, False):
        delivered, walk = walked(server_of(rows), exact=exact)
        assert len(delivered) >= 5000
        assert set(delivered) == set(rows)
        assert walk.report.requests < 65
        assert not walk.report.complete


@pytest.mark.parametrize("changes", [{"limit": 7}, {"total_count": 5, "has_next_page": False}])
def test_numbers_below_what_the_answer_holds_are_left_aside(changes: dict[str, Any]) -> None:
    rows = rows_of(*range(1000))
    delivered, walk = walked(odd(server_of(rows), **changes))
    assert delivered == rows
    # One more asks for the last of so many calls in the opposite order.
    assert walk.report.requests <= 13
    assert walk.report.complete


@pytest.mark.parametrize("lie", [True, False])
@pytest.mark.parametrize("size", [0, 50, 100, 192, 250, 1000])
def test_a_lie_about_the_next_page_loses_nothing(lie: bool, size: int) -> None:  # noqa: FBT001
    rows = rows_of(*range(size))
    delivered, walk = walked(odd(server_of(rows), has_next_page=lie))
    assert delivered == rows
    assert walk.report.complete
    delivered, _ = walked(odd(server_of(rows), has_next_page=lie), exact=False)
    assert delivered == rows


def test_an_empty_page_that_says_it_has_a_next_is_the_end_and_unproven() -> None:
    server = odd(server_of([]), has_next_page=True, total_count=1000)
    for exact in (True, False):
        delivered, walk = walked(server, exact=exact)
        assert delivered == []
        assert walk.report.requests == 1
        assert not walk.report.complete


def test_empty_windows_that_say_that_more_follow_end_after_the_repairs() -> None:
    rows = rows_of(*range(100))

    def server(page: int, limit: int) -> tuple[Sequence[Row], PageMeta | None]:
        return rows[:limit] if page == 1 else [], meta_of(10**6, page, limit)

    checkpoint = Checkpoint(binding=BINDING, position=10**6, direction=1, key=moment(99))
    delivered, walk = walked(server, resume=checkpoint)
    assert delivered == []
    assert walk.report.repairs == 8
    assert not walk.report.complete


@pytest.mark.parametrize("at", [0, 300])
def test_short_pages_that_say_that_more_follow_are_read_on_plainly(at: int) -> None:
    rows = rows_of(*range(1000))

    def server(page: int, limit: int) -> tuple[Sequence[Row], PageMeta | None]:
        offset = (page - 1) * limit
        shown = rows[offset : offset + limit]
        return (shown[:-3] if offset >= at else shown), meta_of(len(rows), page, limit)

    delivered, walk = walked(server)
    assert walk.report.requests < 25
    assert len(set(ids(delivered))) == len(delivered)
    assert not walk.report.complete


@pytest.mark.parametrize("granted", [20, 50, 200])
@pytest.mark.parametrize("size", [15, 150, 190, 1010])
@pytest.mark.parametrize("start", [0, 120])
def test_a_server_with_its_own_page_size_is_read_in_plain_pages_of_it(
    granted: int, size: int, start: int
) -> None:
    rows = rows_of(*range(size))
    own = server_of(rows)
    delivered, walk = walked(lambda page, _: own(page, granted), start=start)
    assert delivered == rows[start:]
    assert walk.report.complete == (start == 0 and size <= granted)


@pytest.mark.parametrize("granted", [50, 100])
def test_a_limit_that_is_refused_only_later_is_fallen_back_from(granted: int) -> None:
    rows = rows_of(*range(1010))
    own = server_of(rows)
    delivered, walk = walked(lambda page, limit: own(page, 100 if limit == 100 else granted))
    assert delivered == rows
    assert not walk.report.complete


def test_a_limit_that_changes_again_and_again_is_an_error() -> None:
    rows = rows_of(*range(5000))
    own = server_of(rows)
    sizes = iter(range(99, 1, -1))
    with pytest.raises(PaginationError, match="another limit"):
        read(lambda page, _: own(page, next(sizes)))


@pytest.mark.parametrize("meta", ["honest", "none"])
def test_more_rows_than_were_asked_for_are_delivered_and_unproven(meta: str) -> None:
    rows = rows_of(*range(1000))

    def server(page: int, limit: int) -> tuple[Sequence[Row], PageMeta | None]:
        offset = (page - 1) * limit
        said = meta_of(len(rows), page, limit) if meta == "honest" else None
        return rows[offset : offset + limit + 7], said

    delivered, walk = walked(server)
    assert delivered == rows
    assert not walk.report.complete


def test_more_rows_than_were_asked_for_later_on_make_the_walk_plain() -> None:
    rows = rows_of(*range(1000))

    def server(page: int, limit: int) -> tuple[Sequence[Row], PageMeta | None]:
        offset = (page - 1) * limit
        more = 5 if 300 < offset < 500 else 0
        return rows[offset : offset + limit + more], meta_of(len(rows), page, limit)

    delivered, walk = walked(server)
    assert delivered == rows
    assert not walk.report.complete


@pytest.mark.parametrize("size", [0, 150, 192, 1000])
def test_without_meta_reading_goes_on_until_a_page_comes_short_one_at_a_time(size: int) -> None:
    rows = rows_of(*range(size))
    server = without_meta(server_of(rows))
    walk: Walk[Row] = a_walk()
    delivered: list[Row] = []
    while window := walk.plan():
        assert walk.plan() is None
        delivered += walk.accept(window, *answer_of(server, window, None))
    assert delivered == rows
    assert walk.report.complete
    assert walk.report.total_count_first is None
    assert read(server, exact=False) == rows


def test_what_shows_neither_an_order_of_its_own_nor_a_count_is_unproven() -> None:
    sorts = KnownSorts()
    for sort in ("created_on", "created_at"):
        sorts.learn(sort, honoured=False)
    server = odd(server_of(rows_of(*range(450))), total_count=None)
    delivered, walk = walked(server, sort=None, sorts=sorts)
    assert len(delivered) == 450
    assert not walk.report.complete
    assert "does not count" in str(walk.report.reason)


@pytest.mark.parametrize("moves_at", [2, 3])
@pytest.mark.parametrize("count", [299, 300])
def test_call_that_moves_is_no_less_lost_where_the_count_was_too_low(
    moves_at: int, count: int
) -> None:
    sorts = KnownSorts()
    for sort in ("created_on", "created_at"):
        sorts.learn(sort, honoured=False)
    rows, asked = rows_of(*range(300)), itertools.count(1)

    def server(page: int, limit: int) -> tuple[Sequence[Row], PageMeta | None]:
        if next(asked) == moves_at:
            rows.insert(0, rows.pop(250))  # it changed, in a listing that is sorted by that
        return odd(server_of(rows), total_count=count)(page, limit)

    delivered, walk = walked(server, sort=None, sorts=sorts)
    assert len(delivered) == 299
    assert not walk.report.complete


def test_a_single_short_page_without_meta_is_not_proven_to_be_all() -> None:
    delivered, walk = walked(without_meta(server_of(rows_of(*range(20)))))
    assert len(delivered) == 20
    assert walk.report.requests == 1
    assert not walk.report.complete


def test_a_host_whose_pages_begin_at_zero_is_not_read_from_its_start() -> None:
    for size in (1, 40, 100, 101, 1000):
        rows = rows_of(*range(size))

        def server(page: int, limit: int, rows: list[Row] = rows) -> tuple[list[Row], PageMeta]:
            meta = meta_of(len(rows), page + 1, limit)
            meta.current_page = page
            return rows[page * limit : (page + 1) * limit], meta

        delivered, walk = walked(server)
        assert not walk.report.complete
        assert len(delivered) < size


@pytest.mark.parametrize("size", [1, 40, 99, 150, 400])
@pytest.mark.parametrize("cap", [100, 99, 30])
@pytest.mark.parametrize("counts", [None, "of the page"])
def test_a_host_that_cuts_its_pages_and_does_not_count_is_read_to_an_empty_page(
    size: int, cap: int, counts: str | None
) -> None:
    rows = rows_of(*range(size))

    def server(page: int, limit: int) -> tuple[list[Row], PageMeta]:
        most = min(limit, cap)
        found, meta = rows[(page - 1) * most : page * most], meta_of(len(rows), page, limit)
        meta.total_count = len(found) if counts else None  # type: ignore[assignment]
        meta.has_next_page = bool(counts) and page * most < size
        return found, meta

    delivered, walk = walked(server)
    assert ids(delivered) == ids(rows)
    if cap < 100:
        # A count of the page stays no longer than the page.
        assert walk.report.complete is (size <= cap and bool(counts))


@pytest.mark.parametrize("nonsense", [0, -1, None, "7", True, 3.5])
def test_nonsense_in_meta_is_left_aside(nonsense: Any) -> None:
    rows = rows_of(*range(450))
    for exact in (True, False):
        delivered, walk = walked(
            odd(
                server_of(rows),
                limit=nonsense,
                total_count=nonsense,
                current_page=nonsense,
                has_next_page=None,
            ),
            exact=exact,
        )
        assert delivered == rows
        assert walk.report.complete is exact


@pytest.mark.parametrize("exact", [True, False])
def test_a_server_that_answers_at_random_comes_to_an_end(exact: bool) -> None:  # noqa: FBT001
    for seed in range(200):
        draw = seeded(seed)
        pool = rows_of(*range(400)) + [Row(f"odd_{number}", None) for number in range(5)]
        honest_order = draw.random() < 0.7

        def server(
            page: int,
            limit: int,
            draw: random.Random = draw,
            pool: list[Row] = pool,
            *,
            ordered: bool = honest_order,
        ) -> tuple[Sequence[Row], PageMeta | None]:
            count = draw.choice([limit, limit, limit, draw.randint(0, 120)])
            first = draw.randint(0, 300)
            rows = pool[first : first + count] if ordered else draw.sample(pool, count)
            meta = meta_of(draw.choice([0, 400, 10**6]), page, draw.choice([limit, limit, 50]))
            meta.has_next_page = draw.random() < 0.9
            return rows, draw.choice([meta, meta, None])

        walk: Walk[Row] = a_walk(exact=exact)
        try:
            delivered = read(server, walk, at_most=2000)
        except PaginationError:
            continue
        assert len(set(ids(delivered))) == len(delivered)


def test_without_a_total_windows_are_asked_for_one_at_a_time() -> None:
    server = odd(server_of(rows_of(*range(1000))), total_count=None)
    walk: Walk[Row] = a_walk()
    read_first(walk, server)
    assert walk.plan()
    assert walk.plan() is None
    assert not walk.done


# Checkpoints.


@pytest.mark.parametrize("newest_first", [False, True])
@pytest.mark.parametrize("batches", [1, 2, 3])
@pytest.mark.parametrize("delivered", [0, 1, 50, 92, 100])
def test_a_checkpoint_goes_on_after_any_call(
    batches: int,
    delivered: int,
    newest_first: bool,  # noqa: FBT001
) -> None:
    rows = [Row(f"call_{number}", moment(number // 2)) for number in range(450)]
    if newest_first:
        rows.reverse()
    server = server_of(rows)
    for shuffled in (False, True):
        if shuffled:
            seeded(3).shuffle(rows)
        walk: Walk[Row] = a_walk()
        got: list[Row] = []
        for number in range(batches):
            batch = read_first(walk, server)
            got += batch if number < batches - 1 else batch[:delivered]
        text = walk.checkpoint(delivered).to_json()
        assert len(text) < 10_000
        rest, resumed = walked(server, resume=Checkpoint.from_json(text))
        assert got + rest == rows
        assert resumed.report.repairs == 0


@pytest.mark.parametrize("delivered", [0, 1, 3, 4])
def test_a_checkpoint_within_a_group_across_the_windows_edge_repeats_none_of_it(
    delivered: int,
) -> None:
    rows = [*rows_of(*range(98)), *(Row(f"same_{number}", moment(98)) for number in range(6))]
    rows += rows_of(*range(100, 300))
    walk: Walk[Row] = a_walk()
    got = read_first(walk, server_of(rows))
    got += read_first(walk, server_of(rows))[:delivered]
    assert got == rows[: 100 + delivered]
    resumed = Walk[Row](binding=BINDING, resume=walk.checkpoint(delivered))
    assert got + read(server_of(rows), resumed) == rows
    assert resumed.report.complete


def test_a_checkpoint_before_the_first_answer_is_a_fresh_start() -> None:
    walk: Walk[Row] = a_walk()
    rows = rows_of(*range(300))
    assert read(server_of(rows), resume=walk.checkpoint(0)) == rows


def test_a_checkpoint_of_one_page_cut_in_the_middle_goes_on_and_is_complete() -> None:
    for rows in (rows_of(*range(60)), rows_of(*range(60, 0, -2), *range(1, 60, 2)), rows_of(7)):
        walk: Walk[Row] = a_walk()
        got = read_first(walk, server_of(rows))[:5]
        rest, walk = walked(server_of(rows), resume=walk.checkpoint(5))
        assert got + rest == rows
        assert walk.report.complete


def test_a_checkpoint_among_malformed_rows_loses_nothing() -> None:
    rows = [Row(f"odd_{number}", None) for number in range(5)] + rows_of(*range(300))
    walk: Walk[Row] = a_walk()
    got = read_first(walk, server_of(rows))[:3]
    assert got + read(server_of(rows), resume=walk.checkpoint(3)) == rows


def test_a_walk_that_ended_goes_on_with_what_has_come_since() -> None:
    rows = rows_of(*range(250))
    for exact in (True, False):
        delivered, walk = walked(server_of(rows), exact=exact)
        more = [*rows, *rows_of(*range(300, 330))]
        new = read(server_of(more), exact=exact, resume=walk.checkpoint(len(delivered)))
        assert ids(new) == ids(more[250:])


def test_a_void_answer_moves_no_checkpoint() -> None:
    rows = rows_of(*range(250))
    delivered, walk = walked(server_of(rows), max_items=192)
    before = walk.checkpoint(len(delivered))
    assert walk.accept(Window(9, 90), [], None) == []
    assert read(server_of(rows), resume=walk.checkpoint(0)) == read(server_of(rows), resume=before)
    assert walk.report.requests == 3


def test_an_exact_checkpoint_can_go_on_plainly_and_a_plain_one_stays_plain() -> None:
    rows = rows_of(*range(500))
    walk: Walk[Row] = a_walk()
    got = read_first(walk, server_of(rows))
    rest, plain = walked(server_of(rows), exact=False, resume=walk.checkpoint(100))
    assert got + rest == rows
    assert not plain.report.complete
    walk = a_walk(exact=False)
    got = read_first(walk, server_of(rows))
    rest, resumed = walked(server_of(rows), resume=walk.checkpoint(100))
    assert got + rest == rows
    assert not resumed.report.complete


def test_a_resumed_walk_keeps_its_time_window_and_its_counts() -> None:
    rows = rows_of(*range(500))
    walk: Walk[Row] = a_walk(since=moment(50), until=moment(250))
    got = read_first(walk, server_of(rows))
    rest, resumed = walked(server_of(rows), resume=walk.checkpoint(len(got)))
    assert got + rest == rows[50:250]
    assert resumed.report.complete
    assert resumed.report.requests == resumed.report.pages == 3


def test_a_checkpoint_of_another_query_is_refused() -> None:
    walk: Walk[Row] = Walk(binding="agent_2")
    with pytest.raises(ConfigurationError, match="another agent or query"):
        a_walk(resume=walk.checkpoint(0))


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"position": -1},
        {"position": "x"},
        {"size": 0},
        {"key": "yesterday"},
        {"key": "2026-01-01T00:00:00", "direction": 1},
        {"key": "2026-01-01T00:00:00Z", "direction": 0},
        {"direction": 2},
        {"at_key": [1]},
        {"binding": None},
    ],
)
def test_a_checkpoint_that_was_tampered_with_is_refused(change: dict[str, Any]) -> None:
    walk: Walk[Row] = a_walk()
    text = json.dumps(json.loads(walk.checkpoint(0).to_json()) | change)
    with pytest.raises(ConfigurationError, match="Not a checkpoint"):
        Checkpoint.from_json(text)


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", "null", "\x00", "\ud800", "{" * 10_000, '{"version":1}']
)
def test_garbage_is_no_checkpoint(text: str) -> None:
    with pytest.raises(ConfigurationError, match="Not a checkpoint"):
        Checkpoint.from_json(text)


# The server's own pages.


def read_in_parts(
    every: int, fetch: Callable[[Window], tuple[Sequence[Row], PageMeta | None]], **settings: Any
) -> tuple[list[Row], Walk[Row]]:
    """What processes deliver that go on from the JSON of the last one, and end after so many calls each."""
    delivered: list[Row] = []
    given: dict[str, Any] = {"sort": None, "sorts": KnownSorts()} | settings
    resume = None
    for _ in range(500):
        walk, left = a_walk(**given, resume=resume), every
        while left and not walk.done:
            window = walk.plan()
            assert window
            calls = walk.accept(window, *fetch(window))[:left]
            delivered += calls
            left -= len(calls)
            resume = Checkpoint.from_json(walk.checkpoint(len(calls)).to_json())
        if left:
            return delivered, walk
    raise AssertionError("the walk does not end")


@pytest.mark.parametrize("group", [90, 150, 400])
@pytest.mark.parametrize("names", [("created_on",), ()])
@pytest.mark.parametrize("newest_first", [False, True])
@pytest.mark.parametrize("every", [3, 60])
def test_a_walk_resumed_every_few_calls_ends_where_equal_keys_come_in_another_order_each_time(
    group: int,
    names: tuple[str, ...],
    every: int,
    *,
    newest_first: bool,
) -> None:
    listing = ShiftingListing(
        [number // group for number in range(400)],
        seeded(f"{group} {every}"),
        newest_first,
        unstable_ties=True,
        names=names,
    )
    delivered, walk = read_in_parts(every, lambda it: listing.fetch(it.page, it.limit, it.sort))
    assert not walk.report.complete
    # Of a page, as many calls are given as it holds: those that its processes happen to find there.
    assert len(set(ids(delivered))) > 0.6 * 400
    assert len(delivered) < 1.3 * 400


@pytest.mark.parametrize("size", [199, 249])
@pytest.mark.parametrize("start", [100, 111])
@pytest.mark.parametrize("every", [3, 7])
def test_a_walk_from_a_later_page_that_is_resumed_in_an_unstable_order_ends(
    every: int, start: int, size: int
) -> None:
    listing = ShiftingListing([0] * size, seeded(every), unstable_ties=True)
    delivered, walk = read_in_parts(
        every, lambda it: listing.fetch(it.page, it.limit, it.sort), start=start
    )
    assert not walk.report.complete
    assert len(delivered) < 1.3 * (size - start)


@pytest.mark.parametrize("group", [1, 150])
@pytest.mark.parametrize("every", [1, 7, 60])
@pytest.mark.parametrize("exact", [True, False])
def test_a_walk_resumed_every_few_calls_loses_and_repeats_none_of_a_listing_at_rest(
    group: int, every: int, *, exact: bool
) -> None:
    listing = ShiftingListing([number // group for number in range(400)], seeded(1))
    delivered, _ = read_in_parts(
        every, lambda it: listing.fetch(it.page, it.limit, it.sort), exact=exact
    )
    assert sorted(map(str, ids(delivered))) == sorted(listing.throughout)


@pytest.mark.parametrize("count", [3, 99, 250])
@pytest.mark.parametrize(("dated", "start"), [(1, 0), (1, 2), (1000, 0), (1000, 2), (5, 0)])
@pytest.mark.parametrize("lacking", [1, 3])
def test_rows_without_ids_come_once_to_a_walk_that_is_resumed_after_each_call(
    count: int, start: int, dated: int, lacking: int
) -> None:
    rows = [
        Row(f"call_{n}" if n % lacking else None, None if (n + 1) % dated else moment(n))
        for n in range(count)
    ]
    server = server_of(rows)
    delivered, walk = read_in_parts(1, lambda it: server(it.page, it.limit), start=start)
    assert list(map(id, delivered)) == list(map(id, rows[start:]))
    assert "lacks its id" in str(walk.report.reason)


@pytest.mark.parametrize("size", [130, 160, 240, 450])
@pytest.mark.parametrize("later", [60, 50, 30])
@pytest.mark.parametrize("at", [1, 2, 3])
@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"total_count": 101, "has_next_page": False},
        {"total_count": None, "has_next_page": None},
    ],
    ids=["the truth", "a capped count", "nothing"],
)
def test_a_server_that_begins_to_shorten_its_pages_without_a_word_is_read_whole_or_not_complete(
    size: int, later: int, at: int, claims: dict[str, Any]
) -> None:
    rows, asked = rows_of(*range(size)), itertools.count()

    def server(page: int, limit: int) -> tuple[Sequence[Row], PageMeta | None]:
        granted = min(limit, later) if next(asked) >= at else limit
        found, meta = server_of(rows)(page, granted)
        for name, value in {"limit": limit, **claims}.items():
            setattr(meta, name, value)
        return found, meta

    delivered, walk = walked(server, at_most=60)
    assert walk.report.requests < 45
    assert delivered == rows or (claims and not walk.report.complete)


def test_a_last_page_that_the_count_agrees_with_is_followed_by_no_question() -> None:
    for size in (130, 160, 450):
        delivered, walk = walked(server_of(rows_of(*range(size))))
        assert len(delivered) == size
        assert walk.report.requests == -(-(size - 4) // 92)


# Calls that stop matching between two processes, and match again.


def sorting(rows: Sequence[Row]) -> Callable[[Window], tuple[Sequence[Row], PageMeta | None]]:
    """A server that honours a sort by `created_on`, oldest first where none is given."""
    return lambda it: server_of(rows[:: -1 if (it.sort or "").startswith("-") else 1])(
        it.page, it.limit
    )


@pytest.mark.parametrize("sort", ["created_on", None])
@pytest.mark.parametrize("is_known", [True, False])
@pytest.mark.parametrize("seed", range(25))
def test_what_comes_back_while_a_walk_is_resumed_is_not_given_again(
    seed: int, sort: str | None, *, is_known: bool
) -> None:
    draw = seeded(f"{seed} {sort} {is_known}")
    rows = rows_of(*range(draw.choice([90, 250, 600])))
    given: dict[str, Any] = {"sort": sort} if is_known else {"sort": sort, "sorts": KnownSorts()}
    delivered: list[Row] = []
    server, walk, resume = sorting(rows), a_walk(**given), None
    for _ in range(40):
        walk, calls = a_walk(**given, resume=resume), list[Row]()
        for _ in range(draw.randint(1, 9)):
            if draw.random() < 0.4:
                few = draw.sample(rows, draw.choice([0, 1, 60]))
                server = sorting(draw.choice([rows, sorted(few, key=rows.index)]))
            if window := walk.plan():
                calls = walk.accept(window, *server(window))
                delivered += calls
        taken = draw.choice([draw.randint(0, len(calls)), len(calls)])
        del delivered[len(delivered) - len(calls) + taken :]
        resume = Checkpoint.from_json(walk.checkpoint(taken).to_json())
        assert not walk.report.complete or len(set(ids(delivered))) == len(delivered)


def test_an_order_that_does_not_come_is_not_asked_for_again() -> None:
    asked: list[str | None] = []
    walk = a_walk(sort=None)
    while window := walk.plan():
        asked.append(window.sort)
        walk.accept(window, *server_of(rows_of(*range(250)))(window.page, window.limit))
    assert asked == ["-created_on"] * 3
    assert walk.report.proof == "count"


@pytest.mark.parametrize("kept", [100, 101])
def test_listings_of_one_page_are_complete_as_long_as_a_checkpoint_holds_all_ids(kept: int) -> None:
    given: dict[str, Any] = {"sort": None, "sorts": KnownSorts()}
    first, walk = walked(server_of(rows_of(*range(60))), **given)
    resume = walk.checkpoint(len(first))
    second, walk = walked(server_of(rows_of(*range(60, kept))), resume=resume, **given)
    assert walk.report.complete
    third, walk = walked(server_of([]), resume=walk.checkpoint(len(second)), **given)
    assert third == []
    assert walk.report.complete == (kept == 100)
    assert ("resumed" in str(walk.report.reason)) == (kept > 100)
