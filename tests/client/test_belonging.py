"""An answer belongs to its question: a byte too many, the id of another, connections that died."""

from __future__ import annotations

import json
import logging
import threading
from itertools import count
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx
import pytest

from agentcalls import (
    APIConnectionError,
    ConfigurationError,
    UnexpectedResponseError,
)
from faults import IDS, Exchange, FaultServer, answer, changed, head_of, script

if TYPE_CHECKING:
    from collections.abc import Callable

    from flavours import MakeClient


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENTCALLS_API_KEY", "sk_key")


def whole(exchange: Exchange, **headers: str) -> bytes:
    """The answer with the calls of whom it was asked for: their ids say whose they are."""
    page = exchange.request.page
    agent = urlsplit(exchange.request.target).path.split("/")[-2]
    rows = page["data"][:10]
    page["data"] = [row | {"id": f"{agent}-{number}"} for number, row in enumerate(rows)]
    page["meta"] |= {"total_count": 10, "page_count": 1, "has_next_page": False}
    body = json.dumps(page).encode()
    return head_of(200, {"Content-Length": str(len(body)), **headers}) + body


def echoed(exchange: Exchange) -> dict[str, str]:
    return {"X-Request-Id": exchange.request.all("x-request-id")[0]}


def used(server: FaultServer) -> list[int]:
    return [request.connection for request in server.requests]


EXCESS: dict[str, Callable[[bytes], tuple[bytes, ...]]] = {
    "twice at once": lambda one: (one + one,),
    "twice": lambda one: (one, one),
    "a byte": lambda one: (one + b"x",),
    "a line's end": lambda one: (one + b"\r\n",),
    "a feed": lambda one: (one + b"\n",),
    "an interim answer": lambda one: (one + head_of(100, {}),),
}


@pytest.mark.parametrize("echoes", [True, False])
@pytest.mark.parametrize("excess", EXCESS)
def test_connection_with_a_byte_too_many_is_never_used_again(
    make_client: MakeClient, server: FaultServer, excess: str, *, echoes: bool
) -> None:
    sent = threading.Event()

    def play(exchange: Exchange) -> bool:
        for piece in EXCESS[excess](whole(exchange, **(echoed(exchange) if echoes else {}))):
            exchange.send(piece)
        sent.set()
        return True

    server.fail(play)
    client = make_client(base_url=server.url)
    for agent in ("alice", "bob", "carol"):
        sent.clear()
        listing = client.calls.list(agent)
        assert {call.id for call in listing} == {f"{agent}-{number}" for number in range(10)}
        assert listing.report.complete
        assert sent.wait(5)
    assert used(server) == [0, 1, 2]


@pytest.mark.parametrize(
    "chunks", [(b"%x\r\n%b\r\n0\r\n\r\n",), (b"%x\r\n%b\r\n0\r", b"\n\r", b"\n")]
)
def test_connection_with_nothing_too_many_is_used_again(
    make_client: MakeClient, server: FaultServer, chunks: tuple[bytes, ...]
) -> None:
    def play(exchange: Exchange) -> bool:
        body = exchange.request.body + b"\r\n"
        exchange.send(head_of(200, {"Transfer-Encoding": "chunked"}))
        for chunk in chunks:
            exchange.send(chunk % (len(body), body) if b"%" in chunk else chunk)
        return True

    server.fail(play)
    listing = make_client(base_url=server.url).calls.list("agent_1")
    for _ in range(3):
        assert len(listing.page(1)) == 100
    assert used(server) == [0, 0, 0]


def test_answer_with_the_id_of_another_request_is_asked_for_again_at_once(
    make_client: MakeClient, server: FaultServer
) -> None:
    # A proxy whose answers lag one behind: each is that to the request before, on the same connection or any other.
    client = make_client(base_url=server.url)
    latest: list[dict[str, str]] = []

    def play(exchange: Exchange) -> bool:
        mine = echoed(exchange)
        lags = exchange.request.connection == 0 and latest
        exchange.send(whole(exchange, **(latest[-1] if lags else mine)))
        latest.append(mine)
        return True

    server.fail(play)
    told: list[Any] = []
    for _ in range(2):
        client.calls.list("agent_1").page(1)
        told.append(used(server))
    assert told == [[0], [0, 0, 1]]
    assert make_client.clock.slept == []
    ids = [request.all("x-request-id") for request in server.requests]
    assert len({one for (one,) in ids}) == 3


def test_answers_that_always_belong_to_another_request_are_an_error_in_the_end(
    make_client: MakeClient, server: FaultServer
) -> None:
    client = make_client(base_url=server.url, max_retries=2)

    def play(exchange: Exchange) -> bool:
        (mine,) = exchange.request.all("x-request-id")
        exchange.send(
            whole(exchange, **{"X-Request-Id": mine[:-1] + ("1" if mine[-1] == "0" else "0")})
        )
        return True

    server.fail(play)
    with pytest.raises(APIConnectionError, match="belongs to another request") as caught:
        client.calls.list("agent_1").page(1)
    assert caught.value.attempts == 3
    assert make_client.clock.slept == [0.5, 1.0]
    assert len(server.requests) == 6  # each attempt once more, on a new connection


def test_host_that_writes_ids_of_its_own_is_believed_after_one_word(
    make_client: MakeClient, server: FaultServer, caplog: pytest.LogCaptureFixture
) -> None:
    numbers = count()

    def play(exchange: Exchange) -> bool:
        exchange.send(whole(exchange, **{"X-Request-Id": f"gateway-{next(numbers)}"}))
        return True

    server.fail(play)
    caplog.set_level(logging.INFO, "agentcalls")
    listing = make_client(base_url=server.url).calls.list("agent_1")
    assert [listing.page(1).request_id for _ in range(3)] == [f"gateway-{n}" for n in (1, 2, 3)]
    assert used(server) == [0, 1, 1, 1]
    assert [
        message for message in caplog.messages if "ids of its own" in message
    ] == caplog.messages
    assert len(caplog.messages) == 1


def test_gateway_that_writes_an_id_later_is_asked_again_once(
    make_client: MakeClient, server: FaultServer
) -> None:
    numbers = count()

    def play(exchange: Exchange) -> bool:
        number = next(numbers)
        headers = {"X-Request-Id": f"gateway-{number}"} if number else echoed(exchange)
        exchange.send(whole(exchange, **headers))
        return True

    server.fail(play)
    listing = make_client(base_url=server.url).calls.list("agent_1")
    for _ in range(3):
        listing.page(1)
    assert used(server) == [0, 0, 1, 1]


def test_no_echo_proves_nothing_and_costs_nothing(
    make_client: MakeClient, server: FaultServer
) -> None:
    def play(exchange: Exchange) -> bool:
        exchange.send(whole(exchange))
        return True

    server.fail(play)
    listing = make_client(base_url=server.url).calls.list("agent_1")
    for _ in range(3):
        listing.page(1)
    assert used(server) == [0, 0, 0]


def test_ids_begin_as_the_caller_wants(make_client: MakeClient, server: FaultServer) -> None:
    listing = make_client(base_url=server.url, request_id_prefix="job-7/").calls.list("agent_1")
    listing.page(1)
    make_client(base_url=server.url).calls.list("agent_1").page(1)
    given, usual = (request.all("x-request-id")[0] for request in server.requests)
    assert given.startswith("job-7/")
    assert usual.startswith("agentcalls-")
    assert max(map(len, (given, usual))) < 64


@pytest.mark.parametrize("prefix", ["a b", "a\r\nX: y", "é", "x" * 65, 5, None, "\x7f"])
def test_prefix_that_is_no_header_is_refused(make_client: MakeClient, prefix: Any) -> None:
    with pytest.raises(ConfigurationError, match="request_id_prefix"):
        make_client(base_url="https://host", request_id_prefix=prefix)


@pytest.mark.parametrize("foreign", [True, False])
def test_through_an_http_client_only_our_own_ids_prove_something(
    make_client: MakeClient, *, foreign: bool
) -> None:
    sent: list[str] = []

    def respond(request: httpx.Request) -> httpx.Response:
        sent.append(request.headers["X-Request-Id"])
        echo = "gateway" if foreign else sent[max(0, len(sent) - 2)]
        return httpx.Response(
            200, json={"message": "", "meta": None, "data": []}, headers={"X-Request-Id": echo}
        )

    client = make_client(base_url="https://host", http_client=make_client.http(respond))
    listing = client.calls.list("agent_1")
    listing.page(1)
    if foreign:
        assert listing.page(1).request_id == "gateway"
        assert len(sent) == 2
    else:
        with pytest.raises(APIConnectionError, match="another request"):
            listing.page(1)


def test_kept_connections_that_die_cost_no_attempt(
    make_client: MakeClient, server: FaultServer
) -> None:
    # Each connection carries one answer, and says nothing of that; the next request kills it.
    answered: set[int] = set()

    def play(exchange: Exchange) -> bool:
        if exchange.request.connection in answered:
            return False
        answered.add(exchange.request.connection)
        return bool(answer(exchange.request.body)(exchange))

    server.fail(play)
    told: list[Any] = []
    client = make_client(base_url=server.url, max_retries=0, on_exchange=told.append)
    for _ in range(4):
        assert len(client.calls.list("agent_1").page(1)) == 100
    assert [one.attempt for one in told] == [1] * 4
    assert used(server) == [0, 0, 1, 1, 2, 2, 3]


@pytest.mark.parametrize("size", [0, 1, 500, -1])
@pytest.mark.parametrize("compressed", [True, False])
def test_body_that_ends_with_its_connection_is_asked_for_again_where_it_broke_off(
    make_client: MakeClient, server: FaultServer, size: int, *, compressed: bool
) -> None:
    import gzip  # noqa: PLC0415

    def play(exchange: Exchange) -> None:
        body = exchange.request.body
        headers = {"Content-Encoding": "gzip"} if compressed else {}
        body = gzip.compress(body) if compressed else body
        exchange.send(head_of(200, headers) + body[:size])

    server.fail(play, times=1)
    client = make_client(base_url=server.url)
    assert [call.id for call in client.calls.list("agent_1")] == IDS
    assert make_client.clock.slept == [0.5]


@pytest.mark.parametrize("body", [b"<html>", b"{} {}", b'{"message": "no data"}'])
def test_body_that_ends_with_its_connection_and_is_no_page_is_none(
    make_client: MakeClient, server: FaultServer, body: bytes
) -> None:
    server.fail(script(head_of(200, {}), body))
    with pytest.raises(UnexpectedResponseError):
        make_client(base_url=server.url).calls.list("agent_1").page(1)
    assert len(server.requests) == 1


@pytest.mark.parametrize(("name", "said"), [("current_page", 3), ("limit", 50)])
def test_meta_of_another_page_is_a_problem_and_no_error(
    make_client: MakeClient, server: FaultServer, name: str, said: int
) -> None:
    server.fail(changed(lambda page: page["meta"].update({name: said})))
    listing = make_client(base_url=server.url, strict=True).calls.list("agent_1")
    (problem,) = listing.page(1).problems
    assert (problem.field, problem.raw, problem.page) == (f"meta.{name}", said, 1)
    assert "asked for" in problem.why


@pytest.mark.parametrize("name", ["current_page", "limit"])
def test_meta_that_says_nothing_of_the_page_is_no_problem(
    make_client: MakeClient, server: FaultServer, name: str
) -> None:
    server.fail(changed(lambda page: page["meta"].update({name: 0})))
    assert make_client(base_url=server.url).calls.list("agent_1").page(1).problems == ()


def test_meta_of_another_page_is_a_reason_to_doubt(
    make_client: MakeClient, server: FaultServer
) -> None:
    def other(page: dict[str, Any]) -> None:
        page["data"] = page["data"][:7]
        page["meta"] |= {
            "total_count": 7,
            "page_count": 1,
            "has_next_page": False,
            "current_page": 2,
        }

    server.fail(changed(other))
    listing = make_client(base_url=server.url).calls.list("agent_1")
    assert len(listing.all()) == 7
    assert not listing.report.complete
    assert "another page" in (listing.report.reason or "")
    assert [problem.field for problem in listing.report.problems] == ["meta.current_page"]


def test_reset_inside_an_answer_is_a_broken_connection(
    make_client: MakeClient, server: FaultServer
) -> None:
    server.fail(script(head_of(200, {"Content-Length": "1000"}), then="reset"))
    listing = make_client(base_url=server.url, max_retries=0).calls.list("agent_1")
    with pytest.raises(APIConnectionError):
        listing.page(1)
