"""Every way in which a request can end without calls, one class each.

AgentCallsError
├── ConfigurationError          refused before anything was sent; also a ValueError
├── APIConnectionError          no answer arrived
│   └── APITimeoutError         none arrived in time
├── APIStatusError              the API answered with an error status
│   ├── BadRequestError         400
│   ├── AuthenticationError     401
│   ├── PermissionDeniedError   403
│   ├── NotFoundError           404
│   ├── ConflictError           409
│   ├── RateLimitError          429
│   └── InternalServerError     5xx
├── UnexpectedResponseError     an answer that the contract does not know: a 2xx that is no page, or a 3xx
└── PaginationError             pages that contradict each other

`error_for` maps an answer to its class and never raises anything itself.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agentcalls.progress import Checkpoint

_LONGEST_TEXT = 2048
_DEEPEST = 50
_SHORTEST_KEY = 8
_ESCAPED_ASCII = re.compile(rb"\\(?:/|u00[2-7])")
_CLIENT_ERROR, _SERVER_ERROR, _NOT_IMPLEMENTED = 400, 500, 501
_RETRYABLE = {408, 429}


class AgentCallsError(Exception):
    """The root of every error that this library raises on purpose.

    All attributes are None where they are not known. `message` is what went wrong, in the server's words where
    it gave any; `str(error)` adds the status, the request and what to do.
    """

    advice: str = ""
    """What to do."""
    status: int | None = None
    """The HTTP status."""
    code: str | None = None
    """The API's code, for instance `api_key_invalid`; the list is open."""
    field_errors: tuple[tuple[str, str], ...] = ()
    """What is wrong with each parameter: (its path, what is wrong)."""
    request_id: str | None = None
    """Names the exchange to the vendor's support: from the body, or else from `X-Request-Id`."""
    retry_after: float | None = None
    """Seconds that the server asked to wait."""
    attempts: int | None = None
    """How often the request was sent."""
    retryable: bool = False
    """Whether the same request may succeed later; the client has tried that already, as often as it was allowed."""
    body: Any = None
    """The parsed JSON, or at most 2 KB of the text."""
    method: str | None = None
    """The HTTP method."""
    path: str | None = None
    """The path template of the operation, without the agent's id."""
    agent_id: str | None = None
    """The agent whose reading failed, in `list_many` and in exports."""
    checkpoint: Checkpoint | None = None
    """Where an iteration was stopped by this error; `list(..., resume=checkpoint)` goes on there."""

    def __init__(self, message: str, **known: Any) -> None:
        # Only the message goes to args: with the rest in __dict__, pickle and copy need no code of ours.
        super().__init__(message)
        self.message = message
        self.__dict__.update(known)

    def __str__(self) -> str:
        head = " ".join(str(part) for part in (self.status, self.code) if part is not None)
        text = f"{head}: {self.message}" if head else self.message
        for path, what in self.field_errors:
            text += f" {path}: {what}."
        where = [f"{self.method} {self.path}"] if self.path else []
        if self.request_id:
            where.append(f"request id {self.request_id}")
        if self.attempts and self.attempts > 1:
            where.append(f"{self.attempts} attempts")
        if where:
            text += f" ({', '.join(where)})"
        return f"{text} {self.advice}" if self.advice else text


class ConfigurationError(AgentCallsError, ValueError):
    """A setting or an argument cannot be used; nothing was sent."""


class APIConnectionError(AgentCallsError):
    """No answer arrived: the host was not found, refused, or broke the connection."""

    advice = "Check the base URL and the network."
    retryable = True


class APITimeoutError(APIConnectionError):
    """No answer arrived in time."""

    advice = "Try again, or allow more time with timeout=…."


class APIStatusError(AgentCallsError):
    """The API answered with an error status; those without a class of their own are this one."""

    advice = "Check the base URL; if it stays, name the request id to the vendor's support."


class BadRequestError(APIStatusError):
    """400: the query string is not valid."""

    advice = "Correct the parameters named."


class AuthenticationError(APIStatusError):
    """401: the key is missing, unknown or expired."""

    advice = "Check AGENTCALLS_API_KEY, or the api_key that was passed."


class PermissionDeniedError(APIStatusError):
    """403: the key lacks a scope."""

    advice = "Use a key with the scope conversations:read."


class NotFoundError(APIStatusError):
    """404: the key's team has no such agent."""

    advice = "Check the agent's id, and that the key belongs to its team."


class ConflictError(APIStatusError):
    """409."""

    advice = "Try again; if it stays, name the request id to the vendor's support."


class RateLimitError(APIStatusError):
    """429: too many requests; `retry_after` says how many seconds to wait."""

    @property
    def advice(self) -> str:  # type: ignore[override]
        """How long to wait."""
        return (
            "Try again later."
            if self.retry_after is None
            else f"Try again in {self.retry_after:.0f} s."
        )


class InternalServerError(APIStatusError):
    """5xx: the server failed."""

    advice = "Try again later; if it stays, name the request id to the vendor's support."


class UnexpectedResponseError(AgentCallsError):
    """An answer that the contract does not know: a 2xx that is no page of calls, or a redirect."""

    advice = "Check that the base URL is the API's."


class PaginationError(AgentCallsError):
    """The server's pages contradict each other so that going on would never end, or would lose calls."""

    advice = "Read the listing again; if it stays, tell the vendor's support."


_CLASS_OF_STATUS = {
    400: BadRequestError,
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    429: RateLimitError,
}


def error_for(
    status: int,
    headers: Mapping[str, str],
    content: bytes,
    *,
    method: str,
    path: str,
    secret: str = "",
) -> AgentCallsError:
    """The error that an answer stands for, whatever its body holds; it is returned, not raised.

    Takes the answer's status (any int), headers (their names in lower case), and body as it arrived, with the method
    and the path template of the request, and what must not appear in the error: the key, which a server may echo. The
    envelope is `ApiError` of openapi.yaml.
    """
    body = parsed(content, secret)
    envelope = cast("dict[str, Any]", body) if isinstance(body, dict) else {}
    known: dict[str, Any] = {
        "status": status,
        "code": _text(envelope.get("code")),
        "field_errors": _field_errors(envelope.get("errors")),
        "request_id": _text(envelope.get("request_id"))
        or without(secret, headers.get("x-request-id", ""))
        or None,
        "retryable": status in _RETRYABLE
        or (status >= _SERVER_ERROR and status != _NOT_IMPLEMENTED),
        "body": body,
        "method": method,
        "path": path,
    }
    if status < _CLIENT_ERROR:
        host = _host(_redacted(headers.get("location", ""), secret))
        where = host or ("another path" if "location" in headers else None)
        what = f"It redirects to {where}." if where else "It is neither a page nor an error."
        return UnexpectedResponseError(f"The answer is not the API's. {what}", **known)
    message = _message(envelope.get("message")) or f"The server answered with status {status}."
    kind = _CLASS_OF_STATUS.get(
        status, InternalServerError if status >= _SERVER_ERROR else APIStatusError
    )
    return kind(message, **known)


def without(secret: str, text: str) -> str:
    """The text without the key, which a server may have echoed."""
    return text.replace(secret, "***") if secret else text


def unechoed(content: bytes, secret: str) -> bytes:
    """A body without the key, which a server may have echoed, as JSON may write it: any character with a backslash.

    What is too short to be a key is left in: it may be a word of the API.
    """
    if len(secret) < _SHORTEST_KEY:
        return content
    if b"\\" in content and _ESCAPED_ASCII.search(content):
        either = [
            rb"(?:\\?%s|\\u00%02x)" % (re.escape(bytes([code])), code) for code in secret.encode()
        ]
        return re.sub(b"".join(either), b"***", content, flags=re.IGNORECASE)
    return content.replace(secret.encode(), b"***")


def parsed(content: bytes, secret: str) -> Any:
    """The JSON of a body, or at most 2 KB of its text, either without the key."""
    content = unechoed(content, secret)
    try:
        return _redacted(json.loads(content), secret)
    except (ValueError, RecursionError):
        # Cut after the key is out, or half of it would stay.
        text = content[: _LONGEST_TEXT + len(secret)].decode(errors="replace")
        return _redacted(text, secret)[:_LONGEST_TEXT]


def _redacted(value: Any, secret: str, depth: int = 0) -> Any:
    # The same JSON value with the secret cut out of every text in it; one nested deeper than any error of an API is
    # refused, since it could not be pickled.
    if depth > _DEEPEST:
        raise RecursionError
    if isinstance(value, str):
        return without(secret, value)
    if isinstance(value, list):
        return [_redacted(item, secret, depth + 1) for item in cast("list[object]", value)]
    if isinstance(value, dict):
        items = cast("dict[str, Any]", value).items()
        return {_redacted(name, secret): _redacted(item, secret, depth + 1) for name, item in items}
    return value


def _host(location: str) -> str | None:
    try:
        return urlsplit(location).hostname
    except ValueError:
        return None


def _text(value: object) -> str | None:
    return value[:_LONGEST_TEXT] if isinstance(value, str) and value else None


def _message(value: object) -> str | None:
    return _text(
        "; ".join(map(str, cast("list[object]", value))) if isinstance(value, list) else value
    )


def _field_errors(value: object) -> tuple[tuple[str, str], ...]:
    rows = cast("list[object]", value) if isinstance(value, list) else []
    return tuple(
        (str(row.get("path")), str(row.get("message")))
        for row in cast("list[dict[str, object]]", [row for row in rows if isinstance(row, dict)])
    )
