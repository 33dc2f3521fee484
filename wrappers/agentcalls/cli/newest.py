"""How to ask for the newest calls first, so that the last hour is not a matter of the whole listing."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from agentcalls import AgentCallsError, AuthenticationError, BadRequestError, RateLimitError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agentcalls import Call, Client

# Which of the two the server sorts by is not known: it answers with the one, and the page that documents it
# sorts by the other.
_SORTS = ("-created_on", "-created_at")

# An agent of one call, or none, shows no order.
_MOST_TRIED = 5


def newest_sort(
    client: Client, agents: Iterable[str], *, is_test_call: bool | None = None
) -> str | None:
    """The `sort` by which the calls of any agent come newest first, as the first agents show it; None where none does.

    Raises what would meet every agent.
    """
    sort, tried = None, 0
    for agent in agents:
        try:
            sort, page = newest_first(client, agent, is_test_call=is_test_call)
        except (AuthenticationError, RateLimitError):
            raise
        except AgentCallsError:
            continue  # it is told when the agent is read
        tried += 1
        if sort is None or len(page) > 1 or tried == _MOST_TRIED:
            break
    return sort


def newest_first(
    client: Client, agent: str, *, is_test_call: bool | None = None
) -> tuple[str | None, list[Call]]:
    """The `sort` by which calls come newest first, with the first page; no sort and no calls where none does."""
    for sort in _SORTS:
        try:
            page = client.calls.list(agent, sort=sort, is_test_call=is_test_call).page(1)
        except BadRequestError:
            continue
        moments = list(filter(None, (call.created_on for call in page.data)))
        if all(first >= second for first, second in pairwise(moments)):
            return sort, page.data
    return None, []
