"""The seam between the facade and the generated client: a query becomes a request, an answer becomes a page.

The only module that reaches into `agentcalls_api.api`: the generated functions build the request well, and are not used
for what comes back (they raise on unknown statuses and on bodies that are no JSON).
"""

from __future__ import annotations

import platform
import ssl
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import httpx
from attrs import evolve

from agentcalls._version import __version__
from agentcalls.decode import decode_page
from agentcalls.errors import (
    AgentCallsError,
    APIConnectionError,
    APITimeoutError,
    UnexpectedResponseError,
    error_for,
)
from agentcalls.page import Page
from agentcalls.ratelimit import RateLimit
from agentcalls_api.api.calls import list_calls

if TYPE_CHECKING:
    from agentcalls.query import CallQuery
    from agentcalls.retry import Answer

_build = list_calls._get_kwargs  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
_TEMPLATE = _build("{agentId}")
OPERATION = {"method": str(_TEMPLATE["method"]).upper(), "path": unquote(_TEMPLATE["url"])}
_HEADERS = {
    "Accept": "application/json",
    "User-Agent": f"agentcalls/{__version__} Python/{platform.python_version()} httpx/{httpx.__version__}",
}


def request_arguments(base_url: str, query: CallQuery) -> dict[str, Any]:
    """What `build_request` of either httpx client takes for this query: method, url, params, headers; no key."""
    request = _build(**query.sent())
    return {**request, "url": base_url + request["url"], "headers": _HEADERS}


def page_from(answer: Answer, query: CallQuery, *, strict: bool) -> Page:
    """The page that an answer to `query` holds. Raises the `AgentCallsError` that any other answer stands for.

    With `strict`, a page with a problem is one of them.
    """
    if answer.status != 200:  # noqa: PLR2004
        raise error_for(
            answer.status, answer.headers, answer.content, secret=answer.secret, **OPERATION
        )
    request_id = _without(answer.secret, answer.headers.get("X-Request-Id"))
    # A server that echoes the key is not to reach anybody's log through us; looking for it costs a few µs.
    content = (
        answer.content.replace(answer.secret.encode(), b"***") if answer.secret else answer.content
    )
    try:
        body = decode_page(content)
        if strict and body.problems:
            raise ValueError(str(body.problems[0]))  # noqa: TRY301
    except ValueError as error:
        raise UnexpectedResponseError(
            f"The answer is no page of calls: {error}.",
            status=answer.status,
            request_id=request_id,
            body=content[:2048].decode(errors="replace"),
            **OPERATION,
        ) from None
    return Page(
        data=body.data,
        meta=body.meta,
        message=body.message,
        request_id=request_id,
        rate_limit=RateLimit.from_headers(answer.headers),
        problems=tuple(evolve(problem, page=query.start) for problem in body.problems),
        additional_properties=body.extra,
    )


def no_answer(error: httpx.HTTPError | httpx.StreamError, secret: str) -> AgentCallsError:
    """The error for a request whose answer did not arrive or could not be read; it is returned, not raised."""
    what = _without(secret, str(error)) or type(error).__name__
    refusal: AgentCallsError
    if isinstance(error, httpx.TimeoutException):
        refusal = APITimeoutError(f"No answer in time: {what}.", **OPERATION)
    elif isinstance(error, httpx.TransportError):
        refusal = APIConnectionError(f"No answer: {what}.", **OPERATION)
        refusal.retryable = not _is_final(error)
    else:
        refusal = UnexpectedResponseError(f"The answer cannot be read: {what}.", **OPERATION)
    refusal.__cause__ = _without_secrets(error)
    return refusal


def unfinished(size: int, limit: int, *, late: bool) -> AgentCallsError | None:
    """The error for a body that is not read on: it is longer than `limit` bytes, or the deadline has passed."""
    if size > limit:
        return UnexpectedResponseError(f"The answer is longer than {limit:,} bytes.", **OPERATION)
    return (
        APITimeoutError("The deadline passed before the answer was complete.", **OPERATION)
        if late
        else None
    )


def within(timeout: httpx.Timeout, seconds: float) -> httpx.Timeout:
    """The same timeouts, none of them longer than `seconds`."""
    limits = timeout.as_dict().items()
    return httpx.Timeout(
        **{name: seconds if value is None else min(value, seconds) for name, value in limits}
    )


def _without(secret: str, text: str | None) -> str | None:
    return text.replace(secret, "***") if text and secret else text


def _is_final(error: httpx.TransportError) -> bool:
    # A request that cannot be sent, and a certificate that is not trusted, stay so.
    links: list[BaseException | None] = [error]
    while links[-1] is not None:
        links.append(links[-1].__cause__ or links[-1].__context__)
    return isinstance(error, httpx.UnsupportedProtocol | httpx.LocalProtocolError) or any(
        isinstance(link, ssl.SSLCertVerificationError) for link in links
    )


def _without_secrets(error: BaseException) -> BaseException:
    # The frames of httpx and httpcore have the request with its headers among their locals, and the error has it too.
    link: BaseException | None = error
    while link is not None:
        link.__traceback__ = None
        if isinstance(link, httpx.RequestError):
            link.request = httpx.Request(OPERATION["method"], httpx.URL(path=OPERATION["path"]))
        link = link.__cause__ or link.__context__
    return error
