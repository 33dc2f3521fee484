"""Turn an unsuccessful answer into its error: `error_for` itself never raises.

The advice for a 403 or 404 is the operation's (`request/operation.py`); any other is in `errors.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from agentcalls import errors
from agentcalls.request.key import LONGEST_TEXT, parsed_without_key, value_without_key
from agentcalls.request.retry import SERVER_ERROR, is_retryable

if TYPE_CHECKING:
    from agentcalls.request.operation import Operation
    from agentcalls.request.retry import Answer

_CLIENT_ERROR = 400

_CLASS_OF_STATUS = {
    400: errors.BadRequestError,
    401: errors.AuthenticationError,
    403: errors.PermissionDeniedError,
    404: errors.NotFoundError,
    409: errors.ConflictError,
    429: errors.RateLimitError,
}


def error_for(answer: Answer, operation: Operation[Any]) -> errors.AgentCallsError:
    """The error for an answer with any body; it is returned, not raised.

    The key is cut out of the whole error, since a server may echo it. The envelope is `ApiError` of openapi.yaml.
    """
    status, headers, secret = answer.status or 0, answer.headers, answer.secret
    body = parsed_without_key(answer.content, secret)
    envelope = cast("dict[str, Any]", body) if isinstance(body, dict) else {}
    known: dict[str, Any] = {
        "status": status,
        "code": _text(envelope.get("code")),
        "field_errors": _field_errors(envelope.get("errors")),
        "request_id": _text(envelope.get("request_id")) or answer.request_id,
        "retryable": is_retryable(status),
        "body": body,
        "method": operation.method,
        "path": operation.path,
    }
    if status in operation.advice:
        known["advice"] = operation.advice[status]
    if status < _CLIENT_ERROR:
        host = _host(value_without_key(headers.get("location", ""), secret))
        where = host or ("another path" if "location" in headers else None)
        what = (
            f"It redirects to {where}."
            if where
            else f"It is neither a {operation.result} nor an error."
        )
        return errors.UnexpectedResponseError(f"The answer is not the API's. {what}", **known)
    said = _said(cast("object", body)) or _plain(cast("object", body))
    message = _text(said) or f"The server answered with status {status}."
    kind = _CLASS_OF_STATUS.get(
        status, errors.InternalServerError if status >= SERVER_ERROR else errors.APIStatusError
    )
    return kind(message, **known)


def _host(location: str) -> str | None:
    try:
        return urlsplit(location).hostname
    except ValueError:
        return None


def _text(value: object) -> str | None:
    return value[:LONGEST_TEXT] if isinstance(value, str) and value else None


# The fields in which gateways and frameworks say what is wrong; those of the API's own envelope come first.
_SAYING = (
    *("message", "detail", "error", "error_description", "errors", "msg", "reason", "title"),
    *("errormessage", "fault", "faultstring"),
)
_NAMING = ("path", "field")
_DEEPEST, _MOST, _LINE = 4, 10, 200


def _said(value: object, depth: int = 0) -> str:
    # The message for people in a JSON body; "" if there is none.
    if depth > _DEEPEST:
        return ""
    if isinstance(value, list):
        texts = (_said(item, depth + 1) for item in cast("list[object]", value)[:_MOST])
        return "; ".join(filter(None, texts))
    if isinstance(value, dict):
        items = cast("dict[str, object]", value).items()
        named = {name.lower(): item for name, item in reversed(items)}
        texts = (_said(named.get(name), depth + 1) for name in _SAYING)
        return next(filter(None, texts), "")
    return value if isinstance(value, str) and depth else ""


def _plain(body: object) -> str:
    # The plain words of a proxy, such as "no healthy upstream": one line, but no page of HTML.
    line = body.strip() if isinstance(body, str) else ""
    return line if len(line) <= _LINE and line.isprintable() and line[:1] not in {*"<{["} else ""


def _field_errors(value: object) -> tuple[tuple[str, str], ...]:
    # Rows that name a parameter; or an object from parameters to messages, as in Laravel, Rails and ASP.NET.
    told: list[tuple[object, object]]
    if isinstance(value, dict):
        told = [*cast("dict[object, object]", value).items()]
    else:
        rows = cast("list[object]", value) if isinstance(value, list) else []
        objects = [cast("dict[str, object]", row) for row in rows if isinstance(row, dict)]
        told = [(row.get(key), row) for row in objects for key in _NAMING if key in row]
    pairs = [(name, _said(what, 1)) for name, what in told if isinstance(name, str)]
    return tuple((name, what) for name, what in pairs if what)
