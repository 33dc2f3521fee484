"""The mock's faults: off unless asked for, every Nth request or by header."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from agentcalls_mock import FULL_KEY, Fault, create_app, open_store, serving
from agentcalls_mock.arguments import parse_options
from agentcalls_mock.faults import parse_fault

CALLS = "/api/v1/console/agents/agent_demo/calls"


@contextmanager
def failing(fault: Fault | None, **options: Any) -> Generator[httpx.Client, None, None]:
    """A client of a mock with this fault."""
    headers = {"X-Api-Key": FULL_KEY}
    with (
        open_store() as store,
        serving(create_app(store, fault=fault)) as url,
        httpx.Client(base_url=url, headers=headers, **options) as client,
    ):
        yield client


def test_header_does_nothing_unless_faults_are_on() -> None:
    with failing(None) as client:
        assert client.get(CALLS, headers={"X-Mock-Fault": "503"}).status_code == 200


def test_every_nth_request_fails() -> None:
    with failing(Fault("503", 3)) as client:
        statuses = [client.get(CALLS).status_code for _ in range(7)]
    assert statuses == [200, 200, 503, 200, 200, 503, 200]


@pytest.mark.parametrize(
    ("kind", "status", "body", "retry_after"),
    [
        ("429", 429, '"code":"too_many_requests"', "1"),
        ("503", 503, '"code":"service_unavailable"', "1"),
        ("500", 500, '"statusCode":500', None),
        ("418", 418, '"request_id":"mine"', None),
        ("499", 499, "<h1>499", None),
        ("520", 520, "<h1>520", None),
        ("empty", 200, "", None),
        ("html", 200, "It works", None),
        ("nonsense", 200, '"data":', None),
    ],
)
def test_header_says_what_goes_wrong(
    kind: str, status: int, body: str, retry_after: str | None
) -> None:
    with failing(Fault("", 0)) as client:
        answer = client.get(CALLS, headers={"X-Mock-Fault": kind, "X-Request-Id": "mine"})
        assert client.get(CALLS).status_code == 200
    assert (answer.status_code, answer.headers.get("Retry-After")) == (status, retry_after)
    assert answer.headers["X-Request-Id"] == "mine"
    assert body in answer.text
    assert answer.text or kind == "empty"


def test_truncated_answer_breaks_off_inside_the_body() -> None:
    with failing(Fault("truncate")) as client, pytest.raises(httpx.RemoteProtocolError):
        client.get(CALLS)


def test_stalled_answer_never_comes_and_keeps_nobody_from_stopping() -> None:
    with failing(Fault("stall"), timeout=0.1) as client, pytest.raises(httpx.ReadTimeout):
        client.get(CALLS)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("503", Fault("503", 1)),
        ("429:10", Fault("429", 10)),
        ("stall", Fault("stall", 1)),
        ("header", Fault("", 0)),
        ("", None),
        ("200", None),
        ("600", None),
        ("503:", None),
        ("503:0", None),
        ("503:x", None),
        ("nonsense", None),
        ("header:2", None),
    ],
)
def test_fault_option(text: str, fault: Fault | None) -> None:
    assert parse_fault(text) == fault


def test_option_reaches_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert parse_options(["--fault", "429:10"]).fault == Fault("429", 10)
    assert parse_options([]).fault is None
    with pytest.raises(SystemExit):
        parse_options(["--fault", "none"])
    assert "'none' is not a fault such as" in capsys.readouterr().err
