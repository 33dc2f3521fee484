"""Where requests go, what each of them carries, and whom it trusts: the same for both flavours and any connection."""

from __future__ import annotations

import ipaddress
import os
import platform
from functools import lru_cache
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import httpx

from agentcalls import settings
from agentcalls._version import __version__
from agentcalls.checks import as_builtin, checked_boolean
from agentcalls.errors import ConfigurationError
from agentcalls.request.ids import REQUEST_ID

if TYPE_CHECKING:
    import ssl

    from agentcalls.request.key import KeyAuth
    from agentcalls.request.operation import Outgoing
    from agentcalls.request.proxy import Proxy

Timeouts: TypeAlias = dict[str, float]
"""Seconds for each of connect, read, write and pool."""

DEFAULT_TIMEOUT = httpx.Timeout(settings.TIMEOUT, connect=settings.CONNECT_TIMEOUT)
_SHORTEST_TIMEOUT_SECONDS = 0.001

LIBRARIES = ("httpx", "httpx2")
"""Whose clients and timeouts are taken: httpx and what goes on from it under another name, which is not imported."""

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
        self._prefix = url.raw_path.rstrip(b"/").decode("ascii")
        self.name: str = url.raw_host.decode("ascii")
        """As it is looked up, and as its certificate has it."""
        self.port: int = url.port or settings.PORTS[url.scheme]
        self.trust: ssl.SSLContext | None = trusted() if url.scheme == "https" else None
        """Whose certificates are good; None for plain http."""
        sent = {"Host": url.netloc.decode("ascii"), **HEADERS}
        self._constant = " HTTP/1.1" + "".join(f"\r\n{name}: {sent[name]}" for name in sent)

    def message(self, outgoing: Outgoing[Any], auth: KeyAuth, request_id: str) -> memoryview:
        """A request as it goes over the wire, where no repr shows it."""
        own = {**outgoing.headers, REQUEST_ID: request_id}
        lines = "".join(f"\r\n{name}: {own[name]}" for name in own)
        if lines.count("\n") > len(own):
            raise httpx.LocalProtocolError("a header holds a line break")
        method = outgoing.operation.method
        head = f"{method} {self._prefix}{outgoing.target}{self._constant}{lines}\r\n".encode()
        return memoryview(b"".join((head, auth.header_line, b"\r\n\r\n", outgoing.content)))

    def httpx_request(
        self, http: Any, outgoing: Outgoing[Any], auth: KeyAuth, request_id: str, timeouts: Timeouts
    ) -> Any:
        """The same, as a client of httpx's takes it."""
        request = http.build_request(
            outgoing.operation.method,
            self._base_url + outgoing.target,
            headers={**HEADERS, **outgoing.headers, REQUEST_ID: request_id},
            content=outgoing.content or None,
            extensions={"timeout": timeouts},
        )
        auth.sign(request)
        return request


def client_of(library: Any, kind: str, proxy: Proxy | None = None) -> Any:
    """A client of this library (httpx or its kin) and flavour, which stores no cookies and reads no environment.

    Raises `ConfigurationError` for a proxy that it cannot use.
    """
    most = settings.MAX_CONNECTIONS
    limits = library.Limits(max_connections=most, max_keepalive_connections=most)
    timeout = library.Timeout(settings.TIMEOUT, connect=settings.CONNECT_TIMEOUT)
    how = {"timeout": timeout, "verify": trusted(), "limits": limits, "trust_env": False}
    try:
        http = getattr(library, kind)(**how, proxy=proxy.url if proxy else None)
    except (ValueError, ImportError, TypeError) as error:
        raise proxy.refusal if proxy else error from None
    http.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=()))
    return http


def is_client(http: object, kind: str) -> bool:
    """Whether it is a client of this name, of httpx or of its kin."""
    return any(
        base.__name__ == kind and base.__module__.partition(".")[0] in LIBRARIES
        for base in type(http).__mro__
    )


def within(timeout: httpx.Timeout, seconds: float) -> Timeouts:
    """The same timeouts, none of them longer than `seconds`."""
    longest = max(seconds, _SHORTEST_TIMEOUT_SECONDS)
    return {
        name: longest if value is None else min(value, longest)
        for name, value in timeout.as_dict().items()
    }


def trusted() -> ssl.SSLContext:
    """Whose certificates are good: certifi's, or those of SSL_CERT_FILE or SSL_CERT_DIR, as httpx has it.

    It takes 20 ms to build, and is shared as long as the environment stays the same. Raises `ConfigurationError` for
    certificates that cannot be read.
    """
    file = os.environ.get("SSL_CERT_FILE")
    try:
        changed = Path(file).stat().st_mtime_ns if file else None
        return _trusted(changed, *map(os.environ.get, settings.TRUST_VARIABLES))
    except OSError as error:
        # Only where a log of keys is opened does ssl name the file.
        raise ConfigurationError(
            "The certificates that SSL_CERT_FILE or SSL_CERT_DIR names cannot be read."
            if error.filename is None or error.filename == file
            else "The file that SSLKEYLOGFILE names cannot be written."
        ) from error


@lru_cache(maxsize=1)
def _trusted(*_: object) -> ssl.SSLContext:
    context = httpx.create_ssl_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


def checked_timeout(timeout: object) -> httpx.Timeout | None:
    """The timeouts that a number of seconds, or an `httpx.Timeout`, means; None for None.

    Raises `ConfigurationError` for anything but positive numbers.
    """
    if timeout is None:
        return None
    given: Any = as_builtin(timeout)
    is_number = isinstance(given, int | float) and given is not True and given is not False
    limits: Any = httpx.Timeout(cast("float", given)) if is_number else given
    named = type(limits).__name__, type(limits).__module__.partition(".")[0]
    if named[0] == "Timeout" and named[1] in LIBRARIES:
        limits = httpx.Timeout(**limits.as_dict())
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
    allow_http = checked_boolean("allow_http", allow_http)
    base_url = as_builtin(settings.given("base_url", base_url))
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
    if url.scheme not in settings.PORTS or not url.host or (url.port or 0) > settings.LARGEST_PORT:
        raise ConfigurationError("The base URL takes the form https://host, or http://localhost.")
    if url.userinfo or set(base_url) & set("?#@ \t\\"):
        raise ConfigurationError(
            "The base URL holds a user, a query, a fragment or a space; leave it out."
        )
    if url.scheme == "http" and not (allow_http or is_loopback(base_url)):
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
