"""A client's settings: arguments first, then the environment; checked before anything is sent."""

from __future__ import annotations

import ipaddress
import os
from typing import TYPE_CHECKING, Any

import httpx
from attrs import Attribute, field, frozen

from agentcalls.checks import at_least, check_boolean, check_integer
from agentcalls.clock import Clock
from agentcalls.errors import ConfigurationError
from agentcalls.reading.options import MAX_CONCURRENCY
from agentcalls.request.key import AUTH_OF_SCHEME, KeyAuth, Secret
from agentcalls.request.retry import Retry, RetryPolicy
from agentcalls.request.transport import HEADERS, Host, has_proxies

if TYPE_CHECKING:
    from collections.abc import Callable

API_PREFIX = "/api/v1/console"
DOCUMENTED_HOST = "https://api.bimpe.ai"
_LARGEST_PORT = 65_535
DEFAULT_MAX_BODY_BYTES = 16 * 2**20


def _callable(_: object, attribute: Attribute[Any], value: object) -> None:
    if value is not None and not callable(value):
        raise ConfigurationError(f"{attribute.name} takes a function.")


def _clock(_: object, attribute: Attribute[Any], value: object) -> None:
    if not isinstance(value, Clock):
        raise ConfigurationError(f"{attribute.name} takes a Clock.")


@frozen(kw_only=True)
class Config:
    """Where a client sends its requests, with which credential, and how hard it tries."""

    base_url: str
    trust_env: bool
    auth: KeyAuth
    concurrency: int = field(validator=check_integer(1, MAX_CONCURRENCY))
    retry: RetryPolicy
    max_body_bytes: int = field(validator=at_least(1, "a whole number of bytes", int))
    strict: bool = field(validator=check_boolean)
    on_retry: Callable[[Retry], object] | None = field(repr=False, validator=_callable)
    clock: Clock = field(repr=False, validator=_clock)

    @property
    def host(self) -> Host:
        """Where requests go, and what each of them carries."""
        return Host(self.base_url, HEADERS)

    @property
    def is_proxied(self) -> bool:
        """Whether the environment may name a proxy for the host."""
        return self.trust_env and has_proxies()

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
        concurrency: int,
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
        if scheme not in list(AUTH_OF_SCHEME):
            # Not quoted: somebody may have put the key here.
            raise ConfigurationError(f"auth takes {' or '.join(map(repr, AUTH_OF_SCHEME))}.")
        checked_url = _checked_url(url, allow_http=allow_http)
        return cls(
            base_url=str(checked_url).rstrip("/"),
            # A proxy of the environment is not for this machine, and would be shown the key.
            trust_env=not is_loopback(checked_url),
            auth=AUTH_OF_SCHEME[scheme](api_key),
            concurrency=concurrency,
            retry=RetryPolicy(
                max_retries=max_retries, deadline=deadline, max_retry_wait=max_retry_wait
            ),
            max_body_bytes=max_body_bytes,
            strict=strict,
            on_retry=on_retry,
            clock=Clock() if clock is None else clock,
        )


def given_key(api_key: object) -> Secret | None:
    """The key that was passed, or else AGENTCALLS_API_KEY, out of sight; None where there is neither."""
    value = api_key if api_key is not None else os.environ.get("AGENTCALLS_API_KEY") or None
    return None if value is None else Secret(value)


def check_http_client(http_client: object, kind: type) -> None:
    """Let None and httpx's client of this kind pass; raises `ConfigurationError` for anything else."""
    if http_client is not None and not isinstance(http_client, kind):
        raise ConfigurationError(f"http_client takes an httpx.{kind.__name__}.")


def checked_timeout(timeout: object) -> httpx.Timeout | None:
    """The timeouts that a number of seconds, or an `httpx.Timeout`, means; None for None.

    Raises `ConfigurationError` for anything but positive numbers.
    """
    if timeout is None:
        return None
    limits = httpx.Timeout(timeout) if isinstance(timeout, int | float) else timeout
    if not isinstance(limits, httpx.Timeout) or not all(
        value is None or 0 < value < float("inf")
        for value in (limits.connect, limits.read, limits.write, limits.pool)
    ):
        raise ConfigurationError("timeout takes a positive number of seconds, or an httpx.Timeout.")
    return limits


def _checked_url(base_url: str, *, allow_http: bool) -> httpx.URL:
    # Never quoted here: the URL may hold a password, and the error must not.
    try:
        url = httpx.URL(base_url)
        if ":" not in url.host:
            url.host.encode("idna")
    except (httpx.InvalidURL, TypeError, UnicodeError):
        raise ConfigurationError("The base URL is not a URL.") from None
    if url.scheme not in {"http", "https"} or not url.host or (url.port or 0) > _LARGEST_PORT:
        raise ConfigurationError("The base URL takes the form https://host, or http://localhost.")
    if url.userinfo or set(base_url) & set("?#@ \t\\"):
        raise ConfigurationError(
            "The base URL holds a user, a query, a fragment or a space; leave it out."
        )
    if url.scheme == "http" and not (allow_http is True or is_loopback(url)):
        raise ConfigurationError(
            "The base URL is plain http, which would show the key to the network: "
            "use https, or pass allow_http=True."
        )
    if f"{API_PREFIX}/" in f"{url.path}/":
        raise ConfigurationError(
            f"The base URL holds {API_PREFIX}, which is added to it; leave it out."
        )
    return url


def is_loopback(url: httpx.URL) -> bool:
    """Whether a URL's host is this machine, by its name or address."""
    if url.host == "localhost":
        return True
    try:
        return ipaddress.ip_address(url.host).is_loopback
    except ValueError:
        return False
