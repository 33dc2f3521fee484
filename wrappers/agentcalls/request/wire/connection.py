"""One connection, without blocking: generators open it, write to it and read from it, for either flavour."""

from __future__ import annotations

import errno
import os
import socket
import time
from contextlib import suppress
from selectors import EVENT_READ, EVENT_WRITE
from typing import TYPE_CHECKING

from agentcalls.request.wire.library import httpx
from agentcalls.request.wire.names import addresses_of
from agentcalls.request.wire.waits import Wait

if TYPE_CHECKING:
    import ssl

    from agentcalls.request.host import Host
    from agentcalls.request.wire.names import Address
    from agentcalls.request.wire.parser import AnswerParser
    from agentcalls.request.wire.waits import Patience, Waits

_KEPT_SECONDS = 4.0  # many servers hang up after 5
_LARGEST_READ = 65_536
_MOST_READS = 8  # in a row
_CONNECTING = {errno.EINPROGRESS, errno.EWOULDBLOCK}
_EVENTS_OF_TLS = {"SSLWantReadError": EVENT_READ, "SSLWantWriteError": EVENT_WRITE}
"""What errors of `ssl` wait for, by their names: it is slow to import, and only TLS needs it."""


class Connection:
    """A connection to a host, for one request at a time. Its generators raise httpx's errors."""

    def __init__(self) -> None:
        self._socket: socket.socket | None = None
        self._kept_until = 0.0
        self.has_answered: bool = False
        """Whether it has carried an answer."""

    def open(self, host: Host, patience: Patience) -> Waits[None]:
        """Look up the host's name, try its addresses until one connects, and do the TLS handshake."""
        patience.begin_connecting()
        try:
            addresses = yield from addresses_of(host.name, host.port, patience)
            for left in range(len(addresses), 0, -1):
                try:
                    yield from self._connect(addresses[-left], patience, 1 / left)
                    break
                except Exception:
                    self.close()
                    if left == 1:
                        raise
            if host.trust:
                yield from self._shake_hands(host, host.trust, patience)
        except (OSError, UnicodeError) as error:
            raise httpx.ConnectError(str(error)) from error

    def _connect(self, address: Address, patience: Patience, share: float) -> Waits[None]:
        family, kind, protocol, _, name = address
        self._socket = new = socket.socket(family, kind, protocol)
        new.settimeout(0)
        code = new.connect_ex(name)
        if code in _CONNECTING:
            yield from patience.to_connect(new, EVENT_WRITE, share)
            code = new.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            raise OSError(code, os.strerror(code))
        new.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def _shake_hands(self, host: Host, trust: ssl.SSLContext, patience: Patience) -> Waits[None]:
        plain = self._taken()
        self._socket = secure = trust.wrap_socket(
            plain, server_hostname=host.name, do_handshake_on_connect=False
        )
        while True:
            try:
                return secure.do_handshake()
            except OSError as error:
                if not (event := _event(error, EVENT_READ)):
                    raise
            yield from patience.to_connect(secure, event)

    def write(self, message: memoryview, patience: Patience) -> Waits[None]:
        """Send a whole request."""
        out = self._taken()
        while message:
            try:
                message = message[out.send(message) :]
                continue
            except OSError as error:
                if not (event := _event(error, EVENT_WRITE)):
                    raise httpx.WriteError(str(error)) from error
            yield from patience.to_write(out, event)

    def read(self, answering: AnswerParser, patience: Patience) -> Waits[None]:
        """Read an answer to its end."""
        source, event, turn = self._taken(), EVENT_READ, 0
        while not answering.is_over:
            yield from patience.to_read(source, event)
            try:
                # TLS may hold data that the socket does not show.
                while not answering.is_over:
                    turn += 1
                    if turn % _MOST_READS == 0:
                        yield Wait(source, event, 0)  # others must have their turn, too
                    if data := source.recv(_LARGEST_READ):
                        answering.feed(data)
                    else:
                        answering.end()
            except OSError as error:
                if not (event := _event(error, EVENT_READ)):
                    raise httpx.ReadError(str(error)) from error

    def _taken(self) -> socket.socket:
        if self._socket is None:
            raise httpx.ConnectError("the connection was closed")
        return self._socket

    @property
    def is_open(self) -> bool:
        """Whether there is a socket."""
        return self._socket is not None

    @property
    def has_expired(self) -> bool:
        """Whether it has been idle so long that the server may close it."""
        return time.monotonic() > self._kept_until

    def keep(self) -> None:
        """Note that it has carried an answer and is idle."""
        self.has_answered = True
        self._kept_until = time.monotonic() + _KEPT_SECONDS

    def is_silent(self) -> bool:
        """Whether nothing unrequested has come: neither a byte nor the end."""
        try:
            self._taken().recv(1)
        except OSError as error:
            return bool(_event(error, EVENT_READ))
        return False

    def check_silent(self) -> None:
        """Raises `httpx.RemoteProtocolError` if something unrequested has come."""
        if not self.is_silent():
            raise httpx.RemoteProtocolError("the host did not wait to be asked")

    def abort(self) -> None:
        """Shut it down, which wakes any thread that waits for it."""
        # Another thread may close it at this moment.
        if mine := self._socket:
            with suppress(OSError):  # it is not connected
                # Below TLS, which would wait for the peer.
                socket.socket.shutdown(mine, socket.SHUT_RDWR)

    def close(self) -> None:
        """Close it. A forked process keeps its own copy."""
        mine, self._socket = self._socket, None
        if mine:
            mine.close()


def _event(error: OSError, usual: int) -> int:
    # What to wait for where a socket would have blocked; 0 where it failed.
    return (
        usual if isinstance(error, BlockingIOError) else _EVENTS_OF_TLS.get(type(error).__name__, 0)
    )
