"""What goes wrong on purpose while an API serves: armed, counted, and taken back."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from types import TracebackType
from typing import Self

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from agentcalls_mock.record import agent_in, is_listing

Play = Callable[[ASGIApp, Scope, Receive, Send], Awaitable[None]]


@dataclass(eq=False, slots=True, kw_only=True)
class Armed:
    """Something that is to happen. As a context manager it is taken back at the end of its block."""

    what: str
    """What happens, in a few words."""
    left: int | None
    """How often it will happen yet; None if until it is taken back."""
    hits: int = 0
    """How often it has happened."""
    agent_id: str | None = None
    """The agent whose requests it is for; None for every request."""
    pages_before: int = 0
    """How many pages are answered before it begins."""
    play: Play = field(repr=False)
    is_beside: bool = field(default=False, repr=False)
    _forget: Callable[["Armed"], object] = field(repr=False)

    def take_back(self) -> None:
        """Let it not happen any more. Twice is once."""
        self._forget(self)

    def __enter__(self) -> Self:
        """What was armed."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Take it back."""
        self.take_back()


class Mishaps:
    """Those of one API; used in its server's thread alone."""

    def __init__(self) -> None:
        """Begin with none."""
        self.armed: list[Armed] = []

    def within(self, app: ASGIApp) -> ASGIApp:
        """The application, to which they happen."""

        async def playing(scope: Scope, receive: Receive, send: Send) -> None:
            answer: ASGIApp = partial(self._count_page, app)
            for armed in reversed(self._due(agent_in(scope["path"]))):
                answer = partial(armed.play, answer)
            await answer(scope, receive, send)

        return playing

    def _due(self, agent_id: str | None) -> list[Armed]:
        # In the order in which they were armed. Of those that take the answer's place, the first.
        due: list[Armed] = []
        replaced = False
        for armed in list(self.armed):
            if armed.agent_id not in (None, agent_id) or armed.pages_before:
                continue
            if armed.is_beside or not replaced:
                due.append(armed)
                self._hit(armed)
                replaced = replaced or not armed.is_beside
        return due

    def _hit(self, armed: Armed) -> None:
        armed.hits += 1
        if armed.left is not None:
            armed.left -= 1
            if not armed.left:
                self.forget(armed)

    def forget(self, armed: Armed) -> None:
        """Take it back, if it is still armed."""
        if armed in self.armed:
            self.armed.remove(armed)

    async def _count_page(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        if not is_listing(scope["path"]):
            await app(scope, receive, send)
            return
        agent_id = agent_in(scope["path"])
        waiting = [
            armed
            for armed in self.armed
            if armed.pages_before and armed.agent_id in (None, agent_id)
        ]

        def count() -> None:
            for armed in waiting:
                armed.pages_before -= 1

        await app(scope, receive, when_answered(send, count))


def when_answered(send: Send, tell: Callable[[], object]) -> Send:
    """The same `send`, which tells of a good answer just before its head is sent."""

    async def telling(message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] == 200:  # noqa: PLR2004
            tell()
        await send(message)

    return telling
