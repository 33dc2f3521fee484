from __future__ import annotations

import gc
import os
import pkgutil
import secrets
import signal
import sys
import threading
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest

import agentcalls
from agentcalls_mock import FULL_KEY, Seeding, create_app, open_store, serving
from browser import MISSING
from drawn import ALL, not_drawn
from flavours import MakeAsync, MakeSync

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from _pytest.terminal import TerminalReporter

    from agentcalls import Client
    from flavours import MakeClient

# Where this runs in the background, Ctrl-C is ignored, and every process that a test starts would ignore it, too.
signal.signal(signal.SIGINT, signal.default_int_handler)

# What is new on every run is drawn from one seed, which the workers of pytest-xdist take over.
os.environ.setdefault("AGENTCALLS_SEED", str(secrets.randbelow(10**9)))

# dlt would report each of our tests to its makers, and logs what is no concern of ours.
os.environ.update(RUNTIME__DLTHUB_TELEMETRY="false", RUNTIME__LOG_LEVEL="ERROR")

# The same examples on every run, so that a red CI can be repeated; no deadlines, since machines differ.
hypothesis.settings.register_profile("agentcalls", derandomize=True, deadline=None, database=None)
hypothesis.settings.load_profile("agentcalls")

COVERING = ("unit", "client", "cli", "export", "mirror")
"""The folders whose tests prove the branches of the facade; measuring the others would cost, and prove nothing more."""

DEAR = {
    *("cli/test_report_in_browser.py", "contract/test_defects.py", "contract/test_generate.py"),
    *("contract/test_lane.py", "contract/test_live.py", "contract/test_mutants.py"),
    *("contract/test_page.py", "contract/test_portable.py", "contract/test_properties.py"),
    *("contract/test_reachable.py", "contract/test_second_opinions.py", "mock/test_calls_api.py"),
    *("mock/test_mock_agents.py", "mock/test_mock_errors.py", "mock/test_mock_faults.py"),
    *("mock/test_mock_listing.py", "mock/test_mock_process.py", "mock/test_pytest_plugin.py"),
    *("packaging/test_environments.py", "packaging/test_extras.py", "packaging/test_metadata.py"),
    *("packaging/test_release.py", "packaging/test_testing.py", "wire/test_heard.py"),
    *("wire/test_leaving.py", "wire/test_waits.py", "wire/test_whose_answer.py"),
}
"""Modules of dear tests that prove no branch: a quarter of their tests is drawn by day, and all run at night."""

LONGEST_FIRST = ("packaging", "contract", "docs", "cli", "wire", "simulation", "export", "client")
"""The folders with the longest modules come first: what begins last ends last."""


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """A worker more than there are cores: a test of what does not answer waits, and needs no core meanwhile.

    `--numprocesses=logical` is for tests that never wait.
    """
    return (os.cpu_count() or 1) + bool(config.option.numprocesses == "auto")


def _turn(item: pytest.Item) -> int:
    folder = item.path.relative_to(Path(__file__).parent).parts[0]
    return LONGEST_FIRST.index(folder) if folder in LONGEST_FIRST else len(LONGEST_FIRST)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave to the night what is not drawn. What may be left out proves no branch, so each seed covers the same."""
    for item in items:
        path = item.path.relative_to(Path(__file__).parent)
        if path.as_posix() in DEAR and not item.get_closest_marker("share"):
            item.add_marker(pytest.mark.share(pool="all", one_in=4))
        if path.parts[0] not in COVERING or item.get_closest_marker("share"):
            item.add_marker(pytest.mark.unmeasured)
    left = not_drawn(items)
    config.hook.pytest_deselected(items=[item for item in items if item in left])
    items[:] = [item for item in items if item not in left]
    if not config.pluginmanager.has_plugin("randomly"):
        items.sort(key=_turn)


@contextmanager
def _untraced() -> Iterator[None]:
    """Without the tracer of coverage, here and in new threads; other threads keep theirs.

    pytest-cov's own mark stops the tracers of all threads at once, from a test's call on. Python 3.11 then refuses one
    of two threads that take theirs out together.
    """
    here, in_new_threads = sys.gettrace(), threading.gettrace()
    sys.settrace(None)
    threading.settrace(None)
    try:
        yield
    finally:
        threading.settrace(in_new_threads)
        sys.settrace(here)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is measured is imported first, so that the tests can be, without a tracer, in a third of the time."""
    if sys.gettrace() is None:
        return (yield)
    for module in pkgutil.walk_packages(agentcalls.__path__, "agentcalls."):
        if not module.name.endswith("__main__"):
            import_module(module.name)
    with _untraced():
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """A test marked `unmeasured` runs without the tracer, its fixtures too."""
    if item.get_closest_marker("unmeasured") is None:
        return (yield)
    with _untraced():
        return (yield)


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """What stays to the end, thousands of tests and large libraries, need not be looked through for garbage."""
    gc.freeze()


SERVERS = {"agentcalls-mock", "fault-server"}


def _run_unmeasured(
    thread: threading.Thread, run: Callable[..., None] = threading.Thread.run
) -> None:
    """A thread of a server runs nothing of the facade, and would take twice as long under a trace."""
    if thread.name in SERVERS:
        sys.settrace(None)
    run(thread)


threading.Thread.run = _run_unmeasured  # type: ignore[assignment, method-assign]

SEEDING = Seeding(calls=250, now=datetime(2026, 11, 23, 12, tzinfo=UTC))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Half a character in a log would end the worker of pytest-xdist that reports it."""
    report = yield
    report.sections = [
        (name, text.encode(errors="backslashreplace").decode()) for name, text in report.sections
    ]
    return report


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    share = "All cases" if ALL else "The share of the cases"
    terminalreporter.write_line(
        f"{share} and new listings are of AGENTCALLS_SEED={os.environ['AGENTCALLS_SEED']}"
    )
    skipped = terminalreporter.stats.get("skipped", [])
    unseen = sum(MISSING in str(report.longrepr) for report in skipped)
    if unseen:
        terminalreporter.write_line(
            f"{MISSING}: {unseen} tests that look at the report in it were left out."
        )


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("API_KEY", "BASE_URL", "AUTH"):
        monkeypatch.delenv(f"AGENTCALLS_{name}", raising=False)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture(scope="session")
def mock_url() -> Generator[str]:
    """The mock over real HTTP: 250 calls of agent_demo, none of agent_empty, one of agent_one."""
    with open_store(SEEDING) as store, serving(create_app(store)) as url:
        yield url


@pytest.fixture(params=[MakeSync, MakeAsync], ids=["sync", "async"])
def make_client(request: pytest.FixtureRequest) -> Generator[MakeClient]:
    """Makes clients of one flavour; a test that takes it runs in both."""
    make = request.param()
    yield make
    make.close()


@pytest.fixture
def client(make_client: MakeClient, mock_url: str) -> Client:
    """A client of the mock, in both flavours."""
    return make_client(api_key=FULL_KEY, base_url=mock_url)


@pytest.fixture
def page_body() -> dict[str, Any]:
    """The body of a page with one call; a test changes what it needs."""
    return {
        "message": "Success",
        "meta": {
            "total_count": 1,
            "page_count": 1,
            "current_page": 1,
            "limit": 100,
            "has_next_page": False,
            "has_previous_page": False,
        },
        "data": [
            {
                "id": "call_1",
                "source": "+14155550100",
                "destination": "+2348012345678",
                "status": "ended",
                "direction": "outbound",
                "created_on": "2026-11-23T10:00:00Z",
                "duration_seconds": 42,
                "is_test_call": False,
                "error_reason": None,
                "end_reason": "hangup",
                "ringing_at": "2026-11-23T10:00:02+00:00",
                "ended_at": "2026-11-23T11:01:00.5+01:00",
            }
        ],
    }
