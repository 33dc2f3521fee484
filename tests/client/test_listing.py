from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import attrs
import httpx
import pytest

from agentcalls import Clock, ConfigurationError
from agentcalls.models import Call

if TYPE_CHECKING:
    from agentcalls import Client
    from flavours import MakeClient


def test_iterating_gives_every_call_once_over_all_pages(client: Client) -> None:
    calls = list(client.calls.list("agent_demo"))
    assert len(calls) == len({call.id for call in calls}) == 250
    assert all(type(call) is Call for call in calls)


def test_listing_sends_nothing_until_it_is_read_and_asks_anew_each_time(
    make_client: MakeClient, page_body: Any
) -> None:
    asked: list[httpx.URL] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url)
        return httpx.Response(200, json=page_body)

    client = make_client(
        api_key="sk_1", base_url="https://host", http_client=make_client.http(answer)
    )
    listing = client.calls.list("agent_1")
    assert asked == []
    assert list(listing) == list(listing)
    assert len(asked) == 2


def test_all_is_the_list_of_what_iterating_gives(client: Client) -> None:
    listing = client.calls.list("agent_demo", status="failed")
    assert listing.all() == list(listing)


@pytest.mark.parametrize("limit", [1, 7, 50, 100])
def test_pages_are_the_servers_own_and_concatenate_to_the_whole(client: Client, limit: int) -> None:
    listing = client.calls.list("agent_demo", limit=limit, is_test_call=True)
    pages = list(listing.pages())
    assert [page.meta.current_page for page in pages if page.meta] == list(range(1, len(pages) + 1))
    assert all(len(page) == limit for page in pages[:-1])
    assert [call for page in pages for call in page] == listing.all()
    assert len(pages) > 1 or limit > 7


def test_page_size_is_the_maximum_unless_the_caller_says_otherwise(client: Client) -> None:
    assert [len(page) for page in client.calls.list("agent_demo").pages()] == [100, 100, 50]
    assert len(client.calls.list("agent_demo", limit=3).page(2)) == 3


def test_page_starts_iterating_in_the_middle(client: Client) -> None:
    everything = client.calls.list("agent_demo").all()
    assert client.calls.list("agent_demo", page=3).all() == everything[200:]
    assert client.calls.list("agent_demo", page=6, limit=40).all() == everything[200:]
    assert client.calls.list("agent_demo", page=4).all() == []


def test_page_gives_one_page_with_what_the_answer_says_of_it(client: Client) -> None:
    page = client.calls.list("agent_demo", limit=100).page(3)
    assert page.meta is not None
    assert (page.meta.total_count, page.meta.page_count, page.meta.current_page) == (250, 3, 3)
    assert (page.meta.has_next_page, page.meta.has_previous_page) == (False, True)
    assert page.message == "Success"
    assert page.request_id
    assert page.rate_limit is not None
    assert page.rate_limit.limit is not None
    assert page.rate_limit.remaining is not None
    assert page.rate_limit.reset is not None
    assert page.rate_limit.reset.tzinfo is UTC
    assert list(page) == page.data


def test_page_past_the_end_is_empty(client: Client) -> None:
    assert client.calls.list("agent_demo").page(99).data == []


@pytest.mark.parametrize("options", [{}, {"page": 2}, {"page": 3, "limit": 7}])
def test_first_is_what_iterating_begins_with(client: Client, options: Any) -> None:
    listing = client.calls.list("agent_demo", **options)
    assert listing.first() == next(iter(listing))


def test_first_of_no_calls_is_none(client: Client) -> None:
    assert client.calls.list("agent_empty").first() is None


@pytest.mark.parametrize(
    ("agent", "expected"), [("agent_demo", 250), ("agent_empty", 0), ("agent_one", 1)]
)
def test_count_is_the_number_of_calls(client: Client, agent: str, expected: int) -> None:
    listing = client.calls.list(agent)
    assert listing.count() == len(listing.all()) == expected


def test_count_is_of_the_whole_listing_wherever_it_starts(client: Client) -> None:
    assert client.calls.list("agent_demo", page=2, limit=10).count() == 250


def test_filters_reach_the_server(client: Client) -> None:
    everything = client.calls.list("agent_demo").all()
    failed = client.calls.list("agent_demo", status="failed").all()
    assert failed == [call for call in everything if call.status == "failed"]
    assert failed
    tests = client.calls.list("agent_demo", is_test_call=True).all()
    live = client.calls.list("agent_demo", is_test_call=False).all()
    assert tests == [call for call in everything if call.is_test_call]
    assert len(tests) + len(live) == 250
    wanted = everything[17].id
    assert [call.id for call in client.calls.list("agent_demo", search=wanted)] == [wanted]
    oldest = client.calls.list("agent_demo", sort="created_on").first()
    assert oldest is not None
    assert oldest.created_on == min(call.created_on for call in everything)


def test_agent_id_stays_one_path_segment(client: Client) -> None:
    assert client.calls.list("agent/with slash?&#é").count() == 12


def test_only_what_was_given_is_sent(make_client: MakeClient, page_body: Any) -> None:
    asked: list[httpx.QueryParams] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.params)
        return httpx.Response(200, json=page_body)

    client = make_client(
        api_key="sk_1", base_url="https://host", http_client=make_client.http(answer)
    )
    client.calls.list("agent_1").page(1)
    client.calls.list(
        "agent_1", search="", is_test_call=False, limit=5, sort="-x", status="busy"
    ).page(2)
    assert [dict(params) for params in asked] == [
        {"page": "1", "limit": "100"},
        {
            "page": "2",
            "limit": "5",
            "search": "",
            "sort": "-x",
            "is_test_call": "false",
            "status": "busy",
        },
    ]


def test_without_meta_paging_goes_on_until_a_page_comes_short(
    make_client: MakeClient, page_body: Any
) -> None:
    row = page_body["data"][0]

    def answer(request: httpx.Request) -> httpx.Response:
        page, limit = (int(request.url.params[name]) for name in ("page", "limit"))
        numbers = range((page - 1) * limit, min(page * limit, 20))
        rows = [{**row, "id": f"call_{number}"} for number in numbers]
        return httpx.Response(200, json={**page_body, "meta": None, "data": rows})

    client = make_client(
        api_key="sk_1", base_url="https://host", http_client=make_client.http(answer)
    )
    for limit in (7, 10, 20):
        listing = client.calls.list("agent_1", limit=limit)
        assert [call.id for call in listing] == [f"call_{number}" for number in range(20)]
        assert listing.count() == 20


def test_timestamps_are_aware_and_in_utc(make_client: MakeClient, page_body: Any) -> None:
    page_body["data"][0]["created_on"] = "2026-11-23T10:00:00"
    answer = make_client.http(lambda _: httpx.Response(200, json=page_body))
    call = (
        make_client(api_key="sk_1", base_url="https://host", http_client=answer)
        .calls.list("agent_1")
        .first()
    )
    assert call is not None
    assert call.created_on == datetime(2026, 11, 23, 10, tzinfo=UTC)
    assert call.ringing_at == call.created_on + timedelta(seconds=2)
    assert call.ended_at == call.created_on + timedelta(seconds=60.5)
    moments = [value for value in attrs.asdict(call).values() if isinstance(value, datetime)]
    assert [moment.tzinfo for moment in moments] == [UTC] * 3


def test_unknown_status_direction_and_field_pass(make_client: MakeClient, page_body: Any) -> None:
    page_body["data"][0] |= {"status": "parked", "direction": "sideways", "sentiment": 0.5}
    answer = make_client.http(lambda _: httpx.Response(200, json=page_body))
    call = (
        make_client(api_key="sk_1", base_url="https://host", http_client=answer)
        .calls.list("agent_1")
        .first()
    )
    assert call is not None
    assert (call.status, call.direction) == ("parked", "sideways")
    assert call.additional_properties == {"sentiment": 0.5}


def test_listing_and_client_say_what_they_are(client: Client) -> None:
    assert repr(client.calls.list("agent_1")).endswith("CallListing of 'agent_1'>")
    listing = client.calls.list("agent_1", status="failed", since="24h", max_items=0, exact=True)
    assert repr(listing).endswith(" of 'agent_1': status='failed', since='24h', max_items=0>")
    assert f"base_url={client.base_url!r}" in repr(client)
    assert client.base_url.startswith("http://127.0.0.1:")


def test_page_says_its_number_and_size(client: Client) -> None:
    assert repr(client.calls.list("agent_demo").page(3)) == "<Page 3: 50 calls>"


def test_page_without_meta_says_its_size_and_its_problems(
    make_client: MakeClient, page_body: Any
) -> None:
    body = {"message": "Success", "data": [page_body["data"][0], {}]}
    http = make_client.http(lambda _: httpx.Response(200, json=body))
    client = make_client(api_key="sk_1", base_url="https://host", http_client=http)
    page = client.calls.list("a").page(1)
    assert repr(page) == f"<Page: 2 calls, {len(page.problems)} problems>"
    assert page.problems


def test_iterator_says_how_far_it_is(client: Client) -> None:
    calls = iter(client.calls.list("agent_demo"))
    assert repr(calls).endswith("CallIterator of 'agent_demo': 0 calls of 0 pages>")
    next(calls)
    assert repr(calls).endswith("of 'agent_demo': 1 call of 1 page>")
    list(calls)
    # The first page was read again, in the order that the server was seen to honour.
    assert repr(calls).endswith("of 'agent_demo': 250 calls of 4 pages>")
    calls = iter(client.calls.list("agent_demo"))
    list(calls)
    assert repr(calls).endswith("of 'agent_demo': 250 calls of 3 pages>")


@pytest.mark.parametrize("number", [0, -1, 2.5, True, "abc"])
def test_a_page_that_cannot_be_is_refused_before_a_request(
    make_client: MakeClient, number: Any
) -> None:
    asked: list[httpx.Request] = []

    def refuse(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(500)

    http = make_client.http(refuse)
    client = make_client(api_key="sk_1", base_url="https://host", http_client=http)
    for listing in (client.calls.list("a"), client.agents.list()):
        with pytest.raises(ConfigurationError, match="number takes"):
            listing.page(number)
    assert asked == []


@pytest.mark.parametrize("year", [1999, 2040])
def test_a_span_is_judged_by_the_clients_clock(make_client: MakeClient, year: int) -> None:
    now = datetime(year, 1, 1, tzinfo=UTC)
    clock = Clock(wall=now.timestamp)
    calls = make_client(api_key="sk_1", base_url="https://host", clock=clock).calls
    for listed in (calls.list, lambda agent, **span: calls.list_many([agent], **span)):
        listed("agent_1", since="24h", until=now)
        listed("agent_1", since=now - timedelta(days=1), until="1h")
        with pytest.raises(ConfigurationError, match="since takes a moment before until"):
            listed("agent_1", since="24h", until=now - timedelta(days=2))
