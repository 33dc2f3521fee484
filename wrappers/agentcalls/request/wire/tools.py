"""Tools that watch or replace httpx, or the sockets below it; each request checks for them.

If a tool has changed a library, requests go through a client of that library, so that the tool sees them and a test
double holds. Otherwise they go over our own connections.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.machinery import BuiltinImporter, FrozenImporter, PathFinder
from operator import attrgetter, is_
from types import FunctionType, MethodDescriptorType
from typing import TYPE_CHECKING, Any

from agentcalls.request.wire.library import CORES, LIBRARIES

if TYPE_CHECKING:
    import ssl

_OF_PYTHON: tuple[object, ...] = (BuiltinImporter, FrozenImporter, PathFinder)

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
    *("socket", "create_connection", "getaddrinfo", "socketpair"),
    *(f"socket.{name}" for name in ("connect", "connect_ex", "send", "sendall", "recv")),
)
_OF_TLS: tuple[str, ...] = ("SSLContext", "SSLContext.wrap_socket", "SSLContext.wrap_bio")
_OF_LOOP: tuple[str, ...] = tuple(
    f"BaseEventLoop.{name}" for name in ("create_connection", "getaddrinfo")
)


class _Watched:
    """Functions and classes of a module, which a tool may replace."""

    def __init__(self, module: str, names: tuple[str, ...], homes: tuple[str, ...]) -> None:
        self._module, self._homes = module, homes
        self._get = attrgetter(*names)
        self._called = [name.rpartition(".")[2] for name in names]
        self._own: tuple[Any, ...] = ()

    def have_changed(self) -> bool:
        """Whether one of them is not the module's own."""
        module = sys.modules.get(self._module)
        if module is None:  # httpx itself imports the other only when it connects
            if not _somebody_awaits(self._module):
                return False
            module = import_module(self._module)
        try:
            found = self._found_in(module)
        except AttributeError:
            return True
        # By identity, since a wrapper may equal the wrapped function.
        if self._own and all(map(is_, found, self._own)):
            return False
        self._own = found if all(map(self._is_own, found, self._called)) else ()
        return not self._own

    def _found_in(self, module: Any) -> tuple[Any, ...]:
        try:
            return self._get(module)
        except AttributeError:
            # Another thread may be importing it, which this waits for.
            return self._get(import_module(self._module))

    def _is_own(self, found: Any, name: str) -> bool:
        if type(found) is type:
            return found.__module__ in self._homes
        # A wrapper may copy a function's name, but not the place of its definition.
        return type(found) is MethodDescriptorType or (  # implemented in C
            type(found) is FunctionType
            and found.__code__.co_name == name
            and found.__globals__["__name__"].partition(".")[0] in self._homes
        )


def _somebody_awaits(module: str) -> bool:
    """Whether a hook of the import system has something to do when the module is first imported."""
    return any(
        finder not in _OF_PYTHON
        and type(finder).__module__ != "_distutils_hack"  # setuptools puts it nearly everywhere
        and hasattr(finder, "find_spec")  # older hooks have another function
        and finder.find_spec(module, None) is not None
        for finder in sys.meta_path
    )


_BELOW = {"socket": _OF_SOCKET, "ssl": _OF_TLS}
_WATCHED: dict[str, list[tuple[str, _Watched]]] = {
    kind: [
        *(
            (library, _Watched(home, names, (library, core)))
            for library, core in CORES.items()
            for home, names in ((library, _OF_LIBRARY[kind]), (core, _OF_CORE[kind]))
        ),
        *((LIBRARIES[0], _Watched(home, names, (home,))) for home, names in below.items()),
    ]
    for kind, below in (("Client", _BELOW), ("AsyncClient", {**_BELOW, "asyncio": _OF_LOOP}))
}


def changed_library(kind: str, trust: ssl.SSLContext | None) -> Any:
    """The library that somebody has changed, so that requests must go through it; None if there is none."""
    ours = LIBRARIES[0]  # a tool may change what is below it before it is imported
    for library, watched in _WATCHED[kind]:
        if (library == ours or library in sys.modules) and watched.have_changed():
            return import_module(library)
    return None if trust is None or type(trust).__module__ == "ssl" else import_module(ours)
