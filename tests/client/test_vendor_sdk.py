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
