"""A mock whose calls change between two requests, and `tail` at work on it."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from agentcalls_mock import Fault, Seeding, create_app, open_store, serving
from agentcalls_mock.data import Call
from cli.running import COMMAND

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from agentcalls_mock.store import Store

LONGEST_SECONDS = 60


class Stage:
    """An application over a store without calls; before each of its first answers something may happen.

    A request past these interrupts the test's own thread, as Ctrl-C would.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self.app: Any = create_app(store)
        self.requests: list[str] = []
        self.acts: list[Callable[[], object]] | None = None
        self.oldest_first = False

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            self.requests.append(scope["query_string"].decode())
            if self.acts is not None:
                act = self.acts.pop(0) if self.acts else interrupt
                act()
            if self.oldest_first and b"sort=" not in scope["query_string"]:
                scope = {**scope, "query_string": scope["query_string"] + b"&sort=created_on"}
        await self.app(scope, receive, send)

    def add(self, id: str, status: str = "queued", *, minutes_ago: float = 0) -> None:
        """Let a call appear."""
        moment = datetime.now(UTC) - timedelta(minutes=minutes_ago)
        nothing: Any = dict.fromkeys(Call._fields)
        row = nothing | {
            "id": id,
            "status": status,
            "destination": "+2348012345678",
            "direction": "outbound",
            "created_on": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "is_test_call": False,
        }
        self.store.add(1, [Call(**row)])

    def change(self, id: str, status: str) -> None:
        """Let a call take another status."""
        self.store.connection.execute("UPDATE calls SET status = ? WHERE id = ?", (status, id))

    def failing(self, kind: str) -> Callable[[], None]:
        """What makes each answer go wrong from then on."""

        def act() -> None:
            self.app = create_app(self.store, fault=Fault(kind))

        return act


def interrupt() -> None:
    """What Ctrl-C does to this process."""
    main = threading.main_thread().ident
    assert main
    signal.pthread_kill(main, signal.SIGINT)


@contextmanager
def staged() -> Generator[tuple[Stage, str]]:
    """A stage, and the URL at which it is served."""
    with open_store(Seeding(calls=0)) as store:
        stage = Stage(store)
        with serving(stage) as url:
            yield stage, url


@contextmanager
def at_work(*arguments: str, **options: Any) -> Generator[subprocess.Popen[str]]:
    """A command line as a process that goes on until it is ended; after a minute it is, whatever happens."""
    with subprocess.Popen(
        [*COMMAND, *arguments],
        **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True} | options,
        # Python then keeps back what is not flushed.
        env={name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"},
    ) as process:
        watchdog = threading.Timer(LONGEST_SECONDS, process.kill)
        watchdog.start()
        try:
            yield process
        finally:
            watchdog.cancel()
            process.kill()
