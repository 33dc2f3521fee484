"""Both flavours of the client behind one face, so that each behaviour is written down once."""

from __future__ import annotations

import asyncio
import inspect
from typing import TYPE_CHECKING, Any, Protocol

import httpx

from agentcalls import AsyncClient, Client, Clock

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine


class Blocking:
    """An async object seen as a blocking one: what it returns is awaited, what it yields is collected as it comes."""

    def __init__(self, target: object, runner: asyncio.Runner) -> None:
        self._target = target
        self._runner = runner

    def __getattr__(self, name: str) -> Any:
        # What ends a blocking object is called `close`, and `aclose` in the async one.
        return self._blocking(getattr(self._target, "aclose" if name == "close" else name))

    def __repr__(self) -> str:
        return repr(self._target)

    def __iter__(self) -> Blocking:
        target: Any = self._target
        return Blocking(aiter(target), self._runner)

    def __next__(self) -> Any:
        iterator: Any = self._target

        async def following() -> Any:
            return await anext(iterator)

        try:
            return self._runner.get_loop().run_until_complete(following())  # twice as fast as `run`
        except StopAsyncIteration:
            raise StopIteration from None

    def _blocking(self, value: Any) -> Any:
        if inspect.ismethod(value):
            return lambda *args, **kwargs: self._blocking(value(*map(_target, args), **kwargs))
        if inspect.isbuiltin(value):  # `aclose` of an async generator
            return lambda: self._runner.run(_awaited(value()))
        if inspect.iscoroutine(value):
            return self._runner.run(value)
        if hasattr(value, "__aiter__") or type(value).__name__ in {"Agents", "Calls"}:
            return Blocking(value, self._runner)
        return value


async def _awaited(value: Any) -> Any:
    return await value


def _target(value: Any) -> Any:
    return value._target if isinstance(value, Blocking) else value


class InstantClock:
    """A clock whose sleeps take no time but move it on; it remembers them. Its jitter is all of the backoff."""

    def __init__(self) -> None:
        self.slept: list[float] = []
        self.moment = 1000.0

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.moment += seconds

    async def sleep_async(self, seconds: float) -> None:
        self.sleep(seconds)

    def clock(self, flavour: str) -> Clock:
        return Clock(
            now=lambda: self.moment,
            wall=lambda: self.moment + 1_700_000_000,
            random=lambda: 1.0,
            sleep=self.sleep_async if flavour == "async" else self.sleep,
        )


class MakeClient(Protocol):
    """Makes a client of one flavour; it is closed when the test ends."""

    flavour: str
    clock: InstantClock

    def __call__(self, **options: Any) -> Client: ...

    def http(self, answer: Callable[[httpx.Request], httpx.Response]) -> Any:
        """An `http_client` of this flavour whose answers come from a function."""
        ...

    def through(self, transport: Any, **options: Any) -> Any:
        """An `http_client` of this flavour that sends with this transport; it is closed when the test ends."""
        ...


class MakeSync:
    flavour = "sync"

    def __init__(self) -> None:
        self.clock = InstantClock()
        self._opened: list[Client] = []
        self._lent: list[httpx.Client] = []

    def __call__(self, **options: Any) -> Client:
        client = Client(**{"clock": self.clock.clock(self.flavour), **options})
        self._opened.append(client)
        return client

    def http(self, answer: Callable[[httpx.Request], httpx.Response]) -> httpx.Client:
        return httpx.Client(transport=httpx.MockTransport(answer))

    def through(self, transport: Any, **options: Any) -> httpx.Client:
        http = httpx.Client(transport=transport, **options)
        self._lent.append(http)
        return http

    def close(self) -> None:
        for client in self._opened:
            client.close()
        for http in self._lent:
            http.close()


class MakeAsync:
    flavour = "async"

    def __init__(self) -> None:
        self.clock = InstantClock()
        self._runner = asyncio.Runner()
        self._opened: list[AsyncClient] = []
        self._lent: list[httpx.AsyncClient] = []

    def __call__(self, **options: Any) -> Client:
        client = AsyncClient(**{"clock": self.clock.clock(self.flavour), **options})
        self._opened.append(client)
        blocking: Any = Blocking(client, self._runner)
        return blocking  # type: ignore[no-any-return]

    def http(self, answer: Callable[[httpx.Request], httpx.Response]) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.MockTransport(answer))

    def through(self, transport: Any, **options: Any) -> httpx.AsyncClient:
        http = httpx.AsyncClient(transport=transport, **options)
        self._lent.append(http)
        return http

    def close(self) -> None:
        for client in self._opened:
            self._run(client.aclose())
        for http in self._lent:
            self._run(http.aclose())
        self._runner.close()

    def _run(self, coroutine: Coroutine[Any, Any, None]) -> None:
        self._runner.run(coroutine)
