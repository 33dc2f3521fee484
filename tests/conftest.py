from __future__ import annotations

import gc
import json
import os
import secrets
import signal
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest

from agentcalls_mock import FULL_KEY, Seeding, create_app, open_store, serving
from browser import MISSING
from drawn import ALL, not_drawn
from flavours import MakeAsync, MakeSync

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

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

DEAR = {
    *("cli/test_report_in_browser.py", "contract/test_defects.py"),
    *("contract/test_differences.py", "contract/test_generate.py", "contract/test_lane.py"),
    *("contract/test_live.py", "contract/test_mutants.py", "contract/test_page.py"),
    *("contract/test_portable.py", "contract/test_properties.py"),
    *("contract/test_reachable.py", "contract/test_rehearsal.py"),
    *("contract/test_second_opinions.py", "docs/test_site.py"),
    *("mirror/test_clocks_and_kills.py", "mirror/test_costs.py"),
    *("mock/test_calls_api.py", "mock/test_mock_agents.py", "mock/test_mock_errors.py"),
    *("mock/test_mock_faults.py", "mock/test_mock_listing.py", "mock/test_mock_process.py"),
    *("mock/test_nightly.py", "mock/test_pytest_plugin.py", "newcomer/test_start.py"),
    *("packaging/test_dist.py", "packaging/test_dockerfile.py"),
    *("packaging/test_environments.py", "packaging/test_extras.py"),
    *("packaging/test_metadata.py", "packaging/test_release.py"),
    *("packaging/test_testing.py", "wire/test_heard.py", "wire/test_leaving.py"),
    *("wire/test_waits.py", "wire/test_whose_answer.py"),
}
"""Modules of dear tests: a twelfth of their tests is drawn by day, and all run at night."""

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


@pytest.hookimpl(tryfirst=True)
def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark what is dear, before `-m "not share"` looks for the mark."""
    path = item.path.relative_to(Path(__file__).parent)
    if path.as_posix() in DEAR and not item.get_closest_marker("share"):
        item.add_marker(pytest.mark.share(pool="all", one_in=12))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave to the night what is not drawn."""
    left = not_drawn(items)
    config.hook.pytest_deselected(items=[item for item in items if item in left])
    items[:] = [item for item in items if item not in left]
    if not config.pluginmanager.has_plugin("randomly"):
        items.sort(key=_turn)


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """What stays to the end, thousands of tests and large libraries, need not be looked through for garbage."""
    gc.freeze()


SEEDING = Seeding(calls=250, now=datetime(2026, 11, 23, 12, tzinfo=UTC))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Half a character in a log would end the worker of pytest-xdist that reports it."""
    report = yield
    report.sections = [
        (name, text.encode(errors="backslashreplace").decode()) for name, text in report.sections
    ]
    return report


def _not_reached() -> Iterator[str]:
    """What of the facade no test reached, by file; slipcover has merged by now what the workers saw."""
    merged = Path(os.environ.get("SLIPCOVER_COVERAGE_DIR", "no folder"), "merged.json")
    files: dict[str, Any] = json.loads(merged.read_bytes())["files"] if merged.exists() else {}
    for name, file in sorted(files.items()):
        branches = ", ".join(f"{start} to {end}" for start, end in file["missing_branches"])
        if file["missing_lines"] or branches:
            yield f"No test reaches in {name} lines {file['missing_lines']}, branches {branches or 'none'}."


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    for sentence in _not_reached():
        terminalreporter.write_line(sentence, red=True)
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
    monkeypatch.delenv("SLIPCOVER_ENABLED", raising=False)  # for a pytest within a test
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
