"""`client.calls`: the operations of the contract's tag `Calls`, once for both flavours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

from attrs import field, frozen

from agentcalls.reading.options import ManyOptions, ReadOptions
from agentcalls.request.query import CallQuery, CallStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from agentcalls.reading.moments import Moment
    from agentcalls.reading.pages import Source
    from agentcalls.values import AgentReport, Checkpoint

ListingT_co = TypeVar("ListingT_co", covariant=True)
ManyListingT_co = TypeVar("ManyListingT_co", covariant=True)

_ANY_AGENT = "*"


@frozen
class Calls(Generic[ListingT_co, ManyListingT_co]):
    """The calls of the team's agents."""

    _listing: Callable[[CallQuery, ReadOptions, Any], ListingT_co] = field(repr=False)
    """`CallListing` or `AsyncCallListing`, of listing.py."""
    _listing_of_many: Callable[[CallQuery, ManyOptions, ReadOptions, Any], ManyListingT_co] = field(
        repr=False
    )
    """`ManyListing` or `AsyncManyListing`."""
    _source: Callable[[ReadOptions], Source[Any, Any]] = field(repr=False)
    """How the client lets a listing ask, which is read with these options."""

    def list(
        self,
        agent_id: str,
        *,
        page: int | None = None,
        limit: int | None = None,
        search: str | None = None,
        sort: str | None = None,
        is_test_call: bool | None = None,
        status: CallStatus | None = None,
        since: Moment | None = None,
        until: Moment | None = None,
        exact: bool = True,
        max_items: int | None = None,
        resume: Checkpoint | None = None,
        concurrency: int | None = None,
        strict: bool | None = None,
        max_retries: int | None = None,
    ) -> ListingT_co:
        """The agent's calls, as a listing that sends nothing until it is read.

        The first seven are the API's own parameters, the rest say how iterating reads.

        Args:
            agent_id: The agent, by its id; any text, escaped so that it stays one path segment.
            page: Where reading starts, 1-based, in pages of `limit`; the first where it is left out.
            limit: Calls a page, 1 to 100; 100 where it is left out. It shapes `pages()`: iterating calls asks for
                windows of its own choice.
            search: Free text that the server looks for in the calls.
            sort: A field's name, with "-" in front for descending; the server's own order where it is left out.
            is_test_call: True for test calls only, False for live ones only.
            status: Calls of this status only.
            since: Calls created at or after this moment only: an aware datetime, a date (its midnight in UTC), a
                duration such as "24h" before the iteration begins (s, m, h, d, w), or ISO 8601 text with an offset.
                The API has no such filter: the calls are read and left out here.
            until: Calls created before this moment only; as `since`.
            exact: Whether windows overlap so that each call comes once though the listing shifts; False reads plain
                pages, up to a fifth fewer requests, and proves nothing.
            max_items: Stop after so many calls.
            resume: Go on where the checkpoint of an earlier iteration stands, of the same agent and query.
            concurrency: How many requests may be under way at once, 1 to 64; what the client says where it is left out.
                Further ones are sent once half of the first answer is consumed.
            strict: Whether a page with a problem is an error; what the client says where it is left out.
            max_retries: How often each request is tried again; what the client says where it is left out.

        Raises:
            ConfigurationError: At once, for a value that the contract does not allow.

        Source: the operation `listCalls` of openapi.yaml.
        """
        query = CallQuery(
            agent_id=agent_id,
            page=page,
            limit=limit,
            search=search,
            sort=sort,
            is_test_call=is_test_call,
            status=status,
        )
        options = ReadOptions(
            since=since,
            until=until,
            exact=exact,
            max_items=max_items,
            resume=resume,
            concurrency=concurrency,
            strict=strict,
            max_retries=max_retries,
        )
        return self._listing(query, options, self._source(options))

    def list_many(
        self,
        agent_ids: Iterable[str],
        *,
        search: str | None = None,
        sort: str | None = None,
        is_test_call: bool | None = None,
        status: CallStatus | None = None,
        since: Moment | None = None,
        until: Moment | None = None,
        exact: bool = True,
        max_items: int | None = None,
        resume: Mapping[str, Checkpoint] | None = None,
        concurrency: int | None = None,
        strict: bool | None = None,
        max_retries: int | None = None,
        stop_on_error: bool = False,
        ordered: bool = False,
        on_agent: Callable[[AgentReport], object] | None = None,
    ) -> ManyListingT_co:
        """The calls of many agents, as a listing of pairs (agent id, call) that sends nothing until it is read.

        Each agent is read as `list` reads it, and all share one window of requests under way. An agent's calls come in
        its own order; those of different agents mix, page by page, as their answers arrive, unless `ordered` is set.
        What `list` takes means the same here, for each agent; the rest is:

        Args:
            agent_ids: The agents, in any iterable; it is read only as far as requests are made, and each id is checked
                when it is reached. An id that comes again is not read again. A generator can be read only once, and
                so can the listing of one.
            search: As in `list`.
            sort: As in `list`.
            is_test_call: As in `list`.
            status: As in `list`.
            since: As in `list`; a duration is one before the iteration begins, the same moment for all agents.
            until: As `since`.
            exact: As in `list`.
            max_items: Stop an agent after so many of its calls.
            resume: Go on where an earlier iteration stood: its `report.checkpoints`, by agent id. An agent without one
                is read from its start; those of other agents are not looked at.
            concurrency: How many requests may be under way at once for all agents together, 1 to 64; what the client
                says where it is left out. The first is alone until half of its calls are taken.
            strict: As in `list`.
            max_retries: As in `list`.
            stop_on_error: Raise the first agent's failure by itself, at once. Otherwise the others are read to their
                end, and then all failures are raised as one `ExceptionGroup`, each with its `agent_id`.
            ordered: Give the agents in the order given, each with all its calls before the next one's first. The next
                agents are read ahead meanwhile, and up to six pages wait for each request that may be under way.
            on_agent: Called with an `AgentReport` when an agent has ended or failed, also where it has no calls: after
                its last call was taken and, where `ordered` is set, before the next agent's first is given.

        Raises:
            ConfigurationError: At once, for a value that the contract does not allow.

        Source: the operation `listCalls` of openapi.yaml.
        """
        query = CallQuery(
            agent_id=_ANY_AGENT,
            search=search,
            sort=sort,
            is_test_call=is_test_call,
            status=status,
        )
        many = ManyOptions(
            agent_ids=agent_ids,
            resume={} if resume is None else resume,
            stop_on_error=stop_on_error,
            ordered=ordered,
            on_agent=on_agent,
        )
        options = ReadOptions(
            since=since,
            until=until,
            exact=exact,
            max_items=max_items,
            concurrency=concurrency,
            strict=strict,
            max_retries=max_retries,
        )
        return self._listing_of_many(query, many, options, self._source(options))
