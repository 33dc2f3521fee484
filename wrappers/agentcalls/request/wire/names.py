"""The addresses of a host, looked up so that nobody has to wait for the resolver longer than they want."""

from __future__ import annotations

import socket
from contextlib import suppress
from selectors import EVENT_READ
from threading import Thread
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from agentcalls.request.wire.waits import Patience, Waits

    Address: TypeAlias = tuple[Any, ...]


def addresses_of(host: str, port: int, patience: Patience) -> Waits[list[Address]]:
    """What `getaddrinfo` gives, in its order. Raises OSError for a name that is not known.

    No look-up can be cut short, so it is done by a daemon thread, which is left behind where it takes too long; by the
    caller itself where no thread can be started.
    """
    # As bytes: a text would import the tables of IDNA, which no number needs.
    with suppress(socket.gaierror, UnicodeEncodeError):
        number = host.encode("ascii")
        return socket.getaddrinfo(
            number, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST
        )
    found: list[list[Address] | Exception] = []
    here, there = socket.socketpair()
    with here:

        def look() -> None:
            with there:
                try:
                    found.append(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
                except Exception as error:  # noqa: BLE001 (raised where it is waited for)
                    found.append(error)

        try:
            Thread(target=look, name="agentcalls-lookup", daemon=True).start()
        except RuntimeError:
            look()
        # Ready where the other end is closed.
        yield from patience.to_connect(here, EVENT_READ)
    (result,) = found
    if isinstance(result, Exception):
        raise result
    return result
