"""The page server: HTTP/1.1 with keep-alive on loopback, by hand, fast enough that its client is the bottleneck.

It runs as a separate process (see `serving.py`): it prints its port, and ends when its standard input ends. It keeps
rendered pages, up to a bound, so that from the second reading on a page takes about 40 µs.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import re
import socket
import sys
import time
from email.utils import formatdate
from http import HTTPStatus
from typing import TYPE_CHECKING, cast

from benchmarks.rows import for_agent
from benchmarks.shapes import page, shapes, window_of

if TYPE_CHECKING:
    from benchmarks.shapes import Window

COUNT_PATH = "/asked"
REFUSED_PATH = "/refused"
_KEPT_PAGES = 2_000
_REQUEST_ID = re.compile(rb"\r\nx-request-id: *([!-~]+)", re.IGNORECASE)


class Pages:
    """The bodies of one listing for each shape; the first ones are kept."""

    def __init__(self, total: int, *, unknown_field: bool) -> None:
        self._total = total
        self._shapes = shapes(unknown_field=unknown_field)
        self._kept: dict[tuple[str, Window], bytes] = {}
        self.asked: list[Window] = []
        """The windows that were asked for since this was last told."""

    def body(self, name: str, window: Window) -> bytes:
        """The body for a window, rendered again if it is not kept."""
        # Kept once for all agents, because a thousand agents have more pages than fit.
        self.asked.append(window)
        common = window._replace(agent=0)
        body = self._kept.get((name, common))
        if body is None:
            body = page(self._shapes[name], common, self._total)
            if len(self._kept) < _KEPT_PAGES:
                self._kept[name, common] = body
        return for_agent(body, window.agent)

    def told(self, newest: int | None) -> int:
        """How many pages were asked for since this was last told; of these, how many hold none of the newest rows."""
        asked, self.asked = self.asked, []
        if newest is None:
            return len(asked)
        behind = self._total - newest
        return sum(
            window.offset >= newest if window.falling else window.offset + window.limit <= behind
            for window in asked
        )


class RateLimit:
    """So many answers in each second of the clock, if there is a limit."""

    def __init__(self, per_second: int) -> None:
        self.per_second = per_second
        self.refused = 0
        """Requests that were refused since this was last told."""
        self.left = per_second
        self._second = 0

    def lets_through(self, second: int) -> bool:
        """Whether a request in this second of Unix time is answered."""
        if not self.per_second:
            return True
        if second > self._second:
            self._second, self.left = second, self.per_second
        if not self.left:
            self.refused += 1
            return False
        self.left -= 1
        return True


class Connection(asyncio.Protocol):
    """One client's connection: requests in, pages out, each after the latency."""

    def __init__(self, pages: Pages, limit: RateLimit, latency: float, jitter: float) -> None:
        self._pages, self._limit = pages, limit
        self._latency, self._jitter = latency, jitter
        self._received = bytearray()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Switch Nagle off: asyncio does so only if the socket names its protocol."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.get_extra_info("socket").setsockopt(
            socket.IPPROTO_TCP, socket.TCP_NODELAY, 1
        )

    def data_received(self, data: bytes) -> None:
        """Answer every request that is complete."""
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            head = bytes(self._received[:end])
            size = _content_length(head)
            if len(self._received) < end + 4 + size:
                return
            body = bytes(self._received[end + 4 : end + 4 + size])
            del self._received[: end + 4 + size]
            self._answer(head, body)

    def _answer(self, head: bytes, body: bytes) -> None:
        target = head.split(b" ", 2)[1].decode()
        path, _, query = target.partition("?")
        now = time.time()
        named = _REQUEST_ID.search(head)
        request_id = named[1].decode() if named else f"{random.getrandbits(128):032x}"
        asked = window_of(path, query, body)
        if path == COUNT_PATH:
            newest = query.removeprefix("newest=")
            told = self._pages.told(int(newest) if newest else None)
            answer = _answer(200, b"%d" % told, now, request_id)
        elif path == REFUSED_PATH:
            answer = _answer(200, b"%d" % self._limit.refused, now, request_id)
            self._limit.refused = 0
        elif asked is None:
            answer = _answer(404, b'{"message":"Not found"}', now, request_id)
        elif self._limit.lets_through(int(now)):
            answer = _answer(200, self._pages.body(*asked), now, request_id, self._limit)
        else:
            answer = _answer(429, b'{"message":"Too many requests"}', now, request_id, self._limit)
        # The jitter imitates a network; it need not be secure.
        wait = self._latency + self._jitter * random.random()  # noqa: S311
        if wait:
            asyncio.get_running_loop().call_later(wait, self._write, answer)
        else:
            self._write(answer)

    def _write(self, answer: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(answer)


def _content_length(head: bytes) -> int:
    if head.startswith(b"GET "):
        return 0
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            return int(value)
    return 0


def _answer(
    status: int, body: bytes, now: float, request_id: str, limit: RateLimit | None = None
) -> bytes:
    # Without a limit, there is one that nobody reaches.
    most, left, reset = 100_000, 99_999, 60
    if limit and limit.per_second:
        most, left, reset = limit.per_second, limit.left, 1
    wait = "Retry-After: 1\r\n" if status == HTTPStatus.TOO_MANY_REQUESTS else ""
    head = (
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n"
        f"Date: {formatdate(now, usegmt=True)}\r\n"
        "Content-Type: application/json; charset=utf-8\r\n"
        f"Content-Length: {len(body)}\r\n{wait}"
        f"X-RateLimit-Limit: {most}\r\nX-RateLimit-Remaining: {left}\r\n"
        f"X-RateLimit-Reset: {int(now) + reset}\r\n"
        f"X-Request-Id: {request_id}\r\n\r\n"
    )
    return head.encode() + body


async def serve(pages: Pages, limit: RateLimit, latency: float, jitter: float) -> None:
    """Serve on a free port of this machine, named on standard output, until standard input ends."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: Connection(pages, limit, latency, jitter), "127.0.0.1", 0, backlog=256
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


def main() -> None:
    """Run the server from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--total", type=int, required=True, help="rows in every listing")
    parser.add_argument("--latency-ms", type=float, default=0)
    parser.add_argument("--jitter-ms", type=float, default=0)
    parser.add_argument("--per-second", type=int, default=0, help="the rate limit; 0 is none")
    parser.add_argument("--unknown-field", action="store_true", help="in every row")
    asked = parser.parse_args()
    pages = Pages(asked.total, unknown_field=asked.unknown_field)
    limit = RateLimit(asked.per_second)
    asyncio.run(serve(pages, limit, asked.latency_ms / 1000, asked.jitter_ms / 1000))


if __name__ == "__main__":
    main()
