"""What `agentcalls.testing` makes is what a client could have read."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentcalls import Call, RateLimit
from agentcalls.models import Field
from agentcalls.request.decode.page import decode_page
from agentcalls.testing import make_call, make_page, strategies
from agentcalls.testing.making import _blank, _checked

if TYPE_CHECKING:
    from agentcalls import Page

WEST = timezone(-timedelta(hours=1))
STATUSES = ["queued", "ringing", "answered", "ended", "busy", "failed", "cancelled", "teleported"]


def read_back(page: Page) -> Any:
    """The page as a client reads it from the API's JSON."""
    assert page.meta
    rows = [call.to_dict() for call in page]
    body = {"message": page.message, "meta": page.meta.to_dict(), "data": rows}
    return decode_page(json.dumps(body).encode())


@pytest.mark.parametrize("status", STATUSES)
def test_a_call_fits_its_status_and_the_contract(status: str) -> None:
    call = make_call(status=status)
    body = read_back(make_page([call]))
    assert body.problems == ()
    assert body.data == [call]
    assert (call.ended_at is not None) == (status in STATUSES[3:7])
    assert (call.error_reason is not None) == (status == "failed")
    assert make_call(status=status) == call


def test_fields_that_are_given_stay() -> None:
    created = datetime(2026, 5, 1, 12, tzinfo=timezone(timedelta(hours=2)))
    call = make_call(
        created_on=created, agent_id="a", additional_properties={"new": 1}, source=None
    )
    assert (call.created_on, call.created_on.tzinfo) == (created, UTC)
    assert call.ended_at
    assert call.ended_at > created
    assert (call.agent_id, call.additional_properties, call.source) == ("a", {"new": 1}, None)
    assert make_call(created_on=None).created_on is None


@pytest.mark.parametrize("year", [1, 9999])
def test_a_call_of_any_time_has_times_that_fit(year: int) -> None:
    call = make_call(created_on=datetime(year, 12, 31, 23, 59, 59, tzinfo=UTC))
    assert call.created_on <= call.ringing_at <= call.ended_at  # type: ignore[operator]


@pytest.mark.parametrize(
    ("fields", "kind", "says"),
    [
        ({"statuss": "x"}, TypeError, "'statuss' is no field of a call; did you mean 'status'?"),
        ({"colour": 1}, TypeError, "'colour' is no field of a call$"),
        ({"status": 1}, TypeError, "status takes str, not 1"),
        ({"duration_seconds": True}, TypeError, "duration_seconds takes None or int, not True"),
        ({"is_test_call": 0}, TypeError, "is_test_call takes bool, not 0"),
        ({"created_on": "2026-01-01T00:00:00Z"}, TypeError, "created_on takes datetime"),
        ({"ended_at": datetime(2026, 1, 1)}, ValueError, "ended_at has no time zone"),  # noqa: DTZ001
        ({"ended_at": datetime.max.replace(tzinfo=WEST)}, ValueError, "ended_at is no time of"),
        ({"agent_id": 3}, TypeError, "agent_id takes None or str, not 3"),
        ({"additional_properties": 3}, TypeError, "additional_properties takes dict, not 3"),
        ({"additional_properties": None}, TypeError, "additional_properties takes dict, not None"),
    ],
)
def test_a_field_that_cannot_be_is_refused(
    fields: dict[str, Any], kind: type[Exception], says: str
) -> None:
    with pytest.raises(kind, match=says.replace("?", r"\?")):
        make_call(**fields)


@pytest.mark.parametrize(
    ("kinds", "optional", "blank"),
    [
        ((str,), False, ""),
        ((int, type(None)), False, None),
        ((list[str],), False, None),
        ((str,), True, "said"),
    ],
)
def test_a_field_that_the_contract_gains_has_a_blank(
    kinds: tuple[Any, ...],
    optional: bool,  # noqa: FBT001
    blank: object,
) -> None:
    field = Field(attribute="new", name="new", kinds=kinds, optional=optional, default="said")
    assert _blank(field) == blank


def test_a_field_with_parameters_takes_any_value() -> None:
    assert _checked((list[str],), "tags", ["a"]) == ["a"]


def test_a_page_stands_where_it_is_said_to() -> None:
    rate = RateLimit(10, 9, None)
    page = make_page([make_call()], page=2, limit=3, total_count=9, rate_limit=rate)
    assert page.meta
    assert attrs.astuple(page.meta)[:6] == (9, 3, 2, 3, True, True)
    assert page.rate_limit == rate
    last = make_page([make_call()]).meta
    assert last
    assert attrs.astuple(last)[:6] == (1, 1, 1, 100, False, False)
    none = make_page([], page=5, total_count=0).meta
    assert none
    assert attrs.astuple(none)[:6] == (0, 0, 5, 100, False, False)


@pytest.mark.parametrize(
    "wrong",
    [{"page": 0}, {"limit": 1}, {"limit": 0}, {"total_count": 1}, {"page": 2, "total_count": 101}],
)
def test_a_page_that_cannot_be_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="calls"):
        make_page([make_call(), make_call()], **wrong)


@pytest.mark.parametrize(
    ("wrong", "kind", "says"),
    [
        ({"page": "1"}, TypeError, "page takes a whole number, not '1'"),
        ({"limit": 1.0}, TypeError, "limit takes a whole number, not 1.0"),
        ({"total_count": True}, TypeError, "total_count takes a whole number, not True"),
        ({"total_count": -1}, ValueError, "A listing of -1 calls"),
    ],
)
def test_an_empty_page_is_not_anywhere(
    wrong: dict[str, Any], kind: type[Exception], says: str
) -> None:
    with pytest.raises(kind, match=says):
        make_page([], **wrong)


def test_pages_are_not_drawn_without_a_limit() -> None:
    strategies.pages(limit=1).validate()
    with pytest.raises(ValueError, match="limit takes a whole number from 1, not 0"):
        strategies.pages(limit=0)


@settings(max_examples=25)
@given(strategies.pages(limit=7))
def test_a_page_that_is_drawn_can_be_read(page: Page) -> None:
    body = read_back(page)
    assert (body.data, body.problems) == (page.data, ())
    assert page.meta
    assert len(page) == 7 or not page.meta.has_next_page


@given(strategies.calls(status=st.just("ended"), source=st.none()))
def test_a_field_can_be_drawn_from_another_strategy(call: Call) -> None:
    assert (call.status, call.source) == ("ended", None)
    assert call.duration_seconds is not None
    assert call.ringing_at
    assert call.ended_at == call.ringing_at + timedelta(seconds=call.duration_seconds)


@given(strategies.listings(strategies.calls(status=st.just("failed")), min_size=1, max_size=3))
def test_a_listing_is_of_the_calls_that_are_asked_for(listing: list[Call]) -> None:
    assert {call.status for call in listing} == {"failed"}
    assert 1 <= len(listing) <= 3


def loaded(code: str) -> str:
    command = [sys.executable, "-W", "error", "-c", f"import sys\n{code}\nprint(*sys.modules)"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_hypothesis_is_imported_only_when_asked_for() -> None:
    assert "hypothesis" not in loaded("import agentcalls.testing").split()
    assert "hypothesis" in loaded("import agentcalls.testing.strategies").split()
