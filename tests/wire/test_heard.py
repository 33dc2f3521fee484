"""The tools that people run beside us hear each request, and a double that is active lets none through."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import httpx
import httpx2
import pytest
import vcr

from agentcalls import (
    APIConnectionError,
    APITimeoutError,
    AsyncClient,
    Client,
    ConfigurationError,
    Exchange,
)
from wire.host import Host, ids
from wire.mutations import share
from wire.network import dialling
from wire.phases import script
from wire.tools import TOOLS, OpenTelemetry, PytestHttpx, Respx, Tool, answered

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

    from flavours import MakeClient


CALLS = 250


@pytest.fixture
def host() -> Generator[Host]:
    with Host(calls=CALLS) as host:
        yield host


@pytest.fixture
def dialled() -> Generator[list[Any]]:
    """Every address that anybody connects to, and every name that anybody looks up."""
    with dialling() as addresses:
        yield addresses


@pytest.fixture(params=TOOLS)
def tool(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[Tool]:
    tool = TOOLS[request.param](CALLS, request, tmp_path)
    yield tool
    tool.stack.close()


class Making:
    """Makes clients, default ones or with an `http_client`, and counts their requests."""

    def __init__(self, make_client: MakeClient, *, passed: bool) -> None:
        self.make, self.passed = make_client, passed
        self.told: list[Exchange] = []

    def __call__(self, url: str, **options: Any) -> Client:
        if self.passed:
            options["http_client"] = self.make.through(None)
        return self.make(
            api_key="sk_key", base_url=url, max_retries=0, on_exchange=self.told.append, **options
        )

    @property
    def made(self) -> int:
        return len(self.told)


often = pytest.mark.parametrize(
    "making",
    [False, True] if share(0, 1) else [False],
    ids=lambda passed: ("default", "passed")[passed],
    indirect=True,
)
"""What httpx hears of a client of its own is mostly httpx's affair: the share leaves it out in some tests."""


@pytest.fixture(params=[False, True], ids=["default", "passed"])
def making(request: pytest.FixtureRequest, make_client: MakeClient) -> Making:
    return Making(make_client, passed=request.param)


def read(client: Client) -> None:
    listing = client.calls.list("bob")
    assert [call.id for call in listing] == ids("bob", CALLS)
    assert listing.report.complete


@pytest.mark.share("tool")
def test_tool_that_is_there_before_the_client_hears_it(
    tool: Tool, making: Making, host: Host, dialled: list[Any]
) -> None:
    tool.install()
    read(making(host.url))
    assert tool.seen == making.made >= 3
    assert len(host.asked) == (0 if tool.double else making.made)
    assert bool(dialled) is not tool.double


@pytest.mark.share("tool")
@often
def test_tool_that_comes_after_the_client_hears_it(
    tool: Tool, making: Making, host: Host, dialled: list[Any]
) -> None:
    client = making(host.url)
    tool.install()
    read(client)
    assert tool.seen == making.made >= 3
    assert len(host.asked) == (0 if tool.double else making.made)
    assert bool(dialled) is not tool.double


@pytest.mark.share("tool")
@often
def test_tool_that_comes_while_connections_are_kept_hears_what_follows(
    tool: Tool, making: Making, host: Host, dialled: list[Any]
) -> None:
    client = making(host.url)
    read(client)
    before, asked = making.made, len(host.asked)
    dialled.clear()
    tool.install()
    read(client)
    assert tool.seen == making.made - before >= 3
    assert len(host.asked) - asked == (0 if tool.double else making.made - before)
    assert not (tool.double and dialled)


@pytest.mark.share("tool")
@often
def test_tool_that_comes_between_two_pages_hears_the_second(
    tool: Tool, making: Making, host: Host
) -> None:
    client = making(host.url, concurrency=1)
    pages = iter(client.calls.list("bob", limit=50).pages())
    got = [call.id for call in next(pages).data]
    before, asked = making.made, len(host.asked)
    tool.install()
    for page in pages:
        got += [call.id for call in page.data]
    assert got == ids("bob", CALLS)
    assert tool.seen == making.made - before >= 3
    assert len(host.asked) - asked == (0 if tool.double else making.made - before)


@pytest.mark.share("tool")
def test_tool_that_has_gone_is_not_asked(tool: Tool, making: Making, host: Host) -> None:
    tool.install()
    client = making(host.url)
    read(client)
    seen, made, asked = tool.seen, making.made, len(host.asked)
    assert seen == made
    tool.remove()
    read(client)
    assert len(host.asked) - asked == making.made - made >= 3
    if not isinstance(tool, (PytestHttpx, Respx)):  # which forget as they go
        assert tool.seen == seen


@pytest.mark.share("tool")
@often
def test_tool_hears_many_agents_side_by_side(tool: Tool, making: Making, host: Host) -> None:
    tool.install()
    client = making(host.url)
    listing = client.calls.list_many(["alice", "bob", "carol"])
    assert sorted(call.id for _, call in listing) == sorted(
        ids("alice", CALLS) + ids("bob", CALLS) + ids("carol", CALLS)
    )
    assert tool.seen == making.made >= 9


@pytest.mark.parametrize("name", [name for name, tool in TOOLS.items() if tool.double])
def test_double_of_a_host_that_is_nowhere_keeps_the_key_here(
    name: str, making: Making, dialled: list[Any], request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    double = TOOLS[name](CALLS, request, tmp_path)
    double.install()
    try:
        read(making("https://api.example.invalid/prefix"))
        assert double.seen == making.made >= 3
        assert dialled == []
    finally:
        double.stack.close()


def test_cassette_is_played_without_the_network_though_it_echoes_old_ids(
    making: Making, host: Host, dialled: list[Any], tmp_path: Path
) -> None:
    path = str(tmp_path / "cassette.yaml")
    with vcr.use_cassette(path, record_mode="once") as cassette:
        read(making(host.url))
        assert len(cassette) == making.made == len(host.asked)
    dialled.clear()
    with vcr.use_cassette(path, record_mode="none") as cassette:
        read(making(host.url))
        assert cassette.all_played
    assert dialled == []


def test_spans_are_of_the_callers_trace(
    making: Making, host: Host, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    tool = OpenTelemetry(CALLS, request, tmp_path)
    tool.install()
    try:
        with tool.provider.get_tracer("tests").start_as_current_span("reading") as span:
            read(making(host.url))
        spans: Any = tool.exporter.get_finished_spans()
        assert len(spans) == making.made + 1
        assert {one.context.trace_id for one in spans} == {span.get_span_context().trace_id}
        for asked in host.asked:
            assert f"{span.get_span_context().trace_id:032x}" in asked.headers["traceparent"]
    finally:
        tool.remove()


@pytest.mark.parametrize("passed", [False, True], ids=["default", "passed"])
def test_error_of_a_double_is_typed(
    make_client: MakeClient, *, passed: bool, httpx_mock: Any, dialled: list[Any]
) -> None:
    making = Making(make_client, passed=passed)
    client = making("https://api.example.invalid")
    httpx_mock.add_exception(httpx.ConnectError("down"))
    with pytest.raises(APIConnectionError):
        client.calls.list("bob").page(1)
    httpx_mock.add_exception(httpx.ReadTimeout("slow"))
    with pytest.raises(APITimeoutError):
        client.calls.list("bob").page(1)
    assert dialled == []


# Tools that wait for httpx to be imported

WAITING = """
import asyncio, importlib.machinery, importlib.util, sys
import wrapt
from agentcalls import AsyncClient, Client

how, module, when, flavour, url = sys.argv[1:]
place, method = {
    "httpx": ("Client", "send"), "httpcore": ("ConnectionPool", "handle_request")
}[module]
if flavour == "async":
    place = "Async" + place
    method = method.replace("handle_", "handle_async_")
heard = []


def patch(imported):
    def watched(function, instance, args, kwargs):
        heard.append(function)
        return function(*args, **kwargs)

    wrapt.wrap_function_wrapper(imported, f"{place}.{method}", watched)


class Finder:
    def __init__(self):
        self.busy = False

    def find_spec(self, name, path, target=None):
        if self.busy or name != module:
            return None
        self.busy = True
        spec = importlib.util.find_spec(name)
        self.busy = False
        run = spec.loader.exec_module
        spec.loader.exec_module = lambda imported: (run(imported), patch(imported))
        return spec


class Legacy:
    def find_module(self, name, path=None):
        return None


def install():
    sys.meta_path.insert(0, Legacy())
    if how == "wrapt":
        wrapt.register_post_import_hook(patch, module)
    else:
        sys.meta_path.insert(0, Finder())


def of(client):
    return client.calls.list("bob", limit=50, concurrency=1).pages()


def options(requests):
    return {"api_key": "sk_key", "base_url": url, "on_exchange": requests.append}


def sync(requests):
    with Client(**options(requests)) as client:
        if when == "after":
            install()
        for number, page in enumerate(of(client)):
            if when == "between" and not number:
                install()


async def asynchronous(requests):
    async with AsyncClient(**options(requests)) as client:
        if when == "after":
            install()
        number = 0
        async for page in of(client):
            if when == "between" and not number:
                install()
            number += 1


assert module not in sys.modules
if when == "before":
    install()
requests = []
if flavour == "sync":
    sync(requests)
else:
    asyncio.run(asynchronous(requests))
print(len(requests), len(heard))
"""


@pytest.mark.share("flavour", one_in=3)
@pytest.mark.parametrize("flavour", ["sync", "async"])
@pytest.mark.parametrize("when", ["before", "after", "between"])
@pytest.mark.parametrize("module", ["httpx", "httpcore"])
@pytest.mark.parametrize("how", ["wrapt", "finder"])
def test_tool_that_waits_for_the_import_of_httpx_hears_what_follows(
    how: str, module: str, when: str, flavour: str, host: Host
) -> None:
    program = subprocess.run(
        [sys.executable, "-c", WAITING, how, module, when, flavour, host.url],
        check=True,
        capture_output=True,
        text=True,
    )
    made, heard = map(int, program.stdout.split())
    assert made == CALLS / 50
    assert heard == made - (when == "between")


# httpx2


class Httpx2:
    """Clients of httpx2 in both flavours."""

    def __init__(self, flavour: str) -> None:
        self.kind: Any = httpx2.Client if flavour == "sync" else httpx2.AsyncClient
        self.opened: list[Any] = []

    def __call__(self, answer: Callable[[Any], Any] | None = None, **options: Any) -> Any:
        if answer:
            options["transport"] = httpx2.MockTransport(answer)
        self.opened.append(self.kind(**options))
        return self.opened[-1]


@pytest.fixture
def make_httpx2(make_client: MakeClient) -> Generator[Httpx2]:
    made = Httpx2(make_client.flavour)
    yield made
    for one in made.opened:
        if make_client.flavour == "sync":
            one.close()
        else:
            make_client._run(one.aclose())  # type: ignore[attr-defined]


def test_client_of_httpx2_is_taken(
    make_client: MakeClient, make_httpx2: Httpx2, host: Host
) -> None:
    http = make_httpx2(headers={"X-Mine": "yes"})
    client = make_client(api_key="sk_key", base_url=host.url, http_client=http)
    read(client)
    assert {asked.headers["x-mine"] for asked in host.asked} == {"yes"}


def test_transport_of_httpx2_is_used(
    make_client: MakeClient, make_httpx2: Httpx2, dialled: list[Any]
) -> None:
    def answer(request: Any) -> Any:
        double = answered(request, CALLS)
        return httpx2.Response(200, content=double.content, headers=dict(double.headers))

    http = make_httpx2(answer)
    read(make_client(api_key="sk_key", base_url="https://api.invalid", http_client=http))
    assert dialled == []


@pytest.mark.parametrize(
    ("raised", "kind"),
    [
        (httpx2.ConnectError("down"), APIConnectionError),
        (httpx2.ConnectTimeout("slow"), APITimeoutError),
        (httpx2.ReadTimeout("slow"), APITimeoutError),
        (httpx2.PoolTimeout("slow"), APITimeoutError),
        (httpx2.RemoteProtocolError("odd"), APIConnectionError),
        (httpx2.ProxyError("odd"), APIConnectionError),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_errors_of_httpx2_are_typed(
    make_client: MakeClient, make_httpx2: Httpx2, raised: Exception, kind: type[Exception]
) -> None:
    def answer(_: Any) -> Any:
        raise raised

    http = make_httpx2(answer)
    client = make_client(api_key="sk_key", base_url="https://api.invalid", http_client=http)
    with pytest.raises(kind):
        client.calls.list("bob").page(1)


@pytest.mark.parametrize("passed", [False, True], ids=["default", "passed"])
def test_timeout_of_httpx2_is_taken(
    make_client: MakeClient, make_httpx2: Httpx2, *, passed: bool
) -> None:
    options: dict[str, Any] = {"timeout": httpx2.Timeout(5.0, read=0.2)}
    if passed:
        options = {"http_client": make_httpx2(**options)}
    with Host(script("headers", "stopped")) as host:
        client = make_client(api_key="sk_key", base_url=host.url, max_retries=0, **options)
        with pytest.raises(APITimeoutError):
            client.calls.list("bob").page(1)


def test_httpx2_client_of_the_other_flavour_is_refused() -> None:
    with httpx2.Client() as http, pytest.raises(ConfigurationError):
        AsyncClient(api_key="sk_key", base_url="https://host", http_client=http)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError):
        Client(api_key="sk_key", base_url="https://host", http_client=httpx2.AsyncClient())  # type: ignore[arg-type]


# contextvars

WHO: ContextVar[str] = ContextVar("who", default="nobody")
PLACES = ("on_exchange", "api_key", "request hook", "response hook")


def noting(notes: dict[str, list[str]], http: Any, *, hooks: bool) -> dict[str, Any]:
    """Options of a client whose every callback notes who asked."""
    awaited = isinstance(http, httpx.AsyncClient)

    def key() -> str:
        notes["api_key"].append(WHO.get())
        return "sk_key"

    async def key_async() -> str:
        await asyncio.sleep(0)
        return key()

    def on_exchange(_: Exchange) -> None:
        notes["on_exchange"].append(WHO.get())

    options: dict[str, Any] = {"on_exchange": on_exchange, "api_key": key_async if awaited else key}
    if hooks:

        def hook(place: str) -> Any:
            def note(_: Any) -> None:
                notes[place].append(WHO.get())

            async def note_async(_: Any) -> None:
                await asyncio.sleep(0)
                note(None)

            return note_async if awaited else note

        http.event_hooks = {"request": [hook("request hook")], "response": [hook("response hook")]}
        options["http_client"] = http
    return options


def judge(notes: dict[str, list[str]], host: Host, *, hooks: bool) -> None:
    for place in PLACES[: 4 if hooks else 2]:
        assert notes[place] == ["me"] * len(host.asked), place
    assert len(host.asked) > 8


@pytest.mark.parametrize("hooks", [False, True], ids=["default", "passed"])
@pytest.mark.parametrize("way", ["list", "list_many", "pages"])
def test_context_of_the_caller_reaches_every_request(way: str, *, hooks: bool) -> None:
    notes: dict[str, list[str]] = {place: [] for place in PLACES}
    with Host(calls=1000) as host:
        token = WHO.set("me")
        with (
            httpx.Client() as http,
            Client(base_url=host.url, **noting(notes, http, hooks=hooks)) as client,
        ):
            match way:
                case "list":
                    assert len(client.calls.list("bob").all()) == 1000
                case "pages":
                    assert len(list(client.calls.list("bob", limit=50).pages())) == 20
                case _:
                    assert len(list(client.calls.list_many(["alice", "bob"]))) == 2000
        WHO.reset(token)
        judge(notes, host, hooks=hooks)


@pytest.mark.parametrize("hooks", [False, True], ids=["default", "passed"])
@pytest.mark.parametrize("way", ["list", "list_many", "pages"])
def test_context_of_the_calling_task_reaches_every_request(way: str, *, hooks: bool) -> None:
    notes: dict[str, list[str]] = {place: [] for place in PLACES}

    async def main(url: str) -> None:
        async with (
            httpx.AsyncClient() as http,
            AsyncClient(base_url=url, **noting(notes, http, hooks=hooks)) as client,
        ):
            WHO.set("me")
            match way:
                case "list":
                    assert len([call async for call in client.calls.list("bob")]) == 1000
                case "pages":
                    pages = client.calls.list("bob", limit=50).pages()
                    assert len([page async for page in pages]) == 20
                case _:
                    pairs = client.calls.list_many(["alice", "bob"])
                    assert len([pair async for pair in pairs]) == 2000

    with Host(calls=1000) as host:
        asyncio.run(main(host.url))
        judge(notes, host, hooks=hooks)


def test_context_is_that_of_each_caller_where_threads_share_a_client() -> None:
    seen: dict[str, set[str]] = {}

    def on_exchange(exchange: Exchange) -> None:
        seen.setdefault(WHO.get(), set()).add(str(exchange.query))

    with (
        Host(calls=600) as host,
        Client(api_key="sk_key", base_url=host.url, on_exchange=on_exchange) as client,
    ):

        def read_as(name: str) -> int:
            WHO.set(name)
            return len(client.calls.list(name).all())

        with ThreadPoolExecutor(4) as pool:
            assert list(pool.map(read_as, ["a", "b", "c", "d"])) == [600] * 4
    assert set(seen) == {"a", "b", "c", "d"}
