"""The progress of an export on a terminal: its amount, its speed, and the remaining time."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from agentcalls.cli.show.output import console, is_plain, printable
from agentcalls.described import quantity

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from agentcalls.export import Progress


@contextmanager
def progress_bar(*, hidden: bool = False) -> Generator[Callable[[Progress], object] | None]:
    """A callback that shows an export's progress on stderr until the block ends; None without a terminal."""
    if hidden or is_plain(sys.stderr):
        yield None
        return
    from rich.progress import (  # noqa: PLC0415  # only needed on a terminal
        BarColumn,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.progress import Progress as Bar  # noqa: PLC0415  # the same

    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=None),
        TextColumn("{task.fields[count]}"),
        TimeRemainingColumn(compact=True),
    )
    with Bar(*columns, console=console(sys.stderr), transient=True, expand=True) as bar:
        under_way: dict[bool, Any] = {}

        def tell(progress: Progress) -> None:
            building = progress.built is not None
            done = progress.calls if progress.built is None else progress.built
            shown: dict[str, Any] = {
                "description": "Writing" if building else _name(progress),
                "total": progress.calls if building else expected(progress),
            }
            if building not in under_way:
                # Calls from before an interruption do not count for the current speed.
                for finished in under_way.values():
                    bar.remove_task(finished)
                under_way[building] = bar.add_task(
                    completed=done, count=quantity(done, "call"), **shown
                )
                return
            bar.update(under_way[building], completed=done, **shown)
            speed = bar.tasks[-1].speed
            rate = f", {speed:,.0f}/s" if speed else ""
            bar.update(under_way[building], count=f"{quantity(done, 'call')}{rate}")

        yield tell


def expected(progress: Progress) -> int | None:
    """The expected number of calls, if the remaining agents have as many calls as the earlier ones; None if unknown."""
    written = progress.calls - progress.agent_calls
    read = progress.agents_done
    if progress.agent_total is not None:
        written, read = written + progress.agent_total, read + 1
    return round(written * progress.agents / read) if read else None


def _name(progress: Progress) -> str:
    name = printable(progress.agent_id)
    if progress.agents == 1:
        return name
    return f"{name} ({min(progress.agents_done + 1, progress.agents)} of {progress.agents})"
