"""The phases of one request, each of them stopped for ever, or so slow that it never ends."""

from __future__ import annotations

import asyncio
import gzip
import socket
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from wire.host import Asked, Host, Line, chunked, head, well

if TYPE_CHECKING:
    from collections.abc import Generator

    from wire.host import Script

DRIP, STEPS = (
    0.1,
    60,
)  # then the host hangs up: a client that does not end by itself is not waited for
MODES = ("stopped", "slow")

_ANSWER = {
    # What is sent of an answer before the phase, and what of it goes on without end.
    "status line": (b"", b"HTTP/1.1 200 " + b"O" * STEPS),
    "headers": (b"HTTP/1.1 200 OK\r\n", b"X-Some: " + b"x" * STEPS),
    "many headers": (b"HTTP/1.1 200 OK\r\n", b"X:1\r\n" * STEPS),
    "interim answers": (head(status="102 Processing"), head(status="102 Processing") * STEPS),
    "body": (head("Content-Length: 9999") + b"{", b" " * STEPS),
    "chunks": (head("Transfer-Encoding: chunked") + chunked(b"{ ")[:-5], b"1\r\n \r\n" * STEPS),
    "chunk size": (head("Transfer-Encoding: chunked"), b"0" * STEPS),
    "chunk extension": (head("Transfer-Encoding: chunked") + b"5;a=", b"x" * STEPS),
    "trailers": (head("Transfer-Encoding: chunked") + chunked(b"{}")[:-2], b"X: y\r\n" * STEPS),
    "body ended by close": (head() + b"{", b" " * STEPS),
    "gzip": (head("Content-Encoding: gzip"), gzip.compress(bytes(STEPS), compresslevel=0)),
}
ANSWERING = tuple(_ANSWER)
RETRYING = ("retry",)
BEFORE = ("connect", "TLS", "request")
PHASES = BEFORE + ANSWERING + RETRYING


def script(phase: str, mode: str) -> Script:
    """Stops, or goes on without end, in this phase of an answer."""

    async def play(_: Asked, line: Line) -> bool | None:
        line.host.reach()
        if phase == "retry":
            after = ["Retry-After: 30"] if mode == "stopped" else []
            await line.send(head("Content-Length: 0", *after, status="503 No"))
            return True
        before, endless = _ANSWER[phase]
        await line.send(before)
        if mode == "stopped":
            await line.stall()
            return None
        step = len(head(status="102 Processing")) if phase == "interim answers" else 1
        for place in range(0, len(endless), step):
            await line.send(endless[place : place + step])
            await asyncio.sleep(DRIP)
        return None

    return play


async def _silent(_: Asked, line: Line) -> None:
    await line.stall()


async def _deaf(_: Asked, line: Line) -> None:
    line.host.reach()
    await line.host.heed.wait()
    await line.stall()


async def _half_deaf(_: Asked, line: Line) -> None:
    line.host.reach()
    while await line.reader.read(1024):
        with suppress(TimeoutError):
            await asyncio.wait_for(line.host.heed.wait(), DRIP)


async def _slow_handshake(_: Asked, line: Line) -> None:
    line.host.reach()
    await line.send(b"\x16\x03\x03\x3f\xff\x02")  # a record of 16 KB, of which more comes for ever
    await line.drip(bytes(STEPS), DRIP)


@contextmanager
def full() -> Generator[str]:
    """The URL of a host whose queue is full: whoever connects waits."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        queued = [socket.socket() for _ in range(4)]
        for one in queued:
            one.setblocking(False)  # noqa: FBT003
            one.connect_ex(listener.getsockname())
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            for one in queued:
                one.close()


@contextmanager
def before(phase: str, mode: str) -> Generator[tuple[str, Host | None]]:
    """The URL of a host that is stopped, or slow, before it has the request; and the host, where it is one of ours."""
    if phase == "connect":
        with full() as url:
            yield url, None
        return
    stopped, slow = {"TLS": (_silent, _slow_handshake), "request": (_deaf, _half_deaf)}[phase]
    with Host(stopped if mode == "stopped" else slow, reading=False) as host:
        yield host.url.replace("http:", "https:") if phase == "TLS" else host.url, host


__all__ = ["ANSWERING", "BEFORE", "MODES", "PHASES", "RETRYING", "before", "script", "well"]
