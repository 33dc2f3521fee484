"""One call in detail, in both flavours: its transcript, which call it is, and what it takes for wrong."""

from __future__ import annotations

import copy
import logging
import pickle
from datetime import UTC, datetime
from enum import Enum
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from agentcalls import (
    AgentCallsError,
    AuthenticationError,
    CallDetail,
    CallMessage,
    ConfigurationError,
    InternalServerError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    UnexpectedResponseError,
)
from contract.tool.contract import OPENAPI
from team import client_of

if TYPE_CHECKING:
    from agentcalls import Client
    from flavours import MakeClient

PATH = "/api/v1/console/agents/{agentId}/calls/{callId}"
OK = OPENAPI["paths"][PATH]["get"]["responses"]["200"]["content"]["application/json"]
EXAMPLE: dict[str, Any] = OK["examples"]["call"]["value"]


def example(**changed: Any) -> dict[str, Any]:
    body = copy.deepcopy(EXAMPLE)
    body["data"].update(changed)
    return body


def answering(body: Any, status: int = 200) -> Any:
    return lambda _: httpx.Response(status, json=body)


def got(make_client: MakeClient, body: Any, **options: Any) -> CallDetail:
    return client_of(make_client, answering(body), **options).calls.get("agent_demo", "call_1")


def test_each_listed_call_is_there_in_detail(client: Client) -> None:
    for listed in client.calls.list("agent_demo", max_items=20):
        call = client.calls.get("agent_demo", listed.id)
        detail = call.to_dict()
        assert {name: detail[name] for name in listed.to_dict()} == listed.to_dict()
        assert (call.agent_id, call.problems) == ("agent_demo", ())
        assert bool(call.conversation_logs) == (call.status in {"answered", "ended"})


def test_messages_are_nested_models(make_client: MakeClient) -> None:
    call = got(make_client, EXAMPLE)
    assert type(call) is CallDetail
    assert all(type(message) is CallMessage for message in call.conversation_logs)
    assert call.answered_at == datetime(2019, 8, 24, 14, 15, 26, tzinfo=UTC)
    first, second = call.conversation_logs
    assert (first.role, first.attachments, second.message) == ("assistant", None, None)
    assert second.attachments
    assert second.attachments[0].url == "https://example.com/1.png"
    assert call.problems == ()
    assert pickle.loads(pickle.dumps(call)) == call  # noqa: S301 (our own)


def test_call_in_detail_compares_by_its_fields_and_hashes_by_its_id(
    make_client: MakeClient,
) -> None:
    one, two = got(make_client, EXAMPLE), got(make_client, EXAMPLE)
    assert one == two
    assert len({one, two}) == 1
    assert one != got(make_client, example(status="busy"))


def test_what_may_be_missing_or_null_is_none_and_no_problem(make_client: MakeClient) -> None:
    body = example(answered_at=None, conversation_logs=[])
    del body["data"]["started_at"]
    call = got(make_client, body, strict=True)
    assert (call.started_at, call.answered_at, call.conversation_logs) == (None, None, [])
    bare = {"id": "m", "role": "oracle", "created_at": "2026-11-23T10:00:00Z"}
    (message,) = got(make_client, example(conversation_logs=[bare]), strict=True).conversation_logs
    assert (message.role, message.message, message.attachments) == ("oracle", None, None)


def test_unknown_fields_are_kept(make_client: MakeClient) -> None:
    message = {**EXAMPLE["data"]["conversation_logs"][0], "mood": "good"}
    call = got(make_client, example(recording="r", conversation_logs=[message]))
    assert call.additional_properties == {"recording": "r"}
    assert call.conversation_logs[0].additional_properties == {"mood": "good"}
    assert call.problems == ()
    assert call.to_dict()["conversation_logs"][0]["mood"] == "good"


@pytest.mark.parametrize(
    ("logs", "field"),
    [
        (None, "conversation_logs"),
        ("hello", "conversation_logs"),
        ({}, "conversation_logs"),
        ([7], "conversation_logs"),
        ([None], "conversation_logs"),
        ([{"id": "m"}], "conversation_logs[0].role"),
        ([{"id": "m", "role": "r", "created_at": "soon"}], "conversation_logs[0].created_at"),
        (
            [{"id": "m", "role": 1, "created_at": "2026-11-23T10:00:00Z", "message": ["x"]}],
            "conversation_logs[0].message",
        ),
        (
            [{"id": "m", "role": "r", "created_at": "2026-11-23T10:00:00Z", "attachments": 7}],
            "conversation_logs[0].attachments",
        ),
    ],
    ids=str,
)
def test_odd_transcript_costs_no_call(make_client: MakeClient, logs: Any, field: str) -> None:
    call = got(make_client, example(conversation_logs=logs))
    assert (call.id, call.status) == ("call_1", "ended")
    assert field in {problem.field for problem in call.problems}
    assert {(problem.row, problem.page, problem.call_id) for problem in call.problems} == {
        (None, None, "call_1")
    }
    shown = call.to_dict()["conversation_logs"]
    if isinstance(logs, list) and isinstance(logs[0], dict):
        # A moment is written in one form.
        kept = {name: value for name, value in logs[0].items() if name != "created_at"}
        assert {name: shown[0][name] for name in kept} == kept
    else:
        assert shown == logs
    with pytest.raises(UnexpectedResponseError, match="is not a call: conversation_logs"):
        got(make_client, example(conversation_logs=logs), strict=True)


def test_call_without_a_transcript_says_so(make_client: MakeClient) -> None:
    body = example()
    del body["data"]["conversation_logs"]
    call = got(make_client, body)
    logs: Any = call.conversation_logs
    assert logs is None
    assert [(problem.field, problem.why) for problem in call.problems] == [
        ("conversation_logs", "is missing")
    ]


def test_another_call_than_was_asked_for_is_a_problem(
    make_client: MakeClient, caplog: pytest.LogCaptureFixture
) -> None:
    call = got(make_client, example(id="call_2"))
    assert [(problem.field, problem.raw, problem.why) for problem in call.problems] == [
        ("id", "call_2", "is not the call that was asked for")
    ]
    assert "id is not the call that was asked for" in caplog.text
    with pytest.raises(UnexpectedResponseError, match="id is not the call that was asked for"):
        got(make_client, example(id="call_2"), strict=True)


def test_call_without_an_id_has_one_problem(make_client: MakeClient) -> None:
    call = got(make_client, example(id=None))
    assert [problem.field for problem in call.problems] == ["id"]


@pytest.mark.parametrize(
    "body", [None, [], 7, "x", {}, {"data": None}, {"data": []}, {"data": [{}]}, {"message": "x"}]
)
def test_answer_that_is_no_call_is_an_error_that_says_so(
    make_client: MakeClient, body: Any
) -> None:
    with pytest.raises(UnexpectedResponseError, match="The answer is not a call: ") as caught:
        got(make_client, body)
    assert (caught.value.path, caught.value.retryable) == (PATH, False)


@pytest.mark.parametrize("body", [b"", b"<html>", b"{", b'{"data": {"id": '])
def test_body_that_is_not_json_is_no_call(make_client: MakeClient, body: bytes) -> None:
    client = client_of(make_client, lambda _: httpx.Response(200, content=body))
    with pytest.raises(UnexpectedResponseError, match="the body is not JSON"):
        client.calls.get("agent_demo", "call_1")


def test_bytes_that_are_not_utf_8_cost_no_transcript(make_client: MakeClient) -> None:
    content = httpx.Response(200, json=EXAMPLE).content.replace(b"front desk", b"front\xffdesk")
    client = client_of(make_client, lambda _: httpx.Response(200, content=content))
    call = client.calls.get("agent_demo", "call_1")
    assert call.conversation_logs[0].message == "Good morning, this is the front\ufffddesk."
    assert [problem.field for problem in call.problems] == ["conversation_logs[0].message"]


# Which call.


@pytest.mark.parametrize(
    ("agent", "call", "path"),
    [
        ("a b", "c d", b"/a%20b/calls/c%20d"),
        ("a/b", "c/d", b"/a%2Fb/calls/c%2Fd"),
        ("é?", "#x&y", b"/%C3%A9%3F/calls/%23x%26y"),
        ("a%2Fb", "100%", b"/a%252Fb/calls/100%25"),
        ("...", "..a", b"/.../calls/..a"),
    ],
)
def test_ids_of_any_text_stay_one_segment(
    make_client: MakeClient, agent: str, call: str, path: bytes
) -> None:
    asked: list[bytes] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.raw_path)
        return httpx.Response(200, json=example(id=call))

    found = client_of(make_client, answer).calls.get(agent, call)
    assert (found.problems, found.agent_id) == ((), agent)
    assert asked == [b"/api/v1/console/agents" + path]


@pytest.mark.parametrize("wrong", ["", ".", "..", "a\nb", "\x7f", "\ud800", 7, None, b"x"])
@pytest.mark.parametrize("place", [0, 1])
def test_id_that_cannot_be_sent_is_refused_at_once(client: Client, wrong: Any, place: int) -> None:
    ids = ["agent_demo", "call_1"]
    ids[place] = wrong
    with pytest.raises(ConfigurationError):
        client.calls.get(*ids)


def test_ids_may_be_enums_of_texts(make_client: MakeClient) -> None:
    class Ids(str, Enum):  # noqa: UP042 (what a user may have)
        AGENT = "agent_demo"
        CALL = "call_1"

    call = client_of(make_client, answering(EXAMPLE)).calls.get(Ids.AGENT, Ids.CALL)
    assert (call.problems, type(call.agent_id)) == ((), str)


# What goes wrong.


@pytest.mark.parametrize(
    ("status", "kind", "attempts"),
    [
        (401, AuthenticationError, 1),
        (403, PermissionDeniedError, 1),
        (404, NotFoundError, 1),
        (429, RateLimitError, 3),
        (500, InternalServerError, 3),
        (501, InternalServerError, 1),
    ],
)
def test_each_status_has_its_error_and_its_retries(
    make_client: MakeClient, status: int, kind: type[AgentCallsError], attempts: int
) -> None:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(status, json={"message": "No.", "code": "some_code"})

    with pytest.raises(kind) as caught:
        client_of(make_client, answer, max_retries=2).calls.get("agent_demo", "call_1")
    assert (caught.value.method, caught.value.path) == ("GET", PATH)
    assert len(asked) == attempts
    if status == 404:
        assert "Check both ids" in str(caught.value)


def test_what_is_not_there_is_not_found(client: Client) -> None:
    known = client.calls.list("agent_demo").first()
    assert known is not None
    for agent, call, said in (
        ("agent_demo", "nowhere", "Call not found"),
        ("agent_nobody", known.id, "Agent not found"),
        ("agent_2", known.id, "not found"),
    ):
        with pytest.raises(NotFoundError, match=said):
            client.calls.get(agent, call)


def test_deadline_ends_the_retries(make_client: MakeClient) -> None:
    client = client_of(make_client, answering({}, 500), deadline=3, max_retries=50)
    before = make_client.clock.moment
    with pytest.raises(InternalServerError):
        client.calls.get("agent_demo", "call_1")
    assert make_client.clock.moment - before <= 3


def test_closed_client_gets_no_call(make_client: MakeClient) -> None:
    client = client_of(make_client, answering(EXAMPLE))
    client.close()
    with pytest.raises(ConfigurationError, match="closed"):
        client.calls.get("agent_demo", "call_1")


def test_key_numbers_and_words_are_in_no_log_and_no_error(
    make_client: MakeClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    odd = example(id="call_2", source="sk_secret_1", destination=["+14155550100"])
    odd["data"]["conversation_logs"][0]["message"] = ["my number is +14155550100"]
    call = got(make_client, odd, api_key="sk_secret_1")
    assert "sk_secret_1" not in repr(call)
    shown = [repr(call.problems)]
    with pytest.raises(UnexpectedResponseError) as caught:
        got(make_client, odd, api_key="sk_secret_1", strict=True)
    shown += [str(caught.value), repr(caught.value), caplog.text]
    assert len(call.problems) == 3
    for secret in ("sk_secret_1", "+14155550100", "my number"):
        assert secret not in "".join(shown)
