"""One request with its retries, as a generator: it decides, and the shells wait and send.

It yields seconds to sleep, a `Send`, or an awaitable that a hook of the user returned. After a `Send` it receives the
`Answer`, complete or not. It returns the result of `read`, or raises the error of `read`.

This module also reads the waits that an answer's headers ask for; the `Gate` delays requests until then.

The rules are the vendor's own ("Retries & idempotency"): connection errors, timeouts, 408, 429 and every 5xx but 501
are retried, but never before `Retry-After` has passed. Between attempts the waits grow exponentially, with full
jitter.
"""

from __future__ import annotations

import re
from datetime import UTC
from inspect import isawaitable
from threading import Lock
from typing import TYPE_CHECKING, TypeAlias, TypeVar, cast

from attrs import field, frozen
from msgspec import Struct

from agentcalls import settings
from agentcalls.checks import at_least, builtin_fields
from agentcalls.errors import AgentCallsError, APITimeoutError, RateLimitError
from agentcalls.request.key import without_key
from agentcalls.request.wire.library import is_a
from agentcalls.values import RateLimit

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator, Iterable, Mapping

    from agentcalls.clock import Clock, Deadline

    Step: TypeAlias = "float | Send | Awaitable[object]"

ResultT = TypeVar("ResultT")
Steps: TypeAlias = "Generator[Step, Answer | None, ResultT]"

_FIRST_BACKOFF_SECONDS = 0.5
_LONGEST_BACKOFF_SECONDS = 8.0
TOO_MANY_REQUESTS, SERVER_ERROR = 429, 500

_RETRYABLE, _NOT_RETRYABLE = {408, 429}, {501}

# A later reset is a mistake, such as milliseconds instead of seconds.
LONGEST_WINDOW_SECONDS = 86_400

# Delayed requests are spread over this time, so that they do not arrive all at once.
SPREAD_SECONDS = 1.0


class Send(Struct, frozen=True):
    """The next step of a shell: send the request, and read its answer."""


class Answer(Struct, kw_only=True, frozen=True):
    """An HTTP answer, as far as it arrived; its repr shows nothing of it."""

    status: int | None = None
    """None if not even the head arrived."""
    headers: Mapping[str, str] = {}
    """The headers; their names are in lower case."""
    content: bytes = b""
    secret: str = ""
    """The key that the request carried."""
    arrived: int = 0
    """Bytes of the body as they arrived, before decompression."""
    failure: AgentCallsError | None = None
    """The error if it cannot be read."""

    __repr__ = object.__repr__

    @property
    def request_id(self) -> str | None:
        """Its `X-Request-Id`, without the key."""
        return without_key(self.secret, self.headers.get("x-request-id", "")) or None


@frozen(kw_only=True)
class Retry:
    """A retry that is about to happen, as `on_retry` gets it."""

    attempt: int
    """The attempt that failed, 1-based."""
    wait_seconds: float
    """How long the client waits before the next one."""
    error: AgentCallsError
    """Why the attempt failed."""


@frozen(kw_only=True, field_transformer=builtin_fields)
class RetryPolicy:
    """How often and how long one request is retried."""

    max_retries: int = field(
        default=settings.MAX_RETRIES,
        validator=at_least(0, "a whole number from 0", int),
    )
    """Attempts after the first."""
    deadline: float = field(default=settings.DEADLINE, validator=at_least(0.001, "seconds"))
    """Seconds for a request with all its retries and waits."""
    max_retry_wait: float = field(default=settings.MAX_RETRY_WAIT, validator=at_least(0, "seconds"))
    """The longest wait, in seconds, that a server may ask for; if it asks for more, the error is raised at once."""


def attempts(
    policy: RetryPolicy,
    gate: Gate,
    *,
    clock: Clock,
    read: Callable[[Answer], ResultT],
    on_retry: Callable[[Retry], object],
    on_exchange: Callable[[int, float, Answer, AgentCallsError | None], object],
    deadline: Deadline,
) -> Steps[ResultT]:
    """The steps of one request; see above. Every moment is one of the clock's `now`, in seconds.

    `on_exchange` gets the number of the attempt, its seconds, its answer, and its error or None.
    """
    now = clock.now
    attempt = 0
    while True:
        yield from _let_through(policy, gate, clock, deadline=deadline, attempts=attempt)
        attempt += 1
        sent_at = now()
        answer = cast("Answer", (yield Send()))
        ended_at = now()
        result, error, asked = None, answer.failure, None
        try:
            if not error:
                asked = _note(answer, gate, ended_at, clock.wall())
                result = read(answer)
        except AgentCallsError as refusal:
            error = refusal
        yield from _awaited(on_exchange(attempt, ended_at - sent_at, answer, error))
        if not error:
            return cast("ResultT", result)
        error.attempts = attempt
        error.retry_after = asked
        wait = next_wait(error, attempt, policy, clock.random)
        if isinstance(error, RateLimitError) and (asked or 0) <= LONGEST_WINDOW_SECONDS:
            gate.hold(now() + (wait or asked or 0))
        if wait is None or wait >= deadline.left():
            raise error
        yield from _awaited(on_retry(Retry(attempt=attempt, wait_seconds=wait, error=error)))
        yield wait


def is_retryable(status: int) -> bool:
    """Whether a request may succeed later, although its answer has this error status."""
    return status in _RETRYABLE or (status >= SERVER_ERROR and status not in _NOT_RETRYABLE)


def is_final(causes: Iterable[BaseException]) -> bool:
    """Whether a request without an answer would fail again: it cannot be sent, or a certificate is not trusted."""
    return any(
        # By its name, since ssl is imported only where TLS is used.
        type(cause).__name__ == "SSLCertVerificationError"
        or is_a(cause, "UnsupportedProtocol", "LocalProtocolError")
        for cause in causes
    )


def _let_through(
    policy: RetryPolicy, gate: Gate, clock: Clock, *, deadline: Deadline, attempts: int
) -> Generator[float, object, None]:
    # Wait until the gate is open; raise if that takes longer than allowed.
    while held := gate.wait(clock.now(), clock.random):
        # The spread is ours: the server did not ask for it.
        if held > policy.max_retry_wait + SPREAD_SECONDS or held >= deadline.left():
            raise RateLimitError(
                "The rate limit is used up; the request was not sent.",
                retry_after=held,
                attempts=attempts,
                retryable=True,
            )
        yield held
    if deadline.left() <= 0:
        raise APITimeoutError("The deadline passed before the request was sent.", attempts=attempts)


def _awaited(told: object) -> Generator[Awaitable[object], object, None]:
    # A hook of the user may return an awaitable: the shell awaits it.
    if told is not None and isawaitable(told):
        yield told


def _note(answer: Answer, gate: Gate, now: float, wall: float) -> float | None:
    # A used-up window delays every later request; the wait of a 429 is for this request first of all.
    reset = window_wait(answer.headers, wall)
    if reset is not None:
        gate.hold(now + reset)
    asked = retry_after(answer.headers, wall)
    return reset if asked is None and answer.status == TOO_MANY_REQUESTS else asked


def next_wait(
    error: AgentCallsError, attempt: int, policy: RetryPolicy, random: Callable[[], float]
) -> float | None:
    """The seconds to wait after `attempt` (1-based) has failed; None if there is no retry.

    The wait is exactly the `retry_after` of the server, and there is no retry if that exceeds the longest wait. If the
    server asks for almost no wait, the usual one applies.
    """
    if not error.retryable or attempt > policy.max_retries:
        return None
    asked = error.retry_after or 0.0
    if asked >= _FIRST_BACKOFF_SECONDS:
        return asked if asked <= policy.max_retry_wait else None
    longest = _FIRST_BACKOFF_SECONDS * 2.0 ** min(attempt - 1, 10)
    return max(asked, random() * min(longest, _LONGEST_BACKOFF_SECONDS))


def retry_after(headers: Mapping[str, str], wall: float) -> float | None:
    """The seconds that `Retry-After` asks to wait: a number, or an HTTP date (RFC 9110, 10.2.3); otherwise None.

    A date is compared with the server's `Date` header; without one, with `wall`, the Unix time of this machine.
    """
    value = headers.get("retry-after", "").strip()
    if not value:
        return None
    # A header that is sent twice is a list: its longest wait is never too short.
    if re.fullmatch(r"[0-9.+, ]+", value) and (
        numbers := re.findall(r"[0-9]+(?:\.[0-9]+)?", value)
    ):
        return max(map(float, numbers))
    moment = _http_date(value)
    return None if moment is None else max(0.0, moment - _server_time(headers, wall))


def window_wait(headers: Mapping[str, str], wall: float) -> float | None:
    """The seconds until the rate limit's window resets, if the headers say that it is used up; otherwise None."""
    if headers.get("x-ratelimit-remaining", "1").strip("0 "):
        return None  # what nearly every answer says
    limit = RateLimit.from_headers(headers)
    if limit is None or limit.remaining != 0 or limit.reset is None:
        return None
    seconds = limit.reset.timestamp() - _server_time(headers, wall)
    return seconds if 0 < seconds <= LONGEST_WINDOW_SECONDS else None


class Gate:
    """Delays the requests of one client, in every thread and task, while its rate limit is used up.

    It only says how long to wait: the shells sleep, and ask again before they send.
    """

    def __init__(self) -> None:
        self._open_at = float("-inf")
        self._lock = Lock()

    def hold(self, until: float) -> None:
        """Keep the gate shut until `until`, in seconds of the client's monotonic clock."""
        with self._lock:
            self._open_at = max(self._open_at, until)

    def wait(self, now: float, random: Callable[[], float]) -> float:
        """The seconds that a request has to wait at `now`, at least until the gate opens; 0 if it is open."""
        held = self._open_at - now
        return held + SPREAD_SECONDS * random() if held > 0 else 0.0


def _http_date(value: str) -> float | None:
    try:
        from email.utils import parsedate_to_datetime  # noqa: PLC0415 (slow to import, and rarely needed)

        moment = parsedate_to_datetime(value)
        # An HTTP date is always in GMT, even if it does not say so.
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None


def _server_time(headers: Mapping[str, str], wall: float) -> float:
    date = _http_date(headers.get("date", ""))
    return wall if date is None else date
