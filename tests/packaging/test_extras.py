"""Each extra, alone in an empty environment, does what one installs it for."""

from __future__ import annotations

import json
import signal
import subprocess
import tomllib
from typing import TYPE_CHECKING

import pytest

from agentcalls import Client
from agentcalls.table.extras import INSTALL
from agentcalls_mock import FULL_KEY
from contract.tool.contract import ROOT
from exports import text_of
from installing import Installed, install

if TYPE_CHECKING:
    from pathlib import Path

EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
LARGE = {"spark"}
"""Not in `all`, nor in the lock of the tests: `make test-spark` has an environment with it."""
CALLS = 250  # that the mock has of agent_demo


def no_extra(core: Installed) -> None:
    listing = 'Client().calls.list("agent_demo")'
    assert core.python(f"from agentcalls import Client; print(len(list({listing})))") == "250\n"
    missing = {
        "cli": core.run("agentcalls", "list", "agent_demo"),
        "mock": core.run("agentcalls-mock"),
    }
    arrow = f"from agentcalls import Client; {listing}.to_arrow()"
    missing["arrow"] = core.run("python", "-c", arrow)
    for extra, ended in missing.items():
        assert ended.returncode == 1
        assert ended.stderr.endswith(f" is not installed: {INSTALL.format(extra=extra)}\n")


def all_extras(everything: Installed) -> None:
    everything.prints("agentcalls", "doctor")
    everything.python("""
import importlib, pkgutil, agentcalls, agentcalls_mock
from agentcalls.table.extras import _EXTRA_OF, need
for package in (agentcalls, agentcalls_mock):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        importlib.import_module(module.name)
for module in _EXTRA_OF:
    need(module)
""")


def arrow(alone: Installed) -> None:
    rows = alone.python("""
from agentcalls import Client
from agentcalls.export import export
from pyarrow import parquet
with Client() as client:
    table = client.calls.list("agent_demo").to_arrow()
    export(client, ["agent_demo"], "calls.parquet")
assert table.to_pylist()[0]["created_on"].utcoffset().total_seconds() == 0
print(table.num_rows, parquet.read_table("calls.parquet").num_rows)
""")
    assert rows == f"{CALLS} {CALLS}\n"


def cli(alone: Installed) -> None:
    shown = alone.prints("agentcalls", "list", "agent_demo", "--limit", "3", "--json")
    assert len(json.loads(shown)) == 3
    alone.prints("agentcalls", "export", "agent_demo", "-o", "calls.csv.gz")


def dlt(alone: Installed) -> None:
    alone.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
    alone.prints("agentcalls", "sync", "agent_demo", "--to", "calls.duckdb")
    alone.prints("agentcalls", "push", "calls.duckdb", "--to", "dlt:duckdb")
    assert (alone.work / "agentcalls_push.duckdb").exists()


def duckdb(alone: Installed) -> None:
    rows = alone.python("""
import duckdb
from agentcalls import Client
from agentcalls.export import export
with Client() as client:
    export(client, ["agent_demo"], "calls.duckdb")
with duckdb.connect("calls.duckdb") as database:
    print(len(database.execute("SELECT * FROM calls").fetchall()))
""")
    assert rows == f"{CALLS}\n"


def country(alone: Installed) -> None:
    shown = alone.prints("agentcalls", "stats", "agent_demo", "--by", "country", "--json")
    assert json.loads(shown)["by"] == "country"


def excel(alone: Installed) -> None:
    alone.python("""
from agentcalls import Client
from agentcalls.export import export
with Client() as client:
    export(client, ["agent_demo"], "calls.xlsx")
""")
    assert (alone.work / "calls.xlsx").read_bytes().startswith(b"PK")


def mcp(alone: Installed) -> None:
    alone.python("""
import asyncio, os, sys
from mcp import Client, StdioServerParameters, stdio_client
async def main():
    command = os.path.join(os.path.dirname(sys.executable), "agentcalls")
    server = StdioServerParameters(command=command, args=["mcp"], env=dict(os.environ))
    async with Client(stdio_client(server)) as client:
        found = await client.call_tool("summarize_calls", {"agent_ids": ["agent_demo"]})
    assert found.structured_content["total"]["calls"] == 250, found
asyncio.run(main())
""")


def mock(alone: Installed) -> None:
    command = [str(alone.bin / "agentcalls-mock"), "--port", "0", "--calls", "7"]
    with subprocess.Popen(command, env=alone.environ, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout
            url = server.stdout.readline().removeprefix("agentcalls-mock is ready at ").split()[0]
            with Client(api_key=FULL_KEY, base_url=url) as client:
                assert len(list(client.calls.list("agent_demo"))) == 7
        finally:
            server.send_signal(signal.SIGTERM)
    assert server.returncode == 0


def otel(alone: Installed) -> None:
    # The API alone: what a program's providers are, is its own business.
    shown = alone.python("""
from opentelemetry import trace
from agentcalls import Client
from agentcalls.telemetry.instruments import instruments
with Client() as client:
    print(len(client.calls.list("agent_demo").all()), instruments().tracer is not None)
""")
    assert shown == f"{CALLS} True\n"


def report(alone: Installed) -> None:
    alone.prints("agentcalls", "report", "agent_demo", "-o", "report.html")
    page = (alone.work / "report.html").read_text()
    assert page.lower().startswith("<!doctype html>")
    assert "agent_demo" in page


def zstd(alone: Installed) -> None:
    alone.python("""
from agentcalls import Client
from agentcalls.export import export
with Client() as client:
    export(client, ["agent_demo"], "calls.csv.zst")
""")
    assert len(text_of(alone.work / "calls.csv.zst").splitlines()) == 1 + CALLS


FIRST_JOBS = {
    "": no_extra,
    "all": all_extras,
    "arrow": arrow,
    "cli": cli,
    "country": country,
    "dlt": dlt,
    "duckdb": duckdb,
    "excel": excel,
    "mcp": mcp,
    "mock": mock,
    "otel": otel,
    "report": report,
    "zstd": zstd,
}


@pytest.mark.share(one_in=6)
@pytest.mark.parametrize("extra", ["", *sorted(EXTRAS.keys() - LARGE)])
def test_it_does_its_first_job_alone(
    extra: str, wheel: Path, mock_url: str, tmp_path: Path
) -> None:
    settings = {"AGENTCALLS_BASE_URL": mock_url, "AGENTCALLS_API_KEY": FULL_KEY}
    beside = ("hypothesis", "pytest") if extra == "all" else ()  # what a project has that tests
    FIRST_JOBS[extra](install(tmp_path, wheel, extra, beside, **settings))


def test_all_is_all_of_them() -> None:
    (everything,) = EXTRAS["all"]
    named = everything.removeprefix("agentcalls[").removesuffix("]").split(",")
    assert sorted([*named, "all", *LARGE]) == sorted(EXTRAS)
