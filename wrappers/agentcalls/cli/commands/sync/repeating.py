"""`--every` and `--metrics`: sync again and again, until SIGTERM ends it."""

from __future__ import annotations

import re
import signal
from contextlib import ExitStack
from threading import Event
from typing import TYPE_CHECKING, Any

from agentcalls import AgentCallsError
from agentcalls.cli.failures import Code, Failure, sentence_of
from agentcalls.cli.show.output import say
from agentcalls.settings import LARGEST_PORT

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta

    from agentcalls.mirror import Synced


class Stopped(BaseException):  # it is no error, and passes what handles errors
    """SIGTERM has come."""


def repeat(
    run: Callable[[Callable[[], None]], Synced], every: timedelta, metrics: str | None
) -> None:
    """Sync at fixed times until SIGTERM; the transaction that it meets is rolled back.

    `run` is one sync, which calls the function that it is given from time to time.
    """
    from agentcalls.mirror import Numbers, served, watch  # noqa: PLC0415  # help does not need it

    stop, numbers = Event(), Numbers()

    def check() -> None:
        # Python drops what a signal raises while an object is deleted.
        if stop.is_set():
            raise Stopped

    def on_signal(*_: Any) -> None:
        stop.set()
        raise Stopped

    def sync() -> Synced:
        try:
            return run(check)
        except Failure as error:
            if not numbers.runs:  # wrong usage, it seems
                raise
            raise AgentCallsError(str(error)) from error  # a team without agents, which may pass

    before = signal.signal(signal.SIGTERM, on_signal)
    try:
        with ExitStack() as stack:
            if metrics is not None:
                host, port = address(metrics)
                port = stack.enter_context(served(numbers, host, port))
                say(f"Metrics are at port {port} of {host}: /metrics and /healthz.")
            watch(sync, every, stop=stop, numbers=numbers, tell=_tell)
    except Stopped:
        say("Stopped.")
    finally:
        signal.signal(signal.SIGTERM, before)


def address(text: str) -> tuple[str, int]:
    """The host and the port in an option's text; raises `Failure` for what is neither."""
    matched = re.fullmatch(r"(?:\[([0-9A-Fa-f:.]+)\]|([^:\s]+)):([0-9]{1,5})", text)
    if not matched or int(matched[3]) > LARGEST_PORT:
        raise Failure(
            f"--metrics takes HOST:PORT, such as 127.0.0.1:9464; not {text!r}.", Code.USAGE
        )
    return matched[1] or matched[2], int(matched[3])


def _tell(error: Exception) -> None:
    say(f"Error: {sentence_of(error)}")
