"""The time of an API under test: it runs, stands still, or is moved on by who would wait for it."""

import time
from datetime import UTC, datetime


class Moment:
    """The time that an API and its clients share. A wait of theirs moves it on, and takes none."""

    def __init__(self) -> None:
        """Begin with the machine's time."""
        self._stands_at: float | None = None
        self._skipped = 0.0
        self._skipped_since_set = 0.0

    def wall(self) -> float:
        """Unix time, in seconds."""
        begin = time.time() if self._stands_at is None else self._stands_at
        return begin + self._skipped_since_set

    def monotonic(self) -> float:
        """Seconds that never go back."""
        return time.monotonic() + self._skipped

    def skip(self, seconds: float) -> None:
        """Let some seconds pass."""
        self._skipped += seconds
        self._skipped_since_set += seconds

    def stand_at(self, moment: datetime) -> None:
        """Stand at this moment from now on, but for what is skipped."""
        self._stands_at, self._skipped_since_set = moment.timestamp(), 0.0

    def as_datetime(self) -> datetime:
        """The time as a datetime in UTC."""
        return datetime.fromtimestamp(self.wall(), UTC)
