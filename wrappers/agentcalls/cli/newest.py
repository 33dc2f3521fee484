"""How to ask for the newest calls first, so that the last hour is not a matter of the whole listing."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from agentcalls import BadRequestError

if TYPE_CHECKING:
    from agentcalls import Call, Client

# Which of the two the server sorts by is not known: it answers with the one, and the page that documents it
# sorts by the other.
_SORTS = ("-created_on", "-created_at")


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
