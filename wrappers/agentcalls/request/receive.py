"""An answer as it arrives, or fails to: what both shells do with it between sending a request and `retry.attempts`."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

import httpcore
import httpx

from agentcalls.errors import APIConnectionError, APITimeoutError, UnexpectedResponseError
from agentcalls.request.key import without
from agentcalls.request.retry import Answer, is_final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agentcalls.errors import AgentCallsError
    from agentcalls.request.host import Timeouts
    from agentcalls.request.key import KeyAuth
    from agentcalls.request.operation import Outgoing
    from agentcalls.request.transport import Reply

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
_GZIP = 16 + zlib.MAX_WBITS
_SHORTEST_TIMEOUT_SECONDS = 0.001


class Incoming:
    """The answer to one request, piece by piece; at the end, or where it breaks off, an `Answer`.

    The body of an error may be cut short by anything: its status and headers are enough to act on.
    """

    def __init__(
        self, outgoing: Outgoing[Any], auth: KeyAuth, *, longest: int, deadline: float
    ) -> None:
        self._operation = outgoing.operation
        self._auth = auth
        self._longest = longest
        self._deadline = deadline
        self._status: int | None = None
        self._headers: Mapping[str, str] = {}
        self._arrived = self._length = 0
        self._inflate: Any = None  # zlib names its class nowhere
        self._pieces: list[bytes] = []
        self.failure: AgentCallsError | None = None
        """Why it broke off, or cannot be read."""

    def start(self, reply: Reply[Any, Any]) -> bool:
        """Take the head of the answer; returns whether its body is to be read."""
        self._status, self._headers = reply.status, reply.headers
        encoding = self._headers.get("content-encoding", "").strip().lower()
        if encoding == "gzip":
            self._inflate = zlib.decompressobj(_GZIP)
        if encoding not in _ENCODINGS:
            self.failure = UnexpectedResponseError("Its Content-Encoding was not asked for.")
        return not self.failure

    def add(self, chunk: bytes, now: float) -> bool:
        """Take a piece of the body as it arrived; returns whether more is to be read."""
        self._arrived += len(chunk)
        if self._inflate:
            # httpx's own decoder hands out nothing for a piece that holds nothing, and all that a piece holds at once.
            try:
                chunk = self._inflate.decompress(chunk, self._longest + 1 - self._length)
            except zlib.error as error:
                self.fail(httpx.DecodingError(str(error)))
                return False
        self._length += len(chunk)
        self._pieces.append(chunk)
        if max(self._arrived, self._length) > self._longest:
            self.failure = UnexpectedResponseError(
                f"The answer is longer than {self._longest:,} bytes."
            )
        elif now > self._deadline:
            self.failure = APITimeoutError("The deadline passed before the answer was complete.")
        return not self.failure

    def fail(self, error: Exception) -> None:
        """Take an error of `FAILURES`, which ends the answer."""
        if isinstance(error, _OF_HTTPCORE):
            error = _as_of_httpx(error)
        what = without(self._auth.secret, str(error)) or type(error).__name__
        if isinstance(error, httpx.TimeoutException):
            self.failure = APITimeoutError(f"No answer in time: {what}.")
        elif isinstance(error, _UNREADABLE) or "location header" in what:
            self.failure = UnexpectedResponseError(f"The answer cannot be read: {what}.")
        else:
            self.failure = APIConnectionError(f"No answer: {what}.")
            self.failure.retryable = not is_final(_chain(error))
        self._clear(error)
        self.failure.__cause__ = error

    def answer(self) -> Answer:
        """The answer, once nothing more is to be read."""
        if not self.failure and self._inflate and self._arrived and not self._inflate.eof:
            self.fail(httpx.DecodingError("the compressed body is not complete"))
        if self.failure and self._status is not None:
            if self._status != self._operation.success:
                self.failure = None
            else:
                self.failure.status = self._status
                request_id = self._headers.get("x-request-id", "")
                self.failure.request_id = without(self._auth.secret, request_id) or None
        return Answer(
            status=self._status,
            headers=self._headers,
            content=b"" if self.failure else b"".join(self._pieces),
            secret=self._auth.secret,
            arrived=self._arrived,
            failure=self.failure,
        )

    def _clear(self, error: BaseException) -> None:
        # The frames of httpx and httpcore have the request with its headers among their locals, the error has it too,
        # and an error of h11 quotes what the server sent.
        secret = self._auth.secret
        for link in _chain(error):
            link.__traceback__ = None
            if isinstance(link, httpx.RequestError):
                url = httpx.URL(path=self._operation.path)
                link.request = httpx.Request(self._operation.method, url)
            if secret in repr(link.args):
                link.args = (without(secret, repr(link.args)),)


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


def _chain(error: BaseException) -> list[BaseException]:
    links: list[BaseException] = []
    ahead: list[BaseException | None] = [error]
    while ahead:
        link = ahead.pop()
        if link is not None and link not in links:
            links.append(link)
            ahead += [link.__cause__, link.__context__, *getattr(link, "exceptions", ())]
    return links
