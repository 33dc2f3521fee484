"""Receive an answer, piece by piece, over any transport: bounds, compression, and the error for each failure."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

import msgspec

from agentcalls.errors import APIConnectionError, APITimeoutError, UnexpectedResponseError
from agentcalls.request.key import without_key
from agentcalls.request.retry import TOO_MANY_REQUESTS, Answer, is_final, is_retryable
from agentcalls.request.wire.library import httpx, is_a

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agentcalls.clock import Deadline
    from agentcalls.errors import AgentCallsError
    from agentcalls.request.key import KeyAuth
    from agentcalls.request.operation import Outgoing

# The errors that sending and reading may raise. httpx does not wrap all errors of lower layers: not a redirect to an
# invalid URL and, in asyncio, not a broken TLS record.
_FAILURES = (
    *("RequestError", "StreamError", "InvalidURL"),
    *("NetworkError", "ProtocolError", "TimeoutException", "ProxyError", "UnsupportedProtocol"),
)

# httpx parses the target of a redirect even if it does not follow it.
_UNREADABLE = ("DecodingError", "StreamError", "InvalidURL")

# Two nested compressions turn kilobytes into gigabytes before they can be counted.
_CODINGS = {
    "gzip",
    "x-gzip",
    "deflate",
    "br",
    "zstd",
    "compress",
    "x-compress",
    "exi",
    "pack200-gzip",
    "aes128gcm",
    "dcb",
    "dcz",
}
"""The registered content codings that change a body; any other word, such as "utf-8", means none."""
_GZIP = 16 + zlib.MAX_WBITS
_MEMBER = b"\x1f"
"""The first byte of a further member of a gzip file; any bytes may follow the last member."""
_MOST_MEMBERS = 1000


class Incoming:
    """The answer to one request, piece by piece; it becomes an `Answer` when it ends or breaks off.

    The body of an error may be incomplete: its status and headers are enough to act on.
    """

    def __init__(
        self,
        outgoing: Outgoing[Any],
        auth: KeyAuth,
        *,
        longest: int,
        deadline: Deadline,
        is_stray: Callable[[bool | None, str], bool],
    ) -> None:
        self._operation = outgoing.operation
        self._auth = auth
        self._longest = longest
        self._deadline = deadline
        self._is_stray = is_stray
        self._status: int | None = None
        self._headers: Mapping[str, str] = {}
        self._arrived = self._length = 0
        self._inflate: Any = None  # zlib names its class nowhere
        self._members = 1
        self._pieces: list[bytes] = []
        self._ends_by_close = False
        self.on_kept: bool | None = None
        """Whether the connection had carried an answer before; None if unknown."""
        self.is_stray: bool = False
        """Whether it belongs to another request."""
        self.failure: AgentCallsError | None = None
        """The error if it broke off, or cannot be read."""

    def start(self, status: int, headers: Mapping[str, str], *, ends_by_close: bool) -> bool:
        """Take the head of the answer; returns whether to read its body.

        `ends_by_close` is whether the body ends only with the connection.
        """
        self.is_stray = self._is_stray(self.on_kept, headers.get("x-request-id", ""))
        # A gateway that asks clients to wait is obeyed, although its answer has an id of its own.
        asks_to_wait = status == TOO_MANY_REQUESTS or "retry-after" in headers
        if self.is_stray and not (asks_to_wait and is_retryable(status)):
            self.fail(httpx.RemoteProtocolError("the answer belongs to another request"))
            return False
        self._status, self._headers, self._ends_by_close = status, headers, ends_by_close
        named = headers.get("content-encoding", "").lower().split(",")
        codings = [coding for word in named if (coding := word.strip()) in _CODINGS]
        if codings in (["gzip"], ["x-gzip"]):
            self._inflate = zlib.decompressobj(_GZIP)
        elif codings:
            self.failure = UnexpectedResponseError("Its Content-Encoding was not asked for.")
        return not (self.failure or self.is_stray)

    def add(self, chunk: bytes) -> bool:
        """Take a piece of the body as it arrived; returns whether to read more."""
        self._arrived += len(chunk)
        if self._inflate:
            # httpx's own decoder would decompress all of a piece at once, without a bound.
            try:
                chunk = self._inflated(chunk)
            except zlib.error as error:
                self.fail(httpx.DecodingError(str(error)))
                return False
        self._length += len(chunk)
        self._pieces.append(chunk)
        if max(self._arrived, self._length) > self._longest:
            self.failure = UnexpectedResponseError(
                f"The answer is longer than {self._longest:,} bytes."
            )
        elif self._deadline.left() < 0:
            self.failure = APITimeoutError("The deadline passed before the answer was complete.")
        return not self.failure

    def _inflated(self, chunk: bytes) -> bytes:
        pieces: list[bytes] = []
        left = self._longest + 1 - self._length
        while chunk and left > 0:
            if self._inflate.eof:
                if not chunk.startswith(_MEMBER):
                    break
                self._members += 1
                if self._members > _MOST_MEMBERS:
                    raise zlib.error("too many members")
                self._inflate = zlib.decompressobj(_GZIP)
            pieces.append(self._inflate.decompress(chunk, left))
            left -= len(pieces[-1])
            chunk = self._inflate.unused_data
        return b"".join(pieces)

    def fail(self, error: Exception) -> bool:
        """Take an error, which ends the answer; returns False for an error that sending and reading do not raise."""
        # asyncio looks up names in threads, and may be unable to start one.
        is_below = isinstance(error, OSError | UnicodeError) or "new thread" in str(error)
        if not (is_below or is_a(error, *_FAILURES)):
            return False
        what = without_key(self._auth.secret, str(error)) or type(error).__name__
        if is_a(error, "TimeoutException"):
            self.failure = APITimeoutError(f"{what}.")
        elif (
            isinstance(error, UnicodeError)
            or is_a(error, *_UNREADABLE)
            or "location header" in what
        ):
            self.failure = UnexpectedResponseError(f"The answer cannot be read: {what}.")
        else:
            self.failure = APIConnectionError(f"{what}.{_other_protocol(what)}")
            self.failure.retryable = not is_final(_chain(error))
        self._clear(error)
        self.failure.__cause__ = error
        return True

    def answer(self) -> Answer:
        """The answer, after its end."""
        content = b"" if self.failure else b"".join(self._pieces)
        if self.failure:
            pass
        elif self._ends_by_close and self._is_cut(content):
            self.fail(
                httpx.RemoteProtocolError("the connection was closed before the answer's end")
            )
        elif self._inflate and self._arrived and not self._inflate.eof:
            self.fail(httpx.DecodingError("the compressed body is not complete"))
        if self._status is not None and self._status != self._operation.success:
            self.failure = None
        answer = Answer(
            status=self._status,
            headers=self._headers,
            content=b"" if self.failure else content,
            secret=self._auth.secret,
            arrived=self._arrived,
            failure=self.failure,
        )
        if self.failure and self._status is not None:
            vars(self.failure).update(status=answer.status, request_id=answer.request_id)
        return answer

    def _is_cut(self, content: bytes) -> bool:
        # The body is the beginning of JSON, or of compressed data.
        if self._inflate:
            return not self._inflate.eof
        # A number that stops at its sign, point or exponent counts as malformed until a digit follows.
        return _is_beginning(content) or _is_beginning(content + b"0")

    def _clear(self, error: BaseException) -> None:
        # The request with its headers is a local of the frames of httpx and httpcore, and an attribute of the error. An
        # error may also quote the server.
        secret = self._auth.secret
        for link in _chain(error):
            link.__traceback__ = None
            if is_a(link, "RequestError") or hasattr(link, "_request"):
                url = httpx.URL(path=self._operation.path)
                vars(link)["_request"] = httpx.Request(self._operation.method, url)
            if secret in repr(link.args):
                link.args = (without_key(secret, repr(link.args)),)


def _other_protocol(what: str) -> str:
    # OpenSSL has had several names for an answer that is not TLS.
    if any(name in what for name in _NO_TLS):
        return " The port may speak plain http, and not https."
    return ""


def _is_beginning(content: bytes) -> bool:
    try:
        msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        return "truncated" in str(error)
    return False


_NO_TLS = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG")


def _chain(error: BaseException) -> list[BaseException]:
    links: list[BaseException] = []
    ahead: list[BaseException | None] = [error]
    while ahead:
        link = ahead.pop()
        if link is not None and link not in links:
            links.append(link)
            ahead += [link.__cause__, link.__context__, *getattr(link, "exceptions", ())]
    return links
