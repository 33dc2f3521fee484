"""How a request carries the API key: one `httpx.Auth` for each security scheme of openapi.yaml.

A key is read when a request is about to leave, so that a callable can rotate it. It is in no repr.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Literal, TypeAlias

import httpx

from agentcalls.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator

AuthScheme: TypeAlias = Literal["bearer", "x-api-key"]
ApiKey: TypeAlias = str | Callable[[], str]
AsyncApiKey: TypeAlias = ApiKey | Callable[[], Awaitable[str]]


class KeyAuth(httpx.Auth):
    """Puts the key into a request, and takes any other credential out of it."""

    scheme: AuthScheme
    header: str
    prefix: str

    def __init__(self, api_key: AsyncApiKey) -> None:
        if not callable(api_key):
            _check(api_key)
        self._api_key = api_key

    def __repr__(self) -> str:
        return f"{type(self).__name__}('***')"

    def sync_auth_flow(
        self, request: httpx.Request
    ) -> Generator[httpx.Request, httpx.Response, None]:
        """The request with the key of this moment."""
        key = self._api_key() if callable(self._api_key) else self._api_key
        if not isinstance(key, str):
            raise ConfigurationError("api_key returned no string; an async one needs AsyncClient.")
        yield self._signed(request, key)

    async def async_auth_flow(
        self, request: httpx.Request
    ) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """The request with the key of this moment, awaited where the callable is async."""
        key = self._api_key() if callable(self._api_key) else self._api_key
        yield self._signed(request, await key if inspect.isawaitable(key) else key)

    def _signed(self, request: httpx.Request, key: str) -> httpx.Request:
        _check(key)
        for other in ("Authorization", "X-Api-Key"):
            request.headers.pop(other, None)
        request.headers[self.header] = self.prefix + key
        return request


class BearerAuth(KeyAuth):
    """`Authorization: Bearer sk_…`, the contract's ApiKeyAuth."""

    scheme = "bearer"
    header = "Authorization"
    prefix = "Bearer "


class ApiKeyHeaderAuth(KeyAuth):
    """`X-Api-Key: sk_…`, the contract's ApiKeyHeader."""

    scheme = "x-api-key"
    header = "X-Api-Key"
    prefix = ""


AUTH_OF_SCHEME: dict[str, type[KeyAuth]] = {
    auth.scheme: auth for auth in (BearerAuth, ApiKeyHeaderAuth)
}


def _check(key: object) -> None:
    # The sentences say what is wrong with the key and never quote it.
    if not isinstance(key, str):
        raise ConfigurationError("The API key is not a string.")
    if not key:
        raise ConfigurationError("The API key is empty.")
    if not all("!" <= character <= "~" for character in key):
        raise ConfigurationError(
            "The API key holds a space, a line break or a character outside ASCII: "
            "it may have been copied with something around it."
        )
