"""`client.with_options`: another client over the same connections, and the first one as it was."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from agentcalls import (
    APITimeoutError,
    AsyncClient,
    Client,
    ConfigurationError,
    Exchange,
    InternalServerError,
    RateLimitError,
    Retry,
    UnexpectedResponseError,
)
from agentcalls_mock import FULL_KEY, MockCallsAPI
from faults import FaultServer, changed, page_of

if TYPE_CHECKING:
    from collections.abc import Generator

    from flavours import MakeClient


@pytest.fixture(scope="module")
def _serving() -> Generator[MockCallsAPI]:
    with MockCallsAPI() as api:
        yield api


@pytest.fixture
def api(_serving: MockCallsAPI) -> MockCallsAPI:
    _serving.reset()
    _serving.add_agent("agent_1", calls=250)
    return _serving


def with_options(client: Any, make: MakeClient, **options: Any) -> Client:
    """The other client, with the same face as the first one."""
    if make.flavour == "sync":
        made: Client = client.with_options(**options)
        return made
    other: Any = type(client)(client._target.with_options(**options), client._runner)
    return other  # type: ignore[no-any-return]


@pytest.fixture
def first(make_client: MakeClient, api: MockCallsAPI) -> Client:
    return make_client(api_key=FULL_KEY, base_url=api.base_url)


def test_the_other_has_the_options_and_the_first_stays_as_it_was(
    make_client: MakeClient, first: Client, api: MockCallsAPI
) -> None:
    other = with_options(first, make_client, max_retries=0)
    api.fail(503, times=1)
    with pytest.raises(InternalServerError):
        other.calls.list("agent_1").page(1)
    api.fail(503, times=1)
    assert len(first.calls.list("agent_1").page(1)) == 100
    assert [request.status for request in api.requests] == [503, 503, 200]


def test_all_of_them_can_be_changed(
    make_client: MakeClient, first: Client, api: MockCallsAPI
) -> None:
    told: list[Exchange] = []
    retries: list[Retry] = []
    other = with_options(
        first,
        make_client,
        on_exchange=told.append,
        on_retry=retries.append,
        deadline=1000,
        max_retry_wait=50,
        concurrency=1,
    )
    api.fail(503, times=1)
    assert len(list(other.calls.list("agent_1"))) == 250
    assert (len(told), len(retries)) == (len(api.requests), 1)
    assert first.calls.list("agent_1").count() == 250
    assert len(told) == len(api.requests) - 1
    small = with_options(first, make_client, max_body_bytes=100)
    with pytest.raises(UnexpectedResponseError):
        small.calls.list("agent_1").page(1)
    again = with_options(other, make_client, on_exchange=None)
    before = len(told)
    again.calls.list("agent_1").page(1)
    assert len(told) == before
    assert "agentcalls-" in api.requests[-1].headers["x-request-id"]


def test_they_use_the_same_connections(make_client: MakeClient, server: FaultServer) -> None:
    first = make_client(api_key=FULL_KEY, base_url=server.url)
    first.calls.list("agent_1").page(1)
    for retries in range(3):
        with_options(first, make_client, max_retries=retries).calls.list("agent_1").page(1)
    assert len(server.requests) == 4
    assert {request.connection for request in server.requests} == {0}


def test_they_wait_for_the_same_rate_limit(
    make_client: MakeClient, first: Client, api: MockCallsAPI
) -> None:
    api.fail(429, times=1, retry_after=40)
    other = with_options(first, make_client, max_retries=0)
    with pytest.raises(RateLimitError):
        other.calls.list("agent_1").page(1)
    before = make_client.clock.moment
    first.calls.list("agent_1").page(1)
    assert make_client.clock.moment >= before + 40


def test_a_timeout_of_its_own_holds_for_our_connections(
    make_client: MakeClient, first: Client, api: MockCallsAPI
) -> None:
    api.slow(3600, times=1)
    other = with_options(first, make_client, timeout=0.05, max_retries=0)
    with pytest.raises(APITimeoutError):
        other.calls.list("agent_1").page(1)
    assert len(first.calls.list("agent_1").page(1)) == 100


def test_a_timeout_of_its_own_holds_for_a_client_of_httpx_s(make_client: MakeClient) -> None:
    seen: list[float] = []

    def respond(request: httpx.Request) -> httpx.Response:
        seen.append(request.extensions["timeout"]["read"])
        return httpx.Response(200, json=page_of(1, 100))

    first = make_client(
        api_key=FULL_KEY, base_url="http://127.0.0.1:9", http_client=make_client.http(respond)
    )
    for client in (first, with_options(first, make_client, timeout=3), first):
        client.calls.list("agent_1").page(1)
    with_options(first, make_client, strict=False).calls.list("agent_1").page(1)
    assert seen == [5.0, 3.0, 5.0, 5.0]


def test_strict_is_its_own(make_client: MakeClient, server: FaultServer) -> None:
    server.fail(changed(lambda page: page["data"][0].update(status=None)))
    first = make_client(api_key=FULL_KEY, base_url=server.url)
    assert first.calls.list("agent_1").page(1).problems
    with pytest.raises(UnexpectedResponseError):
        with_options(first, make_client, strict=True).calls.list("agent_1").page(1)


def test_closing_it_closes_nothing(
    make_client: MakeClient, first: Client, api: MockCallsAPI
) -> None:
    other = with_options(first, make_client, max_retries=1)
    other.close()
    assert len(first.calls.list("agent_1").page(1)) == 100
    assert len(other.calls.list("agent_1").page(1)) == 100
    first.close()
    for client in (first, other):
        with pytest.raises(ConfigurationError, match="closed"):
            client.calls.list("agent_1").page(1)
    assert len(api.requests) == 2


@pytest.mark.parametrize(
    ("wrong", "kind", "says"),
    [
        ({"base_url": "http://127.0.0.1:9"}, TypeError, "takes no 'base_url', but timeout"),
        ({"api_key": FULL_KEY}, TypeError, r"with_options\(\) takes no 'api_key'"),
        ({"auth": "bearer"}, TypeError, "takes no 'auth'"),
        ({"clock": None}, TypeError, "takes no 'clock'"),
        ({"max_retry": 1}, TypeError, "takes no 'max_retry'"),
        ({"max_retries": -1}, ConfigurationError, "max_retries"),
        ({"concurrency": 65}, ConfigurationError, "concurrency"),
        ({"timeout": -1}, ConfigurationError, "timeout"),
        ({"strict": 1}, ConfigurationError, "strict"),
        ({"on_retry": 1}, ConfigurationError, "on_retry takes a function"),
    ],
)
def test_what_is_no_option_is_refused(
    make_client: MakeClient,
    first: Client,
    wrong: dict[str, Any],
    kind: type[Exception],
    says: str,
) -> None:
    with pytest.raises(kind, match=says) as caught:
        with_options(first, make_client, **wrong)
    assert FULL_KEY not in str(caught.value)


def test_a_subclass_stays_one(api: MockCallsAPI) -> None:
    class Ours(Client):
        team = "unknown"

    with Ours(api_key=FULL_KEY, base_url=api.base_url) as first:
        first.team = "blue"
        other = first.with_options(strict=True)
        assert isinstance(other, Ours)
        assert other.team == "blue"
        assert repr(other) == repr(first)
        assert other.calls.list("agent_1").count() == 250


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_in_a_forked_process_it_has_connections_of_its_own(server: FaultServer) -> None:
    with Client(api_key=FULL_KEY, base_url=server.url) as first:
        other = first.with_options(max_retries=0)
        other.calls.list("agent_1").page(1)
        process = os.fork()
        if not process:
            os._exit(0 if len(other.calls.list("agent_1").page(1)) == 100 else 1)
        _, status = os.waitpid(process, 0)
        assert os.waitstatus_to_exitcode(status) == 0
        other.calls.list("agent_1").page(1)
    assert [request.connection for request in server.requests] == [0, 1, 0]


async def _types(client: Client, async_client: AsyncClient) -> None:
    """For type checkers: the flavour stays."""
    client.with_options(timeout=3).calls.list("agent_1").all()
    await async_client.with_options(max_retries=1).calls.list("agent_1").all()
