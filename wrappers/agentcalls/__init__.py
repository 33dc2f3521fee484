"""Call logs of AI voice agents: `Client` and `AsyncClient`, typed errors, and the models of the API.

>>> from agentcalls import Client
>>> with Client() as client:  # AGENTCALLS_API_KEY, AGENTCALLS_BASE_URL
...     for call in client.calls.list("agent_1", status="failed"):
...         print(call.id, call.created_on, call.error_reason)
"""

from agentcalls._version import __version__
from agentcalls.async_client import AsyncClient
from agentcalls.auth import ApiKey, AsyncApiKey, AuthScheme
from agentcalls.calls import Calls
from agentcalls.client import Client
from agentcalls.errors import (
    AgentCallsError,
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    AuthenticationError,
    BadRequestError,
    ConfigurationError,
    ConflictError,
    InternalServerError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    UnexpectedResponseError,
)
from agentcalls.listing import AsyncCallListing, CallListing
from agentcalls.page import Page, RateLimit
from agentcalls.query import CallQuery, CallStatus
from agentcalls_api.models import Call, PageMeta

__all__ = [
    "APIConnectionError",
    "APIStatusError",
    "APITimeoutError",
    "AgentCallsError",
    "ApiKey",
    "AsyncApiKey",
    "AsyncCallListing",
    "AsyncClient",
    "AuthScheme",
    "AuthenticationError",
    "BadRequestError",
    "Call",
    "CallListing",
    "CallQuery",
    "CallStatus",
    "Calls",
    "Client",
    "ConfigurationError",
    "ConflictError",
    "InternalServerError",
    "NotFoundError",
    "Page",
    "PageMeta",
    "PermissionDeniedError",
    "RateLimit",
    "RateLimitError",
    "UnexpectedResponseError",
    "__version__",
]
