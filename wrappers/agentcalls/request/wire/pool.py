"""The connections of a client to one host: at most as many as it ever had requests in flight at once."""

from __future__ import annotations

from collections import deque
from threading import RLock
from typing import TYPE_CHECKING
from weakref import finalize

from agentcalls.request.wire.connection import Connection
from agentcalls.request.wire.library import DEFAULT_TIMEOUTS, is_a
from agentcalls.request.wire.parser import AnswerParser

if TYPE_CHECKING:
    from agentcalls.request.host import Host
    from agentcalls.request.receive import Incoming
    from agentcalls.request.wire.waits import Patience, Waits


class ConnectionPool:
    """The connections of one client, for both flavours.

    A connection is used again only after a whole answer, with no byte beyond it and none before the next request.
    """

    timeouts = DEFAULT_TIMEOUTS

    def __init__(self, host: Host) -> None:
        self._host = host
        # A dropped generator may return its connection at any moment.
        self._lock = RLock()
        self._free: deque[Connection] = deque()
        self._all: set[Connection] = set()
        self.is_closed: bool = False
        # Unlike `__del__`, it runs before the sockets of a pool that is garbage complain that they were left open.
        finalize(self, _close, self._free).atexit = False

    def exchange(
        self,
        message: memoryview,
        incoming: Incoming,
        patience: Patience,
        *,
        again: bool,
        fresh: bool,
    ) -> Waits[None]:
        """Send a request, and let `incoming` take its answer. Raises httpx's errors, and RuntimeError once closed.

        If the request may be sent `again`, a new connection replaces a kept one that turns out to be dead. `fresh` asks
        for a new one.
        """
        while True:
            connection = self._take(fresh=fresh)
            incoming.on_kept = connection.has_answered
            answering = AnswerParser(incoming)
            try:
                if not connection.is_open:
                    yield from connection.open(self._host, patience)
                    connection.check_silent()
                yield from connection.write(message, patience)
                yield from connection.read(answering, patience)
            except Exception as error:
                fresh = True
                is_dead = is_a(error, "NetworkError", "RemoteProtocolError")
                if answering.has_begun or not (again and is_dead and connection.has_answered):
                    raise
            else:
                return
            finally:
                self._take_back(connection, keep=answering.leaves_connection)

    def _take(self, *, fresh: bool) -> Connection:
        # The latest to become idle, since the server is least likely to have closed it.
        with self._lock:
            if self.is_closed:
                raise RuntimeError("The connections are closed.")
            while self._free and self._free[0].has_expired:
                self._drop(self._free.popleft())
            while self._free and not fresh:
                connection = self._free.pop()
                if connection.is_silent():
                    return connection
                self._drop(connection)
            connection = Connection()
            self._all.add(connection)
            return connection

    def _take_back(self, connection: Connection, *, keep: bool) -> None:
        with self._lock:
            if keep and not self.is_closed:
                connection.keep()
                self._free.append(connection)
            else:
                self._drop(connection)

    def _drop(self, connection: Connection) -> None:
        self._all.discard(connection)
        connection.close()

    def close(self) -> None:
        """Close the idle connections, and wake every thread that waits for another one."""
        with self._lock:
            self.is_closed = True
            for connection in list(self._all):
                connection.abort()
            while self._free:
                self._drop(self._free.pop())


def _close(connections: deque[Connection]) -> None:
    while connections:
        connections.pop().close()
