"""Iterating calls: exactly once, bounded, in time windows, resumed, and honest about what was proven."""

from __future__ import annotations

import asyncio
import json
import pickle
import threading
from contextlib import aclosing
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from agentcalls import (
    AsyncClient,
    Checkpoint,
    ConfigurationError,
    InternalServerError,
    NotFoundError,
    PaginationError,
    UnexpectedResponseError,
)
from agentcalls_mock import FULL_KEY

if TYPE_CHECKING:
    from collections.abc import Callable

    from agentcalls import Call, Client
    from flavours import MakeClient

START = datetime(2026, 1, 1, tzinfo=UTC)
PROBES = 2
"""Requests of a client's first walk of several pages, by which it finds out whether `sort` is honoured."""
FIRST_WALK = PROBES + 1
"""Those that such a walk without `sort` takes more: it begins again, in the order that is honoured."""


class Listing:
    """An API of one agent whose calls a test may change; it counts the requests and answers as the contract says.

    It honours `sort=created_on` in either direction, as the mock does; without it, the order is that of `rows`.
    """

    def __init__(self, row: dict[str, Any], count: int = 0, *, newest_first: bool = False) -> None:
        self._row = {**row, "ended_at": None}  # nothing that would make pages be read row by row
        self.newest_first = newest_first
        self.sort = "-created_on" if newest_first else "created_on"
        """What a caller gives as `sort` to have the order that the listing has anyway."""
        self.honours_sort = True
        self.rows = [self.row(number) for number in range(count)]
        self.requests: list[tuple[int, int]] = []
        self.before: Callable[[int], object] = lambda _: None
        """Called with the number of the request, 1-based, before it is answered."""
        self.with_meta = True
        self._lock = threading.Lock()

    def row(self, number: int) -> dict[str, Any]:
        created = START + timedelta(minutes=number)
        return {**self._row, "id": f"call_{number}", "created_on": created.isoformat()}

    def __call__(self, request: httpx.Request) -> httpx.Response:
        with self._lock:
            return self._answer(request)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        page, limit = (int(request.url.params[name]) for name in ("page", "limit"))
        self.requests.append((page, limit))
        self.before(len(self.requests))
        rows = self._sorted(request.url.params.get("sort", ""))
        end = page * limit
        meta = {
            "total_count": len(rows),
            "page_count": -(-len(rows) // limit),
            "current_page": page,
            "limit": limit,
            "has_next_page": end < len(rows),
            "has_previous_page": page > 1,
        }
        data = rows[end - limit : end]
        body = {"message": "Success", "meta": meta if self.with_meta else None, "data": data}
        return httpx.Response(200, content=json.dumps(body))

    def _sorted(self, sort: str) -> list[dict[str, Any]]:
        if self.honours_sort and sort.removeprefix("-") == "created_on":
            rising = sorted(self.rows, key=lambda row: row["created_on"])
            return rising[::-1] if sort.startswith("-") else rising
        return self.rows[::-1] if self.newest_first else self.rows


@pytest.fixture(params=[False, True], ids=["oldest first", "newest first"])
def api(request: pytest.FixtureRequest, page_body: Any) -> Listing:
    return Listing(page_body["data"][0], 1000, newest_first=request.param)


def client_of(make_client: MakeClient, api: Any, **options: Any) -> Client:
    return make_client(
        api_key="sk_1", base_url="https://host", http_client=make_client.http(api), **options
    )


def ids(calls: Any) -> list[str]:
    return [call.id for call in calls]


def test_whole_reading_at_rest_is_complete_and_says_what_it_took(
    make_client: MakeClient, api: Listing
) -> None:
    listing = client_of(make_client, api).calls.list("a")
    assert listing.report.complete is False
    assert listing.report.reason == "The listing was not read."
    assert len(set(ids(listing))) == 1000
    report = listing.report
    assert (report.complete, report.reason, report.repairs) == (True, None, 0)
    assert (report.total_count_first, report.total_count_last) == (1000, 1000)
    assert report.proof == "order"
    # The first page is used if it is of the newest calls; one asks for the last of a thousand.
    besides = PROBES + (not api.newest_first) + 1
    assert report.requests == report.pages + besides == len(api.requests) <= 13 + FIRST_WALK
    assert report.problems == ()
    api.requests.clear()
    assert len(set(ids(listing))) == 1000
    report = listing.report
    assert report.complete
    assert report.requests == report.pages + 1 == len(api.requests) <= 13


def test_whole_reading_at_rest_is_complete_by_its_count_where_sort_is_ignored(
    make_client: MakeClient, api: Listing
) -> None:
    api.honours_sort = False
    listing = client_of(make_client, api).calls.list("a")
    for probes in (2 * PROBES + (not api.newest_first), 0):
        api.requests.clear()
        assert len(set(ids(listing))) == 1000
        report = listing.report
        assert (report.complete, report.proof, report.repairs) == (True, "count", 0)
        assert report.requests == report.pages + probes == len(api.requests) <= 12 + probes


@pytest.mark.share("count")
@pytest.mark.parametrize("count", [101, 199, 1000, 1100, 1130, 1160])
def test_calls_of_the_first_page_join_windows_however_long_ago_they_came(
    make_client: MakeClient, page_body: Any, count: int
) -> None:
    api = Listing(page_body["data"][0], count)
    listing = client_of(make_client, api).calls.list("a")
    read = ids(listing)
    assert len(read) == len(set(read)) == count
    assert (listing.report.complete, listing.report.repairs) == (True, 0)


@pytest.mark.parametrize("with_meta", [True, False])
@pytest.mark.parametrize("exact", [True, False])
def test_listing_of_one_page_costs_one_request(
    make_client: MakeClient, page_body: Any, *, exact: bool, with_meta: bool
) -> None:
    api = Listing(page_body["data"][0], 99)
    api.with_meta = with_meta
    assert len(client_of(make_client, api).calls.list("a", exact=exact).all()) == 99
    assert api.requests == [(1, 100)]


def test_inexact_reading_takes_plain_pages_and_claims_nothing(
    make_client: MakeClient, api: Listing
) -> None:
    listing = client_of(make_client, api).calls.list("a", exact=False, limit=7)
    assert len(set(ids(listing))) == 1000
    # The last page is full: that nothing follows is seen from the next one.
    assert sorted(api.requests) == [(page, 100) for page in range(1, 12)]
    assert listing.report.complete is False
    assert "exact=False" in str(listing.report.reason)


def test_calls_that_exist_throughout_come_once_while_the_listing_shifts(
    make_client: MakeClient, api: Listing
) -> None:
    stay = {row["id"] for row in api.rows if int(row["id"][5:]) % 7 != 3}

    def change(number: int) -> None:
        if number > 1:
            api.rows.append(api.row(1000 + number))
            gone = next(
                (row for row in api.rows if row["id"] not in stay and int(row["id"][5:]) < 1000),
                None,
            )
            if gone:
                api.rows.remove(gone)

    api.before = change
    listing = client_of(make_client, api).calls.list("a")
    read = ids(listing)
    assert len(read) == len(set(read))
    assert stay <= set(read)
    assert listing.report.complete


@pytest.mark.share("concurrency")
@pytest.mark.parametrize("concurrency", [1, 2, 8, 32])
def test_calls_that_exist_throughout_are_the_same_however_many_pages_are_under_way(
    make_client: MakeClient, api: Listing, concurrency: int
) -> None:
    api.rows = [api.row(number) for number in range(4000)]
    stay = {f"call_{number}" for number in range(4000) if number % 3}

    def change(number: int) -> None:
        api.rows.extend(api.row(4000 + 2 * number + extra) for extra in range(2))
        if number % 4 == 0:
            gone = [row["id"] for row in api.rows if row["id"] not in stay][:40]
            api.rows = [row for row in api.rows if row["id"] not in gone]

    api.before = change
    listing = client_of(make_client, api).calls.list("a", concurrency=concurrency)
    read = ids(listing)
    assert len(read) == len(set(read))
    assert stay <= set(read)
    assert listing.report.complete
    assert listing.report.requests <= len(api.requests)


@pytest.mark.parametrize("bound", [0, 1, 99, 100, 101, 250])
def test_max_items_stops_after_so_many_and_asks_for_no_more(
    make_client: MakeClient, api: Listing, bound: int
) -> None:
    listing = client_of(make_client, api).calls.list("a", max_items=bound)
    assert len(listing.all()) == bound
    asks = bound > 100 or (bound and not api.newest_first)
    assert len(api.requests) <= -(-bound // 90) + (FIRST_WALK if asks else 0)
    assert not listing.report.complete
    assert "max_items" in str(listing.report.reason)
    api.requests.clear()
    assert len(listing.all()) == bound
    assert len(api.requests) <= -(-bound // 90)


def test_leaving_early_costs_no_further_request_and_is_not_complete(
    make_client: MakeClient, api: Listing
) -> None:
    listing = client_of(make_client, api).calls.list("a")
    for _ in listing:
        break
    # Where the first page is not of the newest calls, they are asked for before any is given.
    assert len(api.requests) == (1 if api.newest_first else 1 + FIRST_WALK)
    assert not listing.report.complete


def test_closed_iterator_gives_and_asks_nothing_more(make_client: MakeClient, api: Listing) -> None:
    iterator = iter(client_of(make_client, api).calls.list("a", sort=api.sort))
    first = next(iterator)
    iterator.close()
    assert list(iterator) == []
    assert len(api.requests) == 1
    resumed = client_of(make_client, api).calls.list("a", sort=api.sort, resume=iterator.checkpoint)
    assert ids([first, *resumed]) == ids(client_of(make_client, api).calls.list("a", sort=api.sort))


def test_async_iterator_works_with_aclosing(mock_url: str) -> None:
    async def main() -> list[Call]:
        async with AsyncClient(api_key=FULL_KEY, base_url=mock_url) as client:
            async with aclosing(aiter(client.calls.list("agent_demo"))) as calls:
                seen = [await anext(calls)]
            return seen + [call async for call in calls]

    assert len(asyncio.run(main())) == 1


@pytest.mark.share("cut")
@pytest.mark.parametrize("cut", [0, 1, 50, 99, 100, 101, 333, 999, 1000])
def test_checkpoint_goes_on_in_another_client_without_loss_or_repeat(
    make_client: MakeClient, api: Listing, cut: int
) -> None:
    iterator = iter(client_of(make_client, api).calls.list("a", status="ended"))
    before = [next(iterator).id for _ in range(cut)]
    text = iterator.checkpoint.to_json()
    assert isinstance(json.loads(text), dict)
    resume = Checkpoint.from_json(text)
    assert pickle.loads(pickle.dumps(resume)) == resume  # noqa: S301
    listing = client_of(make_client, api).calls.list("a", status="ended", resume=resume)
    after = ids(listing)
    assert len(before + after) == len(set(before + after)) == 1000
    assert listing.report.complete


@pytest.mark.parametrize("concurrency", [1, 8])
@pytest.mark.parametrize("cut", [400, 420, 449])
def test_checkpoint_in_the_last_answer_holds_though_others_were_asked_for_in_vain(
    make_client: MakeClient, page_body: Any, concurrency: int, cut: int
) -> None:
    api = Listing(page_body["data"][0], 1000, newest_first=True)
    window: Any = {"since": START + timedelta(minutes=550), "concurrency": concurrency}
    iterator = iter(client_of(make_client, api).calls.list("a", **window))
    before = [next(iterator).id for _ in range(cut)]
    after = ids(client_of(make_client, api).calls.list("a", **window, resume=iterator.checkpoint))
    assert len(before + after) == len(set(before + after)) == 450


@pytest.mark.share("cut")
@pytest.mark.parametrize("cut", [0, 40, 100, 950])
def test_oldest_first_loses_nothing_to_calls_that_come_before_it_goes_on(
    make_client: MakeClient, api: Listing, cut: int
) -> None:
    iterator = iter(client_of(make_client, api).calls.list("a", oldest_first=True))
    before = [next(iterator).id for _ in range(cut)]
    assert before == [f"call_{number}" for number in range(cut)]
    api.rows += [api.row(number) for number in range(1000, 1500)]
    listing = client_of(make_client, api).calls.list(
        "a", oldest_first=True, resume=iterator.checkpoint
    )
    assert before + ids(listing) == [f"call_{number}" for number in range(1500)]
    assert listing.report.complete
    assert listing.report.repairs == 0


def test_pages_are_asked_for_oldest_first_once_the_name_is_known(
    make_client: MakeClient, api: Listing
) -> None:
    listing = client_of(make_client, api).calls.list("a", oldest_first=True)
    assert ids(listing)[0] == "call_0"
    assert ids(listing.page(2))[0] == "call_100"
    assert ids(next(iter(listing.pages())))[0] == "call_0"
    first = listing.first()
    assert first
    assert first.id == "call_0"


def test_checkpoint_of_one_order_is_refused_in_the_other(
    make_client: MakeClient, api: Listing
) -> None:
    client = client_of(make_client, api)
    checkpoint = iter(client.calls.list("a", oldest_first=True)).checkpoint
    with pytest.raises(ConfigurationError, match="another agent or query"):
        iter(client.calls.list("a", resume=checkpoint))


def test_failure_in_the_middle_carries_the_checkpoint_to_go_on_from(
    make_client: MakeClient, api: Listing
) -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        answer = api(request)
        return httpx.Response(500) if len(api.requests) > 1 + FIRST_WALK else answer

    before: list[str] = []
    with pytest.raises(InternalServerError) as caught:
        before.extend(
            call.id for call in client_of(make_client, fail, max_retries=0).calls.list("a")
        )
    assert before
    error = pickle.loads(pickle.dumps(caught.value))  # noqa: S301
    listing = client_of(make_client, api).calls.list("a", resume=error.checkpoint)
    after = ids(listing)
    assert len(before + after) == len(set(before + after)) == 1000
    assert listing.report.complete


def test_iterator_has_ended_after_a_failure(make_client: MakeClient) -> None:
    client = client_of(make_client, lambda _: httpx.Response(501))
    iterator = iter(client.calls.list("a"))
    with pytest.raises(InternalServerError):
        next(iterator)
    assert list(iterator) == []


@pytest.mark.parametrize(
    "other",
    [
        {"agent_id": "b"},
        {"status": "failed"},
        {"search": "x"},
        {"page": 2},
        {"limit": 7},
        {"since": "1h"},
    ],
    ids=str,
)
def test_checkpoint_of_another_listing_is_refused(
    make_client: MakeClient, api: Listing, other: Any
) -> None:
    iterator = iter(client_of(make_client, api).calls.list("a"))
    next(iterator)
    options: dict[str, Any] = {"agent_id": "a", **other}
    listing = client_of(make_client, api).calls.list(**options, resume=iterator.checkpoint)
    with pytest.raises(ConfigurationError, match="another agent or query"):
        list(listing)


def test_checkpoint_does_not_show_what_was_searched_for(
    make_client: MakeClient, api: Listing
) -> None:
    iterator = iter(client_of(make_client, api).calls.list("a", search="+14155550100"))
    next(iterator)
    assert "4155550100" not in iterator.checkpoint.to_json()


@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [
        (START + timedelta(minutes=10), START + timedelta(minutes=20), range(10, 20)),
        (None, START + timedelta(minutes=3), range(3)),
        (START + timedelta(minutes=995), None, range(995, 1000)),
        ("2026-01-01T00:10:00Z", "2026-01-01T00:12:00+00:00", range(10, 12)),
        (date(2026, 1, 1), date(2026, 1, 2), range(1000)),
        ("2026-01-02", None, range(0)),
    ],
)
def test_time_window_holds_since_and_not_until(
    make_client: MakeClient, api: Listing, since: Any, until: Any, expected: range
) -> None:
    listing = client_of(make_client, api).calls.list("a", since=since, until=until)
    assert sorted(ids(listing)) == sorted(f"call_{number}" for number in expected)
    assert listing.report.complete


def test_time_window_stops_early_in_either_order(make_client: MakeClient, api: Listing) -> None:
    near: Any = (
        {"since": START + timedelta(minutes=990)}
        if api.newest_first
        else {"until": START + timedelta(minutes=10)}
    )
    listing = client_of(make_client, api).calls.list("a", sort=api.sort, **near)
    for probes in (PROBES, 0):
        api.requests.clear()
        assert len(listing.all()) == 10
        assert len(api.requests) == 1 + probes
        assert listing.report.complete


@pytest.mark.share("concurrency")
@pytest.mark.parametrize("concurrency", [1, 8])
def test_time_window_far_inside_is_sought_and_costs_few_requests(
    make_client: MakeClient, api: Listing, concurrency: int
) -> None:
    api.rows = [api.row(number) for number in range(20_000)]
    if api.newest_first:
        api.rows.reverse()
    client = client_of(make_client, api, concurrency=concurrency)
    listing = client.calls.list(
        "a", since=START + timedelta(minutes=9000), until=START + timedelta(minutes=9250)
    )
    for probes in (FIRST_WALK, 0):
        api.requests.clear()
        assert ids(listing) == [f"call_{number}" for number in range(9249, 8999, -1)]
        assert len(api.requests) == listing.report.requests <= 3 + 20 + probes
        assert (listing.report.complete, listing.report.proof) == (True, "order")


def test_last_calls_are_asked_for_as_far_as_the_rate_so_far_needs(
    make_client: MakeClient, api: Listing
) -> None:
    since = START + timedelta(minutes=700)
    listing = client_of(make_client, api, concurrency=8).calls.list("a", since=since)
    for before in (FIRST_WALK, 0):
        api.requests.clear()
        assert len(listing.all()) == 300
        # Windows overlap by a few: four hold them all.
        assert len(api.requests) == 4 + before
        assert listing.report.complete


def test_duration_lies_before_the_moment_at_which_iterating_starts(
    make_client: MakeClient, api: Listing
) -> None:
    clock = make_client.clock
    clock.moment = (START + timedelta(minutes=1000)).timestamp() - 1_700_000_000
    listing = client_of(make_client, api).calls.list("a", since="5m")
    assert len(listing.all()) == 5
    clock.moment += 120
    assert len(listing.all()) == 3


def test_time_window_over_rows_in_no_order_reads_to_the_end_and_says_so(
    make_client: MakeClient, api: Listing
) -> None:
    api.rows.sort(key=lambda row: str(row["id"])[::-1])
    api.honours_sort = False
    listing = client_of(make_client, api).calls.list("a", until=START + timedelta(minutes=10))
    assert len(set(ids(listing))) == 10
    assert len(api.requests) >= 10
    assert not listing.report.complete
    assert "order" in str(listing.report.reason)
    api.honours_sort = True
    listing = client_of(make_client, api).calls.list("a", until=START + timedelta(minutes=10))
    assert len(set(ids(listing))) == 10
    assert listing.report.complete


def test_first_with_a_time_window_is_the_first_call_of_it(
    make_client: MakeClient, api: Listing
) -> None:
    since = START + timedelta(minutes=500)
    first = client_of(make_client, api).calls.list("a", sort=api.sort, since=since).first()
    assert first is not None
    assert first.id == ("call_999" if api.newest_first else "call_500")
    assert (
        client_of(make_client, api).calls.list("a", since=START + timedelta(days=9)).first() is None
    )


@pytest.mark.parametrize("ask", ["pages", "page", "count"])
@pytest.mark.parametrize("window", [{"since": "1h"}, {"until": "1h"}])
def test_what_the_api_cannot_answer_is_refused_with_a_time_window(
    make_client: MakeClient, api: Listing, ask: str, window: Any
) -> None:
    listing = client_of(make_client, api).calls.list("a", **window)
    with pytest.raises(ConfigurationError, match="without since, until or resume"):
        getattr(listing, ask)(*([1] if ask == "page" else []))
    assert api.requests == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"since": "soon"},
        {"until": datetime(2026, 1, 1)},  # noqa: DTZ001
        {"exact": None},
        {"oldest_first": 1},
        {"oldest_first": True, "sort": "-created_on"},
        {"max_items": -1},
        {"max_items": True},
        {"resume": "{}"},
        {"strict": 1},
        {"max_retries": -1},
    ],
    ids=str,
)
def test_option_that_cannot_be_used_is_refused_by_name(client: Client, wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(wrong))):
        client.calls.list("a", **wrong)


def test_problems_of_all_pages_are_in_the_report_and_each_kind_once_in_the_log(
    make_client: MakeClient, api: Listing, caplog: pytest.LogCaptureFixture
) -> None:
    for row in api.rows[::10]:
        row["direction"] = 7
    for row in api.rows[::200]:
        row["ended_at"] = "+14155550100"
    listing = client_of(make_client, api).calls.list("a", exact=False)
    calls = listing.all()
    assert sum(call.direction is None for call in calls) == 100
    report = listing.report
    assert len(report.problems) == report.problem_count == 105
    assert {problem.page for problem in report.problems} == set(range(1, 11))
    assert {problem.call_id for problem in report.problems} == {row["id"] for row in api.rows[::10]}
    messages = [record.getMessage() for record in caplog.records if record.name == "agentcalls"]
    assert len(messages) == 2
    assert "4155550100" not in "".join(messages)


def test_problem_of_a_call_that_comes_again_is_one_problem(
    make_client: MakeClient, api: Listing
) -> None:
    for row in api.rows:
        row["direction"] = 7
    listing = client_of(make_client, api).calls.list("a")
    assert len(listing.all()) == 1000
    assert listing.report.repeats_dropped
    assert listing.report.problem_count == 1000
    assert {problem.call_id for problem in listing.report.problems} == {
        row["id"] for row in api.rows
    }


def test_report_keeps_a_thousand_problems_and_counts_the_rest(
    make_client: MakeClient, api: Listing
) -> None:
    for row in api.rows:
        del row["direction"], row["source"]
    listing = client_of(make_client, api).calls.list("a", exact=False)
    listing.all()
    assert (len(listing.report.problems), listing.report.problem_count) == (1000, 2000)


def test_strict_raises_for_a_listing_or_for_a_client(make_client: MakeClient, api: Listing) -> None:
    del api.rows[5]["direction"]
    del api.rows[994]["direction"]
    assert len(client_of(make_client, api).calls.list("a").all()) == 1000
    with pytest.raises(UnexpectedResponseError, match="direction"):
        client_of(make_client, api).calls.list("a", strict=True).all()
    with pytest.raises(UnexpectedResponseError, match="direction"):
        client_of(make_client, api, strict=True).calls.list("a").all()
    assert len(client_of(make_client, api, strict=True).calls.list("a", strict=False).all()) == 1000


def test_retries_of_a_listing_are_its_own(make_client: MakeClient) -> None:
    asked: list[httpx.URL] = []

    def fail(request: httpx.Request) -> httpx.Response:
        asked.append(request.url)
        return httpx.Response(500)

    client = client_of(make_client, fail)
    for retries in (0, 2, None):
        asked.clear()
        with pytest.raises(InternalServerError) as caught:
            client.calls.list("a", max_retries=retries).first()
        assert caught.value.attempts == len(asked) == (5 if retries is None else retries + 1)


def test_pages_that_repeat_without_end_are_an_error(make_client: MakeClient, api: Listing) -> None:
    def clamp(request: httpx.Request) -> httpx.Response:
        stuck = request.url.copy_set_param("page", "1")
        return api(httpx.Request("GET", stuck))

    listing = client_of(make_client, clamp).calls.list("a")
    with pytest.raises(PaginationError):
        list(listing.pages())
    assert len(api.requests) < 30
    api.requests.clear()
    try:
        calls = ids(listing)
    except PaginationError:
        calls = []
    assert len(calls) == len(set(calls))
    assert len(api.requests) < 60
    assert not listing.report.complete


def test_interrupt_passes_through_untouched_and_ends_the_iteration(make_client: MakeClient) -> None:
    def interrupt(_: httpx.Request) -> httpx.Response:
        raise GeneratorExit

    iterator = iter(client_of(make_client, interrupt).calls.list("a"))
    with pytest.raises(GeneratorExit):
        next(iterator)
    assert list(iterator) == []


@pytest.mark.parametrize(("count", "taken"), [(50, 1), (50, 49), (250, 201), (250, 249)])
@pytest.mark.parametrize("how", ["break", "close"])
def test_leaving_within_the_last_answer_is_not_complete(
    make_client: MakeClient, page_body: Any, count: int, taken: int, how: str
) -> None:
    api = Listing(page_body["data"][0], count)
    listing = client_of(make_client, api).calls.list("a")
    calls = iter(listing)
    for _ in range(taken):
        next(calls)
    assert not calls.report.complete
    if how == "close":
        calls.close()
    assert not listing.report.complete
    assert listing.report.reason
    assert not calls.checkpoint.report.complete


def test_all_calls_taken_is_complete_without_asking_for_another(
    make_client: MakeClient, page_body: Any
) -> None:
    listing = client_of(make_client, Listing(page_body["data"][0], 50)).calls.list("a")
    calls = iter(listing)
    for _ in range(50):
        next(calls)
    assert listing.report.complete


@pytest.mark.parametrize("exact", [True, False])
def test_order_that_some_rows_of_another_sort_happen_to_have_ends_no_time_window(
    make_client: MakeClient, page_body: Any, *, exact: bool
) -> None:
    api = Listing(page_body["data"][0], 600)
    for number, row in enumerate(api.rows):
        row["status"] = ("answered", "busy", "ended")[number % 3]
    api.rows.sort(key=lambda row: row["created_on"], reverse=True)
    api.rows.sort(key=lambda row: row["status"])
    since = START + timedelta(minutes=550)
    listing = client_of(make_client, api).calls.list("a", sort="status", since=since, exact=exact)
    assert len(set(ids(listing))) == 50
    assert not listing.report.complete
    assert client_of(make_client, api).calls.list("a", sort="status").all()


def test_listing_of_one_page_is_complete_whatever_its_order(
    make_client: MakeClient, page_body: Any
) -> None:
    listing = client_of(make_client, Listing(page_body["data"][0], 60)).calls.list(
        "a", sort="-status"
    )
    assert len(listing.all()) == 60
    assert listing.report.complete


def test_repeats_do_not_count_what_stands_before_the_page_asked_for(
    make_client: MakeClient, api: Listing
) -> None:
    listing = client_of(make_client, api).calls.list(
        "a", page=4, limit=50, max_items=50, exact=False
    )
    listing.all()
    assert listing.report.repeats_dropped == 0


def test_pages_believe_the_total_over_has_next_page(make_client: MakeClient, api: Listing) -> None:
    def lie(request: httpx.Request) -> httpx.Response:
        body = api(request).json()
        body["meta"]["has_next_page"] = False
        return httpx.Response(200, json=body)

    assert sum(map(len, client_of(make_client, lie).calls.list("a").pages())) == 1000


def test_pages_in_ever_new_order_without_a_new_call_are_an_error(
    make_client: MakeClient, api: Listing
) -> None:
    def shuffle(_: httpx.Request) -> httpx.Response:
        api.rows = api.rows[:100]
        api.rows.append(api.rows.pop(0))
        body = api(httpx.Request("GET", "https://host/?page=1&limit=100")).json()
        return httpx.Response(200, json={**body, "meta": None})

    listing = client_of(make_client, shuffle).calls.list("a")
    with pytest.raises(PaginationError, match="hold nothing new"):
        list(listing.pages())
    with pytest.raises(PaginationError):
        listing.count()
    assert len(api.requests) < 50


@pytest.mark.parametrize("total", [-5, 0, None, "12"])
def test_count_that_cannot_be_is_counted(
    make_client: MakeClient, page_body: Any, total: Any
) -> None:
    api = Listing(page_body["data"][0], 150)

    def lie(request: httpx.Request) -> httpx.Response:
        body = api(request).json()
        body["meta"]["total_count"] = total
        return httpx.Response(200, json=body)

    assert client_of(make_client, lie).calls.list("a").count() == 150


def test_checkpoint_survives_an_id_with_half_a_character(
    make_client: MakeClient, page_body: Any
) -> None:
    api = Listing(page_body["data"][0], 300)
    api.rows[120]["id"] = "\ud800"
    calls = iter(client_of(make_client, api).calls.list("a", concurrency=1))
    before = [next(calls).id for _ in range(121)]
    resume = Checkpoint.from_json(calls.checkpoint.to_json())
    after = ids(client_of(make_client, api).calls.list("a", resume=resume))
    assert len(before + after) == len(set(before + after)) == 300


@pytest.mark.parametrize("ask", ["pages", "page", "count"])
def test_what_knows_no_checkpoint_refuses_one(
    make_client: MakeClient, api: Listing, ask: str
) -> None:
    calls = iter(client_of(make_client, api).calls.list("a"))
    first, second = next(calls), next(calls)
    listing = client_of(make_client, api).calls.list("a", resume=calls.checkpoint)
    with pytest.raises(ConfigurationError, match="resume"):
        getattr(listing, ask)(*([1] if ask == "page" else []))
    third = listing.first()
    assert third is not None
    assert third.id not in {first.id, second.id}


def test_same_moment_in_another_form_is_the_same_listing(
    make_client: MakeClient, api: Listing
) -> None:
    window: Any = {"since": START, "until": "2026-01-01T05:00:00Z"}
    calls = iter(client_of(make_client, api).calls.list("a", **window))
    before = [next(calls).id]
    again: Any = {
        "since": "2026-01-01T01:00:00+01:00",
        "until": datetime(2026, 1, 1, 5, tzinfo=ZoneInfo("UTC")),
    }
    after = ids(client_of(make_client, api).calls.list("a", **again, resume=calls.checkpoint))
    assert len(set(before + after)) == len(before + after) == 300


class WithoutPagesBeyond(Listing):
    """A server that answers 404 for a page beyond the end of the listing, and once the agent is gone."""

    gone_after = 10**9

    def _answer(self, request: httpx.Request) -> httpx.Response:
        answer = super()._answer(request)
        page, limit = self.requests[-1]
        beyond = page > 1 and (page - 1) * limit >= len(self.rows)
        gone = len(self.requests) > self.gone_after
        return httpx.Response(404, json={"message": "no such page"}) if beyond or gone else answer


@pytest.mark.parametrize("counts", [True, False])
@pytest.mark.parametrize("size", [1, 99, 100, 101, 200, 300])
def test_missing_page_beyond_the_end_is_the_end(
    make_client: MakeClient, page_body: Any, size: int, *, counts: bool
) -> None:
    api = WithoutPagesBeyond(page_body["data"][0], size, newest_first=True)
    api.with_meta = counts
    listing = client_of(make_client, api, concurrency=1).calls.list("a")
    assert len(set(ids(listing))) == size
    # One page whose server does not say its limit proves nothing.
    assert listing.report.complete is (counts or size > 99)


def test_agent_that_goes_while_its_calls_are_read_is_an_error(
    make_client: MakeClient, page_body: Any
) -> None:
    api = WithoutPagesBeyond(page_body["data"][0], 300, newest_first=True)
    api.gone_after = 4
    with pytest.raises(NotFoundError):
        client_of(make_client, api, concurrency=1).calls.list("a").all()
