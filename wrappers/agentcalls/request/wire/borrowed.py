"""A client of httpx, or of a library like it, as the transport: the user's, or ours for proxies and tools."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agentcalls.request.log import keyless_logs
from agentcalls.request.wire.library import timeouts_of

if TYPE_CHECKING:
    from agentcalls.clock import Deadline
    from agentcalls.request.host import Host
    from agentcalls.request.key import KeyAuth
    from agentcalls.request.operation import Outgoing
    from agentcalls.request.receive import Incoming
    from agentcalls.request.wire.library import Timeouts


class BorrowedBase:
    """The common part of both flavours."""

    def __init__(self, http: Any, host: Host, timeouts: Timeouts | None) -> None:
        self._http = http
        self.client: Any = http
        self._host = host
        self.timeouts: Timeouts = timeouts or timeouts_of(http.timeout)
        """The timeouts of its requests."""

    @property
    def is_closed(self) -> bool:
        """Whether its owner has closed it."""
        closed: bool = self._http.is_closed
        return closed

    def _request(
        self, outgoing: Outgoing[Any], auth: KeyAuth, request_id: str, deadline: Deadline
    ) -> Any:
        timeouts = self.timeouts.within(deadline.left())
        return self._host.httpx_request(self._http, outgoing, auth, request_id, timeouts)


class Borrowed(BorrowedBase):
    """A blocking client."""

    def exchange(
        self,
        outgoing: Outgoing[Any],
        auth: KeyAuth,
        request_id: str,
        incoming: Incoming,
        deadline: Deadline,
    ) -> None:
        """Send a request, and let `incoming` take its answer. Raises the errors of the client's library."""
        request = self._request(outgoing, auth, request_id, deadline)
        with keyless_logs(auth):
            response = self._http.send(request, auth=None, stream=True, follow_redirects=False)
            try:
                if starts(incoming, response):
                    whole = (response.content,) if response.is_stream_consumed else None
                    for chunk in whole or response.stream:
                        if not incoming.add(chunk):
                            break
            finally:
                response.close()

    def close(self) -> None:
        """Close the client."""
        self._http.close()


def starts(incoming: Incoming, response: Any) -> bool:
    """Hand over the head of an answer; returns whether its body is to be read."""
    headers = dict(response.headers.items())
    if response.is_stream_consumed:  # by a hook, which decompressed it
        headers.pop("content-encoding", None)
    # HTTP/2 marks the end of an answer, and a made-up answer is whole.
    is_http1 = response.extensions.get("http_version", b"").startswith(b"HTTP/1")
    is_framed = headers.keys() & {"content-length", "transfer-encoding"}
    return incoming.start(response.status_code, headers, ends_by_close=is_http1 and not is_framed)
