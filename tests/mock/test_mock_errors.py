"""Every answer that is not a page: who may ask, what may be asked, and the envelope of it all."""

import http.client
import json
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit
from uuid import UUID

import httpx
import pytest

from agentcalls_mock import FULL_KEY, NOSCOPE_KEY, create_app, open_store, serving

CALLS = "/api/v1/console/agents/agent_demo/calls"
DEMO = "agent_demo/calls"
FIELDS = ["message", "error", "code", "statusCode", "request_id"]

MISSING = (401, "Missing API key.", "Unauthorized", "api_key_missing")
INVALID = (401, "Invalid API key.", "Unauthorized", "api_key_invalid")
NO_SCOPE = (
    403,
    "This API key is missing the required scope: conversations:read.",
    "Forbidden",
    "insufficient_scope",
)


@pytest.fixture
def anyone(mock_url: str) -> Iterator[httpx.Client]:
    """A client without a key."""
    with httpx.Client(base_url=mock_url) as client:
        yield client


def check_envelope(answer: httpx.Response) -> tuple[int, str, str, str]:
    """What an error says, once it is known to be in the documented envelope."""
    body = answer.json()
    assert list(body) == FIELDS + ["errors"] * (answer.status_code == 400)
    assert answer.headers["Content-Type"] == "application/json"
    assert body["statusCode"] == answer.status_code
    assert body["request_id"] == answer.headers["X-Request-Id"]
    return body["statusCode"], body["message"], body["error"], body["code"]


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, MISSING),
        ({"Authorization": "Bearer"}, MISSING),
        ({"Authorization": f"Basic {FULL_KEY}"}, MISSING),
        ({"X-Api-Key": ""}, MISSING),
        ({"X-Api-Key": "sk_live_1"}, INVALID),
        ({"X-Api-Key": FULL_KEY.upper()}, INVALID),
        ({"Authorization": "Bearer sk_test_ful"}, INVALID),
        ({"Authorization": f"Bearer {FULL_KEY}x", "X-Api-Key": FULL_KEY}, INVALID),
        ({"X-Api-Key": NOSCOPE_KEY}, NO_SCOPE),
        ({"Authorization": f"Bearer {NOSCOPE_KEY}"}, NO_SCOPE),
        ({"Authorization": f"Bearer {NOSCOPE_KEY}", "X-Api-Key": FULL_KEY}, NO_SCOPE),
    ],
)
def test_credentials_that_do_not_do(
    anyone: httpx.Client, headers: dict[str, str], expected: tuple[int, str, str, str]
) -> None:
    answer = anyone.get(CALLS, headers=headers)

    assert check_envelope(answer) == expected
    assert answer.headers.get("WWW-Authenticate") == ("Bearer" if expected[0] == 401 else None)


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": f"Bearer {FULL_KEY}"},
        {"Authorization": f"bearer {FULL_KEY}"},
        {"X-Api-Key": FULL_KEY},
        {"Authorization": f"Bearer {FULL_KEY}", "X-Api-Key": "sk_other"},
        {"Authorization": "Basic dTpw", "X-Api-Key": FULL_KEY},
    ],
)
def test_credentials_that_do(anyone: httpx.Client, headers: dict[str, str]) -> None:
    assert anyone.get(CALLS, headers=headers).status_code == 200


@pytest.mark.parametrize(
    "agent", ["agent_other_team", "agent_nobody", "AGENT_DEMO", "agent_demo%00", "%ff", "%zz", ".."]
)
def test_an_agent_that_is_not_the_teams_is_not_found(mock_url: str, agent: str) -> None:
    answer = raw_get(mock_url, f"/api/v1/console/agents/{agent}/calls")

    assert check_envelope(answer) == (404, "Agent not found", "Not Found", "not_found")


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/api/v1/console/agents/",
        "/api/v1/console/agents/agent_demo",
        "/api/v1/console/agents//calls",
        "/api/v1/console/agents/agent/with slash/calls",
        "/api/v2/console/agents/agent_demo/calls",
        f"{CALLS}/",
        f"{CALLS}/00000000-0000-4000-8000-000000000000/messages",
        "/docs",
    ],
)
def test_an_unknown_route_is_404_in_the_envelope(anyone: httpx.Client, path: str) -> None:
    status, message, error, code = check_envelope(anyone.get(path))

    assert (status, error, code) == (404, "Not Found", "not_found")
    assert message.startswith("Cannot GET /")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_another_method_is_405_in_the_envelope(anyone: httpx.Client, method: str) -> None:
    answer = anyone.request(method, CALLS)

    assert check_envelope(answer) == (
        405,
        f"Cannot {method} {CALLS}",
        "Method Not Allowed",
        "method_not_allowed",
    )
    assert answer.headers["Allow"] == "GET, HEAD"


def test_head_is_get_without_the_body(api: httpx.Client) -> None:
    asked, head = api.get(DEMO), api.head(DEMO)

    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["Content-Length"] == asked.headers["Content-Length"]


@pytest.mark.parametrize(
    "value", ["0", "-1", "101", "1.0", "1e1", "", " ", "x", "+1", " 5", "\u0661", "9" * 5000]
)
def test_a_limit_out_of_bounds_is_400(api: httpx.Client, value: str) -> None:
    answer = api.get(DEMO, params={"limit": value})
    message = "must be an integer from 1 to 100"

    assert check_envelope(answer) == (400, f"limit: {message}", "Bad Request", "validation_error")
    assert answer.json()["errors"] == [{"path": "limit", "message": message}]


@pytest.mark.parametrize("value", ["0", "-1", "1.5", "", "null", str(10**30), str(2**53)])
def test_a_page_out_of_bounds_is_400(api: httpx.Client, value: str) -> None:
    answer = api.get(DEMO, params={"page": value})

    assert check_envelope(answer)[::3] == (400, "validation_error")
    assert [error["path"] for error in answer.json()["errors"]] == ["page"]


@pytest.mark.parametrize("value", ["1", "True", "yes", "", "null"])
def test_is_test_call_is_true_or_false(api: httpx.Client, value: str) -> None:
    answer = api.get(DEMO, params={"is_test_call": value})

    assert answer.json()["errors"] == [{"path": "is_test_call", "message": "must be true or false"}]


@pytest.mark.parametrize("name", ["page", "limit", "search", "sort", "is_test_call", "status"])
def test_a_known_parameter_given_twice_is_400_and_an_unknown_one_is_not(
    api: httpx.Client, name: str
) -> None:
    value = {"page": "1", "limit": "1", "is_test_call": "true"}.get(name, "x")
    twice = api.get(DEMO, params=[(name, value), (name, value)])

    assert twice.json()["errors"] == [{"path": name, "message": "must be given once"}]
    assert api.get(DEMO, params=[("other", "1"), ("other", "2")]).status_code == 200


def test_every_problem_of_a_query_is_named(api: httpx.Client) -> None:
    answer = api.get(DEMO, params={"is_test_call": "x", "limit": "0", "page": "0"})

    assert [error["path"] for error in answer.json()["errors"]] == [
        "page",
        "limit",
        "is_test_call",
    ]


def test_zeros_in_front_of_a_number_do_not_count(api: httpx.Client) -> None:
    assert api.get(DEMO, params={"limit": "0" * 50 + "7"}).json()["meta"]["limit"] == 7


@pytest.mark.parametrize("parameter", ["search", "sort", "status", "other"])
@pytest.mark.parametrize("value", ["%00", "%zz", "%ff%fe", "%ed%a0%80", "%", "a%00b", "%27%3B--"])
def test_hostile_text_is_text(mock_url: str, parameter: str, value: str) -> None:
    assert raw_get(mock_url, f"{CALLS}?{parameter}={value}").status_code == 200


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/nowhere?limit=0", {}, 404),
        ("/api/v1/console/agents/agent_nobody/calls?limit=0", {}, 401),
        ("/api/v1/console/agents/agent_nobody/calls?limit=0", {"X-Api-Key": NOSCOPE_KEY}, 403),
        ("/api/v1/console/agents/agent_nobody/calls?limit=0", {"X-Api-Key": FULL_KEY}, 404),
        (f"{CALLS}?limit=0", {"X-Api-Key": FULL_KEY}, 400),
    ],
)
def test_route_key_scope_agent_and_query_are_looked_at_in_this_order(
    anyone: httpx.Client, path: str, headers: dict[str, str], status: int
) -> None:
    assert anyone.get(path, headers=headers).status_code == status


def test_a_request_id_is_echoed_and_is_fresh_where_none_was_sent(anyone: httpx.Client) -> None:
    for path, status in ((CALLS, 401), ("/nowhere", 404)):
        own = anyone.get(path, headers={"X-Request-Id": "mine-1"})
        fresh = [anyone.get(path).json()["request_id"] for _ in range(3)]

        assert (own.status_code, own.json()["request_id"]) == (status, "mine-1")
        assert own.headers["X-Request-Id"] == "mine-1"
        assert len({UUID(request_id) for request_id in fresh}) == 3


def test_a_page_has_a_request_id_in_its_header(api: httpx.Client) -> None:
    UUID(api.get(DEMO).headers["X-Request-Id"])

    assert api.get(DEMO, headers={"X-Request-Id": "mine-2"}).headers["X-Request-Id"] == "mine-2"


def test_what_breaks_inside_is_a_500_that_tells_nothing(caplog: pytest.LogCaptureFixture) -> None:
    store = open_store()
    store.close()
    with serving(create_app(store)) as url:
        answer = httpx.get(url + CALLS, headers={"X-Api-Key": FULL_KEY})

    assert check_envelope(answer) == (
        500,
        "Internal server error",
        "Internal Server Error",
        "internal_error",
    )
    assert answer.headers["X-RateLimit-Limit"]
    assert answer.json()["request_id"] in caplog.text
    assert FULL_KEY not in caplog.text


def test_a_broken_host_header_is_no_500(mock_url: str) -> None:
    address = urlsplit(mock_url)
    assert address.hostname
    assert address.port
    with socket.create_connection((address.hostname, address.port)) as connection:
        connection.sendall(b"GET /x HTTP/1.1\r\nHost: [::1\r\nConnection: close\r\n\r\n")
        answer = b"".join(iter(lambda: connection.recv(4096), b""))

    assert answer.startswith(b"HTTP/1.1 404")


def raw_get(url: str, target: str) -> httpx.Response:
    """The answer to a request target that is sent as it stands: httpx would mend it."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc)
    try:
        connection.request("GET", target, headers={"X-Api-Key": FULL_KEY})
        answer = connection.getresponse()
        body = answer.read()
        json.loads(body)
        return httpx.Response(answer.status, headers=answer.getheaders(), content=body)
    finally:
        connection.close()
