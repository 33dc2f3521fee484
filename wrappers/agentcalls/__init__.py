"""Call logs of AI voice agents: `Client` and `AsyncClient`, typed errors, and the models of the API.

>>> from agentcalls import Client
>>> with Client() as client:  # AGENTCALLS_API_KEY, AGENTCALLS_BASE_URL
...     for call in client.calls.list("agent_1", status="failed"):
...         print(call.id, call.created_on, call.error_reason)
"""

from importlib import import_module

from agentcalls._version import __version__

# Type checkers treat it as True; importing typing would be most of the cost of this import.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from agentcalls.async_client import AsyncClient
    from agentcalls.calls import Agents, Calls
    from agentcalls.client import Client
    from agentcalls.clock import Clock
    from agentcalls.durations import duration_of
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
    from agentcalls.listing import (
        AgentListing,
        AsyncAgentListing,
        AsyncCallListing,
        AsyncManyListing,
        CallListing,
        ManyListing,
    )
    from agentcalls.models import Agent, Call, CallDetail
    from agentcalls.reading.batches import CallBatch
    from agentcalls.reading.iterators import (
        AsyncCallIterator,
        AsyncManyIterator,
        CallIterator,
        ManyIterator,
    )
    from agentcalls.reading.moments import Moment, TimeZone
    from agentcalls.request.key import ApiKey, AsyncApiKey, AuthScheme
    from agentcalls.request.retry import Retry
    from agentcalls.settings import CallStatus
    from agentcalls.values import (
        AgentReport,
        Checkpoint,
        Exchange,
        ManyReport,
        Page,
        Problem,
        RateLimit,
        Report,
    )
    from agentcalls_api import OtherAgentParameters, OtherCallParameters, OtherParameters
    from agentcalls_api.models import Attachment, CallMessage, PageMeta
else:  # hidden from type checkers: they would accept any name otherwise

    def __getattr__(name: str) -> object:
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        home = import_module(_HOMES.get(name, "agentcalls.errors"))
        value = globals()[name] = getattr(home, name)
        return value


__all__ = [
    "APIConnectionError",
    "APIStatusError",
    "APITimeoutError",
    "Agent",
    "AgentCallsError",
    "AgentListing",
    "AgentReport",
    "Agents",
    "ApiKey",
    "AsyncAgentListing",
    "AsyncApiKey",
    "AsyncCallIterator",
    "AsyncCallListing",
    "AsyncClient",
    "AsyncManyIterator",
    "AsyncManyListing",
    "Attachment",
    "AuthScheme",
    "AuthenticationError",
    "BadRequestError",
    "Call",
    "CallBatch",
    "CallDetail",
    "CallIterator",
    "CallListing",
    "CallMessage",
    "CallStatus",
    "Calls",
    "Checkpoint",
    "Client",
    "Clock",
    "ConfigurationError",
    "ConflictError",
    "Exchange",
    "InternalServerError",
    "ManyIterator",
    "ManyListing",
    "ManyReport",
    "Moment",
    "NotFoundError",
    "OtherAgentParameters",
    "OtherCallParameters",
    "OtherParameters",
    "Page",
    "PageMeta",
    "PaginationError",
    "PermissionDeniedError",
    "Problem",
    "RateLimit",
    "RateLimitError",
    "Report",
    "Retry",
    "TimeZone",
    "UnexpectedResponseError",
    "__version__",
    "duration_of",
]

# The module of a public name is imported on first use (PEP 562); names that are missing here are errors.
_HOMES = {
    name: home
    for home, names in {
        "agentcalls.async_client": "AsyncClient",
        "agentcalls.calls": "Agents Calls",
        "agentcalls.client": "Client",
        "agentcalls.clock": "Clock",
        "agentcalls.durations": "duration_of",
        "agentcalls.listing": "AgentListing AsyncAgentListing AsyncCallListing AsyncManyListing "
        "CallListing ManyListing",
        "agentcalls.models": "Agent Call CallDetail",
        "agentcalls.reading.batches": "CallBatch",
        "agentcalls.reading.iterators": "AsyncCallIterator AsyncManyIterator CallIterator ManyIterator",
        "agentcalls.reading.moments": "Moment TimeZone",
        "agentcalls.request.key": "ApiKey AsyncApiKey AuthScheme",
        "agentcalls.request.retry": "Retry",
        "agentcalls.settings": "CallStatus",
        "agentcalls.values": "AgentReport Checkpoint Exchange ManyReport Page Problem RateLimit Report",
        "agentcalls_api": "OtherAgentParameters OtherCallParameters OtherParameters",
        "agentcalls_api.models": "Attachment CallMessage PageMeta",
    }.items()
    for name in names.split()
}


def __dir__() -> list[str]:
    return [*(globals().keys() | set(__all__))]
