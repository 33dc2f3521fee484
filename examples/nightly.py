"""The calls of a day, of every agent of the team, as one CSV file: for a timer, a little after midnight UTC.

    python nightly.py FOLDER [DAY]

It takes AGENTCALLS_API_KEY and AGENTCALLS_BASE_URL. The client waits for an API that is away for a while. An outage
that lasts longer ends a run with status 75 ("try again later") and without a file; the next run for that day goes on
where this one stopped. `test_nightly.py` tests all of it.
"""

from __future__ import annotations

import os
import sys
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from agentcalls import AgentCallsError, Client
from agentcalls.export import export


def main(arguments: list[str]) -> int:
    folder = Path(arguments[0])
    given = date.fromisoformat(arguments[1]) if len(arguments) > 1 else None
    with Client() as client:
        return nightly(client, folder, given or datetime.now(UTC).date() - timedelta(days=1))


def nightly(client: Client, folder: Path, day: date) -> int:
    """The exit status, once the file of this day is complete, or cannot be."""
    midnight = datetime.combine(day, time(), UTC)
    path = folder / f"calls-{day}.csv"
    try:
        outcome = export(
            client,
            client.agents.list(),
            path,
            since=midnight,
            until=midnight + timedelta(days=1),
            resume=True,
            journal_calls=100,  # what a resumed night may read again
        )
    except AgentCallsError as error:
        print(f"No file for {day}: {error}", file=sys.stderr)
        return os.EX_TEMPFAIL if error.retryable else 1
    if not outcome.complete:
        print(f"{path} may lack calls: {outcome.incomplete or outcome.doubt}", file=sys.stderr)
        return 2
    print(f"{path}: {outcome.calls} calls of {outcome.agents} agents")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
