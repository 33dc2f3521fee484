"""What tools that share no code with ours make of the contract, the facade and the mock."""

from __future__ import annotations

import json
import sys
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
from contract.tool.contract import OPERATION, PATH, ROOT, reference_bodies
from contract.tool.host import credential
from contract.tool.lying import lying
from contract.tool.mutants import LIES
from contract.tool.posing import AWKWARD_AGENT, KEY, NOSCOPE_KEY, SMALL_KEY, served
from contract.tool.prism import PRISM, VIOLATIONS, prism

if TYPE_CHECKING:
    from collections.abc import Generator
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
    http = make_client.through(transport(), headers=headers)
    return make_client(api_key="sk_1", base_url=url, http_client=http, max_retries=0)


@needs_prism
def test_the_facade_reads_the_page_that_prism_has_from_the_contract(
    prism_mock: str, make_client: MakeClient
) -> None:
    page = preferring(make_client, prism_mock, 200, dynamic=False).calls.list("agent_1").page(1)
    shown = json.dumps([call.to_dict() for call in page.data])
    assert json.loads(shown.replace(".000000Z", "Z")) == reference_bodies()["200"]["data"]
    assert page.rate_limit is not None
    assert page.rate_limit.limit == 120


@needs_prism
def test_the_facade_reads_any_page_that_prism_makes_up(
    prism_mock: str, make_client: MakeClient
) -> None:
    client = preferring(make_client, prism_mock, 200, dynamic=True)
    pages = [client.calls.list("agent_1").page(1) for _ in range(5)]
    assert sum(len(page.data) for page in pages) > 1
    # Its numbers are at random, so they are those of another page than was asked for.
    random = {"meta.current_page", "meta.limit"}
    assert {problem.field for page in pages for problem in page.problems} <= random


@needs_prism
@pytest.mark.parametrize("dynamic", [False, True], ids=["static", "dynamic"])
def test_the_facade_raises_each_error_that_prism_has_from_the_contract(
    prism_mock: str, make_client: MakeClient, *, dynamic: bool
) -> None:
    documented = sorted(map(int, OPERATION["responses"].keys() - {"200"}))
    assert documented == sorted(ERRORS)
    for status in documented:
        client = preferring(make_client, prism_mock, status, dynamic=dynamic)
        with pytest.raises(ERRORS[status]) as raised:
            client.calls.list("agent_1").page(1)
        error = raised.value
        assert error.message
        assert error.code
        assert error.request_id
        assert error.retry_after == (30 if status == 429 else None)


# Prism stands between clients and the mock


SAID = {
    "text": LIES["types"]["duration_seconds is a text"],
    "less": LIES["missing fields"]["calls have no end_reason"],
    "more": LIES["extra fields"]["calls have an internal field"],
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


@needs_prism
def test_a_client_that_lists_filters_and_fails_through_prism_violates_nothing(
    proxy: str, make_client: MakeClient
) -> None:
    watched = Watched()

    def client(key: str, **options: Any) -> Client:
        is_async = make_client.flavour == "async"
        transport = httpx.AsyncHTTPTransport() if is_async else httpx.HTTPTransport()
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
        for agent, key, expected in (
            ("nobody", KEY, NotFoundError),
            ("agent_demo", "sk_wrong", AuthenticationError),
            ("agent_demo", NOSCOPE_KEY, PermissionDeniedError),
        ):
            with pytest.raises(expected):
                client(key, auth=auth).calls.list(agent).first()
    limited = client(SMALL_KEY).calls.list("agent_demo")
    with pytest.raises(RateLimitError):
        [limited.page(1) for _ in range(4)]
    assert watched.count > 30
    assert watched.violations == []


@needs_prism
@pytest.mark.parametrize(
    ("query", "headers", "status", "where"),
    [
        ("search=text", credential(KEY), 200, "response"),
        ("limit=101", credential(KEY), 400, "request"),
        ("", {}, 401, "request"),
    ],
)
def test_prism_says_what_violates_the_contract_and_whose_fault_it_is(
    proxy: str, query: str, headers: dict[str, str], status: int, where: str
) -> None:
    response = httpx.get(f"{listing(proxy)}?{query}", headers=headers)
    violations = json.loads(response.headers[VIOLATIONS])
    assert response.status_code == status
    assert {violation["location"][0] for violation in violations} == {where}


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


def test_another_generators_models_read_every_page_of_the_mock(
    models: ModuleType, mocked: str
) -> None:
    seen = 0
    for agent in ("agent_demo", "agent_one", "agent_empty", AWKWARD_AGENT):
        number = 1
        while number:
            query = {"limit": 100, "page": number}
            answer = httpx.get(listing(mocked, agent), params=query, headers=credential(KEY))
            page: Any = models.CallPage.model_validate_json(answer.content, strict=True)
            assert page.meta.current_page == number
            seen += len(page.data)
            number = page.meta.has_next_page and number + 1
    assert seen == 250 + 1 + 12


def test_another_generators_models_read_every_error_of_the_mock(
    models: ModuleType, mocked: str
) -> None:
    asked: dict[int, dict[str, Any]] = {
        400: {"params": {"limit": "101", "is_test_call": "maybe"}},
        401: {"headers": credential("sk_wrong")},
        403: {"headers": credential(NOSCOPE_KEY)},
        404: {"url": listing(mocked, "nobody")},
        429: {"headers": credential(SMALL_KEY)},
    }
    assert asked.keys() == ERRORS.keys()
    for status, request in asked.items():
        sent: dict[str, Any] = {"url": listing(mocked), "headers": credential(KEY)} | request
        answers = [httpx.get(**sent) for _ in range(4 if status == 429 else 1)]
        assert answers[-1].status_code == status
        error: Any = models.ApiError.model_validate_json(answers[-1].content, strict=True)
        assert error.statusCode == status
        assert bool(error.errors) is (status == 400)


@pytest.mark.share
@pytest.mark.parametrize("lie", SAID)
def test_another_generators_models_notice_a_lie(models: ModuleType, mocked: str, lie: str) -> None:
    answer = httpx.get(listing(mocked), params={"search": lie}, headers=credential(KEY))
    with pytest.raises(ValidationError):
        models.CallPage.model_validate_json(answer.content, strict=True)
