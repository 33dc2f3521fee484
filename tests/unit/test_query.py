from __future__ import annotations

import inspect
from datetime import UTC, date, datetime
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from agentcalls import (
    Agents,
    Calls,
    ConfigurationError,
    OtherAgentParameters,
    OtherCallParameters,
    OtherParameters,
)
from agentcalls.checks import checked_others
from agentcalls.request.operation import LIST_CALLS
from agentcalls.request.query import CallQuery
from agentcalls_api import AuthenticatedClient
from agentcalls_api.api.agents import list_agents
from agentcalls_api.api.calls import get_call, list_calls
from agentcalls_api.types import UNSET
from parameters import Others, Outcome

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


NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "value", "sent"),
    [
        ("direction", "in", "in"),
        ("direction", Outcome.GOOD, "good"),
        ("outcome", "good", Outcome.GOOD),
        ("outcome", Outcome.GOOD, Outcome.GOOD),
        ("least", 5, 5),
        ("score", 1, 1.0),
        ("is_billed", False, False),
        ("day", date(2026, 11, 23), date(2026, 11, 23)),
        ("day", "2026-11-23", date(2026, 11, 23)),
        ("changed", NOON, NOON),
        ("changed", "2026-11-23T12:00:00Z", NOON),
        ("tags", ["a", Outcome.GOOD], ["a", "good"]),
        ("tags", ("a",), ["a"]),
        ("either", "a", "a"),
    ],
)
def test_parameter_that_no_argument_is_for_is_sent_as_the_contract_has_it(
    name: str, value: object, sent: object
) -> None:
    others = checked_others(
        {name: value, "direction" if name != "direction" else "day": None}, Others
    )
    assert others == {name: sent}
    asked = CallQuery(agent_id="agent_1", status="failed", others=others)
    assert asked.window(2, 10).sent() == {
        "agent_id": "agent_1",
        "status": "failed",
        "page": 2,
        "limit": 10,
        name: sent,
    }


def test_texts_are_read_as_the_contract_has_them_where_an_option_can_be_nothing_else() -> None:
    given = {"direction": "5", "outcome": "good", "least": "5", "score": "1", "is_billed": "true"}
    given |= {"day": "2026-11-23", "changed": "2026-11-23T12:00:00Z", "tags": "a, b", "levels": "1"}
    assert checked_others(given, Others, strict=False) == {
        "direction": "5",
        "outcome": Outcome.GOOD,
        "least": 5,
        "score": 1.0,
        "is_billed": True,
        "day": date(2026, 11, 23),
        "changed": NOON,
        "tags": ["a", "b"],
        "levels": [1],
    }
    for name, wrong in (("least", "x"), ("outcome", "ugly"), ("levels", "1,x"), ("day", "null")):
        with pytest.raises(ConfigurationError, match=f"^{name} takes "):
            checked_others({name: wrong}, Others, strict=False)


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("direction", 1),
        ("direction", "\ud800"),
        ("outcome", "ugly"),
        ("least", True),
        ("least", 1.5),
        ("score", "1"),
        ("is_billed", 1),
        ("day", "2026-02-30"),
        ("changed", NOON.replace(tzinfo=None)),
        ("changed", "2026-11-23"),
        ("tags", "vip"),
        ("tags", ["a", 1]),
        ("tags", ["\ud800"]),
        ("either", []),
    ],
)
def test_parameter_that_no_argument_is_for_is_refused_by_name_where_it_is_of_another_type(
    name: str, wrong: object
) -> None:
    with pytest.raises(ConfigurationError, match=f"^{name} ") as caught:
        checked_others({name: wrong}, Others)
    assert "null" not in str(caught.value)


def test_keyword_that_the_contract_does_not_have_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="'dirction'"):
        checked_others({"dirction": "in"}, Others)
    assert checked_others({}, Others) is None


def test_parameter_of_several_values_is_sent_once_for_each() -> None:
    params: Any = {"tags": ["a b", "ü"], "none": [], "page": 1}
    operation = replace(LIST_CALLS, build=lambda **_: {"url": "/", "params": params})
    outgoing = operation.outgoing({"agent_id": "agent_1"})
    built = httpx.Request("GET", "https://host/", params=params)
    assert outgoing.query == built.url.query.decode().replace("%20", "+")


def test_signatures_and_the_generated_rest_name_each_parameter_once() -> None:
    _, *generated = inspect.signature(list_calls._get_kwargs).parameters
    rest = OtherParameters.__annotations__.keys()
    for method, own in ((Calls.list, set()), (Calls.list_many, {"page", "limit"})):
        named = inspect.signature(method).parameters.keys() | own
        assert not named & rest
        assert set(generated) <= named | rest
    methods: tuple[tuple[Any, Any, type], ...] = (
        (Agents.list, list_agents._get_kwargs, OtherAgentParameters),
        (Calls.get, get_call._get_kwargs, OtherCallParameters),
    )
    for one, build, kind in methods:
        ours, theirs = inspect.signature(one).parameters.keys(), kind.__annotations__.keys()
        assert not ours & theirs
        assert inspect.signature(build).parameters.keys() <= ours | theirs
