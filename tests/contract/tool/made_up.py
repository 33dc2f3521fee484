"""Requests that schemathesis makes of the contract, to a host that is not ours: sent, counted and sorted by us.

It makes the queries, in and out of bounds, and checks the answers. Nothing of it sends: its own runner would know
neither of a budget nor of a pace.
"""

from __future__ import annotations

from contextlib import suppress
from itertools import product
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import attrs
import httpx
import schemathesis
from schemathesis import GenerationMode
from schemathesis.core.failures import Failure, FailureGroup, MalformedJson, ServerError
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from contract.tool.contract import PATH, ROOT
from contract.tool.host import Finding, curl, hold, whole_numbers
from contract.tool.model import detail
from contract.tool.others import AGENTS
from contract.tool.properties import HOSTILE, explore, oldest

if TYPE_CHECKING:
    from schemathesis import Case

    from contract.tool.host import Culprit, Host

DETAIL = f"{PATH}/{{callId}}"
# Those of one answer. What else it has sends requests of its own, or takes for granted what only a host can say: from
# where on a page is refused, and which sorts are.
CHECKS = [
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
]


def ask_what_schemathesis_makes_up(host: Host, requests: int) -> None:
    """Send so many requests for the agents and for the host's agent, each another; what is wrong is noted.

    A fifth of them reads calls in detail, which take no query: to make up ids would be to guess them.
    """
    schema = schemathesis.openapi.from_path(str(ROOT / "openapi.yaml"))
    headers = {"Accept": "application/json", **host.credential}
    asked: set[str] = set()

    def make(path: str, mode: GenerationMode, until: int) -> None:
        url = f"{host.base_url.rstrip('/')}{path.replace('{agentId}', quote(host.agent, safe=''))}"

        def check(case: Case[Any]) -> None:
            params = case.as_transport_kwargs(base_url=host.base_url)["params"]
            request = httpx.Request("GET", url, params=params, headers=headers)
            text = str(request.url)
            if len(asked) < until and text not in asked and not is_hostile(request.url):
                asked.add(text)
                _hold(host, case, request)

        # Some are made twice.
        more = attrs.evolve(host, examples=3 * requests)
        explore(more, check, case=schema[path]["GET"].as_strategy(generation_mode=mode))

    listings = product((PATH, AGENTS), (GenerationMode.POSITIVE, GenerationMode.NEGATIVE))
    for number, (path, mode) in enumerate(listings, 1):
        make(path, mode, (requests - requests // 5) * number // 4)
    operation = schema[DETAIL]["GET"]
    for call in _known(host)[: requests // 5]:
        case = operation.Case(path_parameters={"agentId": host.agent, "callId": call})
        url = f"{host.base_url.rstrip('/')}{detail(host.agent, call)}"
        _hold(host, case, httpx.Request("GET", url, headers=headers))


def _known(host: Host) -> list[str]:
    """Calls that are there; none where the properties have said what is wrong with the listing."""
    with suppress(Finding, LookupError, TypeError):
        return [row["id"] for row in oldest(host).rows]
    return []


def is_hostile(url: httpx.URL) -> bool:
    """Whether it sends what attacks look like, which Hypothesis may find in our code."""
    return any(text in value for _, value in url.params.multi_items() for text in HOSTILE)


def _hold(host: Host, case: Case[Any], request: httpx.Request) -> None:
    found: list[Finding] = []
    try:
        response = host.ask(request)
        query = whole_numbers(str(request.url))
        hold(attrs.evolve(host, note=found.append), request, response, query)
        case.validate_response(response, checks=CHECKS)
    except httpx.HTTPError as error:
        found.append(Finding(f"There is no answer ({type(error).__name__}).", curl(host, request)))
    except Finding as raised:
        found.append(raised)
    except FailureGroup as group:
        # Ours say the same of an answer, and what to write into the contract.
        found += [] if found else [_finding(host, request, it) for it in group.exceptions]
    for finding in found:
        finding.alone = True
        host.note(finding)


def _finding(host: Host, request: httpx.Request, failure: Failure) -> Finding:
    wrong: Culprit = (
        "the API" if isinstance(failure, ServerError | MalformedJson) else "the contract"
    )
    message = failure.message.strip().partition("\n")[0]
    said = f"schemathesis: {failure.title}{f': {message}' if message else ''}."
    return Finding(said.replace("..", "."), curl(host, request), wrong)
