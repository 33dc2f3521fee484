"""Made-up calls that look like telephony: a function of a random generator and a moment, no I/O."""

import bisect
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import accumulate
from random import Random
from typing import NamedTuple
from uuid import UUID

OPEN_STATUSES = ("queued", "ringing", "answered")
CLOSED_STATUSES = ("ended", "busy", "failed", "cancelled")

_SECOND = 1_000
_MINUTE = 60 * _SECOND
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR

_OLDEST_OPEN = 30 * _MINUTE
_SHARE_OF_OPEN = 0.3
_SHARE_OF_RECENT = 0.03
_LONGEST_TALK_SECONDS = 20 * 60
_LONGEST_RINGING = 2 * _SECOND
_SHARE_OF_TIES = 0.04
_SHARE_OF_TESTS = 0.1
_SHARE_OF_INBOUND = 0.2
_SHARE_OF_RINGING = 0.3

_OWN_NUMBERS = ("+14155550100", "+14155550123", "+442079460018", "+2342015550100")
# Number ranges that the country reserves for fiction, if it has one, with the number of digits to draw.
_CUSTOMER_RANGES = (("+1415555", 4), ("+1212555", 4), ("+234801234", 4), ("+447700900", 3))
_END_REASONS = (
    "customer_ended_call",
    "agent_ended_call",
    "customer_ended_call",
    "voicemail",
    "silence_timeout",
    "transferred_to_human",
)
_ERROR_REASONS = (
    "SIP 503 Service Unavailable",
    "SIP 404: number not in service",
    "carrier rejected the call",
    "media timeout: packet_loss above 30%",
    "opérateur injoignable",
)
_CANCEL_REASONS = ("cancelled_by_user", "campaign_stopped")
_CLOSED_WEIGHTS = tuple(accumulate((70, 9, 12, 9)))


class Call(NamedTuple):
    """One row of a listing, in the reference page's order of fields; times as `timestamp` does."""

    id: str
    source: str | None
    destination: str
    status: str
    direction: str
    created_on: str
    duration_seconds: int | None
    is_test_call: bool
    error_reason: str | None
    end_reason: str | None
    ringing_at: str | None
    ended_at: str | None


def timestamp(milliseconds: int) -> str:
    """`2019-08-24T14:15:22.123Z`: UTC, always three digits, so that text sorts as time does."""
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def generate_calls(count: int, *, random: Random, now: datetime) -> Iterator[Call]:
    """Yields `count` calls, newest first, all created before `now`; seven or more show each status.

    The newest three are still open, and some others of the last half hour, in which one in 33 was created; the rest
    have ended. They spread over 30 days, or less where they are few. Some share their `created_on` with the one
    before, to the millisecond.
    `duration_seconds` runs from `ringing_at` to `ended_at` and is null unless the call took place.
    """
    now_ms = int(now.timestamp() * 1000)
    open_count = len(OPEN_STATUSES) if count >= len(OPEN_STATUSES + CLOSED_STATUSES) else 0
    shown = OPEN_STATUSES[:open_count] + CLOSED_STATUSES
    for position, age in enumerate(_ages(count, open_count, random)):
        status = shown[position] if position < len(shown) else _status(age, random)
        yield _call(status, now_ms - age, age, random)


def live_call(created: int, age: int, random: Random) -> Call:
    """A call that was created at a Unix time in milliseconds, as it is at an age in milliseconds.

    Equal generators give the same call at each age: it is queued, rings, may be answered, and has ended in two minutes.
    """
    call = _call(_closed(random), created, _OLDEST_OPEN, random)
    rang, ended = (_age(moment, created) for moment in (call.ringing_at, call.ended_at))
    if call.status == "ended":
        # They need not be as long as in a log that is never watched.
        ended = min(ended, rang + _MINUTE)
        call = call._replace(
            ended_at=timestamp(created + ended), duration_seconds=(ended - rang) // _SECOND
        )
    if age >= ended:
        return call
    status = "queued" if age < rang else "ringing"
    if call.status == "ended" and age >= rang + _LONGEST_RINGING:
        status = "answered"
    return call._replace(
        status=status,
        duration_seconds=None,
        error_reason=None,
        end_reason=None,
        ringing_at=call.ringing_at if age >= rang else None,
        ended_at=None,
    )


def _age(moment: str | None, created: int) -> int:
    # One that never rang did so after its end.
    if moment is None:
        return _DAY
    return round(datetime.fromisoformat(moment).timestamp() * 1000) - created


def _ages(count: int, open_count: int, random: Random) -> Iterator[int]:
    recent = round(count * _SHARE_OF_RECENT)
    age = 0
    for position in range(count):
        step = min(_OLDEST_OPEN / recent if position < recent else 30 * _DAY / count, 6 * _HOUR)
        if position < open_count:
            # Young enough that the telephone may still ring.
            age += 1 + int(random.random() * (20 * _SECOND - 1))
        elif position == open_count:
            # Old enough to have ended.
            age = _MINUTE + int(random.random() * _MINUTE)
        # The eighth always ties with the seventh, so that a short listing has equal keys as well.
        elif position != open_count + len(CLOSED_STATUSES) and random.random() >= _SHARE_OF_TIES:
            age += 1 + int(random.expovariate(1 / step))
        yield age


def _status(age: int, random: Random) -> str:
    if age < _OLDEST_OPEN and random.random() < _SHARE_OF_OPEN:
        return "answered" if random.random() < _SHARE_OF_RINGING else "queued"
    return _closed(random)


def _closed(random: Random) -> str:
    draw = random.random() * _CLOSED_WEIGHTS[-1]
    return CLOSED_STATUSES[bisect.bisect(_CLOSED_WEIGHTS, draw)]


def _call(status: str, created: int, age: int, random: Random) -> Call:
    draw = random.random
    rang = ended = duration = error = reason = None
    delay = 1 + int(draw() * 6 * _SECOND)
    if status in ("ringing", "answered", "ended"):
        rang = created + min(delay, age)
    elif status in ("failed", "cancelled") and draw() < _SHARE_OF_RINGING:
        rang = created + delay
    if status == "ended":
        # None of them ends in the future.
        longest = min(_LONGEST_TALK_SECONDS, (age - delay) // _SECOND)
        duration = min(3 + int(random.expovariate(1 / 95)), longest)
        ended = created + delay + duration * _SECOND
        reason = _pick(_END_REASONS, draw())
    elif status in CLOSED_STATUSES:
        ended = created + delay + int(draw() * 25 * _SECOND)
        reason = status if status != "cancelled" else _pick(_CANCEL_REASONS, draw())
        error = _pick(_ERROR_REASONS, draw()) if status == "failed" else None
    is_test = draw() < _SHARE_OF_TESTS
    inbound = status in ("ringing", "answered", "ended") and draw() < _SHARE_OF_INBOUND
    own, customer = _pick(_OWN_NUMBERS, draw()), _customer(draw(), draw())
    # A test call made from a browser has no number to come from.
    source = None if is_test and not inbound else customer if inbound else own
    return Call(
        id=str(UUID(int=random.getrandbits(128), version=4)),
        source=source,
        destination=own if inbound else customer,
        status=status,
        direction="inbound" if inbound else "outbound",
        created_on=timestamp(created),
        duration_seconds=duration,
        is_test_call=is_test,
        error_reason=error,
        end_reason=reason,
        ringing_at=None if rang is None else timestamp(rang),
        ended_at=None if ended is None else timestamp(ended),
    )


def _pick(choices: tuple[str, ...], draw: float) -> str:
    return choices[int(draw * len(choices))]


def _customer(draw: float, digits_draw: float) -> str:
    prefix, digits = _CUSTOMER_RANGES[int(draw * len(_CUSTOMER_RANGES))]
    return f"{prefix}{int(digits_draw * 10**digits):0{digits}}"
