"""The host: its URL, the headers of each request, and the trusted certificates; for both flavours and transports."""

from __future__ import annotations

import ipaddress
import os
import platform
import re
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from agentcalls import settings
from agentcalls._version import __version__
from agentcalls.checks import as_builtin, checked_boolean
from agentcalls.errors import ConfigurationError
from agentcalls.request.ids import REQUEST_ID
from agentcalls.request.wire.library import httpx

if TYPE_CHECKING:
    import ssl

    from agentcalls.request.key import KeyAuth
    from agentcalls.request.operation import Outgoing
    from agentcalls.request.proxy import Proxy

HEADERS = {
    "Accept": "application/json",
    "Accept-Encoding": "gzip",
    "User-Agent": f"agentcalls/{__version__} Python/{platform.python_version()}",
}


_LABEL = "(?!xn--)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_PLAIN_URL = re.compile(
    rf"https?://(?:127\.0\.0\.1|(?:{_LABEL}\.)*(?=[a-z]){_LABEL})"
    r"(?::(?!(?:80|443)(?:/|$))(?:[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}))?(?:/[a-zA-Z0-9_~-]*)*"
)
"""A base URL that httpx would not change, so that it can be read without importing httpx."""


class Host:
    """The host and the headers of each request, for any transport."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url
        url = urlsplit(base_url)
        self._prefix = url.path
        self.name: str = url.hostname or ""
        """The name for look-ups, and in its certificate."""
        self.port: int = url.port or settings.PORTS[url.scheme]
        self.trust: ssl.SSLContext | None = trusted() if url.scheme == "https" else None
        """The trusted certificates; None for plain http."""
        sent = {"Host": url.netloc, **HEADERS}
        self._constant = " HTTP/1.1" + "".join(f"\r\n{name}: {sent[name]}" for name in sent)

    def message(self, outgoing: Outgoing[Any], auth: KeyAuth, request_id: str) -> memoryview:
        """The bytes of a request, in a type whose repr does not show them."""
        own = {**outgoing.headers, REQUEST_ID: request_id}
        lines = "".join(f"\r\n{name}: {own[name]}" for name in own)
        if lines.count("\n") > len(own):
            raise httpx.LocalProtocolError("a header holds a line break")
        method = outgoing.operation.method
        head = f"{method} {self._prefix}{outgoing.target}{self._constant}{lines}\r\n".encode()
        return memoryview(b"".join((head, auth.header_line, b"\r\n\r\n", outgoing.content)))

    def httpx_request(
        self,
        http: Any,
        outgoing: Outgoing[Any],
        auth: KeyAuth,
        request_id: str,
        timeouts: dict[str, float],
    ) -> Any:
        """The same, for a client of httpx."""
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
    from http.cookiejar import DefaultCookiePolicy  # noqa: PLC0415 (slow to import, and httpx has it)

    http.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=()))
    return http


def trusted() -> ssl.SSLContext:
    """The trusted certificates: certifi's, or those of SSL_CERT_FILE or SSL_CERT_DIR, as in httpx.

    They take 20 ms to load, and are shared as long as the environment stays the same. Raises `ConfigurationError` for
    certificates that cannot be read.
    """
    file = os.environ.get("SSL_CERT_FILE")
    try:
        changed = Path(file).stat().st_mtime_ns if file else None
        return _trusted(changed, *map(os.environ.get, settings.TRUST_VARIABLES))
    except OSError as error:
        # For certificates, the error of ssl names no file.
        raise ConfigurationError(
            "The certificates that SSL_CERT_FILE or SSL_CERT_DIR names cannot be read."
            if error.filename is None or error.filename == file
            else "The file that SSLKEYLOGFILE names cannot be written."
        ) from error


@lru_cache(maxsize=1)
def _trusted(
    _changed: int | None, file: str | None, folder: str | None, _log: str | None
) -> ssl.SSLContext:
    import ssl  # noqa: PLC0415 (slow to import, and only TLS needs it)

    if not (file or folder):
        from certifi import where  # noqa: PLC0415 (the same)

        file = where()
    context = ssl.create_default_context(cafile=file or None, capath=None if file else folder)
    context.set_alpn_protocols(["http/1.1"])
    return context


def checked_url(base_url: str | None, *, allow_http: bool) -> str:
    """The base URL that was passed, otherwise the environment's, without its last slash.

    Raises `ConfigurationError` if it is missing or cannot be used; the message never quotes it: it may hold a password.
    """
    allow_http = checked_boolean("allow_http", allow_http)
    given: Any = as_builtin(settings.given("base_url", base_url))
    if given is None:
        raise ConfigurationError(
            f"No base URL: set {settings.VARIABLES['base_url']}, or pass base_url=…; "
            f"the vendor's documentation names {settings.DOCUMENTED_HOST}."
        )
    is_plain = isinstance(given, str) and _PLAIN_URL.fullmatch(given)
    used: str = given if is_plain else _normalized(given)
    url = urlsplit(used)
    if url.scheme == "http" and not (allow_http or is_loopback(used)):
        raise ConfigurationError(
            "The base URL is plain http, which would show the key to the network: "
            "use https, or pass allow_http=True."
        )
    if f"{settings.API_PREFIX}/" in f"{unquote(url.path)}/":
        raise ConfigurationError(
            f"The base URL holds {settings.API_PREFIX}, which is added to it; leave it out."
        )
    return used.rstrip("/")


def _normalized(base_url: Any) -> str:
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
    return str(url)


def is_loopback(base_url: str) -> bool:
    """Whether a URL's host is this machine, by its name or address."""
    host = urlsplit(base_url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
