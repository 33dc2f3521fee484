"""Tools that watch or replace httpx, or the sockets below it; each request checks for them.

If a tool has changed a library, requests go through a client of that library, so that the tool sees them and a test
double holds. Otherwise they go over our own connections.
"""

from __future__ import annotations

import socket
import ssl
import sys
from importlib import import_module
from operator import attrgetter, is_
from types import FunctionType, MethodDescriptorType
from typing import Any

from agentcalls.request.wire.library import CORES, LIBRARIES

# Everything between a client and a socket that a request goes through.
_SENDING = (
    *("__init__", "send", "build_request", "_init_transport", "_transport_for_url"),
    *("_send_handling_auth", "_send_handling_redirects", "_send_single_request"),
)
_OF_LIBRARY: dict[str, tuple[str, ...]] = {
    "Client": (
        *(f"Client.{name}" for name in _SENDING),
        *(f"_client.HTTPTransport.{name}" for name in ("__init__", "handle_request")),
    ),
    "AsyncClient": (
        *(f"AsyncClient.{name}" for name in _SENDING),
        *(f"_client.AsyncHTTPTransport.{name}" for name in ("__init__", "handle_async_request")),
    ),
}
_OF_CORE: dict[str, tuple[str, ...]] = {
    "Client": (
        *(
            f"{kind}.{name}"
            for kind in ("ConnectionPool", "HTTPConnection", "HTTP11Connection")
            for name in ("__init__", "handle_request")
        ),
        "SyncBackend.connect_tcp",
    ),
    "AsyncClient": (
        *(
            f"{kind}.{name}"
            for kind in ("AsyncConnectionPool", "AsyncHTTPConnection", "AsyncHTTP11Connection")
            for name in ("__init__", "handle_async_request")
        ),
        *("_backends.auto.AutoBackend.connect_tcp", "AnyIOBackend.connect_tcp"),
    ),
}
_OF_SOCKET: tuple[str, ...] = (
    *("create_connection", "getaddrinfo", "socketpair"),
    *(f"socket.{name}" for name in ("connect", "connect_ex", "send", "sendall", "recv")),
)
_OF_TLS: tuple[str, ...] = ("SSLContext.wrap_socket", "SSLContext.wrap_bio")
_OF_LOOP: tuple[str, ...] = tuple(
    f"BaseEventLoop.{name}" for name in ("create_connection", "getaddrinfo")
)
_GET: dict[tuple[str, ...], attrgetter[Any]] = {
    names: attrgetter(*names)
    for names in (*_OF_LIBRARY.values(), *_OF_CORE.values(), _OF_SOCKET, _OF_TLS, _OF_LOOP)
}

_unchanged: dict[tuple[str, ...], tuple[Any, ...]] = {}


def changed_library(kind: str, trust: ssl.SSLContext | None) -> Any:
    """The library that somebody has changed, so that requests must go through it; None if there is none."""
    for name in LIBRARIES:
        homes = (name, CORES[name])
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
        and _is_own(ssl, _OF_TLS, ("ssl",))
        and (kind == "Client" or _is_own(sys.modules["asyncio"], _OF_LOOP, ("asyncio",)))
    )
    return None if is_own else import_module(LIBRARIES[0])


def _is_own(module: Any, names: tuple[str, ...], homes: tuple[str, ...]) -> bool:
    try:
        functions = _GET[names](module)
    except AttributeError:
        return False
    key = (module.__name__, *names)
    # By identity, since a wrapper may equal the wrapped function.
    if all(map(is_, functions, _unchanged.get(key, ()))) and key in _unchanged:
        return True
    called = (name.rpartition(".")[2] for name in names)
    own = all(_is_own_function(*each, homes) for each in zip(functions, called, strict=True))
    if own:
        _unchanged[key] = functions
    return own


def _is_own_function(function: Any, name: str, homes: tuple[str, ...]) -> bool:
    # A wrapper may copy a function's name, but not the place of its definition.
    return type(function) is MethodDescriptorType or (  # implemented in C
        type(function) is FunctionType
        and function.__code__.co_name == name
        and function.__globals__["__name__"].partition(".")[0] in homes
    )
