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
    play: Play | None = field(repr=False)
    is_beside: bool = field(default=False, repr=False)
    # What comes after each page of an agent's calls, by the agent's id.
    change: Callable[[str], object] | None = field(default=None, repr=False)
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

        async def held(scope: Scope, receive: Receive, send: Send) -> None:
            # Only now: while the answer was held, pages were answered and faults taken back.
            await self._play(
                scope, receive, send, app=app, due=self._due(scope, is_beside=False)[:1]
            )

        async def playing(scope: Scope, receive: Receive, send: Send) -> None:
            if is_listing(scope["path"]):
                send = _when_answered(send, partial(self._count_page, scope))
            await self._play(scope, receive, send, app=held, due=self._due(scope, is_beside=True))

        return playing

    def _due(self, scope: Scope, *, is_beside: bool) -> list[tuple[Armed, Play]]:
        return [
            (armed, armed.play)
            for armed in self._for(scope)
            if armed.play and armed.is_beside == is_beside and not armed.pages_before
        ]

    def _for(self, scope: Scope) -> list[Armed]:
        # In the order in which they were armed.
        asked = agent_in(scope["path"])
        return [armed for armed in self.armed if armed.agent_id in (None, asked)]

    async def _play(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        *,
        app: ASGIApp,
        due: list[tuple[Armed, Play]],
    ) -> None:
        for armed, play in reversed(due):
            self._hit(armed)
            app = partial(play, app)
        await app(scope, receive, send)

    def _count_page(self, scope: Scope) -> None:
        asked = agent_in(scope["path"])
        for armed in self._for(scope):
            if armed.pages_before:
                armed.pages_before -= 1
            elif armed.change and asked is not None:
                self._hit(armed)
                armed.change(asked)

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


def _when_answered(send: Send, tell: Callable[[], object]) -> Send:
    # The same `send`, which tells of a good answer just before its end is sent: half of one is none.
    is_good = False

    async def telling(message: Message) -> None:
        nonlocal is_good
        if message["type"] == "http.response.start":
            is_good = message["status"] == 200  # noqa: PLR2004
        elif is_good and not message.get("more_body"):
            tell()
        await send(message)

    return telling
