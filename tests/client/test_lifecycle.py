"""What happens to requests that are cancelled, closed under, forked away from, or held back by another's."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from agentcalls import AsyncClient, Client, Clock, ConfigurationError, RateLimitError
from agentcalls.request.ids import this
from faults import IDS, FaultServer, answer, head_of, script

if TYPE_CHECKING:
    from agentcalls import Page
    from flavours import MakeClient

POINTS: dict[str, Any] = {
    "head": script(then="stall"),
    "inside the head": script(b"HTTP/1.1 200 OK\r\n", then="stall"),
    "body": script(head_of(200, {"Content-Length": "9"}), b"{", then="stall"),
    "retry": answer(b"", 503, Retry_After="30"),
    "gate": answer(b"", 429, Retry_After="30"),
}


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENTCALLS_API_KEY", "sk_key")


class Told:
    """An `on_retry` that tells when a wait for a retry begins."""

    def __init__(self) -> None:
        self.thread, self.task = threading.Event(), asyncio.Event()

    def __call__(self, _: object) -> None:
        self.thread.set()
        self.task.set()


async def reached(server: FaultServer, point: str, told: Told) -> None:
    """Returns once a request is where it is to be cancelled."""
    if point in {"retry", "gate"}:
        await asyncio.wait_for(told.task.wait(), 5)
    else:
        assert await asyncio.to_thread(server.stalled.acquire, timeout=5)
    await asyncio.sleep(0)


@pytest.mark.parametrize("point", POINTS)
def test_cancelled_request_leaves_no_task_no_connection_and_a_client_that_works(
    server: FaultServer, point: str
) -> None:
    server.fail(POINTS[point], times=1)
    threads = threading.active_count()

    async def main() -> None:
        told = Told()
        async with AsyncClient(base_url=server.url, on_retry=told) as client:
            listing = client.calls.list("agent_1")
            task = asyncio.create_task(listing.page(1))
            await reached(server, point, told)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert asyncio.all_tasks() == {asyncio.current_task()}
            if point not in {"retry", "gate"}:
                assert await asyncio.to_thread(server.left.acquire, timeout=5)
            if point != "gate":
                assert len(await listing.page(1)) == 100

    asyncio.run(main())
    # The server's own threads are those of its connections.
    assert threading.active_count() <= threads + len(server.requests)


def test_cancelled_wait_at_the_gate_sends_nothing(server: FaultServer) -> None:
    server.fail(POINTS["gate"], times=1)

    async def main() -> None:
        told = Told()
        async with AsyncClient(base_url=server.url, on_retry=told) as client:
            listing = client.calls.list("agent_1")
            tasks = [asyncio.create_task(listing.page(1))]
            await reached(server, "gate", told)
            tasks.append(asyncio.create_task(listing.page(2)))
            await asyncio.sleep(0)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main())
    assert len(server.requests) == 1


def test_cancelled_while_connecting_leaves_no_task() -> None:
    class Connecting(httpx.AsyncBaseTransport):
        closed = False

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:  # noqa: ARG002
            started.set()
            await asyncio.Event().wait()
            raise AssertionError

        async def aclose(self) -> None:
            self.closed = True

    started = asyncio.Event()
    transport = Connecting()

    async def main() -> None:
        async with httpx.AsyncClient(transport=transport) as http:
            client = AsyncClient(base_url="https://host", http_client=http)
            task = asyncio.create_task(client.calls.list("a").page(1))
            await started.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main())
    assert transport.closed


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, GeneratorExit])
@pytest.mark.parametrize("place", ["transport", "sleep", "on_retry"])
def test_what_is_no_error_passes_through_untouched(kind: Any, place: str) -> None:
    raised = kind()

    def interrupted(*_: object) -> Any:
        raise raised

    http = httpx.Client(
        transport=httpx.MockTransport(
            interrupted if place == "transport" else lambda _: httpx.Response(503)
        )
    )
    client = Client(
        base_url="https://host",
        http_client=http,
        clock=Clock(sleep=interrupted if place == "sleep" else None),
        on_retry=interrupted if place == "on_retry" else None,
    )
    with pytest.raises(kind) as caught:
        client.calls.list("a").page(1)
    assert caught.value is raised


@pytest.mark.parametrize("kind", [OSError, RuntimeError, ValueError])
def test_error_of_the_users_own_key_callable_passes_through(
    make_client: MakeClient, server: FaultServer, kind: Any
) -> None:
    raised = kind("the vault is shut")

    def key() -> str:
        raise raised

    client = make_client(api_key=key, base_url=server.url)
    with pytest.raises(kind) as caught:
        client.calls.list("agent_1").page(1)
    assert caught.value is raised
    assert server.requests == []


def test_generator_closed_early_sends_nothing_more(
    make_client: MakeClient, server: FaultServer
) -> None:
    calls = iter(make_client(base_url=server.url).calls.list("agent_1"))
    assert next(calls).id == IDS[0]
    calls.close()
    assert len(server.requests) == 1


def test_async_iterator_closes(server: FaultServer) -> None:
    async def main() -> None:
        async with AsyncClient(base_url=server.url) as client:
            iterator: Any = aiter(client.calls.list("agent_1"))
            async with aclosing(iterator) as calls:
                async for _ in calls:
                    break
            assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main())
    assert len(server.requests) == 1


class Reading(threading.Thread):
    """Reads a page in another thread, and keeps what comes of it."""

    def __init__(self, client: Client) -> None:
        super().__init__()
        self.client = client
        self.error: BaseException | None = None
        self.page: Any = None
        self.start()

    def run(self) -> None:
        try:
            self.page = self.client.calls.list("agent_1").page(1)
        except BaseException as error:  # noqa: BLE001
            self.error = error

    def ended(self) -> BaseException | None:
        self.join(5)
        assert not self.is_alive()
        return self.error


def test_close_ends_the_wait_for_a_retry_in_another_thread(server: FaultServer) -> None:
    server.fail(POINTS["retry"])
    told = Told()
    client = Client(base_url=server.url, on_retry=told)
    reading = Reading(client)
    assert told.thread.wait(5)
    client.close()
    error = reading.ended()
    assert isinstance(error, ConfigurationError)
    assert "closed" in str(error)
    assert len(server.requests) == 1


def test_close_under_a_request_in_flight_says_that_the_client_is_closed(
    server: FaultServer,
) -> None:
    server.fail(POINTS["body"])
    client = Client(base_url=server.url, timeout=0.1, max_retries=0)
    reading = Reading(client)
    assert server.stalled.acquire(timeout=5)
    client.close()
    assert isinstance(reading.ended(), ConfigurationError)
    assert len(server.requests) == 1


@pytest.mark.parametrize("point", POINTS)
def test_aclose_ends_waits_and_requests_in_flight(server: FaultServer, point: str) -> None:
    server.fail(POINTS[point])

    async def main() -> None:
        told = Told()
        retries = int(point in {"retry", "gate"})
        client = AsyncClient(base_url=server.url, on_retry=told, max_retries=retries)
        task = asyncio.create_task(client.calls.list("agent_1").page(1))
        await reached(server, point, told)
        await client.aclose()
        with pytest.raises(ConfigurationError, match="closed"):
            await asyncio.wait_for(task, 5)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main())
    assert len(server.requests) == 1


def test_aclose_of_the_client_is_no_cancellation_of_who_reads(server: FaultServer) -> None:
    server.fail(POINTS["head"], after=1)

    async def read(client: AsyncClient) -> None:
        async for _ in client.calls.list("agent_1", exact=False):
            pass

    async def main() -> None:
        client = AsyncClient(base_url=server.url)
        task = asyncio.create_task(read(client))
        assert await asyncio.to_thread(server.stalled.acquire, timeout=5)
        await client.aclose()
        with pytest.raises(ConfigurationError, match="closed"):
            await asyncio.wait_for(task, 5)
        server.fail(POINTS["head"], after=1)
        other = AsyncClient(base_url=server.url)
        task = asyncio.create_task(read(other))
        assert await asyncio.to_thread(server.stalled.acquire, timeout=5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(task, 5)
        await other.aclose()

    asyncio.run(main())


def test_async_iterator_closed_as_its_answer_arrives_ends(server: FaultServer) -> None:
    async def main() -> None:
        async with AsyncClient(base_url=server.url) as client:
            calls = aiter(client.calls.list("agent_1"))
            begin: Any = calls._pages._start

            def begin_and_close(*asked: Any) -> asyncio.Task[Page]:
                task: asyncio.Task[Page] = begin(*asked)
                task.add_done_callback(lambda _: calls._pages.close())
                return task

            calls._pages._start = begin_and_close
            with pytest.raises(StopAsyncIteration):
                await anext(calls)

    asyncio.run(main())


def test_close_of_the_client_is_no_cancellation_of_who_reads(server: FaultServer) -> None:
    with Client(base_url=server.url, concurrency=2) as client:
        calls = iter(client.calls.list("agent_1", exact=False))
        first = [next(calls) for _ in range(51)]
        for job in calls._pages._under_way.values():
            job.cancel()  # as a close does to what is under way
        with pytest.raises(ConfigurationError, match="closed"):
            list(calls)
    assert len(first) == 51


def test_http_client_closed_by_its_owner_is_a_closed_client() -> None:
    with httpx.Client() as http:
        client = Client(base_url="https://host", http_client=http)
    with pytest.raises(ConfigurationError, match="closed"):
        client.calls.list("agent_1").page(1)


def test_async_http_client_closed_by_its_owner_is_a_closed_client() -> None:
    async def main() -> None:
        async with httpx.AsyncClient() as http:
            client = AsyncClient(base_url="https://host", http_client=http)
        with pytest.raises(ConfigurationError, match="closed"):
            await client.calls.list("agent_1").page(1)

    asyncio.run(main())


def test_threads_share_a_client(server: FaultServer) -> None:
    with Client(base_url=server.url) as client:
        readings = [Reading(client) for _ in range(8)]
        assert [reading.ended() for reading in readings] == [None] * 8
        assert all(len(reading.page) == 100 for reading in readings)


def test_429_of_one_thread_holds_back_the_others(make_client: MakeClient) -> None:
    asked: list[float] = []

    def respond(_: httpx.Request) -> httpx.Response:
        asked.append(make_client.clock.moment)
        return httpx.Response(429, headers={"Retry-After": "40"})

    client = make_client(
        base_url="https://host", http_client=make_client.http(respond), max_retries=0
    )
    listing = client.calls.list("a")
    with pytest.raises(RateLimitError) as caught:
        listing.page(1)
    assert caught.value.retry_after == 40
    with pytest.raises(RateLimitError):
        listing.page(1)
    # The second waits until the moment named, and the spread.
    assert asked == [1000.0, 1041.0]


def test_gate_shut_for_too_long_refuses_with_what_is_known(make_client: MakeClient) -> None:
    answers = [httpx.Response(429, headers={"Retry-After": "500"})]
    http = make_client.http(lambda _: answers.pop())
    listing = make_client(base_url="https://host", http_client=http).calls.list("a")
    for attempts, retry_after in ((1, 500), (0, 501)):
        with pytest.raises(RateLimitError) as caught:
            listing.page(1)
        error = caught.value
        assert (error.attempts, error.retry_after, error.retryable) == (attempts, retry_after, True)
        assert (error.method, error.path) == ("GET", "/api/v1/console/agents/{agentId}/calls")


def test_async_client_says_that_it_is_of_another_loop(server: FaultServer) -> None:
    server.fail(answer(b"", 429, Retry_After="1"), times=1)
    client = AsyncClient(base_url=server.url, max_retries=0)

    async def limited() -> None:
        with pytest.raises(RateLimitError):
            await client.calls.list("agent_1").page(1)

    async def elsewhere() -> None:
        with pytest.raises(ConfigurationError, match="event loop"):
            await client.calls.list("agent_1").page(1)

    async def last() -> None:
        await limited()
        await asyncio.get_running_loop().run_in_executor(None, lambda: asyncio.run(elsewhere()))
        await client.aclose()

    asyncio.run(last())
    assert len(server.requests) == 1


def test_another_process_opens_connections_of_its_own_and_leaves_the_others_open(
    server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Client(base_url=server.url) as client:
        listing = client.calls.list("agent_1")
        listing.page(1)
        with monkeypatch.context() as forked:
            forked.setattr(this, "id", 1 << 40)
            client.close()  # an heir that has sent nothing has nothing to close
            client._closed.clear()
            listing.page(1)
        mine, (client._http, _) = client._http, client._inherited
        mine.close()
        client._owner = this.id
        listing.page(1)
    assert [request.connection for request in server.requests] == [0, 1, 0]


def test_another_process_uses_a_passed_client_as_it_is(
    server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with httpx.Client() as http, Client(base_url=server.url, http_client=http) as client:
        listing = client.calls.list("agent_1")
        listing.page(1)
        with monkeypatch.context() as forked:
            forked.setattr(this, "id", 1 << 40)
            assert len(listing.page(1)) == 100
            assert len(listing.all()) > 100
    assert len(server.requests) > 3


FORKING = """
import os, sys, warnings
from agentcalls import Client
# From Python 3.12 on, a fork beside other threads warns; there are none here.
with Client(base_url=sys.argv[1]) as client:
    listing = client.calls.list("agent_1")
    assert len(listing.page(1)) == 100
    child = os.fork()
    if child == 0:
        assert len(listing.page(2)) == 100
        client.close()
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert status == 0, status
    assert len(listing.page(3)) == 10
print("both")
"""


def test_forked_child_lists_over_a_connection_of_its_own(server: FaultServer) -> None:
    command = [sys.executable, "-W", "error", "-X", "dev", "-c", FORKING, server.url]
    result = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert (result.stdout, result.stderr) == ("both\n", "")
    assert [request.connection for request in server.requests] == [0, 1, 0]
