"""The pieces of the wire, one by one, where no server gets them to: interrupts, dead sockets, cancelled jobs."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

import httpx
import pytest

from agentcalls import APIConnectionError, AsyncClient, Client, Clock
from agentcalls.clock import Deadline, Stopwatch
from agentcalls.request.host import Host
from agentcalls.request.ids import _This, this
from agentcalls.request.wire import connection, names
from agentcalls.request.wire.connection import Connection
from agentcalls.request.wire.library import timeouts_of
from agentcalls.request.wire.loop import Job, Loop
from agentcalls.request.wire.parser import AnswerParser, joined
from agentcalls.request.wire.waits import Patience, Wait
from faults import IDS, FaultServer, head_of

if TYPE_CHECKING:
    from collections.abc import Generator

    from flavours import MakeClient


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Generator[FaultServer]:
    monkeypatch.setenv("AGENTCALLS_API_KEY", "sk_key")
    with FaultServer() as server:
        yield server


def patience() -> Patience:
    return Patience(timeouts_of(httpx.Timeout(5)), Deadline(Stopwatch(time.monotonic), 9))


def test_interrupt_inside_the_parser_is_no_broken_answer() -> None:
    class Interrupted:
        def start(self, *_: object, **__: object) -> bool:
            raise KeyboardInterrupt

    incoming: Any = Interrupted()
    with pytest.raises(KeyboardInterrupt):
        AnswerParser(incoming).feed(head_of(200, {"Content-Length": "0"}))


def test_header_that_is_sent_twice_is_joined() -> None:
    headers = [(b"A", b"1"), (b"B", b"2"), (b"a", b"3")]
    assert joined(headers) == {"a": "1, 3", "b": "2"}


@pytest.mark.parametrize("broken", [ConnectionResetError, BrokenPipeError])
def test_kept_connection_that_is_broken_is_not_silent(broken: type[OSError]) -> None:
    class Broken:
        def recv(self, _: int) -> bytes:
            raise broken

    one: Any = Connection()
    one._socket = Broken()
    assert not one.is_silent()


def test_connection_without_a_socket_says_so_and_ends_in_silence() -> None:
    one = Connection()
    with pytest.raises(httpx.ConnectError, match="closed"):
        next(one.write(memoryview(b"x"), patience()))
    one.abort()
    one.close()


def test_name_without_an_address_is_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: object) -> Generator[Wait, bool, list[Any]]:
        yield from ()
        return []

    monkeypatch.setattr(connection, "addresses_of", none)
    with pytest.raises(httpx.ConnectError):
        next(Connection().open(Host("https://host"), patience()))


def test_connection_that_stands_at_once_is_not_waited_for(
    server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "_CONNECTING", set[int]())
    monkeypatch.setattr(socket.socket, "connect_ex", lambda *_: 0, raising=False)
    one = Connection()
    with pytest.raises(StopIteration):
        next(one.open(Host(server.url), patience()))
    one.close()


def waiting(count: int = 9) -> Generator[Wait, bool, str]:
    for _ in range(count):
        yield Wait(None, 0, 0.001)
    return "done"


def test_job_that_is_cancelled_while_it_is_at_work_goes_no_further() -> None:
    def steps() -> Generator[Wait, bool, None]:
        job.cancel()
        yield Wait(None, 0, 9)
        raise AssertionError

    told: list[Job[None]] = []
    job: Job[None] = Job(steps(), told.append)
    loop = Loop(threading.Event())
    loop.take(job)
    assert (job.is_done, job.is_cancelled, told, loop.jobs) == (True, True, [job], set())
    job.cancel()
    job.step(came=True)
    assert told == [job]


def test_job_is_taken_over_by_another_loop() -> None:
    closed = threading.Event()
    first, second = Loop(closed), Loop(closed)
    job = Job(waiting())
    first.take(job)
    second.take(job)
    assert (first.jobs, second.jobs) == (set(), {job})
    second.run(lambda: job.is_done)
    assert job.result() == "done"


def test_socket_whose_number_is_another_s_now_is_watched_for_that_one() -> None:
    here, there = socket.socketpair()
    with here, there:

        def reading() -> Generator[Wait, bool, bytes]:
            assert (yield Wait(here, 1, 5))
            return here.recv(1)

        loop = Loop(threading.Event())
        stale, job = Job(reading()), Job(reading())
        loop.take(stale)  # as if its socket had been closed behind its back
        loop.take(job)
        there.send(b"x")
        loop.run(lambda: job.is_done)
        assert job.result() == b"x"
        stale.cancel()


def test_error_of_a_look_up_is_raised_where_it_is_waited_for(
    monkeypatch: pytest.MonkeyPatch, make_client: MakeClient
) -> None:
    monkeypatch.setenv("AGENTCALLS_API_KEY", "sk_key")

    def unknown(*_: object, **__: object) -> Any:
        raise socket.gaierror("no such name")

    class Sockets:
        getaddrinfo = staticmethod(unknown)

        def __getattr__(self, name: str) -> Any:
            return getattr(socket, name)

    monkeypatch.setattr(names, "socket", Sockets())
    client = make_client(base_url="http://localhost:1", max_retries=0)
    with pytest.raises(APIConnectionError, match="no such name"):
        client.calls.list("agent_1").page(1)


def test_process_is_another_one_once_it_was_forked(monkeypatch: pytest.MonkeyPatch) -> None:
    one = _This()
    monkeypatch.setattr(os, "getpid", int)
    one._note()
    assert one.id == 0
    monkeypatch.delattr(os, "register_at_fork")
    assert _This().id == 0


def test_iterator_in_another_process_asks_anew(
    server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = Client(base_url=server.url, concurrency=2, clock=Clock())
    calls = iter(client.calls.list("agent_1"))
    first = [next(calls).id for _ in range(60)]
    with monkeypatch.context() as forked:
        forked.setattr(this, "id", -1)
        assert first + [call.id for call in calls] == IDS
        client.close()
    inherited: Any = client._inherited[0]
    inherited.close()


def test_jobs_of_threads_and_of_the_caller_are_both_waited_for(
    server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Client(base_url=server.url, concurrency=2) as client:
        first = iter(client.calls.list("agent_1"))
        for _ in range(60):
            next(first)
        send = httpx.Client.send

        def watched(*args: Any, **options: Any) -> httpx.Response:
            heard.append(args)
            return send(*args, **options)

        heard: list[object] = []
        monkeypatch.setattr(httpx.Client, "send", watched)
        assert [call.id for call in client.calls.list("agent_2")] == IDS
        assert len(list(first)) == 150
        assert heard


def test_interrupt_in_a_thread_of_its_own_is_told_where_it_is_read(server: FaultServer) -> None:
    raised = KeyboardInterrupt()

    def tell(exchange: Any) -> None:
        if "page=1&" not in exchange.query:
            raise raised

    with (
        httpx.Client() as http,
        Client(base_url=server.url, http_client=http, on_exchange=tell) as client,
    ):
        with pytest.raises(KeyboardInterrupt) as caught:
            list(client.calls.list("agent_1", exact=False))
        assert caught.value is raised


def test_job_that_nobody_drives_goes_on_where_it_is_stepped() -> None:
    job = Job(waiting(1))
    for _ in range(2):
        job.step(came=False)
    assert job.result() == "done"


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (b"HTTP/1.1 101 X\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n", "another protocol"),
        (b"HTTP/1.1 199 X\r\nContent-Length: 5\r\n\r\nhello", "interim answer has a body"),
    ],
)
def test_what_is_no_answer_to_the_request_is_refused(sent: bytes, said: str) -> None:
    incoming: Any = object()
    with pytest.raises(httpx.RemoteProtocolError, match=said):
        AnswerParser(incoming).feed(sent)


class Counted:
    """An answer of so many pieces."""

    def __init__(self, pieces: int) -> None:
        self.left = pieces

    @property
    def is_over(self) -> bool:
        return self.left == 0

    def feed(self, data: bytes) -> None:
        self.left -= 1
        assert data == b"x"


@pytest.mark.parametrize("pieces", [1, 7, 8, 9, 30])
def test_a_fast_peer_is_left_for_a_moment_after_each_eight_pieces(pieces: int) -> None:
    class Fast:
        def recv(self, _: int) -> bytes:
            return b"x"

    connection, answering = Connection(), Counted(pieces)
    connection._socket = Fast()  # type: ignore[assignment]
    deadline = Deadline(Stopwatch(lambda: 0.0), 5)
    steps = connection.read(
        cast("Any", answering), Patience(timeouts_of(httpx.Timeout(3)), deadline)
    )
    waits = [next(steps)]
    with suppress(StopIteration):
        while True:
            waits.append(steps.send(True))  # noqa: FBT003
    assert [wait.seconds for wait in waits] == [3, *[0] * (pieces // 8)]


def test_a_fresh_connection_that_spoke_first_is_refused() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.settimeout(0)
        connection = Connection()
        connection._socket = ours
        connection.check_silent()
        theirs.send(b"HTTP")
        with pytest.raises(httpx.RemoteProtocolError, match="did not wait to be asked"):
            connection.check_silent()


def test_an_error_of_time_of_the_users_own_passes(server: FaultServer) -> None:
    async def late() -> str:
        raise TimeoutError("mine")

    async def read() -> None:
        async with AsyncClient(api_key=late, base_url=server.url) as client:
            await client.calls.list("a").page(1)

    with pytest.raises(TimeoutError, match="mine"):
        asyncio.run(read())
