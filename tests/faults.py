"""A server of raw sockets on loopback that answers as it is told: well, wrongly, partly, slowly or not at all."""

from __future__ import annotations

import json
import os
import socket
import ssl
import struct
import subprocess
import threading
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qsl, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# What a script writes where the server is to echo the request's key, plain or with JSON's escapes.
KEY, ESCAPED_KEY = b"%KEY%", b"%ESCAPED-KEY%"
# The same for the request's id, in a header.
ECHO = "%REQUEST-ID%"

CALLS = 210
IDS = [f"call_{number}" for number in range(CALLS)]
_NEWEST = datetime(2026, 11, 23, 12, tzinfo=UTC)
_LONGEST_WAIT_SECONDS = 10


def page_of(
    page: int = 1, limit: int = 100, calls: int = CALLS, sort: str = "-created_on"
) -> dict[str, Any]:
    """The body of a page of so many calls, newest first unless `sort=created_on` or `created_at` is asked for."""
    first = (page - 1) * limit
    listed = range(calls)[:: -1 if sort in {"created_on", "created_at"} else 1]
    return {
        "message": "Success",
        "meta": {
            "total_count": calls,
            "page_count": -(-calls // limit),
            "current_page": page,
            "limit": limit,
            "has_next_page": first + limit < calls,
            "has_previous_page": page > 1,
        },
        "data": [_row(number) for number in listed[first : first + limit]],
    }


def _row(number: int) -> dict[str, Any]:
    return {
        "id": IDS[number],
        "source": None,
        "destination": "+2348012345678",
        "status": "ended",
        "direction": "outbound",
        "created_on": (_NEWEST - timedelta(seconds=number)).isoformat(),
        "duration_seconds": 42,
        "is_test_call": False,
        "error_reason": None,
        "end_reason": None,
        "ringing_at": None,
        "ended_at": None,
    }


@dataclass(frozen=True)
class Request:
    """A request as it arrived, and over which connection."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    connection: int

    def all(self, name: str) -> list[str]:
        """The values of the header of this name."""
        return [value for key, value in self.headers if key.lower() == name.lower()]

    @property
    def page(self) -> dict[str, Any]:
        """The page that it asks for, for a fault to change."""
        page: dict[str, Any] = json.loads(self.body)
        return page

    @property
    def body(self) -> bytes:
        """The same as an answer's body."""
        query = self.query
        sort = query.get("sort", "-created_on")
        return _body_of(int(query["page"]), int(query["limit"]), sort)

    @property
    def query(self) -> dict[str, str]:
        """The parameters of its query."""
        return dict(parse_qsl(urlsplit(self.target).query))


class Exchange:
    """One request, and the connection to answer it over."""

    def __init__(self, server: FaultServer, connection: socket.socket, request: Request) -> None:
        self.request = request
        self.server = server
        self._connection = connection

    def filled(self, data: bytes) -> bytes:
        """The data with the request's key and id where the script echoes them."""
        key = "".join(self.request.all("X-Api-Key") + self.request.all("Authorization"))
        key = key.removeprefix("Bearer ")
        escaped = "".join(f"\\u{ord(character):04X}" for character in key)
        data = data.replace(KEY, key.encode()).replace(ESCAPED_KEY, escaped.encode())
        return data.replace(ECHO.encode(), "".join(self.request.all("x-request-id")).encode())

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._connection.sendall(data)

    def send_plain(self, data: bytes) -> None:
        """Send bytes past TLS."""
        os.write(self._connection.fileno(), data)

    def reset(self) -> None:
        """Break the connection so that the client sees a reset, and not an end."""
        linger = struct.pack("ii", 1, 0)
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)

    def stall(self) -> None:
        """Say nothing until the client closes the connection, or the server ends."""
        self.server.stalled.release()
        try:
            self._connection.recv(1)
        finally:  # a client that closes with something unread resets the connection
            self.server.left.release()


class FaultServer:
    """Answers pages of 210 calls, but for the requests that it was told to fail.

    A context manager; when it ends, no thread, socket or file is left.
    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[Request] = []
        self.stalled = threading.Semaphore(0)
        self.left = threading.Semaphore(0)
        self._tls = tls
        self._play: Callable[[Exchange], object] | None = None
        self._failing = range(0)
        self._lock = threading.Lock()
        self._connections: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self._listener.getsockname()[1]}"

    def fail(
        self, play: Callable[[Exchange], object], *, after: int = 0, times: int = 10**6
    ) -> None:
        """From now on let `play` answer so many requests, once so many others have been answered well."""
        first = len(self.requests) + after
        self._play, self._failing = play, range(first, first + times)

    def refuse(self) -> None:
        """Refuse connections from now on."""
        self._stop_listening()

    def hang_up(self) -> None:
        """Close every connection."""
        with self._lock:
            for connection in self._connections:
                _shut(connection)

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._stop_listening()
        self.hang_up()
        for thread in self._threads:
            thread.join(_LONGEST_WAIT_SECONDS)
            assert not thread.is_alive()

    def _stop_listening(self) -> None:
        _shut(self._listener)
        self._listener.close()

    def _start(self, run: Callable[..., object], *arguments: object) -> None:
        thread = threading.Thread(target=run, args=arguments, name="fault-server")
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.settimeout(_LONGEST_WAIT_SECONDS)
            with self._lock:
                self._connections.append(connection)
                number = len(self._connections) - 1
            self._start(self._serve, connection, number)

    def _serve(self, connection: socket.socket, number: int) -> None:
        with connection:
            try:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                if self._tls:
                    connection = self._tls.wrap_socket(connection, server_side=True)
                    with self._lock:
                        self._connections[number] = connection
                with connection:
                    while (request := _read(connection, number)) and self._answer(
                        Exchange(self, connection, request)
                    ):
                        pass
            except OSError:
                pass  # the client went away, or the server ends

    def _answer(self, exchange: Exchange) -> object:
        with self._lock:
            count = len(self.requests)
            self.requests.append(exchange.request)
        if self._play and count in self._failing:
            return self._play(exchange)
        return answer(exchange.request.body)(exchange)


@lru_cache(64)
def _body_of(page: int, limit: int, sort: str) -> bytes:
    return json.dumps(page_of(page, limit, sort=sort)).encode()


def _shut(connection: socket.socket) -> None:
    with suppress(OSError):  # it is closed already
        connection.shutdown(socket.SHUT_RDWR)


def _read(connection: socket.socket, number: int) -> Request | None:
    head = b""
    while b"\r\n\r\n" not in head:
        data = connection.recv(65536)
        if not data:
            return None
        head += data
        if head[:1] == b"\x16":  # somebody speaks TLS
            connection.sendall(head_of(400, {"Content-Length": "0"}))
            return None
    line, *rows = head.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
    method, target, _ = line.split(" ")
    headers = tuple(
        (name, value.strip()) for name, _, value in (row.partition(":") for row in rows)
    )
    return Request(method, target, headers, number)


def head_of(status: int, headers: dict[str, str], reason: str = "Reason") -> bytes:
    """The bytes of an answer's head."""
    rows = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status} {reason}\r\n{rows}\r\n".encode("latin-1")


def answer(
    body: bytes = b"", status: int = 200, reason: str = "Reason", **headers: str
) -> Callable[[Exchange], object]:
    """Answers with this status, body and headers (`_` stands for `-`), over a connection that stays open."""

    def play(exchange: Exchange) -> bool:
        content = exchange.filled(body)
        shown = {"Content-Type": "application/json", "X-Request-Id": ECHO} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        if status != 204:
            shown.setdefault("Content-Length", str(len(content)))
        exchange.send(exchange.filled(head_of(status, shown, reason)) + content)
        return True

    return play


def changed(change: Callable[[dict[str, Any]], object], **headers: Any) -> Callable[..., object]:
    """Answers with the page asked for, changed by a function in place."""

    def play(exchange: Exchange) -> object:
        page = exchange.request.page
        change(page)
        return answer(json.dumps(page).encode(), **headers)(exchange)

    return play


def rewritten(change: Callable[[bytes], bytes], **headers: Any) -> Callable[..., object]:
    """Answers with the bytes of the page asked for, changed by a function."""

    def play(exchange: Exchange) -> object:
        return answer(change(exchange.request.body), **headers)(exchange)

    return play


def script(*steps: bytes, then: str = "close") -> Callable[[Exchange], object]:
    """Sends bytes one after the other, and then closes, resets or says nothing more."""

    def play(exchange: Exchange) -> None:
        for step in steps:
            exchange.send(exchange.filled(step))
        if then == "reset":
            exchange.reset()
        elif then == "stall":
            exchange.stall()

    return play


def endless(head: bytes, block: bytes) -> Callable[[Exchange], object]:
    """Sends a block again and again, until the client closes the connection."""

    def play(exchange: Exchange) -> None:
        exchange.send(exchange.filled(head))
        while True:
            exchange.send(block)

    return play


def dripping(exchange: Exchange) -> bool:
    """Answers with the page asked for, the head and the first of the body a byte at a time."""
    body = exchange.request.body
    data = head_of(200, {"Content-Length": str(len(body))}) + body
    for place in range(400):
        exchange.send(data[place : place + 1])
    exchange.send(data[400:])
    return True


def self_signed(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """A TLS context for 127.0.0.1 whose certificate nobody has signed but itself, and the certificate's file."""
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    command += " -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1"
    subprocess.run(
        [*command.split(), "-keyout", str(key), "-out", str(certificate)],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context, certificate
