"""What `on_exchange` is told: every attempt once, with nothing secret in it, in both flavours."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

import attrs
import httpx
import pytest

from agentcalls import (
    APIConnectionError,
    AsyncClient,
    Client,
    ConfigurationError,
    Exchange,
    NotFoundError,
    RateLimitError,
    Retry,
)
from agentcalls.clock import Deadline, Stopwatch
from agentcalls.request.host import Host
from agentcalls.request.key import KeyAuth, Secret
from agentcalls.request.operation import LIST_CALLS, GoodAnswer, Operation, Read
from agentcalls.request.receive import Incoming
from contract.tool.contract import OPENAPI

if TYPE_CHECKING:
    from collections.abc import Iterable

    from flavours import MakeClient

KEY = "sk_canary_4711"
PATH = "/api/v1/console/agents/{agentId}/calls"


def answering(make_client: MakeClient, answers: Iterable[Any], **options: Any) -> Client:
    """A client that is given these answers, one after another; an error is raised."""
    remaining = iter(answers)

    def answer(_: httpx.Request) -> httpx.Response:
        given = next(remaining)
        if isinstance(given, Exception):
            raise given
        return given  # type: ignore[no-any-return]

    http = make_client.http(answer)
    return make_client(api_key=KEY, base_url="https://host", http_client=http, **options)


def test_each_attempt_is_told_with_what_became_of_it(
    make_client: MakeClient, page_body: Any
) -> None:
    page = httpx.Response(200, json=page_body, headers={"X-Request-Id": f"r3 {KEY}"})
    length = len(page.content)
    answers = [httpx.ConnectError("refused"), httpx.Response(503, content=b"busy"), page]
    told: list[Exchange] = []
    answering(make_client, answers, on_exchange=told.append).calls.list("agent_1").page(2)
    rows = [(one.attempt, one.status, one.bytes, one.request_id, one.error) for one in told]
    assert rows == [
        (1, None, 0, None, "APIConnectionError"),
        (2, 503, 4, None, "InternalServerError"),
        (3, 200, length, "r3 ***", None),
    ]
    assert {(one.method, one.path, one.query) for one in told} == {
        ("GET", PATH, "page=2&limit=100")
    }
    assert told[2].headers["x-request-id"] == "r3 ***"
    shown = repr(told)
    assert KEY not in shown + str([attrs.asdict(one) for one in told])
    assert "agent_1" not in shown
    assert "page=2" not in shown


def test_seconds_are_those_of_the_exchange_alone(make_client: MakeClient) -> None:
    def slow(_: httpx.Request) -> httpx.Response:
        make_client.clock.moment += 2.5
        return httpx.Response(503)

    told: list[Exchange] = []
    http = make_client.http(slow)
    client = make_client(
        api_key=KEY,
        base_url="https://host",
        http_client=http,
        max_retries=1,
        on_exchange=told.append,
    )
    with pytest.raises(Exception, match="503"):
        client.calls.list("a").page(1)
    assert [one.seconds for one in told] == [2.5, 2.5]


def test_hook_may_be_any_function_in_the_async_client_and_is_awaited(page_body: Any) -> None:
    told: list[object] = []

    async def tell(value: object) -> None:
        await asyncio.sleep(0)
        told.append(value)

    async def main() -> None:
        answers = iter(
            [httpx.Response(503, headers={"Retry-After": "0"}), httpx.Response(200, json=page_body)]
        )
        http = httpx.AsyncClient(transport=httpx.MockTransport(lambda _: next(answers)))
        async with AsyncClient(
            api_key=KEY, base_url="https://host", http_client=http, on_exchange=tell, on_retry=tell
        ) as client:
            await client.calls.list("a").page(1)

    asyncio.run(main())
    assert [type(value) for value in told] == [Exchange, Retry, Exchange]


class Awaitable:
    def __await__(self) -> Any:
        raise AssertionError


@pytest.mark.parametrize("hook", ["on_exchange", "on_retry"])
@pytest.mark.parametrize("is_function", [True, False])
def test_blocking_client_refuses_to_forget_an_async_hook(hook: str, *, is_function: bool) -> None:
    async def tell(_: object) -> None:
        raise AssertionError

    http = httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(503)))
    hooks: Any = {hook: tell if is_function else lambda _: Awaitable()}
    client = Client(api_key=KEY, base_url="https://host", http_client=http, **hooks)
    with pytest.raises(ConfigurationError, match="needs AsyncClient"):
        client.calls.list("a").page(1)


@pytest.mark.parametrize("hook", ["on_exchange", "on_retry"])
@pytest.mark.parametrize("kind", [LookupError, KeyboardInterrupt])
def test_what_a_hook_raises_passes_untouched(make_client: MakeClient, hook: str, kind: Any) -> None:
    raised = kind()

    def refuse(_: object) -> None:
        raise raised

    client = answering(make_client, [httpx.Response(503)], **{hook: refuse})
    with pytest.raises(kind) as caught:
        client.calls.list("a").page(1)
    assert caught.value is raised


def test_hook_that_is_none_is_refused_by_name(make_client: MakeClient) -> None:
    with pytest.raises(ConfigurationError, match="on_exchange"):
        answering(make_client, [], on_exchange=5)


def test_exchanges_are_logged_for_those_who_listen(
    make_client: MakeClient, page_body: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "agentcalls")
    answers = [httpx.Response(200, json=page_body) for _ in range(2)]
    listing = answering(make_client, answers).calls.list("agent_1")
    listing.page(1)
    assert caplog.messages == []
    caplog.set_level(logging.DEBUG, "agentcalls")
    listing.page(1)
    assert len(caplog.messages) == 1
    assert PATH in caplog.messages[0]
    assert "agent_1" not in caplog.messages[0]


def made(received: GoodAnswer) -> Read[bytes]:
    return received.content, ()


def operation(*, idempotent: bool) -> Operation[bytes]:
    """A POST with a body of JSON that answers with a 201, as the contract has none."""

    def build(agent_id: str, body: object, idempotency_key: str) -> dict[str, Any]:
        return {
            "method": "post",
            "url": f"/agents/{agent_id}/notes",
            "json": body,
            "headers": {"Idempotency-Key": idempotency_key, "Content-Type": "application/json"},
        }

    return Operation(
        method="POST",
        path="/agents/{agentId}/notes",
        build=build,
        success=201,
        result="note",
        read=made,
        idempotent=idempotent,
        advice={404: "Make the agent first."},
    )


NOTE = {"agent_id": "agent_1", "body": {"text": "ü"}, "idempotency_key": "k1"}


def posted(client: Any, *, idempotent: bool = True) -> Any:
    return client._fetch(operation(idempotent=idempotent).outgoing(NOTE))


def test_an_operation_may_post_a_body_and_is_retried_as_it_was(make_client: MakeClient) -> None:
    sent: list[tuple[Any, ...]] = []
    answers = iter([httpx.Response(503), httpx.Response(201, content=b"made")])

    def answer(request: httpx.Request) -> httpx.Response:
        headers = (request.headers[name] for name in ("idempotency-key", "content-type"))
        sent.append((request.method, request.url.path, request.content, *headers))
        return next(answers)

    http = make_client.http(answer)
    assert posted(make_client(api_key=KEY, base_url="https://host", http_client=http)) == b"made"
    expected = ("POST", "/agents/agent_1/notes", rb'{"text": "\u00fc"}', "k1", "application/json")
    assert sent == [expected] * 2


def test_own_connections_send_the_body_with_its_length() -> None:
    auth, host = KeyAuth(Secret(KEY), "bearer"), Host("https://host")
    sent = bytes(host.message(operation(idempotent=True).outgoing(NOTE), auth, "id-1"))
    head, _, content = sent.partition(b"\r\n\r\n")
    assert head.startswith(b"POST /agents/agent_1/notes HTTP/1.1\r\nHost: host\r\n")
    assert content == rb'{"text": "\u00fc"}'
    assert f"Content-Length: {len(content)}".encode() in head.split(b"\r\n")
    plain = bytes(host.message(LIST_CALLS.outgoing({"agent_id": "a"}), auth, "id-1"))
    assert b"Content-Length" not in plain


@pytest.mark.parametrize("value", ["k\r\nX-Other: 1", "k\nX-Other: 1"])
def test_header_with_a_line_break_is_not_sent(make_client: MakeClient, value: str) -> None:
    outgoing = operation(idempotent=True).outgoing({**NOTE, "idempotency_key": value})
    client: Any = make_client(api_key=KEY, base_url="http://127.0.0.1:9")
    with pytest.raises(APIConnectionError, match="line break") as caught:
        client._fetch(outgoing)
    assert caught.value.attempts == 1


@pytest.mark.parametrize("status", [200, 201, 503])
def test_good_answer_that_is_cut_short_is_none_whatever_its_status(status: int) -> None:
    outgoing, auth = operation(idempotent=True).outgoing(NOTE), KeyAuth(Secret(KEY), "bearer")
    deadline = Deadline(Stopwatch(lambda: 1.0), 9.0)
    incoming = Incoming(
        outgoing, auth, longest=9, deadline=deadline, is_stray=lambda _kept, _echo: False
    )
    assert incoming.start(status, {}, ends_by_close=False)
    assert incoming.add(b"{")
    assert incoming.fail(httpx.ReadError("broken off"))
    answer = incoming.answer()
    assert (answer.status, answer.arrived) == (status, 1)
    assert isinstance(answer.failure, APIConnectionError) == (status == 201)


def test_an_operation_that_is_not_idempotent_is_sent_once(make_client: MakeClient) -> None:
    told: list[Exchange] = []
    answers = [httpx.Response(503), httpx.Response(201)]
    client = answering(make_client, answers, on_exchange=told.append)
    with pytest.raises(Exception, match="503"):
        posted(client, idempotent=False)
    assert [one.attempt for one in told] == [1]


@pytest.mark.parametrize(
    ("status", "kind", "says"),
    [
        (404, NotFoundError, "Make the agent first"),
        (200, Exception, "neither a note nor an error"),
        (429, RateLimitError, "POST /agents/{agentId}/notes"),
    ],
)
def test_what_a_status_means_is_the_operations_own(
    make_client: MakeClient, status: int, kind: type[Exception], says: str
) -> None:
    with pytest.raises(kind) as caught:
        posted(answering(make_client, [httpx.Response(status)], max_retries=0))
    assert says in str(caught.value)


def test_an_id_is_one_segment_of_the_path_in_any_operation() -> None:
    with pytest.raises(ConfigurationError, match="agent_id cannot be"):
        operation(idempotent=True).outgoing({**NOTE, "agent_id": ".."})


def test_operations_are_those_of_the_contract() -> None:
    contract = OPENAPI["paths"][LIST_CALLS.path][LIST_CALLS.method.lower()]
    assert str(LIST_CALLS.success) in contract["responses"]
    scopes = {scope for way in contract["security"] for scope in next(iter(way.values()))}
    assert all(scope in LIST_CALLS.advice[403] for scope in scopes)
