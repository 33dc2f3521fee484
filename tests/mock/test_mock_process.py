"""`agentcalls-mock` as a process: one line when ready, status 0 when told to stop."""

import os
import re
import signal
import socket
import subprocess
import sys
import sysconfig
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

import agentcalls_mock
from agentcalls_mock import FULL_KEY, create_app, open_store, serving
from agentcalls_mock.arguments import parse_options
from agentcalls_mock.server import listen

SCRIPT = str(Path(sysconfig.get_path("scripts")) / "agentcalls-mock")
READY = re.compile(r"agentcalls-mock is ready at (http://127\.0\.0\.1:\d+) \(.+\)\n")
CALLS = "/api/v1/console/agents/agent_demo/calls"


@contextmanager
def running(*options: str) -> Generator[tuple[subprocess.Popen[str], str], None, None]:
    """Yields a mock that is ready, and its URL."""
    command = [SCRIPT, "--port", "0", "--calls", "30", *options]
    # Five hours off UTC, and an output that is not flushed unless the mock does so.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONUNBUFFERED"} | {"TZ": "XXX5"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        try:
            assert process.stdout
            ready = READY.fullmatch(process.stdout.readline())
            assert ready, process.stderr and process.stderr.read()
            yield process, ready[1]
        finally:
            process.kill()


def run(*options: str, module: bool = False) -> subprocess.CompletedProcess[str]:
    """The result of a mock that ends by itself."""
    command = [sys.executable, "-m", "agentcalls_mock"] if module else [SCRIPT]
    return subprocess.run(
        [*command, *options], capture_output=True, text=True, timeout=30, check=False
    )


def get(url: str, **parameters: str) -> httpx.Response:
    return httpx.get(
        url + CALLS, params=parameters, headers={"Authorization": f"Bearer {FULL_KEY}"}
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_says_one_line_answers_and_stops_cleanly_on_a_signal(number: signal.Signals) -> None:
    with running() as (process, url):
        answer = get(url)
        assert answer.json()["meta"]["total_count"] == 30
        assert "Server" not in answer.headers
        process.send_signal(number)
        rest, errors = process.communicate(timeout=10)

    assert (process.returncode, rest, errors) == (0, "", "")


def test_requests_in_flight_are_answered_before_it_stops() -> None:
    with running("--latency", "300ms", "--log-level", "debug") as (process, url):
        answers: list[httpx.Response] = []
        asking = threading.Thread(target=lambda: answers.append(get(url)))
        asking.start()
        assert process.stderr
        # The log tells when the request has arrived.
        while "has arrived" not in process.stderr.readline():
            pass
        process.terminate()
        asking.join()
        process.communicate(timeout=10)

    assert (answers[0].status_code, process.returncode) == (200, 0)
    assert answers[0].elapsed.total_seconds() >= 0.3


def test_equal_options_make_equal_bytes() -> None:
    bodies: list[bytes] = []
    for now in ("2026-11-23T13:00:00+01:00", "2026-11-23T12:00:00"):
        with running("--seed", "3", "--calls", "80", "--now", now) as (_, url):
            bodies.append(get(url, limit="100").content)

    assert bodies[0] == bodies[1]
    assert b'"created_on":"2026-11-23T11:59:' in bodies[0]


def test_without_now_a_database_is_used_again(tmp_path: Path) -> None:
    bodies: list[bytes] = []
    for _ in range(2):
        with running("--database", str(tmp_path / "calls.db")) as (_, url):
            bodies.append(get(url).content)

    assert bodies[0] == bodies[1]


def test_options_reach_the_server(tmp_path: Path) -> None:
    options = ("--rate-limit", "2/1h", "--default-sort", "created_at", "--agents", "1")
    with running(*options, "--database", str(tmp_path / "calls.db")) as (_, url):
        answers = [get(url, limit="100") for _ in range(3)]

    created = [row["created_on"] for row in answers[0].json()["data"]]
    assert created == sorted(created)
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert (tmp_path / "calls.db").stat().st_size > 0


def test_the_key_is_never_logged() -> None:
    with running("--log-level", "debug") as (process, url):
        get(url)
        process.terminate()
        rest, errors = process.communicate(timeout=10)

    assert f'"GET {CALLS} HTTP/1.1" 200' in errors
    assert "sk_" not in rest + errors


def test_a_port_in_use_is_one_sentence_and_status_1() -> None:
    with listen() as taken:
        port = str(taken.getsockname()[1])
        result = run("--port", port, module=True)

    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == (
        f"agentcalls-mock: error: cannot listen at 127.0.0.1 port {port}: Address already in use; "
        "--port 0 picks a free port\n"
    )


def test_a_host_that_does_not_exist_is_status_1() -> None:
    result = run("--port", "0", "--host", "256.0.0.1")

    assert result.returncode == 1
    assert result.stderr.startswith("agentcalls-mock: error: cannot listen at 256.0.0.1 port 0: ")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--port", "65536"], "argument --port: '65536' is not an integer from 0 to 65535"),
        (["--calls", "-1"], "argument --calls: '-1' is not an integer from 0 to 10000000"),
        (["--agents", "0"], "argument --agents: '0' is not an integer from 1 to 1000"),
        (["--latency", "50"], "argument --latency: '50' is not a time such as 50ms, 1.5s or 1m"),
        (
            ["--rate-limit", "0/1m"],
            "argument --rate-limit: '0/1m' is not a number of requests and a time, such as 60/1m",
        ),
        (
            ["--now", "yesterday"],
            "argument --now: 'yesterday' is not an ISO 8601 time such as 2026-11-23T12:00:00Z",
        ),
        (["--now", "1970-01-01"], "argument --now: '1970-01-01' is not in the years 1971 to 9998"),
        (
            ["--default-sort", "name"],
            "argument --default-sort: 'name' is not a field of a call or one after a '-'",
        ),
    ],
)
def test_wrong_options_are_one_sentence_and_status_2(
    options: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as raised:
        parse_options(options)

    assert raised.value.code == 2
    assert capsys.readouterr().err.endswith(f"agentcalls-mock: error: {sentence}\n")


def test_a_database_seeded_otherwise_is_status_2(tmp_path: Path) -> None:
    path = tmp_path / "calls.db"
    open_store(path=path).close()
    result = run("--port", "0", "--seed", "8", "--database", str(path))

    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith(f"agentcalls-mock: error: {path} was seeded with ")
    assert result.stderr.count("\n") == 1


def test_another_address_than_loopback_is_warned_of() -> None:
    with subprocess.Popen(
        [SCRIPT, "--port", "0", "--calls", "1", "--host", "0.0.0.0"],  # what is warned of
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        assert process.stdout.readline().startswith("agentcalls-mock is ready at http://0.0.0.0:")
        process.terminate()
        _, errors = process.communicate(timeout=10)

    assert errors == (
        "agentcalls-mock: warning: listening at 0.0.0.0, where other machines can reach the mock\n"
    )


def test_help_shows_keys_agents_and_an_example() -> None:
    text = run("--help").stdout

    for shown in ("sk_test_full", "sk_test_noscope", "agent_empty", "agent_other_team", "curl -H"):
        assert shown in text


def test_without_the_extra_it_says_which_to_install() -> None:
    program = (
        "import sys; sys.modules['starlette'] = None;"
        "from agentcalls_mock.__main__ import main; sys.exit(main(['--port', '0']))"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )

    assert result.returncode == 1
    assert result.stderr == (
        "agentcalls-mock: error: starlette is not installed: "
        'pip install ".[mock]" in a clone of agentcalls\n'
    )


def test_it_imports_neither_of_the_other_packages_and_nothing_at_first() -> None:
    program = """
import sys, agentcalls_mock
assert not {"starlette", "uvicorn", "sqlite3"} & set(sys.modules)
import importlib, pkgutil
for module in pkgutil.iter_modules(agentcalls_mock.__path__):
    if module.name != "__main__": importlib.import_module(f"agentcalls_mock.{module.name}")
import agentcalls_mock.__main__
assert not {"agentcalls", "agentcalls_api", "httpx", "attrs", "msgspec"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True)


def test_every_public_name_is_there() -> None:
    assert all(getattr(agentcalls_mock, name) for name in agentcalls_mock.__all__)
    assert not hasattr(agentcalls_mock, "nothing_of_ours")


def test_serving_ends_with_its_thread_and_its_port() -> None:
    before = threading.active_count()
    with open_store() as store, serving(create_app(store)) as url:
        assert get(url).status_code == 200
    with pytest.raises(httpx.ConnectError):
        get(url)

    assert threading.active_count() == before


def test_a_listener_is_of_the_protocol_that_turns_nagles_algorithm_off() -> None:
    with listen() as listener:
        assert (listener.getsockname()[0], listener.proto) == ("127.0.0.1", socket.IPPROTO_TCP)
