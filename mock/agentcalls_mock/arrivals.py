"""How many calls arrive, without what serving them needs."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Arrivals:
    """A number of calls in some seconds, evenly spread."""

    calls: int
    seconds: float
