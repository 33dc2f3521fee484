"""The ways to the server, for the client that blocks: connections of its own, or an `httpx.Client`.

Its own are httpcore's, on which httpx is built, each for one request at a time and kept in a free list. On top of them
httpx's client and pool would take half as long again for a request, and three times as long where 32 are in flight: the
pool looks at every connection for each of them. What is the same for both flavours is here, too.
"""

from __future__ import annotations

from collections import deque
from contextlib import ExitStack
from functools import partial
from threading import Lock, Semaphore
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, Protocol, TypeVar

import httpcore
import httpx

from agentcalls.request.host import DEFAULT_TIMEOUT, HttpT
from agentcalls.settings import MAX_CONNECTIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from agentcalls.request.host import Host, Timeouts
    from agentcalls.request.key import KeyAuth
    from agentcalls.request.operation import Outgoing

BodyT = TypeVar("BodyT")
ClosedT = TypeVar("ClosedT")


class Reply(NamedTuple, Generic[BodyT, ClosedT]):
    """The head of an answer, and where to read its body; it is to be closed."""

    status: int
    headers: dict[str, str]
    """Their names in lower case; what was sent twice is joined with commas."""
    body: BodyT
    close: Callable[[], ClosedT]


# What is the same for both flavours.


class _Connection(Protocol):
    def has_expired(self) -> bool: ...
    def is_available(self) -> bool: ...


ConnectionT = TypeVar("ConnectionT", bound=_Connection)


class FreeList(Generic[ConnectionT]):
    """As many connections as there ever were requests under way at once, those that last."""

    def __init__(self, make: Callable[[], ConnectionT]) -> None:
        self._make = make
        self._lock = Lock()
        self._free: deque[ConnectionT] = deque()
        self._all: set[ConnectionT] = set()
        self._closed = False

    def take(self) -> tuple[ConnectionT, list[ConnectionT]]:
        """The one that became free last, or a new one; and those to be closed, of which the server has hung up.

        Raises RuntimeError once all were taken.
        """
        expired: list[ConnectionT] = []
        with self._lock:
            if self._closed:
                raise RuntimeError("The connections are closed.")
            while self._free and self._free[0].has_expired():
                expired.append(self._free.popleft())
            while self._free and self._free[-1].has_expired():
                expired.append(self._free.pop())
            self._all.difference_update(expired)
            if self._free:
                return self._free.pop(), expired
            connection = self._make()
            self._all.add(connection)
            return connection, expired

    def takes_back(self, connection: ConnectionT) -> bool:
        """Whether another request may have it; one that is not ready for that is to be closed."""
        with self._lock:
            if connection in self._all and connection.is_available():
                self._free.append(connection)
                return True
            self._all.discard(connection)
            return False

    def take_all(self) -> list[ConnectionT]:
        """All of them, to be closed, even those that a request is under way on; there are none from now on."""
        with self._lock:
            self._closed = True
            everything = list(self._all)
            self._all.clear()
            self._free.clear()
        return everything


class ConnectionsBase(Generic[ConnectionT]):
    """Connections of a client's own, to one host."""

    timeout = DEFAULT_TIMEOUT

    def __init__(self, host: Host, kind: Callable[..., ConnectionT]) -> None:
        self._host = host
        self._list = FreeList(partial(kind, **host.options))
        self.is_closed = False

    def _all(self) -> list[ConnectionT]:
        self.is_closed = True
        return self._list.take_all()


class BorrowedBase(Generic[HttpT]):
    """An httpx client as the way to the server."""

    def __init__(self, http: HttpT, host: Host) -> None:
        self._http: HttpT = http
        self._host = host

    @property
    def timeout(self) -> httpx.Timeout:
        """How long it waits."""
        return self._http.timeout

    @property
    def is_closed(self) -> bool:
        """Whether its owner has closed it."""
        return self._http.is_closed


def reply_of(response: httpcore.Response, close: Callable[[], ClosedT]) -> Reply[Any, ClosedT]:
    """The head of an answer that httpcore gave."""
    return Reply(response.status, joined(response.headers), response.stream, close)


def reply_of_httpx(response: httpx.Response, close: Callable[[], ClosedT]) -> Reply[Any, ClosedT]:
    """The head of an answer that httpx gave."""
    return Reply(response.status_code, dict(response.headers.items()), response.stream, close)


def joined(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Headers as they arrived, as those of a `Reply`."""
    by_name: dict[str, str] = {}
    for raw_name, raw_value in headers:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        by_name[name] = f"{by_name[name]}, {value}" if name in by_name else value
    return by_name


# What blocks.


class Connections(ConnectionsBase[httpcore.HTTPConnection]):
    """Connections that block."""

    def __init__(self, host: Host, *, most: int = MAX_CONNECTIONS) -> None:
        super().__init__(host, httpcore.HTTPConnection)
        self._slots = Semaphore(most)

    def send(
        self, outgoing: Outgoing[Any], auth: KeyAuth, timeouts: Timeouts
    ) -> Reply[Iterable[bytes], object]:
        """The answer to a request. Raises httpx's errors, and httpcore's."""
        has_slot, connection = False, None
        try:
            has_slot = self._slots.acquire(timeout=timeouts["pool"])
            if not has_slot:
                raise httpx.PoolTimeout("Every connection was in use.")  # noqa: TRY301 (as httpx does)
            connection, expired = self._list.take()
            _close_all(expired)
            response = connection.handle_request(self._host.request(outgoing, auth, timeouts))
            return reply_of(response, partial(self._end, response, connection))
        except BaseException:
            if has_slot:
                self._free(connection)
            raise

    def _end(self, response: httpcore.Response, connection: httpcore.HTTPConnection) -> None:
        try:
            response.close()
        finally:
            self._free(connection)

    def _free(self, connection: httpcore.HTTPConnection | None) -> None:
        # One that was interrupted at an unlucky moment is in the middle of its exchange for ever.
        try:
            if connection and not self._list.takes_back(connection):
                connection.close()
        finally:
            self._slots.release()

    def close(self) -> None:
        """Close every connection."""
        _close_all(self._all())


class Borrowed(BorrowedBase[httpx.Client]):
    """An `httpx.Client` as the way to the server."""

    def send(
        self, outgoing: Outgoing[Any], auth: KeyAuth, timeouts: Timeouts
    ) -> Reply[Iterable[bytes], object]:
        """The answer to a request. Raises httpx's errors."""
        request = self._host.httpx_request(self._http, outgoing, auth, timeouts)
        response = self._http.send(request, auth=None, stream=True, follow_redirects=False)
        return reply_of_httpx(response, response.close)

    def close(self) -> None:
        """Close the client."""
        self._http.close()


def _close_all(connections: list[httpcore.HTTPConnection]) -> None:
    # All, whatever happens to one of them.
    with ExitStack() as stack:
        for connection in connections:
            stack.callback(connection.close)
