"""A host on loopback that is told, byte by byte, what to do with each request: one thread, whatever is under way."""

from __future__ import annotations

import asyncio
import gzip
import json
import re
import socket
import struct
import threading
import time
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    import ssl
    from collections.abc import Awaitable, Callable, Iterable

NEWEST = datetime(2026, 11, 23, 12, tzinfo=UTC)
_AGENT = re.compile(r"/agents/([^/?]+)/calls")


def row(agent: str, number: int) -> dict[str, Any]:
    """The call of this number, counted from the newest, as JSON has it."""
    return {
        "id": f"{agent}-{number:04}",
        "source": None,
        "destination": "+2348012345678",
        "status": "ended",
        "direction": "outbound",
        "created_on": (NEWEST - timedelta(seconds=number)).isoformat(),
        "duration_seconds": 42,
        "is_test_call": False,
        "error_reason": None,
        "end_reason": None,
        "ringing_at": None,
        "ended_at": None,
    }


def ids(agent: str, calls: int) -> list[str]:
    """The ids of an agent's calls, newest first."""
    return [f"{agent}-{number:04}" for number in range(calls)]


@lru_cache(256)
def body_of(agent: str, page: int, limit: int, calls: int) -> bytes:
    """The page of an agent who has so many calls."""
    first = (page - 1) * limit
    meta = {
        "total_count": calls,
        "page_count": -(-calls // limit),
        "current_page": page,
        "limit": limit,
        "has_next_page": first + limit < calls,
        "has_previous_page": page > 1,
    }
    data = [row(agent, number) for number in range(first, min(first + limit, calls))]
    return json.dumps({"message": "Success", "meta": meta, "data": data}).encode()


def head(*rows: str, status: str = "200 OK") -> bytes:
    """An answer's head."""
    return "\r\n".join([f"HTTP/1.1 {status}", *rows, "", ""]).encode("latin-1")


def chunked(body: bytes, extension: str = "", trailers: Iterable[str] = ()) -> bytes:
    """The body in three chunks."""
    size = len(body) // 3 + 1
    chunks = [body[place : place + size] for place in range(0, len(body), size)]
    framed = b"".join(f"{len(c):x}{extension}\r\n".encode() + c + b"\r\n" for c in chunks)
    return framed + "\r\n".join([f"0{extension}", *trailers, "", ""]).encode()


def framed(body: bytes, way: str, request_id: str | None = None) -> bytes:
    """A whole answer of this body, framed in one of FRAMINGS."""
    rows = ["Content-Type: application/json"]
    rows += [f"X-Request-Id: {request_id}"] if request_id else []
    length = f"Content-Length: {len(body)}"
    match way:
        case "length":
            return head(*rows, length) + body
        case "chunked":
            return head(*rows, "Transfer-Encoding: chunked") + chunked(body)
        case "extensions":
            content = chunked(body, ';name="a value"', ["X-Trailer: some", "X-Other: more"])
            return head("Transfer-Encoding: chunked", *rows, "Trailer: X-Trailer") + content
        case "gzip":
            packed = gzip.compress(body, mtime=0)
            size = f"Content-Length: {len(packed)}"
            return head(*rows, "Content-Encoding: gzip", size) + packed
        case "interim":
            early = head("Link: </style.css>; rel=preload", status="103 Early Hints")
            return head(status="102 Processing") + early + head(length, *rows) + body
        case _:
            return head(*rows, "Connection: close") + body


FRAMINGS = ("length", "chunked", "extensions", "gzip", "interim", "close")


@dataclass(frozen=True)
class Asked:
    """A request as it arrived."""

    target: str
    headers: dict[str, str]
    connection: int
    nth: int
    """Which of its connection it is, from 0."""

    @cached_property
    def agent(self) -> str:
        found = _AGENT.search(self.target)
        return found[1] if found else ""

    @property
    def page(self) -> int:
        return int(parse_qs(urlsplit(self.target).query)["page"][0])

    @property
    def limit(self) -> int:
        return int(parse_qs(urlsplit(self.target).query)["limit"][0])

    @property
    def id(self) -> str | None:
        return self.headers.get("x-request-id")


class Line:
    """One connection, as a script sees it."""

    def __init__(self, host: Host, number: int, reader: Any, writer: Any) -> None:
        self.host = host
        self.number = number
        self.reader: asyncio.StreamReader = reader
        self.writer: asyncio.StreamWriter = writer

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def drip(self, data: bytes, seconds: float = 0.0) -> None:
        """Send a byte at a time, so many seconds apart."""
        for place in range(len(data)):
            await self.send(data[place : place + 1])
            await asyncio.sleep(seconds)

    async def stall(self) -> None:
        """Say nothing until the client hangs up."""
        self.host.reach()
        while await self.reader.read(65_536):
            pass

    def cut(self, *, reset: bool = False) -> None:
        """End the connection with nothing said, TLS's own goodbye included."""
        if reset:
            linger = struct.pack("ii", 1, 0)
            self.writer.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, linger
            )
        self.writer.transport.abort()


if TYPE_CHECKING:
    Script = Callable[[Asked, Line], Awaitable[bool | None]]
    """Answers a request; the connection is kept where it returns True, and closed otherwise."""


async def well(asked: Asked, line: Line) -> bool:
    """Answers as it should, with the id of the request."""
    await line.send(framed(line.host.body(asked), "length", asked.id))
    return True


@dataclass
class Host:
    """Answers with `script`. A context manager; when it ends, its thread and sockets are gone."""

    script: Script = well
    calls: int = 250
    tls: ssl.SSLContext | None = None
    greeting: Callable[[int], bytes] = lambda _: b""
    """What it says on the connection of this number, before anything was asked."""
    reading: bool = True
    """Whether it reads requests; a script is called at once where it does not."""
    name: str = "127.0.0.1"
    asked: list[Asked] = field(default_factory=list)
    of_agent: defaultdict[str, list[Asked]] = field(default_factory=lambda: defaultdict(list))

    def body(self, asked: Asked) -> bytes:
        return body_of(asked.agent, asked.page, asked.limit, self.calls)

    @property
    def connections(self) -> list[int]:
        """The connection of each request."""
        return [asked.connection for asked in self.asked]

    def reach(self) -> None:
        """A script is where the test waits for it."""
        with self._change:
            self.reached += 1
            self._change.notify_all()

    def until(self, holds: Callable[[], object], seconds: float = 5.0) -> bool:
        """Whether something of this host came to hold in time; looked at when a connection opens, asks or ends."""
        with self._change:
            return self._change.wait_for(lambda: bool(holds()), seconds)

    def left(self, seconds: float = 1.0) -> bool:
        """Whether every client has hung up within so many seconds; who was deaf listens to that."""
        self._loop.call_soon_threadsafe(self.heed.set)
        return self.until(lambda: not self.open, seconds)

    def __enter__(self) -> Self:
        self._change = threading.Condition()
        self.reached = self.opened = 0
        self.open: set[int] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        started = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(started,), daemon=True)
        self._thread.start()
        assert started.wait(10)
        self.url = f"http{'s' if self.tls else ''}://{self.name}:{self.port}"
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join(10)
        assert not self._thread.is_alive()

    def _run(self, started: threading.Event) -> None:
        asyncio.run(self._main(started))

    async def _main(self, started: threading.Event) -> None:
        self._loop = asyncio.get_running_loop()
        self._loop.set_exception_handler(lambda *_: None)  # handshakes that the client leaves
        self._ended, self.heed = asyncio.Event(), asyncio.Event()
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if not self.reading:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        listener.bind(("127.0.0.1", 0))
        server = await asyncio.start_server(
            self._serve, sock=listener, ssl=self.tls, backlog=512, limit=2**16
        )
        self.port = listener.getsockname()[1]
        started.set()
        await self._ended.wait()
        server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task: Any = asyncio.current_task()
        self._tasks.add(task)
        with self._change:
            number, self.opened = self.opened, self.opened + 1
            self.open.add(number)
            self._change.notify_all()
        line = Line(self, number, reader, writer)
        try:
            await self._talk(line)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # the client went away
        finally:
            with suppress(OSError, RuntimeError):
                writer.close()
            with self._change:
                self.open.discard(number)
                self._change.notify_all()
            self._tasks.discard(task)

    async def _talk(self, line: Line) -> None:
        await line.send(self.greeting(line.number))
        nth = 0
        while True:
            if not self.reading:
                asked = Asked("", {}, line.number, nth)
            else:
                data = (await line.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                first, *rows = data[:-4].split("\r\n")
                pairs = (row.partition(":")[::2] for row in rows)
                headers = {name.lower(): value.strip() for name, value in pairs}
                asked = Asked(first.split(" ")[1], headers, line.number, nth)
            with self._change:
                self.asked.append(asked)
                self.of_agent[asked.agent].append(asked)
                self._change.notify_all()
            nth += 1
            if not await self.script(asked, line):
                return


def descriptors() -> int:
    """How many files and sockets this process holds."""
    return len(list(Path("/proc/self/fd").iterdir()))


def settled(count: Callable[[], int], most: int, seconds: float = 1.0) -> bool:
    """Whether a count has come down within so many seconds."""
    end = time.monotonic() + seconds
    while count() > most:
        if time.monotonic() > end:
            return False
        time.sleep(0.005)  # nobody tells when a descriptor or a thread has gone
    return True
