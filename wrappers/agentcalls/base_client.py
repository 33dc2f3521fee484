"""What both clients are: settings, listings, and the steps of a request up to where something is waited for."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Generic, NamedTuple, NoReturn, TypeVar, cast

import httpx

from agentcalls import settings
from agentcalls.calls import Agents, Calls
from agentcalls.clock import Clock
from agentcalls.errors import ConfigurationError
from agentcalls.reading.pages import Source
from agentcalls.reading.walk.sort import KnownSorts
from agentcalls.request.exchange import Config, Exchanges
from agentcalls.request.host import checked_timeout, checked_url, client_of, is_client
from agentcalls.request.ids import RequestIds
from agentcalls.request.key import given_auth, given_key
from agentcalls.request.operation import LIST_AGENTS, LIST_CALLS, LIST_ROWS
from agentcalls.request.receive import Incoming
from agentcalls.request.retry import ResultT, RetryPolicy, Send
from agentcalls.request.wire.connections import Connections
from agentcalls.request.wire.tools import changed_library
from agentcalls.request.wire.waits import Patience
from agentcalls.telemetry.requests import record_wait

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator

    from agentcalls.clock import Deadline, Stopwatch
    from agentcalls.reading.options import ReadOptions
    from agentcalls.request.key import AuthScheme, KeyAuth
    from agentcalls.request.operation import Operation, Outgoing
    from agentcalls.request.query import ListQuery
    from agentcalls.request.retry import Answer, Retry
    from agentcalls.request.wire.waits import Waits
    from agentcalls.values import Exchange, Page

KeyT = TypeVar("KeyT")
HttpT = TypeVar("HttpT")
CallsT = TypeVar("CallsT")
AgentsT = TypeVar("AgentsT")


class Kinds(NamedTuple):
    """What a flavour has of its own."""

    http: str
    """What httpx calls its client of this flavour."""
    borrowed: Any
    listing: Any
    many: Any
    agents: Any


class BaseClient(Generic[KeyT, HttpT, CallsT, AgentsT]):
    """What `Client` and `AsyncClient` share; see there."""

    _kinds: ClassVar[Kinds]
    _closed: Any  # an Event of this flavour
    _slots: Any  # a Semaphore of this flavour, for our own connections

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
        request_id_prefix: str = settings.REQUEST_ID_PREFIX,
        clock: Clock | None = None,
    ) -> None:
        secret = given_key(api_key)
        del api_key  # or a traceback with locals would show it
        kind = self._kinds.http
        if http_client is not None and not is_client(http_client, kind):
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
        self._timeout = checked_timeout(timeout)
        self._ids = RequestIds(request_id_prefix)
        self._host = self._config.host
        self._http = self._way_to_host(http_client)
        self._owns_http = http_client is None
        self._through: dict[Any, Any] = {}
        self._exchanges = Exchanges(self._config, self._way)
        self._sorts = KnownSorts()
        self._open()
        kinds, calls = self._kinds, partial(self._source, LIST_CALLS, self._sorts)
        agents = partial(self._source, LIST_AGENTS, KnownSorts(("created_at",)))
        self._calls: Calls[Any, Any, Any] = Calls(kinds.listing, kinds.many, calls, self._fetch)
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
        """What stands before `/api/v1/console` in the address of each request."""
        return self._config.base_url

    def __repr__(self) -> str:
        # A traceback with locals shows a client whose settings were refused, too.
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
            deadline = self._exchanges.deadline(watch)
            strict, max_retries = options.strict, options.max_retries
            return self._steps(outgoing, deadline, strict=strict, max_retries=max_retries)

        return Source(
            fetch=lambda query: self._run(steps(query)),
            start=lambda query, tell, watch: self._begin(steps(query, watch), tell),
            start_rows=lambda query, tell, watch: self._begin(steps(query, watch, LIST_ROWS), tell),
            wait=self._wait_for,
            concurrency=options.concurrency or self._config.concurrency,
            sorts=sorts,
            clock=self._config.clock,
            path=operation.path,
        )

    def _fetch(self, outgoing: Outgoing[ResultT], **options: Any) -> Any:
        return self._run(self._steps(outgoing, self._exchanges.deadline(), **options))

    # Of each flavour: to make ready; to go through a request's steps, now or meanwhile; to wait for an answer.

    def _open(self) -> None: ...

    def _run(self, *_: Any, **__: Any) -> Any: ...

    def _begin(self, *_: Any, **__: Any) -> Any: ...

    def _wait_for(self, *_: Any, **__: Any) -> Any: ...

    # Of each flavour, as steps: to ask for the key, to await a hook, to sleep, to have a place among the connections,
    # and to send with a client of httpx's.

    def _key(self) -> Waits[KeyAuth]: ...  # type: ignore[empty-body]

    def _awaited(self, awaitable: Awaitable[object]) -> Waits[None]: ...  # type: ignore[empty-body]

    def _sleep(self, seconds: float) -> Waits[None]: ...  # type: ignore[empty-body]

    def _place(self, seconds: float) -> Waits[None]: ...  # type: ignore[empty-body]

    def _borrow(self, http: Any, *sent: Any) -> Waits[None]: ...  # type: ignore[empty-body]

    def _way_to_host(self, http_client: Any = None) -> Any:
        proxy = None if http_client else self._config.proxy
        if http_client or proxy:
            http = http_client or client_of(httpx, self._kinds.http, proxy)
            return self._kinds.borrowed(http, self._host, self._timeout)
        return Connections(self._host)

    def _way(self) -> Any:
        # Requests go over connections of our own where nobody has changed what they would pass by.
        if not isinstance(self._http, Connections):
            return self._http
        library = self._changed_library()
        if library is None:
            return self._http
        kind = getattr(library, self._kinds.http)
        if kind not in self._through:
            http = client_of(library, self._kinds.http)
            self._through[kind] = self._kinds.borrowed(http, self._host, self._timeout)
        return self._through[kind]

    def _changed_library(self) -> Any:
        return changed_library(self._kinds.http, self._host.trust)

    def _steps(
        self, outgoing: Outgoing[ResultT], deadline: Deadline, **options: Any
    ) -> Generator[Any, Any, ResultT]:
        """What one request does with its retries: it yields each `Wait`, and what is to be awaited."""
        steps = self._exchanges.steps(outgoing, deadline, **options)
        answer: Answer | None = None
        while True:
            try:
                step = steps.send(answer)
            except StopIteration as end:
                return cast("ResultT", end.value)
            answer = None
            if isinstance(step, Send):
                answer = yield from self._send(outgoing, deadline)
            elif isinstance(step, int | float):
                record_wait(step)
                yield from self._sleep(step)
                self._check_open()
            else:
                yield from self._awaited(step)

    def _send(self, outgoing: Outgoing[Any], deadline: Deadline) -> Waits[Answer]:
        fresh = False
        while True:
            self._check_open()
            auth = yield from self._key()
            self._check_open()
            sent = self._ids.next()
            incoming = Incoming(
                outgoing,
                auth,
                longest=self._config.max_body_bytes,
                deadline=deadline,
                is_stray=partial(self._ids.is_stray, sent),
            )
            try:
                yield from self._exchange(outgoing, auth, sent, incoming, deadline, fresh=fresh)
            except RuntimeError:
                # httpx's, of a client that was closed meanwhile, or our own.
                self._check_open()
                raise
            except Exception as error:
                if not incoming.fail(error):
                    raise
            if incoming.failure:
                self._check_open()
            is_lost = incoming.is_stray and incoming.failure
            if not is_lost or fresh or not outgoing.operation.idempotent:
                return incoming.answer()
            fresh = True

    def _exchange(
        self,
        outgoing: Outgoing[Any],
        auth: KeyAuth,
        sent: str,
        incoming: Incoming,
        deadline: Deadline,
        *,
        fresh: bool,
    ) -> Waits[None]:
        way = self._way()
        if not isinstance(way, Connections):
            yield from self._borrow(way, outgoing, auth, sent, incoming, deadline)
            return
        patience = Patience(self._timeout or way.timeout, deadline)
        yield from self._place(min(patience.pool, deadline.left()))
        try:
            yield from way.exchange(
                self._host.message(outgoing, auth, sent),
                incoming,
                patience,
                again=outgoing.operation.idempotent,
                fresh=fresh,
            )
        finally:
            self._slots.release()

    def _check_open(self) -> None:
        if self._closed.is_set() or self._http.is_closed:
            raise ConfigurationError("The client is closed; make a new one.")
