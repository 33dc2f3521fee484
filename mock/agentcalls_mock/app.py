"""The application: three routes, each answered in the order routing, key, scope, agent, call, query.

The answer is about the first of these that fails. HEAD is answered like GET without a body, as in any Express or Nest
server.
"""

from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from urllib.parse import unquote

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from agentcalls_mock.answers import ApiError, call_response, error_response, page_response
from agentcalls_mock.auth import KEYS, authorize
from agentcalls_mock.edge import Edge
from agentcalls_mock.failing import Faults
from agentcalls_mock.faults import Fault
from agentcalls_mock.query import (
    CallQuery,
    InvalidQueryError,
    Order,
    parse_agent_query,
    parse_query,
)
from agentcalls_mock.ratelimit import GENEROUS, RateLimit, RateLimiter
from agentcalls_mock.seeding import TEAM
from agentcalls_mock.store import Store


def create_app(
    store: Store,
    *,
    default_order: Order | None = None,
    keys: Mapping[str, frozenset[str]] = KEYS,
    rate_limit: RateLimit | RateLimiter = GENEROUS,
    latency_seconds: float = 0,
    fault: Fault | None = None,
    within: Callable[[ASGIApp], ASGIApp] | None = None,
) -> Starlette:
    """The API as an ASGI application over `store`; the caller closes the store.

    Without a `default_order`, a listing comes newest first if its `sort` names no field. Queries run in the event loop:
    most take less than handing them to a thread would. With a `fault`, requests fail as it says, and as their
    `X-Mock-Fault` says. What `within` gives stands around the routes, and has the request's id and its own answer's
    rate limit. A `RateLimiter` is used as it is.
    """

    def agent_of(request: Request) -> int:
        authorize(request.headers, keys)
        agent = store.agent(unquote(request.path_params["agent_id"]), team=TEAM)
        if agent is None:
            raise ApiError(404, "not_found", "Agent not found")
        return agent

    async def list_agents(request: Request) -> Response:
        # Which scope it takes is not known.
        authorize(request.headers, keys, scope=None)
        query = _query(request, parse_agent_query)
        total, agents = store.agents(query, team=TEAM)
        return page_response(agents, total=total, page=query.page, limit=query.limit)

    async def list_calls(request: Request) -> Response:
        agent, query = agent_of(request), _query(request, parse_query)
        total, calls = store.page(agent, query, query.order or default_order or Order())
        return page_response(calls, total=total, page=query.page, limit=query.limit)

    async def get_call(request: Request) -> Response:
        call = store.call(agent_of(request), unquote(request.path_params["call_id"]))
        if call is None:
            raise ApiError(404, "not_found", "Call not found")
        return call_response(call)

    limiter = RateLimiter(rate_limit) if isinstance(rate_limit, RateLimit) else rate_limit
    edge = Middleware(Edge, limiter=limiter, latency_seconds=latency_seconds)
    inner = [Middleware(Faults, fault=fault)] if fault else []
    app = Starlette(
        routes=[
            Route(f"/api/v1/console/agents{path}", endpoint, methods=["GET"])
            for path, endpoint in (
                ("", list_agents),
                ("/{agent_id}/calls", list_calls),
                ("/{agent_id}/calls/{call_id}", get_call),
            )
        ],
        middleware=[edge, *inner, *([Middleware(within)] if within else [])],
        exception_handlers={ApiError: _answer, HTTPException: _answer_routing},
    )
    # A trailing slash is another path: an API answers 404 there, it does not redirect.
    app.router.redirect_slashes = False
    return app


def _query(request: Request, parse: Callable[[Iterable[tuple[str, str]]], CallQuery]) -> CallQuery:
    try:
        return parse(request.query_params.multi_items())
    except InvalidQueryError as error:
        raise ApiError(400, "validation_error", str(error), problems=error.problems) from error


async def _answer(request: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)  # noqa: S101  # what the handler is registered for
    return error_response(error, request.state.request_id)


async def _answer_routing(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  # what the handler is registered for
    # 404 or 405. Starlette lists the allowed methods in an order that changes from run to run.
    headers = error.headers and {"Allow": "GET, HEAD"}
    code = HTTPStatus(error.status_code).name.lower()
    message = f"Cannot {request.method} {request.scope['path']}"
    api_error = ApiError(error.status_code, code, message, headers=headers)
    return error_response(api_error, request.state.request_id)
