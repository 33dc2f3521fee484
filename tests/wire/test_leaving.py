"""Whoever leaves is not kept: by a close, an exception, Ctrl-C, a dropped iterator, a fork, or the end of all."""

from __future__ import annotations

import asyncio
import gc
import itertools
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from agentcalls import AgentCallsError, AsyncClient, Client, ConfigurationError
from agentcalls.export import export
from agentcalls.request.wire import names
from wire.host import Asked, Host, Line, descriptors, head, ids, settled, well
from wire.mutations import share
from wire.phases import ANSWERING, BEFORE, MODES, before, full, script

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator, Iterable
    from pathlib import Path

    from flavours import MakeClient
    from wire.host import Script

SOON = 3.0
FLAVOURS = ("sync", "async")
# Limits that are of no help: whoever waits for them has not been let go.
LONG: dict[str, Any] = {"timeout": 5.0, "deadline": 20.0, "max_retries": 0}


def seldom(*kinds: Iterable[str]) -> list[tuple[str, ...]]:
    """All combinations where all is to be played, or every second of them: each takes a process of its own."""
    rows = list(itertools.product(*kinds))
    return [row for place, row in enumerate(rows) if share(0, 1) or not (place // 2 + place) % 2]


def first_well(phase: str = "status line", mode: str = "stopped") -> Script:
    """Answers the first request well, and goes no further than a phase with the others, the probes too."""

    async def play(asked: Asked, line: Line) -> bool | None:
        is_first = asked.page == 1 and "sort=" not in asked.target
        return await (well if is_first else script(phase, mode))(asked, line)

    return play


@pytest.fixture(autouse=True)
def _nothing_is_left() -> Generator[None]:
    threads, files = threading.active_count(), descriptors()
    yield
    gc.collect()
    assert settled(threading.active_count, threads, 2.0), threading.enumerate()
    assert settled(descriptors, files, 2.0)


@pytest.mark.share(one_in=8)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("phase", [*BEFORE, *ANSWERING])
def test_close_from_another_thread_ends_a_request_in_any_phase(phase: str, mode: str) -> None:
    if (phase, mode) == ("connect", "slow"):
        mode = "stopped"
    ended: dict[str, Any] = {}

    def read(client: Client) -> None:
        try:
            ended["calls"] = client.calls.list("bob").all()
        except BaseException as error:  # noqa: BLE001
            ended["error"] = error

    key = "sk_" + "x" * 1_000_000 if phase == "request" else "sk_key"
    with Host(script(phase, mode)) if phase in ANSWERING else before(phase, mode) as place:
        url, host = (place.url, place) if isinstance(place, Host) else place
        client = Client(api_key=key, base_url=url, **LONG)
        reading = threading.Thread(target=read, args=(client,), daemon=True)
        reading.start()
        if host:
            assert host.until(lambda: host.reached)
        time.sleep(0.1)  # it is in the phase, or will be
        began = time.monotonic()
        client.close()
        closed = time.monotonic() - began
        reading.join(SOON)
        assert closed < SOON
        assert not reading.is_alive()
        assert isinstance(ended.get("error"), ConfigurationError), ended
        assert host is None or host.left(SOON)


@pytest.mark.parametrize("place", ["look-up", "first address", "http_client", "hook"])
def test_aclose_ends_a_direct_request_at_once(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    there, released = threading.Event(), threading.Event()

    def look_up(*_: object, flags: int = 0, **__: object) -> list[Any]:
        there.set()
        if flags or place == "look-up":
            released.wait(10 * (not flags))
            raise socket.gaierror
        ports = (int(url.split(":")[2]) for url in (dead, host.url))
        kind = (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "")
        return [(*kind, ("127.0.0.1", port)) for port in ports]

    async def stalling(_: Asked, line: Line) -> None:
        there.set()
        await line.stall()

    async def main() -> None:
        async with httpx.AsyncClient() as http:
            client = AsyncClient(
                api_key="sk_key",
                base_url=host.url.replace("127.0.0.1", "localhost"),
                http_client=http if place == "http_client" else None,
                on_exchange=(lambda _: client.aclose()) if place == "hook" else None,
                **LONG,
            )
            task = asyncio.create_task(client.calls.list("bob").page(1))
            if place == "hook":
                await task  # it had its answer
            else:
                assert await asyncio.to_thread(there.wait, 5)
                await asyncio.sleep(0.05)
                await client.aclose()
                with pytest.raises(ConfigurationError):
                    await asyncio.wait_for(task, 1)
                assert not task.cancelling()
            with pytest.raises(ConfigurationError):
                await client.calls.list("bob").page(1)
            await client.aclose()

    with full() as dead, Host(stalling if place == "http_client" else well) as host:
        if place in {"look-up", "first address"}:
            monkeypatch.setattr(names, "socket", Resolver(look_up))
        try:
            asyncio.run(main())
        finally:
            released.set()
        assert host.left(SOON)
        assert len(host.asked) == (place in {"http_client", "hook"})


@pytest.mark.share(one_in=1)
@pytest.mark.parametrize("what", ["client", "iterator"])
@pytest.mark.parametrize("hook", ["api_key", "on_exchange", "on_retry"])
def test_hook_of_a_page_ahead_may_close_the_client_or_the_iterator(hook: str, what: str) -> None:
    async def play(asked: Asked, line: Line) -> bool:
        if asked.page == 2:
            await line.send(head("Content-Length: 0", "Retry-After: 0", status="503 No"))
            return True
        return await well(asked, line)

    async def main(wait: Callable[[Callable[[], Any]], Awaitable[Any]]) -> None:
        count, closing = itertools.count(), []

        async def end(*_: object) -> str:
            if next(count) == (0 if hook == "on_retry" else 2):  # it is called for a page ahead
                closing.append(hook)
                await wait(client.aclose if what == "client" else calls.aclose)
            return "sk_key"

        given: dict[str, Any] = {"api_key": "sk_key", **LONG, "max_retries": 1, hook: end}
        client = AsyncClient(base_url=host.url, **given)
        calls = aiter(client.calls.list("bob"))
        async with asyncio.timeout(SOON):
            with suppress(ConfigurationError):
                async for _ in calls:
                    pass
            await client.aclose()
            left = asyncio.all_tasks() - {asyncio.current_task()}
            await asyncio.gather(*left, return_exceptions=True)
        assert closing

    ways: list[Callable[[Callable[[], Any]], Awaitable[Any]]] = [
        lambda close: close(),
        lambda close: asyncio.create_task(close()),
        lambda close: asyncio.shield(close()),
        lambda close: asyncio.gather(close(), close()),
        lambda close: asyncio.wait_for(close(), 5),
    ]
    with Host(play, calls=1000) as host:
        for way in ways:
            asyncio.run(main(way))
        assert host.left(SOON)


class Resolver:
    """The module `socket` with a resolver of one's own."""

    def __init__(self, look_up: Callable[..., list[Any]]) -> None:
        self.getaddrinfo = look_up

    def __getattr__(self, name: str) -> Any:
        return getattr(socket, name)


@pytest.mark.share(one_in=8)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("phase", [*BEFORE, *ANSWERING])
def test_aclose_from_another_task_ends_a_request_in_any_phase(phase: str, mode: str) -> None:
    if (phase, mode) == ("connect", "slow"):
        mode = "stopped"
    key = "sk_" + "x" * 1_000_000 if phase == "request" else "sk_key"

    async def main(url: str, host: Host | None) -> float:
        client = AsyncClient(api_key=key, base_url=url, **LONG)
        task = asyncio.create_task(client.calls.list("bob").all())
        if host:
            assert await asyncio.to_thread(host.until, lambda: host.reached)
        await asyncio.sleep(0.1)
        began = time.monotonic()
        await client.aclose()
        with pytest.raises(ConfigurationError):
            await asyncio.wait_for(task, SOON)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return time.monotonic() - began

    with Host(script(phase, mode)) if phase in ANSWERING else before(phase, mode) as place:
        url, host = (place.url, place) if isinstance(place, Host) else place
        assert asyncio.run(main(url, host)) < SOON
        assert host is None or host.left(SOON)


@pytest.mark.share("phase")
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("phase", ["status line", "interim answers", "chunk extension", "body"])
@pytest.mark.parametrize("flavour", FLAVOURS)
def test_exception_leaves_the_with_while_pages_are_under_way(
    flavour: str, phase: str, mode: str
) -> None:
    with Host(first_well(phase, mode), calls=1000) as host:
        options = {"api_key": "sk_key", "base_url": host.url, **LONG}

        def under_way() -> bool:
            return host.until(lambda: host.reached)

        def blocking() -> float:
            began = 0.0
            try:
                with Client(**options) as client:
                    for number, _ in enumerate(client.calls.list("bob")):
                        if number == 60:
                            assert under_way()
                            began = time.monotonic()
                            raise KeyError("ours")  # noqa: TRY301
            except KeyError:
                return time.monotonic() - began
            return 99

        async def awaiting() -> float:
            began = 0.0
            try:
                async with AsyncClient(**options) as client:
                    number = 0
                    async for _ in client.calls.list("bob"):
                        number += 1
                        if number == 60:
                            assert await asyncio.to_thread(under_way)
                            began = time.monotonic()
                            raise KeyError("ours")  # noqa: TRY301
            except KeyError:
                assert asyncio.all_tasks() == {asyncio.current_task()}
                return time.monotonic() - began
            return 99

        assert (blocking() if flavour == "sync" else asyncio.run(awaiting())) < SOON
        assert host.left(SOON)


@pytest.mark.parametrize("way", ["dropped", "closed", "broken off"])
def test_iterator_that_is_let_go_hangs_up_on_what_is_under_way(way: str) -> None:
    with Host(first_well(), calls=1000) as host:
        with Client(api_key="sk_key", base_url=host.url, **LONG) as client:
            iterator: Any = iter(client.calls.list("bob"))
            got = [next(iterator).id for _ in range(60)]
            assert host.until(lambda: host.reached)
            opened = host.opened
            began = time.monotonic()
            if way == "closed":
                iterator.close()
            del iterator
            if way == "broken off":
                gc.collect()
            assert time.monotonic() - began < SOON
            # What is kept is at most the connection of the page that was read.
            assert host.until(lambda: len(host.open) <= 1, SOON), (host.open, opened)
            assert got == ids("bob", 60)
            host.script = well
            assert len(client.calls.list("bob").all()) == 1000
        assert host.left(SOON)


def test_async_iterator_that_is_dropped_hangs_up_on_what_is_under_way() -> None:
    async def main(host: Host) -> None:
        async with AsyncClient(api_key="sk_key", base_url=host.url, **LONG) as client:
            iterator: Any = aiter(client.calls.list("bob"))
            for _ in range(60):
                await anext(iterator)
            assert await asyncio.to_thread(host.until, lambda: host.reached)
            del iterator
            gc.collect()
            assert await asyncio.to_thread(host.until, lambda: len(host.open) <= 1, SOON)
            host.script = well
            assert len(await client.calls.list("bob").all()) == 1000

    with Host(first_well(), calls=1000) as host:
        asyncio.run(main(host))
        assert host.left(SOON)


CHILD = """
import asyncio, os, signal, sys, threading
from agentcalls import AgentCallsError, AsyncClient, Client
signal.signal(signal.SIGINT, signal.default_int_handler)
options = {"api_key": "sk_key", "base_url": sys.argv[1], "timeout": 5, "deadline": 20, "max_retries": 4}
"""

BLOCKING = """
with Client(**options) as client:
    {body}
"""
AWAITING = """
async def main():
    async with AsyncClient(**options) as client:
        {body}
asyncio.run(main())
"""
READING = {
    "one page": ("client.calls.list('bob').page(2)", "await client.calls.list('bob').page(2)"),
    "listing": ("list(client.calls.list('bob'))", "await client.calls.list('bob').all()"),
    "many": (
        "list(client.calls.list_many(['bob', 'carol']))",
        "[pair async for pair in client.calls.list_many(['bob', 'carol'])]",
    ),
}


def start(host: Host, program: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", CHILD + program, host.url],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def finished(child: subprocess.Popen[str], seconds: float = SOON) -> tuple[str, str]:
    """What a process said, which must end in time."""
    try:
        return child.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)  # and what it has forked
        said = child.communicate()
        pytest.fail(f"it did not end: {said}")


@pytest.mark.share("flavour")
@pytest.mark.parametrize(("reading", "flavour", "mode"), seldom(READING, FLAVOURS, MODES))
def test_ctrl_c_ends_a_program_in_mid_wait(flavour: str, reading: str, mode: str) -> None:
    blocking, awaiting = READING[reading]
    program = (BLOCKING if flavour == "sync" else AWAITING).format(
        body=blocking if flavour == "sync" else awaiting
    )
    with Host(first_well("headers", mode), calls=1000) as host:
        child = start(host, program)
        assert host.until(lambda: host.reached, 20)
        time.sleep(0.1)
        child.send_signal(signal.SIGINT)
        _, errors = finished(child, SOON + 0.5)  # the process itself takes some of it
        assert child.returncode == -signal.SIGINT or "KeyboardInterrupt" in errors
        assert "KeyboardInterrupt" in errors
        assert host.left(SOON)


@pytest.mark.share
@pytest.mark.parametrize("words", [("list", "--all"), ("check",), ("doctor",)])
def test_ctrl_c_ends_a_command(words: tuple[str, ...], tmp_path: Path) -> None:
    with Host(script("headers", "slow"), calls=1000) as host:
        child = subprocess.Popen(
            [sys.executable, "-m", "agentcalls.cli", *words, "bob", "--base-url", host.url],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            env={
                **os.environ,
                "AGENTCALLS_API_KEY": "sk_key",
                "XDG_CONFIG_HOME": str(tmp_path),
            },
        )
        assert host.until(lambda: host.reached, 20)
        time.sleep(0.1)
        child.send_signal(signal.SIGINT)
        _, errors = finished(child, SOON + 0.5)
        assert child.returncode != 0
        assert "Traceback" not in errors
        assert host.left(SOON)


ENDS = {
    "sync": """
client = Client(**options)
calls = iter(client.calls.list('bob'))
for _ in range(60): next(calls)
""",
    "async": """
async def main():
    client = AsyncClient(**options)
    calls = aiter(client.calls.list('bob'))
    for _ in range(60): await anext(calls)
    await asyncio.sleep(.1)
asyncio.run(main())
""",
    "exit": """
with Client(**options) as client:
    for n, _ in enumerate(client.calls.list('bob')):
        if n == 60: sys.exit(7)
""",
    "error": """
client = Client(**options)
for n, _ in enumerate(client.calls.list_many(['bob'])):
    if n == 60: raise KeyError
""",
    "thread": """
def read():
    client.calls.list('carol').page(2)
client = Client(**options)
calls = iter(client.calls.list('bob'))
for _ in range(60): next(calls)
threading.Thread(target=read, daemon=True).start()
""",
}


@pytest.mark.share(one_in=2)
@pytest.mark.parametrize(("end", "mode"), seldom(ENDS, MODES))
def test_interpreter_ends_while_pages_are_under_way(end: str, mode: str) -> None:
    wait = "\nprint('end', flush=True)\n" if end in {"sync", "async", "thread"} else ""
    with Host(first_well("body", mode), calls=1000) as host:
        child = start(host, ENDS[end] + wait)
        assert host.until(lambda: host.reached, 20)
        out, errors = finished(child, SOON + 0.5)
        assert child.returncode == {"exit": 7, "error": 1}.get(end, 0), errors
        assert out.strip() == ("end" if wait else "")
        if end != "error":
            assert errors.strip() == ""
        assert host.left(SOON)


@pytest.mark.share
@pytest.mark.parametrize("then", ["going on", "new listing", "many"])
def test_forked_child_with_its_parents_iterator_reads_or_says_why_not(then: str) -> None:
    going_on = {
        "going on": "[call.id for call in calls]",
        "new listing": "[call.id for call in client.calls.list('bob')][60:]",
        "many": "[call.id for _, call in client.calls.list_many(['bob'])][60:]",
    }[then]
    program = f"""
client = Client(**options)
calls = iter(client.calls.list('bob'))
got = [next(calls).id for _ in range(60)]
child = os.fork()
try:
    got += {going_on}
    assert got == [f"bob-{{n:04}}" for n in range(600)], len(got)
    said = "all"
except AgentCallsError as error:
    said = type(error).__name__
os.write(1, f"{{'parent' if child else 'child'}} {{said}}\\n".encode())
if child == 0: os._exit(0)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
client.close()
"""
    with Host(calls=600) as host:
        child = start(host, program)
        out, errors = finished(child, 5)
        assert child.returncode == 0, errors
        said = dict(line.split() for line in out.splitlines())
        assert said["parent"] == "all", (out, errors)
        allowed = {"all"} if then != "going on" else {"all", "ConfigurationError"}
        assert said["child"] in allowed
        assert host.left(SOON)


def test_threads_of_a_passed_client_are_used_again_and_left_behind_by_a_fork() -> None:
    program = """
import httpx, threading, warnings
warnings.simplefilter("ignore", DeprecationWarning)  # of the fork beside threads
def listed(): return [call.id for call in client.calls.list('bob')]
http = httpx.Client()
client = Client(**options, http_client=http, concurrency=2)
right = [f"bob-{n:04}" for n in range(600)]
assert all(listed() == right for _ in range(5))
assert threading.active_count() <= 1 + 3, threading.active_count()
child = os.fork()
assert listed() == right if child == 0 else True
client.close()
if child == 0: os._exit(0)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
http.close()
"""
    with Host(calls=600) as host:
        child = start(host, program)
        _, errors = finished(child, 8)
        assert child.returncode == 0, errors
        assert host.left(SOON)


@pytest.mark.share(one_in=2)
@pytest.mark.parametrize("reading", ["page", "listing", "many", "started before"])
def test_thread_that_outlives_main_reads_or_says_why_not(reading: str) -> None:
    body = {
        "page": "len(client.calls.list('bob').page(1).data) * 6",
        "listing": "len(list(client.calls.list('bob')))",
        "many": "len(list(client.calls.list_many(['bob', 'carol']))) // 2",
        "started before": "60 + len(list(calls))",
    }[reading]
    program = f"""
def read():
    threading.main_thread().join()
    try: print({body}, flush=True)
    except AgentCallsError as error: print(type(error).__name__, error, flush=True)
client = Client(**options)
calls = iter(client.calls.list('bob'))
for _ in range(60 if {reading == "started before"} else 0): next(calls)
threading.Thread(target=read).start()
"""
    with Host(calls=600) as host:
        child = start(host, program)
        out, errors = finished(child, 5)
        assert errors == ""
        assert out.strip() == "600" or out.startswith(("ConfigurationError", "APIConnectionError"))
        assert host.left(SOON)


@pytest.mark.share("reading")
@pytest.mark.parametrize("passed", [False, True])
@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
@pytest.mark.parametrize("reading", ["page", "listing", "many", "export", "going on"])
def test_where_no_thread_can_start_pages_are_read_all_the_same(
    make_client: MakeClient,
    name: str,
    reading: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    *,
    passed: bool,
) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with Host(calls=600, name=name) as host:
        given = {"api_key": "sk_key", "base_url": host.url, "max_retries": 0, "timeout": 5.0}
        client = make_client(**given, http_client=make_client.through(None) if passed else None)
        calls = iter(client.calls.list("bob"))
        begun = [next(calls).id for _ in range(3)] if reading == "going on" else []
        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", refuse)
            try:
                match reading:
                    case "page":
                        got = [call.id for call in client.calls.list("bob").page(1)] + ids(
                            "bob", 600
                        )[100:]
                    case "listing":
                        got = [call.id for call in client.calls.list("bob")]
                    case "many":
                        got = [call.id for _, call in client.calls.list_many(["bob"])]
                    case "going on":
                        got = begun + [call.id for call in calls]
                    case _:
                        path = tmp_path / "calls.ndjson"
                        blocking = Client(api_key="sk_key", base_url=host.url, max_retries=0)
                        with blocking:
                            export(blocking, ["bob"], path)
                        got = ids("bob", len(path.read_text().splitlines()))
            except (AgentCallsError, ExceptionGroup) as error:
                assert "can't start new thread" in repr(error)  # noqa: PT017
                return
        assert got == ids("bob", 600)


def test_async_client_closed_in_another_loop_says_so_or_closes() -> None:
    with Host(calls=3) as host:
        client = AsyncClient(api_key="sk_key", base_url=host.url)

        async def use() -> None:
            assert len(await client.calls.list("bob").all()) == 3

        asyncio.run(use())
        try:
            asyncio.run(client.aclose())
        except ConfigurationError as error:
            assert "loop" in str(error)  # noqa: PT017
        assert host.left(SOON)


def test_async_client_closed_in_another_loop_while_its_own_runs() -> None:
    with Host(first_well(), calls=600) as host:
        client = AsyncClient(api_key="sk_key", base_url=host.url, **LONG)

        async def elsewhere() -> None:
            try:
                await client.aclose()
            except ConfigurationError as error:
                assert "loop" in str(error)  # noqa: PT017

        async def use() -> None:
            task = asyncio.create_task(client.calls.list("bob").all())
            assert await asyncio.to_thread(host.until, lambda: host.reached)
            await asyncio.wait_for(asyncio.to_thread(asyncio.run, elsewhere()), 3)
            await client.aclose()
            with pytest.raises(ConfigurationError):
                await asyncio.wait_for(task, SOON)
            assert asyncio.all_tasks() == {asyncio.current_task()}

        asyncio.run(use())
        assert host.left(SOON)


def test_async_client_left_open_as_its_loop_ends_leaves_no_socket() -> None:
    async def use(url: str) -> None:
        client = AsyncClient(api_key="sk_key", base_url=url)
        assert len(await client.calls.list("bob").all()) == 600
        await client.aclose()

    with Host(calls=600) as host:
        asyncio.run(use(host.url))
        assert host.left(SOON)


def test_close_twice_from_many_threads_at_once(make_client: MakeClient) -> None:
    with Host(calls=600) as host:
        client = make_client(api_key="sk_key", base_url=host.url)
        assert len(client.calls.list("bob").all()) == 600
        if make_client.flavour == "async":
            client.close()
            client.close()
        else:
            closing = [threading.Thread(target=client.close) for _ in range(8)]
            for one in closing:
                one.start()
            for one in closing:
                one.join(SOON)
        assert host.left(SOON)
        with pytest.raises(ConfigurationError):
            client.calls.list("bob").first()
