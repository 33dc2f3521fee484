"""Tools that watch or replace httpx, or the sockets below it: whether there is one, looked at before each request.

A tool is heard, and a test's double holds, where requests go through a client of the library that it has changed. Our
own connections are for when nobody has.
"""

from __future__ import annotations

import socket
import ssl
import sys
from operator import attrgetter
from types import FunctionType
from typing import Any

import httpx

from agentcalls.request.host import LIBRARIES

_CORES: dict[str, str] = dict(zip(LIBRARIES, ("httpcore", "httpcore2"), strict=True))
_OF_LIBRARY: dict[str, tuple[str, ...]] = {
    "Client": (
        *(f"Client.{name}" for name in ("__init__", "send", "_send_single_request")),
        "HTTPTransport.handle_request",
    ),
    "AsyncClient": (
        *(f"AsyncClient.{name}" for name in ("__init__", "send", "_send_single_request")),
        "AsyncHTTPTransport.handle_async_request",
    ),
}
_OF_CORE: dict[str, tuple[str, ...]] = {
    "Client": ("ConnectionPool.handle_request", "HTTPConnection.handle_request"),
    "AsyncClient": (
        "AsyncConnectionPool.handle_async_request",
        "AsyncHTTPConnection.handle_async_request",
    ),
}
_OF_SOCKET: tuple[str, ...] = ("create_connection", "getaddrinfo", "socketpair")
_GET: dict[tuple[str, ...], attrgetter[Any]] = {
    names: attrgetter(*names) for names in (*_OF_LIBRARY.values(), *_OF_CORE.values(), _OF_SOCKET)
}

_unchanged: dict[tuple[str, ...], tuple[Any, ...]] = {}


def changed_library(kind: str, trust: ssl.SSLContext | None) -> Any:
    """The library to go through, by a client of this kind, since somebody has changed it; None where nobody has."""
    for name in LIBRARIES:
        homes = (name, _CORES[name])
        for home, names in zip(homes, (_OF_LIBRARY[kind], _OF_CORE[kind]), strict=True):
            # httpx itself imports the other only when it connects.
            module = sys.modules.get(home)
            if module and not _is_own(module, names, homes):
                return sys.modules[name]
    is_own = (
        socket.socket.__module__ == "socket"
        and ssl.SSLContext.__module__ == "ssl"
        and (trust is None or type(trust).__module__ == "ssl")
        and _is_own(socket, _OF_SOCKET, ("socket",))
    )
    return None if is_own else httpx


def _is_own(module: Any, names: tuple[str, ...], homes: tuple[str, ...]) -> bool:
    try:
        functions = _GET[names](module)
    except AttributeError:
        return False
    key = (module.__name__, *names)
    if functions == _unchanged.get(key):
        return True
    called = (name.rpartition(".")[2] for name in names)
    own = all(_is_own_function(*each, homes) for each in zip(functions, called, strict=True))
    if own:
        _unchanged[key] = functions
    return own


def _is_own_function(function: Any, name: str, homes: tuple[str, ...]) -> bool:
    # What it says of itself may be copied off the one that it wraps; where it was defined may not.
    return (
        type(function) is FunctionType
        and function.__code__.co_name == name
        and function.__globals__["__name__"].partition(".")[0] in homes
    )
