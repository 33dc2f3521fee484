"""Every wait ends: each phase of a request, slow and stopped, through each way to read, in both flavours."""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from concurrent.futures import Future
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from attrs import frozen
from typer.testing import CliRunner

from agentcalls import AgentCallsError, APITimeoutError, AsyncClient, Client, Clock
from agentcalls.cli.program import app
from wire.host import Asked, Host, Line, body_of, framed, ids, well
from wire.mutations import share
from wire.network import telling
from wire.phases import ANSWERING, BEFORE, MODES, PHASES, RETRYING, before, script

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from flavours import MakeClient

DEADLINE, TIMEOUT, MARGIN = 1.0, 0.5, 6.0  # all are played at once; a wait without end has none
FLAVOURS = ("sync", "async")
WAYS = ("list", "in flight", "list_many")
BIG_KEY = "sk_" + "x" * 1_000_000  # a request that no buffer takes


@frozen
class Outcome:
    """How a reading ended."""

    error: BaseException | None
    seconds: float
    calls: int


def begun(run: Callable[[], Outcome]) -> Future[Outcome]:
    """What a function comes to, in a thread that keeps nobody from ending."""
    future: Future[Outcome] = Future()

    def main() -> None:
        try:
            future.set_result(run())
        except BaseException as error:  # noqa: BLE001
            future.set_exception(error)

    threading.Thread(target=main, daemon=True, name="reading").start()
    return future


def reading(flavour: str, url: str, agent: str, way: str, **options: Any) -> Outcome:
    given: dict[str, Any] = {
        "api_key": "sk_key",
        "base_url": url,
        "timeout": TIMEOUT,
        "deadline": DEADLINE,
        "max_retries": 0,
        "clock": Clock(random=lambda: 0.0),
        **options,
    }
    return (
        _blocking(given, agent, way)
        if flavour == "sync"
        else asyncio.run(_async(given, agent, way))
    )


def _blocking(options: dict[str, Any], agent: str, way: str) -> Outcome:
    calls, began = 0, time.monotonic()
    try:
        with Client(**options) as client:
            for _ in _listing(client, agent, way):
                calls, began = calls + 1, time.monotonic()
    except Exception as error:  # noqa: BLE001
        return Outcome(error, time.monotonic() - began, calls)
    return Outcome(None, time.monotonic() - began, calls)


async def _async(options: dict[str, Any], agent: str, way: str) -> Outcome:
    calls, began = 0, time.monotonic()
    try:
        async with AsyncClient(**options) as client:
            async for _ in _listing(client, agent, way):
                calls, began = calls + 1, time.monotonic()
    except Exception as error:  # noqa: BLE001
        return Outcome(error, time.monotonic() - began, calls)
    return Outcome(None, time.monotonic() - began, calls)


def _listing(client: Any, agent: str, way: str) -> Any:
    if way == "list_many":
        # The first request is alone until it is answered; those that follow are side by side.
        return client.calls.list_many([GOOD, agent, f"{agent}!"])
    return client.calls.list(agent)


GOOD = "good"
Row = tuple[str, str, str, str]
ROWS: list[Row] = [
    row
    for row in itertools.product(PHASES, MODES, FLAVOURS, WAYS)
    if row[:2] != ("connect", "slow") and not (row[0] in BEFORE and row[3] != "list")
]


async def dispatch(asked: Asked, line: Line) -> bool | None:
    """Plays the phase that the agent is named after; one that is read in flight is first answered well."""
    if asked.agent == GOOD:
        await line.send(framed(body_of(GOOD, 1, 100, 1), "length", asked.id))
        return True
    phase, mode, _, way = asked.agent.rstrip("%21!").replace("%20", " ").split(".")
    if way == "in flight" and asked.page == 1:
        return await well(asked, line)
    return await script(phase, mode)(asked, line)


@pytest.fixture(scope="module")
def outcomes() -> Generator[dict[Row, Outcome | None]]:
    """How each row ended, side by side; None where it has not, long after its deadline."""
    with ExitStack() as stack, Host(dispatch, calls=1000) as host:
        futures = {}
        for row in ROWS:
            phase, mode, flavour, way = row
            url = host.url
            options: dict[str, Any] = (
                {"max_retries": 99, "clock": Clock()} if phase in RETRYING else {}
            )
            if phase in BEFORE:
                url, _ = stack.enter_context(before(phase, mode))
                options = {"api_key": BIG_KEY} if phase == "request" else {}
            agent = ".".join(row)
            time.sleep(0.03)  # so that they do not wait for one another
            futures[row] = begun(partial(reading, flavour, url, agent, way, **options))
        end = time.monotonic() + DEADLINE + MARGIN + 1
        results: dict[Row, Outcome | None] = {}
        for row, future in futures.items():
            try:
                results[row] = future.result(max(0.0, end - time.monotonic()))
            except TimeoutError:
                results[row] = None
        yield results


@pytest.mark.parametrize(("phase", "mode", "flavour", "way"), ROWS)
def test_wait_ends(
    outcomes: dict[Row, Outcome | None], phase: str, mode: str, flavour: str, way: str
) -> None:
    outcome = outcomes[phase, mode, flavour, way]
    assert outcome, "it has not ended"
    assert outcome.seconds < DEADLINE + MARGIN
    error = outcome.error
    if isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    kind = AgentCallsError if phase in RETRYING else APITimeoutError
    assert isinstance(error, kind), error
    assert outcome.calls == {"in flight": 100, "list_many": 1, "list": 0}[way]


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_name_look_up_that_never_ends_is_left_behind(flavour: str) -> None:
    looked, released = threading.Event(), threading.Event()

    def never(*_: object) -> Any:
        looked.set()
        released.wait(10)
        raise OSError("no such host")

    ended: Future[Outcome] = Future()
    url = "https://host.invalid"
    options: dict[str, Any] = {"api_key": "sk_key", "base_url": url, "max_retries": 0}
    options |= {"timeout": TIMEOUT, "deadline": DEADLINE}

    async def main() -> None:
        client = AsyncClient(**options)
        began = time.monotonic()
        try:
            await client.calls.list("bob").page(1)
        except Exception as error:  # noqa: BLE001
            ended.set_result(Outcome(error, time.monotonic() - began, 0))
        await client.aclose()

    def run() -> Outcome:
        if flavour == "sync":
            ended.set_result(reading(flavour, url, "bob", "list"))
        else:
            asyncio.run(main())  # whose end waits for the executor, whatever anybody does
        return ended.result()

    with telling(never):
        all_of_it = begun(run)
        try:
            outcome = ended.result(DEADLINE + MARGIN)
            assert isinstance(outcome.error, APITimeoutError)
            assert looked.is_set()
        finally:
            released.set()
            all_of_it.result(5)


def test_body_of_line_ends_is_read_as_fast_as_any(make_client: MakeClient) -> None:
    async def play(asked: Asked, line: Line) -> bool:
        await line.send(framed(b"\n" * 2**22 + line.host.body(asked), "length", asked.id))
        return True

    with Host(play, calls=3) as host:
        client = make_client(api_key="sk_key", base_url=host.url, clock=Clock(), max_retries=0)
        began = time.monotonic()
        assert [call.id for call in client.calls.list("bob").page(1)] == ids("bob", 3)
        assert time.monotonic() - began < 4


@pytest.mark.parametrize("framing", ["length", "chunked", "gzip"])
def test_hook_of_a_passed_client_that_reads_the_body_leaves_it_to_us(
    make_client: MakeClient, framing: str
) -> None:
    async def play(asked: Asked, line: Line) -> bool:
        await line.send(framed(line.host.body(asked), framing, asked.id))
        return True

    async def aread(response: httpx.Response) -> None:
        await response.aread()

    read: Any = httpx.Response.read if make_client.flavour == "sync" else aread
    kind = httpx.HTTPTransport if make_client.flavour == "sync" else httpx.AsyncHTTPTransport
    http = make_client.through(kind(), event_hooks={"response": [read]})
    with Host(play, calls=3) as host:
        options: dict[str, Any] = {"timeout": 2.0, "max_retries": 0, "clock": Clock()}
        client = make_client(api_key="sk_key", base_url=host.url, http_client=http, **options)
        assert [call.id for call in client.calls.list("bob").page(1)] == ids("bob", 3)


COMMANDS = {
    "list": ("list", "{agent}"),
    "check": ("check", "{agent}"),
    "doctor": ("doctor", "{agent}"),
    "export": ("export", "{agent}", "-o", "{folder}/calls.csv"),
}


@pytest.mark.parametrize("place", range(share(10, 2 * len(ANSWERING) * len(COMMANDS))))
def test_command_ends(place: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    rows = list(itertools.product(ANSWERING, MODES, COMMANDS))
    phase, mode, command = rows[place * 7919 % len(rows)]  # a prime: each share has some of all
    monkeypatch.setenv("AGENTCALLS_API_KEY", "sk_key")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    with Host(script(phase, mode)) as host:
        words = [word.format(agent="bob", folder=tmp_path) for word in COMMANDS[command]]
        words += ["--base-url", host.url, "--timeout", "1", "--max-retries", "0"]
        words += ["--deadline", str(DEADLINE)]

        def run() -> Outcome:
            began = time.monotonic()
            ended = CliRunner().invoke(app, words, prog_name="agentcalls")
            return Outcome(ended.exception, time.monotonic() - began, ended.exit_code)

        outcome = begun(run).result(DEADLINE + MARGIN + 0.5)
        assert outcome.seconds < DEADLINE + MARGIN, (phase, mode, command)
        assert outcome.calls != 0
        assert isinstance(outcome.error, SystemExit)
        assert host.asked


def test_deadline_does_not_run_while_the_caller_holds_a_page(make_client: MakeClient) -> None:
    with Host(calls=1000) as host:
        client = make_client(
            api_key="sk_key",
            base_url=host.url,
            timeout=5.0,
            deadline=0.8,
            max_retries=0,
            clock=Clock(random=lambda: 0.0),
        )
        got = []
        for number, call in enumerate(client.calls.list("bob")):
            got.append(call.id)
            if number in {60, 420}:  # in the first page, and while others are under way
                time.sleep(1.1)
        assert got == ids("bob", 1000)


def test_deadline_does_not_run_while_a_task_holds_a_page() -> None:
    async def main(url: str) -> list[str]:
        options: dict[str, Any] = {"timeout": 5.0, "deadline": 0.8, "max_retries": 0}
        got = []
        async with AsyncClient(api_key="sk_key", base_url=url, **options) as client:
            async for call in client.calls.list("bob"):
                got.append(call.id)
                if len(got) in {60, 420}:
                    await asyncio.sleep(1.1)
        return got

    with Host(calls=1000) as host:
        assert asyncio.run(main(host.url)) == ids("bob", 1000)


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_deadline_of_pages_ahead_does_not_run_while_the_caller_holds_one(flavour: str) -> None:
    """The pages ahead are answered late, in parts, while the caller is busy elsewhere."""

    async def late(asked: Asked, line: Line) -> bool:
        if asked.page == 1:
            return await well(asked, line)
        await asyncio.sleep(0.2)  # less than any limit
        return await well(asked, line)

    with Host(late, calls=600) as host:
        options: dict[str, Any] = {"api_key": "sk_key", "base_url": host.url, "max_retries": 0}
        options |= {"timeout": 5.0, "deadline": 0.8}

        def blocking() -> list[str]:
            got = []
            with Client(**options) as client:
                for call in client.calls.list("bob"):
                    got.append(call.id)
                    if len(got) in {60, 220}:
                        time.sleep(1.1)
            return got

        async def awaiting() -> list[str]:
            got = []
            async with AsyncClient(**options) as client:
                async for call in client.calls.list("bob"):
                    got.append(call.id)
                    if len(got) in {60, 220}:
                        time.sleep(1.1)  # noqa: ASYNC251 - as callers do who write to a database
            return got

        got = blocking() if flavour == "sync" else asyncio.run(awaiting())
        assert got == ids("bob", 600)
