"""The steps of one request up to each wait: its retries, its attempts, and the sending of each."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, cast

from agentcalls.errors import ConfigurationError
from agentcalls.request.receive import Incoming
from agentcalls.request.retry import Send
from agentcalls.request.wire.pool import ConnectionPool
from agentcalls.request.wire.waits import Patience
from agentcalls.telemetry.requests import record_wait

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Generator
    from typing import Concatenate, Generic, ParamSpec, TypeVar, overload

    from agentcalls.calls import Calls
    from agentcalls.clock import Deadline
    from agentcalls.listing import AsyncCallListing, CallListing
    from agentcalls.request.host import Host
    from agentcalls.request.ids import RequestIds
    from agentcalls.request.key import KeyAuth
    from agentcalls.request.operation import Outgoing
    from agentcalls.request.retry import Answer, ResultT
    from agentcalls.request.sender import Config, Sender
    from agentcalls.request.wire.library import Timeouts
    from agentcalls.request.wire.waits import Waits

if TYPE_CHECKING:
    P = ParamSpec("P")
    ResultT_co = TypeVar("ResultT_co", covariant=True)

    class awaited_if_async(Generic[P, ResultT_co]):  # noqa: N801  # it is a decorator
        """A method of `client.calls` whose result is awaited in `AsyncClient`: its type in each flavour."""

        def __init__(self, method: Callable[Concatenate[Any, P], ResultT_co]) -> None: ...

        @overload
        def __get__(self, calls: None, kind: type) -> Callable[Concatenate[Any, P], Any]: ...

        @overload
        def __get__(
            self, calls: Calls[CallListing, Any], kind: type
        ) -> Callable[P, ResultT_co]: ...

        @overload
        def __get__(
            self, calls: Calls[AsyncCallListing, Any], kind: type
        ) -> Callable[P, Coroutine[Any, Any, ResultT_co]]: ...

        def __get__(self, calls: Any, kind: type) -> Any: ...

else:

    def awaited_if_async(method: Any) -> Any:
        """The method as it is: only type checkers see a difference."""
        return method


class Kinds(NamedTuple):
    """The difference between the flavours."""

    http: str
    """The name of httpx's client of this flavour."""
    borrowed: Any
    listing: Any
    many: Any
    agents: Any


class Flavour:
    """The part of a client that a request goes through; each flavour adds the waits."""

    _kinds: ClassVar[Kinds]
    _closed: Any  # an Event of this flavour
    _slots: Any  # a Semaphore of this flavour, for our own connections
    _http: Any  # our own connections, or a borrowed client
    _has_timeout = False  # whether the timeout is another than that of the connections' owner
    _config: Config
    _sender: Sender
    _host: Host
    _ids: RequestIds
    _timeouts: Timeouts | None

    # Each flavour has these steps: get the key, await a hook, sleep, take a slot among the connections, and send with
    # an httpx client.

    def _key(self) -> Waits[KeyAuth]: ...  # type: ignore[empty-body]

    def _awaited(self, awaitable: Awaitable[object]) -> Waits[None]: ...  # type: ignore[empty-body]

    def _sleep(self, seconds: float) -> Waits[None]: ...  # type: ignore[empty-body]

    def _place(self, seconds: float) -> Waits[None]: ...  # type: ignore[empty-body]

    def _borrow(self, http: Any, *sent: Any) -> Waits[None]: ...  # type: ignore[empty-body]

    def _way(self) -> Any: ...

    def _steps(
        self, outgoing: Outgoing[ResultT], deadline: Deadline, **options: Any
    ) -> Generator[Any, Any, ResultT]:
        """One request with its retries: yields each `Wait`, and each awaitable of the flavour."""
        steps = self._sender.steps(outgoing, deadline, **options)
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
            except Exception as error:
                if isinstance(error, RuntimeError):
                    # The client was closed meanwhile: httpx's error, or our own.
                    self._check_open()
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
        if not isinstance(way, ConnectionPool):
            if self._has_timeout:
                way = self._kinds.borrowed(way.client, self._host, self._timeouts)
            yield from self._borrow(way, outgoing, auth, sent, incoming, deadline)
            return
        patience = Patience(self._timeouts or way.timeouts, deadline)
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
            self._leave()

    def _leave(self) -> None:
        self._slots.release()

    def _check_open(self) -> None:
        if self._closed.is_set() or self._http.is_closed:
            raise ConfigurationError("The client is closed; make a new one.")
