"""Connections kept in a free list, one httpx transport for each: httpx's own pool looks at all of them per request.

At 32 in flight that was most of what an async page costs. What is the same for both flavours is here, and
the flavour that blocks.
"""

from __future__ import annotations

import os
import ssl
from collections import deque
from functools import lru_cache, partial
from pathlib import Path
from threading import Lock, Semaphore
from typing import TYPE_CHECKING, Generic, TypeVar, cast
from urllib.request import getproxies

import httpx

from agentcalls.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MOST_CONNECTIONS = 128
_KEPT_SECONDS = 5.0
_ONE = httpx.Limits(max_connections=1, keepalive_expiry=_KEPT_SECONDS)
_TRUST = ("SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE")

TransportT = TypeVar("TransportT", httpx.HTTPTransport, httpx.AsyncHTTPTransport)


class FreeList(Generic[TransportT]):
    """Transports of one connection each: as many as there ever were requests under way at once."""

    def __init__(
        self, kind: type[TransportT], trust: ssl.SSLContext, now: Callable[[], float]
    ) -> None:
        self._make: Callable[[], TransportT] = lambda: kind(verify=trust, limits=_ONE)
        self._now = now
        self._lock = Lock()
        self._free: deque[tuple[float, TransportT]] = deque()
        self._open: set[TransportT] = set()

    def take(self) -> TransportT:
        """The one that became free last, or a new one."""
        with self._lock:
            if self._free:
                return self._free.pop()[1]
            transport = self._make()
            self._open.add(transport)
            return transport

    def give_back(self, transport: TransportT) -> None:
        """Let another request have it. Its connection is whole, or httpx has closed it."""
        with self._lock:
            self._free.append((self._now(), transport))

    def take_stale(self) -> list[TransportT]:
        """Those that have been free for too long: to be closed, and not to be given back."""
        stale: list[TransportT] = []
        with self._lock:
            while self._free and self._free[0][0] < self._now() - _KEPT_SECONDS:
                stale.append(self._free.popleft()[1])
            self._open.difference_update(stale)
        return stale

    def take_all(self) -> list[TransportT]:
        """All of them, to be closed, even those that a request is under way on."""
        with self._lock:
            everything = list(self._open)
            self._open.clear()
            self._free.clear()
        return everything


class Connections(httpx.BaseTransport):
    """What an `httpx.Client` sends with."""

    def __init__(
        self, trust: ssl.SSLContext, now: Callable[[], float], *, most: int = MOST_CONNECTIONS
    ) -> None:
        self._list = FreeList(httpx.HTTPTransport, trust, now)
        self._slots = Semaphore(most)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The answer; its connection is free again once the answer is closed."""
        if not self._slots.acquire(timeout=request.extensions["timeout"]["pool"]):
            raise httpx.PoolTimeout("Every connection was in use.")
        transport = self._list.take()
        try:
            for stale in self._list.take_stale():
                stale.close()
            response = transport.handle_request(request)
        except BaseException:
            self._free(transport)
            raise
        stream = cast("httpx.SyncByteStream", response.stream)
        response.stream = _Stream(stream, partial(self._free, transport))
        return response

    def _free(self, transport: httpx.HTTPTransport) -> None:
        self._list.give_back(transport)
        self._slots.release()

    def close(self) -> None:
        """Close every connection."""
        for transport in self._list.take_all():
            transport.close()


class _Stream(httpx.SyncByteStream):
    def __init__(self, stream: httpx.SyncByteStream, closed: Callable[[], object]) -> None:
        self._stream = stream
        self._closed = closed

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._stream)

    def close(self) -> None:
        try:
            self._stream.close()
        finally:
            self._closed()


def has_proxies() -> bool:
    """Whether the environment names proxies, which are httpx's own business."""
    named = getproxies()
    return any(named.get(scheme) for scheme in ("http", "https", "all"))


def trust_for(base_url: str) -> ssl.SSLContext:
    """Whose certificates are good: certifi's, or those of SSL_CERT_FILE or SSL_CERT_DIR, as httpx has it.

    It takes 20 ms to build: clients share it as long as the environment stays the same, and plain http has an empty
    one. Raises `ConfigurationError` for certificates that cannot be read.
    """
    if base_url.startswith("http:"):
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        file = os.environ.get("SSL_CERT_FILE")
        changed = Path(file).stat().st_mtime_ns if file else None
        return _trust(changed, *map(os.environ.get, _TRUST))
    except OSError as error:
        raise ConfigurationError(
            "The certificates that SSL_CERT_FILE or SSL_CERT_DIR names cannot be read."
        ) from error


@lru_cache(maxsize=1)
def _trust(*_: object) -> ssl.SSLContext:
    return httpx.create_ssl_context()
