from __future__ import annotations

from datetime import timedelta

import pytest

from agentcalls.cli.amounts import bounded_duration
from agentcalls.cli.failures import Code, Failure

LEAST, MOST = timedelta(milliseconds=100), timedelta(days=1)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("100ms", 0.1), ("10s", 10), ("5m", 300), ("1h", 3600), ("1d", 86_400), ("24h", 86_400)],
)
def test_a_duration_is_a_number_and_its_unit(text: str, seconds: float) -> None:
    assert bounded_duration("--interval", text, least=LEAST, most=MOST).total_seconds() == seconds


@pytest.mark.parametrize(
    "text",
    ["10", "s", "", "-1s", "1.5s", "99ms", "0s", "25h", "1w", "\u0661s", "9999999d", "999999999w"],
)
def test_anything_else_is_refused_with_the_bounds(text: str) -> None:
    with pytest.raises(
        Failure, match="--interval takes a time from 100ms to 1d, such as"
    ) as caught:
        bounded_duration("--interval", text, least=LEAST, most=MOST)
    assert caught.value.code is Code.USAGE


def test_a_bound_of_nothing_is_named() -> None:
    with pytest.raises(Failure, match="--follow takes a time from 0ms to 7d, such as"):
        bounded_duration("--follow", "8d", least=timedelta(0), most=timedelta(days=7))
