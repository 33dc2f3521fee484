"""What the command line costs from outside: the CPU seconds of its processes, start-up included, in turn."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from benchmarks.figures import Figure, figure, ratio
from benchmarks.ours import AGENT, KEY
from benchmarks.serving import page_server

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.measures import Scale

_OURS = [sys.executable, "-W", "ignore", "-m", "agentcalls.cli"]
_PEER = (
    "curl -s -H 'Authorization: Bearer {key}' '{url}/api/v1/console/agents/{agent}/calls?page=[1-{pages}]&limit=100'"
    " | jq -c '.data[]' > {file}"
)
_REPORTED = 10_000


def command_line(scale: Scale) -> dict[str, Figure]:
    """Help, the first rows, a report of 10,000 calls, and an export as NDJSON beside curl and jq."""
    with TemporaryDirectory() as folder, page_server(_REPORTED) as url:
        cpu = _in_turn(
            {
                "--help": [*_OURS, "--help"],
                "list": [*_OURS, "list", AGENT],
                "report": [*_OURS, "report", AGENT, "-o", f"{folder}/report.html"],
            },
            url,
            folder,
            scale.starts // 2,
        )
    figures = {
        f"start ms/{name}": figure([one * 1e3 for one in cpu[name]]) for name in ("--help", "list")
    }
    figures["cpu s/report of 10,000"] = figure(cpu["report"])
    if not (shutil.which("curl") and shutil.which("jq")):
        return figures
    _, calls = scale.streams[0]
    with TemporaryDirectory() as folder, page_server(calls) as url:
        file = f"{folder}/calls.ndjson"
        peer = _PEER.format(key=KEY, url=url, agent=AGENT, pages=calls // 100, file=f"{file}.peer")
        ours = [*_OURS, "export", AGENT, "-o", file, "--force"]
        cpu = _in_turn(
            {"ours": ours, "peer": ["sh", "-c", peer]}, url, folder, scale.runs, warm=False
        )
        lines = [Path(name).read_bytes().count(b"\n") for name in (file, f"{file}.peer")]
    if lines != [calls, calls]:
        raise RuntimeError(f"ours and curl wrote {lines} of {calls} lines.")
    figures["cpu s/curl and jq"] = figure(cpu["peer"])
    return figures | {"export/curl and jq": ratio(cpu["ours"], cpu["peer"])}


def _in_turn(
    commands: dict[str, list[str]], url: str, folder: str, rounds: int, *, warm: bool = True
) -> dict[str, list[float]]:
    # The CPU seconds of each, round by round; a round before them compiles modules and fills the cache.
    environment = {
        **os.environ,
        "AGENTCALLS_API_KEY": KEY,
        "AGENTCALLS_BASE_URL": url,
        "PYTHONDONTWRITEBYTECODE": "",
        "XDG_CACHE_HOME": folder,
        "XDG_CONFIG_HOME": folder,
    }
    taken: dict[str, list[float]] = {name: [] for name in commands}
    for turn in range(-warm, rounds):
        for name, command in commands.items():
            before = _children()
            subprocess.run(command, env=environment, capture_output=True, check=True)
            if turn >= 0:
                taken[name].append(_children() - before)
    return taken


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


COMMAND_LINE: tuple[Callable[[Scale], dict[str, Figure]], ...] = (command_line,)
"""The measures of this module."""
