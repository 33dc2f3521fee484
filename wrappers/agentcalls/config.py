"""A client's settings: arguments first, then the environment; checked before anything is sent."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

import httpx
from attrs import frozen

from agentcalls.auth import AUTH_OF_SCHEME, AsyncApiKey, KeyAuth
from agentcalls.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

API_PREFIX = "/api/v1/console"
DOCUMENTED_HOST = "https://api.bimpe.ai"
DEFAULT_TIMEOUT = httpx.Timeout(30, connect=10)


@frozen
class Config:
    """Where a client sends its requests, and with which credential."""

    base_url: str
    auth: KeyAuth

    def __str__(self) -> str:
        return f"base_url={self.base_url!r}, auth={self.auth.scheme!r}"

    @classmethod
    def resolve(
        cls,
        environ: Mapping[str, str],
        *,
        api_key: AsyncApiKey | None,
        base_url: str | None,
        auth: str | None,
        allow_http: bool,
    ) -> Config:
        """The settings in force: what was passed, or else what `environ` holds.

        Reads AGENTCALLS_API_KEY, AGENTCALLS_BASE_URL and AGENTCALLS_AUTH; an empty variable counts as unset. Raises
        `ConfigurationError` for what is missing or cannot be used.
        """
        key = api_key if api_key is not None else environ.get("AGENTCALLS_API_KEY") or None
        url = base_url if base_url is not None else environ.get("AGENTCALLS_BASE_URL") or None
        scheme = auth if auth is not None else environ.get("AGENTCALLS_AUTH") or "bearer"
        if key is None:
            raise ConfigurationError("No API key: set AGENTCALLS_API_KEY, or pass api_key=….")
        if url is None:
            raise ConfigurationError(
                "No base URL: set AGENTCALLS_BASE_URL, or pass base_url=…; "
                f"the vendor's documentation names {DOCUMENTED_HOST}."
            )
        if scheme not in AUTH_OF_SCHEME:
            known = " or ".join(map(repr, AUTH_OF_SCHEME))
            raise ConfigurationError(f"auth is {scheme!r}; it takes {known}.")
        return cls(_checked_url(url, allow_http=allow_http), AUTH_OF_SCHEME[scheme](key))


def _checked_url(base_url: str, *, allow_http: bool) -> str:
    # Never quoted here: the URL may hold a password, and the error must not.
    try:
        url = httpx.URL(base_url)
    except (httpx.InvalidURL, TypeError) as error:
        raise ConfigurationError("The base URL is not a URL.") from error
    if url.scheme not in {"http", "https"} or not url.host:
        raise ConfigurationError("The base URL takes the form https://host, or http://localhost.")
    if url.userinfo or url.query or url.fragment:
        raise ConfigurationError("The base URL holds a user, a query or a fragment; leave it out.")
    if url.scheme == "http" and not (allow_http or _is_loopback(url.host)):
        raise ConfigurationError(
            "The base URL is plain http, which would show the key to the network: "
            "use https, or pass allow_http=True."
        )
    path = url.path.rstrip("/")
    if path.endswith(API_PREFIX):
        raise ConfigurationError(
            f"The base URL ends in {API_PREFIX}, which is added to it; leave it out."
        )
    return str(url.copy_with(path=path)).rstrip("/")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
