"""The parameters of the operations, checked before anything is sent."""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, Self

from attrs import field, fields, frozen
from attrs.validators import optional

from agentcalls.checks import (
    as_builtin,
    at_most,
    builtin_fields,
    check_boolean,
    check_integer,
    check_text,
    checked_text,
    close_to,
    validator,
)
from agentcalls.errors import ConfigurationError
from agentcalls.models import Agent, Call, fields_of
from agentcalls.request.log import log_unlisted
from agentcalls.settings import CALL_STATUSES, LIMIT, MAX_LIMIT, CallStatus

if TYPE_CHECKING:
    from collections.abc import Mapping


def checked_segment(name: str, value: object) -> str:
    """An id that is one path segment, as built-in text; raises `ConfigurationError` for any other."""
    value = checked_text(name, as_builtin(value))
    # "." and ".." would be resolved, and the key would go to another path. A printable text has no control character.
    if value in {"", ".", ".."} or (
        not value.isprintable() and any(unicodedata.category(each) == "Cc" for each in value)
    ):
        raise ConfigurationError(
            f"{name} cannot be {value!r}: it must not be empty, '.' or '..', or hold a control character."
        )
    return value


@frozen(kw_only=True, field_transformer=builtin_fields)
class ListQuery:
    """One request for a page: each attribute is a parameter of openapi.yaml; None is not sent.

    Raises `ConfigurationError` for a value that the contract does not allow.
    """

    model: ClassVar[type]
    """The model of a row."""

    page: int | None = field(default=None, validator=optional(check_integer(1)))
    limit: int | None = field(default=None, validator=optional(check_integer(1, MAX_LIMIT)))
    search: str | None = field(default=None, validator=optional(check_text))
    sort: str | None = field(default=None, validator=optional(check_text))
    others: Mapping[str, Any] | None = None
    """The parameters that no attribute is for, as `checked_others` gives them."""

    @property
    def of_agent(self) -> str | None:
        """The agent whose calls are listed; None for a listing of agents."""
        return None

    @property
    def start(self) -> int:
        """The first page to read, 1-based."""
        return self.page or 1

    @property
    def size(self) -> int:
        """Rows per page: the caller's `limit`, otherwise `settings.LIMIT`."""
        return self.limit or LIMIT

    def hint(self) -> None:
        """Log which field an unknown `sort` resembles; it is sent unchanged."""
        _hint_at_sort(self.sort, self.model)

    def window(self, page: int, limit: int, sort: str | None = None) -> Self:
        """The same query for page `page` (1-based) of `limit` rows, in this order if one is given."""
        # The values were checked, or are our own. `evolve` would check them again, and take as long as a request.
        query = object.__new__(type(self))
        for name in _names(type(self)):
            object.__setattr__(query, name, getattr(self, name))
        object.__setattr__(query, "page", page)
        object.__setattr__(query, "limit", limit)
        if sort is not None:
            object.__setattr__(query, "sort", sort)
        return query

    def sent(self) -> dict[str, Any]:
        """The parameters that are sent, by their Python names."""
        names = _names(type(self))
        found = {name: value for name in names if (value := getattr(self, name)) is not None}
        found.update(found.pop("others", {}))
        return found


def _names(kind: type[ListQuery]) -> list[str]:
    return [one.name for one in fields(kind)]


@frozen(kw_only=True, field_transformer=builtin_fields)
class CallQuery(ListQuery):
    """One request for calls, as `listCalls` has it."""

    model = Call

    agent_id: str = field(validator=validator(checked_segment))
    is_test_call: bool | None = field(default=None, validator=optional(check_boolean))
    status: CallStatus | None = field(default=None, validator=optional(check_text))

    @property
    def of_agent(self) -> str:
        """The agent whose calls are listed."""
        return self.agent_id

    def hint(self) -> None:
        """Log which status or field an unknown `status` or `sort` resembles; it is sent unchanged."""
        hint_at_status(self.status)
        super().hint()


@frozen(kw_only=True, field_transformer=builtin_fields)
class AgentQuery(ListQuery):
    """One request for agents, as `listAgents` has it."""

    model = Agent

    search: str | None = field(default=None, validator=optional(at_most(255)))
    sort: str | None = field(default=None, validator=optional(at_most(64)))


@lru_cache(maxsize=64)  # each is said once
def hint_at_status(status: str | None) -> None:
    """Log which status of the contract an unknown one resembles."""
    if status is not None and (meant := close_to(status, CALL_STATUSES)):
        log_unlisted("status", status, meant)


@lru_cache(maxsize=64)  # the same
def _hint_at_sort(sort: str | None, model: type) -> None:
    word = (sort or "").removeprefix("-")
    # The vendor's page sorts calls by `created_at`, which is no field of theirs.
    if meant := close_to(word, ["created_at", *(field.name for field in fields_of(model))]):
        log_unlisted("sort", str(sort), f"{'-' * str(sort).startswith('-')}{meant}")
