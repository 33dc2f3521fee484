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
from agentcalls.clock import Clock
from agentcalls.decode import Problem
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
    PaginationError,
    PermissionDeniedError,
    RateLimitError,
    UnexpectedResponseError,
)
from agentcalls.iterators import AsyncCallIterator, CallIterator
from agentcalls.listing import AsyncCallListing, CallListing
from agentcalls.many import AsyncManyIterator, AsyncManyListing, ManyIterator, ManyListing
from agentcalls.moments import Moment
from agentcalls.options import ManyOptions, ReadOptions
from agentcalls.page import Page
from agentcalls.progress import Checkpoint, ManyReport, Report
from agentcalls.query import CallQuery, CallStatus
from agentcalls.ratelimit import RateLimit
from agentcalls.retry import Retry
from agentcalls_api.models import Call, PageMeta

__all__ = [
    "APIConnectionError",
    "APIStatusError",
    "APITimeoutError",
    "AgentCallsError",
    "ApiKey",
    "AsyncApiKey",
    "AsyncCallIterator",
    "AsyncCallListing",
    "AsyncClient",
    "AsyncManyIterator",
    "AsyncManyListing",
    "AuthScheme",
    "AuthenticationError",
    "BadRequestError",
    "Call",
    "CallIterator",
    "CallListing",
    "CallQuery",
    "CallStatus",
    "Calls",
    "Checkpoint",
    "Client",
    "Clock",
    "ConfigurationError",
    "ConflictError",
    "InternalServerError",
    "ManyIterator",
    "ManyListing",
    "ManyOptions",
    "ManyReport",
    "Moment",
    "NotFoundError",
    "Page",
    "PageMeta",
    "PaginationError",
    "PermissionDeniedError",
    "Problem",
    "RateLimit",
    "RateLimitError",
    "ReadOptions",
    "Report",
    "Retry",
    "UnexpectedResponseError",
    "__version__",
]
