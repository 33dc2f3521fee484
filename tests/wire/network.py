"""Who connects where and looks up which name, seen by Python's own audit hook.

Whoever looks for functions that a tool has replaced does not see it. A hook cannot be taken out again: this one does
nothing where no test asks.
"""

from __future__ import annotations

import socket
import sys
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

_HERE = {"127.0.0.1", b"127.0.0.1", "localhost", b"localhost"}
_told: list[Callable[[str, Any], object]] = []


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if not _told or event not in {"socket.connect", "socket.getaddrinfo"}:
        return
    address = arguments[event == "socket.connect"]
    if event == "socket.connect" or (address not in _HERE and not _is_only_read()):
        for tell in _told:
            tell(event, address)


def _is_only_read() -> bool:
    """Whether a look-up asks nobody, since it takes numbers only; the event does not say, its caller does."""
    return bool(sys._getframe(2).f_locals.get("flags", 0) & socket.AI_NUMERICHOST)


@cache
def _listen() -> None:
    sys.addaudithook(_hook)


@contextmanager
def telling(tell: Callable[[str, Any], object]) -> Generator[None]:
    """Calls a function before each connection and each look-up of a name that is not this machine's."""
    _listen()
    _told.append(tell)
    try:
        yield
    finally:
        _told.remove(tell)


@contextmanager
def dialling() -> Generator[list[Any]]:
    """The addresses that are connected to, and the names that are looked up, in vain."""
    addresses: list[Any] = []

    def tell(event: str, address: Any) -> None:
        addresses.append(address)
        if event == "socket.getaddrinfo":
            raise socket.gaierror(-2, "no network in tests")

    with telling(tell):
        yield addresses
