"""One request with its retries, as a generator: it decides, and the shells wait and send.

It yields either seconds to sleep or a `Send`, and after a `Send` is given what came back: an `Answer`, or the error of
having none. It returns what `read` makes of an answer, or raises what `read` raises.

The rules are the vendor's own ("Retries & idempotency"): connection errors, timeouts, 408, 429 and every 5xx but 501
are tried again, and never before `Retry-After` has passed. Between attempts the waits grow exponentially, with full
jitter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import Attribute, field, frozen

from agentcalls.errors import AgentCallsError, APITimeoutError, ConfigurationError, RateLimitError
from agentcalls.ratelimit import (
    LONGEST_WINDOW_SECONDS,
    SPREAD_SECONDS,
    Gate,
    retry_after,
    window_wait,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from agentcalls.clock import Clock

ResultT = TypeVar("ResultT")

_FIRST_BACKOFF_SECONDS = 0.5
_LONGEST_BACKOFF_SECONDS = 8.0
_TOO_MANY_REQUESTS = 429


@frozen
class Send:
    """What a shell does next, where it is not to sleep: send the request, and read its answer by the deadline."""

    deadline: float
    """The moment on the client's monotonic clock, in seconds, after which nothing more is read."""


@frozen
class Answer:
    """An HTTP answer that was read to its end."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    """Their names are in lower case."""
    content: bytes = field(repr=False)
    secret: str = field(default="", repr=False)
    """The key that the request carried."""


@frozen(kw_only=True)
class Retry:
    """A retry that is about to happen, as `on_retry` is told of it."""

    attempt: int
    """The attempt that failed, 1-based."""
    wait_seconds: float
    """How long the client waits before the next one."""
    error: AgentCallsError
    """Why the attempt failed."""


def at_least(
    lowest: float, takes: str, kind: type[int | float] = float
) -> Callable[[object, Attribute[Any], object], None]:
    """A validator: a finite number from `lowest` on; what it `takes` is said in the `ConfigurationError`."""

    def check(_: object, attribute: Attribute[Any], value: object) -> None:
        number = isinstance(value, int | kind) and not isinstance(value, bool)
        if not number or not lowest <= cast("float", value) < float("inf"):
            raise ConfigurationError(f"{attribute.name} takes {takes}.")

    return check


@frozen(kw_only=True)
class RetryPolicy:
    """How long and how often one request is tried."""

    max_retries: int = field(default=4, validator=at_least(0, "a whole number from 0", int))
    """Attempts after the first."""
    deadline: float = field(default=120.0, validator=at_least(0.001, "seconds"))
    """Seconds for a request with all its retries and waits."""
    max_retry_wait: float = field(default=60.0, validator=at_least(0, "seconds"))
    """The longest wait, in seconds, that a server's word is obeyed for; a longer one is raised at once."""


def attempts(
    policy: RetryPolicy,
    gate: Gate,
    *,
    clock: Clock,
    read: Callable[[Answer], ResultT],
    on_retry: Callable[[Retry], object],
) -> Generator[float | Send, Answer | AgentCallsError | None, ResultT]:
    """The steps of one request; see above. Every moment is one of the clock's `now`, in seconds."""
    now, random = clock.now, clock.random
    deadline = now() + policy.deadline
    attempt = 0
    while True:
        while held := gate.wait(now(), random):
            # The spread is ours, not the server's word.
            if held > policy.max_retry_wait + SPREAD_SECONDS or now() + held >= deadline:
                raise RateLimitError(
                    "The rate limit is used up; the request was not sent.",
                    retry_after=held,
                    attempts=attempt,
                    retryable=True,
                )
            yield held
        if now() >= deadline:
            raise APITimeoutError(
                "The deadline passed before the request was sent.", attempts=attempt
            )
        attempt += 1
        outcome = yield Send(deadline)
        asked = None
        try:
            if isinstance(outcome, Answer):
                asked = _note(outcome, gate, now(), clock.wall())
                return read(outcome)
            error = cast("AgentCallsError", outcome)
        except AgentCallsError as refusal:
            error = refusal
        error.attempts = attempt
        error.retry_after = asked
        wait = next_wait(error, attempt, policy, random)
        if isinstance(error, RateLimitError) and (asked or 0) <= LONGEST_WINDOW_SECONDS:
            gate.hold(now() + (wait or asked or 0))
        if wait is None or now() + wait >= deadline:
            raise error
        on_retry(Retry(attempt=attempt, wait_seconds=wait, error=error))
        yield wait


def _note(answer: Answer, gate: Gate, now: float, wall: float) -> float | None:
    # A used-up window concerns every request that is yet to come; what a 429 asks for, this one first of all.
    reset = window_wait(answer.headers, wall)
    if reset is not None:
        gate.hold(now + reset)
    asked = retry_after(answer.headers, wall)
    return reset if asked is None and answer.status == _TOO_MANY_REQUESTS else asked


def next_wait(
    error: AgentCallsError, attempt: int, policy: RetryPolicy, random: Callable[[], float]
) -> float | None:
    """The seconds to wait before trying again after `attempt` (1-based) failed; None where it is not to be tried again.

    What the server asked for in `retry_after` is waited for exactly, and not at all where it exceeds the longest wait.
    """
    if not error.retryable or attempt > policy.max_retries:
        return None
    if error.retry_after is not None:
        return error.retry_after if error.retry_after <= policy.max_retry_wait else None
    longest = _FIRST_BACKOFF_SECONDS * 2.0 ** min(attempt - 1, 10)
    return random() * min(longest, _LONGEST_BACKOFF_SECONDS)
