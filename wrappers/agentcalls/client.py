"""The client that blocks."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Self

import httpx

from agentcalls.calls import Calls
from agentcalls.config import DEFAULT_TIMEOUT, Config
from agentcalls.endpoint import connection_error, page_from, request_arguments
from agentcalls.errors import ConfigurationError
from agentcalls.listing import CallListing

if TYPE_CHECKING:
    from types import TracebackType

    from agentcalls.auth import ApiKey, AuthScheme
    from agentcalls.page import Page
    from agentcalls.query import CallQuery


class Client:
    """A client of the call log API. Use it as a context manager, or `close` it.

    Args:
        api_key: The team key (`sk_…`), or a callable that gives it, asked before each request; otherwise
            AGENTCALLS_API_KEY.
        base_url: What stands before `/api/v1/console`, a path prefix included; otherwise AGENTCALLS_BASE_URL. There is
            no default host.
        auth: The header that carries the key: "bearer" (`Authorization`) or "x-api-key"; otherwise AGENTCALLS_AUTH, or
            else "bearer".
        timeout: Seconds for each of connecting, reading, writing and waiting for a connection, or an
            `httpx.Timeout`; 30 where it is left out, or what `http_client` says.
        http_client: An `httpx.Client` to send with, for proxies, transports or limits of your own. It stays yours:
            closing this client leaves it open.
        allow_http: Permit plain http to hosts other than this machine, which shows the key to the network.

    Raises:
        ConfigurationError: For a setting that is missing or cannot be used; nothing is sent.
    """

    calls: Calls[CallListing]
    """The agents' calls."""

    def __init__(
        self,
        *,
        api_key: ApiKey | None = None,
        base_url: str | None = None,
        auth: AuthScheme | None = None,
        timeout: float | httpx.Timeout | None = None,
        http_client: httpx.Client | None = None,
        allow_http: bool = False,
    ) -> None:
        self._config = Config.resolve(
            os.environ, api_key=api_key, base_url=base_url, auth=auth, allow_http=allow_http
        )
        self._http = http_client or httpx.Client(timeout=DEFAULT_TIMEOUT)
        self._owns_http = http_client is None
        self._timeout = httpx.USE_CLIENT_DEFAULT if timeout is None else timeout
        self.calls = Calls(lambda query: CallListing(query, self._fetch))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._config})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections, unless they are those of an `http_client` that was passed."""
        if self._owns_http:
            self._http.close()

    def _fetch(self, query: CallQuery) -> Page:
        if self._http.is_closed:
            raise ConfigurationError("The client is closed; make a new one.")
        request = self._http.build_request(
            **request_arguments(self._config.base_url, query), timeout=self._timeout
        )
        try:
            response = self._http.send(request, auth=self._config.auth, follow_redirects=False)
        except httpx.TransportError as error:
            raise connection_error(error) from error
        return page_from(response)
