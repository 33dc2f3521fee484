"""`make demo`: start the mock, pull an agent's call log through the facade over HTTP, and show it."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from contextlib import contextmanager
from time import perf_counter
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from agentcalls import Call, Client

if TYPE_CHECKING:
    from collections.abc import Generator

AGENT = "agent_demo"
SHOWN = 16
STYLES = {"ended": "green", "failed": "red", "busy": "yellow", "cancelled": "dim"}


def main() -> None:
    console = Console(highlight=False)
    console.print(f"Starting the mock API with 1,000 calls of [bold]{AGENT}[/] …")
    with running_mock() as url, Client(api_key="sk_test_full", base_url=url) as client:
        console.print(f"It answers at {url}. Pulling the whole call log over HTTP:\n")
        console.print('    [cyan]for call in client.calls.list("agent_demo"): …[/]\n')
        begin = perf_counter()
        calls = client.calls.list(AGENT).all()
        seconds = perf_counter() - begin
    console.print(call_table(calls))
    console.print(status_table(calls))
    console.print(
        f"\n{len(calls):,} calls in {seconds:.2f} s. [bold]README.md[/] shows the five lines."
    )


@contextmanager
def running_mock() -> Generator[str]:
    """The base URL of a mock in a separate process, on a free port; it is stopped at the end."""
    command = [sys.executable, "-m", "agentcalls_mock", "--port", "0", "--calls", "1000"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            ready = process.stdout.readline() if process.stdout else ""
            if " at http" not in ready:
                sys.exit("The mock did not start.")
            yield ready.split(" at ")[1].split()[0]
        finally:
            process.terminate()


def call_table(calls: list[Call]) -> Table:
    """The newest calls, one row each, with times in this machine's zone; it fits 80 columns."""
    table = Table(
        title=f"The {min(SHOWN, len(calls))} newest of {len(calls):,} calls",
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )
    table.title_justify = "left"
    for heading, width in (("Created", 12), ("From", 14), ("To", 14), ("Status", 9)):
        table.add_column(heading, no_wrap=True, min_width=width)
    table.add_column("Lasted", justify="right", no_wrap=True, min_width=6)
    table.add_column("Why", overflow="ellipsis", no_wrap=True)
    for call in calls[:SHOWN]:
        table.add_row(
            f"{call.created_on.astimezone():%d %b %H:%M}",
            call.source or "[dim]unknown[/]",
            call.destination,
            f"[{STYLES.get(call.status, 'cyan')}]{call.status}[/]",
            minutes(call.duration_seconds),
            call.error_reason or call.end_reason or "",
        )
    return table


def status_table(calls: list[Call]) -> Table:
    """How many calls each status has, the most frequent first, with bars."""
    table = Table(title="\nBy status", title_justify="left", box=None, show_header=False)
    counts = Counter(call.status for call in calls)
    widest = max(counts.values(), default=1)
    for status, count in counts.most_common():
        style = STYLES.get(status, "cyan")
        bar = "█" * max(1, round(30 * count / widest))
        table.add_row(
            f"[{style}]{status}[/]", f"{count:,}", f"{count / len(calls):.0%}", f"[{style}]{bar}[/]"
        )
    return table


def minutes(seconds: int | None) -> str:
    return "" if seconds is None else f"{seconds // 60}:{seconds % 60:02}"


if __name__ == "__main__":
    main()
