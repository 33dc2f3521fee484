"""The fixture `calls_api`, in pytest runs of their own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

from contract.tool.contract import ROOT

if TYPE_CHECKING:
    from pathlib import Path

# The plugin is loaded by its entry point's module, and nothing else that is installed here is.
PATH = os.pathsep.join(str(ROOT / folder) for folder in ("mock", "wrappers", "generated"))
ENVIRONMENT = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": PATH}
PLUGIN = ("-p", "agentcalls_mock.pytest_plugin")


def ran(folder: Path, test: str, *options: str, conftest: str = "") -> tuple[int, str]:
    """The status and the output of pytest over one file, with the plugin."""
    (folder / "test_it.py").write_text(test)
    (folder / "conftest.py").write_text(conftest)
    command = [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider"]
    ended = subprocess.run(
        [*command, *options],
        cwd=folder,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return ended.returncode, ended.stdout + ended.stderr


HEAVY = {"agentcalls", "httpx", "sqlite3", "starlette", "uvicorn", "httptools", "hypothesis"}


def test_nothing_of_weight_is_imported_until_the_fixture_is_asked_for(tmp_path: Path) -> None:
    test = f"""
import sys
heavy = {HEAVY!r} - {{"hypothesis", "httpx"}}
def test_before():
    assert not {HEAVY!r} & set(sys.modules)
def test_then(calls_api):
    calls_api.client()
    assert heavy <= set(sys.modules)
"""
    status, output = ran(tmp_path, test, *PLUGIN)
    assert status == 0, output
    assert "2 passed" in output


ISOLATION = """
import threading, urllib.request
seen = set()
def test_fails_in_the_middle_with_a_fault_that_is_left_armed(calls_api):
    seen.add(calls_api.base_url)
    calls_api.add_agent("agent_1", calls=5)
    calls_api.fail(503)
    calls_api.slow(3600, after_page=0)
    calls_api.client()
    ask = lambda: urllib.request.urlopen(calls_api.base_url + "/api/v1/console/agents")
    def quietly():
        try: ask()
        except OSError: pass
    threading.Thread(target=quietly).start()
    while not calls_api.requests: pass
    raise AssertionError
def test_finds_it_empty(calls_api):
    seen.add(calls_api.base_url)
    assert calls_api.requests == ()
    calls_api.add_agent("agent_1")
    assert calls_api.client().calls.list("agent_1").all() == []
    assert len(seen) == 1
def test_async(calls_api):
    import asyncio
    calls_api.add_agent("agent_1", calls=5)
    async def read():
        async with calls_api.async_client() as client:
            return await client.calls.list("agent_1").all()
    assert len(asyncio.run(read())) == 5
"""


def test_each_test_finds_it_empty_whatever_the_one_before_did(tmp_path: Path) -> None:
    status, output = ran(tmp_path, ISOLATION, *PLUGIN)
    assert status == 1, output
    assert "1 failed, 2 passed" in output
    assert "Captured" not in output


BETWEEN = """
import json, urllib.request
def pytest_runtest_logfinish(nodeid):
    from test_it import url
    if "told" in nodeid:  # the last: the server of the session has stopped
        return
    request = urllib.request.Request(url[0] + "/api/v1/console/agents", headers={"X-Api-Key": "sk_test_full"})
    with urllib.request.urlopen(request) as answer:
        print("agents between:", json.load(answer)["meta"]["total_count"])
"""
TWO = """
url = []
def test_leaves_an_agent_and_a_fault(calls_api):
    url.append(calls_api.base_url)
    calls_api.add_agent("agent_1")
    calls_api.fail(503)
def test_is_not_told_of_what_was_asked_between(calls_api):
    assert calls_api.requests == ()
"""


def test_it_is_reset_after_a_test_and_before_one(tmp_path: Path) -> None:
    status, output = ran(tmp_path, TWO, *PLUGIN, "-s", conftest=BETWEEN)
    assert status == 0, output
    assert output.count("agents between: 0") == 1


def test_each_worker_of_xdist_has_a_server(tmp_path: Path) -> None:
    test = """
import os, pathlib, pytest
@pytest.mark.parametrize("number", range(6))
def test_it(calls_api, number):
    calls_api.add_agent("agent_1", calls=number)
    pathlib.Path(os.environ["PYTEST_XDIST_WORKER"]).write_text(calls_api.base_url)
    assert len(calls_api.client().calls.list("agent_1").all()) == number
"""
    status, output = ran(tmp_path, test, *PLUGIN, "-p", "xdist", "-n", "2", "--dist=each")
    assert status == 0, output
    first, second = (file.read_text() for file in tmp_path.glob("gw*"))
    assert first != second


def test_a_fixture_of_the_project_s_own_goes_first(tmp_path: Path) -> None:
    own = "import pytest\n@pytest.fixture\ndef calls_api(): return 'own'\n"
    test = "def test_it(calls_api): assert calls_api == 'own'\n"
    status, output = ran(tmp_path, test, *PLUGIN, conftest=own)
    assert status == 0, output


def test_a_fixture_of_the_project_s_may_begin_with_it(tmp_path: Path) -> None:
    own = """
import pytest
@pytest.fixture
def calls_api(calls_api):
    calls_api.add_agent("agent_1", calls=2)
    return calls_api
"""
    test = "def test_it(calls_api): assert len(calls_api.calls('agent_1')) == 2\n"
    status, output = ran(tmp_path, test, *PLUGIN, conftest=own)
    assert status == 0, output


def test_without_the_extra_it_says_what_to_install(tmp_path: Path) -> None:
    hidden = "import sys\nsys.modules['uvicorn'] = None\n"
    status, output = ran(tmp_path, "def test_it(calls_api): pass\n", *PLUGIN, conftest=hidden)
    assert status == 1, output
    assert 'The fixture calls_api needs uvicorn: pip install ".[mock]"' in output
    status, output = ran(tmp_path, "def test_it(): pass\n", *PLUGIN, conftest=hidden)
    assert status == 0, output


def test_it_is_among_the_fixtures_that_pytest_lists(tmp_path: Path) -> None:
    status, output = ran(tmp_path, "", *PLUGIN, "--fixtures")
    assert status in {0, 5}, output
    assert "calls_api" in output
    assert "as each test finds it" in output


def test_the_example_of_the_documentation_runs(tmp_path: Path) -> None:
    page = (ROOT / "docs/testing.md").read_text(encoding="utf-8")
    files = dict(re.findall(r'```python title="(\w+\.py)"\n(.*?)```', page, flags=re.DOTALL))
    assert set(files) == {"failures.py", "test_failures.py"}
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    status, output = ran(tmp_path, "", *PLUGIN)
    assert status == 0, output
    assert "1 passed" in output
