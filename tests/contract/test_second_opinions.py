"""What tools that share no code with ours make of the contract, the facade and the mock."""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from importlib.util import module_from_spec, spec_from_file_location
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx
import pytest
from datamodel_code_generator import InputFileType, generate
from datamodel_code_generator.enums import DataModelType
from pydantic import ValidationError

from agentcalls import (
    APIStatusError,
    AuthenticationError,
    BadRequestError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
)
from contract.tool.contract import OPENAPI, PATH, ROOT, reference_bodies
from contract.tool.host import certificates, credential
from contract.tool.lying import lying
from contract.tool.mutants import LIES, OTHER_LIES
from contract.tool.others import AGENTS
from contract.tool.posing import AWKWARD_AGENT, KEY, NOSCOPE_KEY, SMALL_KEY, served
from contract.tool.prism import PRISM, VIOLATIONS, prism

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path
    from types import ModuleType

    from agentcalls import Client
    from contract.tool.lying import Answered, Asked, Honest
    from flavours import MakeClient

ERRORS: dict[int, type[APIStatusError]] = {
    400: BadRequestError,
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    429: RateLimitError,
}
needs_prism = pytest.mark.skipif(
    not PRISM.exists(),
    reason="node is not on this machine: make test sets up node_modules where it is",
)


@pytest.fixture(scope="module")
def http() -> Generator[httpx.Client]:
    """One for all requests: each client reads the certificates, which takes longer than a request."""
    with httpx.Client(timeout=30, trust_env=False, verify=certificates()) as client:
        yield client


def listing(url: str, agent: str = "agent_demo") -> str:
    return f"{url}{PATH.replace('{agentId}', quote(agent, safe=''))}"


# Prism serves the contract, and the facade reads it


@pytest.fixture(scope="module")
def prism_mock() -> Generator[str]:
    with prism("mock", "--seed", "7") as url:
        yield url


def preferring(make_client: MakeClient, url: str, status: int, *, dynamic: bool) -> Client:
    headers = {"Prefer": f"code={status}, dynamic={str(dynamic).lower()}"}
    transport = httpx.HTTPTransport if make_client.flavour == "sync" else httpx.AsyncHTTPTransport
    http = make_client.through(transport(verify=certificates()), headers=headers)
    return make_client(api_key="sk_1", base_url=url, http_client=http, max_retries=0)


# What the facade asks of each operation; a page or a call comes back.
ASK: dict[str, Callable[[Client], Any]] = {
    "listCalls": lambda client: client.calls.list("agent_1").page(1),
    "listAgents": lambda client: client.agents.list().page(1),
    "getCall": lambda client: client.calls.get("agent_1", "call_1"),
}
RESPONSES = {
    item["get"]["operationId"]: item["get"]["responses"] for item in OPENAPI["paths"].values()
}


def whole(node: Any) -> Any:
    """Without the fractions that the facade writes of a moment."""
    return json.loads(json.dumps(node).replace(".000000Z", "Z"))


def test_each_operation_of_the_contract_is_asked() -> None:
    assert RESPONSES.keys() == ASK.keys()


@needs_prism
@pytest.mark.parametrize("operation", ASK)
def test_the_facade_reads_the_example_that_prism_has_from_the_contract(
    prism_mock: str, make_client: MakeClient, operation: str
) -> None:
    read = ASK[operation](preferring(make_client, prism_mock, 200, dynamic=False))
    body = RESPONSES[operation]["200"]["content"]["application/json"]
    (example,) = (it["value"] for it in body["examples"].values())
    if operation == "getCall":
        assert whole(read.to_dict()) == example["data"]
        return
    assert [whole(row.to_dict()) for row in read.data] == example["data"]
    assert read.rate_limit.limit == 120


def test_the_contracts_page_is_that_of_the_reference() -> None:
    body = RESPONSES["listCalls"]["200"]["content"]["application/json"]
    assert body["examples"]["reference"]["value"]["data"] == reference_bodies()["200"]["data"]


@needs_prism
@pytest.mark.parametrize("operation", ASK)
def test_the_facade_reads_any_answer_that_prism_makes_up(
    prism_mock: str, make_client: MakeClient, operation: str
) -> None:
    client = preferring(make_client, prism_mock, 200, dynamic=True)
    answers = [ASK[operation](client) for _ in range(5)]
    if operation == "getCall":
        assert sum(len(call.conversation_logs) for call in answers) > 1
        return
    assert sum(len(page.data) for page in answers) > 1
    # Its numbers are at random, so they are those of another page than was asked for.
    random = {"meta.current_page", "meta.limit"}
    assert {problem.field for page in answers for problem in page.problems} <= random


@needs_prism
@pytest.mark.parametrize("operation", ASK)
@pytest.mark.parametrize("dynamic", [False, True], ids=["static", "dynamic"])
def test_the_facade_raises_each_error_that_prism_has_from_the_contract(
    prism_mock: str, make_client: MakeClient, operation: str, *, dynamic: bool
) -> None:
    documented = sorted(map(int, RESPONSES[operation].keys() - {"200"}))
    assert documented
    for status in documented:
        client = preferring(make_client, prism_mock, status, dynamic=dynamic)
        with pytest.raises(ERRORS[status]) as raised:
            ASK[operation](client)
        error = raised.value
        assert error.message
        assert error.code
        assert error.request_id
        assert error.retry_after == (30 if status == 429 else None)


def test_each_error_that_is_documented_has_a_class() -> None:
    assert {int(it) for one in RESPONSES.values() for it in one} == {200, *ERRORS}


# Prism stands between clients and the mock


SAID = {
    "text": LIES["types"]["duration_seconds is a text"],
    "less": LIES["missing fields"]["calls have no end_reason"],
    "more": LIES["extra fields"]["calls have an internal field"],
    "nameless": OTHER_LIES["agents"]["an agent has no name"],
    "roleless": OTHER_LIES["details"]["a message has no role"],
}


async def lies_if_asked(asked: Asked, honest: Honest) -> Answered:
    lie = SAID.get(asked.query.get("search", ""))
    return await (lie(asked.with_query(search=None), honest) if lie else honest(asked))


@pytest.fixture(scope="module")
def mocked() -> Generator[str]:
    """The mock, which answers a search for a lie with that lie."""
    with served(lying(lies_if_asked)) as url:
        yield url


@pytest.fixture(scope="module")
def proxy(mocked: str) -> Generator[str]:
    with prism("proxy", mocked) as url:
        yield url


class Watched:
    """Counts the answers that a client got through the proxy, and keeps what Prism says is wrong with them."""

    def __init__(self) -> None:
        self.count = 0
        self.violations: list[Any] = []

    def heard(self, response: httpx.Response) -> None:
        self.count += 1
        self.violations += json.loads(response.headers.get(VIOLATIONS, "[]"))

    async def heard_async(self, response: httpx.Response) -> None:
        self.heard(response)


@pytest.mark.share(one_in=1)  # on each change
@needs_prism
def test_a_client_that_lists_filters_and_fails_through_prism_violates_nothing(
    proxy: str, make_client: MakeClient
) -> None:
    watched = Watched()

    def client(key: str, **options: Any) -> Client:
        is_async = make_client.flavour == "async"
        kind = httpx.AsyncHTTPTransport if is_async else httpx.HTTPTransport
        transport = kind(verify=certificates())
        hook = watched.heard_async if is_async else watched.heard
        http = make_client.through(transport, event_hooks={"response": [hook]})
        return make_client(api_key=key, base_url=proxy, http_client=http, max_retries=0, **options)

    for auth in ("bearer", "x-api-key"):
        calls = client(KEY, auth=auth).calls
        assert len(calls.list("agent_demo", limit=20).all()) == 250
        assert len(calls.list(AWKWARD_AGENT).all()) > 0
        for sort in ("created_on", "-created_on", "created_at", "-duration_seconds"):
            assert calls.list("agent_demo", sort=sort, status="failed").first()
        assert calls.list("agent_demo", is_test_call=True, search="+", limit=9).page(2).data
        assert calls.list("agent_demo", search="no call has this").count() == 0
        assert calls.list("agent_demo").page(2**40).data == []
        agents = client(KEY, auth=auth).agents
        ids = [agent.id for agent in agents.list(limit=2).all()]
        assert AWKWARD_AGENT in ids
        assert agents.list(sort="-created_at", search="a").first()
        for agent in ("agent_demo", AWKWARD_AGENT):
            for call in calls.list(agent, limit=12).page(1).data:
                assert calls.get(agent, call.id).id == call.id
        with pytest.raises(NotFoundError):
            calls.get("agent_demo", "no/such call?")
        refusals: list[tuple[str, type[APIStatusError]]] = [
            ("sk_wrong", AuthenticationError),
            (NOSCOPE_KEY, PermissionDeniedError),
        ]
        for key, refusal in refusals:
            with pytest.raises(refusal):
                client(key, auth=auth).agents.list().first()
            with pytest.raises(refusal):
                client(key, auth=auth).calls.get("agent_demo", "call_1")
        for agent, key, expected in (
            ("nobody", KEY, NotFoundError),
            ("agent_demo", "sk_wrong", AuthenticationError),
            ("agent_demo", NOSCOPE_KEY, PermissionDeniedError),
        ):
            with pytest.raises(expected):
                client(key, auth=auth).calls.list(agent).first()
    for limited in (
        lambda: client(SMALL_KEY).calls.list("agent_demo").page(1),
        lambda: client(SMALL_KEY).agents.list().page(1),
        lambda: client(SMALL_KEY).calls.get("agent_demo", "call_1"),
    ):
        for _ in range(3):
            with suppress(NotFoundError, RateLimitError):
                limited()
        with pytest.raises(RateLimitError):
            limited()
    assert watched.count > 30
    assert watched.violations == []


@needs_prism
@pytest.mark.parametrize(
    ("path", "headers", "told"),
    [
        ("/agent_demo/calls?search=text", credential(KEY), (200, "response")),
        ("/agent_demo/calls?limit=101", credential(KEY), (400, "request")),
        ("/agent_demo/calls", {}, (401, "request")),
        ("?search=nameless", credential(KEY), (200, "response")),
        ("?limit=101", credential(KEY), (400, "request")),
        ("/agent_demo/calls/nothing", {}, (401, "request")),
    ],
)
def test_prism_says_what_violates_the_contract_and_whose_fault_it_is(
    http: httpx.Client,
    proxy: str,
    path: str,
    headers: dict[str, str],
    told: tuple[int, str],
) -> None:
    response = http.get(f"{proxy}{AGENTS}{path}", headers=headers)
    violations = json.loads(response.headers[VIOLATIONS])
    assert (response.status_code, {it["location"][0] for it in violations}) == (told[0], {told[1]})


# Another generator's models read what the mock answers


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    """Pydantic's models of the contract, by datamodel-code-generator; a field that it does not name is refused."""
    path: Path = tmp_path_factory.mktemp("models") / "models_of_the_contract.py"
    generate(
        ROOT / "openapi.yaml",
        input_file_type=InputFileType.OpenAPI,
        output=path,
        output_model_type=DataModelType.PydanticV2BaseModel,
        extra_fields="forbid",
        formatters=[],
    )
    spec = spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, path.stem, module)  # there pydantic looks its names up
        spec.loader.exec_module(module)
    return module


@pytest.mark.share(one_in=1)  # on each change
def test_another_generators_models_read_every_page_and_call_of_the_mock(
    models: ModuleType, http: httpx.Client, mocked: str
) -> None:
    def read(model: Any, url: str, **query: int) -> Any:
        answer = http.get(url, params=query, headers=credential(KEY))
        return model.model_validate_json(answer.content, strict=True)

    def pages(model: Any, url: str, limit: int) -> list[Any]:
        read_so_far = [read(model, url, limit=limit, page=1)]
        while read_so_far[-1].meta.has_next_page:
            number = len(read_so_far) + 1
            read_so_far.append(read(model, url, limit=limit, page=number))
            assert read_so_far[-1].meta.current_page == number
        return [row for page in read_so_far for row in page.data]

    agents = pages(models.AgentPage, f"{mocked}{AGENTS}", 2)
    calls = {agent.id: pages(models.CallPage, listing(mocked, agent.id), 100) for agent in agents}
    assert {agent: len(of_it) for agent, of_it in calls.items()} == {
        "agent_demo": 250,
        "agent_2": 25,
        "agent_3": 25,
        "agent_empty": 0,
        "agent_one": 1,
        AWKWARD_AGENT: 12,
    }
    details = [
        read(models.CallAnswer, f"{listing(mocked, agent)}/{call.id}").data
        for agent, of_it in calls.items()
        for call in of_it[:30]
    ]
    assert {call.status for call in details} == {it.status for it in calls["agent_demo"]}
    said = [message for call in details for message in call.conversation_logs]
    assert any(message.attachments for message in said)


@pytest.mark.share(one_in=1)  # on each change
def test_another_generators_models_read_every_error_of_the_mock(
    models: ModuleType, http: httpx.Client, mocked: str
) -> None:
    asked: dict[int, dict[str, Any]] = {
        400: {"params": {"limit": "101", "is_test_call": "maybe"}},
        401: {"headers": credential("sk_wrong")},
        403: {"headers": credential(NOSCOPE_KEY)},
        404: {},
        429: {"headers": credential(SMALL_KEY)},
    }
    urls = {
        "listCalls": (listing(mocked), listing(mocked, "nobody")),
        "listAgents": (f"{mocked}{AGENTS}", ""),
        "getCall": (f"{listing(mocked)}/x", f"{listing(mocked)}/x"),
    }
    assert urls.keys() == RESPONSES.keys()
    for operation, (url, missing) in urls.items():
        for status in sorted(map(int, RESPONSES[operation].keys() - {"200"})):
            sent: dict[str, Any] = {"headers": credential(KEY)} | asked[status]
            sent |= {"url": missing if status == 404 else url}
            answers = [http.get(**sent) for _ in range(4 if status == 429 else 1)]
            assert answers[-1].status_code == status
            error: Any = models.ApiError.model_validate_json(answers[-1].content, strict=True)
            assert error.statusCode == status
            assert bool(error.errors) is (status == 400)


@pytest.mark.share
@pytest.mark.parametrize("lie", SAID)
def test_another_generators_models_notice_a_lie(
    models: ModuleType, http: httpx.Client, mocked: str, lie: str
) -> None:
    url, model = listing(mocked), models.CallPage
    if lie == "nameless":
        url, model = f"{mocked}{AGENTS}", models.AgentPage
    if lie == "roleless":
        rows = http.get(url, params={"status": "ended"}, headers=credential(KEY)).json()["data"]
        url, model = f"{url}/{rows[0]['id']}", models.CallAnswer
    answer = http.get(url, params={"search": lie}, headers=credential(KEY))
    with pytest.raises(ValidationError):
        model.model_validate_json(answer.content, strict=True)
