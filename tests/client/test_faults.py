"""Each fault, on the first page and on a later one, once and for ever: its error, attempts, waits, calls, and secrecy.

No frame of these tests has the key among its locals (see `printed.py`).
"""

from __future__ import annotations

import copy
import json
import pickle
import ssl
import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import attrs
import httpx
import pytest

from agentcalls import (
    APIConnectionError,
    APITimeoutError,
    ConfigurationError,
    Exchange,
    UnexpectedResponseError,
)
from client.matrix import FAULTS, POSITIONS, Fault, client_of, read
from client.printed import SCHEMES, Printed, canary
from drawn import drawn
from faults import ECHO, IDS, FaultServer, answer, head_of, page_of, self_signed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

    from agentcalls import AgentCallsError
    from flavours import MakeClient

REFUSED = [fault for fault in FAULTS if fault.kind]
PASSING = [fault for fault in REFUSED if fault.slept is not None and not fault.prepare]
HARMLESS = [fault for fault in FAULTS if not fault.kind]
FOREVER = 1000


@pytest.fixture(params=["own", "passed"])
def way(request: pytest.FixtureRequest) -> str:
    """Over connections of the client's own, or through an `http_client` that is passed."""
    return str(request.param)


def over(way: str, fault: Fault) -> Fault:
    """A fault as it shows on that way; skips what is none there."""
    if way == "passed":
        return fault
    if fault.target and fault.target(NOWHERE).proxy:
        pytest.skip("a proxy is httpx's business")
    return attrs.evolve(fault, **fault.own)


NOWHERE: Any = SimpleNamespace(url="http://nowhere")


def own_id(server: FaultServer) -> str:
    """The id of the latest request, which a good server echoes."""
    return server.requests[-1].all("x-request-id")[0]


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENTCALLS_API_KEY", canary())


def test_the_matrix_is_large() -> None:
    assert len(FAULTS) == len({fault.name for fault in FAULTS}) >= 60


@pytest.mark.share("fault")
@pytest.mark.parametrize(("fault", "position"), drawn(REFUSED, last=list(POSITIONS)), ids=str)
def test_fault_that_stays_is_a_typed_error_after_its_attempts(
    make_client: MakeClient, server: FaultServer, fault: Fault, position: str, way: str
) -> None:
    after, fault = POSITIONS[position], over(way, fault)
    printed = Printed()
    told: list[object] = []
    with printed.listening():
        hooks = {"on_retry": told.append, "on_exchange": told.append}
        options = {**hooks, "auth": SCHEMES[position]}
        client = client_of(fault, after, FOREVER, make_client, server, way=way, **options)
        outcome = read(client)
    attempts = len(fault.slept or []) + 1
    error = outcome.error
    assert error
    assert type(error) is fault.kind
    assert error.attempts == attempts
    again = int(fault.dies and way == "own" and after)
    assert len(server.requests) == after + (0 if fault.unseen else attempts + again)
    assert make_client.clock.slept == (fault.slept or [])
    assert outcome.delivered == IDS[: 100 * after]
    assert (error.method, error.path) == ("GET", "/api/v1/console/agents/{agentId}/calls")
    shown = own_id(server) if fault.request_id == ECHO else fault.request_id
    assert (error.status, error.request_id, error.code) == (fault.status, shown, fault.code)
    assert_is_whole(error)
    printed.add(client, client.calls, outcome, outcome.listing, told)
    printed.add(*(attrs.asdict(one) for one in told if isinstance(one, Exchange)))
    printed.add_error(error)
    assert_is_quiet(printed, way)


def assert_is_quiet(printed: Printed, way: str) -> None:
    assert printed.warned == []
    assert ("httpcore" in printed.text) is (way == "passed")
    assert "agentcalls" in printed.text
    assert not printed.shows_the_key()


def assert_is_whole(error: AgentCallsError) -> None:
    assert error.message
    assert len(str(error)) < 5000
    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):  # noqa: S301
        assert (type(twin), str(twin), vars(twin)) == (type(error), str(error), vars(error))


@pytest.mark.share("fault")
@pytest.mark.parametrize(("fault", "position"), drawn(PASSING, last=list(POSITIONS)), ids=str)
def test_fault_that_passes_costs_a_wait_and_no_call(
    make_client: MakeClient, server: FaultServer, fault: Fault, position: str, way: str
) -> None:
    after, fault = POSITIONS[position], over(way, fault)
    outcome = read(client_of(fault, after, 1, make_client, server, way=way))
    assert outcome.error is None
    assert outcome.delivered == IDS
    assert fault.slept is not None
    free = fault.dies and way == "own" and after
    assert make_client.clock.slept == ([] if free else fault.slept[:1])


# Not through a proxy: asyncio complains of the socket when httpcore is cancelled between CONNECT and its answer.
@pytest.mark.share(one_in=8)
@pytest.mark.parametrize("fault", [fault for fault in REFUSED if not fault.target], ids=str)
def test_fault_on_pages_fetched_ahead_is_the_same_error_once_their_turn_comes(
    make_client: MakeClient, server: FaultServer, fault: Fault, way: str
) -> None:
    client = client_of(over(way, fault), 1, FOREVER, make_client, server, way=way, concurrency=8)
    outcome = read(client)
    assert type(outcome.error) is fault.kind
    assert outcome.delivered == IDS[:100]
    assert outcome.error is not None
    assert outcome.error.checkpoint
    client.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("agentcalls_")]


@pytest.mark.share(one_in=8)
@pytest.mark.parametrize("fault", [fault for fault in PASSING if not fault.target], ids=str)
def test_fault_that_passes_on_a_page_fetched_ahead_costs_no_call(
    make_client: MakeClient, server: FaultServer, fault: Fault, way: str
) -> None:
    outcome = read(client_of(over(way, fault), 1, 1, make_client, server, way=way, concurrency=8))
    assert outcome.error is None
    assert outcome.delivered == IDS


@pytest.mark.share("fault")
@pytest.mark.parametrize(("fault", "position"), drawn(HARMLESS, last=list(POSITIONS)), ids=str)
def test_odd_answer_is_a_page_all_the_same(
    make_client: MakeClient, server: FaultServer, fault: Fault, position: str, way: str
) -> None:
    number = POSITIONS[position] + 1
    printed = Printed()
    with printed.listening():
        options = {"auth": SCHEMES[position]}
        client = client_of(fault, number - 1, FOREVER, make_client, server, way=way, **options)
        listing = client.calls.list("agent_1")
        pages = [listing.page(wanted) for wanted in range(1, number + 1)]
    assert [call.id for page in pages for call in page] == IDS[: 100 * number]
    assert make_client.clock.slept == []
    assert len(server.requests) == number
    with printed.listening():
        outcome = read(client)
    printed.add(client, client.calls, outcome, outcome.listing, *pages)
    if outcome.error:
        printed.add_error(outcome.error)
    assert_is_quiet(printed, way)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, Path]:
    return self_signed(tmp_path_factory.mktemp("tls"))


def test_certificate_that_is_not_trusted_is_final(
    make_client: MakeClient, certificate: tuple[ssl.SSLContext, Path]
) -> None:
    with FaultServer(certificate[0]) as server:
        error = read(make_client(base_url=server.url)).error
    assert type(error) is APIConnectionError
    assert (error.attempts, error.retryable, make_client.clock.slept) == (1, False, [])
    assert "certificate" in str(error)
    assert_is_whole(error)


def test_broken_tls_record_is_a_broken_connection(
    make_client: MakeClient, certificate: tuple[ssl.SSLContext, Path]
) -> None:
    context, file = certificate

    def play(exchange: Any) -> None:
        exchange.send(
            exchange.filled(head_of(200, {"Content-Length": "1000", "X-Request-Id": ECHO}))
        )
        exchange.send_plain(b"\x17\x03\x03\x00\x20" + b"garbage!" * 4)
        exchange.stall()

    with FaultServer(context) as server:
        server.fail(play, after=1, times=1)
        http = make_client.through(None, verify=ssl.create_default_context(cafile=str(file)))
        client = make_client(base_url=server.url, http_client=http)
        outcome = read(client)
        assert (outcome.error, outcome.delivered) == (None, IDS)
        server.fail(play)
        error = read(client).error
    assert type(error) is APIConnectionError
    assert (error.attempts, error.status, error.request_id) == (5, 200, own_id(server))
    assert_is_whole(error)


class Body(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body in two pieces, with something happening between them, and at the end."""

    def __init__(self, between: Callable[[], object], end: Callable[[], object]) -> None:
        body = json.dumps(page_of(calls=50)).encode()
        self._pieces = body[:100], body[100:]
        self._between, self._end = between, end

    def __iter__(self) -> Iterator[bytes]:
        yield self._pieces[0]
        self._between()
        yield self._pieces[1]

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self:
            yield piece

    def close(self) -> None:
        self._end()

    async def aclose(self) -> None:
        self._end()


@pytest.mark.parametrize(("seconds", "late"), [(120.0, False), (120.5, True)])
def test_body_that_outlasts_the_deadline_is_not_read_on(
    make_client: MakeClient, seconds: float, *, late: bool
) -> None:
    def pass_by() -> None:
        make_client.clock.moment += seconds

    http = make_client.http(lambda _: httpx.Response(200, stream=Body(pass_by, bool)))
    outcome = read(make_client(base_url="https://host", http_client=http))
    if late:
        assert type(outcome.error) is APITimeoutError
        assert (outcome.error.attempts, outcome.error.status) == (1, 200)
        assert make_client.clock.slept == []
    else:
        assert outcome.delivered == IDS[:50]


@pytest.mark.parametrize("raised", [OSError("bad close"), httpx.CloseError("bad close")])
@pytest.mark.parametrize("place", ["between", "close"])
def test_stream_that_breaks_is_a_connection_error(
    make_client: MakeClient, raised: Exception, place: str
) -> None:
    def fail() -> None:
        raise raised

    def respond(_: httpx.Request) -> httpx.Response:
        body = Body(fail, bool) if place == "between" else Body(bool, fail)
        return httpx.Response(200, stream=body)

    client = make_client(base_url="https://host", http_client=make_client.http(respond))
    error = read(client).error
    assert type(error) is APIConnectionError
    assert (error.attempts, error.__cause__) == (5, raised)


def test_encoding_that_was_not_asked_for_is_not_decoded(
    make_client: MakeClient, server: FaultServer
) -> None:
    server.fail(answer(b"{}", Content_Encoding="gzip, gzip"))
    with pytest.raises(UnexpectedResponseError, match="Content-Encoding was not asked for"):
        make_client(base_url=server.url).calls.list("agent_1").page(1)
    assert server.requests[0].all("Accept-Encoding") == ["gzip"]


@pytest.mark.parametrize("host", ["a..b", "a" * 64, "xn--a"])
def test_host_that_no_resolver_takes_is_refused(make_client: MakeClient, host: str) -> None:
    with pytest.raises(ConfigurationError, match="not a URL"):
        make_client(base_url=f"https://{host}")


def test_options_of_one_listing_win_over_the_clients(
    make_client: MakeClient, server: FaultServer
) -> None:
    server.fail(FAULTS[-1].play)
    client = make_client(base_url=server.url, max_retries=3)
    with pytest.raises(APIConnectionError) as caught:
        client.calls.list("agent_1", max_retries=1, strict=True).page(1)
    assert caught.value.attempts == 2
