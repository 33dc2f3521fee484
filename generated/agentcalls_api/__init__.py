"""A client library for accessing Call logs of AI voice agents"""

from .client import AuthenticatedClient, Client

__all__ = (
    "AuthenticatedClient",
    "Client",
)
