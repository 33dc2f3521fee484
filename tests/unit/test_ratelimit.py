"""What headers say of waiting."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentcalls import RateLimit
from agentcalls.request.retry import Gate, retry_after, window_wait

WALL = 784_111_777.0  # Sun, 06 Nov 1994 08:49:37 GMT
DAY = 86_400


@pytest.mark.parametrize(
    ("value", "date", "seconds"),
    [
        ("0", None, 0),
        ("7", None, 7),
        (" 7 ", None, 7),
        ("1.5", None, 1.5),
        ("999999999", None, 999_999_999),
        ("1000000000", None, 1e9),
        ("-1", None, None),
        ("+1", None, 1.0),
        ("5, 10", None, 10.0),
        (", ", None, None),
        ("1e3", None, None),
        ("nan", None, None),
        ("inf", None, None),
        ("\u0661", None, None),
        ("", None, None),
        ("soon", None, None),
        ("Sun, 06 Nov 1994 08:49:47 GMT", None, 10),
        ("Sunday, 06-Nov-94 08:49:47 GMT", None, 10),
        ("Sun Nov  6 08:49:47 1994", None, 10),
        ("Sun, 06 Nov 1994 08:49:47", None, 10),
        ("Sun, 06 Nov 1994 08:49:27 GMT", None, 0),
        ("Sun, 06 Nov 1994 08:49:47 GMT", "Sun, 06 Nov 1994 08:49:17 GMT", 30),
        ("Sun, 06 Nov 1994 08:49:47 GMT", "garbage", 10),
        ("Sun, 31 Feb 1994 08:49:47 GMT", None, None),
        ("Sun, 06 Nov 99999 08:49:47 GMT", None, None),
    ],
)
def test_retry_after(value: str, date: str | None, seconds: float | None) -> None:
    headers = {"retry-after": value} | ({"date": date} if date else {})
    assert retry_after(headers, WALL) == seconds


def test_no_retry_after_asks_for_nothing() -> None:
    assert retry_after({}, WALL) is None


@pytest.mark.parametrize(
    ("remaining", "reset", "seconds"),
    [
        ("0", WALL + 20, 20),
        ("0", WALL + DAY, DAY),
        ("0", WALL + DAY + 1, None),
        ("0", WALL * 1000, None),
        ("0", WALL, None),
        ("0", WALL - 1, None),
        ("0", 0, None),
        ("0", 10**17, None),
        ("1", WALL + 20, None),
        ("-1", WALL + 20, None),
        ("none", WALL + 20, None),
    ],
)
def test_window_that_is_used_up_is_waited_for_up_to_a_day(
    remaining: str, reset: float, seconds: float | None
) -> None:
    headers = {"x-ratelimit-remaining": remaining, "x-ratelimit-reset": str(int(reset))}
    assert window_wait(headers, WALL) == seconds


def test_reset_is_corrected_by_the_servers_date() -> None:
    headers = {
        "x-ratelimit-remaining": "0",
        "x-ratelimit-reset": str(int(WALL) + 20),
        "date": "Sun, 06 Nov 1994 08:49:42 GMT",
    }
    assert window_wait(headers, WALL - 3600) == 15


@pytest.mark.parametrize("headers", [{}, {"x-ratelimit-remaining": "0"}])
def test_without_a_reset_nothing_is_waited_for(headers: dict[str, str]) -> None:
    assert window_wait(headers, WALL) is None


def test_rate_limit_is_what_the_headers_state() -> None:
    assert RateLimit.from_headers({}) is None
    assert RateLimit.from_headers({"x-ratelimit-limit": "many"}) is None
    headers = {"x-ratelimit-limit": "60", "x-ratelimit-reset": str(int(WALL))}
    assert RateLimit.from_headers(headers) == RateLimit(
        60, None, datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC)
    )


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("7", 7),
        ("7.", 7),
        ("7.9", 7),
        ("9" * 18, int("9" * 18)),
        *((text, None) for text in ("9" * 19, "", ".", ".5", "7.5.1", "-7", " 7", "7\n", "\u00b2")),
        *((text, None) for text in ("\u0667", "7.\u0667", "7e1", "0x7", "7_0")),
    ],
)
def test_a_number_in_a_header_is_one_of_ascii_digits(text: str, number: int | None) -> None:
    limit = RateLimit.from_headers({"x-ratelimit-limit": "1", "x-ratelimit-remaining": text})
    assert limit == RateLimit(1, number, None)


@given(value=st.text(max_size=40), date=st.text(max_size=40))
def test_no_header_breaks_the_reading(value: str, date: str) -> None:
    headers = {
        "retry-after": value,
        "date": date,
        "x-ratelimit-remaining": "0",
        "x-ratelimit-reset": value,
    }
    seconds = retry_after(headers, WALL)
    assert seconds is None or 0 <= seconds < float("inf")
    window = window_wait(headers, WALL)
    assert window is None or 0 < window <= DAY


@given(until=st.lists(st.floats(0, 1e6), min_size=1), now=st.floats(0, 1e6), random=st.floats(0, 1))
def test_gate_never_lets_a_request_pass_early(
    until: list[float], now: float, random: float
) -> None:
    gate = Gate()
    for moment in until:
        gate.hold(moment)
    wait = gate.wait(now, lambda: random)
    held = max(until) - now
    assert wait == (0.0 if held <= 0 else held + random)
