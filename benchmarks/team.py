"""A page server whose agents work on: each time its requests are counted, a step of new and changed calls has passed.

python -m benchmarks.team --total 5000 --apart 47 --new 50 --changed 50
"""

from __future__ import annotations

import argparse
import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from benchmarks.rows import FIRST, SECONDS, call, for_agent
from benchmarks.server import Pages, RateLimit, serve
from benchmarks.serving import served
from benchmarks.shapes import page, shapes

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from benchmarks.shapes import Window

_GOLDEN = 0.618  # spreads what is less than a call an agent evenly over the agents


class Team(Pages):
    """The calls of agents that have had `total` each, and have so many new and changed ones in each step.

    `apart` is by how many steps of `rows.SECONDS` the calls of an agent are apart.
    """

    def __init__(self, total: int, *, apart: int, new: float, changed: int) -> None:
        super().__init__(total, unknown_field=False)
        self._apart, self._new, self._changed = apart, new, changed
        self._step = 0
        self._shape = shapes(unknown_field=False)["calls"]._replace(row=self._row)
        self._rendered: dict[tuple[Window, int, bool], bytes] = {}

    def told(self, newest: int | None) -> int:
        """As in `Pages`; then a step passes."""
        self._step += 1
        return super().told(newest)

    def body(self, name: str, window: Window) -> bytes:  # noqa: ARG002 (there is one shape)
        """As in `Pages`."""
        self.asked.append(window)
        total = self._total + int(self._step * self._new + window.agent * _GOLDEN % 1)
        key = window._replace(agent=0), total, bool(self._step)
        body = self._rendered.get(key)
        if body is None:
            body = self._rendered[key] = page(self._shape, key[0], total)
        return for_agent(body, window.agent)

    def _row(self, place: int) -> str:
        text = call(place * self._apart)
        if self._step and 0 <= self._total - 1 - place < self._changed:
            return text.replace('"source":"+1', '"source":"+2')
        return text


def team_server(
    total: int, *, apart: int = 1, new: float = 0, changed: int = 0
) -> AbstractContextManager[str]:
    """The base URL of such a server, which ends with the block."""
    command = ["benchmarks.team", f"--total={total}", f"--apart={apart}"]
    return served([*command, f"--new={new}", f"--changed={changed}"])


def end_of(total: int, *, apart: int) -> float:
    """When the last of so many calls was created, in Unix time."""
    return datetime.timestamp(FIRST.astimezone(UTC)) + SECONDS * apart * total


def main() -> None:
    """Run the server from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--total", type=int, required=True, help="calls of each agent")
    parser.add_argument("--apart", type=int, default=1, help=f"times {SECONDS} seconds")
    parser.add_argument("--new", type=float, default=0, help="calls an agent and step")
    parser.add_argument("--changed", type=int, default=0, help="the same, of the latest ones")
    asked = parser.parse_args()
    team = Team(asked.total, apart=asked.apart, new=asked.new, changed=asked.changed)
    asyncio.run(serve(team, RateLimit(0), 0, 0))


if __name__ == "__main__":
    main()
