"""Tools that watch or replace httpx hear each request of ours, and none goes past a double."""

from __future__ import annotations

import functools
import importlib.util
import json
import socket
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from unittest import mock

import httpcore
import httpcore2
import httpx
import httpx2
import pytest

from agentcalls import APIConnectionError, APITimeoutError, ConfigurationError
from agentcalls.request.wire import tools
from agentcalls.request.wire.library import timeouts_of
from faults import IDS, FaultServer, answer, page_of
from flavours import MakeAsync, MakeSync

if TYPE_CHECKING:
    from flavours import MakeClient


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENTCALLS_API_KEY", "sk_key")


PLACES: dict[str, list[tuple[Any, str]]] = {
    "sync": [
        (httpx.Client, "send"),
        (httpx.Client, "_send_single_request"),
        (httpx.HTTPTransport, "handle_request"),
        (httpcore.ConnectionPool, "handle_request"),
        (httpcore.HTTPConnection, "handle_request"),
    ],
    "async": [
        (httpx.AsyncClient, "send"),
        (httpx.AsyncClient, "_send_single_request"),
        (httpx.AsyncHTTPTransport, "handle_async_request"),
        (httpcore.AsyncConnectionPool, "handle_async_request"),
        (httpcore.AsyncHTTPConnection, "handle_async_request"),
    ],
}


def watching(function: Any, heard: list[object], how: str) -> Any:
    """The function as a tool wraps it, which says of itself what the function does."""

    @functools.wraps(function)
    def watched(*args: Any, **kwargs: Any) -> Any:
        heard.append(args)
        return function(*args, **kwargs)

    return watched if how == "function" else mock.Mock(side_effect=watched)


@pytest.mark.parametrize("when", ["before", "later"])
@pytest.mark.parametrize("place", range(5))
def test_tool_that_is_found_hears_every_request(
    make_client: MakeClient,
    server: FaultServer,
    monkeypatch: pytest.MonkeyPatch,
    place: int,
    when: str,
) -> None:
    owner, name = PLACES[make_client.flavour][place]
    heard: list[object] = []
    client = make_client(base_url=server.url)
    if when == "later":
        client.calls.list("agent_1").page(1)
    with monkeypatch.context() as patched:
        patched.setattr(owner, name, watching(getattr(owner, name), heard, "function"))
        before = len(server.requests)
        assert [call.id for call in client.calls.list("agent_1")] == IDS
        requests, calls = len(server.requests) - before, len(heard)
    # httpcore's pool asks a connection that is taken again, another one.
    assert calls >= requests > 1 if name.startswith("handle") and place == 4 else calls == requests
    client.calls.list("agent_1").page(1)
    assert len(heard) == calls


def test_tool_that_comes_between_two_pages_hears_the_rest(
    make_client: MakeClient, server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner, name = PLACES[make_client.flavour][0]
    heard: list[object] = []
    calls = iter(make_client(base_url=server.url, concurrency=1).calls.list("agent_1"))
    first = [next(calls).id for _ in range(60)]
    before = len(server.requests)
    monkeypatch.setattr(owner, name, watching(getattr(owner, name), heard, "function"))
    assert first + [call.id for call in calls] == IDS
    # Two probes of the order, the first page in that order, and two more.
    assert len(heard) == len(server.requests) - before == 5


def test_double_that_stands_in_for_the_client_gets_the_requests(
    make_client: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = {"sync": "Client", "async": "AsyncClient"}[make_client.flavour]
    real = getattr(httpx, kind)

    def respond(request: httpx.Request) -> httpx.Response:
        page, limit = (int(request.url.params[name]) for name in ("page", "limit"))
        return httpx.Response(200, content=json.dumps(page_of(page, limit)))

    def double(**_: object) -> Any:
        return real(transport=httpx.MockTransport(respond))

    client = make_client(base_url="http://127.0.0.1:9", max_retries=0)
    monkeypatch.setattr(httpx, kind, double)
    assert [call.id for call in client.calls.list("agent_1")] == IDS


class BlockedError(OSError):
    """What a plugin that forbids the network raises."""


def block(*_: object, **__: object) -> Any:
    raise BlockedError


class BlockedSocket(socket.socket):
    def connect(self, *_: object) -> None:
        raise BlockedError


ASYNC_BACKEND = "httpcore._backends.auto.AutoBackend.connect_tcp"
DEEP = [
    ("sync", "socket.socket.connect"),
    ("sync", "ssl.SSLContext.wrap_socket"),
    ("sync", "httpx._client.HTTPTransport"),
    ("sync", "httpcore.SyncBackend.connect_tcp"),
    ("sync", "httpcore.HTTP11Connection.handle_request"),
    ("async", "socket.socket.connect"),
    ("async", "ssl.SSLContext.wrap_bio"),
    ("async", "httpx._client.AsyncHTTPTransport"),
    ("async", ASYNC_BACKEND),
    ("async", "httpcore.AnyIOBackend.connect_tcp"),
    ("async", "httpcore.AsyncHTTP11Connection.handle_async_request"),
    ("async", "asyncio.BaseEventLoop.create_connection"),
]
"""Where a tool may sit on the way of a request through httpx, down to the system's calls."""


@pytest.mark.parametrize(("flavour", "place"), DEEP)
def test_tool_in_the_depths_is_found(
    monkeypatch: pytest.MonkeyPatch, flavour: str, place: str
) -> None:
    kind = {"sync": "Client", "async": "AsyncClient"}[flavour]
    assert tools.changed_library(kind, None) is None
    with monkeypatch.context() as patched:
        patched.setattr(place, block)
        assert tools.changed_library(kind, None) is httpx
    assert tools.changed_library(kind, None) is None


DOUBLES = [
    ("sync", "socket", BlockedSocket),
    ("sync", "create_connection", block),
    ("sync", "getaddrinfo", block),
    ("async", "socket", BlockedSocket),
    ("async", "getaddrinfo", block),
]


@pytest.mark.parametrize("case", DOUBLES, ids=lambda case: f"{case[0]}-{case[1]}")
def test_double_of_the_sockets_is_asked(
    request: pytest.FixtureRequest,
    server: FaultServer,
    monkeypatch: pytest.MonkeyPatch,
    case: tuple[str, str, Any],
) -> None:
    flavour, name, double = case
    make = (MakeSync if flavour == "sync" else MakeAsync)()
    request.addfinalizer(make.close)
    # The connection that is kept is not used past it, either.
    client = make(base_url=server.url.replace("127.0.0.1", "localhost"), max_retries=0)
    assert len(client.calls.list("agent_1").page(1)) == 100
    with monkeypatch.context() as patched:
        patched.setattr(socket, name, double)
        failing(client)
    assert len(server.requests) == 1


@pytest.mark.parametrize("kind", ["Client", "AsyncClient"])
def test_what_nobody_has_changed_is_found_to_be_so(kind: str) -> None:
    assert tools.changed_library(kind, None) is None


def test_trust_that_is_not_the_standard_library_s_goes_through_httpx() -> None:
    trust: Any = SimpleNamespace()
    assert tools.changed_library("Client", trust) is httpx


def test_changed_library_of_the_same_kin_is_gone_through(
    make_client: MakeClient, server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind, method = {
        "sync": (httpx2.HTTPTransport, "handle_request"),
        "async": (httpx2.AsyncHTTPTransport, "handle_async_request"),
    }[make_client.flavour]
    heard: list[object] = []
    monkeypatch.setattr(kind, method, watching(getattr(kind, method), heard, "function"))
    assert [call.id for call in make_client(base_url=server.url).calls.list("agent_1")] == IDS
    assert len(heard) == len(server.requests)


def test_library_that_is_not_imported_is_not_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    own = [finder for finder in sys.meta_path if isinstance(finder, type)]
    monkeypatch.setattr(sys, "meta_path", own)  # a tool that measures coverage waits for all
    monkeypatch.delitem(sys.modules, "httpx2")
    # Nor is it used where somebody has changed what is below it.
    monkeypatch.setattr(httpcore2.ConnectionPool, "handle_request", block)
    assert tools.changed_library("Client", None) is None
    assert "httpx2" not in sys.modules
    for name in ("httpx", "httpcore"):
        monkeypatch.delitem(sys.modules, name)
    assert tools.changed_library("Client", None) is None
    assert "httpx" not in sys.modules
    # A hook that has something to do when one of them is imported is given its chance.
    spec = importlib.util.find_spec("httpcore")
    waiting = SimpleNamespace(find_spec=lambda name, *_: spec if name == "httpcore" else None)
    monkeypatch.setattr(sys, "meta_path", [waiting, *sys.meta_path])
    assert tools.changed_library("Client", None) is None
    assert "httpcore" in sys.modules
    assert "httpx" not in sys.modules


def of_httpx2(make_client: MakeClient, **options: Any) -> Any:
    kind = httpx2.Client if make_client.flavour == "sync" else httpx2.AsyncClient
    return kind(**options)


def test_client_of_httpx2_is_taken(make_client: MakeClient, server: FaultServer) -> None:
    http = of_httpx2(make_client, timeout=7)
    client = make_client(base_url=server.url, http_client=http)
    assert client._http.timeouts == timeouts_of(httpx.Timeout(7))
    try:
        assert [call.id for call in client.calls.list("agent_1")] == IDS
        server.fail(lambda exchange: exchange.stall())
        error = failing(make_client(base_url=server.url, http_client=http, timeout=0.1))
        assert type(error) is APITimeoutError
        server.hang_up()
        server.refuse()
        error = failing(make_client(base_url=server.url, http_client=http, max_retries=1))
        assert type(error) is APIConnectionError
        assert error.attempts == 2
        assert "sk_key" not in repr(vars(error))
    finally:
        make_client.through(None)
        close(make_client, http)


def failing(client: Any) -> APIConnectionError:
    with pytest.raises(APIConnectionError) as caught:
        client.calls.list("agent_1").page(1)
    return caught.value


def close(make_client: Any, http: Any) -> None:
    if make_client.flavour == "sync":
        http.close()
    else:
        make_client._run(http.aclose())


def test_timeout_of_httpx2_is_taken(make_client: MakeClient, server: FaultServer) -> None:
    server.fail(lambda exchange: exchange.stall())
    timeout: Any = httpx2.Timeout(5, read=0.1)
    client = make_client(base_url=server.url, timeout=timeout, max_retries=0)
    assert type(failing(client)) is APITimeoutError


class Timeout:
    """Somebody else's."""


def test_timeout_of_anybody_else_is_refused(make_client: MakeClient) -> None:
    wrong: Any = Timeout()
    with pytest.raises(ConfigurationError, match="timeout takes"):
        make_client(base_url="https://host", timeout=wrong)


def test_client_of_the_other_flavour_is_refused_of_httpx2_too(make_client: MakeClient) -> None:
    other: Any = httpx2.AsyncClient if make_client.flavour == "sync" else httpx2.Client
    with pytest.raises(ConfigurationError, match="http_client takes"):
        make_client(base_url="https://host", http_client=other())


def test_deadline_bounds_an_http_client_that_is_passed(
    make_client: MakeClient, server: FaultServer
) -> None:
    from agentcalls import Clock  # noqa: PLC0415

    server.fail(lambda exchange: exchange.stall())
    http = make_client.through(None, timeout=None)
    client = make_client(base_url=server.url, http_client=http, deadline=0.2, clock=Clock())
    assert type(failing(client)) is APITimeoutError


def test_answer_of_an_http_client_is_read_whole(
    make_client: MakeClient, server: FaultServer
) -> None:
    server.fail(answer(b"{}", 400), times=1)
    client = make_client(base_url=server.url, http_client=make_client.through(None))
    with pytest.raises(Exception, match="400"):
        client.calls.list("agent_1").page(1)


def test_timeout_that_is_not_ours_is_a_broken_connection(make_client: MakeClient) -> None:
    def respond(_: httpx.Request) -> httpx.Response:
        raise TimeoutError("the transport's own")

    http = make_client.http(respond)
    error = failing(make_client(base_url="https://host", http_client=http, max_retries=0))
    assert type(error) is APIConnectionError
