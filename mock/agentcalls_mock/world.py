"""What an API under test knows and does, from one reset to the next; used in its server's thread alone."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from email.utils import formatdate
from random import Random
from sqlite3 import IntegrityError
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from agentcalls_mock.app import create_app
from agentcalls_mock.data import Call, generate_calls
from agentcalls_mock.database import empty_store
from agentcalls_mock.fields import agent_of, call_of, meant, milliseconds
from agentcalls_mock.mishaps import Mishaps
from agentcalls_mock.moment import Moment
from agentcalls_mock.profiles import Profile
from agentcalls_mock.ratelimit import GENEROUS, RateLimiter
from agentcalls_mock.record import Request, request_of
from agentcalls_mock.seeding import TEAM

_MINUTE = timedelta(minutes=1)


class World:
    """The agents, the calls, what goes wrong, the time, and what was asked."""

    def __init__(self, moment: Moment) -> None:
        """Begin with nothing."""
        self.moment = moment
        self.store = empty_store()
        self.mishaps = Mishaps()
        self.limiter = RateLimiter(GENEROUS, clock=moment.wall)
        self.requests: list[Request] = []
        self._app: ASGIApp = create_app(
            self.store, rate_limit=self.limiter, within=self.mishaps.within
        )
        self._made = 0
        self._latest = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, and keep a record of it."""
        request = request_of(scope, self.moment.as_datetime())
        self.requests.append(request)

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                request.status = message["status"]
                # Clients read a rate limit's reset by it.
                date = formatdate(self.moment.wall(), usegmt=True)
                MutableHeaders(scope=message)["Date"] = date
            await send(message)

        await self._app(scope, receive, noting)

    def stand_at(self, moment: datetime) -> None:
        """Stand at this moment; calls that are added from now on go by it, and not by those of before."""
        self.moment.stand_at(moment)
        self._latest = 0

    def clear(self) -> None:
        """Forget the agents and the calls."""
        for table in ("calls", "counts", "agents"):
            self.store.connection.execute(f"DELETE FROM {table}")  # noqa: S608  # our own

    def key_of(self, agent_id: str) -> int:
        """The agent's key in the tables; raises `LookupError` for an agent that was not added."""
        if not isinstance(agent_id, str):  # pyright: ignore[reportUnnecessaryIsInstance]  # callers may be wrong
            message = f"agent_id takes a text, not {agent_id!r}"
            raise TypeError(message)
        key = self.store.agent(agent_id, team=TEAM)
        if key is None:
            ids = self._agent_ids()
            known = f"there is {', '.join(map(repr, ids))}" if ids else "there is none yet"
            message = f"no agent {agent_id!r}{meant(agent_id, ids)}; {known}. Add it with add_agent"
            raise LookupError(message)
        return key

    def add_agent(self, agent_id: str, calls: int, fields: Mapping[str, Any]) -> Profile:
        """Add an agent with this many made-up calls."""
        place = len(self._agent_ids())
        now = self.moment.as_datetime()
        profile = agent_of(agent_id, fields, place=place, now=now)
        try:
            key = self.store.add_agent(profile, team=TEAM)
        except IntegrityError:
            message = f"there is an agent {agent_id!r} already"
            raise ValueError(message) from None
        random = Random(agent_id)  # noqa: S311  # made-up data, not a secret
        self.store.add(key, generate_calls(calls, random=random, now=now))
        return profile

    def add_call(self, agent_id: str, fields: Mapping[str, Any]) -> Call:
        """Add a call; without `created_on` it is the newest of those that were added so."""
        key = self.key_of(agent_id)
        begin = self.moment.as_datetime() - _MINUTE
        created = max(milliseconds(begin, "created_on"), self._latest + 1)
        call = call_of(fields, id=self._free_id(), created=created)
        self._add(key, call)
        if "created_on" not in fields:
            self._latest = created
        return call

    def shift(self, agent_id: str, inserts: int, deletions: int) -> None:
        """Let calls come to the agent, newer than all that it has, and delete the newest of those that it had."""
        key = self.key_of(agent_id)
        before = self.calls(agent_id)
        for call in before[:deletions]:
            self.store.connection.execute("DELETE FROM calls WHERE id = ?", (call.id,))
        created = milliseconds(self.moment.as_datetime())
        if before:
            created = max(created, milliseconds(before[0].created_on) + 1)
        for number in range(inserts):
            self._add(key, call_of({}, id=self._free_id(), created=created + number))

    def calls(self, agent_id: str) -> list[Call]:
        """The agent's calls, newest first."""
        return [
            call._replace(is_test_call=bool(call.is_test_call))
            for call in self.store.every_call(self.key_of(agent_id))
        ]

    def _free_id(self) -> str:
        # A test may have given one of ours to a call of its own.
        taken = "SELECT 1 FROM calls WHERE id = ?"
        while self.store.connection.execute(taken, (f"call_{self._made + 1}",)).fetchone():
            self._made += 1
        return f"call_{self._made + 1}"

    def _add(self, agent: int, call: Call) -> None:
        try:
            self.store.add(agent, [call])
        except IntegrityError:
            message = f"there is a call {call.id!r} already"
            raise ValueError(message) from None
        self._made += 1

    def _agent_ids(self) -> list[str]:
        rows = self.store.connection.execute("SELECT id FROM agents ORDER BY key")
        return [agent_id for (agent_id,) in rows]
