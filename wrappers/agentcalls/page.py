"""One page of a call log, as the facade gives it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import field, frozen

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agentcalls.decode import Problem
    from agentcalls.ratelimit import RateLimit
    from agentcalls_api.models import Call, PageMeta


@frozen(eq=False)
class Page:
    """One page of calls as the server gave it; iterating it gives its calls."""

    data: list[Call]
    """The calls, in the server's order; at most `limit` of them, none past the end."""
    meta: PageMeta | None
    """Where the page stands in the listing; None where the server leaves it out."""
    message: str | None
    """The server's word for people."""
    request_id: str | None
    """The `X-Request-Id` of the answer."""
    rate_limit: RateLimit | None
    """What the answer says of the rate limit."""
    problems: tuple[Problem, ...] = ()
    """What the page holds that the contract does not allow; a field that is named here may be None."""
    additional_properties: dict[str, Any] = field(factory=dict[str, "Any"])
    """The page's fields, beside its calls, that the contract does not know."""

    def __iter__(self) -> Iterator[Call]:
        return iter(self.data)

    def __len__(self) -> int:
        return len(self.data)
