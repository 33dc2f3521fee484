"""Every argument of every public function: a value of a type that it does not take is refused, and the error names it.

The functions and their parameters are enumerated; a new one needs a line here, or the test says so.
"""

from __future__ import annotations

import asyncio
import inspect
import io
import re
import socket
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

import attrs
import httpx
import pytest

import agentcalls
from agentcalls import (
    AgentCallsError,
    AsyncClient,
    Client,
    Clock,
    ConfigurationError,
    OtherParameters,
)
from agentcalls import export as exports
from agentcalls.request.derived import ClientOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SETTINGS: dict[str, Any] = {
    "api_key": "sk_12345678",
    "base_url": "http://127.0.0.1:1",
    "max_retries": 0,
}


def samples() -> dict[str, Any]:
    """A value of each kind, new each time: an argument may use it up."""
    return {
        "none": None,
        "boolean": True,
        "integer": 5,
        "float": 1.5,
        "infinity": float("inf"),
        "text": "word",
        "half a character": "\udc80",
        "null character": "a\0b",
        "bytes": b"word",
        "list": [],
        "list of numbers": [5],
        "mapping": {},
        "mapping of numbers": {"word": 5},
        "datetime": datetime(2026, 11, 23, tzinfo=UTC),
        "naive datetime": datetime(2026, 11, 23),  # noqa: DTZ001 (that is its point)
        "date": date(2026, 11, 23),
        "duration": timedelta(hours=1),
        "zone": UTC,
        "path": Path("calls.csv"),
        "function": len,
        "class": int,
        "object": object(),
        "stream": io.BytesIO(),
        "text stream": io.StringIO(),
        "httpx.Client": httpx.Client,
    }


CALLABLE = {"function", "class", "httpx.Client"}
FLAG = {"boolean"}
COUNT = {"integer"}
ONE_TEXT = {"text"}
ANY_TEXT = {"text", "null character"}
SECONDS = {"integer", "float"}
MAYBE = {"none"}
# Each id is checked when it is reached.
SEVERAL = {"list", "list of numbers", "mapping", "mapping of numbers", "stream", "text stream"}
PATH = {"path", "text", "half a character"}  # a name on a disk may hold any bytes
MOMENT = MAYBE | {"datetime", "date", "duration"}

# The kinds that each parameter takes, wherever it has this name.
TAKES: dict[str, set[str]] = {
    "agent_id": ONE_TEXT,
    "call_id": ONE_TEXT,
    "page": MAYBE | COUNT,
    "limit": MAYBE | COUNT,
    "search": MAYBE | ANY_TEXT,
    "sort": MAYBE | ANY_TEXT,
    "is_test_call": MAYBE | FLAG,
    "status": MAYBE | ANY_TEXT,
    "since": MOMENT,
    "until": MOMENT,
    "tz": MAYBE | {"zone"},
    "exact": FLAG,
    "oldest_first": FLAG,
    "max_items": MAYBE | COUNT,
    "resume": MAYBE,  # of a listing
    "concurrency": MAYBE | COUNT,
    "strict": MAYBE | FLAG,
    "max_retries": MAYBE | COUNT,
    "stop_on_error": FLAG,
    "ordered": FLAG,
    "on_agent": MAYBE | CALLABLE,
    "agent_ids": SEVERAL,
    "number": COUNT,
    "size": COUNT,
    "text": ONE_TEXT,
    "headers": {"mapping", "mapping of numbers"},
    "api_key": MAYBE | ONE_TEXT | CALLABLE,
    "base_url": MAYBE,
    "auth": MAYBE,
    "timeout": MAYBE | SECONDS,
    "http_client": MAYBE,
    "allow_http": FLAG,
    "deadline": SECONDS,
    "max_retry_wait": SECONDS,
    "max_body_bytes": COUNT,
    "on_retry": MAYBE | CALLABLE,
    "on_exchange": MAYBE | CALLABLE,
    "request_id_prefix": ONE_TEXT,
    "clock": MAYBE,
    "now": CALLABLE,
    "wall": CALLABLE,
    "random": CALLABLE,
    "sleep": MAYBE | CALLABLE,
    "client": set(),
    "agents": {"mapping of numbers"},  # of one agent, "word"
    "path": PATH,
    "target": PATH,
    "file": {"stream"},
    "format": MAYBE,
    "force": FLAG,
    "keep_going": FLAG,
    "progress": MAYBE | CALLABLE,
    "journal_calls": COUNT,
}
# Where the same name means something else.
OWN: dict[tuple[str, str], set[str]] = {
    ("Client", "strict"): FLAG,
    ("AsyncClient", "strict"): FLAG,
    ("Client", "concurrency"): COUNT,
    ("AsyncClient", "concurrency"): COUNT,
    ("Client", "max_retries"): COUNT,
    ("AsyncClient", "max_retries"): COUNT,
    ("Client.with_options", "strict"): FLAG,
    ("AsyncClient.with_options", "strict"): FLAG,
    ("Client.with_options", "concurrency"): COUNT,
    ("AsyncClient.with_options", "concurrency"): COUNT,
    ("Client.with_options", "max_retries"): COUNT,
    ("AsyncClient.with_options", "max_retries"): COUNT,
    ("Calls.list_many", "since"): MOMENT | CALLABLE | {"mapping", "mapping of numbers"},
    ("Calls.list_many", "resume"): MAYBE | {"mapping"},
    ("export", "resume"): FLAG,
    ("export_stream", "format"): set(),
    ("ManyIterator.agent", "agent_id"): ANY_TEXT,
    ("AsyncManyIterator.agent", "agent_id"): ANY_TEXT,
    ("duration_of", "text"): {"text", "half a character", "null character"},
    ("Checkpoint.from_json", "text"): {"text", "half a character", "null character", "bytes"},
}


def client() -> Client:
    return Client(**SETTINGS)


def async_client() -> AsyncClient:
    return AsyncClient(**SETTINGS)


def exported(**arguments: Any) -> object:
    usual = {"client": client(), "agents": ["a"], "path": Path("calls.csv")}
    return exports.export(**{**usual, **arguments})


def streamed(**arguments: Any) -> object:
    usual = {"client": client(), "agents": ["a"], "file": io.BytesIO()}
    return exports.export_stream(**{**usual, **arguments})


def whole(path: Any) -> None:
    with exports.written_whole(path):
        pass


async def awaited(value: Any) -> object:
    return await value


def many(client: Any) -> Any:
    return client.calls.list_many(["a"])


# How each public function is called with one argument that matters.
CALLS: dict[str, Callable[..., object]] = {
    "duration_of": agentcalls.duration_of,
    "Client": lambda **given: Client(**{**SETTINGS, **given}),
    "AsyncClient": lambda **given: AsyncClient(**{**SETTINGS, **given}),
    "Clock": Clock,
    "Client.with_options": client().with_options,
    "AsyncClient.with_options": async_client().with_options,
    "Calls.get": lambda **given: client().calls.get(**{"agent_id": "a", "call_id": "b", **given}),
    "Calls.list": lambda **given: client().calls.list(**{"agent_id": "a", **given}),
    "Calls.list_many": lambda **given: client().calls.list_many(**{"agent_ids": ["a"], **given}),
    "Agents.list": client().agents.list,
    "CallListing.page": lambda number: client().calls.list("a").page(number),
    "CallListing.batches": lambda size: client().calls.list("a").batches(size),
    "AsyncCallListing.page": lambda number: asyncio.run(
        awaited(async_client().calls.list("a").page(number))
    ),
    "AsyncCallListing.batches": lambda size: async_client().calls.list("a").batches(size),
    "AgentListing.page": lambda number: client().agents.list().page(number),
    "AsyncAgentListing.page": lambda number: asyncio.run(
        awaited(async_client().agents.list().page(number))
    ),
    "ManyListing.batches": lambda size: many(client()).batches(size),
    "AsyncManyListing.batches": lambda size: many(async_client()).batches(size),
    "ManyIterator.agent": lambda agent_id: iter(many(client())).agent(agent_id),
    "AsyncManyIterator.agent": lambda agent_id: aiter(many(async_client())).agent(agent_id),
    "Checkpoint.from_json": agentcalls.Checkpoint.from_json,
    "RateLimit.from_headers": agentcalls.RateLimit.from_headers,
    "export": exported,
    "export_stream": streamed,
    "folder_of": exports.folder_of,
    "written_whole": whole,
}
# How a message names an argument otherwise.
ALSO = {
    "agents": "agent_id",
    "api_key": "API key",
    "base_url": "base URL",
}
UNPACKED = {
    "filters": list(exports.Filters.__annotations__),
    "options": list(ClientOptions.__annotations__),
    "others": [],
}
OTHERS = OtherParameters.__annotations__.keys()
"""Those that the contract has gained: test_query.py tries each kind."""
BUILT = {"Client", "AsyncClient", "Clock"}
"""The classes that a user makes; values, listings and errors come from us."""


def parameters_of(function: Any) -> list[str]:
    """The names of its parameters; those of `**filters` and `**options` by their own names."""
    names = [name for name in inspect.signature(function).parameters if name != "self"]
    return [own for name in names for own in UNPACKED.get(name, [name]) if own not in OTHERS]


def functions() -> Iterator[tuple[str, list[str]]]:
    """Each public function, class or method of ours that has parameters, with their names."""
    for module in (agentcalls, exports):
        for name in module.__all__:
            value = getattr(module, name)
            if inspect.isfunction(value) or name in BUILT:
                yield name, parameters_of(value)
            if not inspect.isclass(value):
                continue
            for method, found in inspect.getmembers(value, inspect.isroutine):
                ours = (getattr(found, "__module__", "") or "").startswith("agentcalls.")
                if ours and not method.startswith("_") and parameters_of(found):
                    yield f"{name}.{method}", parameters_of(found)


FUNCTIONS = dict(functions())


def test_every_public_function_is_here() -> None:
    assert set(FUNCTIONS) == set(CALLS)
    assert {name for names in FUNCTIONS.values() for name in names} == set(TAKES)


ARGUMENTS = [(function, name) for function, names in FUNCTIONS.items() for name in names]
IDS = [" ".join(argument) for argument in ARGUMENTS]


def taken(function: str, name: str) -> set[str]:
    return OWN.get((function, name), TAKES[name])


@pytest.fixture(autouse=True)
def _in_a_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(("function", "name"), ARGUMENTS, ids=IDS)
def test_argument_of_another_type_is_refused_by_name(
    function: str, name: str, tmp_path: Path
) -> None:
    called = re.compile(rf"\b({name}|{ALSO.get(name, name)})\b")
    for kind in sorted(set(samples()) - taken(function, name)):
        try:
            found: object = CALLS[function](**{name: samples()[kind]})
        except ConfigurationError as error:
            found = error
        except Exception as error:  # noqa: BLE001 (which kind it was belongs to the failure)
            found = repr(error)
        assert isinstance(found, ConfigurationError), (kind, found)
        assert called.search(str(found)), (kind, str(found))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("function", "name"), ARGUMENTS, ids=IDS)
def test_argument_of_its_type_is_taken(function: str, name: str) -> None:
    for kind in sorted(taken(function, name)):
        try:
            CALLS[function](**{name: samples()[kind]})
        except ConfigurationError as error:
            assert f"{name} takes" not in str(error), (kind, str(error))  # noqa: PT017 (others may do)
        except (AgentCallsError, KeyError):  # nobody listens; such an agent was not reached
            pass


def test_an_agent_and_a_call_stand_for_their_ids() -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path.removeprefix("/api/v1/console/"))
        return httpx.Response(404)

    def made(model: Any, id: str) -> Any:
        fields = [each.name for each in attrs.fields(model) if each.init]
        return model(**{**dict.fromkeys(fields), "id": id})

    agent, call = made(agentcalls.Agent, "agent_1"), made(agentcalls.Call, "call_1")
    with (
        httpx.Client(transport=httpx.MockTransport(answer)) as http,
        Client(**SETTINGS, http_client=http) as client,
    ):
        for read in (
            lambda: client.calls.list(agent).first(),
            lambda: client.calls.get(agent, call),
            lambda: list(client.calls.list_many([agent], stop_on_error=True)),
        ):
            with pytest.raises(agentcalls.NotFoundError):
                read()
        assert client.calls.list(agent).query == client.calls.list("agent_1").query
    assert asked == ["agents/agent_1/calls", "agents/agent_1/calls/call_1", "agents/agent_1/calls"]


def test_a_port_that_does_not_speak_tls_is_named_as_such() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def refuse() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        thread = Thread(target=refuse)
        thread.start()
        url = f"https://127.0.0.1:{listener.getsockname()[1]}"
        with (
            Client(**{**SETTINGS, "base_url": url}) as client,
            pytest.raises(
                agentcalls.APIConnectionError, match="may speak plain http, and not https"
            ),
        ):
            client.agents.list().all()
        thread.join()
