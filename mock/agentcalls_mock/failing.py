"""The middleware that plays the faults of `faults.py`.

It stands behind the edge: an answer has its request id and rate limit, unless it never comes.
"""

from collections.abc import Awaitable, Callable
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from agentcalls_mock.answers import ApiError, error_response
from agentcalls_mock.faults import Fault, is_kind

HEADER = "X-Mock-Fault"
_RETRY_AFTER_SECONDS = "1"
_WAITING = {429, 503}

Play = Callable[[ASGIApp, Scope, Receive, Send], Awaitable[None]]


class Faults:
    """ASGI middleware that makes requests fail."""

    def __init__(self, app: ASGIApp, *, fault: Fault) -> None:
        """Wrap `app`; requests are counted from here on."""
        self._app = app
        self._fault = fault
        self._requests = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, perhaps with a fault; anything else is passed on."""
        kind = self._kind(scope) if scope["type"] == "http" else ""
        if not is_kind(kind):
            await self._app(scope, receive, send)
        elif kind in _PLAYS:
            await _PLAYS[kind](self._app, scope, receive, send)
        else:
            wait = _RETRY_AFTER_SECONDS if int(kind) in _WAITING else None
            await status_response(int(kind), scope, wait)(scope, receive, send)

    def _kind(self, scope: Scope) -> str:
        self._requests += 1
        due = self._fault.every and self._requests % self._fault.every == 0
        return Headers(scope=scope).get(HEADER, self._fault.kind if due else "")


def status_response(status: int, scope: Scope, retry_after: str | None) -> Response:
    """An answer of this status, with the API's envelope where the status has a name."""
    headers = None if retry_after is None else {"Retry-After": retry_after}
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:  # 499 and 520 are answered too
        return HTMLResponse(f"<h1>{status}</h1>", status, headers)
    error = ApiError(
        status,
        phrase.lower().replace(" ", "_"),
        f"A fault was asked for: {phrase}.",
        headers=headers,
    )
    return error_response(error, scope["state"]["request_id"])


async def _empty(_: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    await Response(media_type="application/json")(scope, receive, send)


async def _html(_: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    await HTMLResponse("<html><body><h1>It works!</h1></body></html>")(scope, receive, send)


async def stall(_: ASGIApp, _scope: Scope, receive: Receive, _send: Send) -> None:
    """Answer nothing, until the connection ends."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def truncate(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with half of the body that the head has promised; the server then cuts the connection."""

    async def send_half(message: Message) -> None:
        if message["type"] == "http.response.body":
            body = message["body"]
            message = {**message, "body": body[: len(body) // 2], "more_body": True}
        await send(message)

    await app(scope, receive, send_half)


_PLAYS: dict[str, Play] = {
    "empty": _empty,
    "html": _html,
    "stall": stall,
    "truncate": truncate,
}
