"""The steps of one request with its retries, driven by hand: exact moments, no clock but the test's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentcalls import (
    AgentCallsError,
    APIConnectionError,
    APITimeoutError,
    Clock,
    ConfigurationError,
    RateLimitError,
)
from agentcalls.clock import Deadline, Stopwatch
from agentcalls.request.operation import LIST_CALLS
from agentcalls.request.refusal import error_for
from agentcalls.request.retry import Answer, Gate, Retry, RetryPolicy, Send, attempts, next_wait

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

WALL = 1_700_000_000.0


def answer_of(outcome: object) -> object:
    """An answer or nothing as it is, an error as the answer that failed with it."""
    return Answer(failure=outcome) if isinstance(outcome, AgentCallsError) else outcome


class Driver:
    """One request: its clock, which stands still unless moved, and what was told of its retries."""

    def __init__(
        self, gate: Gate | None = None, random: float = 1.0, moment: float = 0.0, **policy: Any
    ) -> None:
        self.moment = moment
        self.told: list[Retry] = []
        self.exchanges: list[tuple[int, float, Answer, AgentCallsError | None]] = []
        self.gate = gate or Gate()
        self._clock = Clock(
            now=lambda: self.moment, wall=lambda: WALL + self.moment, random=lambda: random
        )
        settings = RetryPolicy(**policy)
        self.steps: Generator[Any, Any, str] = attempts(
            settings,
            self.gate,
            deadline=Deadline(Stopwatch(self._clock.now), settings.deadline),
            clock=self._clock,
            read=self._read,
            on_retry=self.told.append,
            on_exchange=lambda *exchange: self.exchanges.append(exchange),
        )

    def _read(self, answer: Answer) -> str:
        if answer.status == 200:
            return "page"
        raise error_for(answer, LIST_CALLS)

    def sleeps(self, outcome: object) -> float:
        """The seconds asked for after this outcome, slept."""
        step = self.steps.send(answer_of(outcome))
        assert isinstance(step, float | int)
        self.moment += step
        return step

    def fails(self, outcome: object) -> AgentCallsError:
        """The error that this outcome ends in."""
        with pytest.raises(AgentCallsError) as caught:
            self.steps.send(answer_of(outcome))
        return caught.value

    def ends(self, outcome: object) -> str:
        with pytest.raises(StopIteration) as caught:
            self.steps.send(answer_of(outcome))
        page: str = caught.value.value
        return page


def answer(status: int, **headers: str) -> Answer:
    sent = {name.replace("_", "-").lower(): value for name, value in headers.items()}
    return Answer(status=status, headers=sent)


def error_of(kind: type[AgentCallsError] = APIConnectionError, **known: Any) -> AgentCallsError:
    return kind("Wrong.", **known)


def test_good_answer_is_read_at_once() -> None:
    driver = Driver()
    assert next(driver.steps) == Send()
    assert driver.ends(answer(200)) == "page"
    assert driver.told == []


def test_waits_double_from_half_a_second_to_eight() -> None:
    driver = Driver(max_retries=7, deadline=1000)
    waits: list[float] = []
    for _ in range(7):
        assert isinstance(next(driver.steps), Send)
        waits.append(driver.sleeps(error_of()))
    assert waits == [0.5, 1, 2, 4, 8, 8, 8]
    assert [(retry.attempt, retry.wait_seconds) for retry in driver.told] == list(
        enumerate(waits, 1)
    )
    next(driver.steps)
    assert driver.fails(error_of()).attempts == 8


@given(random=st.floats(0, 1), attempt=st.integers(1, 2000))
def test_jitter_is_full(random: float, attempt: int) -> None:
    wait = next_wait(error_of(), attempt, RetryPolicy(max_retries=2000), lambda: random)
    assert wait == random * min(0.5 * 2 ** min(attempt - 1, 10), 8)


@pytest.mark.parametrize(
    ("error", "attempt", "wait"),
    [
        (error_of(retryable=False), 1, None),
        (error_of(), 3, None),
        (error_of(), 2, 1.0),
        (error_of(retry_after=0.0), 1, 0.5),
        (error_of(retry_after=0.4), 2, 1.0),
        (error_of(retry_after=0.5), 2, 0.5),
        (error_of(retry_after=9.5), 1, 9.5),
        (error_of(retry_after=10.0), 2, 10.0),
        (error_of(retry_after=10.1), 1, None),
        (error_of(retry_after=9.5), 3, None),
        (error_of(retry_after=9.5, retryable=False), 1, None),
    ],
)
def test_next_wait(error: AgentCallsError, attempt: int, wait: float | None) -> None:
    policy = RetryPolicy(max_retries=2, max_retry_wait=10)
    assert next_wait(error, attempt, policy, lambda: 1.0) == wait


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 520, 599])
def test_status_that_may_pass_is_tried_again(status: int) -> None:
    driver = Driver()
    next(driver.steps)
    assert driver.sleeps(answer(status)) == 0.5
    assert driver.told[0].error.status == status


@pytest.mark.parametrize("status", [204, 302, 400, 401, 403, 404, 409, 418, 499, 501])
def test_status_that_stays_is_not(status: int) -> None:
    driver = Driver()
    next(driver.steps)
    error = driver.fails(answer(status, Retry_After="1"))
    assert (error.status, error.attempts, error.retry_after) == (status, 1, 1.0)


def test_retry_after_is_waited_for_exactly_and_then_sent() -> None:
    driver = Driver()
    next(driver.steps)
    assert driver.sleeps(answer(429, Retry_After="7.25")) == 7.25
    assert isinstance(next(driver.steps), Send)
    assert driver.moment == 7.25


def test_retry_after_longer_than_the_cap_raises_at_once() -> None:
    driver = Driver(max_retry_wait=10)
    next(driver.steps)
    error = driver.fails(answer(429, Retry_After="11"))
    assert type(error) is RateLimitError
    assert (error.retry_after, driver.told) == (11, [])


@pytest.mark.parametrize(("wait", "ends"), [("9", False), ("10", True), ("11", True)])
def test_wait_that_reaches_the_deadline_raises_at_once(wait: str, *, ends: bool) -> None:
    driver = Driver(deadline=10)
    next(driver.steps)
    if ends:
        assert driver.fails(answer(503, Retry_After=wait)).status == 503
    else:
        assert driver.sleeps(answer(503, Retry_After=wait)) == 9


def test_deadline_counts_from_the_beginning_and_holds_for_all_attempts() -> None:
    driver = Driver(deadline=10, moment=5)
    assert next(driver.steps) == Send()
    driver.moment = 14.6
    assert driver.fails(error_of()).attempts == 1


def test_sleep_that_overshoots_the_deadline_ends_in_a_timeout() -> None:
    driver = Driver(deadline=10)
    next(driver.steps)
    driver.sleeps(error_of())
    driver.moment = 10
    error = driver.fails(None)
    assert type(error) is APITimeoutError
    assert error.attempts == 1


def test_used_up_window_holds_back_the_next_request_and_spreads_it() -> None:
    gate = Gate()
    first = Driver(gate)
    next(first.steps)
    headers = {"X_RateLimit_Remaining": "0", "X_RateLimit_Reset": str(int(WALL) + 20)}
    assert first.ends(answer(200, **headers)) == "page"
    for random, wait in ((0.0, 20.0), (0.25, 20.25), (1.0, 21.0)):
        other = Driver(gate, random)
        assert next(other.steps) == wait
        other.moment = wait
        assert isinstance(next(other.steps), Send)


def test_429_without_word_holds_the_others_back_as_long_as_it_waits_itself() -> None:
    gate = Gate()
    first, other = Driver(gate), Driver(gate, random=0)
    next(first.steps)
    assert first.sleeps(answer(429)) == 0.5
    assert next(other.steps) == 0.5


def test_429_that_is_not_tried_again_still_holds_the_others_back() -> None:
    gate = Gate()
    first, other = Driver(gate, max_retries=0), Driver(gate, random=0)
    next(first.steps)
    first.fails(answer(429, Retry_After="30"))
    assert next(other.steps) == 30


def test_503_holds_nobody_back() -> None:
    gate = Gate()
    first, other = Driver(gate), Driver(gate)
    next(first.steps)
    first.sleeps(answer(503, Retry_After="30"))
    assert isinstance(next(other.steps), Send)


def test_gate_that_was_shut_again_meanwhile_is_waited_for_again() -> None:
    driver = Driver(random=0)
    driver.gate.hold(5)
    driver.steps.send(None)
    driver.moment = 5
    driver.gate.hold(8)
    assert next(driver.steps) == 3


@pytest.mark.parametrize(
    ("held", "options", "refused"),
    [
        (60, {}, False),
        (60.5, {}, True),
        (9, {"deadline": 10.0}, True),
        (8.9, {"deadline": 10.0}, False),
    ],
)
def test_gate_shut_beyond_cap_or_deadline_refuses_before_anything_is_sent(
    held: float, options: Any, *, refused: bool
) -> None:
    driver = Driver(**options)
    driver.gate.hold(held)
    if refused:
        error = driver.fails(None)
        assert type(error) is RateLimitError
        assert (error.attempts, error.retry_after, error.retryable) == (0, held + 1, True)
    else:
        assert next(driver.steps) == held + 1


def test_reset_in_milliseconds_is_no_reset() -> None:
    driver = Driver()
    next(driver.steps)
    reset = str(int(WALL + 20) * 1000)
    assert driver.sleeps(answer(429, X_RateLimit_Remaining="0", X_RateLimit_Reset=reset)) == 0.5


def test_429_takes_the_later_of_retry_after_and_reset() -> None:
    driver = Driver(random=0)
    next(driver.steps)
    headers = {"X_RateLimit_Remaining": "0", "X_RateLimit_Reset": str(int(WALL) + 20)}
    assert driver.sleeps(answer(429, Retry_After="5", **headers)) == 5
    # The window is still used up: the gate holds the retry for the rest.
    assert driver.sleeps(None) == 15
    assert isinstance(next(driver.steps), Send)


def test_error_that_on_retry_raises_passes_through() -> None:
    def refuse(_: object) -> None:
        raise LookupError

    tell: Callable[[Retry], object] = refuse
    steps = attempts(
        RetryPolicy(),
        Gate(),
        deadline=Deadline(Stopwatch(Clock().now), 9),
        clock=Clock(),
        read=lambda answer: answer,
        on_retry=tell,
        on_exchange=lambda *_: None,
    )
    next(steps)
    with pytest.raises(LookupError):
        steps.send(Answer(failure=error_of()))


@pytest.mark.parametrize(
    "options",
    [
        {"max_retries": -1},
        {"max_retries": 1.0},
        {"max_retries": True},
        {"deadline": 0},
        {"deadline": float("inf")},
        {"deadline": float("nan")},
        {"deadline": "1"},
        {"max_retry_wait": -1},
        {"max_retry_wait": None},
    ],
    ids=str,
)
def test_policy_that_makes_no_sense_is_refused(options: Any) -> None:
    (name,) = options
    with pytest.raises(ConfigurationError, match=f"^{name} takes"):
        RetryPolicy(**options)


def test_429_with_a_used_up_window_and_no_retry_after_waits_for_its_reset() -> None:
    driver = Driver()
    next(driver.steps)
    wall = 1_700_000_000
    date = "Tue, 14 Nov 2023 22:13:20 GMT"
    limited = {
        "X_RateLimit_Limit": "60",
        "X_RateLimit_Remaining": "0",
        "X_RateLimit_Reset": str(wall + 30),
        "date": date,
    }
    assert driver.sleeps(answer(429, **limited)) == 30
    assert driver.told[0].error.retry_after == 30


def test_absurd_retry_after_raises_and_does_not_shut_the_gate_for_years() -> None:
    driver = Driver()
    next(driver.steps)
    assert driver.fails(answer(429, Retry_After="999999999")).retry_after == 999_999_999
    assert driver.gate.wait(driver.moment, lambda: 0.0) == 0
