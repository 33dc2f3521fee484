"""A client library for accessing Call logs of AI voice agents"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, TypedDict

if TYPE_CHECKING:
    from .client import AuthenticatedClient, Client

__all__ = (
    "AuthenticatedClient",
    "Client",
    "OtherAgentParameters",
    "OtherCallParameters",
    "OtherParameters",
)


class OtherAgentParameters(TypedDict, total=False):
    """The query parameters of `listAgents` that the facade does not name itself, and their descriptions."""


class OtherCallParameters(TypedDict, total=False):
    """The query parameters of `getCall` that the facade does not name itself, and their descriptions."""


class OtherParameters(TypedDict, total=False):
    """The query parameters of `listCalls` that the facade does not name itself, and their descriptions."""


def __getattr__(name: str) -> Any:
    # The clients import httpx, which takes longer than the rest; the models do without.
    if name in __all__:
        return getattr(import_module(".client", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
