"""Each fault, on the first page and on a later one, once and for ever: its error, attempts, waits, and calls."""

from __future__ import annotations

import copy
import pickle
from typing import TYPE_CHECKING

import pytest

from client.matrix import FAULTS, POSITIONS, Fault, client_of, read
from faults import IDS, FaultServer

if TYPE_CHECKING:
    from collections.abc import Generator

    from agentcalls import AgentCallsError
    from flavours import MakeClient

REFUSED = [fault for fault in FAULTS if fault.kind]
PASSING = [fault for fault in REFUSED if fault.slept is not None and not fault.prepare]
HARMLESS = [fault for fault in FAULTS if not fault.kind]
FOREVER = 1000


@pytest.fixture
def server() -> Generator[FaultServer]:
    with FaultServer() as server:
        yield server


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENTCALLS_API_KEY", "sk_key")


def test_the_matrix_is_large() -> None:
    assert len(FAULTS) == len({fault.name for fault in FAULTS}) >= 60


@pytest.mark.parametrize("position", POSITIONS)
@pytest.mark.parametrize("fault", REFUSED, ids=str)
def test_fault_that_stays_is_a_typed_error_after_its_attempts(
    make_client: MakeClient, server: FaultServer, fault: Fault, position: str
) -> None:
    after = POSITIONS[position]
    outcome = read(client_of(fault, after, FOREVER, make_client, server))
    attempts = len(fault.slept or []) + 1
    error = outcome.error
    assert error
    assert type(error) is fault.kind
    assert error.attempts == attempts
    assert len(server.requests) == after + (0 if fault.unseen else attempts)
    assert make_client.clock.slept == (fault.slept or [])
    assert outcome.delivered == IDS[: 100 * after]
    assert (error.method, error.path) == ("GET", "/api/v1/console/agents/{agentId}/calls")
    assert (error.status, error.request_id, error.code) == (
        fault.status,
        fault.request_id,
        fault.code,
    )
    assert_is_whole(error)


def assert_is_whole(error: AgentCallsError) -> None:
    assert error.message
    assert len(str(error)) < 5000
    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):  # noqa: S301
        assert (type(twin), str(twin), vars(twin)) == (type(error), str(error), vars(error))


@pytest.mark.parametrize("position", POSITIONS)
@pytest.mark.parametrize("fault", PASSING, ids=str)
def test_fault_that_passes_costs_a_wait_and_no_call(
    make_client: MakeClient, server: FaultServer, fault: Fault, position: str
) -> None:
    outcome = read(client_of(fault, POSITIONS[position], 1, make_client, server))
    assert outcome.error is None
    assert outcome.delivered == IDS
    assert fault.slept is not None
    assert make_client.clock.slept == fault.slept[:1]


@pytest.mark.parametrize("position", POSITIONS)
@pytest.mark.parametrize("fault", HARMLESS, ids=str)
def test_odd_answer_is_a_page_all_the_same(
    make_client: MakeClient, server: FaultServer, fault: Fault, position: str
) -> None:
    number = POSITIONS[position] + 1
    listing = client_of(fault, number - 1, FOREVER, make_client, server).calls.list("agent_1")
    pages = [listing.page(wanted) for wanted in range(1, number + 1)]
    assert [call.id for page in pages for call in page] == IDS[: 100 * number]
    assert make_client.clock.slept == []
    assert len(server.requests) == number
