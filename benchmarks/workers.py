"""The clients' processes, for the measures."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, Self

from benchmarks.ours import NotAvailableError

if TYPE_CHECKING:
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
        assert self._process.stdin is not None  # noqa: S101 (it is a pipe)
        self._process.stdin.write(f"{command}\n")
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
    names: list[str], url: str, *, calls: int, rounds: int, warm: bool = True
) -> dict[str, list[dict[str, float]]]:
    """The cost of each client's reading, round by round, in turn; unavailable clients are left out."""
    with ExitStack() as stack:
        workers: dict[str, Worker] = {}
        for name in names:
            try:
                workers[name] = stack.enter_context(Worker(name, url))
            except NotAvailableError:
                continue
        if warm:
            for worker in workers.values():
                worker.ask("read", calls=calls)
        taken: dict[str, list[dict[str, float]]] = {name: [] for name in workers}
        order = list(workers.items())
        for _ in range(rounds):
            for name, worker in order:
                taken[name].append(worker.ask("read", calls=calls))
            order.reverse()  # otherwise a machine that slows down would always affect the same client
    return taken
