"""A call from the fields that matter to a test, and a page of such calls: equal arguments give equal values."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from types import NoneType
from typing import TYPE_CHECKING, Any

from agentcalls.models import EXTRA, Call, Field, fields_of
from agentcalls.settings import MAX_LIMIT
from agentcalls.values import Page, RateLimit
from agentcalls_api.models import PageMeta

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_CREATED = datetime(2026, 1, 1, 12, tzinfo=UTC)
_RANG, _ENDED = timedelta(seconds=2), timedelta(seconds=44)

_OVER: Mapping[str, Mapping[str, Any]] = {
    "ended": {"duration_seconds": 42, "end_reason": "customer_ended_call"},
    "busy": {"end_reason": "busy"},
    "failed": {"end_reason": "failed", "error_reason": "SIP 503 Service Unavailable"},
    "cancelled": {"end_reason": "cancelled_by_user"},
}
"""The fields of a call that is over, by its status."""
_ANSWERED = {"ringing", "answered", "ended"}
_OURS: Mapping[str, Sequence[Any]] = {"agent_id": (str, NoneType), EXTRA: (dict,)}
_LAST = datetime.max.replace(tzinfo=UTC)


def make_call(**fields: Any) -> Call:
    """A call with these fields, by their Python names; the others fit its status ("ended" by default).

    Times are aware datetimes, and become UTC. Any field may be None, as in a row that breaks the contract; `agent_id`
    and `additional_properties` may be given, too. Raises `TypeError` for a field that calls do not have, or a value of
    another type, and `ValueError` for a time without a zone, or beyond what a datetime in UTC can be.
    """
    known = {field.attribute: field for field in fields_of(Call)}
    kinds = {**_OURS, **{name: field.kinds for name, field in known.items()}}
    for name in fields:
        if name not in kinds:
            close = get_close_matches(name, kinds, 1)
            meant = f"; did you mean {close[0]!r}?" if close else ""
            raise TypeError(f"{name!r} is no field of a call{meant}")
    given = {name: _checked(kinds[name], name, value) for name, value in fields.items()}
    extra = given.pop(EXTRA, {})
    default = {name: _blank(field) for name, field in known.items()} | _usual(given)
    call = Call(**(default | given))
    call.additional_properties = {**extra}
    return call


def make_page(
    calls: Iterable[Call],
    *,
    page: int = 1,
    limit: int = MAX_LIMIT,
    total_count: int | None = None,
    rate_limit: RateLimit | None = None,
) -> Page[Call]:
    """A page of these calls, with the `meta` that goes with them.

    It is page `page` (1-based) in pages of `limit`, of a listing of `total_count` calls; without it, the listing ends
    with this page. Raises `ValueError` for more calls than `limit`, or than the listing has there, and `TypeError` for
    a value that is not a whole number.
    """
    total = 0 if total_count is None else total_count
    for name, number in (("page", page), ("limit", limit), ("total_count", total)):
        if type(number) is not int:
            raise TypeError(f"{name} takes a whole number, not {number!r}")
    data = list(calls)
    before = (page - 1) * limit
    total = before + len(data) if total_count is None else total_count
    if page < 1 or limit < 1 or len(data) > limit:
        raise ValueError(
            f"A page has 1 to `limit` calls: page {page}, limit {limit}, {len(data)} calls."
        )
    if total < 0 or (data and before + len(data) > total):
        raise ValueError(f"A listing of {total} calls has not as many as {before + len(data)}.")
    count = -(-total // limit)
    meta = PageMeta(
        total_count=total,
        page_count=count,
        current_page=page,
        limit=limit,
        has_next_page=page < count,
        has_previous_page=page > 1 and count > 0,
    )
    return Page(data=data, meta=meta, message="Success", request_id=None, rate_limit=rate_limit)


def _usual(given: Mapping[str, Any]) -> dict[str, Any]:
    status, created = given.get("status", "ended"), given.get("created_on") or _CREATED
    over = _OVER.get(status, {})
    return {
        "id": "call_1",
        "source": "+14155550100",
        "destination": "+14155550123",
        "status": status,
        "direction": "outbound",
        "created_on": created,
        "is_test_call": False,
        "ringing_at": _later(created, _RANG) if status in _ANSWERED else None,
        "ended_at": _later(created, _ENDED) if over else None,
        **over,
    }


def _later(created: datetime, span: timedelta) -> datetime:
    return created + min(span, _LAST - created)


def _blank(field: Field) -> Any:
    # Of a field that the contract has gained since.
    if field.optional:
        return field.default
    kind = field.kinds[0]
    return None if NoneType in field.kinds or kind not in _BLANKS else _BLANKS[kind]


_BLANKS: Mapping[Any, Any] = {str: "", int: 0, float: 0.0, bool: False, datetime: _CREATED}


def _checked(kinds: Sequence[Any], name: str, value: Any) -> Any:
    if isinstance(value, datetime):
        if value.utcoffset() is None:
            raise ValueError(f"{name} has no time zone: {value}. Take datetime(…, tzinfo=UTC).")
        try:
            value = value.astimezone(UTC)
        except OverflowError:
            raise ValueError(f"{name} is no time of the years 1 to 9999 in UTC: {value}.") from None
    if (value is not None or name == EXTRA) and not _is_of(kinds, value):
        raise TypeError(f"{name} takes {_named(kinds)}, not {value!r}")
    return value


def _is_of(kinds: Sequence[Any], value: object) -> bool:
    # Kinds with parameters, such as lists, are left alone.
    plain = [kind for kind in kinds if isinstance(kind, type)]
    is_flag = isinstance(value, bool) and bool not in plain
    return len(plain) < len(kinds) or (isinstance(value, tuple(plain)) and not is_flag)


def _named(kinds: Sequence[Any]) -> str:
    return " or ".join(sorted("None" if kind is NoneType else kind.__name__ for kind in kinds))
