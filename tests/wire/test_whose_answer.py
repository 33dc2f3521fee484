"""An answer belongs to its question: hosts that answer twice, too early, in another order, or for another id."""

from __future__ import annotations

import asyncio
import json
import select
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from agentcalls import (
    AgentCallsError,
    APIConnectionError,
    APITimeoutError,
    AsyncClient,
    Client,
    Clock,
)
from agentcalls.export import export
from agentcalls.request.wire.connection import Connection
from wire.host import FRAMINGS, Host, body_of, framed, head, ids, well

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

    from flavours import MakeClient
    from wire.host import Asked, Line, Script

    Read = Callable[[Client, list[str]], dict[str, tuple[list[str], bool]]]

CALLS = 3
NAMES = ["alice", "bob", "carol"]


@pytest.fixture
def host() -> Generator[Host]:
    with Host(calls=CALLS) as host:
        yield host


def made(make_client: MakeClient, host: Host, **options: Any) -> Client:
    given = {"clock": Clock(random=lambda: 0.0), "timeout": 5.0, "deadline": 10.0}
    return make_client(**{"api_key": "sk_key", "base_url": host.url, **given, **options})


def by_list(client: Client, agents: list[str]) -> dict[str, tuple[list[str], bool]]:
    got = {}
    for agent in agents:
        listing = client.calls.list(agent)
        got[agent] = ([call.id for call in listing], listing.report.complete)
    return got


def by_list_many(client: Client, agents: list[str]) -> dict[str, tuple[list[str], bool]]:
    listing = client.calls.list_many(agents)
    calls: dict[str, list[str]] = {agent: [] for agent in agents}
    for agent, call in listing:
        calls[agent].append(call.id)
    report = listing.report
    return {agent: (calls[agent], report.agents[agent].complete) for agent in agents}


WAYS: dict[str, Read] = {"list": by_list, "list_many": by_list_many}


def all_right(got: dict[str, tuple[list[str], bool]], calls: int = CALLS) -> bool:
    return got == {agent: (ids(agent, calls), True) for agent in got}


def twice(after: float, echo: str) -> Script:
    """Answers alice twice on her connection, the second time so many seconds later; all else well."""

    async def play(asked: Asked, line: Line) -> bool:
        answer = framed(line.host.body(asked), "length", _echoed(asked, line, echo))
        if asked.agent != "alice":
            await line.send(answer)
            return True
        if not after:
            await line.send(answer + answer)
            return True
        await line.send(answer)
        await asyncio.sleep(after)
        await line.send(answer)
        line.host.reach()
        return True

    return play


def _echoed(asked: Asked, line: Line, echo: str) -> str | None:
    match echo:
        case "right":
            return asked.id
        case "own":
            return f"gateway-{line.number}-{asked.nth}"
        case "constant":
            return "req_1"
        case _:
            return None


ECHOES = ["right", "own", "constant", "never"]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("echo", ECHOES)
def test_answer_sent_twice_at_once_is_nobody_elses(
    make_client: MakeClient, host: Host, echo: str, way: str
) -> None:
    host.script = twice(0, echo)
    client = made(make_client, host, concurrency=1)
    assert all_right(WAYS[way](client, NAMES))
    of = {asked.agent: asked.connection for asked in host.asked}
    assert of["bob"] != of["alice"]  # the connection with the excess has ended
    assert of["carol"] == of["bob"]


@pytest.mark.parametrize("echo", ECHOES)
def test_answer_sent_again_while_the_connection_idles_is_nobody_elses(
    make_client: MakeClient, host: Host, echo: str
) -> None:
    host.script = twice(0.01, echo)
    client = made(make_client, host, max_retries=0)
    assert all_right(by_list(client, ["alice"]))
    # She may be asked for again, where the first answer has an id of the host's own.
    asked = sum(one.agent == "alice" for one in host.asked)
    assert host.until(lambda: host.reached == asked)
    assert all_right(by_list(client, ["bob", "carol"]))
    of = {asked.agent: asked.connection for asked in host.asked}
    assert of["bob"] != of["alice"]


@pytest.mark.parametrize("way", WAYS)
def test_answer_sent_again_as_the_next_request_is_under_way_is_told_by_its_id(
    make_client: MakeClient, host: Host, way: str
) -> None:
    once: list[Asked] = []

    async def play(asked: Asked, line: Line) -> bool:
        if asked.agent == "bob" and asked.nth and not once:
            once.append(asked)
            before = framed(body_of("alice", 1, 100, CALLS), "length", alices[-1])
            await line.send(before + framed(line.host.body(asked), "length", asked.id))
            return True
        alices.extend([asked.id] if asked.agent == "alice" else [])
        return await well(asked, line)

    alices: list[str | None] = []
    host.script = play
    client = made(make_client, host, concurrency=1)
    assert all_right(WAYS[way](client, NAMES))
    assert alices[0]
    assert once


@pytest.mark.parametrize("greeting", [head(status="100 Continue"), b"\r\n", b"junk"])
def test_bytes_before_the_request_end_in_the_right_calls_or_a_typed_error(
    make_client: MakeClient, greeting: bytes
) -> None:
    with Host(calls=CALLS, greeting=lambda _: greeting) as host:
        client = made(make_client, host, max_retries=1)
        try:
            got = by_list(client, ["bob"])
        except AgentCallsError:
            return  # whoever greets each connection so cannot be heard
        assert all_right(got)


def test_answer_before_the_request_is_told_by_its_id(make_client: MakeClient) -> None:
    early = framed(body_of("alice", 1, 100, CALLS), "length", "nobody-asked")
    with Host(calls=CALLS, greeting=lambda number: b"" if number else early) as host:
        client = made(make_client, host)
        assert all_right(by_list(client, ["bob", "carol"]))
        assert 0 not in host.connections[1:]


def test_answer_that_lies_there_before_the_request_is_nobodys(
    make_client: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = Connection.open

    def until_greeted(self: Connection, *given: Any) -> Generator[Any, bool]:
        yield from opened(self, *given)
        if not looked:
            looked.append(self)
            assert select.select([self._taken()], [], [], 5)[0]

    async def slowly(asked: Asked, line: Line) -> bool:
        await asyncio.sleep(0.05)
        await line.send(framed(line.host.body(asked), "length"))
        return True

    looked: list[Connection] = []
    monkeypatch.setattr(Connection, "open", until_greeted)
    early = framed(body_of("x", 1, 100, CALLS), "length")
    with Host(slowly, calls=CALLS, greeting=lambda number: b"" if number else early) as host:
        assert all_right(by_list(made(make_client, host), NAMES))
        assert host.connections == [1, 1, 1]


def test_early_answer_on_one_connection_costs_nothing_but_the_connection(
    make_client: MakeClient, host: Host
) -> None:
    early = framed(body_of("alice", 1, 100, CALLS), "length")
    calls: list[Asked] = []

    async def play(asked: Asked, line: Line) -> bool:
        await well(asked, line)
        if not calls:
            calls.append(asked)
            await line.send(early)
            host.reach()
        return True

    host.script = play
    client = made(make_client, host, max_retries=0)
    assert all_right(by_list(client, ["carol"]))
    assert host.until(lambda: host.reached)
    assert all_right(by_list(client, ["bob", "alice"]))


class Swapping:
    """Holds the first two requests of different agents, and answers each with the other's answer, its id included."""

    def __init__(self, *, echo: bool) -> None:
        self.echo = echo
        self.held: list[tuple[Asked, asyncio.Future[bytes]]] = []
        self.swapped = False

    async def __call__(self, asked: Asked, line: Line) -> bool:
        answer = framed(line.host.body(asked), "length", asked.id if self.echo else None)
        if self.swapped or (asked.agent, asked.page) in {("warm", 1), ("warm.", 1)}:
            await line.send(answer)
            return True
        mine = asyncio.get_running_loop().create_future()
        self.held.append((asked, mine))
        if len(self.held) == 2:
            self.swapped = True
            (first, his), (_, hers) = self.held
            his.set_result(answer)
            hers.set_result(
                framed(line.host.body(first), "length", first.id if self.echo else None)
            )
        await line.send(await mine)
        return True


def test_two_agents_answers_swapped_between_connections_are_told_by_their_ids(
    make_client: MakeClient, host: Host
) -> None:
    host.script = swapping = Swapping(echo=True)
    client = made(make_client, host, concurrency=2)
    assert all_right(by_list_many(client, ["warm", "alice", "bob"]))
    assert swapping.swapped
    assert len(host.asked) == 5


@pytest.mark.parametrize("echo", [True, False], ids=["echo", "no echo"])
def test_two_pages_answers_swapped_are_never_taken_for_complete_and_wrong(
    make_client: MakeClient, *, echo: bool
) -> None:
    with Host(Swapping(echo=echo), calls=450) as host:
        host.script.swapped = True  # type: ignore[attr-defined]
        client = made(make_client, host, concurrency=4)
        # The order is known by then: what is swapped are pages.
        assert len(list(client.calls.list("bob"))) == 450
        iterator = iter(client.calls.list("bob"))
        got = [next(iterator).id]
        host.script.swapped = False  # type: ignore[attr-defined]
        try:
            got += [call.id for call in iterator]
        except AgentCallsError:
            assert not echo
            return
        assert host.script.swapped  # type: ignore[attr-defined]
        right = got == ids("bob", 450)
        assert right or not iterator.report.complete
        assert right or not echo
        # No page's own number was the one that was asked for.
        assert echo or any(
            "current_page" in str(problem.field) for problem in iterator.report.problems
        )


def test_another_id_on_a_kept_connection_is_asked_again_on_a_new_one(
    make_client: MakeClient, host: Host
) -> None:
    wrong: list[Asked] = []

    async def play(asked: Asked, line: Line) -> bool:
        if asked.agent != "bob" or wrong:
            return await well(asked, line)
        wrong.append(asked)
        await line.send(framed(body_of("alice", 1, 100, CALLS), "length", "somebody-elses"))
        return True

    host.script = play
    client = made(make_client, host)
    assert all_right(by_list(client, NAMES))
    assert [asked.agent for asked in host.asked] == ["alice", "bob", "bob", "carol"]
    assert host.asked[2].connection != host.asked[1].connection
    assert host.asked[2].id != host.asked[1].id
    assert wrong[0].connection not in host.connections[2:]
    assert host.until(lambda: wrong[0].connection not in host.open)


@pytest.mark.parametrize("echo", ["own", "constant", "never"])
def test_host_that_writes_its_own_ids_or_none_is_read_as_any_other(
    make_client: MakeClient, host: Host, echo: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def play(asked: Asked, line: Line) -> bool:
        await line.send(framed(line.host.body(asked), "length", _echoed(asked, line, echo)))
        return True

    host.script = play
    caplog.set_level("INFO", "agentcalls")
    client = made(make_client, host)
    for _ in range(5):
        assert all_right(by_list(client, NAMES))
    assert len(host.asked) <= 15 + (echo != "never")
    assert host.opened <= 1 + (echo != "never")
    said = [
        record
        for record in caplog.records
        if "request" in record.getMessage().lower() and " id" in record.getMessage()
    ]
    # Where it is tried again first, that is said as well.
    assert len(said) in ((0,) if echo == "never" else (1, 2)), caplog.messages


LIKE_OURS: dict[str, tuple[Callable[[str], str], int]] = {
    "twice": (lambda sent: f"{sent}\r\nX-Request-Id: {sent}", 0),
    "twice in a row": (lambda sent: f"{sent}, {sent}", 0),
    "with one of a gateway's": (lambda sent: f"{sent}\r\nX-Request-Id: gateway-1", 0),
    "behind one of a gateway's": (lambda sent: f"gateway-1, {sent}", 0),
    "with a mark": (lambda sent: f"{sent}#1", 0),
    "with a digit": (lambda sent: f"{sent}0", 1),
    "cut within": (lambda sent: sent[:24], 1),
    "cut at the end": (lambda sent: sent[:-1], 1),
    "in capitals": (str.upper, 1),
}
"""How an echo of our id may be changed on the way, and how many requests more that costs in all."""


@pytest.mark.parametrize("kind", LIKE_OURS)
def test_echo_that_is_ours_but_for_a_bit_costs_one_request_at_most(
    make_client: MakeClient, host: Host, kind: str
) -> None:
    change, more = LIKE_OURS[kind]

    async def play(asked: Asked, line: Line) -> bool:
        await line.send(framed(line.host.body(asked), "length", change(asked.id or "")))
        return True

    host.script = play
    client = made(make_client, host, max_retries=0)
    for _ in range(5):
        assert all_right(by_list(client, NAMES))
    assert len(host.asked) == 15 + more


SWITCH = ("Upgrade: h2c", "Connection: upgrade")


@pytest.mark.parametrize("rows", [SWITCH, ()], ids=["named", "not named"])
def test_host_that_switches_protocols_is_a_typed_error(
    make_client: MakeClient, host: Host, rows: tuple[str, ...]
) -> None:
    async def play(asked: Asked, line: Line) -> bool:
        if asked.agent == "alice":
            await line.send(head(*rows, status="101 X"))
            return True
        answer = framed(line.host.body(asked), "length", asked.id)
        offer, switch = (f"{row}\r\n".encode() for row in SWITCH)
        answer = answer.replace(b"Content-Type", offer + switch + b"Content-Type")
        excess = head(*SWITCH, status="101 X") if asked.agent == "carol" else b""
        await line.send(answer + excess)
        return True

    host.script = play
    client = made(make_client, host, max_retries=0, timeout=1.0)
    with pytest.raises(APIConnectionError, match="protocol"):
        client.calls.list("alice").page(1)
    assert all_right(by_list(client, ["bob", "carol", "bob"]))
    assert host.connections == [0, 1, 1, 2]


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_body_of_an_interim_answer_is_none_of_the_answers(
    make_client: MakeClient, host: Host, framing: str
) -> None:
    async def play(_: Asked, line: Line) -> bool:
        interim = framed(body_of("alice", 1, 100, CALLS), framing).replace(b"200 OK", b"199 X")
        await line.send(interim + head("Content-Length: 0"))
        return True

    host.script = play
    with pytest.raises(AgentCallsError):
        made(make_client, host, max_retries=0).calls.list("bob").page(1)


def test_each_attempt_has_an_id_of_its_own(make_client: MakeClient, host: Host) -> None:
    failed: list[Asked] = []

    async def play(asked: Asked, line: Line) -> bool:
        if len(failed) < 2:
            failed.append(asked)
            await line.send(head("Content-Length: 0", status="503 Busy"))
            return True
        return await well(asked, line)

    host.script = play
    with_ids = made(make_client, host)
    assert all_right(by_list(with_ids, NAMES))
    sent = [asked.id for asked in host.asked]
    assert all(sent)
    assert len(set(sent)) == len(sent) == 5


@pytest.mark.parametrize("status", [400, 404, 503])
def test_error_of_another_id_is_no_answer_either(
    make_client: MakeClient, host: Host, status: int
) -> None:
    wrong: list[Asked] = []

    async def play(asked: Asked, line: Line) -> bool:
        if asked.agent != "bob" or wrong:
            return await well(asked, line)
        wrong.append(asked)
        rows = ("Content-Length: 0", "X-Request-Id: somebody-elses")
        await line.send(head(*rows, status=f"{status} No"))
        return True

    host.script = play
    assert all_right(by_list(made(make_client, host), NAMES))


@pytest.mark.parametrize(
    ("status", "wait", "slept"), [(429, "7", 7.0), (503, "7", 7.0), (429, "", 0.5)]
)
def test_gateway_that_asks_to_wait_is_heard_though_it_has_ids_of_its_own(
    make_client: MakeClient, host: Host, status: int, wait: str, slept: float
) -> None:
    wrong: list[Asked] = []

    async def play(asked: Asked, line: Line) -> bool:
        if asked.agent != "bob" or wrong:
            return await well(asked, line)
        wrong.append(asked)
        rows = ["Content-Length: 0", "X-Request-Id: gateway"]
        rows += [f"Retry-After: {wait}"] if wait else []
        await line.send(head(*rows, status=f"{status} No"))
        return True

    host.script = play
    clock = make_client.clock
    client = made(make_client, host, clock=clock.clock(make_client.flavour), deadline=60.0)
    assert all_right(by_list(client, NAMES))
    assert clock.slept[0] == slept
    # What has carried another's answer is not used again.
    assert host.connections == [0, 0, 1, 1]


@pytest.mark.parametrize("reset", [False, True], ids=["end", "reset"])
@pytest.mark.parametrize("way", WAYS)
def test_kept_connection_that_dies_before_its_answer_costs_no_attempt(
    make_client: MakeClient, host: Host, way: str, *, reset: bool
) -> None:
    async def play(asked: Asked, line: Line) -> bool:
        if asked.nth % 2 == 0:
            return await well(asked, line)
        line.cut(reset=reset)
        return False

    host.script = play
    told: list[Any] = []
    client = made(make_client, host, max_retries=0, concurrency=1, on_retry=told.append)
    for _ in range(3):
        assert all_right(WAYS[way](client, NAMES))
    host.calls = 250
    assert all_right(WAYS[way](client, NAMES), 250)
    assert told == []


def test_fresh_connection_that_dies_before_its_answer_costs_an_attempt(
    make_client: MakeClient, host: Host
) -> None:
    async def play(_: Asked, line: Line) -> bool:
        line.cut()
        return False

    host.script = play
    client = made(make_client, host, max_retries=0)
    with pytest.raises(APIConnectionError) as caught:
        client.calls.list("bob").page(1)
    assert caught.value.attempts == len(host.asked) == 1


def test_kept_and_fresh_connection_that_both_die_end_the_request(
    make_client: MakeClient, host: Host
) -> None:
    async def play(asked: Asked, line: Line) -> bool:
        if asked.agent == "alice":
            return await well(asked, line)
        line.cut()
        return False

    host.script = play
    client = made(make_client, host, max_retries=0)
    assert all_right(by_list(client, ["alice"]))
    with pytest.raises(APIConnectionError):
        client.calls.list("bob").page(1)
    assert [asked.agent for asked in host.asked] == ["alice", "bob", "bob"]


def test_kept_connection_that_dies_within_its_answer_costs_an_attempt(
    make_client: MakeClient, host: Host
) -> None:
    async def play(asked: Asked, line: Line) -> bool:
        if asked.agent == "alice":
            return await well(asked, line)
        await line.send(b"HTTP/1.1 200")
        line.cut()
        return False

    host.script = play
    client = made(make_client, host, max_retries=0)
    assert all_right(by_list(client, ["alice"]))
    with pytest.raises(APIConnectionError):
        client.calls.list("bob").page(1)
    assert [asked.agent for asked in host.asked] == ["alice", "bob"]


def test_kept_connection_that_only_stays_silent_is_a_timeout(
    make_client: MakeClient, host: Host
) -> None:
    async def play(asked: Asked, line: Line) -> bool:
        if asked.agent == "alice":
            return await well(asked, line)
        await line.stall()
        return False

    host.script = play
    client = made(make_client, host, max_retries=0, timeout=0.3)
    assert all_right(by_list(client, ["alice"]))
    with pytest.raises(APITimeoutError):
        client.calls.list("bob").page(1)
    assert len(host.asked) == 2


def test_connection_that_the_host_has_ended_while_it_idled_is_not_used(
    make_client: MakeClient, host: Host
) -> None:
    async def play(asked: Asked, line: Line) -> bool:
        await well(asked, line)
        await asyncio.sleep(0.05)
        return False

    host.script = play
    client = made(make_client, host, max_retries=0)
    for agent in NAMES:
        assert all_right(by_list(client, [agent]))
        assert host.until(lambda: not host.open)
    assert len(host.asked) == 3


def test_kept_connections_are_dropped_before_the_five_seconds_of_usual_hosts() -> None:
    with Host(calls=CALLS) as host:
        settings: dict[str, Any] = {"api_key": "sk_key", "base_url": host.url}

        def blocking() -> None:
            with Client(**settings) as client:
                for wait in (0, 1, 4.9):
                    time.sleep(wait)
                    client.calls.list("blocking").page(1)

        async def awaiting() -> None:
            async with AsyncClient(**settings) as client:
                for wait in (0, 1, 4.9):
                    await asyncio.sleep(wait)
                    await client.calls.list("awaiting").page(1)

        with ThreadPoolExecutor(2) as pool:
            both = [pool.submit(blocking), pool.submit(asyncio.run, awaiting())]
            for one in both:
                one.result()
        for agent in ("blocking", "awaiting"):
            first, second, third = (a.connection for a in host.asked if a.agent == agent)
            assert first == second != third


@pytest.mark.parametrize("reset", [False, True], ids=["end", "reset"])
@pytest.mark.parametrize("named", [True, False], ids=["with Connection: close", "without"])
def test_body_ended_by_close_that_breaks_off_is_asked_for_again(
    make_client: MakeClient, host: Host, *, named: bool, reset: bool
) -> None:
    broken: list[str] = []

    async def play(asked: Asked, line: Line) -> bool:
        answer = framed(line.host.body(asked), "close", asked.id)
        if not named:
            answer = answer.replace(b"Connection: close\r\n", b"")
        if asked.agent in broken:
            await line.send(answer)
            return False
        broken.append(asked.agent)
        await line.send(answer[: -50 * len(broken)])
        line.cut(reset=reset)
        return False

    host.script = play
    assert all_right(by_list(made(make_client, host, max_retries=1), NAMES))
    broken.clear()
    with pytest.raises(AgentCallsError):
        by_list(made(make_client, host, max_retries=0), ["alice"])


@pytest.mark.parametrize("number", ["", "-", "1.", "1e", "1E", "1e+", "-1.5e-"])
def test_body_ended_by_close_that_breaks_off_within_a_number_is_asked_for_again(
    make_client: MakeClient, host: Host, number: str
) -> None:
    async def play(asked: Asked, line: Line) -> bool:
        answer = framed(line.host.body(asked), "close", asked.id)
        if len(line.host.asked) == 1:
            before, name, _ = answer.partition(b'"duration_seconds": ')
            answer = before + name + number.encode()
        await line.send(answer)
        return False

    host.script = play
    assert all_right(by_list(made(make_client, host, max_retries=1), ["bob"]))
    assert len(host.asked) == 2


def test_body_ended_by_close_that_breaks_off_between_rows_is_not_the_whole(
    make_client: MakeClient, host: Host
) -> None:
    async def play(asked: Asked, line: Line) -> bool:
        page = json.loads(line.host.body(asked))
        page["data"] = page["data"][:-1]  # a gateway that closes what it has of the JSON
        await line.send(framed(json.dumps(page).encode(), "close", asked.id))
        return False

    host.script = play
    listing = made(make_client, host, max_retries=0).calls.list("bob")
    try:
        got = [call.id for call in listing]
    except AgentCallsError:
        return
    assert got == ids("bob", CALLS - 1)
    assert not listing.report.complete


@pytest.mark.parametrize("kind", ["twice", "before", "swapped", "dies"])
def test_export_has_each_agents_own_calls(host: Host, kind: str, tmp_path: Path) -> None:
    async def dies(asked: Asked, line: Line) -> bool:
        if asked.nth % 2 == 0:
            return await well(asked, line)
        line.cut()
        return False

    async def before(asked: Asked, line: Line) -> bool:
        if asked.agent == "bob" and asked.nth == 1:
            await line.send(framed(body_of("alice", 1, 100, CALLS), "length", "another"))
        return await well(asked, line)

    host.script = {"twice": twice(0, "never"), "before": before, "dies": dies}.get(
        kind
    ) or Swapping(echo=True)
    path = tmp_path / "calls.ndjson"
    agents = ["warm", *NAMES]
    with Client(
        api_key="sk_key",
        base_url=host.url,
        max_retries=0 if kind == "dies" else 2,
        concurrency=2 if kind == "swapped" else 1,
        clock=Clock(random=lambda: 0.0),
    ) as client:
        outcome = export(client, agents, path)
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    got = {a: [row["id"] for row in rows if row["agent_id"] == a] for a in agents}
    assert got == {agent: ids(agent, CALLS) for agent in agents}
    assert outcome.complete


@pytest.mark.parametrize("framing", FRAMINGS)
@pytest.mark.parametrize("way", WAYS)
def test_control_all_is_well_where_nothing_is_wrong(
    make_client: MakeClient, host: Host, framing: str, way: str
) -> None:
    async def play(asked: Asked, line: Line) -> bool:
        await line.drip(
            framed(line.host.body(asked), framing, asked.id)
        ) if asked.agent == "bob" else (
            await line.send(framed(line.host.body(asked), framing, asked.id))
        )
        return framing != "close"

    host.script = play
    client = made(make_client, host, concurrency=1, max_retries=0)
    assert all_right(WAYS[way](client, NAMES))
    assert host.opened == (3 if framing == "close" else 1)
