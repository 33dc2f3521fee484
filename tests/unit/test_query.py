from __future__ import annotations

from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentcalls import ConfigurationError
from agentcalls.request.operation import LIST_CALLS
from agentcalls.request.query import CallQuery
from agentcalls_api import AuthenticatedClient
from agentcalls_api.api.calls import list_calls
from agentcalls_api.types import UNSET

BASE_URL = "https://host/prefix"
texts = st.text(max_size=20)
agent_ids = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=20).filter(
    lambda text: text not in {".", ".."}
)


@pytest.mark.parametrize(
    "wrong",
    [
        {"agent_id": ""},
        {"agent_id": "."},
        {"agent_id": ".."},
        {"agent_id": "a\nb"},
        {"agent_id": "a\x7f"},
        {"agent_id": "\ud800"},
        {"agent_id": 7},
        {"agent_id": None},
        {"page": 0},
        {"page": 10**5000},
        {"page": -1},
        {"page": 1.0},
        {"page": True},
        {"page": "1"},
        {"limit": 0},
        {"limit": 101},
        {"limit": False},
        {"search": 7},
        {"search": "\udfff"},
        {"sort": b"created_on"},
        {"status": ["failed"]},
        {"is_test_call": "true"},
        {"is_test_call": 1},
    ],
    ids=lambda wrong: str(wrong)[:40] if "page" not in wrong else None,
)
def test_value_that_the_contract_does_not_allow_is_refused_by_name(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(wrong))):
        CallQuery(**{"agent_id": "agent_1", **wrong})


def test_configuration_error_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="agent_id"):
        CallQuery(agent_id="")


@given(
    agent_id=agent_ids,
    page=st.none() | st.integers(1, 2**53 - 1),
    limit=st.none() | st.integers(1, 100),
    search=st.none() | texts,
    sort=st.none() | texts,
    is_test_call=st.none() | st.booleans(),
    status=st.none() | texts,
)
def test_request_is_the_one_that_the_generated_client_makes(agent_id: str, **options: Any) -> None:
    sent: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(418)

    with httpx.Client(transport=httpx.MockTransport(answer), base_url=BASE_URL) as http:
        generated = AuthenticatedClient(base_url=BASE_URL, token="sk_1")
        generated.set_httpx_client(http)
        list_calls.sync_detailed(
            agent_id,
            client=generated,
            **{name: UNSET if value is None else value for name, value in options.items()},
        )
    target = LIST_CALLS.outgoing(CallQuery(agent_id=agent_id, **options).sent()).target
    (theirs,) = sent
    assert ("GET", f"/prefix{target}".encode()) == (theirs.method, theirs.url.raw_path)
    assert httpx.URL(BASE_URL + target) == theirs.url


@given(agent_id=agent_ids)
def test_agent_id_is_one_segment_of_the_path(agent_id: str) -> None:
    url = httpx.URL(BASE_URL + LIST_CALLS.outgoing(CallQuery(agent_id=agent_id).sent()).target)
    assert url.raw_path.decode().count("/") == "/prefix/api/v1/console/agents/x/calls".count("/")
    assert url.path == f"/prefix/api/v1/console/agents/{agent_id}/calls"
