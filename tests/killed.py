"""Exports until a given step, and kills itself there: python killed.py URL FILE RESUME STEP

Steps are the openings, renamings and removals in the export's folder, and each piece of progress: they lie between any
two writes that could be told apart later. A step beyond the last one lets it end.
"""

from __future__ import annotations

import os
import signal
import sys

from agentcalls import Client
from agentcalls.export import export
from agentcalls_mock import FULL_KEY

AGENTS = ["agent_demo", "agent_2", "agent_one", "agent_3"]
JOURNAL_CALLS = 400

left = 0


def step() -> None:
    global left  # noqa: PLW0603 (an audit hook has no other place)
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)


def on_event(event: str, arguments: tuple[object, ...]) -> None:
    if event in {"open", "os.rename", "os.remove", "os.rmdir", "os.mkdir", "shutil.rmtree"}:
        if ".partial" in str(arguments[0]):
            step()
    elif event == "sqlite3.connect":
        step()


def main() -> None:
    global left  # noqa: PLW0603 (as above)
    url, path, resume, at = sys.argv[1:]
    left = int(at)
    sys.addaudithook(on_event)
    with Client(api_key=FULL_KEY, base_url=url) as client:
        export(
            client,
            AGENTS,
            path,
            resume=resume == "resume",
            journal_calls=JOURNAL_CALLS,
            progress=lambda _: step(),
        )


if __name__ == "__main__":
    main()
