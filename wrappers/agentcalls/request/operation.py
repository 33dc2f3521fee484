"""The seam between the facade and the generated client: a query becomes a request, an answer becomes a page.

The only module that reaches into `agentcalls_api.api`: the generated functions build the request well, and are not used
for what comes back (they raise on unknown statuses and on bodies that are no JSON).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlencode

from attrs import evolve

from agentcalls.errors import UnexpectedResponseError
from agentcalls.request.decode import decode_page
from agentcalls.request.key import parsed, unechoed, without
from agentcalls.request.query import CallQuery
from agentcalls.request.refusal import error_for
from agentcalls.values import Page, RateLimit
from agentcalls_api.api.calls import list_calls

if TYPE_CHECKING:
    from collections.abc import Callable

    from agentcalls.request.retry import Answer


def _operation(
    build: Callable[..., dict[str, Any]], *ids: str
) -> tuple[Callable[..., dict[str, Any]], dict[str, str]]:
    template = build(*ids)
    return build, {"method": str(template["method"]).upper(), "path": unquote(template["url"])}


# Which operation a query asks for.
_OPERATIONS = {
    CallQuery: _operation(list_calls._get_kwargs, "{agentId}"),  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
}
OPERATION = _OPERATIONS[CallQuery][1]


def operation_of(query: CallQuery) -> dict[str, str]:
    """The method and the path template of the operation that a query asks for."""
    return _OPERATIONS[type(query)][1]


def target_of(query: CallQuery) -> str:
    """What stands behind the base URL in a request of this query: the path and the parameters."""
    build, _ = _OPERATIONS[type(query)]
    request = build(**query.sent())
    # As httpx would write them, at a third of the price.
    sent = {
        name: str(value).lower() if isinstance(value, bool) else value
        for name, value in request.get("params", {}).items()
    }
    return f"{request['url']}{'?' if sent else ''}{urlencode(sent)}"


def page_from(answer: Answer, query: CallQuery, *, strict: bool) -> Page:
    """The page that an answer to `query` holds. Raises the `AgentCallsError` that any other answer stands for.

    With `strict`, a page with a problem is one of them.
    """
    operation = operation_of(query)
    if answer.status != 200:  # noqa: PLR2004
        raise error_for(
            answer.status, answer.headers, answer.content, secret=answer.secret, **operation
        )
    request_id = without(answer.secret, answer.headers.get("x-request-id", "")) or None
    content = unechoed(answer.content, answer.secret)
    try:
        body = decode_page(content, query.agent_id)
        if strict and body.problems:
            problem = body.problems[0]
            raise ValueError(f"{problem.field or 'the row'} {problem.why}, in row {problem.row}")  # noqa: TRY301
    except ValueError as error:
        raise UnexpectedResponseError(
            f"The answer is no page of calls: {error}.",
            status=answer.status,
            request_id=request_id,
            body=parsed(answer.content, answer.secret),
            **operation,
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
