"""Everything ends: by closing, Ctrl-C or dropping, in other threads, processes and event loops."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import heapq
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from agentcalls import AsyncClient, Client, Clock, ConfigurationError
from agentcalls.request.wire.pool import ConnectionPool
from faults import IDS, FaultServer, answer, head_of, script

if TYPE_CHECKING:
    from flavours import MakeClient

STALL = script(head_of(200, {"Content-Length": "9"}), b"{", then="stall")


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENTCALLS_API_KEY", "sk_key")


def python(code: str, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-W", "error", "-X", "dev", "-c", code, *arguments]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True)


INTERRUPTED = """
import sys
from agentcalls import Client
with Client(base_url=sys.argv[1]) as client:
    for number, _ in enumerate(client.calls.list("agent_1")):
        if number == 0:
            print("reading", flush=True)
"""


def test_ctrl_c_leaves_the_with_at_once(server: FaultServer) -> None:
    server.fail(STALL, after=1)
    with python(INTERRUPTED, server.url) as process:
        assert process.stdout
        assert process.stdout.readline() == "reading\n"
        assert server.stalled.acquire(timeout=10)
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=10)
    assert time.monotonic() - began < 2
    assert err.rstrip().endswith("KeyboardInterrupt")
    assert "Warning" not in err


OUTLIVING = """
import sys, threading
from agentcalls import Client
main = threading.main_thread()
def read():
    client = Client(base_url=sys.argv[1])
    calls = iter(client.calls.list("agent_1"))
    next(calls)
    main.join()
    print(len(list(calls)))
    client.close()
threading.Thread(target=read).start()
"""


def test_thread_that_outlives_the_main_one_reads_on(server: FaultServer) -> None:
    with python(OUTLIVING, server.url) as process:
        assert process.communicate(timeout=20) == ("209\n", "")


FORKED = """
import os, sys
from agentcalls import Client
with Client(base_url=sys.argv[1], concurrency=2) as client:
    calls = iter(client.calls.list("agent_1"))
    first = [next(calls).id for _ in range(60)]
    child = os.fork()
    ids = first + [call.id for call in calls]
    assert ids == [f"call_{number}" for number in range(210)], ids
    if child == 0:
        client.close()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
print("both")
"""


def test_forked_child_that_goes_on_with_its_parents_iterator_asks_itself(
    server: FaultServer,
) -> None:
    with python(FORKED, server.url) as process:
        assert process.communicate(timeout=20) == ("both\n", "")
    # The parent's two connections, and the child's.
    assert len({request.connection for request in server.requests}) >= 3


LEFT = """
import sys
from agentcalls import Client
client = Client(base_url=sys.argv[1])
calls = iter(client.calls.list("agent_1"))
for _ in range(60):
    next(calls)
print("left")
"""


def test_end_of_the_interpreter_is_not_held_up(server: FaultServer) -> None:
    server.fail(STALL, after=1)
    began = time.monotonic()
    with python(LEFT, server.url) as process:
        assert process.communicate(timeout=20) == ("left\n", "")
    assert time.monotonic() - began < 8


def test_no_thread_can_be_started(
    server: FaultServer, make_client: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = make_client(base_url=server.url)
    server.hang_up()  # before the server, too, cannot start any
    calls = iter(client.calls.list("agent_1", concurrency=1))
    first = next(calls)

    def refuse(_: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert [first.id, *(call.id for call in calls)] == IDS


@pytest.mark.parametrize("least", [0, 1])
def test_passed_http_client_reads_in_the_callers_thread_where_no_other_can_be_started(
    monkeypatch: pytest.MonkeyPatch, least: int
) -> None:
    from faults import page_of  # noqa: PLC0415

    def respond(request: httpx.Request) -> httpx.Response:
        page, limit = (int(request.url.params[name]) for name in ("page", "limit"))
        return httpx.Response(200, json=page_of(page, limit))

    start = threading.Thread.start
    started: list[threading.Thread] = []

    def refuse(thread: threading.Thread) -> None:
        if len(started) >= least:
            raise RuntimeError("can't start new thread")
        started.append(thread)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with (
        httpx.Client(transport=httpx.MockTransport(respond)) as http,
        Client(base_url="https://host", http_client=http) as client,
    ):
        assert [call.id for call in client.calls.list("agent_1")] == IDS
    assert len(started) == least


def test_close_ends_what_is_under_way_in_another_thread(server: FaultServer) -> None:
    server.fail(STALL, after=1)
    raised: list[BaseException] = []
    client = Client(base_url=server.url)

    def read() -> None:
        try:
            list(client.calls.list("agent_1"))
        except ConfigurationError as error:
            raised.append(error)

    thread = threading.Thread(target=read)
    thread.start()
    assert server.stalled.acquire(timeout=5)
    began = time.monotonic()
    client.close()
    thread.join(5)
    assert time.monotonic() - began < 1
    assert "closed" in str(raised[0])


@pytest.mark.parametrize("passed", [False, True])
def test_close_under_an_iteration_is_said_where_it_goes_on(
    server: FaultServer, *, passed: bool
) -> None:
    server.fail(STALL, after=1)
    with httpx.Client(timeout=5) as http:
        client = Client(base_url=server.url, http_client=http if passed else None, max_retries=0)
        calls = iter(client.calls.list("agent_1"))
        for _ in range(60):
            next(calls)
        assert server.stalled.acquire(timeout=5)
        began = time.monotonic()
        client.close()
        with pytest.raises(ConfigurationError, match="closed"):
            list(calls)
        assert time.monotonic() - began < 2.5
        server.hang_up()


def test_dropped_iterator_hangs_up(server: FaultServer) -> None:
    server.fail(STALL, after=1)
    with Client(base_url=server.url) as client:
        calls = iter(client.calls.list("agent_1"))
        for _ in range(61):
            next(calls)
        assert server.stalled.acquire(timeout=5)
        del calls
        gc.collect()
        assert server.left.acquire(timeout=5)


def test_closed_iterator_gives_nothing_more(server: FaultServer, make_client: MakeClient) -> None:
    calls = iter(make_client(base_url=server.url).calls.list("agent_1"))
    for _ in range(60):
        next(calls)
    kept = calls.checkpoint
    calls.close()
    assert list(calls) == []
    assert calls.checkpoint == kept


def test_iterator_may_go_on_in_another_thread(server: FaultServer) -> None:
    with Client(base_url=server.url, concurrency=2) as client:
        others = iter(client.calls.list("agent_1"))
        next(others)
        calls = iter(client.calls.list("agent_1"))
        first = [next(calls).id for _ in range(60)]
        rest: list[Any] = []
        thread = threading.Thread(target=lambda: rest.extend(call.id for call in calls))
        thread.start()
        thread.join(5)
        assert first + rest == IDS
        assert len(list(others)) == 209


def test_more_iterators_at_once_than_there_are_connections(server: FaultServer) -> None:
    with Client(base_url=server.url, concurrency=4) as client:
        client._slots = threading.Semaphore(6)
        readings = [client.calls.list("agent_1") for _ in range(12)]
        merged = heapq.merge(*readings, key=lambda call: -call.created_on.timestamp())
        assert [call.id for call in merged] == [id for id in IDS for _ in readings]


WHO: contextvars.ContextVar[str] = contextvars.ContextVar("WHO", default="nobody")


@pytest.mark.parametrize("passed", [False, True])
def test_context_of_the_caller_reaches_every_request(
    server: FaultServer, make_client: MakeClient, *, passed: bool
) -> None:
    seen: list[str] = []
    http = make_client.through(None) if passed else None
    client = make_client(
        base_url=server.url, http_client=http, on_exchange=lambda _: seen.append(WHO.get())
    )
    token = WHO.set("me")
    try:
        # asyncio.Runner has a context of its own, copied when it is first used.
        assert [call.id for call in client.calls.list("agent_1")] == IDS
    finally:
        WHO.reset(token)
    assert seen == ["me"] * len(server.requests)


def test_hook_may_ask_for_something_itself(server: FaultServer) -> None:
    counts: list[int] = []

    def told(_: object) -> None:
        if not counts:
            counts.append(0)
            counts.append(client.calls.list("agent_2").count())

    with Client(base_url=server.url, on_exchange=told) as client:
        assert [call.id for call in client.calls.list("agent_1")] == IDS
    assert counts == [0, 210]


@pytest.mark.parametrize("used", [True, False])
def test_client_closed_from_another_loop_says_so_and_is_closed(
    server: FaultServer, *, used: bool
) -> None:
    client = AsyncClient(base_url=server.url)

    async def page() -> None:
        await client.calls.list("agent_1").page(1)

    if used:
        asyncio.run(page())
        with pytest.raises(ConfigurationError, match="event loop"):
            asyncio.run(client.aclose())
    else:
        asyncio.run(client.aclose())
    with pytest.raises(ConfigurationError, match="event loop" if used else "closed"):
        asyncio.run(page())
    connections: Any = client._http
    assert not connections._all


def test_client_closed_from_another_loop_ends_what_is_under_way(server: FaultServer) -> None:
    server.fail(STALL, after=1)
    client = AsyncClient(base_url=server.url, clock=Clock())

    async def read() -> None:
        async for _ in client.calls.list("agent_1"):
            pass

    def close() -> None:
        assert server.stalled.acquire(timeout=5)
        with pytest.raises(ConfigurationError, match="event loop"):
            asyncio.run(client.aclose())

    async def main() -> None:
        closing = asyncio.get_running_loop().run_in_executor(None, close)
        with pytest.raises(ConfigurationError, match="closed"):
            await asyncio.wait_for(read(), 5)
        await closing

    asyncio.run(main())


def test_client_that_is_dropped_leaves_no_socket(server: FaultServer) -> None:
    Client(base_url=server.url).calls.list("agent_1").page(1)
    gc.collect()  # a socket that is left open would be a warning, and so an error

    async def main() -> None:
        await AsyncClient(base_url=server.url).calls.list("agent_1").page(1)

    asyncio.run(main())
    gc.collect()


def test_client_that_is_dropped_leaves_no_socket_that_the_collector_comes_to_first(
    server: FaultServer,
) -> None:
    client = Client(base_url=server.url)
    client.calls.list("agent_1").page(1)
    older, client._http = client._http, ConnectionPool(client._host)
    client._http._free.extend(older._free)
    older._free.clear()
    del older, client
    gc.collect()


def test_loop_that_waits_for_no_socket_goes_through_httpx(
    server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        asyncio, "ProactorEventLoop", asyncio.SelectorEventLoop, raising=False
    )  # as Windows has it

    async def main() -> None:
        async with AsyncClient(base_url=server.url) as client:
            assert [call.id async for call in client.calls.list("agent_1")] == IDS
            assert client._through

    asyncio.run(main())


def test_slow_clock_of_the_users_own_is_asked(server: FaultServer) -> None:
    server.fail(answer(b"", 503, Retry_After="3"), times=1)
    slept: list[float] = []
    with Client(base_url=server.url, clock=Clock(sleep=slept.append)) as client:
        client.calls.list("agent_1").page(1)
    assert slept == [3]
