"""One fault at one byte of an answer, and what the answer says then by the strictest reading of HTTP there is."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import random
import re
import zlib
from functools import lru_cache
from itertools import product
from typing import TYPE_CHECKING, Any

import h11
from attrs import evolve, frozen

from wire.host import FRAMINGS, body_of, framed

if TYPE_CHECKING:
    from wire.host import Asked, Line

CALLS = 2
_CONTROL = re.compile("[\x00-\x1f]")
KINDS = ("cut", "reset", "stall", "split", "twice", "added", "dropped")
ADDED = (b"\x00", b"\n", b"\r", b" ", b"0", b"X", b":", b"\xff")
_ID = (
    "0" * 64
)  # stands for the id of a request, whose length is the client's affair, and is no longer


@frozen
class Case:
    """A fault in the answer that bob is given; alice is answered before him where `kept`, and carol after him."""

    number: int
    framing: str
    kind: str
    offset: int
    """The first half of the places counts from the start of the answer, the second from its end."""
    places: int
    added: bytes
    retries: int
    kept: bool

    def agent(self, name: str) -> str:
        return f"{name}.{self.number}"

    def whole(self, asked: Asked) -> bytes:
        """The answer as it should be."""
        return framed(body_of(asked.agent, asked.page, asked.limit, CALLS), self.framing, asked.id)

    def place(self, answer: bytes) -> int:
        """The offset in this answer."""
        if 2 * self.offset < self.places:
            return self.offset
        return max(0, len(answer) - (self.places - self.offset))

    def broken(self, answer: bytes) -> bytes:
        """What of the answer is sent in the end, where nothing more comes."""
        place = self.place(answer)
        before, at, after = answer[:place], answer[place : place + 1], answer[place + 1 :]
        match self.kind:
            case "split":
                return answer
            case "twice":
                return before + at + at + after
            case "added":
                return before + self.added + at + after
            case "dropped":
                return before + after
            case _:
                return before

    def within(self, answer: bytes) -> Case:
        """The same fault in an answer of another length."""
        return evolve(self, offset=self.offset % len(answer), places=len(answer))

    async def play(self, answer: bytes, line: Line) -> bool:
        match self.kind:
            case "cut" | "reset":
                await line.send(self.broken(answer))
                line.cut(reset=self.kind == "reset")
            case "stall":
                await line.send(self.broken(answer))
                await line.stall()
            case "split":
                await line.send(answer[: self.place(answer)])
                await asyncio.sleep(0.001)
                await line.send(answer[self.place(answer) :])
            case _:
                await line.send(self.broken(answer))
        return self.framing != "close"

    @property
    def may_wait(self) -> bool:
        """Whether bob may wait for what does not come; in any other case only a busy machine is slow."""
        return self.kind not in {"cut", "reset", "split"}

    @property
    def recovers(self) -> bool:
        """Whether bob must have his calls: nothing but the transport went wrong, and another attempt is allowed."""
        return self.kind == "split" or (self.retries > 0 and self.kind in {"cut", "reset", "stall"})


@frozen
class Reading:
    """How h11 reads an answer: `clean`, with an `excess`, `incomplete` or `wrong`; and the ids that its body names."""

    state: str
    ids: frozenset[str | None]


def read_strictly(sent: bytes, *, ended: bool) -> Reading:
    connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=10**6)
    connection.send(h11.Request(method="GET", target="/", headers=[("Host", "h")]))
    connection.send(h11.EndOfMessage())
    body, response, state = b"", None, "incomplete"
    try:
        connection.receive_data(sent)
        if ended:
            connection.receive_data(b"")
        while True:
            event = connection.next_event()
            if isinstance(event, h11.Response):
                response = event
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.EndOfMessage):
                state = "excess" if connection.trailing_data[0] else "clean"
                break
            elif event is h11.NEED_DATA or isinstance(event, h11.ConnectionClosed):
                break
            elif event is h11.PAUSED:
                state = "wrong"
                break
    except h11.RemoteProtocolError:
        state = "wrong"
    done = response is not None and state in {"clean", "excess"} and response.status_code == 200
    headers = dict(response.headers.raw_items()) if response else {}
    return Reading(state, _ids(body, headers) if done else frozenset())


def _ids(body: bytes, headers: dict[bytes, bytes]) -> frozenset[str | None]:
    packed = {name.lower(): value for name, value in headers.items()}.get(b"content-encoding")
    try:
        content = gzip.decompress(body) if packed == b"gzip" else body
        # The client reads an odd byte as U+FFFD, and says so; that much is lenient, and no more.
        rows: Any = json.loads(content.decode("utf-8", "replace"), strict=False)["data"]
        return frozenset(
            _CONTROL.sub("\ufffd", row["id"]) if isinstance(row.get("id"), str) else row.get("id")
            for row in rows  # a call whose id is missing has None
        )
    except (ValueError, KeyError, TypeError, OSError, EOFError, zlib.error, AttributeError):
        return frozenset()


@lru_cache(16)
def length(framing: str, number: int) -> int:
    """How long bob's answer is, without an echo."""
    return len(framed(body_of(f"bob.{number}", 1, 100, CALLS), framing, _ID))


def cases(framing: str, flavour: str) -> list[Case]:
    """Every fault at every offset, or a share of them that the seed draws."""
    drawing = random.Random(f"{os.environ['AGENTCALLS_SEED']} {framing} {flavour}")
    whole = length(framing, 10_000)
    places = [
        (kind, offset)
        for kind, offset in product(KINDS, range(whole + 1))
        if (kind, offset)
        != ("stall", whole)  # then the host refuses to hear carol, and nobody can mend that
    ]
    count = min(share(8, len(places)), len(places))
    if count < len(places):
        # The heads, chunk sizes and ends are few among the bytes, and where most can go wrong.
        edges = [place for place in places if not 150 < place[1] < whole - 40]
        places = drawing.sample(edges, count // 2) + drawing.sample(places, count - count // 2)
    return [
        Case(
            number,
            framing,
            kind,
            offset,
            whole,
            drawing.choice(ADDED),
            drawing.choice([0, 2]),
            drawing.random() < 0.7,
        )
        for number, (kind, offset) in enumerate(places, 10_000)
    ]


def scattered(count: int, flavour: str) -> list[Case]:
    """Faults anywhere in answers of any framing, heads more often than their share."""
    drawing = random.Random(f"{os.environ['AGENTCALLS_SEED']} {flavour}")
    return [
        Case(
            number,
            drawing.choice(FRAMINGS),
            drawing.choice(KINDS),
            drawing.randrange(drawing.choice([150, 10**6])),
            10**6,
            drawing.choice(ADDED),
            drawing.choice([0, 2]),
            kept=True,
        )
        for number in range(10_000, 10_000 + count)
    ]


def share(usual: int, all_of_them: int) -> int:
    """How many cases are played."""
    asked = os.environ.get("AGENTCALLS_TORTURE") or usual
    return all_of_them if plays_all() else min(int(asked), all_of_them)


def plays_all() -> bool:
    """Whether every case is played."""
    return os.environ.get("AGENTCALLS_TORTURE") == "all"
