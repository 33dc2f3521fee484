"""Sync again and again, at fixed times: what is due while a sync runs is skipped and counted."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from agentcalls import AgentCallsError, AuthenticationError, ConfigurationError
from agentcalls.mirror.databases.target import InUseError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta
    from threading import Event

    from agentcalls.mirror.metrics import Numbers
    from agentcalls.mirror.synced import Synced


def watch(
    sync: Callable[[], Synced],
    every: timedelta,
    *,
    stop: Event,
    numbers: Numbers,
    tell: Callable[[Exception], object],
    now: Callable[[], float] = monotonic,
) -> None:
    """Call `sync` at fixed times until `stop` is set.

    What ends a sync, a network that is down for instance, is told, and the next one is tried in its turn. Raises what
    the next one would meet as well: a refused key, or a setting that is not allowed.
    """
    while not stop.is_set():
        began = now()
        try:
            numbers.add(sync())
        except (AgentCallsError, OSError) as error:
            lasts = isinstance(error, AuthenticationError | ConfigurationError)
            if lasts and not isinstance(error, InUseError):
                raise
            numbers.add_failure(error)
            tell(error)
        seconds, skipped = until_next(began, every.total_seconds(), now())
        numbers.skipped += skipped
        stop.wait(seconds)


def until_next(began: float, every: float, now: float) -> tuple[float, int]:
    """The seconds until the next run, and how many were due meanwhile."""
    skipped = int((now - began) // every)
    return began + (skipped + 1) * every - now, skipped
