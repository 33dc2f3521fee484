"""The parameters of `listCalls`, checked before anything is sent."""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import Any, Literal, TypeAlias, get_args

from attrs import Attribute, field, fields, frozen
from attrs.validators import optional

from agentcalls.checks import (
    builtin_fields,
    check_boolean,
    check_integer,
    check_text,
)
from agentcalls.errors import ConfigurationError
from agentcalls.request.log import log_unlisted
from agentcalls.settings import MAX_LIMIT

CallStatus: TypeAlias = (
    Literal["queued", "ringing", "answered", "ended", "busy", "failed", "cancelled"] | str  # noqa: PYI051
)
"""The known statuses, for completion in editors. The list is open: any string is allowed."""

_STATUSES: tuple[str, ...] = get_args(get_args(CallStatus)[0])
_SORTS = ("created_at",)
"""What the API's own page sorts by, which is no field of a call."""
_ALIKE = 0.8


def check_segment(name: str, value: str) -> None:
    """Accept an id that is one path segment; raises `ConfigurationError` for any other."""
    # "." and ".." would be resolved, and the key would go to another path. What prints holds no control character.
    if value in {"", ".", ".."} or (
        not value.isprintable() and any(unicodedata.category(each) == "Cc" for each in value)
    ):
        raise ConfigurationError(
            f"{name} cannot be {value!r}: it must not be empty, '.' or '..', or hold a control character."
        )


def _segment(_: object, attribute: Attribute[Any], value: str) -> None:
    check_segment(attribute.name, value)


@frozen(kw_only=True, field_transformer=builtin_fields)
class CallQuery:
    """One request for calls: each attribute is a parameter of `listCalls` in openapi.yaml; None is not sent.

    Raises `ConfigurationError` for a value that the contract does not allow.
    """

    agent_id: str = field(validator=[check_text, _segment])
    page: int | None = field(default=None, validator=optional(check_integer(1)))
    limit: int | None = field(default=None, validator=optional(check_integer(1, MAX_LIMIT)))
    search: str | None = field(default=None, validator=optional(check_text))
    sort: str | None = field(default=None, validator=optional(check_text))
    is_test_call: bool | None = field(default=None, validator=optional(check_boolean))
    status: CallStatus | None = field(default=None, validator=optional(check_text))

    def hint(self) -> None:
        """Log what a status or a sort that the contract does not list may have been meant as; it is sent as it is."""
        if self.status is not None:
            _hint("status", self.status)
        if self.sort is not None:
            _hint("sort", self.sort)

    @property
    def start(self) -> int:
        """The first page to read, 1-based."""
        return self.page or 1

    @property
    def size(self) -> int:
        """Calls per page: the caller's `limit`, otherwise the API's maximum."""
        return self.limit or MAX_LIMIT

    def window(self, page: int, limit: int, sort: str | None = None) -> CallQuery:
        """The same query for page `page` (1-based) of `limit` calls, in this order if one is given."""
        # Nothing is checked: what is the same was, and the rest is our own. `evolve` would take as long as the request.
        query = CallQuery.__new__(CallQuery)
        for name in _NAMES:
            object.__setattr__(query, name, getattr(self, name))
        object.__setattr__(query, "page", page)
        object.__setattr__(query, "limit", limit)
        if sort is not None:
            object.__setattr__(query, "sort", sort)
        return query

    def sent(self) -> dict[str, Any]:
        """The parameters that are sent, by their Python names."""
        return {name: value for name in _NAMES if (value := getattr(self, name)) is not None}


_NAMES = [each.name for each in fields(CallQuery)]


@lru_cache(maxsize=64)  # each is said once
def _hint(name: str, value: str) -> None:
    from difflib import get_close_matches  # noqa: PLC0415 (most listings need neither)

    from agentcalls.models import Call, fields_of  # noqa: PLC0415

    known = [*_STATUSES] if name == "status" else [*_SORTS, *(one.name for one in fields_of(Call))]
    word = value.removeprefix("-") if name == "sort" else value
    if word not in known and (close := get_close_matches(word.lower(), known, 1, _ALIKE)):
        log_unlisted(name, value, value[: -len(word)] + close[0])
