"""What both clients are: settings, listings, and the steps of a request up to where something is waited for."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Generic, NamedTuple, NoReturn, TypeVar, cast

from agentcalls import settings
from agentcalls.calls import Calls
from agentcalls.clock import Clock
from agentcalls.errors import ConfigurationError
from agentcalls.reading.iterators import Source
from agentcalls.reading.walk.sort import KnownSorts
from agentcalls.request.exchange import Config, Exchanges
from agentcalls.request.host import checked_timeout, checked_url, proxied
from agentcalls.request.key import given_auth, given_key
from agentcalls.request.log import keyless_logs
from agentcalls.request.operation import LIST_CALLS
from agentcalls.request.receive import FAILURES, Incoming, within
from agentcalls.request.retry import RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    import httpx

    from agentcalls.reading.options import ReadOptions
    from agentcalls.request.key import AuthScheme, KeyAuth
    from agentcalls.request.operation import Outgoing
    from agentcalls.request.query import CallQuery
    from agentcalls.request.retry import Answer, Retry, Send
    from agentcalls.values import Exchange

KeyT = TypeVar("KeyT")
HttpT = TypeVar("HttpT")
CallsT = TypeVar("CallsT")


class Kinds(NamedTuple):
    """What a flavour has of its own."""

    http: Any
    borrowed: Any
    connections: Any
    listing: Any
    many: Any


class BaseClient(Generic[KeyT, HttpT, CallsT]):
    """What `Client` and `AsyncClient` share; see there."""

    _kinds: ClassVar[Kinds]
    _closed: Any  # an Event of this flavour

    def __init__(
        self,
        *,
        api_key: KeyT | None = None,
        base_url: str | None = None,
        auth: AuthScheme | None = None,
        timeout: float | httpx.Timeout | None = None,
        http_client: HttpT | None = None,
        allow_http: bool = settings.ALLOW_HTTP,
        concurrency: int = settings.CONCURRENCY,
        max_retries: int = settings.MAX_RETRIES,
        deadline: float = settings.DEADLINE,
        max_retry_wait: float = settings.MAX_RETRY_WAIT,
        max_body_bytes: int = settings.MAX_BODY_BYTES,
        strict: bool = settings.STRICT,
        on_retry: Callable[[Retry], object] | None = None,
        on_exchange: Callable[[Exchange], object] | None = None,
        clock: Clock | None = None,
    ) -> None:
        secret = given_key(api_key)
        del api_key  # or a traceback with locals would show it
        kind = self._kinds.http
        if http_client is not None and not isinstance(http_client, kind):
            raise ConfigurationError(f"http_client takes an httpx.{kind.__name__}.")
        self._config = Config(
            auth=given_auth(secret, auth),
            base_url=checked_url(base_url, allow_http=allow_http),
            concurrency=concurrency,
            retry=RetryPolicy(
                max_retries=max_retries, deadline=deadline, max_retry_wait=max_retry_wait
            ),
            max_body_bytes=max_body_bytes,
            strict=strict,
            on_retry=on_retry,
            on_exchange=on_exchange,
            clock=Clock() if clock is None else clock,
        )
        self._timeout = checked_timeout(timeout)
        self._http = self._way_to_host(http_client)
        self._owns_http = http_client is None
        self._exchanges = Exchanges(self._config)
        self._sorts = KnownSorts()
        self._open()
        self._calls: Calls[Any, Any] = Calls(self._kinds.listing, self._kinds.many, self._source)

    @property
    def calls(self) -> CallsT:
        """The agents' calls: `client.calls.list(agent_id)`, `client.calls.list_many(agent_ids)`."""
        return cast("CallsT", self._calls)

    @property
    def base_url(self) -> str:
        """What stands before `/api/v1/console` in the address of each request."""
        return self._config.base_url

    def __repr__(self) -> str:
        # A traceback with locals shows a client whose settings were refused, too.
        return f"{type(self).__name__}({vars(self).get('_config', 'refused')})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("A client holds a key and connections, and is not pickled; make one there.")

    def _source(self, options: ReadOptions) -> Source[Any, Any]:
        def fetch(query: CallQuery) -> Any:
            outgoing = LIST_CALLS.outgoing(query.sent())
            return self._fetch(outgoing, strict=options.strict, max_retries=options.max_retries)

        concurrency = options.concurrency or self._config.concurrency
        begin = partial(self._begin, fetch)
        return Source(fetch, begin, concurrency, self._sorts, self._config.clock)

    # Of each flavour: to make ready, to fetch a result, to begin to fetch one.

    def _open(self) -> None: ...

    def _fetch(self, *_: Any, **__: Any) -> Any: ...

    def _begin(self, *_: Any, **__: Any) -> Any: ...

    def _way_to_host(self, http_client: Any = None) -> Any:
        if http_client or self._config.is_proxied:
            http = http_client or proxied(self._kinds.http)
            return self._kinds.borrowed(http, self._config.host)
        return self._kinds.connections(self._config.host)

    @contextmanager
    def _receiving(
        self, outgoing: Outgoing[Any], auth: KeyAuth, send: Send
    ) -> Generator[tuple[Incoming, dict[str, float]]]:
        """A block in which one request is sent and its answer read; the timeouts for it come along."""
        config = self._config
        seconds = send.deadline - config.clock.now()
        incoming = Incoming(outgoing, auth, longest=config.max_body_bytes, deadline=send.deadline)
        try:
            with keyless_logs(auth):
                yield incoming, within(self._timeout or self._http.timeout, seconds)
        except RuntimeError:
            # httpx's, of a client that was closed meanwhile.
            self._check_open()
            raise
        except FAILURES as error:
            incoming.fail(error)

    def _received(self, incoming: Incoming) -> Answer:
        if incoming.failure:
            self._check_open()
        return incoming.answer()

    def _check_open(self) -> None:
        if self._closed.is_set() or self._http.is_closed:
            raise ConfigurationError("The client is closed; make a new one.")
