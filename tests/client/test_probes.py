"""What becomes of a listing whose server fails where it is asked which sort it honours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agentcalls import AgentCallsError, APIStatusError, BadRequestError
from client.matrix import FAULTS, client_of
from client.printed import canary
from faults import IDS, FaultServer, answer

if TYPE_CHECKING:
    from client.matrix import Fault
    from flavours import MakeClient

# One fault of each kind.
REFUSED = {
    fault.kind: fault for fault in FAULTS if fault.kind and not fault.target and not fault.prepare
}
REFUSAL = REFUSED.pop(BadRequestError)
FOREVER = 1000
PROBES = ["created_on", "-created_on", "created_at", "-created_at"]


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENTCALLS_API_KEY", canary())


def sorts_of(server: FaultServer) -> list[str | None]:
    """What each request asked to sort by."""
    return [request.query.get("sort") for request in server.requests]


@pytest.mark.share("fault")
@pytest.mark.parametrize("concurrency", [1, 8])
@pytest.mark.parametrize("fault", REFUSED.values(), ids=str)
def test_fault_that_stays_is_the_error_of_the_listing_and_resuming_loses_nothing(
    make_client: MakeClient, server: FaultServer, fault: Fault, concurrency: int
) -> None:
    client = client_of(fault, 1, FOREVER, make_client, server, concurrency=concurrency)
    given: list[str | None] = []
    with pytest.raises(AgentCallsError) as caught:
        given.extend(call.id for call in client.calls.list("agent_1"))
    assert type(caught.value) is fault.kind
    assert given == IDS[:100]
    client.close()
    with FaultServer() as healthy:
        listing = make_client(base_url=healthy.url).calls.list(
            "agent_1", resume=caught.value.checkpoint
        )
        given.extend(call.id for call in listing)
    assert given == IDS
    assert (listing.report.complete, listing.report.proof) == (True, "order")


@pytest.mark.parametrize("concurrency", [1, 8])
@pytest.mark.parametrize(
    ("refused", "then", "proof"), [(2, "-created_at", "order"), (4, None, "count")]
)
def test_refusal_is_borne_and_found_out_once(
    make_client: MakeClient,
    server: FaultServer,
    concurrency: int,
    *,
    refused: int,
    then: str | None,
    proof: str,
) -> None:
    client = client_of(REFUSAL, 1, refused, make_client, server, concurrency=concurrency)
    listing = client.calls.list("agent_1")
    assert [call.id for call in listing] == IDS
    assert (listing.report.complete, listing.report.proof) == (True, proof)
    first, *asked = sorts_of(server)
    assert first is None
    # Two that are under way at once may arrive the other way round.
    assert [set(asked[:2]), set(asked[2:4])] == [set(PROBES[:2]), set(PROBES[2:])]
    assert set(asked[4:]) == {then}
    before = len(server.requests)
    assert [call.id for call in listing] == IDS
    assert set(sorts_of(server)[before:]) == {then}
    assert (listing.report.complete, listing.report.proof) == (True, proof)


@pytest.mark.parametrize("status", [400, 405, 406, 414, 422, 501])
def test_refusal_by_any_status_is_borne(
    make_client: MakeClient, server: FaultServer, status: int
) -> None:
    server.fail(answer(b"{}", status), after=1, times=4)
    listing = make_client(base_url=server.url, concurrency=1).calls.list("agent_1")
    assert [call.id for call in listing] == IDS
    assert (listing.report.complete, listing.report.proof) == (True, "count")


@pytest.mark.parametrize("status", [401, 403, 404])
def test_refusal_of_the_caller_is_no_answer_to_a_probe(
    make_client: MakeClient, server: FaultServer, status: int
) -> None:
    server.fail(answer(b"{}", status), after=1)
    with pytest.raises(APIStatusError) as caught:
        make_client(base_url=server.url, concurrency=1).calls.list("agent_1").all()
    assert caught.value.status == status
    assert len(server.requests) == 2


def test_refusal_of_everything_is_an_error_once_calls_are_asked_for(
    make_client: MakeClient, server: FaultServer
) -> None:
    client = client_of(REFUSAL, 1, FOREVER, make_client, server)
    given: list[str | None] = []
    with pytest.raises(BadRequestError):
        given.extend(call.id for call in client.calls.list("agent_1"))
    assert given == IDS[:100]
    assert sorts_of(server) == [None, *PROBES, None]


def test_refusal_of_a_sort_that_the_caller_gave_is_an_error(
    make_client: MakeClient, server: FaultServer
) -> None:
    client = client_of(REFUSAL, 0, FOREVER, make_client, server)
    with pytest.raises(BadRequestError):
        client.calls.list("agent_1", sort="created_on").all()
    assert sorts_of(server) == ["created_on"]
