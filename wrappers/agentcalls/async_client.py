"""The client that is awaited."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Self

import httpx

from agentcalls.calls import Calls
from agentcalls.config import DEFAULT_TIMEOUT, Config
from agentcalls.endpoint import connection_error, page_from, request_arguments
from agentcalls.errors import ConfigurationError
from agentcalls.listing import AsyncCallListing

if TYPE_CHECKING:
    from types import TracebackType

    from agentcalls.auth import AsyncApiKey, AuthScheme
    from agentcalls.page import Page
    from agentcalls.query import CallQuery


class AsyncClient:
    """The same as `Client`, for asyncio: use it with `async with`, or `await aclose()`.

    Takes what `Client` takes, but an `httpx.AsyncClient` as `http_client`; the callable of `api_key` may be async.
    """

    calls: Calls[AsyncCallListing]
    """The agents' calls."""

    def __init__(
        self,
        *,
        api_key: AsyncApiKey | None = None,
        base_url: str | None = None,
        auth: AuthScheme | None = None,
        timeout: float | httpx.Timeout | None = None,
        http_client: httpx.AsyncClient | None = None,
        allow_http: bool = False,
    ) -> None:
        self._config = Config.resolve(
            os.environ, api_key=api_key, base_url=base_url, auth=auth, allow_http=allow_http
        )
        self._http = http_client or httpx.AsyncClient(timeout=DEFAULT_TIMEOUT)
        self._owns_http = http_client is None
        self._timeout = httpx.USE_CLIENT_DEFAULT if timeout is None else timeout
        self.calls = Calls(lambda query: AsyncCallListing(query, self._fetch))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._config})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections, unless they are those of an `http_client` that was passed."""
        if self._owns_http:
            await self._http.aclose()

    async def _fetch(self, query: CallQuery) -> Page:
        if self._http.is_closed:
            raise ConfigurationError("The client is closed; make a new one.")
        request = self._http.build_request(
            **request_arguments(self._config.base_url, query), timeout=self._timeout
        )
        try:
            response = await self._http.send(
                request, auth=self._config.auth, follow_redirects=False
            )
        except httpx.TransportError as error:
            raise connection_error(error) from error
        return page_from(response)
