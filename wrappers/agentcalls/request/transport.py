"""The ways to the server, for the client that blocks: connections of its own, or an `httpx.Client`.

Its own are httpcore's, on which httpx is built, each for one request at a time and kept in a free list. On top of them
httpx's client and pool would take half as long again for a request, and three times as long where 32 are in flight: the
pool looks at every connection for each of them. What is the same for both flavours is here, too.
"""

from __future__ import annotations

import os
import platform
from collections import deque
from contextlib import ExitStack
from functools import lru_cache, partial
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from threading import Lock, Semaphore
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, Protocol, TypeVar
from urllib.request import getproxies

import httpcore
import httpx

from agentcalls._version import __version__
from agentcalls.errors import ConfigurationError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterable, Mapping

    from agentcalls.request.key import KeyAuth

    Timeouts = dict[str, float]
    """Seconds for each of connect, read, write and pool."""

MOST_CONNECTIONS = 128
DEFAULT_TIMEOUT = httpx.Timeout(30, connect=10)
_LIMITS = httpx.Limits(max_connections=MOST_CONNECTIONS, max_keepalive_connections=MOST_CONNECTIONS)
_KEPT_SECONDS = 5.0
_TRUST = ("SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE")

HttpT = TypeVar("HttpT", httpx.Client, httpx.AsyncClient)
BodyT = TypeVar("BodyT")
ClosedT = TypeVar("ClosedT")

HEADERS = {
    "Accept": "application/json",
    "Accept-Encoding": "gzip",
    "User-Agent": f"agentcalls/{__version__} Python/{platform.python_version()} httpx/{httpx.__version__}",
}


class Reply(NamedTuple, Generic[BodyT, ClosedT]):
    """The head of an answer, and where to read its body; it is to be closed."""

    status: int
    headers: dict[str, str]
    """Their names in lower case; what was sent twice is joined with commas."""
    body: BodyT
    close: Callable[[], ClosedT]


class Connections:
    """Connections of a client's own, to one host."""

    timeout = DEFAULT_TIMEOUT

    def __init__(self, host: Host, *, most: int = MOST_CONNECTIONS) -> None:
        self._host = host
        self._list = FreeList(partial(httpcore.HTTPConnection, **host.options))
        self._slots = Semaphore(most)
        self.is_closed = False

    def send(
        self, target: str, auth: KeyAuth, timeouts: Timeouts
    ) -> Reply[Iterable[bytes], object]:
        """The answer to a GET of `target`, a path with its query. Raises httpx's errors, and httpcore's."""
        has_slot, connection = False, None
        try:
            has_slot = self._slots.acquire(timeout=timeouts["pool"])
            if not has_slot:
                raise httpx.PoolTimeout("Every connection was in use.")  # noqa: TRY301 (as httpx does)
            connection, expired = self._list.take()
            _close_all(expired)
            response = connection.handle_request(self._host.request(target, auth, timeouts))
            close = partial(self._end, response, connection)
            return Reply(response.status, joined(response.headers), response.stream, close)  # type: ignore[arg-type]
        except BaseException:
            if has_slot:
                self._free(connection)
            raise

    def _end(self, response: httpcore.Response, connection: httpcore.HTTPConnection) -> None:
        try:
            response.close()
        finally:
            self._free(connection)

    def _free(self, connection: httpcore.HTTPConnection | None) -> None:
        # One that was interrupted at an unlucky moment is in the middle of its exchange for ever.
        try:
            if connection and not self._list.takes_back(connection):
                connection.close()
        finally:
            self._slots.release()

    def close(self) -> None:
        """Close every connection."""
        self.is_closed = True
        _close_all(self._list.take_all())


class Borrowed:
    """An `httpx.Client` as the way to the server."""

    def __init__(self, http: httpx.Client, host: Host) -> None:
        self._http, self._host = http, host
        self.close = http.close

    @property
    def timeout(self) -> httpx.Timeout:
        """How long it waits."""
        return self._http.timeout

    @property
    def is_closed(self) -> bool:
        """Whether its owner has closed it."""
        return self._http.is_closed

    def send(
        self, target: str, auth: KeyAuth, timeouts: Timeouts
    ) -> Reply[Iterable[bytes], object]:
        """The answer to a GET of `target`, a path with its query. Raises httpx's errors."""
        request = self._host.httpx_request(self._http, target, auth, timeouts)
        response = self._http.send(request, auth=None, stream=True, follow_redirects=False)
        headers = dict(response.headers.items())
        return Reply(response.status_code, headers, response.stream, response.close)  # type: ignore[arg-type]


def _close_all(connections: list[httpcore.HTTPConnection]) -> None:
    # All, whatever happens to one of them.
    with ExitStack() as stack:
        for connection in connections:
            stack.callback(connection.close)


# What is the same for both flavours.


def proxied(kind: type[HttpT]) -> HttpT:
    """Httpx's client of this flavour, whose business the environment's proxies are; it keeps no cookies."""
    http = kind(timeout=DEFAULT_TIMEOUT, verify=trusted(), limits=_LIMITS)
    http.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=()))
    return http


class Host:
    """Where requests go and what each of them carries, whoever sends it."""

    def __init__(self, base_url: str, headers: Mapping[str, str]) -> None:
        self._base_url, self._headers = base_url, headers
        url = httpx.URL(base_url)
        self._prefix = url.raw_path.rstrip(b"/")
        self._origin = (url.raw_scheme, url.raw_host, url.port)
        sent = {"Host": url.netloc, **{name: value.encode() for name, value in headers.items()}}
        self._sent = [(name.encode(), value) for name, value in sent.items()]

    @property
    def options(self) -> dict[str, Any]:
        """What either of httpcore's connections takes."""
        scheme, host, port = self._origin
        origin = httpcore.Origin(scheme, host, port or {b"http": 80, b"https": 443}[scheme])
        trust = trusted() if scheme == b"https" else None
        return {"origin": origin, "ssl_context": trust, "keepalive_expiry": _KEPT_SECONDS}

    def request(self, target: str, auth: KeyAuth, timeouts: Timeouts) -> httpcore.Request:
        """A GET of `target`, as httpcore takes it."""
        scheme, host, port = self._origin
        url = httpcore.URL(
            scheme=scheme, host=host, port=port, target=self._prefix + target.encode()
        )
        return httpcore.Request(
            "GET", url, headers=[*self._sent, auth.header_line], extensions={"timeout": timeouts}
        )

    def httpx_request(
        self,
        http: httpx.Client | httpx.AsyncClient,
        target: str,
        auth: KeyAuth,
        timeouts: Timeouts,
    ) -> httpx.Request:
        """The same, as httpx takes it."""
        request = http.build_request(
            "GET",
            self._base_url + target,
            headers=self._headers,
            extensions={"timeout": timeouts},
        )
        auth.sign(request)
        return request


class _Connection(Protocol):
    def has_expired(self) -> bool: ...
    def is_available(self) -> bool: ...


ConnectionT = TypeVar("ConnectionT", bound=_Connection)


class FreeList(Generic[ConnectionT]):
    """As many connections as there ever were requests under way at once, those that last."""

    def __init__(self, make: Callable[[], ConnectionT]) -> None:
        self._make = make
        self._lock = Lock()
        self._free: deque[ConnectionT] = deque()
        self._all: set[ConnectionT] = set()
        self._closed = False

    def take(self) -> tuple[ConnectionT, list[ConnectionT]]:
        """The one that became free last, or a new one; and those to be closed, of which the server has hung up.

        Raises RuntimeError once all were taken.
        """
        expired: list[ConnectionT] = []
        with self._lock:
            if self._closed:
                raise RuntimeError("The connections are closed.")
            while self._free and self._free[0].has_expired():
                expired.append(self._free.popleft())
            while self._free and self._free[-1].has_expired():
                expired.append(self._free.pop())
            self._all.difference_update(expired)
            if self._free:
                return self._free.pop(), expired
            connection = self._make()
            self._all.add(connection)
            return connection, expired

    def takes_back(self, connection: ConnectionT) -> bool:
        """Whether another request may have it; one that is not ready for that is to be closed."""
        with self._lock:
            if connection in self._all and connection.is_available():
                self._free.append(connection)
                return True
            self._all.discard(connection)
            return False

    def take_all(self) -> list[ConnectionT]:
        """All of them, to be closed, even those that a request is under way on; there are none from now on."""
        with self._lock:
            self._closed = True
            everything = list(self._all)
            self._all.clear()
            self._free.clear()
        return everything


def joined(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Headers as they arrived, as those of a `Reply`."""
    by_name: dict[str, str] = {}
    for raw_name, raw_value in headers:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        by_name[name] = f"{by_name[name]}, {value}" if name in by_name else value
    return by_name


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
        return _trusted(changed, *map(os.environ.get, _TRUST))
    except OSError as error:
        raise ConfigurationError(
            "The certificates that SSL_CERT_FILE or SSL_CERT_DIR names cannot be read."
        ) from error


@lru_cache(maxsize=1)
def _trusted(*_: object) -> ssl.SSLContext:
    return httpx.create_ssl_context()
