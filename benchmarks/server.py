"""The page server: HTTP/1.1 with keep-alive on loopback, by hand, fast enough that its client is the bottleneck.

It runs as a separate process (see `serving.py`): it prints its port, and ends when its standard input ends. It keeps
rendered pages, up to a bound, so that from the second reading on a page takes about 40 µs.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import socket
import sys
import time
from email.utils import formatdate
from typing import TYPE_CHECKING, cast

from benchmarks.rows import for_agent
from benchmarks.shapes import page, shapes, window_of

if TYPE_CHECKING:
    from benchmarks.shapes import Window

COUNT_PATH = "/asked"
_KEPT_PAGES = 2_000


class Pages:
    """The bodies of one listing for each shape; the first ones are kept."""

    def __init__(self, total: int, *, unknown_field: bool) -> None:
        self._total = total
        self._shapes = shapes(unknown_field=unknown_field)
        self._kept: dict[tuple[str, Window], bytes] = {}
        self.asked = 0
        """Pages that were asked for since this was last told."""

    def told(self) -> int:
        """Tell the number of pages, and count anew."""
        asked, self.asked = self.asked, 0
        return asked

    def body(self, name: str, window: Window) -> bytes:
        """The body for a window, rendered again if it is not kept."""
        # Kept once for all agents, because a thousand agents have more pages than fit.
        self.asked += 1
        common = window._replace(agent=0)
        body = self._kept.get((name, common))
        if body is None:
            body = page(self._shapes[name], common, self._total)
            if len(self._kept) < _KEPT_PAGES:
                self._kept[name, common] = body
        return for_agent(body, window.agent)


class Connection(asyncio.Protocol):
    """One client's connection: requests in, pages out, each after the latency."""

    def __init__(self, pages: Pages, latency: float, jitter: float) -> None:
        self._pages = pages
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
        asked = window_of(path, query, body)
        answer = _answer(404, b'{"message":"Not found"}')
        if path == COUNT_PATH:
            answer = _answer(200, b"%d" % self._pages.told())
        if asked is not None:
            answer = _answer(200, self._pages.body(*asked))
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


def _answer(status: int, body: bytes) -> bytes:
    now = time.time()
    head = (
        f"HTTP/1.1 {status} {'OK' if status == 200 else 'Not Found'}\r\n"  # noqa: PLR2004
        f"Date: {formatdate(now, usegmt=True)}\r\n"
        "Content-Type: application/json; charset=utf-8\r\n"
        f"Content-Length: {len(body)}\r\n"
        "X-RateLimit-Limit: 100000\r\nX-RateLimit-Remaining: 99999\r\n"
        f"X-RateLimit-Reset: {int(now) + 60}\r\n"
        f"X-Request-Id: {random.getrandbits(128):032x}\r\n\r\n"
    )
    return head.encode() + body


async def serve(pages: Pages, latency: float, jitter: float) -> None:
    """Serve on a free port of this machine, named on standard output, until standard input ends."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: Connection(pages, latency, jitter), "127.0.0.1", 0, backlog=256
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
    parser.add_argument("--unknown-field", action="store_true", help="in every row")
    asked = parser.parse_args()
    pages = Pages(asked.total, unknown_field=asked.unknown_field)
    asyncio.run(serve(pages, asked.latency_ms / 1000, asked.jitter_ms / 1000))


if __name__ == "__main__":
    main()
