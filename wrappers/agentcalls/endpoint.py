"""The seam between the facade and the generated client: a query becomes a request, an answer becomes a page.

The only module that reaches into `agentcalls_api.api`: the generated functions build the request well, and are not used
for what comes back (they raise on unknown statuses and on bodies that are no JSON).
"""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import httpx

from agentcalls._version import __version__
from agentcalls.decode import decode_page
from agentcalls.errors import (
    APIConnectionError,
    APITimeoutError,
    UnexpectedResponseError,
    error_for,
)
from agentcalls.page import Page, RateLimit
from agentcalls_api.api.calls import list_calls

if TYPE_CHECKING:
    from agentcalls.query import CallQuery

_build = list_calls._get_kwargs  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
_TEMPLATE = _build("{agentId}")
_OPERATION = {"method": str(_TEMPLATE["method"]).upper(), "path": unquote(_TEMPLATE["url"])}
_HEADERS = {
    "Accept": "application/json",
    "User-Agent": f"agentcalls/{__version__} Python/{platform.python_version()} httpx/{httpx.__version__}",
}


def request_arguments(base_url: str, query: CallQuery) -> dict[str, Any]:
    """What `build_request` of either httpx client takes for this query: method, url, params, headers; no key."""
    request = _build(**query.sent())
    return {**request, "url": base_url + request["url"], "headers": _HEADERS}


def page_from(response: httpx.Response) -> Page:
    """The page that a read answer holds. Raises the `AgentCallsError` that any other answer stands for."""
    if response.status_code != 200:  # noqa: PLR2004
        raise error_for(response.status_code, response.headers, response.content, **_OPERATION)
    request_id = response.headers.get("X-Request-Id")
    try:
        body = decode_page(response.content)
    except ValueError as error:
        raise UnexpectedResponseError(
            f"The answer is no page of calls: {error}.",
            status=response.status_code,
            request_id=request_id,
            **_OPERATION,
        ) from error
    rate_limit = RateLimit.from_headers(response.headers)
    return Page(body.data, body.meta, body.message, request_id, rate_limit)


def connection_error(error: httpx.TransportError) -> APIConnectionError:
    """The error for a request that got no answer; it is returned, not raised."""
    kind = APITimeoutError if isinstance(error, httpx.TimeoutException) else APIConnectionError
    return kind(f"No answer: {str(error) or type(error).__name__}.", **_OPERATION)
