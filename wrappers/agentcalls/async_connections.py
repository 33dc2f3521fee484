"""The free list of connections for asyncio; see `connections.py`."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, cast

import httpx

from agentcalls.connections import MOST_CONNECTIONS, FreeList

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Callable


class AsyncConnections(httpx.AsyncBaseTransport):
    """What an `httpx.AsyncClient` sends with."""

    def __init__(
        self, trust: ssl.SSLContext, now: Callable[[], float], *, most: int = MOST_CONNECTIONS
    ) -> None:
        self._list = FreeList(httpx.AsyncHTTPTransport, trust, now)
        self._slots = asyncio.Semaphore(most)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The answer; its connection is free again once the answer is closed."""
        try:
            async with asyncio.timeout(request.extensions["timeout"]["pool"]):
                await self._slots.acquire()
        except TimeoutError:
            raise httpx.PoolTimeout("Every connection was in use.") from None
        transport = self._list.take()
        try:
            for stale in self._list.take_stale():
                await stale.aclose()
            response = await transport.handle_async_request(request)
        except BaseException:
            # A cancelled request, too, has closed its connection by now.
            self._free(transport)
            raise
        stream = cast("httpx.AsyncByteStream", response.stream)
        response.stream = _Stream(stream, partial(self._free, transport))
        return response

    def _free(self, transport: httpx.AsyncHTTPTransport) -> None:
        self._list.give_back(transport)
        self._slots.release()

    async def aclose(self) -> None:
        """Close every connection."""
        for transport in self._list.take_all():
            await transport.aclose()


class _Stream(httpx.AsyncByteStream):
    def __init__(self, stream: httpx.AsyncByteStream, closed: Callable[[], object]) -> None:
        self._stream = stream
        self._closed = closed

    def __aiter__(self) -> AsyncIterator[bytes]:
        return aiter(self._stream)

    async def aclose(self) -> None:
        try:
            await self._stream.aclose()
        finally:
            self._closed()
