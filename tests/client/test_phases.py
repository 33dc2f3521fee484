"""Each phase of a request, slow and stopped, in both flavours: `timeout` is silence, `deadline` the whole."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from agentcalls import AgentCallsError, APIConnectionError, APITimeoutError
from agentcalls.clock import Clock, Deadline, Stopwatch
from agentcalls.request.wire import names
from agentcalls.request.wire.connection import Connection
from agentcalls.request.wire.library import timeouts_of
from agentcalls.request.wire.waits import Patience
from faults import IDS, Exchange, FaultServer, answer, head_of, script

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from flavours import MakeClient

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = head_of(200, {"Transfer-Encoding": "chunked"})
SLOWLY: dict[str, tuple[bytes, bytes]] = {
    "status line": (b"HTTP/1.1 200 ", b"Quite OK "),
    "head": (OK, b"X-Header: value\r\n"),
    "100": (b"", head_of(100, {})),
    "103": (b"", head_of(103, {"Link": "</>"})),
    "body": (head_of(200, {"Content-Length": "100000"}), b"{"),
    "body without length": (head_of(200, {}), b" "),
    "chunk": (CHUNKED, b"1\r\n \r\n"),
    "chunk extension": (CHUNKED, b"1;name=value\r\n \r\n"),
    "one chunk extension": (CHUNKED + b"1;", b"name=value;"),
    "trailer": (CHUNKED + b"2\r\n{}\r\n0\r\n", b"X-Trailer: value\r\n"),
    "error": (head_of(500, {"Content-Length": "100000"}), b"{"),
}
"""What is sent at once, and what then comes a byte at a time, again and again."""

STOPPED: dict[str, bytes] = {
    "before the head": b"",
    "status line": OK[:9],
    "head": OK,
    "100": head_of(100, {}),
    "body": head_of(200, {"Content-Length": "9"}) + b"{",
    "body without length": head_of(200, {}) + b"{",
    "chunk": CHUNKED + b"9\r\n{",
    "trailer": CHUNKED + b"2\r\n{}\r\n0\r\nX-Trailer",
}


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENTCALLS_API_KEY", "sk_key")


@pytest.fixture
def ended() -> Generator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


def slowly(first: bytes, again: bytes, ended: threading.Event) -> Callable[[Exchange], object]:
    def play(exchange: Exchange) -> None:
        exchange.send(first)
        place = 0
        while not ended.wait(0.01):
            exchange.send(again[place % len(again) :][:1])
            place += 1

    return play


def failing(make_client: MakeClient, url: str, **options: Any) -> tuple[AgentCallsError, float]:
    """The error of a request, and the seconds that it took."""
    client = make_client(base_url=url, max_retries=0, clock=Clock(), **options)
    began = time.monotonic()
    with pytest.raises(AgentCallsError) as caught:
        client.calls.list("agent_1").page(1)
    return caught.value, time.monotonic() - began


@pytest.mark.parametrize("phase", SLOWLY)
def test_deadline_ends_an_answer_that_comes_a_byte_at_a_time(
    make_client: MakeClient, server: FaultServer, ended: threading.Event, phase: str
) -> None:
    server.fail(slowly(*SLOWLY[phase], ended))
    error, seconds = failing(make_client, server.url, deadline=0.3, timeout=20)
    if phase == "error":
        assert error.status == 500  # its head is enough to act on
    else:
        assert type(error) is APITimeoutError
        assert "deadline passed" in str(error)
    assert 0.25 < seconds < 2


@pytest.mark.parametrize("limit", ["timeout", "deadline"])
@pytest.mark.parametrize("phase", STOPPED)
def test_either_ends_an_answer_that_stops(
    make_client: MakeClient, server: FaultServer, phase: str, limit: Any
) -> None:
    server.fail(script(STOPPED[phase], then="stall"))
    error, seconds = failing(make_client, server.url, **{limit: 0.2})
    assert type(error) is APITimeoutError
    assert ("deadline passed" in str(error)) is (limit == "deadline")
    assert 0.15 < seconds < 2


@pytest.mark.parametrize(
    ("first", "again"),
    [
        (b"", head_of(103, {"Link": "</>"})),
        (OK, b"X-Header: value\r\n"),
        (OK + b"X-Header: ", b"value" * 100),
        (CHUNKED + b"1;", b"name=value;"),
        (CHUNKED + b"2\r\n{}\r\n0\r\n", b"X-Trailer: value\r\n"),
    ],
)
def test_what_is_no_body_is_bounded(
    make_client: MakeClient, server: FaultServer, first: bytes, again: bytes
) -> None:
    server.fail(script(first, *[again] * (200_000 // len(again)), then="stall"))
    error, _ = failing(make_client, server.url)
    assert type(error) is APIConnectionError
    assert "too long" in str(error)


@pytest.fixture
def full() -> Generator[str]:
    """A host that takes no more connections, and refuses none."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(3):
            waiting = stack.enter_context(socket.socket())
            waiting.settimeout(0)
            waiting.connect_ex(listener.getsockname())
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.mark.parametrize("limit", ["timeout", "deadline"])
def test_either_ends_connecting(make_client: MakeClient, full: str, limit: Any) -> None:
    error, seconds = failing(make_client, full, **{limit: 0.2})
    assert type(error) is APITimeoutError
    assert 0.15 < seconds < 2


@pytest.mark.parametrize("limit", ["timeout", "deadline"])
@pytest.mark.parametrize("slow", [True, False])
def test_either_ends_the_handshake_of_tls(
    make_client: MakeClient, ended: threading.Event, limit: Any, *, slow: bool
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                # The beginning of a record that is never whole.
                for byte in b"\x16\x03\x03\x40\x00" + bytes(1000):
                    if ended.wait(0.01 if slow else 10):
                        break
                    try:
                        connection.send(bytes([byte]))
                    except OSError:
                        break

        thread = threading.Thread(target=serve)
        thread.start()
        url = f"https://127.0.0.1:{listener.getsockname()[1]}"
        error, seconds = failing(make_client, url, **{limit: 0.2})
        ended.set()
        thread.join()
    assert type(error) is APITimeoutError
    assert 0.15 < seconds < 2


class Resolver:
    """The module `socket` with a resolver of one's own."""

    def __init__(self, look_up: Callable[[], list[Any]]) -> None:
        self._look_up = look_up

    def __getattr__(self, name: str) -> Any:
        return getattr(socket, name)

    def getaddrinfo(self, *_: object, flags: int = 0, **__: object) -> list[Any]:
        if flags:
            raise socket.gaierror
        return self._look_up()


@pytest.mark.parametrize("limit", ["timeout", "deadline"])
def test_look_up_that_does_not_end_is_left_behind(
    make_client: MakeClient, monkeypatch: pytest.MonkeyPatch, ended: threading.Event, limit: Any
) -> None:
    def never() -> list[Any]:
        ended.wait(10)
        raise socket.gaierror

    monkeypatch.setattr(names, "socket", Resolver(never))
    error, seconds = failing(make_client, "https://host.example", **{limit: 0.2})
    assert type(error) is APITimeoutError
    assert 0.15 < seconds < 2
    (left,) = (one for one in threading.enumerate() if one.name == "agentcalls-lookup")
    assert left.daemon
    ended.set()
    left.join()


@pytest.mark.parametrize("limit", ["timeout", "deadline"])
@pytest.mark.parametrize("threads", [True, False])
def test_name_with_several_addresses_is_tried_at_each(
    make_client: MakeClient,
    server: FaultServer,
    full: str,
    monkeypatch: pytest.MonkeyPatch,
    limit: str,
    *,
    threads: bool,
) -> None:
    def look_up() -> list[Any]:
        refused = ("127.0.0.1", 9)
        silent, good = (("127.0.0.1", int(url.split(":")[2])) for url in (full, server.url))
        kind = (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "")
        return [(*kind, address) for address in (refused, silent, good)]

    monkeypatch.setattr(names, "socket", Resolver(look_up))
    if not threads:
        monkeypatch.setattr(names, "Thread", NoThread)
    options: dict[str, Any] = {limit: 0.6, "max_retries": 0, "clock": Clock()}
    client = make_client(base_url="http://localhost:1", **options)
    assert len(client.calls.list("agent_1").page(1)) == 100


class NoThread:
    def __init__(self, **_: object) -> None: ...

    def start(self) -> None:
        raise RuntimeError("can't start new thread")


def test_peer_that_never_pauses_lets_others_have_their_turn() -> None:
    class Fast:
        reads = 0

        def recv(self, size: int) -> bytes:
            self.reads += 1
            return b"x" * size

    class Endless:
        is_over = False

        def feed(self, _: bytes) -> None: ...

    source, answering = Fast(), Endless()
    connection = Connection()
    connection._socket = source  # type: ignore[assignment]
    deadline = Deadline(Stopwatch(time.monotonic), 60.0)
    steps = connection.read(answering, Patience(timeouts_of(httpx.Timeout(1)), deadline))  # type: ignore[arg-type]
    came = True
    assert next(steps).seconds == 1
    for turn in range(1, 4):
        assert steps.send(came).seconds == 0
        assert source.reads <= 8 * turn
    answering.is_over = True
    with pytest.raises(StopIteration):
        steps.send(came)


def test_request_that_nobody_reads_ends_with_the_timeout() -> None:
    # Ours are short, so that the system takes them whole: it is the connection that is looked at.
    here, there = socket.socketpair()
    here.settimeout(0)
    connection = Connection()
    connection._socket = here
    deadline = Deadline(Stopwatch(time.monotonic), 9)
    writing = connection.write(
        memoryview(bytes(10**7)), Patience(timeouts_of(httpx.Timeout(5)), deadline)
    )
    assert next(writing).seconds == 5
    with pytest.raises(httpx.WriteTimeout):
        writing.send(False)  # noqa: FBT003 (what it waited for did not come)
    writing = connection.write(
        memoryview(bytes(10**6)), Patience(timeouts_of(httpx.Timeout(5)), deadline)
    )
    next(writing)
    there.close()
    with pytest.raises(httpx.WriteError):
        writing.send(True)  # noqa: FBT003 (it did)
    connection.close()


def test_deadline_stands_still_while_the_caller_holds_a_page(
    make_client: MakeClient, server: FaultServer
) -> None:
    held = threading.Event()

    def late(exchange: Exchange) -> object:
        held.wait(10)
        return answer(exchange.request.body)(exchange)

    client = make_client(
        base_url=server.url, deadline=0.4, timeout=5, concurrency=2, clock=Clock(), max_retries=0
    )
    server.fail(late, after=1)
    calls = iter(client.calls.list("agent_1"))
    first = [next(calls).id for _ in range(60)]
    # Nobody asks for more meanwhile. In asyncio, other tasks may have their turn, or not.
    threading.Event().wait(0.6)
    held.set()
    assert first + [call.id for call in calls] == IDS


def test_timeout_does_not_count_while_nobody_could_read(
    make_client: MakeClient, server: FaultServer
) -> None:
    client = make_client(
        base_url=server.url, timeout=0.3, concurrency=2, clock=Clock(), max_retries=0
    )
    calls = iter(client.calls.list("agent_1"))
    first = [next(calls).id for _ in range(60)]
    threading.Event().wait(0.6)
    assert first + [call.id for call in calls] == IDS
