"""Which connections requests go over, and whom those trust."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from agentcalls import (
    AgentCallsError,
    APIConnectionError,
    APITimeoutError,
    AsyncClient,
    Client,
    ConfigurationError,
)
from agentcalls.request.host import Host, trusted
from agentcalls.request.wire import connection
from agentcalls.request.wire.pool import ConnectionPool
from agentcalls.settings import MAX_CONNECTIONS
from faults import Exchange, FaultServer, answer, changed, head_of, script, self_signed

if TYPE_CHECKING:
    import ssl
    from collections.abc import Generator
    from pathlib import Path

    from flavours import MakeClient

STALLS: dict[str, Any] = {
    "head": script(then="stall"),
    "inside the head": script(b"HTTP/1.1 200 OK\r\n", then="stall"),
    "body": script(head_of(200, {"Content-Length": "9"}), b"{", then="stall"),
}


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENTCALLS_API_KEY", "sk_key")
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)


def at_once(client: Any, count: int) -> list[Any]:
    """What comes of so many requests for a page, under way at the same time: pages and errors."""
    listing = client.calls.list("agent_1")
    if isinstance(client, Client):
        with ThreadPoolExecutor(count) as threads:
            futures = [threads.submit(listing.page, 1) for _ in range(count)]
        return [future.exception() or future.result() for future in futures]

    async def main() -> list[Any]:
        pages = (listing._target.page(1) for _ in range(count))
        return await asyncio.gather(*pages, return_exceptions=True)

    return list(client._runner.run(main()))


def hold_until(server: FaultServer, count: int) -> None:
    """Let the server answer nobody until so many requests are there, and then all of them."""
    there = threading.Barrier(count)

    def play(exchange: Exchange) -> object:
        there.wait(5)
        return answer(b'{"message": "", "meta": null, "data": []}')(exchange)

    server.fail(play, times=count)


def used(server: FaultServer, latest: int = 0) -> list[int]:
    """The connections of the latest requests, or of all of them."""
    return [request.connection for request in server.requests[-latest:]]


def test_there_are_as_many_connections_as_requests_at_once(
    make_client: MakeClient, server: FaultServer
) -> None:
    client = make_client(base_url=server.url)
    for _ in range(3):
        client.calls.list("agent_1").page(1)
    assert used(server) == [0, 0, 0]
    for _ in range(2):
        hold_until(server, 4)
        at_once(client, 4)
        assert sorted(used(server, 4)) == [0, 1, 2, 3]
    client.calls.list("agent_1").page(1)
    client.calls.list("agent_1").page(1)
    assert len(set(used(server, 2))) == 1


def test_connection_that_became_free_last_goes_first_and_those_that_expired_are_given_up(
    server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = SimpleNamespace(moment=0.0)
    monkeypatch.setattr(connection, "time", SimpleNamespace(monotonic=lambda: clock.moment))
    connections = ConnectionPool(Host(server.url))

    def taken(*, fresh: bool = False) -> Any:
        one = connections._take(fresh=fresh)
        if not one.is_open:
            one._socket = socket.create_connection(("127.0.0.1", int(server.url.split(":")[2])))
            one._socket.settimeout(0)
        return one

    first, second, third = (taken() for _ in range(3))
    for one in (first, second, third):
        connections._take_back(one, keep=True)
        clock.moment += 1
    assert taken() is third
    assert taken(fresh=True) not in {first, second, third}
    clock.moment = 4.5  # the first was kept for more than four seconds
    assert taken() is second
    assert not first.is_open
    connections._take_back(second, keep=False)
    assert not second.is_open
    connections._take_back(third, keep=True)
    fourth = taken(fresh=True)
    connections.close()
    assert not third.is_open
    assert fourth.is_open  # whose request is under way, and ends now
    connections._take_back(fourth, keep=True)
    assert not fourth.is_open
    with pytest.raises(RuntimeError, match="closed"):
        taken()
    for one in connections._all:
        one.close()


def test_connections_that_the_server_hung_up_are_not_used_again(
    make_client: MakeClient, server: FaultServer
) -> None:
    client = make_client(base_url=server.url)
    hold_until(server, 3)
    at_once(client, 3)
    server.hang_up()
    client.calls.list("agent_1").page(1)
    client.calls.list("agent_1").page(1)
    assert used(server, 2) == [3, 3]


def test_connection_that_the_server_closed_is_replaced(
    make_client: MakeClient, server: FaultServer
) -> None:
    server.fail(answer(b"{}", 503, Connection="close"), times=1)
    make_client(base_url=server.url).calls.list("agent_1").page(1)
    assert used(server) == [0, 1]


@pytest.mark.parametrize("point", STALLS)
def test_cancelled_request_gives_its_place_back_and_its_connection_up(
    server: FaultServer, point: str
) -> None:
    server.fail(STALLS[point], times=1)

    async def main() -> None:
        async with AsyncClient(base_url=server.url) as client:
            client._slots = asyncio.Semaphore(1)
            listing = client.calls.list("agent_1")
            task = asyncio.create_task(listing.page(1))
            assert await asyncio.to_thread(server.stalled.acquire, timeout=5)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert await asyncio.to_thread(server.left.acquire, timeout=5)
            for _ in range(2):
                assert len(await listing.page(1)) == 100

    asyncio.run(main())
    assert used(server) == [0, 1, 1]


class CancelledAt:
    """A coroutine whose task is cancelled when it waits for the nth time."""

    def __init__(self, coroutine: Any, count: int) -> None:
        self.coroutine = coroutine
        self.left = count

    def __await__(self) -> Generator[Any, Any, Any]:
        waiting = self.coroutine.__await__()
        step: Any = partial(waiting.send, None)
        while True:
            try:
                asked = step()
            except StopIteration as end:
                return end.value
            self.left -= 1
            if not self.left:
                task = asyncio.current_task()
                assert task
                task.cancel()
            try:
                step = partial(waiting.send, (yield asked))
            except BaseException as error:  # noqa: BLE001
                step = partial(waiting.throw, error)


@pytest.mark.parametrize("warm", [True, False])
def test_request_cancelled_wherever_it_waits_leaves_a_client_that_works(
    server: FaultServer,
    warm: bool,  # noqa: FBT001
) -> None:
    async def is_cancelled(count: int) -> bool:
        async with AsyncClient(base_url=server.url, max_retries=0) as client:
            listing = client.calls.list("agent_1")
            if warm:
                await listing.page(1)

            async def read() -> None:
                await CancelledAt(listing.page(1), count)

            try:
                await asyncio.create_task(read())
            except asyncio.CancelledError:
                cancelled = True
            else:
                cancelled = False
            assert len(await listing.page(2)) == 100
            connections: Any = client._http
            assert client._slots._value == MAX_CONNECTIONS
            assert len(connections._all) == len(connections._free) == 1
        return cancelled

    async def main() -> None:
        count = 1
        while await is_cancelled(count):
            count += 1
        assert count > (1 if warm else 2)

    asyncio.run(main())


def test_request_that_waits_for_a_connection_is_not_sent_once_the_client_is_closed(
    server: FaultServer,
) -> None:
    server.fail(STALLS["head"], times=1)
    client = Client(base_url=server.url, timeout=httpx.Timeout(1, pool=10), max_retries=0)
    client._slots = threading.Semaphore(1)
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(client.calls.list("agent_1").page, 1)
        assert server.stalled.acquire(timeout=5)
        waiting = threads.submit(client.calls.list("agent_1").page, 1)
        client.close()
        with pytest.raises(ConfigurationError, match="closed"):
            waiting.result(5)
        with pytest.raises(AgentCallsError):
            first.result(5)
    assert used(server) == [0]


def test_close_that_is_cancelled_closes_every_connection(server: FaultServer) -> None:
    async def main() -> None:
        client = AsyncClient(base_url=server.url)
        hold_until(server, 3)
        await asyncio.gather(*(client.calls.list("agent_1").page(1) for _ in range(3)))
        server.fail(STALLS["head"], after=1)
        calls = aiter(client.calls.list("agent_1"))
        for _ in range(51):
            await anext(calls)
        assert await asyncio.to_thread(server.stalled.acquire, timeout=5)
        connections: Any = client._http
        everything = list(connections._all)
        assert [connection.is_open for connection in everything] == [True] * 3

        async def close() -> None:
            await CancelledAt(client.aclose(), 1)

        with pytest.raises(asyncio.CancelledError):
            await asyncio.create_task(close())
        await asyncio.sleep(0)  # the tasks that are under way are cancelled, too
        assert [connection.is_open for connection in everything] == [False] * 3

    asyncio.run(main())


def test_cancelled_wait_for_a_connection_leaves_the_place_to_others(server: FaultServer) -> None:
    server.fail(STALLS["head"], times=1)

    async def main() -> None:
        async with AsyncClient(base_url=server.url) as client:
            client._slots = asyncio.Semaphore(1)
            listing = client.calls.list("agent_1")
            first = asyncio.create_task(listing.page(1))
            assert await asyncio.to_thread(server.stalled.acquire, timeout=5)
            waiting, last = (asyncio.create_task(listing.page(1)) for _ in range(2))
            await asyncio.sleep(0)
            waiting.cancel()
            first.cancel()
            assert len(await asyncio.wait_for(last, 5)) == 100

    asyncio.run(main())
    assert used(server) == [0, 1]


def test_wait_for_a_connection_ends_within_the_timeout(
    make_client: MakeClient, server: FaultServer
) -> None:
    timeout = httpx.Timeout(0.5, pool=0.01)
    kind: Any = {"sync": threading, "async": asyncio}[make_client.flavour]
    client = make_client(base_url=server.url, timeout=timeout, max_retries=0)
    bare: Any = getattr(client, "_target", client)
    bare._slots = kind.Semaphore(1)
    server.fail(STALLS["head"], times=1)
    errors = at_once(client, 2)
    assert {type(error) for error in errors} == {APITimeoutError}
    assert sum("Every connection was in use" in str(error) for error in errors) == 1
    assert used(server) == [0]
    for _ in range(2):
        assert len(client.calls.list("agent_1").page(1)) == 100


def test_proxy_of_the_environment_gets_the_requests_and_no_cookie(
    make_client: MakeClient, server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", server.url)
    client = make_client(base_url="http://api.example", allow_http=True)
    server.fail(changed(lambda _: None, Set_Cookie="sid=1; Path=/"))
    for _ in range(2):
        assert len(client.calls.list("agent_1").page(1)) == 100
    first, second = server.requests
    assert first.target.startswith("http://api.example/api/v1/console/")
    assert not second.all("cookie")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, Path]:
    return self_signed(tmp_path_factory.mktemp("tls"))


def test_certificates_of_the_environment_are_trusted(
    make_client: MakeClient,
    certificate: tuple[ssl.SSLContext, Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tls, file = certificate
    with FaultServer(tls) as server:
        with pytest.raises(APIConnectionError, match="CERTIFICATE_VERIFY_FAILED"):
            make_client(base_url=server.url).calls.list("agent_1").page(1)
        monkeypatch.setenv("SSL_CERT_FILE", str(file))
        for _ in range(2):
            listing = make_client(base_url=server.url).calls.list("agent_1")
            assert len(listing.page(1)) == len(listing.page(2)) == 100
        assert used(server) == [1, 1, 2, 2]  # the first was turned away unheard


def test_clients_share_what_they_trust_until_the_environment_changes(
    certificate: tuple[ssl.SSLContext, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, file = certificate
    usual = trusted()
    assert trusted() is usual
    assert len(usual.get_ca_certs()) > 1
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    own = trusted()
    assert trusted() is own
    assert len(own.get_ca_certs()) == 1
    os.utime(file, (0, 0))
    assert trusted() is not own


@pytest.mark.parametrize("text", [None, "no certificate"])
def test_certificates_that_cannot_be_read_are_refused_at_once(
    make_client: MakeClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str | None
) -> None:
    file = tmp_path / "certificates.pem"
    if text:
        file.write_text(text)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    with pytest.raises(ConfigurationError, match="SSL_CERT_FILE"):
        make_client(base_url="https://host")
    make_client(base_url="http://localhost")


def test_log_of_keys_that_cannot_be_written_is_refused_at_once(
    make_client: MakeClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "none" / "keys"))
    with pytest.raises(ConfigurationError, match="SSLKEYLOGFILE"):
        make_client(base_url="https://host")
