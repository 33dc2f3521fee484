"""A project outside the repository, with the wheel and its extra `mock` alone, tests a small program."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from installing import Installed, install

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM = """
import sys
from agentcalls import Client

def main(agent_id):
    with Client() as client:
        failed = [call.destination for call in client.calls.list(agent_id, status="failed")]
    print(*failed, sep="\\n")
    return 1 if failed else 0
"""

TEST = """
import failures

def test_failed_calls_are_named(calls_api, monkeypatch, capsys):
    monkeypatch.setenv("AGENTCALLS_BASE_URL", calls_api.base_url)
    monkeypatch.setenv("AGENTCALLS_API_KEY", calls_api.api_key)
    calls_api.add_agent("front_desk")
    calls_api.add_call("front_desk", status="failed", destination="+14155550199")
    calls_api.add_call("front_desk", status="ended")
    calls_api.fail(503, times=1)
    assert failures.main("front_desk") == 1
    assert capsys.readouterr().out == "+14155550199\\n"
    assert [request.status for request in calls_api.requests] == [503, 200]
"""


@pytest.fixture(scope="module")
def project(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """An environment with a program and its test, and pytest."""
    installed = install(tmp_path_factory.mktemp("project"), wheel, "mock", beside=["pytest"])
    (installed.work / "failures.py").write_text(PROGRAM)
    (installed.work / "test_failures.py").write_text(TEST)
    return installed


def test_a_small_program_is_tested_in_under_twenty_lines(project: Installed) -> None:
    assert len(TEST.split("\n")) < 20
    shown = project.prints("python", "-m", "pytest", "-W", "error", "-q")
    assert "1 passed" in shown


def test_the_test_fails_where_the_program_does(project: Installed) -> None:
    wrong = PROGRAM.replace('status="failed"', 'status="busy"')
    (project.work / "failures.py").write_text(wrong)
    try:
        ended = project.run("python", "-m", "pytest", "-q")
    finally:
        (project.work / "failures.py").write_text(PROGRAM)
    assert ended.returncode == 1
    assert "1 failed" in ended.stdout


def test_the_plugin_can_be_left_out_by_its_name(project: Installed) -> None:
    ended = project.run("python", "-m", "pytest", "-q", "-p", "no:agentcalls")
    assert ended.returncode == 1
    assert "fixture 'calls_api' not found" in ended.stdout


def test_the_plugin_costs_a_run_without_the_fixture_nothing(project: Installed) -> None:
    (project.work / "test_other.py").write_text("""
import sys
def test_it():
    assert "agentcalls_mock.pytest_plugin" in sys.modules
    assert not {"agentcalls", "httpx", "starlette", "uvicorn", "sqlite3"} & set(sys.modules)
""")
    project.prints("python", "-m", "pytest", "-q", "test_other.py")


def test_the_double_works_without_pytest(project: Installed) -> None:
    shown = project.python("""
from agentcalls_mock import MockCallsAPI
with MockCallsAPI() as api, api.client() as client:
    api.add_agent("front_desk", calls=250)
    print(len(client.calls.list("front_desk").all()))
""")
    assert shown == "250\n"


def test_without_the_extra_a_test_run_is_left_alone(wheel: Path, tmp_path: Path) -> None:
    core = install(tmp_path, wheel, "", beside=["pytest"])
    (core.work / "test_it.py").write_text("def test_it(): pass\ndef test_with(calls_api): pass\n")
    ended = core.run("python", "-m", "pytest", "-q")
    assert "1 passed, 1 error" in ended.stdout
    assert 'The fixture calls_api needs starlette: pip install ".[mock]"' in ended.stdout
