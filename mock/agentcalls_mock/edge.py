"""What happens to every request before and after it is answered, whatever the answer is."""

import asyncio
import logging
from urllib.parse import quote
from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from agentcalls_mock.answers import ApiError, error_response
from agentcalls_mock.auth import presented_key
from agentcalls_mock.ratelimit import Allowance, RateLimiter

_log = logging.getLogger("agentcalls_mock")


class Edge:
    """ASGI middleware: request id, latency, rate limit, and an envelope for what went wrong inside.

    The id is the request's `X-Request-Id`, or a new UUID; it is in `scope["state"]["request_id"]`,
    in the response's header and in the body of an error.
    """

    def __init__(self, app: ASGIApp, *, limiter: RateLimiter, latency_seconds: float) -> None:
        """Wrap `app`; each request is held for `latency_seconds` before it is looked at."""
        self._app = app
        self._limiter = limiter
        self._latency_seconds = latency_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer an HTTP request; anything else is passed on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        request_id = headers.get("X-Request-Id") or str(uuid4())
        # Routes see the path as it was sent: a decoded %2F would split an agent's id in two.
        path: bytes = scope.get("raw_path") or quote(scope["path"]).encode()
        scope["path"] = path.decode("latin-1")
        scope["state"] = {**scope.get("state", {}), "request_id": request_id}
        _log.debug("%s %s has arrived", scope["method"], scope["path"])
        if self._latency_seconds:
            await asyncio.sleep(self._latency_seconds)
        allowance = self._limiter.take(presented_key(headers) or "")
        started = False

        async def send_with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                MutableHeaders(scope=message).update(
                    {"X-Request-Id": request_id, **allowance.headers()}
                )
            await send(message)

        if not allowance.admitted:
            refused = error_response(_too_many(allowance), request_id)
            await refused(scope, receive, send_with_headers)
            return
        try:
            await self._app(scope, receive, send_with_headers)
        except Exception:
            # Half an answer cannot become another one: the server then cuts the connection.
            if started:
                raise
            _log.exception("request %s failed", request_id)
            failed = error_response(_internal(), request_id)
            await failed(scope, receive, send_with_headers)


def _too_many(allowance: Allowance) -> ApiError:
    wait = allowance.retry_after
    return ApiError(429, "rate_limited", f"Too many requests. Try again in {wait} seconds.")


def _internal() -> ApiError:
    return ApiError(500, "internal_error", "Internal server error")
