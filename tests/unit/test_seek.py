"""The search for a time window: how many probes it takes, whatever the keys, and what a walk then asks for."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import deque
from typing import TYPE_CHECKING, Any

import pytest
from attrs import evolve
from msgspec.structs import replace

from agentcalls.reading.walk.evidence import judge
from agentcalls.reading.walk.seek import Place, Seek
from agentcalls.reading.walk.sort import KnownSorts
from agentcalls.reading.walk.walk import Walk
from agentcalls.reading.walk.windows import Window
from agentcalls.values import Checkpoint
from many_agents import FIRST_WALK
from simulation.shifting import BINDING, Row, meta_of, moment, seeded

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from agentcalls.reading.walk.created_on import Direction
    from agentcalls_api.models import PageMeta

MILLION = 1_000_000
SECONDS = 1e8
CLOSE = 200


def cantor(number: int) -> float:
    """Bursts within bursts: each half of the calls lies in three tenths of the time."""
    low, length = 0.0, SECONDS
    for bit in reversed(range(20)):
        low, length = low + 0.7 * length * (number >> bit & 1), 0.3 * length
    return low


# When call `number` of a million was created, in seconds: never earlier than the one before it.
KEYS: dict[str, Callable[[int], float]] = {
    "even": lambda number: number * 60.0,
    "more and more": lambda number: SECONDS * math.sqrt(number / MILLION),
    "fewer and fewer": lambda number: SECONDS * (number / MILLION) ** 3,
    "explosive": lambda number: SECONDS * (number / MILLION) ** 0.1,
    "by day": lambda number: number // 1000 * 86_400 + number % 1000 * 30,
    "in bursts": lambda number: number // 30_000 * 3e6 + number % 30_000 * 0.01,
    "with gaps": lambda number: number + number // 90_000 * 8e6,
    "bursts within bursts": cantor,
    "equal keys": lambda number: number // 30 * 1000,
    "large groups": lambda number: number // 40_000 * 1e6,
    "all in one instant": lambda _: SECONDS / 2,
    "all but two in one instant": lambda number: (
        SECONDS / 2 if 0 < number < MILLION - 1 else SECONDS * (number > 0)
    ),
}


class Calls:
    """A listing at rest of a million calls, made when they are asked for."""

    def __init__(
        self, key: Callable[[int], float], *, newest_first: bool, size: int = MILLION
    ) -> None:
        self.key, self.newest_first, self.size = key, newest_first, size
        self.direction: Direction = -1 if newest_first else 1
        self.turned = "created_on" if newest_first else "-created_on"

    def row(self, position: int) -> Row:
        number = self.size - 1 - position if self.newest_first else position
        return Row(f"call_{number}", moment(self.key(number)))

    def fetch(self, window: Window) -> tuple[list[Row], PageMeta]:
        places = range(window.offset, min(window.end, self.size))
        if window.sort == self.turned:
            places = range(self.size - 1 - window.offset, max(-1, self.size - 1 - window.end), -1)
        rows = [self.row(at) for at in places]
        return rows, meta_of(self.size, window.page, window.limit)

    def before(self, second: float) -> int:
        """How many calls were created before this second."""
        return bisect_left(
            range(self.size), moment(second), key=lambda number: moment(self.key(number))
        )


def found(seek: Seek, calls: Calls, at_once: int) -> int:
    """The row that a search comes to, with so many probes under way at once."""
    under_way: deque[Window] = deque()
    while not seek.done:
        while len(under_way) < at_once and (window := seek.plan(0, None)):
            assert window.limit == 1
            under_way.append(window)
        window = under_way.popleft()
        rows, meta = calls.fetch(window)
        seek.take(judge(window, len(rows), meta), rows)
    assert not seek.failed
    return seek.low.position


EDGES = [-SECONDS, 0.0, 1.0, SECONDS / 3, SECONDS / 2, SECONDS * 0.999, SECONDS, 2 * SECONDS]


@pytest.mark.share("kind")
@pytest.mark.parametrize("at_once", [1, 3, 8])
@pytest.mark.parametrize("newest_first", [False, True])
@pytest.mark.parametrize("kind", KEYS)
def test_a_search_in_a_million_calls_takes_few_probes_whatever_their_keys(
    kind: str,
    newest_first: bool,  # noqa: FBT001
    at_once: int,
) -> None:
    calls = Calls(KEYS[kind], newest_first=newest_first)
    draw = seeded(f"{kind} {newest_first} {at_once}")
    for edge in [
        *EDGES,
        *(KEYS[kind](draw.randrange(MILLION)) + draw.choice([0, 1e-3, 9]) for _ in range(9)),
    ]:
        first = moment(edge)
        low = Place(99, calls.row(99).created_on)
        is_before = [row.created_on for row in calls.fetch(Window(1, 100))[0]][99]
        assert is_before
        if (first <= is_before) if calls.direction > 0 else (first >= is_before):
            continue
        seek = Seek(first, calls.direction, low, Place(MILLION), draw.choice([None, 100, MILLION]))
        position = found(seek, calls, at_once)
        before = calls.before(edge)  # oldest first, where the edge lies
        here = before - 1 if calls.direction > 0 else _newest_first_edge(calls, first)
        assert here - CLOSE < position <= here
        assert seek.asked <= 28


def _newest_first_edge(calls: Calls, first: datetime) -> int:
    # The last row whose key is later than `first`.
    return MILLION - bisect_right(range(MILLION), first, key=lambda at: moment(calls.key(at))) - 1


def test_calls_that_come_evenly_are_found_in_three_rounds_of_four() -> None:
    calls = Calls(KEYS["even"], newest_first=False)
    for at_once, most in ((8, 12), (1, 8)):
        seek = Seek(moment(3e7), 1, Place(99, calls.row(99).created_on), Place(MILLION), 500_000)
        assert abs(found(seek, calls, at_once) - 500_000) <= CLOSE
        assert seek.asked <= most


def a_seek(low: int = 99, high: int = 10_000) -> Seek:
    return Seek(moment(5000), 1, Place(low, moment(low)), Place(high), 5000)


def take(
    seek: Seek, second: float | None, *, at: int, total: int | None = 10_000, **changes: Any
) -> None:
    """An answer to a probe; None where the page is empty."""
    window = Window(at + 1, 1)
    rows = [] if second is None else [Row("call", moment(second))]
    meta = meta_of(total or 0, at + 1, 1)
    if total is None:
        meta.total_count = -1
    answer = judge(window, len(rows), meta)
    seek.take(replace(answer, **changes), rows)


@pytest.mark.parametrize("changes", [{"granted": 10}, {"count": 2}])
def test_a_server_that_does_not_give_single_rows_is_not_searched(changes: dict[str, Any]) -> None:
    seek = a_seek()
    take(seek, 4000, at=4000, **changes)
    assert (seek.done, seek.failed) == (True, True)
    assert seek.plan(0, None) is None


@pytest.mark.parametrize("second", [None, 9000])
def test_a_page_that_is_empty_or_another_lies_behind_the_listing(second: float | None) -> None:
    seek = a_seek()
    take(seek, second, at=9000, page=1 if second else None)
    assert seek.high == Place(9000)
    assert not seek.done


def test_answers_that_contradict_each_other_end_the_search_close_by() -> None:
    for first, then in (((4000, 4000), (6000, 3000)), ((6000, 6000), (4000, 7000))):
        seek = a_seek()
        for second, at in (first, then):
            take(seek, second, at=at)
        assert seek.done
        assert seek.low.position == (2999 if then[0] == 6000 else 7000)


def test_a_listing_that_has_grown_is_searched_to_its_end() -> None:
    seek = a_seek()
    take(seek, 4000, at=4000, total=30_000)
    assert seek.high == Place(30_000)
    take(seek, 4500, at=4500, total=None)
    take(seek, None, at=20_000, total=50_000)
    take(seek, 4600, at=4600, total=50_000)
    assert seek.high == Place(20_000)


def test_a_listing_that_grows_for_ever_is_not_searched_for_ever() -> None:
    seek, asked = a_seek(), 0
    while window := seek.plan(0, None):
        asked += 1
        take(seek, 4000, at=window.offset, total=window.offset * 10**6)
    assert seek.done
    assert asked <= 100


# What a walk does with it.


def a_walk(*, sort: str | None = "created_on", honoured: bool = True, **settings: Any) -> Walk[Row]:
    sorts = KnownSorts()
    sorts.learn("created_on", honoured=honoured)
    return Walk(binding=BINDING, sort=sort, sorts=sorts, **settings)


def read(
    walk: Walk[Row], calls: Calls, *, at_once: int = 1, most: int = 500
) -> tuple[list[str | None], int]:
    """What a walk delivers, and how many requests held nothing of it."""
    delivered: list[str | None] = []
    under_way: deque[Window] = deque()
    beyond = asked = 0
    while not walk.done:
        while len(under_way) < at_once and (window := walk.plan()):
            under_way.append(window)
            asked += 1
        assert asked <= most
        window = under_way.popleft()
        given = walk.accept(window, *calls.fetch(window))
        delivered += [row.id for row in given]
        beyond += not given
        while under_way and walk.is_stale(under_way[0]):
            under_way.popleft()
            walk.count_stale()
            beyond += 1
    return delivered, beyond + len(under_way)


@pytest.mark.share("kind")
@pytest.mark.parametrize("at_once", [1, 8])
@pytest.mark.parametrize("newest_first", [False, True])
@pytest.mark.parametrize("kind", sorted(KEYS))
def test_any_time_window_of_a_million_calls_costs_at_most_forty_requests_beyond_those_that_hold_it(
    kind: str,
    newest_first: bool,  # noqa: FBT001
    at_once: int,
) -> None:
    calls = Calls(KEYS[kind], newest_first=newest_first)
    draw = seeded(f"span {kind} {newest_first} {at_once}")
    for _ in range(8):
        low = KEYS[kind](draw.randrange(MILLION)) + draw.choice([-10, 1e-3, 3])
        high = low + draw.choice([1, 100, 86_400])
        first, end = calls.before(low), calls.before(high)
        if end - first > 3000:
            continue
        walk = a_walk(
            sort="-created_on" if newest_first else "created_on",
            since=moment(low),
            until=moment(high),
        )
        delivered, beyond = read(walk, calls, at_once=at_once)
        numbers = range(first, end)
        assert delivered == [
            f"call_{number}" for number in (numbers[::-1] if newest_first else numbers)
        ]
        assert walk.report.proof == "order"
        assert beyond <= 40


@pytest.mark.parametrize("at_once", [1, 8])
@pytest.mark.parametrize("sort", ["created_on", "-created_on", None])
@pytest.mark.parametrize("edge", [SECONDS * 0.6, 3e6 + 1, SECONDS])
@pytest.mark.parametrize("kind", sorted(KEYS.keys() - {"all in one instant"}))
def test_a_client_that_is_new_searches_a_listing_that_begins_with_one_moment(
    kind: str, edge: float, sort: str | None, at_once: int
) -> None:
    calls = Calls(KEYS[kind], newest_first=sort != "created_on")
    span: dict[str, Any] = {"since": moment(edge), "until": moment(edge + 0.1)}
    walk: Walk[Row] = Walk(binding=BINDING, sort=sort, sorts=KnownSorts(), **span)
    delivered, beyond = read(walk, calls, at_once=at_once)
    assert len(delivered) == calls.before(edge + 0.1) - calls.before(edge)
    assert walk.report.proof == "order"
    assert beyond <= 40 + FIRST_WALK


@pytest.mark.parametrize("day", range(1, 10))
def test_the_last_day_of_a_busy_agent_costs_at_most_two_requests_beyond(day: int) -> None:
    # Some 150 to 1,400 calls a day, at chance moments.
    draw = seeded(day)
    seconds, now = [0.0], 0.0
    while len(seconds) < 20_000:
        now += draw.expovariate(day * 150 / 86_400)
        seconds.append(now)
    calls = Calls(seconds.__getitem__, newest_first=True, size=len(seconds))
    walk = a_walk(sort=None, since=moment(now - 86_400))
    delivered, beyond = read(walk, calls, at_once=8)
    assert len(delivered) == len(seconds) - calls.before(now - 86_400)
    assert walk.report.proof == "order"
    assert beyond <= 2


def span_of(walk: Walk[Row], calls: Calls, **options: Any) -> list[str | None]:
    return read(walk, calls, **options)[0]


EVEN = Calls(float, newest_first=False, size=20_000)
SPAN: dict[str, Any] = {"since": moment(15_000), "until": moment(15_150)}
OF_SPAN = [f"call_{number}" for number in range(15_000, 15_150)]


def test_a_time_window_that_begins_close_by_is_read_on_to() -> None:
    walk = a_walk(since=moment(280), until=moment(290))
    assert len(span_of(walk, EVEN)) == 10
    assert walk.report.requests == walk.report.pages


def test_where_the_order_is_not_honoured_everything_is_read_as_ever() -> None:
    walk = a_walk(sort=None, honoured=False, **SPAN)
    assert span_of(walk, EVEN, most=1000) == OF_SPAN
    assert walk.report.requests > 150
    assert not walk.report.complete


def test_a_server_without_single_rows_is_read_as_ever_and_proven() -> None:
    class Coarse(Calls):
        def fetch(self, window: Window) -> tuple[list[Row], PageMeta]:
            return super().fetch(replace(window, limit=max(10, window.limit)))

    walk = a_walk(**SPAN)
    assert span_of(walk, Coarse(float, newest_first=False, size=20_000)) == OF_SPAN
    assert walk.report.requests > 150
    assert walk.report.proof == "order"


def test_a_walk_resumed_during_the_search_searches_anew_wherever_it_stopped() -> None:
    for stop_after in range(20):
        walk, delivered = a_walk(**SPAN), list[str | None]()
        for _ in range(stop_after):
            if window := walk.plan():
                delivered += [row.id for row in walk.accept(window, *EVEN.fetch(window))]
        text = walk.checkpoint(len(delivered)).to_json()
        again = a_walk(resume=Checkpoint.from_json(text))
        delivered += span_of(again, EVEN)
        assert delivered == OF_SPAN
        assert again.report.proof == "order"
        assert again.report.requests <= 60


def test_a_walk_resumed_before_the_time_window_where_little_is_left_reads_on() -> None:
    small = Calls(float, newest_first=False, size=400)
    walk = a_walk(since=moment(390))
    window = walk.plan()
    assert window
    walk.accept(window, *small.fetch(window))
    checkpoint = evolve(
        walk.checkpoint(0),
        position=350,
        key=moment(349),
        at_key=("call_349",),
        recent=("call_349",),
    )
    again = a_walk(resume=checkpoint)
    assert len(span_of(again, small)) == 10
    assert again.report.requests <= 3


def test_thousands_of_calls_of_the_very_end_of_a_time_window_are_passed_over() -> None:
    calls = Calls(KEYS["large groups"], newest_first=True)
    walk = a_walk(sort="-created_on", since=moment(8.5e6), until=moment(9e6))
    assert span_of(walk, calls) == []
    assert walk.report.proof == "order"
    assert walk.report.requests <= 40


def test_calls_before_a_time_window_are_no_repeats() -> None:
    walk = a_walk(**SPAN)
    assert span_of(walk, EVEN) == OF_SPAN
    assert walk.report.repeats_dropped <= 20


def test_a_window_of_one_moment_outside_the_time_window_does_not_hide_the_order() -> None:
    calls = Calls(KEYS["all in one instant"], newest_first=False)
    spans: list[dict[str, Any]] = [{"until": moment(9)}, {"since": moment(SECONDS)}]
    for edges in spans:
        walk = a_walk(**edges)
        assert span_of(walk, calls) == []
        assert walk.report.proof == "order"


@pytest.mark.parametrize("until", [moment(0), moment(0).min.replace(tzinfo=moment(0).tzinfo)])
def test_an_end_before_all_calls_is_found_at_the_end_of_the_listing(until: Any) -> None:
    calls = Calls(float, newest_first=True, size=20_000)
    walk = a_walk(sort="-created_on", until=until)
    assert span_of(walk, calls) == []
    assert walk.report.proof == "order"
    assert walk.report.requests <= 30
