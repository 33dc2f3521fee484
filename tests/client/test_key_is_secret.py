"""A canary for the key: whatever echoes it, nothing that can be printed shows it.

`test_faults.py` asks the same of every other fault. No frame of these tests has the key among its locals: it goes from
one function straight into the environment.
"""

from __future__ import annotations

import logging
import os
import pickle
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from agentcalls import AgentCallsError, AsyncClient, Client, Exchange
from client.matrix import POSITIONS, Fault, client_of, read
from client.printed import SCHEMES, Printed, canary
from faults import KEY, FaultServer, answer, changed, head_of, rewritten, script

if TYPE_CHECKING:
    from flavours import MakeClient

ECHOED = KEY.decode()


def echo(name: str, play: Any) -> Fault:
    return Fault(f"echo in {name}", play, AgentCallsError)


ECHOES = [
    echo("the request id", answer(b"{}", 400, X_Request_Id=ECHOED)),
    echo("the request id of a page", answer(b"[]", X_Request_Id=ECHOED)),
    echo("the body's request id", answer(b'{"request_id": "%KEY%", "code": "%KEY%"}', 404)),
    echo(
        "escaped fields",
        answer(b'{"code": "%ESCAPED-KEY%", "errors": [{"path": "%ESCAPED-KEY%"}]}', 400),
    ),
    echo("the location", answer(b"", 302, Location=f"https://{ECHOED}.example/{ECHOED}")),
    echo("a location's user", answer(b"", 302, Location=f"https://{ECHOED}@host/")),
    echo("a location that is none", answer(b"", 302, Location=f"http://host:{ECHOED}/")),
    echo("a relative location", answer(b"", 302, Location=f"/{ECHOED}")),
    echo("the reason", answer(b"{}", 500, reason=ECHOED)),
    echo("the reason of a redirect", answer(b"", 302, reason=ECHOED, Location="/")),
    echo("any header", answer(b"{}", 503, X_Echo=f"Bearer {ECHOED}", WWW_Authenticate=ECHOED)),
    echo("a cookie", answer(b"{}", 503, Set_Cookie=f"key={ECHOED}; path=/")),
    echo("Retry-After", answer(b"{}", 429, Retry_After=ECHOED)),
    echo("the content type", answer(b"<>", 200, Content_Type=ECHOED)),
    echo("the encoding", answer(b"<>", 200, Content_Encoding=ECHOED)),
    echo("the length", script(b"HTTP/1.1 200 OK\r\nContent-Length: %KEY%\r\n\r\n")),
    echo(
        "a head without its body",
        script(head_of(200, {"X-Request-Id": ECHOED, "Content-Length": "9"})),
    ),
    echo("the status line", script(b"%KEY%\r\n\r\n")),
    echo("a page's message", changed(lambda page: page.update(message=ECHOED))),
    echo("a page's row", changed(lambda page: page["data"][0].update(id=ECHOED, source=[ECHOED]))),
    echo("a page's odd row", changed(lambda page: page["data"].append(ECHOED))),
    echo("a page's header", rewritten(bytes, X_Request_Id=ECHOED)),
    echo(
        "a page, escaped",
        rewritten(
            lambda body: (
                b'{"message": "%ESCAPED-KEY%", "odd": ["%KEY%"],' + body[12:].partition(b",")[2]
            )
        ),
    ),
]


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENTCALLS_API_KEY", canary())


@pytest.mark.share("fault")
@pytest.mark.parametrize("way", ["own", "passed"])
@pytest.mark.parametrize("position", POSITIONS)
@pytest.mark.parametrize("fault", ECHOES, ids=str)
def test_nothing_that_can_be_printed_shows_the_key(
    make_client: MakeClient, server: FaultServer, fault: Fault, position: str, way: str
) -> None:
    assert_nothing_shows_the_key(make_client, server, fault, position, way)


@pytest.mark.parametrize("way", ["own", "passed"])
@pytest.mark.parametrize("name", ["any header", "the status line", "the length"])
def test_key_in_a_log_or_an_error_of_httpx_is_not_shown(
    make_client: MakeClient, server: FaultServer, name: str, way: str
) -> None:
    (fault,) = (fault for fault in ECHOES if fault.name == f"echo in {name}")
    assert_nothing_shows_the_key(make_client, server, fault, "first", way)


def assert_nothing_shows_the_key(
    make_client: MakeClient, server: FaultServer, fault: Fault, position: str, way: str
) -> None:
    printed = Printed()
    told: list[object] = []
    with printed.listening():
        hooks = {"on_retry": told.append, "on_exchange": told.append}
        options = {**hooks, "auth": SCHEMES[position], "max_retries": 1}
        client = client_of(
            fault, POSITIONS[position], 1000, make_client, server, way=way, **options
        )
        outcome = read(client)
        pages = [] if outcome.error else [client.calls.list("agent_1").page(1)]
    printed.add(client, client.calls, outcome, outcome.listing, told, *pages)
    printed.add(*(attrs.asdict(one) for one in told if isinstance(one, Exchange)))
    if outcome.error:
        printed.add_error(outcome.error)
    assert ("httpcore" in printed.text) is (way == "passed")
    assert not printed.shows_the_key()


@pytest.mark.parametrize(
    "spoilt", ["{} ", " {}", "{}\n", "{}\u00e9", "{}\u200b", "\ufeff{}"], ids=ascii
)
@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_refused_key_is_not_shown(kind: Any, spoilt: str, monkeypatch: pytest.MonkeyPatch) -> None:
    printed = Printed()
    monkeypatch.setenv("AGENTCALLS_API_KEY", spoilt.format(canary()))
    with printed.listening(), pytest.raises(AgentCallsError) as caught:
        kind(base_url="https://host")
    printed.add_error(caught.value)
    assert "API key" in printed.text
    assert not printed.shows_the_key()


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"base_url": "http://host"},
        {"base_url": "https://host", "max_retries": -1},
        {"base_url": "https://host", "auth": "basic"},
        {"base_url": "https://host", "deadline": float("nan")},
        {"base_url": "https://host..example"},
    ],
    ids=str,
)
def test_refused_setting_does_not_show_the_key(make_client: MakeClient, options: Any) -> None:
    printed = Printed()
    with printed.listening(), pytest.raises(AgentCallsError) as caught:
        make_client(**options)
    printed.add_error(caught.value)
    assert not printed.shows_the_key()


def test_password_of_a_base_url_is_not_shown(make_client: MakeClient) -> None:
    printed = Printed()
    with printed.listening(), pytest.raises(AgentCallsError) as caught:
        make_client(base_url=os.environ["AGENTCALLS_API_KEY"].join(("https://user:", "@host")))
    printed.add(caught.value, vars(caught.value))
    assert not printed.shows_the_key()


def test_client_is_not_pickled(make_client: MakeClient, server: FaultServer) -> None:
    client = make_client(base_url=server.url)
    with pytest.raises(TypeError, match="key"):
        pickle.dumps(client._config)
    bare: Any = getattr(client, "_target", client)
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(bare)


@pytest.mark.parametrize("location", ["{}/elsewhere", "/elsewhere"])
def test_no_request_follows_a_redirect(
    make_client: MakeClient, server: FaultServer, location: str
) -> None:
    with FaultServer() as other:
        server.fail(answer(b"", 302, Location=location.format(other.url)))
        http = make_client.through(None, follow_redirects=True)
        with pytest.raises(AgentCallsError, match="redirects"):
            make_client(base_url=server.url, http_client=http).calls.list("agent_1").all()
        assert other.requests == []
    assert len(server.requests) == 1


@pytest.mark.parametrize("scheme", SCHEMES.values())
@pytest.mark.parametrize("default", ["headers", "auth", "cookie"])
def test_one_header_carries_the_key_whatever_the_users_http_client_adds(
    make_client: MakeClient, server: FaultServer, default: str, scheme: Any
) -> None:
    defaults: dict[str, dict[str, Any]] = {
        "headers": {"headers": {"Authorization": "Basic b3RoZXI=", "x-api-key": "other"}},
        "auth": {"auth": ("user", "password")},
        "cookie": {"cookies": {"a": "b"}},
    }
    http = make_client.through(None, **defaults[default])
    client = make_client(base_url=server.url, http_client=http, auth=scheme)
    client.calls.list("agent_1").page(1)
    sent = {name: server.requests[0].all(name) for name in ("Authorization", "X-Api-Key")}
    carried = [value.removeprefix("Bearer ") for values in sent.values() for value in values]
    assert carried == [canary()]
    assert bool(sent["Authorization"]) == (scheme == "bearer")


def test_the_canary_can_be_seen() -> None:
    printed = Printed()
    with printed.listening():
        logging.getLogger("httpcore.http11").debug("it is %s", canary().upper())
    assert printed.shows_the_key()
    printed = Printed()

    def held(key: str) -> None:
        raise AgentCallsError(f"It has {len(key)} characters.")

    with pytest.raises(AgentCallsError) as caught:
        held(canary())
    printed.add_error(caught.value)
    assert printed.shows_the_key()
