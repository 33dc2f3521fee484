"""The team's agents as a listing, in both flavours: its pages, what it proves, and what it takes for wrong."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from agentcalls import (
    Agent,
    AgentCallsError,
    APIConnectionError,
    APITimeoutError,
    AuthenticationError,
    ConfigurationError,
    InternalServerError,
    NotFoundError,
    PaginationError,
    PermissionDeniedError,
    RateLimitError,
    UnexpectedResponseError,
)
from agentcalls_api.models import Agent as GeneratedAgent
from agentcalls_mock import FULL_KEY, NOSCOPE_KEY
from team import AGENTS, Team, agent, client_of

if TYPE_CHECKING:
    from agentcalls import Client
    from flavours import MakeClient

IDS = ["agent_demo", "agent_2", "agent_3", "agent_empty", "agent_one", "agent/with slash?&#é"]


def test_agents_of_the_mock_are_read_whole(client: Client) -> None:
    listing = client.agents.list()
    agents = listing.all()
    assert [one.id for one in agents] == IDS
    assert all(type(one) is Agent for one in agents)
    assert (listing.report.complete, listing.report.proof) == (True, "answer")
    assert (listing.report.requests, listing.report.problem_count) == (1, 0)


def test_agents_own_id_opens_its_calls_whatever_is_in_it(client: Client) -> None:
    (odd,) = client.agents.list(search="agent/with slash").all()
    assert len(client.calls.list(odd.id).all()) == 12


def test_listing_has_pages_a_count_and_a_first(client: Client) -> None:
    listing = client.agents.list(limit=4, sort="name")
    assert [len(page) for page in listing.pages()] == [4, 2]
    assert [len(listing.page(number)) for number in (1, 2, 3)] == [4, 2, 0]
    assert listing.count() == 6
    first = listing.first()
    assert first is not None
    assert first.name == min(one.name for one in listing)
    assert client.agents.list(search="nobody").first() is None
    assert "<Page 1: 4 agents>" in repr(listing.page(1))


def test_parameters_are_sent_as_they_are(make_client: MakeClient) -> None:
    team = Team([agent(1)])
    client_of(make_client, team).agents.list(
        page=2, limit=7, search="a & b", sort="-created_at"
    ).page(2)
    (url,) = team.asked
    assert dict(url.params) == {"page": "2", "limit": "7", "search": "a & b", "sort": "-created_at"}


def test_nothing_is_sent_until_it_is_read_and_each_time_anew(make_client: MakeClient) -> None:
    team = Team([agent(1), agent(2)])
    listing = client_of(make_client, team).agents.list()
    assert (team.asked, repr(listing).removeprefix("<Async")) in (
        ([], "<AgentListing>"),
        ([], "AgentListing>"),
    )
    assert list(listing) == list(listing)
    assert len(team.asked) == 2


@pytest.mark.parametrize(
    "wrong",
    [
        {"limit": 101},
        {"limit": 0},
        {"page": 0},
        {"search": "x" * 256},
        {"sort": "x" * 65},
        {"search": 7},
        {"max_items": -1},
        {"strict": 1},
        {"search": "\ud800"},
    ],
    ids=str,
)
def test_what_the_contract_does_not_allow_is_refused_at_once(client: Client, wrong: Any) -> None:
    with pytest.raises(ConfigurationError):
        client.agents.list(**wrong)


def test_longest_texts_are_sent(make_client: MakeClient) -> None:
    team = Team([])
    client_of(make_client, team).agents.list(search="é" * 255, sort="x" * 64).all()
    assert team.asked[0].params["search"] == "é" * 255


# What it proves.


def test_long_listing_is_proven_where_the_server_sorts(make_client: MakeClient) -> None:
    team = Team([agent(number) for number in range(350)])
    listing = client_of(make_client, team).agents.list()
    agents = listing.all()
    assert sorted(one.id for one in agents) == sorted(row["id"] for row in team.rows)
    assert (listing.report.complete, listing.report.proof) == (True, "order")
    # The documented name of the sort alone is asked for.
    assert {url.params.get("sort") for url in team.asked} == {None, "created_at", "-created_at"}


def test_client_asks_once_whether_the_server_sorts_its_agents(make_client: MakeClient) -> None:
    team = Team([agent(number) for number in range(150)])
    client = client_of(make_client, team)
    first = client.agents.list()
    assert len(first.all()) == 150
    asked = len(team.asked)
    again = client.agents.list()
    assert len(again.all()) == 150
    assert again.report.complete
    assert len(team.asked) - asked < asked


def test_long_listing_in_no_order_is_read_to_its_end_and_not_called_complete(
    make_client: MakeClient,
) -> None:
    team = Team([agent(number) for number in range(350)], sorts=False)
    listing = client_of(make_client, team).agents.list()
    assert len({one.id for one in listing}) == 350
    assert (listing.report.complete, listing.report.proof) == (False, None)
    assert listing.report.reason


def test_listing_by_name_is_not_called_complete(make_client: MakeClient) -> None:
    team = Team([agent(number) for number in range(350)])
    listing = client_of(make_client, team).agents.list(sort="name")
    names = [one.name for one in listing]
    assert (len(names), names) == (350, sorted(names))
    assert not listing.report.complete


def test_repeated_agent_comes_once(make_client: MakeClient) -> None:
    team = Team([agent(1), agent(2), agent(1), agent(2), agent(3)])
    listing = client_of(make_client, team).agents.list()
    assert [one.id for one in listing] == ["agent_1", "agent_2", "agent_3"]
    assert not listing.report.complete


@pytest.mark.parametrize("said", [0, 1, 2, 5])
def test_count_that_does_not_fit_is_no_proof(make_client: MakeClient, said: int) -> None:
    team = Team([agent(1), agent(2)])
    team.change = lambda body: {**body, "meta": {**body["meta"], "total_count": said}}
    listing = client_of(make_client, team).agents.list()
    assert len(listing.all()) == 2
    assert listing.report.complete is (said == 2)


def test_host_that_repeats_its_page_for_ever_comes_to_an_end(make_client: MakeClient) -> None:
    rows = [agent(number) for number in range(100)]
    body = {"message": "", "meta": None, "data": rows}
    listing = client_of(make_client, lambda _: httpx.Response(200, json=body)).agents.list()
    with pytest.raises(PaginationError):
        listing.all()
    assert not listing.report.complete


@pytest.mark.parametrize("meta", ["missing", None])
def test_page_without_meta_is_a_page(make_client: MakeClient, meta: Any) -> None:
    team = Team([agent(1)])
    team.change = lambda body: (
        {name: body[name] for name in ("message", "data")}
        if meta == "missing"
        else {**body, "meta": meta}
    )
    listing = client_of(make_client, team).agents.list()
    assert (listing.page(1).meta, listing.count(), len(listing.all())) == (None, 1, 1)


def test_empty_team_is_complete(make_client: MakeClient) -> None:
    listing = client_of(make_client, Team([])).agents.list()
    assert (listing.all(), listing.report.complete, listing.first()) == ([], True, None)


def test_reading_stops_at_max_items_and_says_so(make_client: MakeClient) -> None:
    listing = client_of(make_client, Team([agent(n) for n in range(9)])).agents.list(max_items=4)
    assert len(listing.all()) == 4
    assert listing.report.reason == "Reading stopped at max_items."


def test_iterator_tells_how_far_it_came(make_client: MakeClient) -> None:
    iterator = iter(client_of(make_client, Team([agent(n) for n in range(9)])).agents.list())
    next(iterator)
    assert "RowIterator of 1 agent of 1 page>" in repr(iterator)
    assert not iterator.report.complete
    iterator.close()


# What an agent is read as.


def test_what_may_be_missing_or_null_is_none_and_no_problem(make_client: MakeClient) -> None:
    null = dict.fromkeys(("status", "persona", "language", "timezone", "escalation_email"))
    page = client_of(make_client, Team([agent(1), agent(2, **null)])).agents.list().page(1)
    assert [(one.status, one.persona, one.logo) for one in page] == [(None, None, None)] * 2
    assert page.problems == ()
    strict = client_of(make_client, Team([agent(1)]), strict=True)
    assert len(strict.agents.list().all()) == 1


def test_status_that_nobody_has_listed_is_one(make_client: MakeClient) -> None:
    row = agent(1, status="on holiday", persona="grumpy", rules=[{"id": "r"}])
    page = client_of(make_client, Team([row])).agents.list().page(1)
    (one,) = page
    assert (one.status, one.persona, page.problems) == ("on holiday", "grumpy", ())
    assert one.additional_properties == {"rules": [{"id": "r"}]}
    assert one.to_dict()["rules"] == [{"id": "r"}]


def test_odd_rows_are_agents_whose_problems_are_named(make_client: MakeClient) -> None:
    rows: list[Any] = [
        agent(1, status=7),
        agent(2, created_at="yesterday"),
        {"id": "agent_3"},
        "agent_4",
        None,
    ]
    team = Team([])
    team.change = lambda body: {**body, "data": rows}
    listing = client_of(make_client, team).agents.list()
    page = listing.page(1)
    assert [one.id for one in page] == ["agent_1", "agent_2", "agent_3", None, None]
    assert (page.data[0].status, page.data[0].additional_properties) == (None, {"status": 7})
    found = {(problem.row, problem.field) for problem in page.problems}
    assert found >= {(0, "status"), (1, "created_at"), (2, "name"), (3, None), (4, None)}
    assert len(listing.all()) == 5
    assert not listing.report.complete
    assert listing.report.problem_count == len(page.problems)


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"<html>", b"{}", b'{"data": {}}', b'{"data": null}', b"7", b'{"data": "x"}'],
    ids=str,
)
def test_answer_that_is_no_page_is_an_error_that_says_so(
    make_client: MakeClient, body: bytes
) -> None:
    listing = client_of(make_client, lambda _: httpx.Response(200, content=body)).agents.list()
    with pytest.raises(UnexpectedResponseError, match="is not a page of agents") as caught:
        listing.all()
    assert (caught.value.path, caught.value.agent_id) == (AGENTS, None)


def test_strict_listing_refuses_a_page_with_a_problem(make_client: MakeClient) -> None:
    team = Team([agent(1, name=7)])
    client = client_of(make_client, team)
    assert len(client.agents.list().all()) == 1
    with pytest.raises(UnexpectedResponseError, match="name is a number, not a text"):
        client.agents.list(strict=True).all()


def test_agent_prints_and_compares_as_a_call_does() -> None:
    made = Agent.from_dict(agent(1))
    assert made == Agent.from_dict(agent(1))
    assert len({made, Agent.from_dict(agent(1))}) == 1
    assert made.created_on == made.created_at
    assert GeneratedAgent.from_dict(agent(1)).to_dict() == agent(1)
    assert Agent.from_dict(made.to_dict()) == made
    assert made.to_dict()["created_at"] == "2026-01-02T13:00:00.000000Z"


# What goes wrong.


@pytest.mark.parametrize(
    ("status", "kind", "attempts"),
    [
        (400, AgentCallsError, 1),
        (401, AuthenticationError, 1),
        (403, PermissionDeniedError, 1),
        (404, NotFoundError, 1),
        (429, RateLimitError, 3),
        (500, InternalServerError, 3),
        (501, InternalServerError, 1),
        (503, InternalServerError, 3),
    ],
)
def test_each_status_has_its_error_and_its_retries(
    make_client: MakeClient, status: int, kind: type[AgentCallsError], attempts: int
) -> None:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(status, json={"message": "No.", "code": "some_code"})

    client = client_of(make_client, answer, max_retries=2)
    with pytest.raises(kind) as caught:
        client.agents.list().all()
    assert (caught.value.status, caught.value.code) == (status, "some_code")
    assert (caught.value.method, caught.value.path) == ("GET", AGENTS)
    assert (caught.value.agent_id, len(asked)) == (None, attempts)
    assert "Agent:" not in str(getattr(caught.value, "__notes__", ""))
    if status == 403:
        assert "conversations:read" not in str(caught.value)
        assert "may read the team's agents" in str(caught.value)


def test_key_without_a_scope_may_not_list(make_client: MakeClient, mock_url: str) -> None:
    client = make_client(api_key=NOSCOPE_KEY, base_url=mock_url)
    with pytest.raises(PermissionDeniedError) as caught:
        client.agents.list().first()
    assert caught.value.code == "insufficient_scope"


def test_request_is_tried_again_and_then_answered(make_client: MakeClient) -> None:
    team = Team([agent(1)])
    answers = [httpx.Response(429, headers={"Retry-After": "7"}), httpx.Response(500)]

    def answer(request: httpx.Request) -> httpx.Response:
        return answers.pop(0) if answers else team(request)

    assert len(client_of(make_client, answer).agents.list().all()) == 1
    assert make_client.clock.slept[0] >= 7


def test_one_listing_may_be_retried_less(make_client: MakeClient) -> None:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(503)

    with pytest.raises(InternalServerError):
        client_of(make_client, answer).agents.list(max_retries=0).all()
    assert len(asked) == 1


def test_deadline_ends_the_retries(make_client: MakeClient) -> None:
    client = client_of(make_client, lambda _: httpx.Response(500), deadline=3, max_retries=50)
    before = make_client.clock.moment
    with pytest.raises(InternalServerError):
        client.agents.list().all()
    assert make_client.clock.moment - before <= 3


@pytest.mark.parametrize(
    ("raised", "kind"),
    [(httpx.ConnectError, APIConnectionError), (httpx.ReadTimeout, APITimeoutError)],
)
def test_no_answer_is_an_error_of_the_connection(
    make_client: MakeClient, raised: type[httpx.TransportError], kind: type[AgentCallsError]
) -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        raise raised("no")

    with pytest.raises(kind):
        client_of(make_client, answer, max_retries=1).agents.list().all()


def test_key_and_search_are_in_nothing_that_is_printed(
    make_client: MakeClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    team = Team([agent(1, name="sk_secret_1"), agent(2, status=["sk_secret_1"])])
    team.change = lambda body: {**body, "message": "sk_secret_1"}
    client = client_of(make_client, team, api_key="sk_secret_1")
    listing = client.agents.list(search="+14155550100")
    page = listing.page(1)
    shown = [repr(listing), repr(page), repr(page.data), repr(page.problems), page.message]
    client = client_of(
        make_client,
        lambda _: httpx.Response(403, json={"message": "not with sk_secret_1"}),
        api_key="sk_secret_1",
    )
    with pytest.raises(PermissionDeniedError) as caught:
        client.agents.list(search="+14155550100").all()
    shown += [str(caught.value), repr(caught.value), repr(vars(caught.value)), caplog.text]
    assert "sk_secret_1" not in "".join(map(str, shown))
    # A listing's repr has its filters, which its caller wrote; nothing else has.
    assert "+14155550100" not in "".join(map(str, shown[1:]))


# Their calls.


def test_calls_of_all_agents_are_read(client: Client) -> None:
    many = client.calls.list_many(client.agents.list())
    found = {agent_id for agent_id, _ in many}
    assert found == set(IDS) - {"agent_empty"}
    assert set(many.report.agents) == set(IDS)
    assert many.report.complete


def test_agents_and_ids_may_be_mixed(client: Client) -> None:
    one = client.agents.list(sort="name").first()
    many = client.calls.list_many([one, "agent_one", one, "agent_one"])  # type: ignore[list-item]
    list(many)
    assert one is not None
    assert set(many.report.agents) == {one.id, "agent_one"}


def test_call_is_no_agent(client: Client) -> None:
    call: Any = client.calls.list("agent_demo").first()
    with pytest.raises(ExceptionGroup) as caught:
        list(client.calls.list_many([call]))
    assert isinstance(caught.value.exceptions[0], ConfigurationError)


def test_many_are_not_complete_where_their_agents_are_not(client: Client) -> None:
    many = client.calls.list_many(client.agents.list(max_items=2))
    list(many)
    assert all(report.complete for report in many.report.agents.values())
    assert (many.report.complete, many.report.reason) == (
        False,
        "The listing of the agents is not proven complete: Reading stopped at max_items.",
    )


def test_agents_are_read_anew_each_time(client: Client) -> None:
    many = client.calls.list_many(client.agents.list())
    assert len(list(many)) == len(list(many)) > 0
    assert many.report.complete


def test_agents_that_were_chosen_are_all(client: Client) -> None:
    live = [one for one in client.agents.list() if one.status == "live"]
    many = client.calls.list_many(live)
    list(many)
    assert set(many.report.agents) == {"agent_demo", "agent_empty"}
    assert many.report.complete


def test_failure_to_list_the_agents_ends_the_reading(
    make_client: MakeClient, mock_url: str
) -> None:
    client = make_client(api_key="sk_wrong", base_url=mock_url)
    many = client.calls.list_many(client.agents.list())
    with pytest.raises(AuthenticationError) as caught:
        list(many)
    assert (caught.value.path, caught.value.agent_id) == (AGENTS, None)
    assert not many.report.complete


def test_agents_to_await_are_none_for_a_client_that_blocks(
    make_client: MakeClient, mock_url: str
) -> None:
    class Later:
        def __aiter__(self) -> Later:
            return self

        async def __anext__(self) -> str:
            raise StopAsyncIteration

    client = make_client(api_key=FULL_KEY, base_url=mock_url)
    many = client.calls.list_many(Later())
    if make_client.flavour == "async":
        assert list(many) == []
        assert many.report.complete
        return
    with pytest.raises(ConfigurationError, match="agent_ids is asynchronous"):
        list(many)


def test_batches_take_agents_too(client: Client) -> None:
    batches = list(client.calls.list_many(client.agents.list()).batches())
    assert {batch.agent_id for batch in batches} == set(IDS)
