"""The faults, what each comes to, and how one is played: shared by the tests of outcomes and of the key's secrecy."""

from __future__ import annotations

import gzip
import json
import ssl
import zlib
from email.utils import formatdate
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx
from attrs import field, frozen

from agentcalls import (
    AgentCallsError,
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    AuthenticationError,
    BadRequestError,
    ConflictError,
    InternalServerError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    UnexpectedResponseError,
)
from agentcalls.request.host import Host
from agentcalls.request.wire.pool import ConnectionPool
from faults import (
    ECHO,
    KEY,
    Exchange,
    FaultServer,
    answer,
    changed,
    dripping,
    endless,
    head_of,
    rewritten,
    script,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from agentcalls import Client
    from agentcalls.request.receive import Incoming
    from agentcalls.request.wire.waits import Patience, Waits
    from flavours import MakeClient

RETRIES = 2
BACKOFF = [0.5, 1.0]  # the jitter of the instant clock is all of it
WALL = 1_700_001_000  # where the instant clock's calendar stands
LONGEST_BODY = 500_000


@frozen
class Fault:
    """What a server does, and what it comes to where it does so every time."""

    name: str
    play: Callable[[Exchange], object]
    kind: type[AgentCallsError] | None
    """The error's exact class; None where the page is read all the same."""
    status: int | None = None
    slept: list[float] | None = None
    """The waits between the attempts; None where there is one attempt only."""
    request_id: str | None = None
    code: str | None = None
    options: dict[str, Any] = field(factory=dict[str, Any])
    target: Callable[[FaultServer], Target] | None = None
    """Where the failing requests go instead of the server."""
    prepare: Callable[[FaultServer], object] | None = None
    """What happens to the server before the first request that fails."""
    patience: float | None = None
    """The read timeout of the requests that fail, in seconds; the others are not to meet it on a busy machine."""
    unseen: bool = False
    """Whether the server sees none of the attempts."""
    own: dict[str, Any] = field(factory=dict[str, Any])
    """What differs over our own connections."""
    dies: bool = False
    """Whether no byte of an answer comes: on a kept connection of our own, that costs a request and no attempt."""

    def __str__(self) -> str:
        return self.name


class Target(NamedTuple):
    """Where requests are sent: a URL, by way of a proxy or not."""

    url: str
    proxy: str | None = None


def status(number: int, kind: type[AgentCallsError], *, retried: bool = False) -> list[Fault]:
    """The faults of one status: with the envelope, and with a body that is none."""
    envelope = {
        "message": "What went wrong, %KEY%",
        "code": "some_code",
        "statusCode": number,
        "request_id": "req_body",
        "errors": [{"path": "page", "message": "is odd"}],
    }
    slept = BACKOFF if retried else None
    return [
        Fault(
            f"{number} envelope",
            answer(json.dumps(envelope).encode(), number),
            kind,
            number,
            slept,
            "req_body",
            "some_code",
        ),
        Fault(
            f"{number} html",
            answer(b"<html>" + KEY, number, Content_Type="text/html"),
            kind,
            number,
            slept,
            ECHO,
        ),
    ]


def odd(name: str, body: bytes, number: int = 400, **headers: Any) -> Fault:
    """An error whose body is odd."""
    kind: type[AgentCallsError] = BadRequestError if number == 400 else InternalServerError
    slept = None if number == 400 else BACKOFF
    return Fault(f"{number} {name}", answer(body, number, **headers), kind, number, slept, ECHO)


def page_like(name: str, body: bytes, **headers: Any) -> Fault:
    """A 200 that is no page."""
    return Fault(
        f"200 {name}", answer(body, **headers), UnexpectedResponseError, 200, request_id=ECHO
    )


def limited(
    name: str,
    waits: list[float] | None,
    number: int = 429,
    *,
    deadline: float = 120,
    **headers: Any,
) -> Fault:
    """A refusal that says how long to wait."""
    kind = RateLimitError if number == 429 else InternalServerError
    play = answer(b"{}", number, **headers)
    options = {"deadline": deadline}
    return Fault(f"{number} {name}", play, kind, number, waits, ECHO, options=options)


def broken(name: str, play: Callable[[Exchange], object], **known: Any) -> Fault:
    """A connection that breaks."""
    return Fault(name, play, APIConnectionError, slept=BACKOFF, **known)


def silent(name: str, play: Callable[[Exchange], object], patience: float, **known: Any) -> Fault:
    """A server that keeps silent, to a client that reads for so many seconds."""
    return Fault(name, play, APITimeoutError, slept=BACKOFF, patience=patience, **known)


def harmless(name: str, play: Callable[..., object], **headers: str) -> Fault:
    """An odd answer that is a page all the same."""
    return Fault(name, partial(play, **headers) if headers else play, None)


def bomb() -> bytes:
    """20 MB of spaces, in some 20 KB."""
    packing = zlib.compressobj(wbits=31)
    return b"".join(packing.compress(b" " * 10**6) for _ in range(20)) + packing.flush()


answered = changed(lambda _: None)


def after_interim(number: int) -> Callable[[Exchange], object]:
    """Answers with the page after an interim answer."""

    def play(exchange: Exchange) -> object:
        exchange.send(head_of(number, {"Link": "</>"}))
        return answered(exchange)

    return play


def last(exchange: Exchange) -> None:
    """Answers with the page, and closes the connection without a word of it."""
    answered(exchange)


HEAD = head_of(200, {"Content-Length": "1000", "X-Request-Id": ECHO})
CHUNKED = head_of(200, {"Transfer-Encoding": "chunked", "X-Request-Id": ECHO})
REDIRECTS = {
    "absolute": "https://elsewhere.example/calls",
    "relative": "/calls",
    "other port": "//127.0.0.1:1/calls",
    "no url": "http://[::1",
    "no port": "http://host:port/",
    "no host": "http:///calls",
    "not idna": "http://xn--a.example/\xe9",
    "empty": "",
    "other scheme": "ftp://elsewhere.example/",
}
UNREADABLE = {"no url", "no port", "not idna"}

FAULTS = [
    # Statuses.
    *status(400, BadRequestError),
    *status(401, AuthenticationError),
    *status(402, APIStatusError),
    *status(403, PermissionDeniedError),
    *status(404, NotFoundError),
    *status(408, APIStatusError, retried=True),
    *status(409, ConflictError),
    *status(418, APIStatusError),
    *status(499, APIStatusError),
    *status(500, InternalServerError, retried=True),
    *status(501, InternalServerError),
    *status(502, InternalServerError, retried=True),
    *status(503, InternalServerError, retried=True),
    *status(504, InternalServerError, retried=True),
    *status(520, InternalServerError, retried=True),
    *status(599, InternalServerError, retried=True),
    *(
        Fault(f"{number} empty", answer(b"", number), UnexpectedResponseError, number, None, ECHO)
        for number in (201, 202, 204, 206, 226, 300, 304)
    ),
    *(
        Fault(
            f"{number} to {name}",
            answer(b"", number, Location=location),
            UnexpectedResponseError,
            # httpx does not hand out an answer whose Location it cannot read.
            None if name in UNREADABLE else number,
            None,
            None if name in UNREADABLE else ECHO,
            own={"status": number, "request_id": ECHO},
        )
        for number, (name, location) in zip(
            [301, 302, 303, 307, 308, 302, 302, 302, 302], REDIRECTS.items(), strict=True
        )
    ),
    # Bodies of errors.
    odd("empty", b""),
    odd("not UTF-8", b'{"message": "\xff\xfe%KEY%"}'),
    odd("truncated", b'{"message": "Not'),
    odd("deeply nested", b"[" * 100_000 + b"]" * 100_000),
    odd("null", b"null"),
    odd("list", b'["%KEY%", 1]'),
    odd("number", b"17"),
    odd("text", b'"%KEY%"'),
    odd("wrongly typed", b'{"message": {"a": 1}, "code": 7, "errors": "no", "request_id": []}'),
    odd("wrong rows", b'{"message": ["a", 1, null], "errors": [null, {}, {"path": 1}]}'),
    odd("lone surrogate", b'{"message": "\\ud800"}'),
    odd("escaped key", b'{"message": "%ESCAPED-KEY%", "%ESCAPED-KEY%": ["%ESCAPED-KEY%"]}'),
    odd("key at the cut", b"x" * 2040 + KEY),
    odd("wrong content type", b"<html>", 500, Content_Type="application/json; charset=nonsense"),
    odd("image", bytes(range(256)), 502, Content_Type="image/png"),
    odd("no content type", b"{}", 503, Content_Type=""),
    # Bodies of a 200.
    page_like("html", b"<html>" + KEY, Content_Type="text/html"),
    page_like("empty", b""),
    page_like("null", b"null"),
    page_like("list", b"[]"),
    page_like("number", b"1.5"),
    page_like("text", b'"%KEY%"'),
    page_like("empty object", b"{}"),
    page_like("data null", b'{"meta": null, "data": null}'),
    page_like("data object", b'{"data": {"%KEY%": "%ESCAPED-KEY%"}}'),
    page_like("data text", b'{"data": "%KEY%"}'),
    page_like("truncated", b'{"data": [{"id": "call_1'),
    page_like("not UTF-8", b'{"message": \xff, "data": []}'),
    page_like("deeply nested", b'{"data": ' + b"[" * 100_000),
    page_like("two values", b"{} {}"),
    page_like("key at the cut", b"x" * 2040 + KEY),
    page_like("gzip of nothing", gzip.compress(b""), Content_Encoding="gzip"),
    page_like("broken gzip", b"no gzip", Content_Encoding="gzip"),
    page_like("gzip broken off", gzip.compress(b"{}" * 999)[:20], Content_Encoding="gzip"),
    page_like("gzip bomb", bomb(), Content_Encoding="gzip"),
    page_like("gzip in gzip", gzip.compress(bomb()), Content_Encoding="gzip, gzip"),
    page_like("unknown encoding", b"{}", Content_Encoding="zstd"),
    page_like("too long", b" " * (LONGEST_BODY + 1)),
    Fault(
        "endless body",
        endless(head_of(200, {"X-Request-Id": ECHO}), b" " * 65536),
        UnexpectedResponseError,
        200,
        None,
        ECHO,
    ),
    Fault(
        "endless chunks",
        endless(CHUNKED, b"10000\r\n" + b" " * 65536 + b"\r\n"),
        UnexpectedResponseError,
        200,
        None,
        ECHO,
    ),
    Fault(
        "endless error",
        endless(head_of(500, {"X-Request-Id": ECHO}), b" " * 65536),
        InternalServerError,
        500,
        BACKOFF,
        ECHO,
    ),
    # Pages that are odd and read all the same.
    harmless("byte at a time", dripping),
    harmless("100 first", after_interim(100)),
    harmless("103 first", after_interim(103)),
    harmless("closes after it", last),
    harmless("no content type", rewritten(bytes, Content_Type="")),
    harmless("wrong content type", rewritten(bytes, Content_Type="text/html; charset=utf-16")),
    harmless("gzip", rewritten(gzip.compress, Content_Encoding="gzip")),
    harmless("identity", rewritten(bytes, Content_Encoding="identity")),
    harmless("byte order mark", rewritten(lambda body: b"\xef\xbb\xbf" + body)),
    harmless("NaN", changed(lambda page: page.update(odd=float("nan")))),
    harmless("lone surrogate", changed(lambda page: page.update(message="\ud800"))),
    harmless("huge integer", changed(lambda page: page.update(odd=10**400))),
    harmless("duplicate keys", rewritten(lambda body: b'{"data": 1, ' + body[1:])),
    harmless("meta of the wrong type", changed(lambda page: page.update(meta=[1]))),
    harmless(
        "meta of wrong types",
        changed(lambda page: page["meta"].update(total_count="x", has_next_page=1)),
    ),
    harmless("meta missing", changed(lambda page: page.pop("meta"))),
    harmless("cookie of garbage", rewritten(bytes, Set_Cookie="=;;\x80=%KEY%; expires=never")),
    harmless(
        "no rate limit in words",
        rewritten(bytes, X_RateLimit_Remaining="none", X_RateLimit_Reset="soon"),
    ),
    harmless(
        "used up, reset past",
        rewritten(bytes, X_RateLimit_Remaining="0", X_RateLimit_Reset=str(WALL - 5)),
    ),
    harmless(
        "used up, reset in ms",
        rewritten(bytes, X_RateLimit_Remaining="0", X_RateLimit_Reset=str(WALL * 1000)),
    ),
    harmless("used up, no reset", rewritten(bytes, X_RateLimit_Remaining="0")),
    # Waits.
    limited("without word", BACKOFF),
    limited("in seconds", [7, 7], Retry_After="7"),
    limited("in half seconds", [0.5, 0.5], Retry_After="0.5"),
    limited("at once", BACKOFF, Retry_After="0"),
    limited("nearly at once", BACKOFF, Retry_After="0.001"),
    limited("by date", [40, BACKOFF[1]], Retry_After=formatdate(WALL + 40, usegmt=True)),
    limited(
        "by the server's date",
        [30, 30],
        Retry_After=formatdate(130, usegmt=True),
        Date=formatdate(100, usegmt=True),
    ),
    limited("by a past date", BACKOFF, Retry_After="Sun, 06 Nov 1994 08:49:37 GMT"),
    limited("in garbage", BACKOFF, Retry_After="soon"),
    limited("in a negative number", BACKOFF, Retry_After="-5"),
    limited("at the cap", [60, 60], Retry_After="60", deadline=200),
    limited("before the deadline", [7], Retry_After="7", deadline=14),
    limited("beyond the cap", None, Retry_After="61"),
    limited("far beyond the cap", None, Retry_After="999999999"),
    limited(
        "by reset",
        [20, 20],
        X_RateLimit_Remaining="0",
        X_RateLimit_Reset="120",
        Date=formatdate(100, usegmt=True),
    ),
    limited(
        "by reset beyond the cap",
        None,
        X_RateLimit_Remaining="0",
        X_RateLimit_Reset="200",
        Date=formatdate(100, usegmt=True),
    ),
    limited("in seconds", [7, 7], 503, Retry_After="7"),
    limited("beyond the cap", None, 503, Retry_After="61"),
    limited("in seconds", None, 501, Retry_After="7"),
    # ConnectionPool.
    broken("reset before the answer", script(then="reset"), dies=True),
    broken("reset inside the head", script(b"HTTP/1.1 200 OK\r\nX-", then="reset")),
    broken("reset after the head", script(HEAD, then="reset"), status=200, request_id=ECHO),
    broken(
        "reset inside the body",
        script(HEAD, b'{"data": ' + KEY, then="reset"),
        status=200,
        request_id=ECHO,
    ),
    broken("closed before the answer", script(), dies=True),
    broken("closed inside the head", script(b"HTTP/1.1 200 OK\r\n")),
    broken("closed inside the body", script(HEAD, b'{"data": '), status=200, request_id=ECHO),
    Fault(
        "body of a 404 broken off",
        script(head_of(404, {"Content-Length": "9"}), b"{"),
        NotFoundError,
        404,
    ),
    Fault(
        "body of a 429 broken off",
        script(head_of(429, {"Content-Length": "9", "Retry-After": "7"})),
        RateLimitError,
        429,
        [7, 7],
    ),
    Fault(
        "gzip of a 502 broken",
        answer(b"no gzip", 502, Content_Encoding="gzip"),
        InternalServerError,
        502,
        BACKOFF,
        ECHO,
    ),
    Fault(
        "unknown encoding of a 400",
        answer(b"{}", 400, Content_Encoding="br"),
        BadRequestError,
        400,
        None,
        ECHO,
    ),
    broken("chunks broken off", script(CHUNKED, b"5\r\nabcde\r\n"), status=200, request_id=ECHO),
    broken("chunk broken off", script(CHUNKED, b"50\r\nabcde"), status=200, request_id=ECHO),
    broken("chunk of garbage", script(CHUNKED, b"%KEY%\r\nabcde"), status=200, request_id=ECHO),
    broken("no HTTP", script(b"SSH-2.0-%KEY%\r\n\r\n")),
    broken("binary garbage", script(bytes(range(256)) * 4 + b"\r\n\r\n")),
    broken("HTTP/2", script(b"HTTP/2 200\r\n\r\n")),
    broken("status of letters", script(b"HTTP/1.1 %KEY% OK\r\n\r\n")),
    broken("status of two digits", script(b"HTTP/1.1 99 %KEY%\r\n\r\n")),
    broken("header without colon", script(b"HTTP/1.1 200 OK\r\n%KEY%\r\n\r\n")),
    broken("two lengths", script(head_of(200, {"Content-Length": "1", "content-length": "2"}))),
    broken("length of letters", script(head_of(200, {"Content-Length": "many"}))),
    broken("huge header", script(b"HTTP/1.1 200 OK\r\nX-Huge: " + b"x" * 200_000 + b"\r\n\r\n")),
    broken("endless header", endless(b"HTTP/1.1 200 OK\r\nX-Huge: ", b"x" * 65536)),
    broken("101", script(b"HTTP/1.1 101 Switching\r\nUpgrade: %KEY%\r\n\r\n")),
    silent("never an answer", script(then="stall"), 0.03),
    silent("silence inside the head", script(b"HTTP/1.1 200 OK\r\n", then="stall"), 0.03),
    silent("silence after the head", script(HEAD, then="stall"), 0.1, status=200, request_id=ECHO),
    silent(
        "silence inside the body",
        script(HEAD, b"{", then="stall"),
        0.1,
        status=200,
        request_id=ECHO,
    ),
    silent("only 100", script(head_of(100, {}), then="stall"), 0.03),
    broken("connection refused", script(), prepare=lambda server: server.refuse(), unseen=True),
    broken("no such host", script(), target=lambda _: Target("http://name.invalid"), unseen=True),
    broken(
        "TLS against plain http",
        script(b"HTTP/1.1 400 Bad\r\n\r\n"),
        target=lambda server: Target(server.url.replace("http", "https")),
        unseen=True,
    ),
    Fault(
        "proxy answers 502",
        answer(b"<html>", 502),
        InternalServerError,
        502,
        BACKOFF,
        ECHO,
        target=lambda server: Target("http://api.example", server.url),
    ),
    broken(
        "proxy refuses the tunnel",
        answer(b"<html>", 502, reason="%KEY%"),
        target=lambda server: Target("https://api.example", server.url),
    ),
    broken(
        "no such proxy",
        script(),
        target=lambda _: Target("http://api.example", "http://name.invalid"),
        unseen=True,
    ),
]

# Made once: loading the machine's own takes longer than most faults.
CERTIFICATES = ssl.create_default_context()
POSITIONS = {"first": 0, "later": 1}


class Switched(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Sends some requests to another place."""

    def __init__(
        self, flavour: str, fault: Fault, target: Target | None, *, after: int, times: int
    ) -> None:
        transport: Any = httpx.HTTPTransport if flavour == "sync" else httpx.AsyncHTTPTransport
        self._plain = transport(verify=CERTIFICATES)
        self._other = transport(verify=CERTIFICATES, proxy=target.proxy if target else None)
        self._target = httpx.URL(target.url) if target else None
        self._patience = fault.patience
        self._failing = range(after, after + times)
        self._count = 0

    def _next(self, request: httpx.Request) -> Any:
        self._count += 1
        if self._count - 1 not in self._failing:
            return self._plain
        if self._patience:
            request.extensions["timeout"] |= {"read": self._patience}
        if not self._target:
            return self._plain
        request.url = self._target.copy_with(raw_path=request.url.raw_path)
        return self._other

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response: httpx.Response = self._next(request).handle_request(request)
        return response

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response: httpx.Response = await self._next(request).handle_async_request(request)
        return response

    def close(self) -> None:
        self._plain.close()
        self._other.close()

    async def aclose(self) -> None:
        await self._plain.aclose()
        await self._other.aclose()


@frozen
class Outcome:
    """What a listing gave, and how it ended."""

    client: Client
    listing: Any
    delivered: list[str | None]
    error: AgentCallsError | None


class SwitchedPool(ConnectionPool):
    """The same for our own connections."""

    def __init__(self, client: Any, fault: Fault, target: Target | None, failing: range) -> None:
        super().__init__(client._host)
        self._other = ConnectionPool(Host(target.url)) if target else None
        self._patience = fault.patience
        self._failing = failing
        self._count = 0

    def exchange(
        self, message: memoryview, incoming: Incoming, patience: Patience, **how: Any
    ) -> Waits[None]:
        self._count += 1
        if self._count - 1 not in self._failing:
            return super().exchange(message, incoming, patience, **how)
        patience.read = self._patience or patience.read
        exchange = self._other.exchange if self._other else super().exchange
        return exchange(message, incoming, patience, **how)

    def close(self) -> None:
        super().close()
        if self._other:
            self._other.close()


def client_of(
    fault: Fault,
    after: int,
    times: int,
    make_client: MakeClient,
    server: FaultServer,
    *,
    way: str = "passed",
    **known: Any,
) -> Client:
    """A client of a server that will play the fault so many times, after so many good answers.

    It goes its own way, or that of an `http_client` that is passed.
    """
    options: dict[str, Any] = {
        "max_retries": RETRIES,
        "max_body_bytes": LONGEST_BODY,
        "concurrency": 1,
    }
    target = fault.target(server) if fault.target else None
    if way == "passed":
        switched = Switched(make_client.flavour, fault, target, after=after, times=times)
        options["http_client"] = make_client.through(switched)
    if not fault.unseen:
        server.fail(fault.play, after=after, times=times)
    if fault.prepare and after:
        prepare = fault.prepare

        def answer_and_prepare(exchange: Exchange) -> None:
            prepare(exchange.server)
            answer(exchange.request.body, Connection="close")(exchange)

        server.fail(answer_and_prepare, times=1)
    elif fault.prepare:
        fault.prepare(server)
    client = make_client(base_url=server.url, **{**options, **fault.options, **known})
    if way == "own":
        bare: Any = getattr(client, "_target", client)
        bare._http = SwitchedPool(bare, fault, target, range(after, after + times))
    return client


def read(client: Client) -> Outcome:
    """What the listing gives until it ends or fails.

    It asks nothing about the order (see `test_probes.py`): its second request is for the second page.
    """
    client._sorts.learn("created_on", honoured=True)
    delivered: list[str | None] = []
    listing = client.calls.list("agent_1")
    error: AgentCallsError | None = None
    try:
        for call in listing:
            delivered.append(call.id)  # noqa: PERF401  # those before the error count
    except AgentCallsError as caught:
        error = caught
    return Outcome(client, listing, delivered, error)
