"""What is told about the rate limit, and what happens beyond it."""

import time

import httpx
import pytest

from agentcalls_mock import FULL_KEY, NOSCOPE_KEY, RateLimit, create_app, open_store, serving
from agentcalls_mock.ratelimit import RateLimiter

CALLS = "/api/v1/console/agents/agent_one/calls"


class Clock:
    """Unix seconds, moved by hand."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def test_a_window_counts_down_refuses_and_opens_again_when_it_said() -> None:
    clock = Clock(1000.25)
    limiter = RateLimiter(RateLimit(2, 10), clock=clock)
    first, second = limiter.take("a"), limiter.take("a")
    clock.now = 1003.0
    third = limiter.take("a")

    assert [first.remaining, second.remaining, third.remaining] == [1, 0, 0]
    assert [first.admitted, second.admitted, third.admitted] == [True, True, False]
    assert first.reset == third.reset == 1011
    assert third.retry_after == 8

    clock.now = 1003.0 + third.retry_after
    assert limiter.take("a").remaining == 1


def test_a_client_that_waits_until_the_reset_is_never_early() -> None:
    clock = Clock(1000.75)
    limiter = RateLimiter(RateLimit(1, 0.5), clock=clock)
    told = limiter.take("a")
    assert limiter.take("a").retry_after == 1

    clock.now = told.reset
    assert limiter.take("a").admitted


def test_each_key_has_its_own_window() -> None:
    limiter = RateLimiter(RateLimit(1, 10), clock=Clock(0))

    assert limiter.take("a").admitted
    assert limiter.take("b").admitted
    assert not limiter.take("a").admitted


@pytest.mark.parametrize(
    ("path", "key", "status"),
    [
        (CALLS, FULL_KEY, 200),
        (f"{CALLS}?limit=0", FULL_KEY, 400),
        (CALLS, "sk_wrong", 401),
        (CALLS, NOSCOPE_KEY, 403),
        ("/nowhere", FULL_KEY, 404),
    ],
)
def test_every_answer_has_believable_rate_limit_headers(
    mock_url: str, path: str, key: str, status: int
) -> None:
    before = time.time()
    with httpx.Client(base_url=mock_url, headers={"X-Api-Key": key}) as client:
        answers = [client.get(path) for _ in range(2)]
    headers = [
        {
            name: int(answer.headers[f"X-RateLimit-{name}"])
            for name in ("Limit", "Remaining", "Reset")
        }
        for answer in answers
    ]

    assert [answer.status_code for answer in answers] == [status, status]
    assert 0 < headers[1]["Remaining"] < headers[0]["Limit"]
    assert before < headers[0]["Reset"] <= time.time() + 61
    assert "Retry-After" not in answers[0].headers


def test_beyond_the_limit_the_answer_is_429_in_the_envelope() -> None:
    app_limit = RateLimit(2, 3600)
    with (
        open_store() as store,
        serving(create_app(store, rate_limit=app_limit)) as url,
        httpx.Client(base_url=url, headers={"X-Api-Key": FULL_KEY}) as client,
    ):
        admitted = [client.get(CALLS) for _ in range(2)]
        refused = client.get(CALLS, headers={"X-Request-Id": "mine"})
        other = client.get(CALLS, headers={"Authorization": "Bearer sk_wrong"})

    assert [answer.headers["X-RateLimit-Remaining"] for answer in admitted] == ["1", "0"]
    wait = int(refused.headers["Retry-After"])
    assert 3590 <= wait <= 3600
    assert refused.status_code == 429
    assert list(refused.json().items()) == [
        ("message", f"Too many requests. Try again in {wait} seconds."),
        ("error", "Too Many Requests"),
        ("code", "rate_limited"),
        ("statusCode", 429),
        ("request_id", "mine"),
    ]
    assert refused.headers["X-Request-Id"] == "mine"
    assert refused.headers["X-RateLimit-Remaining"] == "0"
    assert other.status_code == 401
