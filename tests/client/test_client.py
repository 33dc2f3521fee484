from __future__ import annotations

import asyncio
import gzip
import json
import re
from typing import TYPE_CHECKING, Any

import httpx
import pytest

import agentcalls
from agentcalls import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    AsyncClient,
    AuthenticationError,
    BadRequestError,
    Client,
    ConfigurationError,
    NotFoundError,
    PermissionDeniedError,
    UnexpectedResponseError,
)
from agentcalls.request.wire.library import timeouts_of
from agentcalls_mock import FULL_KEY, NOSCOPE_KEY
from contract.tool.contract import OPERATION

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from flavours import MakeClient

SCHEMES = {"bearer": ("Authorization", "Bearer "), "x-api-key": ("X-Api-Key", "")}


class Recorder:
    """Answers every request with one answer and keeps the requests."""

    def __init__(self, answer: httpx.Response) -> None:
        self.requests: list[httpx.Request] = []
        self._answer = answer

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return self._answer


@pytest.fixture
def recorder(page_body: Any) -> Recorder:
    return Recorder(httpx.Response(200, json=page_body))


@pytest.mark.parametrize("scheme", SCHEMES)
def test_either_scheme_opens_the_api(make_client: MakeClient, mock_url: str, scheme: Any) -> None:
    assert (
        make_client(api_key=FULL_KEY, base_url=mock_url, auth=scheme)
        .calls.list("agent_one")
        .count()
        == 1
    )


@pytest.mark.parametrize(
    ("key", "agent", "kind", "status", "code", "message"),
    [
        ("sk_wrong", "agent_demo", AuthenticationError, 401, "api_key_invalid", "Invalid API key."),
        (
            NOSCOPE_KEY,
            "agent_demo",
            PermissionDeniedError,
            403,
            "insufficient_scope",
            "This API key is missing the required scope: conversations:read.",
        ),
        (FULL_KEY, "agent_nobody", NotFoundError, 404, "not_found", "Agent not found"),
        (FULL_KEY, "agent_other_team", NotFoundError, 404, "not_found", "Agent not found"),
    ],
)
def test_documented_status_has_a_type_that_says_what_the_api_said(  # noqa: PLR0917
    make_client: MakeClient,
    mock_url: str,
    key: str,
    agent: str,
    kind: type[APIStatusError],
    status: int,
    code: str,
    message: str,
) -> None:
    client = make_client(api_key=key, base_url=mock_url)
    with pytest.raises(kind) as caught:
        client.calls.list(agent).all()
    error = caught.value
    assert (error.status, error.code, error.message) == (status, code, message)
    assert error.request_id
    assert error.request_id in str(error)


@pytest.mark.parametrize(
    ("example", "message", "field_errors"),
    [
        ("text", "Validation failed", (("limit", "must not be greater than 100"),)),
        ("list", "limit: must not be greater than 100", ()),
    ],
)
def test_bad_request_says_what_is_wrong_in_either_documented_form(
    make_client: MakeClient, example: str, message: str, field_errors: object
) -> None:
    content = OPERATION["responses"]["400"]["content"]["application/json"]
    recorder = Recorder(httpx.Response(400, json=content["examples"][example]["value"]))
    client = make_client(
        api_key="sk_1", base_url="https://host", http_client=make_client.http(recorder)
    )
    with pytest.raises(BadRequestError) as caught:
        client.calls.list("a").page(1)
    assert (caught.value.code, caught.value.message) == ("validation_error", message)
    assert caught.value.field_errors == field_errors


@pytest.mark.parametrize("scheme", SCHEMES)
def test_exactly_one_header_carries_the_key(
    make_client: MakeClient, recorder: Recorder, scheme: Any
) -> None:
    http = make_client.http(recorder)
    http.headers.update({"Authorization": "Basic b3RoZXI=", "X-Api-Key": "other"})
    make_client(api_key="sk_1", base_url="https://host", auth=scheme, http_client=http).calls.list(
        "a"
    ).page(1)
    header, prefix = SCHEMES[scheme]
    headers = recorder.requests[0].headers
    assert headers[header] == f"{prefix}sk_1"
    assert sum(name in headers for name, _ in SCHEMES.values()) == 1


def test_callable_key_is_asked_before_each_request(
    make_client: MakeClient, recorder: Recorder
) -> None:
    keys = iter(["sk_1", "sk_2"])
    client = make_client(
        api_key=lambda: next(keys), base_url="https://host", http_client=make_client.http(recorder)
    )
    listing = client.calls.list("a")
    listing.page(1)
    listing.page(1)
    assert [request.headers["Authorization"] for request in recorder.requests] == [
        "Bearer sk_1",
        "Bearer sk_2",
    ]


def test_async_callable_key_is_awaited(recorder: Recorder) -> None:
    async def key() -> str:
        await asyncio.sleep(0)
        return "sk_1"

    async def main() -> None:
        http = httpx.AsyncClient(transport=httpx.MockTransport(recorder))
        async with AsyncClient(api_key=key, base_url="https://host", http_client=http) as client:
            await client.calls.list("a").page(1)

    asyncio.run(main())
    assert recorder.requests[0].headers["Authorization"] == "Bearer sk_1"


@pytest.mark.parametrize("key", [None, "", "sk 1", "sk_1\n", "sk_é"])
def test_callable_key_that_gives_no_key_sends_nothing(
    make_client: MakeClient, recorder: Recorder, key: Any
) -> None:
    client = make_client(
        api_key=lambda: key, base_url="https://host", http_client=make_client.http(recorder)
    )
    with pytest.raises(ConfigurationError):
        client.calls.list("a").page(1)
    assert recorder.requests == []


def test_async_callable_key_needs_the_async_client(recorder: Recorder) -> None:
    async def key() -> str:
        raise AssertionError

    http = httpx.Client(transport=httpx.MockTransport(recorder))
    client = Client(api_key=key, base_url="https://host", http_client=http)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="needs AsyncClient"):
        client.calls.list("a").page(1)
    assert recorder.requests == []


def test_settings_come_from_the_environment(
    make_client: MakeClient, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENTCALLS_API_KEY", "sk_env")
    monkeypatch.setenv("AGENTCALLS_BASE_URL", "https://env.example/prefix/")
    monkeypatch.setenv("AGENTCALLS_AUTH", "x-api-key")
    http = make_client.http(recorder)
    make_client(http_client=http).calls.list("a b").page(1)
    make_client(
        http_client=http, api_key="sk_arg", base_url="https://arg.example", auth="bearer"
    ).calls.list("a").page(1)
    first, second = recorder.requests
    assert first.headers["X-Api-Key"] == "sk_env"
    assert first.url.host == "env.example"
    assert first.url.raw_path.startswith(b"/prefix/api/v1/console/agents/a%20b/calls?")
    assert second.headers["Authorization"] == "Bearer sk_arg"
    assert second.url.host == "arg.example"


@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_missing_setting_is_refused_in_one_sentence_that_names_it(kind: Any) -> None:
    with pytest.raises(ConfigurationError, match="AGENTCALLS_API_KEY"):
        kind(base_url="https://host")
    with pytest.raises(ConfigurationError, match=r"AGENTCALLS_BASE_URL.*https://api\.bimpe\.ai"):
        kind(api_key="sk_1")


def test_requests_say_who_sends_them(make_client: MakeClient, recorder: Recorder) -> None:
    client = make_client(
        api_key="sk_1", base_url="https://host", http_client=make_client.http(recorder)
    )
    client.calls.list("a").page(1)
    agent = recorder.requests[0].headers["User-Agent"]
    assert re.fullmatch(rf"agentcalls/{re.escape(agentcalls.__version__)} Python/\S+", agent)


def test_timeout_of_the_client_wins_over_that_of_the_users_http_client(
    make_client: MakeClient, recorder: Recorder
) -> None:
    http = make_client.http(recorder)
    http.timeout = httpx.Timeout(7)
    make_client(api_key="sk_1", base_url="https://host", http_client=http).calls.list("a").page(1)
    make_client(api_key="sk_1", base_url="https://host", http_client=http, timeout=3).calls.list(
        "a"
    ).page(1)
    assert [request.extensions["timeout"]["read"] for request in recorder.requests] == [7, 3]


def test_every_wait_is_bounded_by_default(make_client: MakeClient) -> None:
    client = make_client(api_key="sk_1", base_url="https://host")
    assert client._http.timeouts == timeouts_of(httpx.Timeout(30, connect=10))


def test_closing_leaves_the_users_http_client_open(
    make_client: MakeClient, recorder: Recorder
) -> None:
    http = make_client.http(recorder)
    client = make_client(api_key="sk_1", base_url="https://host", http_client=http)
    client.close()
    assert not http.is_closed


def test_closed_client_says_so(make_client: MakeClient, mock_url: str) -> None:
    client = make_client(api_key=FULL_KEY, base_url=mock_url)
    client.close()
    with pytest.raises(ConfigurationError, match="closed"):
        client.calls.list("agent_demo").first()


def test_context_manager_closes(mock_url: str) -> None:
    with Client(api_key=FULL_KEY, base_url=mock_url) as client:
        assert client.calls.list("agent_one").count() == 1
    assert client._http.is_closed


def test_redirect_is_not_followed(make_client: MakeClient) -> None:
    recorder = Recorder(httpx.Response(302, headers={"Location": "https://elsewhere.example/"}))
    http = make_client.http(recorder)
    http.follow_redirects = True
    client = make_client(api_key="sk_1", base_url="https://host", http_client=http)
    with pytest.raises(UnexpectedResponseError) as caught:
        client.calls.list("a").page(1)
    assert caught.value.status == 302
    assert len(recorder.requests) == 1


@pytest.mark.parametrize(
    ("raised", "kind"),
    [
        (httpx.ConnectError("refused"), APIConnectionError),
        (httpx.ReadError(""), APIConnectionError),
        (httpx.ReadTimeout("too slow"), APITimeoutError),
        (httpx.ConnectTimeout(""), APITimeoutError),
    ],
)
def test_request_without_answer_is_a_connection_error(
    make_client: MakeClient, raised: Exception, kind: type[APIConnectionError]
) -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        raise raised

    client = make_client(
        api_key="sk_1", base_url="https://host", http_client=make_client.http(answer)
    )
    with pytest.raises(kind) as caught:
        client.calls.list("a").page(1)
    assert caught.value.__cause__ is raised
    assert type(caught.value) is kind


def test_proxy_of_the_environment_does_not_get_between_us_and_this_machine(
    make_client: MakeClient, mock_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    assert make_client(api_key=FULL_KEY, base_url=mock_url).calls.list("agent_one").count() == 1


@pytest.mark.parametrize(
    ("kind", "other"), [(Client, httpx.AsyncClient), (AsyncClient, httpx.Client), (Client, str)]
)
def test_http_client_of_the_other_flavour_is_refused(kind: Any, other: Any) -> None:
    with pytest.raises(ConfigurationError, match="http_client"):
        kind(api_key="sk_1", base_url="https://host", http_client=other())


def test_count_asks_for_one_call_of_json(make_client: MakeClient, recorder: Recorder) -> None:
    client = make_client(
        api_key="sk_1", base_url="https://host", http_client=make_client.http(recorder)
    )
    assert client.calls.list("a").count() == 1
    assert recorder.requests[0].url.params["limit"] == "1"
    assert recorder.requests[0].headers["Accept"] == "application/json"


@pytest.mark.parametrize("wrong", [{"on_retry": 5}, {"clock": 5}, {"strict": "false"}], ids=str)
def test_setting_of_the_wrong_kind_is_refused_by_name(make_client: MakeClient, wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(wrong))):
        make_client(api_key="sk_1", base_url="https://host", **wrong)


def test_closing_while_the_key_is_asked_for_is_a_closed_client(
    make_client: MakeClient, mock_url: str
) -> None:
    def key() -> str:
        vars(client._http)["is_closed"] = True
        return FULL_KEY

    client = make_client(api_key=key, base_url=mock_url)
    with pytest.raises(ConfigurationError, match="closed"):
        client.calls.list("agent_demo").first()


def test_error_of_a_hook_of_the_users_passes_untouched(page_body: Any) -> None:
    def raise_for_status(response: httpx.Response) -> None:
        response.raise_for_status()

    recorder = Recorder(httpx.Response(401, json=page_body))
    http = httpx.Client(
        transport=httpx.MockTransport(recorder), event_hooks={"response": [raise_for_status]}
    )
    with pytest.raises(httpx.HTTPStatusError):
        Client(api_key="sk_1", base_url="https://host", http_client=http).calls.list("a").first()
    assert len(recorder.requests) == 1


class Pieces(httpx.ByteStream):
    """A body that comes in pieces of this many bytes."""

    def __init__(self, body: bytes, size: int) -> None:
        super().__init__(body)
        self.pieces = [body[start : start + size] for start in range(0, len(body), size)]

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.pieces)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self.pieces:
            yield piece


def gzipped(body: bytes, size: int = 10**9, coding: str = "gzip") -> httpx.Response:
    return httpx.Response(200, headers={"Content-Encoding": coding}, stream=Pieces(body, size))


def test_compressed_page_is_read(make_client: MakeClient, page_body: Any) -> None:
    recorder = Recorder(gzipped(gzip.compress(json.dumps(page_body).encode())))
    client = make_client(
        api_key="sk_1", base_url="https://host", http_client=make_client.http(recorder)
    )
    assert len(client.calls.list("a").page(1)) == 1


@pytest.mark.parametrize("size", [1, 2, 7, 10**9])
@pytest.mark.parametrize("members", [1, 2, 5])
@pytest.mark.parametrize("tail", [b"", bytes(9), b"\n"])
def test_all_members_of_a_compressed_page_are_read(
    make_client: MakeClient, page_body: Any, size: int, members: int, tail: bytes
) -> None:
    text = json.dumps(page_body).encode()
    step = -(-len(text) // members)
    body = b"".join(
        gzip.compress(text[start : start + step]) for start in range(0, len(text), step)
    )
    recorder = Recorder(gzipped(body + tail, size))
    client = make_client(
        api_key="sk_1", base_url="https://host", http_client=make_client.http(recorder)
    )
    assert len(client.calls.list("a").page(1)) == 1


@pytest.mark.parametrize(
    ("coding", "compressed"),
    [
        ("x-gzip", True),
        ("GZIP", True),
        ("gzip, identity", True),
        ("utf-8, gzip", True),
        ("utf-8", False),
        ("none", False),
        ("identity", False),
        ("application/json", False),
        ("", False),
    ],
)
def test_word_that_names_no_coding_means_none(
    make_client: MakeClient, page_body: Any, coding: str, *, compressed: bool
) -> None:
    text = json.dumps(page_body).encode()
    recorder = Recorder(gzipped(gzip.compress(text) if compressed else text, coding=coding))
    client = make_client(
        api_key="sk_1", base_url="https://host", http_client=make_client.http(recorder)
    )
    assert len(client.calls.list("a").page(1)) == 1


@pytest.mark.parametrize("coding", ["deflate", "br", "zstd", "gzip, gzip", "compress"])
def test_coding_that_was_not_asked_for_is_refused(
    make_client: MakeClient, page_body: Any, coding: str
) -> None:
    recorder = Recorder(gzipped(json.dumps(page_body).encode(), coding=coding))
    client = make_client(
        api_key="sk_1", base_url="https://host", http_client=make_client.http(recorder)
    )
    with pytest.raises(UnexpectedResponseError, match="not asked for"):
        client.calls.list("a").page(1)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda body: body[:-9], "not complete"),
        (lambda _: b"no gzip", "cannot be read"),
        (lambda _: b"\x1f\x8b\x08\x08" + bytes(6) + b"x" * 3000, "longer than"),
        (lambda body: body + bytes(3000), "longer than"),
        (lambda _: gzip.compress(bytes(10_000_000)), "longer than"),
        (lambda body: body + gzip.compress(bytes(10_000_000)), "longer than"),
        (lambda body: body + gzip.compress(b" ")[:-3], "not complete"),
        (lambda body: body + gzip.compress(b"") * 1000, "too many members"),
    ],
    ids=[
        "broken off",
        "other bytes",
        "endless header",
        "endless tail",
        "bomb",
        "bomb behind",
        "broken off behind",
        "many members",
    ],
)
def test_compressed_body_that_is_none_is_bounded_and_typed(
    make_client: MakeClient, page_body: Any, spoil: Any, says: str
) -> None:
    recorder = Recorder(gzipped(spoil(gzip.compress(json.dumps(page_body).encode()))))
    http = make_client.http(recorder)
    most = 100_000 if says == "too many members" else 2000
    client = make_client(
        api_key="sk_1", base_url="https://host", http_client=http, max_body_bytes=most
    )
    with pytest.raises(UnexpectedResponseError, match=says):
        client.calls.list("a").page(1)


def test_control_character_of_any_kind_is_refused_in_an_agent_id(
    make_client: MakeClient, mock_url: str
) -> None:
    with pytest.raises(ConfigurationError, match="agent_id"):
        make_client(api_key=FULL_KEY, base_url=mock_url).calls.list("a\x85b")


@pytest.mark.parametrize("closed", [True, False])
def test_runtime_error_is_the_closed_clients_or_passes_untouched(
    make_client: MakeClient, *, closed: bool
) -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        if closed:
            client._closed.set()
        raise RuntimeError("Cannot send a request, as the client has been closed.")

    client = make_client(
        api_key="sk_1", base_url="https://host", http_client=make_client.http(answer)
    )
    with pytest.raises(ConfigurationError if closed else RuntimeError, match="closed"):
        client.calls.list("a").first()
