"""Exports up to a given step, and kills itself there. A line of stdin is an export: [URL, FILE, RESUME, STEP, SIZE].

Steps are the openings, renamings and removals in the export's folder, and each piece of progress: they lie between any
two writes that could be told apart later. A step beyond the last one, or 0, lets it end. Each export is a process of
its own, forked from this one, which has imported everything; its id is printed, and its exit status when it has ended.
No file of it may be larger than SIZE, unless that is -1.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import traceback

from agentcalls import Client
from agentcalls.export import export
from agentcalls.export.formats import format_of
from agentcalls_mock import FULL_KEY

AGENTS = ["agent_demo", "agent_2", "agent_one", "agent_3"]
JOURNAL_CALLS = 400
DISK = 2
"""The exit status where the disk was to blame."""
_EVENTS = {"open", "os.rename", "os.remove", "os.rmdir", "os.mkdir", "shutil.rmtree"}

left = 0


def step() -> None:
    global left  # noqa: PLW0603 (an audit hook has no other place)
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)


def on_event(event: str, arguments: tuple[object, ...]) -> None:
    if event == "sqlite3.connect" or (event in _EVENTS and ".partial" in str(arguments[0])):
        step()


def run(url: str, path: str, *, resume: bool, at: int) -> None:
    global left  # noqa: PLW0603 (as above)
    left = at
    sys.addaudithook(on_event)
    with Client(api_key=FULL_KEY, base_url=url) as client:
        export(
            client,
            AGENTS,
            path,
            resume=resume,
            journal_calls=JOURNAL_CALLS,
            progress=lambda _: step(),
        )


def main() -> None:
    for name in ("calls.parquet", "calls.duckdb", "calls.csv.zst"):
        format_of(name)  # imports what it needs
    for line in sys.stdin:
        url, path, resume, at, size = json.loads(line)
        process = os.fork()
        if not process:
            status = 0
            if size > 0:
                # Python ignores the signal that comes with it.
                resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
            try:
                run(url, path, resume=resume, at=at)
            except OSError:
                if size < 0:
                    traceback.print_exc()
                status = DISK
            except Exception:  # noqa: BLE001 (the test sees it)
                traceback.print_exc()
                status = 1
            os._exit(status)
        print(process, flush=True)  # noqa: T201 (as the docstring says)
        print(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), flush=True)  # noqa: T201 (the same)


if __name__ == "__main__":
    main()
