"""The API in a test: agents and calls by name, faults while it serves, and a record of what was asked.

    with MockCallsAPI() as api, api.client() as client:
        api.add_agent("agent_1")
        api.add_call("agent_1", status="failed")
        api.fail(503, times=1)
        assert [call.status for call in client.calls.list("agent_1")] == ["failed"]
        assert [request.status for request in api.requests] == [503, 200]

With pytest, the fixture `calls_api` is one that every test finds empty.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from threading import Thread
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from starlette.types import ASGIApp, Receive, Scope, Send

from agentcalls_mock.auth import FULL_KEY
from agentcalls_mock.background import Background
from agentcalls_mock.data import Call
from agentcalls_mock.failing import stall, status_response, truncate
from agentcalls_mock.fields import check_seconds, check_whole, milliseconds
from agentcalls_mock.mishaps import Armed, Play
from agentcalls_mock.moment import Moment
from agentcalls_mock.profiles import Profile
from agentcalls_mock.ratelimit import GENEROUS, RateLimit
from agentcalls_mock.record import Request
from agentcalls_mock.world import World

if TYPE_CHECKING:
    from agentcalls import AsyncClient, Client


_DEADLINE_SECONDS = 86_400


class MockCallsAPI:
    """The API on this machine, for tests: it serves within a `with` block, and begins without an agent.

    Any thread may use it. What changes it takes effect between two requests. A fault goes on until it is taken back or
    the API is reset, where `times` is left out; each method that arms one returns it, to be looked at (`hits`), taken
    back (`take_back()`), or used as the context manager of a block. `agent_id` keeps it to the requests of one agent,
    and `after_page=n` lets n pages be answered first.
    """

    api_key = FULL_KEY
    """The key that may read everything."""

    def __init__(self) -> None:
        """Make it ready; it serves within the `with` block."""
        self._background: Background | None = None
        self._moment, self._clients = Moment(), list[Any]()
        self._async_clients = list[Any]()

    def __enter__(self) -> Self:
        """Start to serve, on a free port of 127.0.0.1."""
        if self._background:
            message = "This MockCallsAPI serves already."
            raise RuntimeError(message)
        self._moment = Moment()
        self._world = World(self._moment)
        self._background = Background(self._answer, date_header=False)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop at once, whatever is under way, and close the clients that were handed out."""
        self._close_clients()
        self._served.stop()
        self._background = None
        self._world.store.close()

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        # What is under way goes on in the world that it began in.
        await self._world(scope, receive, send)

    @property
    def _served(self) -> Background:
        if self._background is None:
            message = "MockCallsAPI serves within a block: with MockCallsAPI() as api."
            raise RuntimeError(message)
        return self._background

    def reset(self) -> None:
        """Begin anew: no agent, no call, no fault, no request, the machine's time.

        Connections are cut, so that what an earlier test left running is not answered in the next one, and the clients
        that were handed out are closed.
        """
        self._close_clients()

        def begin() -> None:
            before, self._moment = self._world, Moment()
            self._world = World(self._moment)
            before.store.close()

        self._served.drop()
        self._served.call(begin)

    # Clients.

    @property
    def base_url(self) -> str:
        """Where it serves, such as `http://127.0.0.1:40123`."""
        return self._served.url

    def client(self, **options: Any) -> "Client":
        """An `agentcalls.Client` of this API; `options` are those of `Client`.

        Unless you pass a `clock`, it goes by `now`, and a wait for a retry moves `now` on and takes no time. Waits of
        requests in flight together then add up, so its `deadline` is a day unless you pass one. It is closed at the
        next reset, or at the end of the block.
        """
        from agentcalls import Client  # noqa: PLC0415  # the mock itself does without

        made = Client(**self._options(self._moment.skip, options))
        self._clients.append(made)
        return made

    def async_client(self, **options: Any) -> "AsyncClient":
        """An `agentcalls.AsyncClient` of this API, as `client()` gives a `Client`."""
        from agentcalls import AsyncClient  # noqa: PLC0415  # as above

        moment = self._moment

        async def skip(seconds: float) -> None:
            moment.skip(seconds)
            await asyncio.sleep(0)

        made = AsyncClient(**self._options(skip, options))
        self._async_clients.append(made)
        return made

    def _options(self, sleep: Any, options: dict[str, Any]) -> dict[str, Any]:
        from agentcalls import Clock  # noqa: PLC0415  # as above

        clock = Clock(now=self._moment.monotonic, wall=self._moment.wall, sleep=sleep)
        given: dict[str, Any] = {"api_key": self.api_key, "base_url": self.base_url}
        if "clock" not in options:
            given |= {"clock": clock, "deadline": _DEADLINE_SECONDS}
        return {**given, **options}

    def _close_clients(self) -> None:
        clients, self._clients = self._clients, []
        for client in clients:
            client.close()
        waiting, self._async_clients = self._async_clients, []
        if waiting:
            # In a thread: the caller may be within an event loop of its own.
            closing = Thread(target=asyncio.run, args=(_close_all(waiting),))
            closing.start()
            closing.join()

    # What it has.

    def add_agent(self, agent_id: str, *, calls: int = 0, **fields: Any) -> Profile:
        """Add an agent, with this many made-up calls of the last 30 days; the rest of the fields is made up, too.

        Raises `ValueError` for an agent that is there, `TypeError` for a field that agents do not have.
        """
        check_whole("calls", calls, 0)
        return self._served.call(lambda: self._world.add_agent(agent_id, calls, fields))

    def add_call(self, agent_id: str, **fields: Any) -> Call:
        """Add a call to an agent, with these fields; what is left out fits its `status`, which is "ended" by default.

        Without `created_on` it was created a minute before `now`, after those that were added so before it. Times are
        aware datetimes or ISO 8601 texts with an offset, kept to the millisecond.

        Raises `LookupError` for an agent that was not added, `TypeError` for a field that calls do not have or of a
        wrong type, `ValueError` for an id that is in use, or a time without a zone.
        """
        return self._served.call(lambda: self._world.add_call(agent_id, fields))

    def calls(self, agent_id: str) -> list[Call]:
        """The agent's calls, newest first, as the API gives them: times are texts in UTC.

        Raises `LookupError` for an agent that was not added.
        """
        return self._served.call(lambda: self._world.calls(agent_id))

    def clear(self) -> None:
        """Forget the agents and their calls. Faults, the time and the requests stay."""
        self._served.call(self._world.clear)

    @property
    def requests(self) -> tuple[Request, ...]:
        """The requests so far, in the order in which they arrived, with `***` in place of a key."""
        return self._served.call(lambda: tuple(self._world.requests))

    @property
    def now(self) -> datetime:
        """The API's time, in UTC: the machine's, until you set it; then it stands still.

        New calls and rate limits go by it, and so do the clients that were handed out: `since="24h"` counts from it.
        Setting it takes an aware datetime of the years 1971 to 9998; `ValueError` for another.
        """
        return self._moment.as_datetime()

    @now.setter
    def now(self, moment: datetime) -> None:
        if not isinstance(moment, datetime):  # pyright: ignore[reportUnnecessaryIsInstance]  # callers may be wrong
            message = f"now takes an aware datetime, not {moment!r}"
            raise TypeError(message)
        milliseconds(moment, "now")
        self._served.call(lambda: self._world.stand_at(moment.astimezone(UTC)))

    # What goes wrong.

    def fail(
        self,
        status: int,
        *,
        times: int | None = None,
        retry_after: float | None = None,
        after_page: int = 0,
        agent_id: str | None = None,
    ) -> Armed:
        """Answer requests with this error status, 400 to 599, and `Retry-After` in seconds where it is given."""
        check_whole("status", status, 400, 599)
        wait = None
        if retry_after is not None:
            check_seconds("retry_after", retry_after)
            # Never as 1e+06, which no client reads.
            wait = f"{retry_after:f}".rstrip("0").rstrip(".")

        async def play(_: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
            await status_response(status, scope, wait)(scope, receive, send)

        return self._arm(f"status {status}", play, times, after_page, agent_id)

    def truncate(
        self, *, times: int | None = None, after_page: int = 0, agent_id: str | None = None
    ) -> Armed:
        """Answer with half of the body, and cut the connection."""
        return self._arm("half of an answer", truncate, times, after_page, agent_id)

    def reset_connection(
        self, *, times: int | None = None, after_page: int = 0, agent_id: str | None = None
    ) -> Armed:
        """Reset the connection in place of an answer: the client sees ECONNRESET."""

        async def play(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
            self._served.reset(scope)
            await stall(app, scope, receive, send)

        return self._arm("a reset connection", play, times, after_page, agent_id)

    def slow(
        self,
        seconds: float,
        *,
        times: int | None = None,
        after_page: int = 0,
        agent_id: str | None = None,
    ) -> Armed:
        """Hold each answer for some real seconds, also that of another fault."""
        check_seconds("slow", seconds)

        async def play(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
            await asyncio.sleep(seconds)
            await app(scope, receive, send)

        what = f"{seconds:g} s of silence"
        return self._arm(what, play, times, after_page, agent_id, is_beside=True)

    def shift(
        self,
        *,
        inserts: int = 0,
        deletions: int = 0,
        times: int | None = None,
        after_page: int = 0,
        agent_id: str | None = None,
    ) -> Armed:
        """Change the listing after each page of an agent's calls: new calls come, and the newest of the others go."""
        check_whole("inserts", inserts, 0)
        check_whole("deletions", deletions, 0)
        if not inserts + deletions:
            message = "shift takes inserts or deletions, or both"
            raise ValueError(message)

        def change(world: World, asked: str) -> None:
            world.shift(asked, inserts, deletions)

        what = f"{inserts} new calls and {deletions} deleted ones"
        return self._arm(what, None, times, after_page, agent_id, change=change)

    def rate_limit(self, requests: int | None, per: float = 1) -> None:
        """Allow a key this many requests in `per` seconds of `now`, from now on; None for practically no limit."""
        if requests is not None:
            check_whole("requests", requests, 0)
        check_seconds("per", per, is_zero_allowed=False)
        limit = GENEROUS if requests is None else RateLimit(requests, per)
        self._served.call(lambda: self._world.limiter.begin(limit))

    def _arm(
        self,
        what: str,
        play: Play | None,
        times: int | None,
        after_page: int,
        agent_id: str | None,
        *,
        is_beside: bool = False,
        change: Callable[[World, str], object] | None = None,
    ) -> Armed:
        if times is not None:
            check_whole("times", times, 1)
        check_whole("after_page", after_page, 0)
        served, world = self._served, self._world

        def forget(armed: Armed) -> None:
            # After the end of the block nothing is armed, and no loop is there to ask.
            if self._background is served:
                served.call(lambda: world.mishaps.forget(armed))

        def arm() -> Armed:
            if agent_id is not None:
                world.key_of(agent_id)
            armed = Armed(
                what=what,
                left=times,
                agent_id=agent_id,
                pages_before=after_page,
                play=play,
                is_beside=is_beside,
                change=change and partial(change, world),
                _forget=forget,
            )
            world.mishaps.armed.append(armed)
            return armed

        return served.call(arm)


async def _close_all(clients: list[Any]) -> None:
    from agentcalls import ConfigurationError  # noqa: PLC0415  # as above

    for client in clients:
        # One of another event loop has its connections closed, and says that it is of another.
        with suppress(ConfigurationError):
            await client.aclose()
