"""Strategies for Hypothesis: calls, pages and whole listings that an API may give by the contract.

>>> from hypothesis import given
>>> from agentcalls.testing import strategies
>>> @given(strategies.listings())
... def test_every_call_is_counted(calls):
...     assert count(calls) == len(calls)
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from agentcalls.settings import CALL_STATUSES, MAX_LIMIT
from agentcalls.table.extras import need
from agentcalls.testing.making import make_call, make_page

if TYPE_CHECKING:
    from hypothesis import strategies as st
    from hypothesis.strategies import DrawFn, SearchStrategy

    from agentcalls.models import Call
    from agentcalls.values import Page
else:
    st = need("hypothesis.strategies")

__all__ = ["calls", "listings", "pages"]

_FIRST, _LAST = datetime(2020, 1, 1), datetime(2030, 1, 1)  # noqa: DTZ001  # Hypothesis adds the zone
_LISTING = 30


def calls(**fields: SearchStrategy[Any]) -> SearchStrategy[Call]:
    """Calls as the contract has them: times to the millisecond in UTC, in the order of a call's life.

    Unknown statuses and directions are among them, since the sets are open. `fields` gives a strategy for a field by
    its Python name: `calls(status=st.just("failed"))`; the others fit the status.
    """
    return _calls(fields)


def pages(*, limit: int = MAX_LIMIT, max_size: int = _LISTING) -> SearchStrategy[Page[Call]]:
    """Pages of listings of at most `max_size` calls, in pages of `limit`; one past the end is empty."""
    if limit < 1:
        raise ValueError(f"limit takes a whole number from 1, not {limit!r}")
    return _pages(limit, max_size)


def listings(
    of: SearchStrategy[Call] | None = None, *, min_size: int = 0, max_size: int = _LISTING
) -> SearchStrategy[list[Call]]:
    """All calls of an agent as the API lists them: newest first, each id once; several may have the same `created_on`.

    `of` is the strategy for each call.
    """
    drawn = st.lists(
        calls() if of is None else of,
        min_size=min_size,
        max_size=max_size,
        unique_by=lambda call: call.id,
    )
    return drawn.map(_in_order)


def _in_order(drawn: list[Call]) -> list[Call]:
    return sorted(drawn, key=lambda call: (call.created_on, call.id), reverse=True)


def _to_the_millisecond(moment: datetime) -> datetime:
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


# Made once: to make a strategy costs many times what it costs to draw from it.
_NUMBERS = st.integers(10**7, 10**14).map(lambda digits: f"+{digits}")
_WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), min_size=1, max_size=20)
# Few moments are equal, unless they are drawn to be.
_TIMES = st.one_of(
    st.datetimes(_FIRST, _LAST, timezones=st.just(UTC)),
    st.sampled_from([datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)]),
).map(_to_the_millisecond)
_STATUSES = st.sampled_from(CALL_STATUSES) | _WORDS
_IDENTITY = st.fixed_dictionaries(
    {
        "id": st.uuids().map(str),
        "source": st.none() | _NUMBERS,
        "destination": _NUMBERS,
        "direction": st.sampled_from(("inbound", "outbound")) | _WORDS,
        "created_on": _TIMES,
        "is_test_call": st.booleans(),
    }
)
_SECONDS = st.integers(0, 7200)


@st.composite
def _calls(draw: DrawFn, fields: dict[str, SearchStrategy[Any]]) -> Call:
    given = {name: draw(strategy) for name, strategy in fields.items()}
    made: dict[str, Any] = draw(_IDENTITY)
    made["status"] = given.get("status") or draw(_STATUSES)
    usual = make_call(**(made | given))
    if usual.duration_seconds is not None and usual.ringing_at:
        seconds = draw(_SECONDS)
        made["duration_seconds"] = seconds
        made["ended_at"] = usual.ringing_at + timedelta(seconds=seconds)
    if usual.error_reason is not None:
        made["error_reason"] = draw(_WORDS)
    return make_call(**(made | given))


@st.composite
def _pages(draw: DrawFn, limit: int, max_size: int) -> Page[Call]:
    listing = draw(listings(max_size=max_size))
    page = draw(st.integers(1, -(-len(listing) // limit) + 1))
    data = listing[(page - 1) * limit : page * limit]
    return make_page(data, page=page, limit=limit, total_count=len(listing))
