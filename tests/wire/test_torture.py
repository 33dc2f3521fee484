"""A fault at every byte of an answer: the right calls or a typed error, in time, and no broken connection again.

`AGENTCALLS_TORTURE=all` plays each fault at each offset, a number so many of each framing, drawn by AGENTCALLS_SEED.
"""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeVar

import pytest
from attrs import field, frozen

from agentcalls import (
    AgentCallsError,
    APIConnectionError,
    AsyncClient,
    Client,
    Clock,
)
from faults import self_signed
from wire.host import FRAMINGS, Host, descriptors, framed, ids, settled
from wire.mutations import CALLS, Case, cases, plays_all, read_strictly, scattered, share

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Coroutine
    from pathlib import Path

    from wire.host import Asked, Line


# All cases take long enough to wait side by side, and so many need patience with each other.
TIMEOUT, DEADLINE, SIDE_BY_SIDE = (2.0, 6.0, 32) if plays_all() else (0.8, 3.0, 8)
MARGIN = 1.0
T = TypeVar("T")


@frozen
class Got:
    """What came of reading one agent."""

    ids: list[str] = field(factory=list)
    complete: bool = False
    error: BaseException | None = None
    seconds: float = 0.0


class Played:
    """What bob was sent in the first place, by case."""

    def __init__(self, some: list[Case]) -> None:
        self.cases = {case.number: case for case in some}
        self.sent: dict[int, tuple[bytes, int]] = {}

    async def __call__(self, asked: Asked, line: Line) -> bool:
        name, _, number = asked.agent.partition(".")
        case = self.cases[int(number)]
        answer = case.whole(asked)
        if name == "bob" and case.number not in self.sent:
            self.sent[case.number] = (case.broken(answer), asked.connection)
            return await case.play(answer, line)
        await line.send(answer)
        return case.framing != "close"


def options(case: Case, url: str) -> dict[str, Any]:
    patience = 1 if case.may_wait else 10
    return {
        "api_key": "sk_key",
        "base_url": url,
        "timeout": TIMEOUT * patience,
        "deadline": DEADLINE * patience,
        "max_retries": case.retries,
        "clock": Clock(random=lambda: 0.0),  # no back-off
    }


def names(case: Case) -> list[str]:
    return [case.agent(name) for name in ("alice", "bob", "carol")[0 if case.kept else 1 :]]


def read_each(case: Case, url: str) -> list[Got]:
    with Client(**options(case, url)) as client:
        return [_read(client, agent) for agent in names(case)]


def _read(client: Client, agent: str) -> Got:
    listing, began = client.calls.list(agent), time.monotonic()
    try:
        got = [call.id for call in listing]
    except Exception as error:  # noqa: BLE001
        return Got(error=error, seconds=time.monotonic() - began)
    return Got(got, listing.report.complete, None, time.monotonic() - began)


async def read_each_async(case: Case, url: str) -> list[Got]:
    async with AsyncClient(**options(case, url)) as client:
        return [await _read_async(client, agent) for agent in names(case)]


async def _read_async(client: AsyncClient, agent: str) -> Got:
    listing, began = client.calls.list(agent), time.monotonic()
    try:
        got = [call.id async for call in listing]
    except Exception as error:  # noqa: BLE001
        return Got(error=error, seconds=time.monotonic() - began)
    return Got(got, listing.report.complete, None, time.monotonic() - began)


def judge(  # noqa: C901 - a rule after another
    case: Case, results: list[Got], played: Played, host: Host
) -> list[str]:
    """What is wrong with what came of a case."""
    wrong = []
    right = {agent: ids(agent, CALLS) for agent in names(case)}
    for agent, got in zip(names(case), results, strict=True):
        if got.seconds > DEADLINE + MARGIN:
            wrong.append(f"{agent} took {got.seconds:.1f} s")
        if got.error and not isinstance(got.error, AgentCallsError):
            wrong.append(f"{agent}: {got.error!r} is not typed")
        is_right = got.error is None and got.ids == right[agent] and got.complete
        if not agent.startswith("bob") and not is_right:
            wrong.append(f"{agent} got {got}")
    if case.number not in played.sent:
        return [*wrong, f"{case}: nobody asked for bob, and this came: {results}"]
    sent, connection = played.sent[case.number]
    reading = read_strictly(sent, ended=case.framing == "close" or case.kind in {"cut", "reset"})
    bob, agent = results[-2], case.agent("bob")
    if case.recovers and (bob.error or bob.ids != right[agent] or not bob.complete):
        wrong.append(f"bob should have his calls and got {bob}")
    others = set(bob.ids) - set(right[agent])
    if others - reading.ids:
        wrong.append(f"bob got {others}, which nobody sent")
    if bob.complete and bob.ids != right[agent] and set(bob.ids) != reading.ids:
        wrong.append(f"bob got {bob}, said to be complete")
    if bob.complete and len(bob.ids) != len(set(bob.ids)):
        wrong.append(f"bob got {bob}, with repeats")
    later = [asked.connection for asked in host.of_agent[case.agent("carol")]]
    heard = isinstance(bob.error, APIConnectionError)
    if (reading.state in {"excess", "incomplete"} or heard) and connection in later:
        wrong.append(f"the connection of an answer that is {reading.state} was used again")
    if wrong:
        wrong.insert(0, f"{case}, read strictly {reading.state}, around {sent[-60:]!r}")
    return wrong


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, Path]:
    return self_signed(tmp_path_factory.mktemp("tls"))


@pytest.fixture(params=["http", "tls"])
def tls(
    request: pytest.FixtureRequest,
    certificate: tuple[ssl.SSLContext, Path],
    monkeypatch: pytest.MonkeyPatch,
) -> ssl.SSLContext | None:
    if request.param == "http":
        return None
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[1]))
    return certificate[0]


def play(some: list[Case], flavour: str, tls: ssl.SSLContext | None) -> list[str]:
    """What is wrong with what came of these cases, side by side, and with what they left behind."""
    threads, files, played = threading.active_count(), descriptors(), Played(some)
    with Host(played, calls=CALLS, tls=tls) as host:
        around = descriptors()
        if flavour == "sync":
            with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
                results = list(pool.map(lambda case: read_each(case, host.url), some))
        else:
            results = asyncio.run(side_by_side(read_each_async, some, host.url))
        wrong = [] if host.left() else [f"{len(host.open)} connections are left"]
        if not settled(descriptors, around):
            wrong.append(f"{descriptors() - around} descriptors are left")
        for case, result in zip(some, results, strict=True):
            wrong += judge(case, result, played, host)
    if not settled(threading.active_count, threads) or not settled(descriptors, files):
        wrong.append("threads or files are left")
    return wrong


async def side_by_side(
    read: Callable[[Case, str], Coroutine[Any, Any, T]],
    some: list[Case],
    url: str,
    most: int = SIDE_BY_SIDE,
) -> list[T]:
    """What an async function comes to for each case, so many at once; no task is left."""
    gate = asyncio.Semaphore(most)

    async def one(case: Case) -> T:
        async with gate:
            return await read(case, url)

    results = await asyncio.gather(*map(one, some))
    assert asyncio.all_tasks() == {asyncio.current_task()}
    return results


@pytest.mark.parametrize("flavour", ["sync", "async"])
@pytest.mark.parametrize("framing", FRAMINGS)
def test_fault_at_any_byte_ends_in_the_right_calls_or_a_typed_error(
    framing: str, flavour: str, tls: ssl.SSLContext | None
) -> None:
    some = cases(framing, f"{flavour} {bool(tls)}")
    wrong = []
    gc.freeze()  # or each collection looks through all that was imported
    for place in range(0, len(some), 100):
        batch = some[place : place + 100]
        found = play(batch, flavour, tls)
        if found and plays_all():
            # What a busy machine has made slow is right where a few are played.
            fours = (batch[start : start + 4] for start in range(0, len(batch), 4))
            found = list(chain.from_iterable(play(four, flavour, tls) for four in fours))
        wrong += found
    gc.unfreeze()
    assert not wrong, "\n".join(wrong)


LISTED = 250
LISTINGS = 8  # side by side: each has several requests under way


class PlayedAmongPages:
    """Breaks one answer of each of several listings: which of its answers the case's number says."""

    def __init__(self, some: list[Case]) -> None:
        self.cases = {case.number: case for case in some}
        self.answered: Counter[str] = Counter()
        self.sent: dict[int, tuple[bytes, Asked]] = {}

    async def __call__(self, asked: Asked, line: Line) -> bool:
        case = self.cases[int(asked.agent.partition(".")[2])]
        answer = framed(line.host.body(asked), case.framing, asked.id)
        count = self.answered[asked.agent]
        self.answered[asked.agent] += 1
        if asked.agent.startswith("bob") and count == case.number % 3:
            case = case.within(answer)
            self.sent[case.number] = (case.broken(answer), asked)
            return await case.play(answer, line)
        await line.send(answer)
        return case.framing != "close"


def read_listing(case: Case, url: str) -> Got:
    with Client(**options(case, url)) as client:
        if case.number % 2:
            return _read(client, case.agent("bob"))
        listing, began = (
            client.calls.list_many([case.agent("bob"), case.agent("alice")]),
            time.monotonic(),
        )
        got, error = [], None
        try:
            got += [(agent, call.id) for agent, call in listing]
        except Exception as raised:  # noqa: BLE001
            error = raised
    return _bobs(got, listing.report, error, time.monotonic() - began)


async def read_listing_async(case: Case, url: str) -> Got:
    async with AsyncClient(**options(case, url)) as client:
        if case.number % 2:
            return await _read_async(client, case.agent("bob"))
        listing, began = (
            client.calls.list_many([case.agent("bob"), case.agent("alice")]),
            time.monotonic(),
        )
        got, error = [], None
        try:
            async for agent, call in listing:
                got.append((agent, call.id))
        except Exception as raised:  # noqa: BLE001
            error = raised
    return _bobs(got, listing.report, error, time.monotonic() - began)


def _bobs(pairs: list[tuple[str, Any]], report: Any, error: Any, seconds: float) -> Got:
    """What bob got of what both did; alice's calls must be hers, or else it is an error that nobody typed."""
    by_agent: dict[str, list[str]] = {"bob": [], "alice": []}
    for agent, call in pairs:
        by_agent[agent.partition(".")[0]].append(call)
        if agent.startswith("alice") and not str(call).startswith("alice"):
            error = AssertionError(f"{agent} got {call}")
    if isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    if error is None and len(by_agent["alice"]) != LISTED:
        error = AssertionError(f"alice got {len(by_agent['alice'])} calls")
    complete = any(agent.startswith("bob") and one.complete for agent, one in report.agents.items())
    return Got(by_agent["bob"] if error is None else [], complete and not error, error, seconds)


def judge_listing(case: Case, bob: Got, played: PlayedAmongPages, host: Host) -> list[str]:
    """What is wrong with what came of a listing."""
    right = ids(case.agent("bob"), LISTED)
    wrong = []
    if bob.seconds > DEADLINE + MARGIN:
        wrong.append(f"took {bob.seconds:.1f} s")
    if bob.error and not isinstance(bob.error, AgentCallsError):
        wrong.append(f"{bob.error!r} is not typed")
    if case.number not in played.sent:
        return [*wrong, f"{case}: no answer was broken"]
    sent, broken = played.sent[case.number]
    reading = read_strictly(sent, ended=case.framing == "close" or case.kind in {"cut", "reset"})
    if case.recovers and (bob.error or bob.ids != right or not bob.complete):
        wrong.append(f"should have all and got {len(bob.ids)}, {bob.complete}, {bob.error!r}")
    strange, missing = set(bob.ids) - set(right), set(right) - set(bob.ids)
    if strange - reading.ids or len(strange) > 1:
        wrong.append(f"got {strange}, which nobody sent")
    if bob.complete and (len(missing) > len(strange) or len(bob.ids) != len(set(bob.ids))):
        wrong.append(f"said to be complete, without {missing}")
    mine = (host.of_agent[case.agent(name)] for name in ("alice", "bob"))
    reused = any(
        asked.connection == broken.connection and asked.nth > broken.nth
        for asked in chain.from_iterable(mine)
    )
    if (reading.state in {"excess", "incomplete"} or case.kind in {"cut", "reset"}) and reused:
        wrong.append(f"the connection of an answer that is {reading.state} was used again")
    return [f"{case}, read strictly {reading.state}", *wrong] if wrong else []


@pytest.mark.parametrize("flavour", ["sync", "async"])
def test_fault_in_one_of_several_answers_under_way(
    flavour: str, tls: ssl.SSLContext | None
) -> None:
    some = scattered(share(12, 2000), f"{flavour} {bool(tls)}")
    threads, files, played = threading.active_count(), descriptors(), PlayedAmongPages(some)
    with Host(played, calls=LISTED, tls=tls) as host:
        if flavour == "sync":
            with ThreadPoolExecutor(LISTINGS) as pool:
                results = list(pool.map(lambda case: read_listing(case, host.url), some))
        else:
            results = asyncio.run(side_by_side(read_listing_async, some, host.url, LISTINGS))
        wrong = [] if host.left() else [f"{len(host.open)} connections are left"]
        for case, result in zip(some, results, strict=True):
            wrong += judge_listing(case, result, played, host)
    assert settled(threading.active_count, threads)
    assert settled(descriptors, files)
    assert not wrong, "\n".join(wrong)
