"""Whom an error and the log name: the host and the agent of the request, and never the key, in both flavours."""

from __future__ import annotations

import copy
import logging
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from agentcalls import (
    AgentCallsError,
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    AuthenticationError,
    BadRequestError,
    ConflictError,
    InternalServerError,
    NotFoundError,
    PaginationError,
    PermissionDeniedError,
    RateLimitError,
    Retry,
    UnexpectedResponseError,
)

if TYPE_CHECKING:
    from agentcalls import Client
    from flavours import MakeClient

KEY = "sk_canary_4711"
WHOM = "from api.example.test for agent_demo: "
WRONG: list[tuple[type[AgentCallsError], Any, str]] = [
    (APIConnectionError, httpx.ConnectError("refused"), f"No answer {WHOM}refused. (GET "),
    (APITimeoutError, httpx.ReadTimeout("slow"), f"No answer in time {WHOM}slow. (GET "),
    (UnexpectedResponseError, httpx.InvalidURL("odd"), f"From{WHOM[4:]}The answer cannot be read"),
    (UnexpectedResponseError, httpx.Response(200, text="<html>"), f"200 {WHOM}The answer is not a"),
    (UnexpectedResponseError, httpx.Response(302), f"302 {WHOM}The answer is not the API's."),
    *(
        (
            kind,
            httpx.Response(status, json={"message": "No.", "code": "c"}),
            f"{status} c {WHOM}No.",
        )
        for kind, status in {
            BadRequestError: 400,
            AuthenticationError: 401,
            PermissionDeniedError: 403,
            NotFoundError: 404,
            APIStatusError: 405,
            ConflictError: 409,
            RateLimitError: 429,
            InternalServerError: 503,
        }.items()
    ),
]


def asking(make_client: MakeClient, *answers: Any, **options: Any) -> Client:
    """A client that is given these answers in turn, the last one for ever; an error is raised."""
    coming = list(answers)

    def answer(_: httpx.Request) -> httpx.Response:
        given = coming.pop(0) if len(coming) > 1 else coming[0]
        if isinstance(given, Exception):
            raise given
        return httpx.Response(given.status_code, headers=given.headers, content=given.content)

    http = make_client.http(answer)
    where = {"base_url": "https://api.example.test", "http_client": http}
    return make_client(**{"api_key": KEY, "max_retries": 1} | where | options)


@pytest.mark.parametrize(
    ("kind", "answer", "says"), WRONG, ids=lambda one: getattr(one, "__name__", "")
)
def test_error_of_a_request_names_its_host_and_agent(
    make_client: MakeClient, kind: type[AgentCallsError], answer: Any, says: str
) -> None:
    told: list[Retry] = []
    client = asking(make_client, answer, on_retry=told.append)
    with pytest.raises(kind) as caught:
        client.calls.list("agent_demo").all()
    error = caught.value
    assert str(error).startswith(says)
    assert (error.host, error.agent_id) == ("api.example.test", "agent_demo")
    assert str(copy.copy(error)) == str(error)
    assert all(str(retry.error).startswith(says) for retry in told)
    assert bool(told) == error.retryable


def test_error_of_a_request_that_was_not_sent_names_them_too(make_client: MakeClient) -> None:
    used_up = httpx.Response(429, headers={"Retry-After": "9000"})
    client = asking(make_client, used_up, deadline=1.0)
    listing = client.calls.list("agent_demo")
    with pytest.raises(RateLimitError):
        listing.page(1)
    with pytest.raises(RateLimitError) as caught:
        listing.page(1)
    assert str(caught.value).startswith(f"From{WHOM[4:]}The rate limit is used up;")


def test_error_names_the_port_and_neither_the_key_nor_a_search(make_client: MakeClient) -> None:
    gone = httpx.Response(404, json={"message": "No."})
    client = asking(make_client, gone, base_url="https://api.example.test:8443/v")
    for agent_id in (KEY, f"a{KEY}b"):
        agents = client.calls.list_many([agent_id], search="+14155550100")
        for ask in (
            client.calls.list(agent_id, search="+14155550100").first,
            lambda it=agents: list(it),
        ):
            with pytest.raises((NotFoundError, ExceptionGroup)) as caught:
                ask()
            error: Any = getattr(caught.value, "exceptions", [caught.value])[0]
            shown = agent_id.replace(KEY, "***")
            assert str(error).startswith(f"404 from api.example.test:8443 for {shown}: No.")
            assert KEY not in repr(vars(error))
            assert "+1415" not in str(error)


def test_error_of_a_reading_names_the_agent(make_client: MakeClient, page_body: Any) -> None:
    rows = [page_body["data"][0] | {"id": f"call_{number}"} for number in range(100)]

    def answer(_: httpx.Request) -> httpx.Response:
        # The same calls for ever, each time in another order.
        rows.append(rows.pop(0))
        return httpx.Response(200, json={"data": rows})

    http = make_client.http(answer)
    client = make_client(api_key=KEY, base_url="https://api.example.test", http_client=http)
    for read in (list, lambda listing: list(listing.pages())):
        with pytest.raises(PaginationError) as caught:
            read(client.calls.list("agent_demo"))
        assert str(caught.value).startswith("For agent_demo: ")
        assert caught.value.agent_id == "agent_demo"


def test_id_that_was_refused_is_shown_without_its_control_characters() -> None:
    assert str(AgentCallsError("No.", agent_id="a\x1b[2J")) == r"For ['a\x1b[2J']: No."


def log_of(caplog: pytest.LogCaptureFixture, level: int) -> list[str]:
    return [one.getMessage() for one in caplog.records if one.levelno == level]


def test_each_request_is_logged_at_debug_and_each_listing_at_info(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "agentcalls")
    listing = client.calls.list("agent_demo")
    listing.all()
    report = listing.report
    (read,) = log_of(caplog, logging.INFO)
    assert (
        read
        == f"Read 'agent_demo': 250 calls of {report.pages} pages, {report.requests} requests; complete"
    )
    requests = log_of(caplog, logging.DEBUG)
    assert len(requests) == report.requests
    assert all("status=200" in one and "method='GET'" in one for one in requests)


def test_listing_that_ends_otherwise_is_logged_once(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "agentcalls")
    calls = iter(client.calls.list("agent_demo"))
    next(calls)
    calls.close()
    calls.close()
    with pytest.raises(ExceptionGroup):
        list(client.calls.list_many(["agent_nobody", "agent_one", "agent_empty"], ordered=True))
    early, failed, *others = log_of(caplog, logging.INFO)
    assert early == "Read 'agent_demo': 1 call of 1 page, 1 request; ended early"
    assert failed.startswith(
        "Read 'agent_nobody': 0 calls of 0 pages, 0 requests; failed: 404 not_found from 127.0.0.1:"
    )
    assert [one.partition(":")[0] for one in others] == ["Read 'agent_one'", "Read 'agent_empty'"]


def test_listing_that_is_not_proven_says_why_in_the_log(
    make_client: MakeClient, page_body: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "agentcalls")
    page_body["meta"]["total_count"] = 5
    listing = asking(make_client, httpx.Response(200, json=page_body)).calls.list("a")
    listing.all()
    assert listing.report.reason
    assert log_of(caplog, logging.INFO)[-1].endswith(
        f"not proven complete: {listing.report.reason}"
    )
