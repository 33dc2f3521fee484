"""A request with its retries, from its arguments to its result, without the waiting.

The steps are a generator, as `retry.attempts` has them; the shells drive it.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, SupportsInt
from urllib.parse import urlsplit

from attrs import evolve, field, frozen
from attrs.validators import optional

from agentcalls.checks import at_least, builtin_fields, check_boolean, check_callable, check_is
from agentcalls.clock import Clock, Deadline, Stopwatch
from agentcalls.errors import AgentCallsError
from agentcalls.request.concurrency import AutoConcurrency, Concurrency, check_concurrency
from agentcalls.request.host import Host, is_loopback
from agentcalls.request.key import KeyAuth, value_without_key, without_key
from agentcalls.request.log import hears_exchanges, log_exchange, log_problems, log_retry
from agentcalls.request.proxy import Proxy, proxy_for
from agentcalls.request.retry import Gate, Retry, RetryPolicy, attempts
from agentcalls.telemetry.instruments import instruments
from agentcalls.telemetry.requests import record_attempt, record_retry
from agentcalls.values import Exchange

if TYPE_CHECKING:
    from collections.abc import Callable

    from agentcalls.request.operation import Outgoing
    from agentcalls.request.retry import Answer, ResultT, Steps
    from agentcalls.values import Problem


@frozen(kw_only=True, field_transformer=builtin_fields)
class Config:
    """Where a client sends its requests, with which credential, and how hard it tries."""

    base_url: str
    auth: KeyAuth
    concurrency: Concurrency = field(validator=check_concurrency)
    retry: RetryPolicy
    max_body_bytes: int = field(validator=at_least(1, "a whole number of bytes", int))
    strict: bool = field(validator=check_boolean)
    on_retry: Callable[[Retry], object] | None = field(
        repr=False, validator=optional(check_callable)
    )
    on_exchange: Callable[[Exchange], object] | None = field(
        repr=False, validator=optional(check_callable)
    )
    clock: Clock = field(repr=False, validator=check_is(Clock))

    @property
    def host(self) -> Host:
        """Where requests go, and what each of them carries."""
        return Host(self.base_url)

    @property
    def proxy(self) -> Proxy | None:
        """The environment's proxy for the host."""
        # Requests to this machine need no proxy, which would see the key.
        return None if is_loopback(self.base_url) else proxy_for(urlsplit(self.base_url))

    def __str__(self) -> str:
        return f"base_url={self.base_url!r}, auth={self.auth.scheme!r}"


class Sender:
    """The requests of one client: they share its settings, its rate limit, and the list of logged problems.

    The sender of a client with other options shares all but the settings with the `first` one.
    """

    def __init__(
        self, config: Config, way: Callable[[], object], first: Sender | None = None
    ) -> None:
        self._config, self._way = config, way
        self.name: str = first.name if first else urlsplit(config.base_url).netloc
        self.gate: Gate = first.gate if first else Gate()
        self.auto: AutoConcurrency = first.auto if first else AutoConcurrency()
        self.said: set[tuple[str | None, str]] = first.said if first else set()

    def concurrency(self, of_listing: Concurrency | None) -> SupportsInt:
        """How many requests a listing may have in flight at once; None leaves it to the client."""
        setting = of_listing or self._config.concurrency
        return self.auto if setting == "auto" else setting

    def deadline(self, watch: Stopwatch | None = None) -> Deadline:
        """The deadline of a request that begins now, by a stopwatch of its own where none is given."""
        config = self._config
        return Deadline(watch or Stopwatch(config.clock.now), config.retry.deadline)

    def steps(
        self,
        outgoing: Outgoing[ResultT],
        deadline: Deadline,
        *,
        strict: bool | None = None,
        max_retries: int | None = None,
    ) -> Steps[ResultT]:
        """The steps of one request with its retries; they return the result. None leaves it to the client."""
        config, operation = self._config, outgoing.operation
        policy, strict = config.retry, config.strict if strict is None else strict
        if not operation.idempotent:
            max_retries = 0
        if max_retries is not None:
            policy = evolve(policy, max_retries=max_retries)
        latest: list[ResultT] = []

        def read(answer: Answer) -> tuple[ResultT, tuple[Problem, ...]]:
            result, problems = outgoing.result_of(answer, strict=strict)
            latest.append(result)
            return result, problems

        try:
            result, problems = yield from attempts(
                policy,
                self.gate,
                clock=config.clock,
                read=read,
                on_retry=self._on_retry,
                on_exchange=partial(self._on_exchange, outgoing, latest=latest),
                deadline=deadline,
            )
        except AgentCallsError as error:
            self._say_of_whom(error, outgoing)
            raise
        log_problems(problems, self.said)
        return result

    def _say_of_whom(
        self, error: AgentCallsError, outgoing: Outgoing[Any], secret: str = ""
    ) -> None:
        # The key is cut out before a hook gets the error: an id may be the key, by mistake.
        operation, agent_id = outgoing.operation, outgoing.arguments.get("agent_id")
        if error.host is None:
            vars(error).update(method=operation.method, path=operation.path, host=self.name)
            error.agent_id = agent_id and without_key(secret, agent_id)

    def _on_retry(self, retry: Retry) -> object:
        log_retry(retry)
        record_retry()
        return self._config.on_retry and self._config.on_retry(retry)

    def _on_exchange(
        self,
        outgoing: Outgoing[Any],
        attempt: int,
        seconds: float,
        answer: Answer,
        error: AgentCallsError | None,
        *,
        latest: list[Any],
    ) -> object:
        if error:
            self._say_of_whom(error, outgoing, answer.secret)
        self.auto.note(answer.status, seconds, self._config.clock.now())
        told = self._config.on_exchange
        otel = instruments()
        if not (told or otel or hears_exchanges()):
            return None
        exchange = Exchange(
            method=outgoing.operation.method,
            path=outgoing.operation.path,
            query=outgoing.query,
            attempt=attempt,
            seconds=seconds,
            status=answer.status,
            bytes=answer.arrived,
            request_id=answer.request_id,
            error=type(error).__name__ if error else None,
            headers=value_without_key(dict(answer.headers), answer.secret),
        )
        if otel:
            read, borrowed = next(iter(latest), None), getattr(self._way(), "client", None)
            record_attempt(otel, exchange, self._config.base_url, read, borrowed)
        log_exchange(exchange)
        return told and told(exchange)
