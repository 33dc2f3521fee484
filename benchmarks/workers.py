"""The clients' processes, for the measures."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, Self

from benchmarks.ours import NotAvailableError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType


class Worker:
    """A client in a separate process; see `worker.py`. Raises `NotAvailableError` if it is not available."""

    def __init__(self, name: str, url: str, *, agents: int = 0) -> None:
        self.name = name
        command = [sys.executable, "-W", "ignore", "-m", "benchmarks.worker", name, url]
        self._process = subprocess.Popen(
            [*command, f"--agents={agents}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )
        missing = self._answer().get("missing")
        if missing is not None:
            self.close()
            raise NotAvailableError(missing)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def ask(self, command: str, *, calls: int) -> dict[str, float]:
        """The result of a command; a reading with another number of calls is not a valid measurement."""
        self.begin(command)
        return self.result(calls=calls)

    def begin(self, command: str) -> None:
        """Begin a command; `result` waits for it."""
        assert self._process.stdin is not None  # noqa: S101 (it is a pipe)
        self._process.stdin.write(f"{command}\n")

    def result(self, *, calls: int) -> dict[str, float]:
        """The result of the command that was begun."""
        answer = self._answer()
        if answer["calls"] != calls:
            raise RuntimeError(f"{self.name} read {answer['calls']} of {calls} calls.")
        return answer

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None  # noqa: S101 (it is a pipe)
        self._process.stdin.close()
        self._process.terminate()
        self._process.wait()

    def _answer(self) -> dict[str, float]:
        assert self._process.stdout is not None  # noqa: S101 (it is a pipe)
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.name} ended early.")
        answer: dict[str, float] = json.loads(line)
        return answer


def in_turn(
    turns: Sequence[Sequence[str]],
    url: str,
    *,
    calls: int,
    rounds: int,
    warm: bool = True,
    agents: int = 0,
) -> dict[str, list[dict[str, float]]]:
    """The cost of each client's reading, round by round, in turn; unavailable clients are left out.

    The clients of one turn read at the same time: usually there is one; there are more if they do little but wait.
    """
    with ExitStack() as stack:
        workers: dict[str, Worker] = {}
        for name in (name for turn in turns for name in turn):
            try:
                workers[name] = stack.enter_context(Worker(name, url, agents=agents))
            except NotAvailableError:
                continue
        if warm:
            for worker in workers.values():
                worker.ask("read", calls=calls)
        taken: dict[str, list[dict[str, float]]] = {name: [] for name in workers}
        order = [[name for name in turn if name in workers] for turn in turns]
        for _ in range(rounds):
            for turn in order:
                for name in turn:
                    workers[name].begin("read")
                for name in turn:
                    taken[name].append(workers[name].result(calls=calls))
            order.reverse()  # otherwise a machine that slows down would always affect the same client
    return taken
