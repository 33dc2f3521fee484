"""A client's settings: arguments first, then the environment; checked before anything is sent."""

from __future__ import annotations

import ipaddress
import os
from typing import TYPE_CHECKING

import httpx
from attrs import field, frozen

from agentcalls.auth import AUTH_OF_SCHEME, KeyAuth, Secret
from agentcalls.clock import Clock
from agentcalls.errors import ConfigurationError
from agentcalls.retry import Retry, RetryPolicy, at_least

if TYPE_CHECKING:
    from collections.abc import Callable

API_PREFIX = "/api/v1/console"
DOCUMENTED_HOST = "https://api.bimpe.ai"
DEFAULT_TIMEOUT = httpx.Timeout(30, connect=10)
DEFAULT_MAX_BODY_BYTES = 16 * 2**20


@frozen(kw_only=True)
class Config:
    """Where a client sends its requests, with which credential, and how hard it tries."""

    base_url: str
    auth: KeyAuth
    retry: RetryPolicy
    max_body_bytes: int = field(validator=at_least(1, "a whole number of bytes", int))
    strict: bool
    on_retry: Callable[[Retry], object] | None = field(repr=False)
    clock: Clock = field(repr=False)

    def __str__(self) -> str:
        return f"base_url={self.base_url!r}, auth={self.auth.scheme!r}"

    @classmethod
    def resolve(
        cls,
        *,
        api_key: Secret | None,
        base_url: str | None,
        auth: str | None,
        allow_http: bool,
        max_retries: int,
        deadline: float,
        max_retry_wait: float,
        max_body_bytes: int,
        strict: bool,
        on_retry: Callable[[Retry], object] | None,
        clock: Clock | None,
    ) -> Config:
        """The settings in force: what was passed, or else AGENTCALLS_BASE_URL and AGENTCALLS_AUTH.

        An empty variable counts as unset. Raises `ConfigurationError` for what is missing or cannot be used.
        """
        url = base_url if base_url is not None else os.environ.get("AGENTCALLS_BASE_URL") or None
        scheme = auth if auth is not None else os.environ.get("AGENTCALLS_AUTH") or "bearer"
        if api_key is None:
            raise ConfigurationError("No API key: set AGENTCALLS_API_KEY, or pass api_key=….")
        if url is None:
            raise ConfigurationError(
                "No base URL: set AGENTCALLS_BASE_URL, or pass base_url=…; "
                f"the vendor's documentation names {DOCUMENTED_HOST}."
            )
        if scheme not in AUTH_OF_SCHEME:
            known = " or ".join(map(repr, AUTH_OF_SCHEME))
            raise ConfigurationError(f"auth is {scheme!r}; it takes {known}.")
        return cls(
            base_url=_checked_url(url, allow_http=allow_http),
            auth=AUTH_OF_SCHEME[scheme](api_key),
            retry=RetryPolicy(
                max_retries=max_retries, deadline=deadline, max_retry_wait=max_retry_wait
            ),
            max_body_bytes=max_body_bytes,
            strict=strict,
            on_retry=on_retry,
            clock=clock or Clock(),
        )


def given_key(api_key: object) -> Secret | None:
    """The key that was passed, or else AGENTCALLS_API_KEY, out of sight; None where there is neither."""
    value = api_key if api_key is not None else os.environ.get("AGENTCALLS_API_KEY") or None
    return None if value is None else Secret(value)


def _checked_url(base_url: str, *, allow_http: bool) -> str:
    # Never quoted here: the URL may hold a password, and the error must not.
    try:
        url = httpx.URL(base_url)
        url.host.encode("idna")  # as the resolver will
    except (httpx.InvalidURL, TypeError, UnicodeError):
        raise ConfigurationError("The base URL is not a URL.") from None
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
