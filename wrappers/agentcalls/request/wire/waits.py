"""The waits of a request: a generator yields each `Wait`, and receives whether the event came."""

from __future__ import annotations

import time
from selectors import EVENT_READ
from typing import TYPE_CHECKING, NamedTuple, TypeAlias, TypeVar

from agentcalls.request.wire.library import httpx

if TYPE_CHECKING:
    import socket
    from collections.abc import Generator

    from agentcalls.clock import Deadline
    from agentcalls.request.wire.library import Timeouts

ResultT = TypeVar("ResultT")


class Wait(NamedTuple):
    """A wait for a socket to become ready, or for a time to pass if there is no socket."""

    socket: socket.socket | None
    event: int
    """`selectors.EVENT_READ` or `EVENT_WRITE`."""
    seconds: float


Waits: TypeAlias = "Generator[Wait, bool, ResultT]"


class Patience:
    """The time limits of one attempt: each wait ends at its timeout or at the request's deadline."""

    def __init__(self, timeouts: Timeouts, deadline: Deadline) -> None:
        self._deadline = deadline
        self.connect, self.read, self.write, self.pool = timeouts
        self._connected_by = 0.0

    def begin_connecting(self) -> None:
        """Start the time for connecting: the look-up of the name, all addresses and TLS together."""
        self._connected_by = time.monotonic() + self.connect

    def to_connect(self, socket: socket.socket, event: int, share: float = 1) -> Waits[None]:
        """Wait for a step of connecting, for at most this share of the time left."""
        seconds = self._connected_by - time.monotonic()
        if share < 1:
            seconds = min(seconds, self._deadline.left()) * share
        return self._ready(socket, event, seconds, "ConnectTimeout")

    def to_write(self, socket: socket.socket, event: int) -> Waits[None]:
        """Wait for room to write."""
        return self._ready(socket, event, self.write, "WriteTimeout")

    def to_read(self, socket: socket.socket, event: int = EVENT_READ) -> Waits[None]:
        """Wait for something to read."""
        return self._ready(socket, event, self.read, "ReadTimeout")

    def _ready(self, socket: socket.socket, event: int, most: float, kind: str) -> Waits[None]:
        deadline, watch = self._deadline, self._deadline.watch
        while True:
            left, stops = deadline.left(), watch.stops
            if min(most, left) > 0 and (yield Wait(socket, event, min(most, left))):
                return
            if most <= left:
                raise getattr(httpx, kind)("")
            # If nobody was waiting, no time was used.
            if left <= 0 or not (watch.is_stopped or watch.stops > stops):
                raise getattr(httpx, kind)("the deadline passed")
