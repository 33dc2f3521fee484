"""The vendor's own SDK takes the mock for the API: the mock is not merely what our client expects."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import bimpeai
import pytest

from agentcalls import Client
from agentcalls_mock import FULL_KEY, NOSCOPE_KEY
from contract.tool.contract import SCHEMAS

if TYPE_CHECKING:
    from collections.abc import Generator

    from bimpeai.types.calls import CallStatus

STATUSES = SCHEMAS["Call"]["properties"]["status"]["x-extensible-enum"]


@pytest.fixture
def vendor(mock_url: str) -> Generator[bimpeai.BimpeAI]:
    with bimpeai.BimpeAI(api_key=FULL_KEY, base_url=mock_url) as client:
        yield client


def test_vendor_lists_the_same_calls_as_we_do(vendor: bimpeai.BimpeAI, mock_url: str) -> None:
    theirs = [call.id for call in vendor.calls.list("agent_demo", limit=100)]
    with Client(api_key=FULL_KEY, base_url=mock_url) as client:
        assert theirs == [call.id for call in client.calls.list("agent_demo")]
    assert len(theirs) == 250


@pytest.mark.parametrize("status", STATUSES)
def test_vendor_filters_by_each_status(vendor: bimpeai.BimpeAI, status: str) -> None:
    calls = list(vendor.calls.list("agent_demo", status=cast("CallStatus", status)))
    assert calls
    assert {call.status for call in calls} == {status}


@pytest.mark.parametrize(
    ("key", "agent", "kind"),
    [
        ("sk_wrong", "agent_demo", bimpeai.AuthenticationError),
        (NOSCOPE_KEY, "agent_demo", bimpeai.PermissionDeniedError),
        (FULL_KEY, "agent_nobody", bimpeai.NotFoundError),
    ],
)
def test_vendor_sees_the_documented_errors(
    mock_url: str, key: str, agent: str, kind: type[Exception]
) -> None:
    with bimpeai.BimpeAI(api_key=key, base_url=mock_url) as client, pytest.raises(kind):
        client.calls.list(agent)


def test_vendor_lists_the_same_agents_as_we_do(vendor: bimpeai.BimpeAI, mock_url: str) -> None:
    theirs = [agent.model_dump() for agent in vendor.agents.list(limit=4, sort="-created_at")]
    with Client(api_key=FULL_KEY, base_url=mock_url) as client:
        ours = client.agents.list(sort="-created_at").all()
    assert [agent["id"] for agent in theirs] == [agent.id for agent in ours]
    assert len(theirs) == 6
    # Its types know each field that ours have.
    assert set(theirs[0]) == set(ours[0].to_dict())


def test_vendor_reads_each_transcript_as_we_do(vendor: bimpeai.BimpeAI, mock_url: str) -> None:
    with Client(api_key=FULL_KEY, base_url=mock_url) as client:
        for listed in client.calls.list("agent_demo", max_items=30):
            theirs = vendor.calls.retrieve("agent_demo", listed.id)
            ours = client.calls.get("agent_demo", listed.id)
            assert [(m.id, m.role, m.message) for m in theirs.conversation_logs] == [
                (m.id, m.role, m.message) for m in ours.conversation_logs
            ]
            assert set(theirs.model_dump()) == set(ours.to_dict())
            assert theirs.status == ours.status


@pytest.mark.parametrize(
    ("key", "call", "kind"),
    [
        ("sk_wrong", "call", bimpeai.AuthenticationError),
        (NOSCOPE_KEY, "call", bimpeai.PermissionDeniedError),
        (FULL_KEY, "nowhere", bimpeai.NotFoundError),
    ],
)
def test_vendor_sees_the_documented_errors_of_one_call(
    mock_url: str, key: str, call: str, kind: type[Exception]
) -> None:
    with bimpeai.BimpeAI(api_key=key, base_url=mock_url) as client, pytest.raises(kind):
        client.calls.retrieve("agent_demo", call)


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("sk_wrong", bimpeai.AuthenticationError),
        (NOSCOPE_KEY, bimpeai.PermissionDeniedError),
    ],
)
def test_vendor_sees_the_documented_errors_of_the_agents(
    mock_url: str, key: str, kind: type[Exception]
) -> None:
    with bimpeai.BimpeAI(api_key=key, base_url=mock_url) as client, pytest.raises(kind):
        client.agents.list()
