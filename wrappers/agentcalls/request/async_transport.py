"""The ways to the server, for asyncio; see `transport.py`."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from functools import partial
from typing import TYPE_CHECKING, Any

import httpcore
import httpx

from agentcalls.request.transport import BorrowedBase, ConnectionsBase, reply_of, reply_of_httpx
from agentcalls.settings import MAX_CONNECTIONS

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Awaitable
    from typing import TypeAlias

    from agentcalls.request.host import Host, Timeouts
    from agentcalls.request.key import KeyAuth
    from agentcalls.request.operation import Outgoing
    from agentcalls.request.transport import Reply

    AsyncReply: TypeAlias = Reply[AsyncIterable[bytes], Awaitable[object]]


class AsyncConnections(ConnectionsBase[httpcore.AsyncHTTPConnection]):
    """Connections that are awaited."""

    def __init__(self, host: Host, *, most: int = MAX_CONNECTIONS) -> None:
        super().__init__(host, httpcore.AsyncHTTPConnection)
        self._slots = asyncio.Semaphore(most)

    async def send(self, outgoing: Outgoing[Any], auth: KeyAuth, timeouts: Timeouts) -> AsyncReply:
        """The answer to a request. Raises httpx's errors, and httpcore's."""
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
            request = self._host.request(outgoing, auth, timeouts)
            response = await connection.handle_async_request(request)
        except BaseException:
            await self._free(connection)
            raise
        return reply_of(response, partial(self._end, response, connection))

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
        await _close_all(self._all())


class AsyncBorrowed(BorrowedBase[httpx.AsyncClient]):
    """An `httpx.AsyncClient` as the way to the server."""

    async def send(self, outgoing: Outgoing[Any], auth: KeyAuth, timeouts: Timeouts) -> AsyncReply:
        """The answer to a request. Raises httpx's errors."""
        request = self._host.httpx_request(self._http, outgoing, auth, timeouts)
        response = await self._http.send(request, auth=None, stream=True, follow_redirects=False)
        return reply_of_httpx(response, response.aclose)

    async def close(self) -> None:
        """Close the client."""
        await self._http.aclose()


async def _close_all(connections: list[httpcore.AsyncHTTPConnection]) -> None:
    # All, even where this is cancelled at one of them.
    async with AsyncExitStack() as stack:
        for connection in connections:
            stack.push_async_callback(connection.aclose)
