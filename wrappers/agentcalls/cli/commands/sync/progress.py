"""The progress of a sync on a terminal: the agents that are done, the requests a second, and the remaining time."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING

from agentcalls.cli.show.output import console, is_plain
from agentcalls.described import quantity

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from agentcalls.mirror import Progress


@contextmanager
def progress_bar() -> Generator[Callable[[Progress], object] | None]:
    """A callback that shows a sync's progress on stderr until the block ends; None without a terminal."""
    if is_plain(sys.stderr):
        yield None
        return
    from rich.progress import (  # noqa: PLC0415  # only needed on a terminal
        BarColumn,
        MofNCompleteColumn,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.progress import Progress as Bar  # noqa: PLC0415  # the same

    columns = (
        TextColumn("Agents"),
        BarColumn(bar_width=None),
        MofNCompleteColumn(),
        TextColumn("{task.fields[count]}"),
        TimeRemainingColumn(compact=True),
    )
    began = monotonic()
    with Bar(*columns, console=console(sys.stderr), transient=True, expand=True) as bar:
        task = bar.add_task("", total=None, count="")

        def tell(progress: Progress) -> None:
            rate = progress.requests / max(monotonic() - began, 0.001)
            bar.update(
                task,
                total=progress.agents,
                completed=progress.agents_done,
                count=f"{quantity(progress.calls, 'call')}, {rate:,.0f} requests/s",
            )

        yield tell
