"""The bytes of an answer, parsed by llhttp as they arrive: no socket, no clock.

`AnswerParser` hands the head and the pieces of the body to an `Incoming`. It knows whether the answer is over, and
whether the connection can carry another request.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from httptools import (
    HttpParserCallbackError,
    HttpParserError,
    HttpParserUpgrade,
    HttpResponseParser,
)

from agentcalls.request.wire.library import httpx

if TYPE_CHECKING:
    from agentcalls.request.receive import Incoming

_SWITCHING_PROTOCOLS, _FIRST_FINAL_STATUS = 101, 200
_MOST_WITHOUT_BODY = 100_000
_LINE_ENDS = (b"\r", b"\n")
_CONTROLS = bytes([*range(9), *range(10, 32), 127])  # forbidden in a header


class AnswerParser:
    """The answer to one request, fed as it arrives.

    All bytes outside of the body are bounded: heads, interim answers, chunk extensions, trailers.
    """

    def __init__(self, incoming: Incoming) -> None:
        self._incoming = incoming
        self._parser = HttpResponseParser(self)
        # For folded lines, which RFC 9112 (5.2) lets an answer have. It admits control characters, too.
        self._parser.set_dangerous_leniencies(lenient_headers=True)
        self._headers: list[tuple[bytes, bytes]] = []
        self._without_body = 0
        self._ends_by_close = self._is_whole = self._goes_on = self._excess = False
        self.has_begun: bool = False
        self.has_head: bool = False
        """Whether its first byte has come; whether its whole head has."""
        self.is_over: bool = False
        """Whether the answer is over."""

    @property
    def leaves_connection(self) -> bool:
        """Whether the connection can carry another request."""
        return self._is_whole and self._goes_on and not (self._excess or self._incoming.is_stray)

    def feed(self, data: bytes) -> None:
        """Parse bytes. Raises `httpx.RemoteProtocolError` if they are no answer."""
        self.has_begun = True
        self._without_body += len(data)
        # After an answer llhttp ignores line ends: only the last one may belong to the answer.
        last = len(data) - data.endswith(_LINE_ENDS)
        try:
            self._parser.feed_data(data[:last])
            self._excess = self._excess or (self._is_whole and last < len(data))
            if not self._excess:
                self._parser.feed_data(data[last:])
        except HttpParserCallbackError as error:
            raise error.__context__ or error  # noqa: B904 (what interrupted a callback, such as Ctrl-C)
        except (HttpParserError, HttpParserUpgrade) as error:
            self._excess = True
            if not self._is_whole:
                raise httpx.RemoteProtocolError(str(error)) from error
        if self._without_body > _MOST_WITHOUT_BODY and not self.is_over:
            raise httpx.RemoteProtocolError("its head, or what stands around its body, is too long")

    def end(self) -> None:
        """Note the end of the connection. Raises `httpx.RemoteProtocolError` if the answer is not whole."""
        if not self._ends_by_close:
            when = "before the answer's end" if self.has_begun else "without an answer"
            raise httpx.RemoteProtocolError(f"the connection was closed {when}")
        self.is_over = True

    # llhttp calls these.

    def on_message_begin(self) -> None:
        """The first byte of an answer, even of an answer too many."""
        self._excess = self._is_whole

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header or, after the head, a trailer, which is ignored."""
        if len(value.translate(None, _CONTROLS)) < len(value):
            raise httpx.RemoteProtocolError("a header holds a control character")
        if not self.has_head:
            self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        """The end of a head."""
        status = self._parser.get_status_code()
        if status == _SWITCHING_PROTOCOLS and not self._is_whole:
            raise httpx.RemoteProtocolError("the host switches to another protocol")
        if status < _FIRST_FINAL_STATUS or self._is_whole:
            self._headers.clear()
            return
        headers, self.has_head = joined(self._headers), True
        self._goes_on = self._parser.should_keep_alive()
        self._ends_by_close = not headers.keys() & {"content-length", "transfer-encoding"}
        self.is_over = not self._incoming.start(status, headers, ends_by_close=self._ends_by_close)

    def on_body(self, data: bytes) -> None:
        """A piece of the body; an interim answer has none."""
        if not self.has_head:
            raise httpx.RemoteProtocolError("an interim answer has a body")
        self._without_body = 0
        self.is_over = self.is_over or not self._incoming.add(data)

    def on_message_complete(self) -> None:
        """The end of an answer; an interim one is followed by another."""
        self.is_over = self._is_whole = self.has_head


def joined(headers: list[tuple[bytes, bytes]]) -> dict[str, str]:
    """The headers by name in lower case; repeated headers are joined with commas."""
    decoded = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in headers]
    by_name = dict(decoded)
    if len(by_name) < len(decoded):
        by_name = {name: ", ".join(v for n, v in decoded if n == name) for name in by_name}
    return by_name
