"""Serve an application on a socket until a stop signal."""

import socket
from collections.abc import Callable, Generator
from contextlib import contextmanager
from signal import SIGINT, SIGTERM, signal
from threading import current_thread, main_thread

from starlette.types import ASGIApp
from uvicorn import Config, Server

LOOPBACK = "127.0.0.1"

# The longest wait for requests in flight when the server stops.
_GRACE_SECONDS = 2


def listen(host: str = LOOPBACK, port: int = 0) -> socket.socket:
    """A listening TCP socket; port 0 means a free one. Raises OSError, `gaierror` among others."""
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP
    )[0]
    # asyncio sets TCP_NODELAY where it sees this protocol; with Nagle's algorithm a page takes 44 ms.
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(1024)
    except OSError:
        listener.close()
        raise
    return listener


def base_url(listener: socket.socket) -> str:
    """The socket's address as a URL, without a slash at the end."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def serve(
    app: ASGIApp, listener: socket.socket, *, ready: Callable[[], object], log_level: str
) -> None:
    """Serve until SIGTERM or SIGINT, then return; `ready` is called once requests are answered."""
    _Server(_config(app, log_level), ready).run(sockets=[listener])


class _Server(Server):
    def __init__(self, config: Config, ready: Callable[[], object]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        if current_thread() is not main_thread():
            yield
            return
        # uvicorn's own raises the signal again once it has stopped, and the process ends with -15.
        before = {number: signal(number, self.handle_exit) for number in (SIGINT, SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal(number, handler)


def _config(app: ASGIApp, log_level: str) -> Config:
    return Config(
        app,
        log_config=None,
        log_level=log_level,
        access_log=log_level in ("info", "debug"),
        server_header=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
