"""The ways to the server, for asyncio; see `transport.py`."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from functools import partial
from typing import TYPE_CHECKING

import httpcore
import httpx

from agentcalls.request.transport import DEFAULT_TIMEOUT, MOST_CONNECTIONS, FreeList, Reply, joined

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Awaitable

    from agentcalls.request.key import KeyAuth
    from agentcalls.request.transport import Host, Timeouts


class AsyncConnections:
    """Connections of a client's own, to one host."""

    timeout = DEFAULT_TIMEOUT

    def __init__(self, host: Host, *, most: int = MOST_CONNECTIONS) -> None:
        self._host = host
        self._list = FreeList(partial(httpcore.AsyncHTTPConnection, **host.options))
        self._slots = asyncio.Semaphore(most)
        self.is_closed = False

    async def send(
        self, target: str, auth: KeyAuth, timeouts: Timeouts
    ) -> Reply[AsyncIterable[bytes], Awaitable[object]]:
        """The answer to a GET of `target`, a path with its query. Raises httpx's errors, and httpcore's."""
        try:
            # None waits where there is room, and a timeout of asyncio's is not for nothing.
            async with asyncio.timeout(timeouts["pool"] if self._slots.locked() else None):
                await self._slots.acquire()
        except TimeoutError:
            raise httpx.PoolTimeout("Every connection was in use.") from None
        connection = None
        try:
            connection, expired = self._list.take()
            await _close_all(expired)
            response = await connection.handle_async_request(
                self._host.request(target, auth, timeouts)
            )
        except BaseException:
            await self._free(connection)
            raise
        close = partial(self._end, response, connection)
        return Reply(response.status, joined(response.headers), response.stream, close)  # type: ignore[arg-type]

    async def _end(
        self, response: httpcore.Response, connection: httpcore.AsyncHTTPConnection
    ) -> None:
        try:
            await response.aclose()
        finally:
            await self._free(connection)

    async def _free(self, connection: httpcore.AsyncHTTPConnection | None) -> None:
        # One that was cancelled at an unlucky moment, its last one too, is in the middle of its exchange for ever.
        try:
            if connection and not self._list.takes_back(connection):
                await connection.aclose()
        finally:
            self._slots.release()

    async def close(self) -> None:
        """Close every connection."""
        self.is_closed = True
        await _close_all(self._list.take_all())


class AsyncBorrowed:
    """An `httpx.AsyncClient` as the way to the server."""

    def __init__(self, http: httpx.AsyncClient, host: Host) -> None:
        self._http, self._host = http, host
        self.close = http.aclose

    @property
    def timeout(self) -> httpx.Timeout:
        """How long it waits."""
        return self._http.timeout

    @property
    def is_closed(self) -> bool:
        """Whether its owner has closed it."""
        return self._http.is_closed

    async def send(
        self, target: str, auth: KeyAuth, timeouts: Timeouts
    ) -> Reply[AsyncIterable[bytes], Awaitable[object]]:
        """The answer to a GET of `target`, a path with its query. Raises httpx's errors."""
        request = self._host.httpx_request(self._http, target, auth, timeouts)
        response = await self._http.send(request, auth=None, stream=True, follow_redirects=False)
        headers = dict(response.headers.items())
        return Reply(response.status_code, headers, response.stream, response.aclose)  # type: ignore[arg-type]


async def _close_all(connections: list[httpcore.AsyncHTTPConnection]) -> None:
    # All, even where this is cancelled at one of them.
    async with AsyncExitStack() as stack:
        for connection in connections:
            stack.push_async_callback(connection.aclose)
