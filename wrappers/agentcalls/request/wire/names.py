"""The addresses of a host, without waiting for the resolver beyond a deadline."""

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
    """The addresses from `getaddrinfo`, in its order. Raises OSError for an unknown name.

    A look-up cannot be interrupted, so a daemon thread does it, and is abandoned if it takes too long. If no thread can
    be started, the caller does it.
    """
    # As bytes, since a text would import the tables of IDNA.
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
        # Ready when the other end is closed.
        yield from patience.to_connect(here, EVENT_READ)
    (result,) = found
    if isinstance(result, Exception):
        raise result
    return result
