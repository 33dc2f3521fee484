"""Any answer but a page becomes its error: `error_for` never raises anything itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from agentcalls.errors import (
    AgentCallsError,
    APIStatusError,
    AuthenticationError,
    BadRequestError,
    ConflictError,
    InternalServerError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    UnexpectedResponseError,
)
from agentcalls.request.key import LONGEST_TEXT, parsed, redacted, without
from agentcalls.request.retry import RETRYABLE

if TYPE_CHECKING:
    from collections.abc import Mapping


_CLIENT_ERROR, _SERVER_ERROR, _NOT_IMPLEMENTED = 400, 500, 501

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
        "retryable": status in RETRYABLE
        or (status >= _SERVER_ERROR and status != _NOT_IMPLEMENTED),
        "body": body,
        "method": method,
        "path": path,
    }
    if status < _CLIENT_ERROR:
        host = _host(redacted(headers.get("location", ""), secret))
        where = host or ("another path" if "location" in headers else None)
        what = f"It redirects to {where}." if where else "It is neither a page nor an error."
        return UnexpectedResponseError(f"The answer is not the API's. {what}", **known)
    message = _message(envelope.get("message")) or f"The server answered with status {status}."
    kind = _CLASS_OF_STATUS.get(
        status, InternalServerError if status >= _SERVER_ERROR else APIStatusError
    )
    return kind(message, **known)


def _host(location: str) -> str | None:
    try:
        return urlsplit(location).hostname
    except ValueError:
        return None


def _text(value: object) -> str | None:
    return value[:LONGEST_TEXT] if isinstance(value, str) and value else None


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
