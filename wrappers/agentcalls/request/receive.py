"""An answer as it arrives, or fails to: what both shells do with it between sending a request and `retry.attempts`."""

from __future__ import annotations

import ssl
import zlib
from typing import TYPE_CHECKING, Any, cast

import httpcore
import httpx

from agentcalls.errors import (
    AgentCallsError,
    APIConnectionError,
    APITimeoutError,
    UnexpectedResponseError,
)
from agentcalls.request.key import without
from agentcalls.request.operation import OPERATION
from agentcalls.request.retry import Answer

if TYPE_CHECKING:
    from agentcalls.request.key import KeyAuth
    from agentcalls.request.transport import Reply, Timeouts

# What sending and reading may raise. httpx lets some of what is below it through: a redirect to no URL and, in
# asyncio, a TLS record that is broken.
_OF_HTTPCORE = (
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.ProxyError,
    httpcore.TimeoutException,
    httpcore.UnsupportedProtocol,
)
FAILURES = (
    *_OF_HTTPCORE,
    httpx.RequestError,
    httpx.StreamError,
    httpx.InvalidURL,
    OSError,
    UnicodeError,
)

# httpx looks at where a redirect leads even if it is not to be followed.
_UNREADABLE = (httpx.DecodingError, httpx.StreamError, httpx.InvalidURL, UnicodeError)

# Two compressions on top of each other make gigabytes of kilobytes before anybody can count them.
_ENCODINGS = {"", "identity", "gzip"}
_OK = 200
_GZIP = 16 + zlib.MAX_WBITS
_SHORTEST_TIMEOUT_SECONDS = 0.001


class Incoming:
    """The answer to one request, piece by piece; at the end, or where it breaks off, an `Answer` or an error.

    The body of an error may be cut short by anything: its status and headers say what there is to do.
    """

    def __init__(self, auth: KeyAuth, *, longest: int, deadline: float) -> None:
        self._auth = auth
        self._longest = longest
        self._deadline = deadline
        self._status: int | None = None
        self._headers: dict[str, str] = {}
        self._arrived = self._length = 0
        self._inflate: Any = None  # zlib names its class nowhere
        self._pieces: list[bytes] = []

    def start(self, reply: Reply[Any, Any]) -> Answer | AgentCallsError | None:
        """Take the head of the answer; what is returned, if anything, ends it."""
        self._status, self._headers = reply.status, reply.headers
        encoding = self._headers.get("content-encoding", "").strip().lower()
        if encoding == "gzip":
            self._inflate = zlib.decompressobj(_GZIP)
        if encoding in _ENCODINGS:
            return None
        return self._ended(UnexpectedResponseError("Its Content-Encoding was not asked for."))

    def add(self, chunk: bytes, now: float) -> Answer | AgentCallsError | None:
        """Take a piece of the body as it arrived; what is returned, if anything, ends it."""
        self._arrived += len(chunk)
        if self._inflate:
            # httpx's own decoder hands out nothing for a piece that holds nothing, and all that a piece holds at once.
            try:
                chunk = self._inflate.decompress(chunk, self._longest + 1 - self._length)
            except zlib.error as error:
                return self.failed(httpx.DecodingError(str(error)))
        self._length += len(chunk)
        self._pieces.append(chunk)
        if max(self._arrived, self._length) > self._longest:
            return self._ended(
                UnexpectedResponseError(f"The answer is longer than {self._longest:,} bytes.")
            )
        if now > self._deadline:
            return self._ended(
                APITimeoutError("The deadline passed before the answer was complete.")
            )
        return None

    def whole(self) -> Answer | AgentCallsError:
        """The answer, once it has been read to its end."""
        if self._inflate and self._arrived and not self._inflate.eof:
            return self.failed(httpx.DecodingError("the compressed body is not complete"))
        return self._answer(cast("int", self._status))

    def _answer(self, status: int) -> Answer:
        return Answer(status, self._headers, b"".join(self._pieces), self._auth.secret)

    def failed(self, error: Exception) -> Answer | AgentCallsError:
        """What an error of `FAILURES` stands for; it is returned, not raised."""
        if isinstance(error, _OF_HTTPCORE):
            error = _as_of_httpx(error)
        what = without(self._auth.secret, str(error)) or type(error).__name__
        refusal: AgentCallsError
        if isinstance(error, httpx.TimeoutException):
            refusal = APITimeoutError(f"No answer in time: {what}.")
        elif isinstance(error, _UNREADABLE) or "location header" in what:
            refusal = UnexpectedResponseError(f"The answer cannot be read: {what}.")
        else:
            refusal = APIConnectionError(f"No answer: {what}.")
            refusal.retryable = not _is_final(error)
        _clear(error, self._auth.secret)
        refusal.__cause__ = error
        return self._ended(refusal)

    def _ended(self, refusal: AgentCallsError) -> Answer | AgentCallsError:
        if self._status is not None:
            if self._status != _OK:
                return self._answer(self._status)
            refusal.status = self._status
            request_id = self._headers.get("x-request-id", "")
            refusal.request_id = without(self._auth.secret, request_id) or None
        return refusal


def within(timeout: httpx.Timeout, seconds: float) -> Timeouts:
    """The same timeouts, none of them longer than `seconds`."""
    longest = max(seconds, _SHORTEST_TIMEOUT_SECONDS)
    return {
        name: longest if value is None else min(value, longest)
        for name, value in timeout.as_dict().items()
    }


def _as_of_httpx(error: Exception) -> httpx.RequestError:
    # They have the same names.
    translated: httpx.RequestError = getattr(httpx, type(error).__name__)(str(error))
    translated.__cause__ = error
    return translated


def _is_final(error: BaseException) -> bool:
    # A request that cannot be sent, and a certificate that is not trusted, stay so.
    return isinstance(error, httpx.UnsupportedProtocol | httpx.LocalProtocolError) or any(
        isinstance(link, ssl.SSLCertVerificationError) for link in _chain(error)
    )


def _clear(error: BaseException, secret: str) -> None:
    # The frames of httpx and httpcore have the request with its headers among their locals, the error has it too, and
    # an error of h11 quotes what the server sent.
    for link in _chain(error):
        link.__traceback__ = None
        if isinstance(link, httpx.RequestError):
            link.request = httpx.Request(OPERATION["method"], httpx.URL(path=OPERATION["path"]))
        if secret in repr(link.args):
            link.args = (without(secret, repr(link.args)),)


def _chain(error: BaseException) -> list[BaseException]:
    links: list[BaseException] = []
    ahead: list[BaseException | None] = [error]
    while ahead:
        link = ahead.pop()
        if link is not None and link not in links:
            links.append(link)
            ahead += [link.__cause__, link.__context__, *getattr(link, "exceptions", ())]
    return links
