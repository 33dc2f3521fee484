"""Calls that arrive and change while the mock runs: what has happened since is made up when a request comes."""

import time
from collections.abc import Callable
from random import Random

from starlette.types import ASGIApp, Receive, Scope, Send

from agentcalls_mock.arrivals import Arrivals
from agentcalls_mock.data import Call, live_call
from agentcalls_mock.seeding import TEAM, Seeding
from agentcalls_mock.store import Store

AGENT = "agent_demo"
"""The agent whose calls arrive."""
_CHANGE = "UPDATE calls SET " + ", ".join(f"{name} = ?" for name in Call._fields) + " WHERE id = ?"  # noqa: S608  # field names


class Live:
    """The calls of `AGENT` that have come since the start. Use it around the application: `live.before(app)`."""

    def __init__(
        self,
        store: Store,
        seeding: Seeding,
        arrivals: Arrivals,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start now, at the moment of the seeding's newest calls; `clock` returns seconds."""
        agent = store.agent(AGENT, team=TEAM)
        assert agent is not None  # noqa: S101  # each seeding has it
        self._agent, self._store, self._seeding, self._clock = agent, store, seeding, clock
        self._started = clock()
        self._begins = int(seeding.now.timestamp() * 1000)
        self._interval = 1000 * arrivals.seconds / arrivals.calls
        self._come = 0
        self._open: dict[int, Call] = {}

    def advance(self) -> None:
        """Let what has happened since the last time happen."""
        elapsed = 1000 * (self._clock() - self._started)
        while (self._come + 1) * self._interval <= elapsed:
            self._come += 1
            self._store.add(self._agent, [self._now(self._come, elapsed)])
        for number, before in list(self._open.items()):
            call = self._now(number, elapsed)
            if call != before:
                self._store.connection.execute(_CHANGE, (*call, call.id))

    def _now(self, number: int, elapsed: float) -> Call:
        # The same call each time, further on in its life.
        age = int(elapsed - number * self._interval)
        random = Random(f"{self._seeding.seed}/live/{number}")  # noqa: S311  # made-up data, not a secret
        call = live_call(self._begins + int(number * self._interval), age, random)
        if call.ended_at is None:
            self._open[number] = call
        else:
            self._open.pop(number, None)
        return call

    def before(self, app: ASGIApp) -> ASGIApp:
        """The application with the calls as they are when a request comes."""

        async def advancing(scope: Scope, receive: Receive, send: Send) -> None:
            self.advance()
            await app(scope, receive, send)

        return advancing
