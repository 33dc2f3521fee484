from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentcalls import (
    AgentCallsError,
    APIStatusError,
    AuthenticationError,
    BadRequestError,
    ConflictError,
    InternalServerError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    UnexpectedResponseError,
)
from agentcalls.request.operation import LIST_CALLS
from agentcalls.request.refusal import error_for
from agentcalls.request.retry import Answer

ENVELOPE = {"message": "Agent not found", "code": "not_found", "request_id": "r1"}


def error_of(status: int, body: object = None, **headers: str) -> AgentCallsError:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    sent = {name.replace("_", "-").lower(): value for name, value in headers.items()}
    return error_for(Answer(status=status, headers=sent, content=content), LIST_CALLS)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, BadRequestError),
        (401, AuthenticationError),
        (403, PermissionDeniedError),
        (404, NotFoundError),
        (405, APIStatusError),
        (409, ConflictError),
        (418, APIStatusError),
        (429, RateLimitError),
        (499, APIStatusError),
        (500, InternalServerError),
        (501, InternalServerError),
        (520, InternalServerError),
        (204, UnexpectedResponseError),
        (302, UnexpectedResponseError),
    ],
)
def test_each_status_has_its_class(status: int, kind: type[AgentCallsError]) -> None:
    error = error_of(status, ENVELOPE)
    assert type(error) is kind
    assert error.status == status


def test_error_text_has_status_code_message_request_and_advice() -> None:
    assert str(error_of(404, ENVELOPE)) == (
        "404 not_found: Agent not found (GET /api/v1/console/agents/{agentId}/calls, request id r1) "
        "Check the agent's id, and that the key belongs to the agent's team."
    )


def test_error_text_has_what_is_wrong_with_each_field() -> None:
    rows = [{"path": "page", "message": "is odd"}, {"path": "limit", "message": "is large"}]
    text = str(error_of(400, {"message": "Wrong", "errors": rows}))
    assert text.startswith("400: Wrong page: is odd. limit: is large.")


def test_error_without_an_exchange_is_its_message() -> None:
    assert str(AgentCallsError("Something is wrong.")) == "Something is wrong."
    assert str(AgentCallsError("Wrong.", request_id="r1")) == "Wrong. (request id r1)"


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("a\r\nERROR forged", "a  ERROR forged"),
        ("\x1b[31mred\0", "�[31mred�"),
        ("\u202egnp.exe", "�gnp.exe"),
        ("half \ud800", "half �"),
        ("a\u2028b\xa0c", "a b c"),
        ("naïve 🎉", "naïve 🎉"),
    ],
)
def test_error_is_one_line_that_any_log_can_take(sent: str, shown: str) -> None:
    error = error_of(400, {"message": sent, "code": sent, "request_id": sent})
    assert error.message == sent
    assert str(error).count(shown) == 3
    assert str(error).isprintable()


def test_request_id_of_the_body_comes_before_that_of_the_header() -> None:
    assert error_of(404, ENVELOPE, X_Request_Id="r2").request_id == "r1"
    assert error_of(404, {}, X_Request_Id="r2").request_id == "r2"


def test_body_is_parsed_or_else_text_of_two_kilobytes_at_most() -> None:
    assert error_of(404, ENVELOPE).body == ENVELOPE
    error = error_of(502, b"<html>" + b"\xff" * 5000)
    assert isinstance(error.body, str)
    assert len(error.body) == 2048
    assert error.message == "The server answered with status 502."


def test_body_nested_deeper_than_any_error_is_text() -> None:
    for depth, kind in ((40, list), (60, str)):
        error = error_of(404, b"[" * depth + b"]" * depth)
        assert type(error.body) is kind


@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("https://user@elsewhere.example:8/a?b=c", "redirects to elsewhere.example."),
        ("/a", "redirects to another path."),
        ("http://[", "redirects to another path."),
    ],
)
def test_redirect_names_the_host_that_it_leads_to(location: str, words: str) -> None:
    assert words in error_of(302, Location=location).message


def test_host_that_echoes_the_key_does_not_show_it_in_small_letters() -> None:
    headers = {"location": "https://SK_secret.example/"}
    error = error_for(Answer(status=302, headers=headers, secret="SK_secret"), LIST_CALLS)
    assert "redirects to ***.example" in str(error)


def test_key_is_cut_out_before_the_text_is_cut_short() -> None:
    content = b"x" * 2040 + b"sk_secret" + b"y" * 99
    error = error_for(Answer(status=400, content=content, secret="sk_secret"), LIST_CALLS)
    assert error.body == "x" * 2040 + "***yyyyy"


@pytest.mark.parametrize(
    "errors",
    [
        [{"path": "page", "message": "is odd"}, "text", None],
        [{"field": "page", "detail": "is odd"}, {"code": 1, "message": "no field"}],
        [{"path": "page", "message": "is odd"}, {"path": None, "message": "a"}, {"path": "b"}],
        {"page": ["is odd"], "limit": [], "search": None},
        {"page": "is odd"},
    ],
    ids=str,
)
def test_error_of_a_field_names_it_and_says_something(errors: object) -> None:
    error = error_of(400, {"message": "No", "errors": errors})
    assert error.field_errors == (("page", "is odd"),)
    assert str(error).startswith("400: No page: is odd. (GET")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
bodies = st.one_of(
    st.binary(max_size=50),
    json_values.map(lambda value: json.dumps(value).encode()),
    st.fixed_dictionaries(
        {},
        optional=dict.fromkeys(("message", "code", "request_id", "errors", "error"), json_values),
    ).map(lambda value: json.dumps(value).encode()),
    st.just(b"[" * 100_000),
)


@given(status=st.integers(100, 999).filter(lambda status: status != 200), content=bodies)
def test_any_answer_is_an_error_that_pickles_copies_and_prints(status: int, content: bytes) -> None:
    error = error_for(Answer(status=status, content=content), LIST_CALLS)
    twins: list[Any] = [pickle.loads(pickle.dumps(error)), copy.copy(error)]  # noqa: S301
    for twin in twins:
        assert type(twin) is type(error)
        assert str(twin) == str(error)
        assert repr(vars(twin)) == repr(vars(error))


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"detail": "Not here"}, "Not here"),
        ({"detail": [{"loc": ["query", "page"], "msg": "too large", "type": "v"}]}, "too large"),
        ({"error": {"message": "Quota exceeded", "code": 429}}, "Quota exceeded"),
        ({"error": "invalid_token", "error_description": "It expired"}, "invalid_token"),
        ({"Message": "Forbidden"}, "Forbidden"),
        ({"MESSAGE": "Forbidden"}, "Forbidden"),
        ([{"message": "too long", "field": "search"}, {"message": "odd"}], "too long; odd"),
        ({"errors": [{"message": "one"}, {"detail": "two"}]}, "one; two"),
        ({"title": "Bad", "type": "about:blank"}, "Bad"),
        ({"message": "", "detail": "behind"}, "behind"),
        ({"message": None, "error": {"reason": "inner"}}, "inner"),
        ({"message": ["a", 5, "b"]}, "a; b"),
        ({"message": {"message": {"message": "deep"}}}, "deep"),
        ({"fault": {"faultstring": "Quota", "detail": {"errorcode": "q"}}}, "Quota"),
        ({"errorMessage": "timed out", "errorType": "Runtime"}, "timed out"),
        (b"no healthy upstream\n", "no healthy upstream"),
        ("gone", "gone"),
    ],
    ids=str,
)
def test_error_of_a_gateway_says_what_it_says(body: object, said: str) -> None:
    assert error_of(400, body).message == said


@pytest.mark.parametrize(
    "body", [b"<html>Bad</html>", b"{'a'}", b"x" * 201, b"two\nlines", b"\x1b[31m", b" "], ids=str
)
def test_body_that_is_no_line_of_words_says_nothing(body: bytes) -> None:
    assert error_of(502, body).message == "The server answered with status 502."


@given(
    st.recursive(
        st.none() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(st.sampled_from(["message", "detail", "error", "errors", "x"]), inner)
        ),
    )
)
def test_error_of_any_json_has_a_message(body: object) -> None:
    assert error_of(500, body).message
