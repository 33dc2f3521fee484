"""The body of a 200, turned into the generated models, with every timestamp in UTC."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import attrs

from agentcalls_api.models import Call, CallPage

_TIMESTAMPS = tuple(
    attribute.name for attribute in attrs.fields(Call) if "datetime" in str(attribute.type)
)


def decode_page(content: bytes) -> CallPage:
    """The page that a body holds. Raises ValueError, saying why, where the body is not the contract's `CallPage`."""
    try:
        page = CallPage.from_dict(json.loads(content))
        for call in page.data:
            for name in _TIMESTAMPS:
                if (moment := getattr(call, name)) is not None:
                    setattr(call, name, _in_utc(moment))
    except KeyError as error:
        raise ValueError(f"the field {error} is missing") from error
    except (TypeError, AttributeError, RecursionError) as error:
        raise ValueError(str(error)) from error
    return page


def _in_utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
