"""Syncs at fixed times, and what they came to."""

from __future__ import annotations

import socket
import struct
import threading
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any

import httpx
import pytest

from agentcalls import AgentCallsError, AuthenticationError, ConfigurationError, NotFoundError
from agentcalls.mirror import InUseError, Numbers, Synced, served, watch
from agentcalls.mirror.change import Written
from agentcalls.mirror.watching import until_next

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def outcome(**changed: Any) -> Synced:
    values: dict[str, Any] = {"agents": 2, "asked": 3, "unproven": {}, "failures": {}}
    return Synced(**{**values, "written": Written(new=1, changed=2, marked=3), **changed})


@pytest.mark.parametrize(
    ("now", "seconds", "skipped"), [(100, 60, 0), (130, 30, 0), (160, 60, 1), (290, 50, 3)]
)
def test_a_run_that_is_due_while_one_runs_is_skipped(
    now: float, seconds: float, skipped: int
) -> None:
    assert until_next(100, 60, now) == (seconds, skipped)


class Time(Event):
    """A clock that moves on by what is waited for; it stops after so many waits."""

    def __init__(self, waits: int) -> None:
        super().__init__()
        self.now, self.left, self.waited = 0.0, waits, list[float]()

    def wait(self, timeout: float | None = None) -> bool:
        self.waited.append(timeout or 0)
        self.now += timeout or 0
        self.left -= 1
        if not self.left:
            self.set()
        return self.is_set()


def play(time: Time, runs: list[Any]) -> tuple[Numbers, list[str]]:
    """Each run is how many seconds it takes, or the error that ends it."""
    numbers, told = Numbers(), list[str]()

    def sync() -> Synced:
        run = runs.pop(0)
        if isinstance(run, Exception):
            raise run
        time.now += run
        return outcome()

    watch(
        sync,
        MINUTE,
        stop=time,
        numbers=numbers,
        tell=lambda error: told.append(type(error).__name__),
        now=lambda: time.now,
    )
    return numbers, told


def test_syncs_begin_at_fixed_times() -> None:
    time = Time(4)
    numbers, _ = play(time, [10, 70, 0, 60])
    assert time.waited == [50, 50, 60, 60]
    assert (numbers.runs, numbers.skipped, numbers.requests) == (4, 2, 12)
    assert numbers.written == Written(new=4, changed=8, marked=12)


def test_what_ends_a_sync_is_told_and_the_next_one_is_tried() -> None:
    numbers, told = play(Time(4), [NotFoundError("x"), OSError(), InUseError("x"), 1])
    assert told == ["NotFoundError", "OSError", "InUseError"]
    assert (numbers.runs, numbers.failed, numbers.why) == (4, 3, None)


@pytest.mark.parametrize("error", [AuthenticationError("x"), ConfigurationError("x")])
def test_what_the_next_one_would_meet_as_well_ends_it(error: AgentCallsError) -> None:
    with pytest.raises(type(error)):
        play(Time(4), [1, error])


def test_the_numbers_are_those_of_all_syncs() -> None:
    numbers = Numbers()
    assert "agents_not_proven" not in numbers.text(NOW)
    numbers.add(outcome(unproven={"a": "No order."}, oldest_watermark=NOW - MINUTE))
    numbers.add_failure(NotFoundError("+1415555 is gone", status=404))
    text = numbers.text(NOW)
    for line in (
        "agentcalls_sync_runs_total 2",
        "agentcalls_sync_runs_failed_total 1",
        "agentcalls_sync_requests_total 3",
        "agentcalls_sync_calls_marked_total 3",
        "agentcalls_sync_agents_not_proven 1",
        "agentcalls_sync_oldest_watermark_age_seconds 60.0",
        "# TYPE agentcalls_sync_agents_not_proven gauge",
    ):
        assert line in text.splitlines()
    assert numbers.why == "NotFoundError (404)"
    numbers.add_failure(OSError("x"))
    assert numbers.why == "OSError"


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_the_address_answers_what_there_is(host: str) -> None:
    if host == "::1" and not has_ipv6():
        pytest.skip("this machine has no IPv6")
    numbers = Numbers()
    with served(numbers, host, 0) as port:
        url = f"http://{f'[{host}]' if ':' in host else host}:{port}"
        with httpx.Client(trust_env=False, base_url=url) as client:
            assert client.get("/healthz").text == "ok\n"
            numbers.add(outcome(unproven={"a": "No order."}))
            answer = client.get("/healthz")
            assert (answer.status_code, answer.text) == (503, f"{numbers.why}\n")
            answer = client.get("/metrics")
            assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
            assert "agentcalls_sync_runs_total 1" in answer.text
            assert client.get("/").status_code == 404
            # As a load balancer asks, or a scrape with parameters.
            assert "agentcalls_sync_runs_total 1" in client.get("/metrics?job=calls").text
            answer = client.head("/healthz")
            assert (answer.status_code, answer.content) == (503, b"")


def test_a_reader_that_breaks_off_is_no_news(capfd: pytest.CaptureFixture[str]) -> None:
    with served(Numbers(), "127.0.0.1", 0) as port:
        with socket.create_connection(("127.0.0.1", port)) as reader:
            reader.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            reader.send(b"GET /metr")
        with httpx.Client(trust_env=False) as client:
            assert client.get(f"http://127.0.0.1:{port}/healthz").status_code == 200
        # Each connection has a thread, and that of the first one had begun before.
        for thread in threading.enumerate():
            if "process_request" in thread.name:
                thread.join(5)
    assert capfd.readouterr().err == ""


def has_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False
