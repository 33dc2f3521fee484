"""A user's program that does the first job of each extra, against the API on this machine."""

import os
import subprocess
import sys
from pathlib import Path

from opentelemetry import metrics, trace  # the program traces

from agentcalls.export import export
from agentcalls.telemetry.instruments import instruments
from agentcalls_mock import MockCallsAPI

COMMANDS = (
    "list a --limit 3",
    "stats a --by country",
    "report a -o report.html",
    "sync a --to copy.duckdb",
    "push copy.duckdb --to dlt:duckdb",
    "mcp",  # it ends with stdin
)
FORMATS = ("csv.gz", "csv.zst", "duckdb", "json", "parquet", "xlsx")


def main() -> None:
    with MockCallsAPI() as api, api.client() as client:
        api.add_agent("a", calls=250)
        assert len(client.calls.list("a").all()) == client.calls.list("a").to_arrow().num_rows
        assert instruments(), (metrics, trace)
        for name in FORMATS:
            assert export(client, ["a"], f"calls.{name}").calls == 250
        settings = {"AGENTCALLS_BASE_URL": api.base_url, "AGENTCALLS_API_KEY": api.api_key}
        quiet = {"RUNTIME__DLTHUB_TELEMETRY": "false"}
        for command in COMMANDS:
            subprocess.run(
                [Path(sys.executable).parent / "agentcalls", *command.split()],
                env=os.environ | settings | quiet,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                check=True,
            )


if __name__ == "__main__":
    main()
