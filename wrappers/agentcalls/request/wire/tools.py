"""Tools that watch or replace httpx, or the sockets below it: whether there is one, looked at before each request.

A tool is heard, and a test's double holds, where requests go through a client of the library that it has changed. Our
own connections are for when nobody has.
"""

from __future__ import annotations

import socket
import ssl
import sys
from types import FunctionType
from typing import Any

import httpx

from agentcalls.request.host import LIBRARIES

_CORES: dict[str, str] = dict(zip(LIBRARIES, ("httpcore", "httpcore2"), strict=True))
_OF_LIBRARY = {
    "Client": [
        *(("Client", name) for name in ("__init__", "send", "_send_single_request")),
        ("HTTPTransport", "handle_request"),
    ],
    "AsyncClient": [
        *(("AsyncClient", name) for name in ("__init__", "send", "_send_single_request")),
        ("AsyncHTTPTransport", "handle_async_request"),
    ],
}
_OF_CORE = {
    "Client": [(name, "handle_request") for name in ("ConnectionPool", "HTTPConnection")],
    "AsyncClient": [
        (name, "handle_async_request") for name in ("AsyncConnectionPool", "AsyncHTTPConnection")
    ],
}
_SOCKETS = ("create_connection", "getaddrinfo", "socketpair")

_unchanged: dict[tuple[str, str], list[tuple[str, Any]]] = {}


def changed_library(kind: str, trust: ssl.SSLContext | None) -> Any:
    """The library to go through, by a client of this kind, since somebody has changed it; None where nobody has."""
    for name in LIBRARIES:
        library, core = sys.modules.get(name), sys.modules.get(_CORES[name])
        if library and not _is_own(kind, name, library, core):
            return library
    return None if _has_own_sockets(trust) else httpx


def _is_own(kind: str, name: str, library: Any, core: Any) -> bool:
    # httpx itself imports the other only when it connects.
    named = [*_functions(library, _OF_LIBRARY[kind]), *_functions(core, _OF_CORE[kind])]
    if named != _unchanged.get((kind, name)):
        homes = {name, _CORES[name]}
        if not all(_is_own_function(function, called, homes) for called, function in named):
            return False
        _unchanged[kind, name] = named
    return True


def _functions(module: Any, names: list[tuple[str, str]]) -> list[tuple[str, Any]]:
    if module is None:
        return []
    return [(name, getattr(getattr(module, kind, None), name, None)) for kind, name in names]


def _is_own_function(function: Any, name: str, homes: set[str]) -> bool:
    # What it says of itself may be copied off the one that it wraps; where it was defined may not.
    return (
        type(function) is FunctionType
        and function.__code__.co_name == name
        and function.__globals__["__name__"].partition(".")[0] in homes
    )


def _has_own_sockets(trust: ssl.SSLContext | None) -> bool:
    return (
        socket.socket.__module__ == "socket"
        and ssl.SSLContext.__module__ == "ssl"
        and type(trust).__module__ in {"ssl", "builtins"}
        and all(_is_own_function(getattr(socket, name), name, {"socket"}) for name in _SOCKETS)
    )
