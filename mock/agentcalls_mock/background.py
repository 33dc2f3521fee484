"""Serve an application in a thread, around a block of a test, and stop it at once.

uvicorn alone looks every 100 ms whether it is to stop, and waits 100 ms more for its connections. A test that has ended
wants neither: what is still under way is cut off.
"""

import asyncio
import os
import socket
import struct
from collections.abc import Callable, Generator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from threading import Event, Lock, Thread
from typing import Any, TypeVar

from starlette.types import ASGIApp, Scope
from uvicorn import Config, Server
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from agentcalls_mock.server import base_url, listen

ResultT = TypeVar("ResultT")

_TICK_SECONDS = 1.0
# On, and for no time: what is closed is reset (RST), and not ended (FIN).
_RESET = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)


@contextmanager
def serving(app: ASGIApp) -> Generator[str, None, None]:
    """Yields the base URL of `app`, served by a thread on a free loopback port.

    Any ASGI application will do, one that wraps `create_app(...)` for instance.
    """
    background = Background(app)
    try:
        yield background.url
    finally:
        background.stop()


class Background:
    """An application that a thread serves on a free loopback port, from now until `stop`."""

    def __init__(self, app: ASGIApp, *, date_header: bool = True) -> None:
        """Start; returns once requests are answered. Without `date_header` the application sends its own."""
        self._listener, self._process = listen(), os.getpid()
        self._asking, self._is_over = Lock(), False
        self.url = base_url(self._listener)
        """Where it answers, without a slash at the end."""
        config = Config(
            app,
            log_config=None,
            log_level="critical",
            access_log=False,
            server_header=False,
            date_header=date_header,
            http=AutoHTTPProtocol,
            loop="asyncio",
            lifespan="off",
            interface="asgi3",
            proxy_headers=False,
            ws="none",
        )
        ready = Event()
        self._server = _Server(config, ready)
        self._thread = Thread(target=self._run, args=(ready,), name="agentcalls-mock", daemon=True)
        self._thread.start()
        ready.wait()

    def _run(self, ready: Event) -> None:
        try:
            self._server.run(sockets=[self._listener])
        finally:
            ready.set()

    def stop(self) -> None:
        """Close the socket and every connection, answered or not, and wait for the thread. Twice is once."""
        if os.getpid() == self._process:
            # What is asked for before is done before, and nothing is asked for after.
            with self._asking, suppress(RuntimeError):  # the loop has ended
                self._is_over = True
                self._server.loop.call_soon_threadsafe(self._server.over.set)
            self._thread.join()
        self._listener.close()

    def call(self, function: Callable[[], ResultT]) -> ResultT:
        """What the function returns or raises, called in the server's thread: between two requests, never within one.

        Raises `RuntimeError` once it has stopped, and in a forked process, which has no such thread.
        """
        if os.getpid() != self._process:
            message = "The API serves in the process that started it, and this one was forked."
            raise RuntimeError(message)
        future: Future[ResultT] = Future()

        def run() -> None:
            try:
                future.set_result(function())
            except BaseException as error:  # noqa: BLE001  # it is raised where it was called for
                future.set_exception(error)

        with self._asking:
            if self._is_over:
                message = "The API does not serve any more."
                raise RuntimeError(message)
            self._server.loop.call_soon_threadsafe(run)
        return future.result()

    def drop(self) -> None:
        """Close every connection, and give up every request that is under way."""
        self.call(self._server.abort)

    def reset(self, scope: Scope) -> None:
        """Reset the connection of a request, in the server's thread: its peer sees ECONNRESET."""
        for connection in list(self._server.server_state.connections):
            transport: Any = connection.transport
            if transport.get_extra_info("peername")[:2] == tuple(scope["client"]):
                own: socket.socket = transport.get_extra_info("socket")
                own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                transport.abort()


class _Server(Server):
    loop: asyncio.AbstractEventLoop
    over: asyncio.Event

    def __init__(self, config: Config, ready: Event) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self.loop, self.over = asyncio.get_running_loop(), asyncio.Event()
        await super().startup(sockets)

    async def main_loop(self) -> None:
        # A tick keeps the date of the answers.
        await self.on_tick(0)
        self._ready.set()
        while not self.over.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self.over.wait(), _TICK_SECONDS)
            await self.on_tick(0)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for listener in sockets or ():
            listener.close()
        await asyncio.gather(*self.abort(), return_exceptions=True)

    def abort(self) -> list[asyncio.Task[None]]:
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        tasks = list(self.server_state.tasks)
        for task in tasks:
            task.cancel()
        return tasks
