"""Request the newest calls first, so that the last hour does not need the whole listing."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from agentcalls import AgentCallsError, AuthenticationError, BadRequestError, RateLimitError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agentcalls import Call, Client

# It is unknown which of the two the server sorts by: its answers have the one, and its documentation sorts by the
# other.
_SORTS = ("-created_on", "-created_at")

# An agent with one call or none shows no order.
_MOST_TRIED = 5


def newest_sort(
    client: Client, agents: Iterable[str], *, is_test_call: bool | None = None
) -> str | None:
    """The `sort` that lists calls newest first, found with the first agents; None if no `sort` does.

    Raises an error that affects every agent.
    """
    sort, tried = None, 0
    for agent in agents:
        try:
            sort, page = newest_first(client, agent, is_test_call=is_test_call)
        except (AuthenticationError, RateLimitError):
            raise
        except AgentCallsError:
            continue  # the error is reported when the agent is read
        tried += 1
        if sort is None or len(page) > 1 or tried == _MOST_TRIED:
            break
    return sort


def newest_first(
    client: Client, agent: str, *, is_test_call: bool | None = None
) -> tuple[str | None, list[Call]]:
    """The `sort` that lists calls newest first, with the first page; None and no calls if no `sort` does."""
    for sort in _SORTS:
        try:
            page = client.calls.list(agent, sort=sort, is_test_call=is_test_call).page(1)
        except BadRequestError:
            continue
        moments = list(filter(None, (call.created_on for call in page.data)))
        if all(first >= second for first, second in pairwise(moments)):
            return sort, page.data
    return None, []
