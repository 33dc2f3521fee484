"""httpx, imported when something of it is first used, and its kin: whose clients, timeouts and errors are taken.

Its import takes longer than all of ours, and most requests need nothing of it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

from agentcalls import settings
from agentcalls.checks import as_builtin
from agentcalls.errors import ConfigurationError

__all__ = [
    "CORES",
    "DEFAULT_TIMEOUTS",
    "LIBRARIES",
    "Timeouts",
    "checked_timeouts",
    "httpx",
    "is_a",
    "timeouts_of",
]

LIBRARIES = ("httpx", "httpx2")
"""Whose clients and timeouts are taken: httpx and what goes on from it under another name, which is not imported."""
CORES: dict[str, str] = dict(zip(LIBRARIES, ("httpcore", "httpcore2"), strict=True))
"""What each of them sends with; its errors have the same names."""
_KIN = {*CORES, *CORES.values()}

if TYPE_CHECKING:
    import httpx
else:

    class _WhenUsed:
        def __getattr__(self, name: str) -> Any:
            # Looked up each time, since tools change what the module holds.
            return getattr(import_module("httpx"), name)

    httpx = _WhenUsed()

_SHORTEST_TIMEOUT_SECONDS = 0.001
_NO_END = float("inf")


class Timeouts(NamedTuple):
    """Seconds of silence for each step of a request, infinite for no limit."""

    connect: float
    read: float
    write: float
    pool: float

    def within(self, seconds: float) -> dict[str, float]:
        """The same timeouts, none of them longer than `seconds`, as httpx takes them."""
        longest = max(seconds, _SHORTEST_TIMEOUT_SECONDS)
        return {name: min(value, longest) for name, value in self._asdict().items()}


DEFAULT_TIMEOUTS = Timeouts(*[settings.TIMEOUT] * 4)._replace(connect=settings.CONNECT_TIMEOUT)


def timeouts_of(timeout: Any) -> Timeouts:
    """The timeouts of a `Timeout` of one of the libraries."""
    return Timeouts(*(_NO_END if value is None else value for value in _steps(timeout)))


def _steps(timeout: Any) -> list[float | None]:
    return [getattr(timeout, step) for step in Timeouts._fields]


def checked_timeouts(timeout: object) -> Timeouts | None:
    """The timeouts that a number of seconds, or a `Timeout` of one of the libraries, means; None for None.

    Raises `ConfigurationError` for anything but positive numbers.
    """
    if timeout is None:
        return None
    given: Any = as_builtin(timeout)
    is_number = isinstance(given, int | float) and not isinstance(given, bool)
    if is_number:
        given = Timeouts(*[given] * len(Timeouts._fields))
    if not (is_number or is_a(given, "Timeout")) or not all(
        value is None or 0 < value < _NO_END for value in _steps(given)
    ):
        raise ConfigurationError("timeout takes a positive number of seconds, or an httpx.Timeout.")
    return timeouts_of(given)


def is_a(thing: object, *names: str) -> bool:
    """Whether it is of a class of one of these names, of httpx, its kin, or what they go on from, or of a subclass."""
    return any(
        kind.__name__ in names and kind.__module__.partition(".")[0] in _KIN
        for kind in type(thing).__mro__
    )
