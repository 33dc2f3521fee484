"""Where requests go, what each of them carries, and whom it trusts: the same for both flavours and any connection."""

from __future__ import annotations

import ipaddress
import os
import platform
from functools import lru_cache
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar
from urllib.request import getproxies

import httpcore
import httpx

from agentcalls import settings
from agentcalls._version import __version__
from agentcalls.errors import ConfigurationError

if TYPE_CHECKING:
    import ssl

    from agentcalls.request.key import KeyAuth
    from agentcalls.request.operation import Outgoing

Timeouts: TypeAlias = dict[str, float]
"""Seconds for each of connect, read, write and pool."""

DEFAULT_TIMEOUT = httpx.Timeout(settings.TIMEOUT, connect=settings.CONNECT_TIMEOUT)
_KEPT_SECONDS = 5.0
_LARGEST_PORT = 65_535

HttpT = TypeVar("HttpT", httpx.Client, httpx.AsyncClient)

HEADERS = {
    "Accept": "application/json",
    "Accept-Encoding": "gzip",
    "User-Agent": f"agentcalls/{__version__} Python/{platform.python_version()} httpx/{httpx.__version__}",
}


class Host:
    """Where requests go and what each of them carries, whoever sends it."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url
        url = httpx.URL(base_url)
        self._prefix = url.raw_path.rstrip(b"/")
        self._origin = (url.raw_scheme, url.raw_host, url.port)
        sent = {"Host": url.netloc, **{name: value.encode() for name, value in HEADERS.items()}}
        self._sent = [(name.encode(), value) for name, value in sent.items()]

    @property
    def options(self) -> dict[str, Any]:
        """What either of httpcore's connections takes."""
        scheme, host, port = self._origin
        origin = httpcore.Origin(scheme, host, port or {b"http": 80, b"https": 443}[scheme])
        trust = trusted() if scheme == b"https" else None
        return {"origin": origin, "ssl_context": trust, "keepalive_expiry": _KEPT_SECONDS}

    def request(
        self, outgoing: Outgoing[Any], auth: KeyAuth, timeouts: Timeouts
    ) -> httpcore.Request:
        """A request as httpcore takes it."""
        scheme, host, port = self._origin
        target = self._prefix + outgoing.target.encode()
        own = [(name.encode(), value.encode()) for name, value in outgoing.headers.items()]
        return httpcore.Request(
            outgoing.operation.method,
            httpcore.URL(scheme=scheme, host=host, port=port, target=target),
            headers=[*self._sent, auth.header_line, *own],
            content=outgoing.content,
            extensions={"timeout": timeouts},
        )

    def httpx_request(
        self,
        http: httpx.Client | httpx.AsyncClient,
        outgoing: Outgoing[Any],
        auth: KeyAuth,
        timeouts: Timeouts,
    ) -> httpx.Request:
        """The same, as httpx takes it."""
        request = http.build_request(
            outgoing.operation.method,
            self._base_url + outgoing.target,
            headers={**HEADERS, **outgoing.headers},
            content=outgoing.content or None,
            extensions={"timeout": timeouts},
        )
        auth.sign(request)
        return request


def proxied(kind: type[HttpT]) -> HttpT:
    """An httpx client of this flavour, which handles the environment's proxies; it stores no cookies."""
    most = settings.MAX_CONNECTIONS
    limits = httpx.Limits(max_connections=most, max_keepalive_connections=most)
    http = kind(timeout=DEFAULT_TIMEOUT, verify=trusted(), limits=limits)
    http.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=()))
    return http


def has_proxies() -> bool:
    """Whether the environment names proxies, which are httpx's own business."""
    named = getproxies()
    return any(named.get(scheme) for scheme in ("http", "https", "all"))


def trusted() -> ssl.SSLContext:
    """Whose certificates are good: certifi's, or those of SSL_CERT_FILE or SSL_CERT_DIR, as httpx has it.

    It takes 20 ms to build, and is shared as long as the environment stays the same. Raises `ConfigurationError` for
    certificates that cannot be read.
    """
    try:
        file = os.environ.get("SSL_CERT_FILE")
        changed = Path(file).stat().st_mtime_ns if file else None
        return _trusted(changed, *map(os.environ.get, settings.TRUST_VARIABLES))
    except OSError as error:
        raise ConfigurationError(
            "The certificates that SSL_CERT_FILE or SSL_CERT_DIR names cannot be read."
        ) from error


@lru_cache(maxsize=1)
def _trusted(*_: object) -> ssl.SSLContext:
    return httpx.create_ssl_context()


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


def checked_url(base_url: str | None, *, allow_http: bool) -> str:
    """The base URL as it is used: what was passed, or else what the environment says; without its last slash.

    Raises `ConfigurationError` for one that is missing or cannot be used, and never quotes it: it may hold a password.
    """
    base_url = settings.given("base_url", base_url)
    if base_url is None:
        raise ConfigurationError(
            f"No base URL: set {settings.VARIABLES['base_url']}, or pass base_url=…; "
            f"the vendor's documentation names {settings.DOCUMENTED_HOST}."
        )
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
    if url.scheme == "http" and not (allow_http is True or is_loopback(base_url)):
        raise ConfigurationError(
            "The base URL is plain http, which would show the key to the network: "
            "use https, or pass allow_http=True."
        )
    if f"{settings.API_PREFIX}/" in f"{url.path}/":
        raise ConfigurationError(
            f"The base URL holds {settings.API_PREFIX}, which is added to it; leave it out."
        )
    return str(url).rstrip("/")


def is_loopback(base_url: str) -> bool:
    """Whether a URL's host is this machine, by its name or address."""
    host = httpx.URL(base_url).host
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
