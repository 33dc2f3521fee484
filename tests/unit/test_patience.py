"""How long one attempt waits, without a socket."""

from __future__ import annotations

from selectors import EVENT_READ
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from agentcalls.clock import Deadline, Stopwatch
from agentcalls.request.wire.library import timeouts_of
from agentcalls.request.wire.waits import Patience

if TYPE_CHECKING:
    from agentcalls.request.wire.waits import Waits

SOCKET: Any = object()


class Times:
    def __init__(self) -> None:
        self.now = 0.0
        self.watch = Stopwatch(lambda: self.now)
        self.deadline = Deadline(self.watch, 5)

    def waiting(self, read: float | None = None) -> Waits[None]:
        patience = Patience(timeouts_of(httpx.Timeout(None, read=read)), self.deadline)
        return patience.to_read(SOCKET, EVENT_READ)


def test_wait_in_vain_is_over_at_the_deadline() -> None:
    times = Times()
    waiting = times.waiting()
    assert next(waiting).seconds == 5
    times.now = 5
    with pytest.raises(httpx.ReadTimeout, match="the deadline passed"):
        waiting.send(False)  # noqa: FBT003


@pytest.mark.parametrize("goes_on", [True, False])
def test_time_in_which_nobody_waited_is_waited_once_more(*, goes_on: bool) -> None:
    times = Times()
    waiting = times.waiting()
    next(waiting)
    times.now = 2
    times.watch.stop()
    times.now = 5
    if goes_on:
        times.watch.go()
    assert waiting.send(False).seconds == 3  # noqa: FBT003
    with pytest.raises(StopIteration):
        waiting.send(True)  # noqa: FBT003


def test_silence_is_over_before_the_deadline() -> None:
    waiting = Times().waiting(read=2)
    assert next(waiting).seconds == 2
    with pytest.raises(httpx.ReadTimeout, match=r"^$"):
        waiting.send(False)  # noqa: FBT003
