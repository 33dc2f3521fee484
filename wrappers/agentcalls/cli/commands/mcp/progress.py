"""What an assistant hears while a question is answered, so that it neither gives up nor wonders."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Protocol

from attrs import mutable

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

EVERY_SECONDS = 1.0


class Tell(Protocol):
    """Sends a notification of progress; it does nothing where none was asked for."""

    async def __call__(  # noqa: D102  # as above
        self, progress: float, total: float | None = None, message: str | None = None
    ) -> None: ...


def _nothing() -> str | None:
    return None


@mutable
class Progress:
    """How far the answer to one question is."""

    says: Callable[[], str | None] = _nothing
    """A sentence about it, once there is something to say."""

    @asynccontextmanager
    async def told(self, tell: Tell) -> AsyncGenerator[None]:
        """Tell it each second while the block runs, also while it waits for a server."""

        async def telling() -> None:
            # The protocol wants a number that grows: calls may not come for a while, and seconds pass.
            seconds = 0.0
            while True:
                await asyncio.sleep(EVERY_SECONDS)
                seconds += EVERY_SECONDS
                await tell(seconds, None, self.says())

        task = asyncio.create_task(telling())
        try:
            yield
        finally:
            task.cancel()
            # Where nobody listens any more, that is no fault of the answer.
            await asyncio.gather(task, return_exceptions=True)
