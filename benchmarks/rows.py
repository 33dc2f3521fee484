"""Made-up calls as JSON, in the form of each measured API: distinct, in order of creation, about 356 bytes each."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache

FIRST = datetime(2026, 3, 1, 8, tzinfo=UTC)
"""When the first call was created."""
SECONDS = 37
"""Between two calls."""
_FIRST_MS = int(FIRST.timestamp()) * 1000
_STATUSES = ("ended", "ended", "ended", "busy", "failed", "answered", "cancelled", "ended")
_REASONS = ("agent_hangup", "customer_hangup", "voicemail_reached", "inactivity")
_NO_AGENT = "00000000"


def id_of(index: int) -> str:
    """The id of row `index` (0-based), without an agent."""
    return f"{_NO_AGENT}-7c1e-4a53-9d20-{index:012x}"


def index_of(id: str) -> int:
    """The index of the row with this id."""
    return int(id[-12:], 16)


def for_agent(body: bytes, agent: int) -> bytes:
    """The same body with the ids of that agent: no two agents share a call."""
    return body.replace(b'"id":"00000000-', b'"id":"%08x-' % agent) if agent else body


def call(index: int) -> str:
    """A row of the call log."""
    status = _STATUSES[index % 8]
    created = _FIRST_MS + 1000 * SECONDS * index + index % 1000
    seconds = 31 + index * 7 % 500
    took_place = status in {"ended", "answered"}
    rang = status not in {"failed", "cancelled"}
    error = "null" if status != "failed" else '"carrier_rejected"'
    end = f'"{_REASONS[index % 4]}"' if took_place else '"no_answer"'
    ringing = f'"{_text(created + 2_000)}"'
    ended = _text(created + 1000 * (2 + seconds))
    return (
        f'{{"id":"{id_of(index)}","source":"+1415555{index % 10_000:04}",'
        f'"destination":"+234803{index * 7919 % 10_000_000:07}","status":"{status}",'
        f'"direction":"{"inbound" if index % 5 == 0 else "outbound"}",'
        f'"created_on":"{_text(created)}","duration_seconds":{seconds if took_place else "null"},'
        f'"is_test_call":{"true" if index % 9 == 0 else "false"},"error_reason":{error},'
        f'"end_reason":{end},"ringing_at":{ringing if rang else "null"},'
        f'"ended_at":"{ended}"}}'
    )


def call_with_unknown_field(index: int) -> str:
    """The same with an unknown field."""
    return f'{call(index)[:-1]},"sentiment":"neutral"}}'


def retell_call(index: int) -> str:
    """A phone call as retell-sdk reads it."""
    started = 1_772_352_000_000 + 37_000 * index
    return (
        f'{{"call_type":"phone_call","call_id":"{id_of(index)}","agent_id":"agent_0",'
        f'"agent_version":3,"call_status":"ended","direction":"outbound",'
        f'"from_number":"+1415555{index % 10_000:04}",'
        f'"to_number":"+234803{index * 7919 % 10_000_000:07}","start_timestamp":{started},'
        f'"end_timestamp":{started + 41_000},"duration_ms":41000,'
        f'"disconnection_reason":"agent_hangup","data_storage_setting":"everything"}}'
    )


def openai_file(index: int) -> str:
    """A file as openai reads it, filled up to twelve fields with unknown ones."""
    return (
        f'{{"id":"{id_of(index)}","object":"file","bytes":{120_000 + index},'
        f'"created_at":{1_772_352_000 + 37 * index},"filename":"recording-{index:08}.jsonl",'
        f'"purpose":"fine-tune","status":"processed","expires_at":{1_774_352_000 + 37 * index},'
        f'"status_details":null,"source":"+1415555{index % 10_000:04}",'
        f'"destination":"+234803{index * 7919 % 10_000_000:07}",'
        f'"reason":"customer_hangup, as the agent noted"}}'
    )


def stripe_charge(index: int) -> str:
    """A row of the call log, marked as a charge, because stripe takes the class of a row from this mark."""
    return f'{call(index)[:-1]},"object":"charge"}}'


def twilio_call(index: int) -> str:
    """A call as twilio reads it."""
    created = FIRST + timedelta(seconds=SECONDS * index)
    moment = created.strftime("%a, %d %b %Y %H:%M:%S +0000")
    return (
        f'{{"sid":"CA{index:032x}","from":"+1415555{index % 10_000:04}",'
        f'"to":"+234803{index * 7919 % 10_000_000:07}","status":"completed",'
        f'"direction":"outbound-api","date_created":"{moment}","start_time":"{moment}",'
        f'"end_time":"{moment}","duration":"41","price":null,"answered_by":"human",'
        f'"api_version":"2010-04-01"}}'
    )


def _text(moment_ms: int) -> str:
    # By hand, in half of the time of `isoformat`: the server renders millions of rows.
    day, ms = divmod(moment_ms, 86_400_000)
    minutes, ms = divmod(ms, 60_000)
    return f"{_date(day)}T{minutes // 60:02}:{minutes % 60:02}:{ms // 1000:02}.{ms % 1000:03}Z"


@lru_cache(maxsize=16)
def _date(day: int) -> str:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=day)).date().isoformat()
