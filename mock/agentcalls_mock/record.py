"""The requests that were made, in order, without a key in them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import parse_qsl, unquote

from starlette.datastructures import Headers
from starlette.types import Scope

from agentcalls_mock.auth import presented_key

_MASK = "***"
_SECRET = {"authorization", "x-api-key", "proxy-authorization", "cookie"}
_PREFIX = "/api/v1/console/agents"


@dataclass(slots=True)
class Request:
    """One request, as it arrived. No key is in it: `***` stands in its place."""

    method: str
    path: str
    """As it was sent, without the query."""
    agent_id: str | None
    """The agent whose calls it asks for, decoded; None for the listing of the agents, or any other path."""
    query: dict[str, str]
    """The parameters, decoded."""
    headers: dict[str, str]
    """Their names in lower case."""
    at: datetime
    """When it arrived, by `api.now`."""
    status: int | None = None
    """What it was answered with; None if nothing was answered, or not yet."""


def request_of(scope: Scope, at: datetime) -> Request:
    """The record of an ASGI request."""
    headers = Headers(scope=scope)
    key = presented_key(headers)

    def masked(text: str) -> str:
        return text.replace(key, _MASK) if key else text

    path: str = masked(scope["raw_path"].decode("latin-1"))
    query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    return Request(
        method=scope["method"],
        path=path,
        agent_id=agent_in(path),
        query={masked(name): masked(value) for name, value in query},
        headers={name: masked(value) for name, value in _shown(headers).items()},
        at=at,
    )


def agent_in(path: str) -> str | None:
    """The agent's id in a path as it was sent, decoded."""
    parts = path.removeprefix(_PREFIX).split("/")
    named = path.startswith(f"{_PREFIX}/") and parts[2:3] == ["calls"]
    return unquote(parts[1]) if named else None


def is_listing(path: str) -> bool:
    """Whether a path, as it was sent, is that of the agents or of an agent's calls."""
    return path == _PREFIX or (agent_in(path) is not None and path.endswith("/calls"))


def _shown(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: _without_secret(name, value) for name, value in headers.items()}


def _without_secret(name: str, value: str) -> str:
    if name not in _SECRET:
        return value
    # The scheme is worth knowing.
    scheme, space, secret = value.partition(" ")
    return f"{scheme} {_MASK}" if space and secret else _MASK
