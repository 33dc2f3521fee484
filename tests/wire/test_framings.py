"""Answers that are framed as HTTP forbids, or nearly: the right calls or a typed error, and nobody else's answer."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import pytest

from agentcalls import AgentCallsError, APIConnectionError
from wire.host import Host, body_of, chunked, framed, head, ids, well
from wire.mutations import read_strictly

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from flavours import MakeClient
    from wire.host import Asked, Line

T = TypeVar("T")
Odd: TypeAlias = "dict[str, Callable[[bytes], bytes]]"
CALLS = 2
CHUNKED = "Transfer-Encoding: chunked"


def sized(body: bytes, *rows: str, size: object = None, status: str = "200 OK") -> bytes:
    """An answer with these rows and a Content-Length."""
    return (
        head(*rows, f"Content-Length: {len(body) if size is None else size}", status=status) + body
    )


def chunk(body: bytes, size: str = "", end: str = "\r\n", last: str = "0\r\n\r\n") -> bytes:
    """An answer of one chunk, with this size line and these ends."""
    first = size or f"{len(body):x}"
    return head(CHUNKED) + f"{first}{end}".encode() + body + f"{end}{last}".encode()


def coded(body: bytes, coding: str) -> bytes:
    """An answer in chunks, whose Transfer-Encoding says this."""
    return head(f"Transfer-Encoding: {coding}") + chunked(body)


def packed(body: bytes, coding: str) -> bytes:
    """An answer in gzip, whose Content-Encoding says this."""
    return sized(gzip.compress(body), f"Content-Encoding: {coding}")


def versioned(body: bytes, version: str) -> bytes:
    """An answer in this version of HTTP."""
    return sized(body).replace(b"HTTP/1.1", version.encode(), 1)


LENGTHS = ("-5", "+5", "0x5", "5 5", "5, 5", "", "1_0", "5;", "9" * 30, "\t")
SIZES = ("-5", "0x5", " 5", "5 ", "zz", "f" * 20, ";", "5g", "\x00")
MARKS = (b"\x00", b"\n", b"\r", b"\r\n", b" ", b"junk\r\n", b"\xff")
STATUSES: tuple[str, ...] = (
    "101 Up",
    "204 None",
    "205 Reset",
    "206 Part",
    "304 Same",
    "421 Not me",
    "600 Odd",
)
STATUSES += ("999 Odd", "1000 Odd", "20 Odd", "000 Odd", "-20 Odd", "200")
CODINGS = (
    "gzip, chunked",
    "chunked, chunked",
    "identity",
    "xchunked",
    "chunked;q=1",
    "\x0bchunked",
)
TYPES = ("gzip, gzip", "deflate", "br", "gzip, identity", "none", "GZIP")
VERSIONS = ("HTTP/1.0", "HTTP/0.9", "HTTP/2.0", "HTTP/1.2", "http/1.1", "ICY")
ROWS = (
    "X-A: b\r\n c",
    "no colon",
    ": no name",
    "X\x00: y",
    "X-A: y\x00",
    "X-A : y",
    "X-A: y\rz",
    "\u00dc: \u00fc",
)


def each(what: str, values: Iterable[T], make: Callable[[bytes, T], bytes]) -> Odd:
    """An odd answer of each value."""

    def made(value: T) -> Callable[[bytes], bytes]:
        return lambda body: make(body, value)

    return {f"{what} {value!r}": made(value) for value in values}


ODD: Odd = {
    **each("length", LENGTHS, lambda body, text: sized(body, size=text)),
    **each("length", (-5, 5), lambda body, more: sized(body, size=len(body) + more)),
    "two equal lengths": lambda body: sized(body, f"Content-Length: {len(body)}"),
    "two lengths": lambda body: sized(body, f"Content-Length: {len(body) + 5}"),
    "length and chunks": lambda body: head(f"Content-Length: {len(body)}", CHUNKED) + chunked(body),
    "chunks and length": lambda body: head(CHUNKED, "Content-Length: 5") + chunked(body),
    **each("chunk", SIZES, chunk),
    "chunk with bare ends": lambda body: chunk(body, end="\n", last="0\n\n"),
    "chunk without an end": lambda body: chunk(body).replace(body + b"\r\n", body),
    "chunk with a header behind": lambda body: chunk(body, last="0\r\nContent-Length: 5\r\n\r\n"),
    **each("coding", CODINGS, coded),
    **each("content", TYPES, packed),
    "gzip that is none": lambda body: sized(body, "Content-Encoding: gzip"),
    "gzip cut short": lambda body: sized(gzip.compress(body)[:-6], "Content-Encoding: gzip"),
    "gzip and junk": lambda body: sized(gzip.compress(body) + b"junk", "Content-Encoding: gzip"),
    **each("row", ROWS, sized),
    **each("status", STATUSES, lambda body, status: sized(body, status=status)),
    **each("status alone", STATUSES, lambda _, status: sized(b"", status=status)),
    **each("before", MARKS, lambda body, mark: mark + sized(body)),
    **each("after", MARKS, lambda body, mark: sized(body) + mark),
    **each("version", VERSIONS, versioned),
    "no head": lambda body: body,
    "bare line ends": lambda body: sized(body).replace(b"\r\n", b"\n"),
    "many rows": lambda body: sized(body, *(f"X-{number}: a" for number in range(3000))),
    "too long a head": lambda body: sized(body, *(f"X-{number}: {'a' * 1000}" for number in range(200))),
    "too many interim answers": lambda body: head("X-A: " + "a" * 900, status="102 Wait") * 200 + sized(body),
    "redirected": lambda _: sized(b"", "Location: https://elsewhere.invalid/", status="307 Go"),
}  # fmt: skip


@pytest.mark.share(one_in=4)
@pytest.mark.parametrize("ends", [True, False])
@pytest.mark.parametrize("name", ODD)
def test_odd_answer_is_read_right_or_refused_and_is_nobody_elses(
    make_client: MakeClient, name: str, *, ends: bool
) -> None:
    sent: list[int] = []
    answer = ODD[name](body_of("bob", 1, 100, CALLS))
    state = read_strictly(answer, ended=ends).state
    if not ends and state in {"incomplete", "wrong"}:
        return  # waiting for the rest of an answer is another test's business

    async def script(asked: Asked, line: Line) -> bool | None:
        if asked.agent != "bob":
            return await well(asked, line)
        sent.append(asked.connection)
        await line.send(answer)
        return not ends

    with Host(script, calls=CALLS) as host:
        client = make_client(api_key="sk_key", base_url=host.url, max_retries=0)
        assert read(client, "alice") == ids("alice", CALLS)
        got = read(client, "bob")
        assert read(client, "carol") == ids("carol", CALLS)
    assert got == ids("bob", CALLS) or issubclass(got, AgentCallsError)
    if ends or state == "excess":
        assert not {asked.connection for asked in host.of_agent["carol"]} & set(sent)


@pytest.mark.parametrize("way", ["length", "chunked", "extensions", "gzip"])
@pytest.mark.parametrize("fold", ["\r\n ", "\r\n\t", " \r\n  \r\n "])
def test_folded_line_is_one_line(make_client: MakeClient, way: str, fold: str) -> None:
    async def script(asked: Asked, line: Line) -> bool:
        answer = framed(line.host.body(asked), way, asked.id)
        top, _, rest = answer.partition(b"\r\n\r\n")
        rows = [*top.split(b"\r\n"), b"X-Text: some words"]
        # Each row in turn, at its first space and at its last.
        row = asked.nth // 2 % (len(rows) - 1) + 1
        place = [rows[row].find(b" "), rows[row].rfind(b" ")][asked.nth % 2]
        rows[row] = rows[row][:place] + fold.encode() + rows[row][place:]
        await line.send(b"\r\n".join(rows) + b"\r\n\r\n" + rest)
        return True

    with Host(script, calls=CALLS) as host:
        client = make_client(api_key="sk_key", base_url=host.url, max_retries=0)
        for _ in range(12):
            assert read(client, "bob") == ids("bob", CALLS)
    assert set(host.connections) == {0}


@pytest.mark.parametrize("place", ["header", "folded line", "trailer"])
def test_control_character_in_a_header_is_refused(make_client: MakeClient, place: str) -> None:
    async def script(asked: Asked, line: Line) -> None:
        row = f"X-A: some{chr(controls.pop())}text"
        rows = {"header": row, "folded line": row.replace(": ", ":\r\n "), "trailer": "X-B: c"}
        trailers = [row] if place == "trailer" else []
        await line.send(head(CHUNKED, rows[place]) + chunked(line.host.body(asked), "", trailers))

    controls = [*range(9), *range(11, 13), *range(14, 32), 127]  # all but the tab and line ends
    with Host(script, calls=CALLS) as host:
        client = make_client(api_key="sk_key", base_url=host.url, max_retries=0)
        while controls:
            assert read(client, "bob") is APIConnectionError


def read(client: Any, agent: str) -> Any:
    """The ids of an agent's calls, or the type of the error."""
    try:
        return [call.id for call in client.calls.list(agent)]
    except Exception as error:  # noqa: BLE001 (any other than ours is a finding)
        return type(error)
