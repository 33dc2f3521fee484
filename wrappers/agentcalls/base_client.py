"""The common part of both clients: settings, listings, and the steps of a request up to each wait."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Generic, NoReturn, Self, TypeVar, cast

from agentcalls import settings
from agentcalls.calls import Agents, Calls
from agentcalls.clock import Clock
from agentcalls.errors import ConfigurationError
from agentcalls.reading.pages import Source
from agentcalls.reading.walk.sort import KnownSorts
from agentcalls.request.derived import derived
from agentcalls.request.flavour import Flavour
from agentcalls.request.host import checked_url, client_of
from agentcalls.request.ids import RequestIds
from agentcalls.request.key import given_auth, given_key
from agentcalls.request.operation import LIST_AGENTS, LIST_CALLS, LIST_ROWS
from agentcalls.request.retry import ResultT, RetryPolicy
from agentcalls.request.sender import Config, Sender
from agentcalls.request.wire.library import checked_timeouts, httpx, is_a
from agentcalls.request.wire.pool import ConnectionPool
from agentcalls.request.wire.tools import changed_library

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Unpack

    from agentcalls.clock import Stopwatch
    from agentcalls.reading.listing_options import ReadOptions
    from agentcalls.request.concurrency import Concurrency
    from agentcalls.request.derived import ClientOptions
    from agentcalls.request.key import AuthScheme
    from agentcalls.request.operation import Operation, Outgoing
    from agentcalls.request.query import ListQuery
    from agentcalls.request.retry import Retry
    from agentcalls.values import Exchange, Page

KeyT = TypeVar("KeyT")
HttpT = TypeVar("HttpT")
CallsT = TypeVar("CallsT")
AgentsT = TypeVar("AgentsT")


# The waits, and what they wait for: a client with other options uses those of the first one.
_SHARED = (
    *("_run", "_begin", "_wait_for", "_way", "_check_open"),
    *("_key", "_awaited", "_sleep", "_place", "_leave", "_borrow"),
)


class BaseClient(Flavour, Generic[KeyT, HttpT, CallsT, AgentsT]):
    """What `Client` and `AsyncClient` share; see there."""

    _is_derived = False  # whether the connections are another's

    def __init__(
        self,
        *,
        api_key: KeyT | None = None,
        base_url: str | None = None,
        auth: AuthScheme | None = None,
        timeout: float | httpx.Timeout | None = None,
        http_client: HttpT | None = None,
        allow_http: bool = settings.ALLOW_HTTP,
        concurrency: Concurrency = settings.CONCURRENCY,
        max_retries: int = settings.MAX_RETRIES,
        deadline: float = settings.DEADLINE,
        max_retry_wait: float = settings.MAX_RETRY_WAIT,
        max_body_bytes: int = settings.MAX_BODY_BYTES,
        strict: bool = settings.STRICT,
        on_retry: Callable[[Retry], object] | None = None,
        on_exchange: Callable[[Exchange], object] | None = None,
        request_id_prefix: str = settings.REQUEST_ID_PREFIX,
        clock: Clock | None = None,
    ) -> None:
        secret = given_key(api_key)
        del api_key  # otherwise a traceback with locals would show it
        kind = self._kinds.http
        if http_client is not None and not is_a(http_client, kind):
            raise ConfigurationError(f"http_client takes an httpx.{kind}.")
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
        self._timeouts = checked_timeouts(timeout)
        self._ids = RequestIds(request_id_prefix)
        self._host = self._config.host
        self._http = self._way_to_host(http_client)
        self._owns_http = http_client is None
        self._through: dict[Any, Any] = {}
        self._sender = Sender(self._config, self._way)
        self._sorts, self._agent_sorts = KnownSorts(), KnownSorts(("created_at",))
        self._open()
        self._begin_to_list()

    def _begin_to_list(self) -> None:
        kinds, calls = self._kinds, partial(self._source, LIST_CALLS, self._sorts)
        agents = partial(self._source, LIST_AGENTS, self._agent_sorts)
        self._calls: Calls[Any, Any] = Calls(kinds.listing, calls, kinds.many, self._fetch)
        self._agents: Agents[Any] = Agents(kinds.agents, agents)

    @property
    def calls(self) -> CallsT:
        """The agents' calls: `client.calls.list(agent_id)`, `list_many(agent_ids)`, `get(agent_id, call_id)`."""
        return cast("CallsT", self._calls)

    @property
    def agents(self) -> AgentsT:
        """The team's agents: `client.agents.list()`."""
        return cast("AgentsT", self._agents)

    @property
    def base_url(self) -> str:
        """The address before `/api/v1/console` in each request."""
        return self._config.base_url

    def with_options(self, **options: Unpack[ClientOptions]) -> Self:
        """A client that is the same but for these options; this one stays as it is.

        Both use the same connections and key, and wait for the same rate limit. Both end when this one is closed: the
        other has nothing of its own to close. Raises `TypeError` for an unknown option, and `ConfigurationError` for a
        value that cannot be used.
        """
        other = derived(self, options, _SHARED)
        other._begin_to_list()  # noqa: SLF001  # of the same class
        return other

    def __repr__(self) -> str:
        # A traceback with locals also shows a client whose settings were refused.
        return f"{type(self).__name__}({vars(self).get('_config', 'refused')})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("A client holds a key and connections, and is not pickled; make one there.")

    def _source(
        self, operation: Operation[Page[Any]], sorts: KnownSorts, options: ReadOptions
    ) -> Source[Any, Any]:
        def steps(
            query: ListQuery, watch: Stopwatch | None = None, operation: Any = operation
        ) -> Any:
            outgoing = operation.outgoing(query.sent())
            deadline = self._sender.deadline(watch)
            strict, max_retries = options.strict, options.max_retries
            return self._steps(outgoing, deadline, strict=strict, max_retries=max_retries)

        return Source(
            fetch=lambda query: self._run(steps(query)),
            start=lambda query, tell, watch: self._begin(steps(query, watch), tell),
            start_rows=lambda query, tell, watch: self._begin(steps(query, watch, LIST_ROWS), tell),
            wait=self._wait_for,
            concurrency=self._sender.concurrency(options.concurrency),
            sorts=sorts,
            clock=self._config.clock,
            path=operation.path,
        )

    def _fetch(self, outgoing: Outgoing[ResultT], **options: Any) -> Any:
        return self._run(self._steps(outgoing, self._sender.deadline(), **options))

    # Each flavour prepares itself, runs the steps of a request, now or in the background, and waits for an answer.

    def _open(self) -> None: ...

    def _run(self, *_: Any, **__: Any) -> Any: ...

    def _begin(self, *_: Any, **__: Any) -> Any: ...

    def _wait_for(self, *_: Any, **__: Any) -> Any: ...

    def _way_to_host(self, http_client: Any = None) -> Any:
        proxy = None if http_client else self._config.proxy
        if http_client or proxy:
            http = http_client or client_of(httpx, self._kinds.http, proxy)
            return self._kinds.borrowed(http, self._host, self._timeouts)
        return ConnectionPool(self._host)

    def _way(self) -> Any:
        # Requests go over our own connections unless a tool has changed what these bypass.
        library = isinstance(self._http, ConnectionPool) and self._changed_library()
        if not library:
            return self._http
        kind = getattr(library, self._kinds.http)
        if kind not in self._through:
            http = client_of(library, self._kinds.http)
            self._through[kind] = self._kinds.borrowed(http, self._host, self._timeouts)
        return self._through[kind]

    def _changed_library(self) -> Any:
        return changed_library(self._kinds.http, self._host.trust)
