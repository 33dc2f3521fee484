"""`client.calls` and `client.agents`: the operations of the contract, once for both flavours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar, Unpack, cast

from attrs import field, frozen

from agentcalls.checks import Several, checked_others, id_of
from agentcalls.models import Agent, Call, CallDetail
from agentcalls.reading.any_listing import Listed, ListingT_co
from agentcalls.reading.listing_options import ManyOptions, ReadOptions, check_order, own_moments
from agentcalls.request.flavour import awaited_if_async
from agentcalls.request.operation import GET_CALL
from agentcalls.request.query import AgentQuery, CallQuery
from agentcalls_api import OtherAgentParameters, OtherCallParameters, OtherParameters

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Callable, Iterable, Mapping

    from agentcalls.reading.moments import Moment, TimeZone
    from agentcalls.request.concurrency import Concurrency
    from agentcalls.request.operation import Outgoing
    from agentcalls.settings import CallStatus
    from agentcalls.values import AgentReport, Checkpoint

ManyListingT_co = TypeVar("ManyListingT_co", covariant=True)

_ANY_AGENT = "*"


@frozen
class Calls(Listed[ListingT_co], Generic[ListingT_co, ManyListingT_co]):
    """The calls of the team's agents."""

    _listing_of_many: Callable[[CallQuery, ManyOptions, ReadOptions, Any], ManyListingT_co] = field(
        repr=False
    )
    """`ManyListing` or `AsyncManyListing`."""
    _fetch: Callable[[Outgoing[Any]], Any] = field(repr=False)
    """The client's way of requesting one call."""

    @awaited_if_async
    def get(
        self,
        agent_id: str | Agent,
        call_id: str | Call | CallDetail,
        **others: Unpack[OtherCallParameters],
    ) -> CallDetail:
        """One call in detail, with its transcript; in `AsyncClient` it is awaited.

        `call.problems` names everything that the contract does not allow, and also an answer with another call's id.
        With `strict` of the client, a problem is an error.

        Args:
            agent_id: The agent, as in `list`.
            call_id: The id of the call, any text; or the call, as `list` gives it.
            others: Parameters that the contract has besides these, each by its name: see `OtherCallParameters`.

        Raises:
            ConfigurationError: An id cannot be sent; raised at once.
            NotFoundError: The key's team has no such agent, or the agent no such call.

        Source: the operation `getCall` of openapi.yaml.
        """
        ids = {"agent_id": id_of(agent_id, Agent), "call_id": id_of(call_id, (Call, CallDetail))}
        asked = {**ids, **(checked_others(others, OtherCallParameters) or {})}
        return cast("CallDetail", self._fetch(GET_CALL.outgoing(asked)))

    def list(
        self,
        agent_id: str | Agent,
        *,
        page: int | None = None,
        limit: int | None = None,
        search: str | None = None,
        sort: str | None = None,
        is_test_call: bool | None = None,
        status: CallStatus | None = None,
        since: Moment | None = None,
        until: Moment | None = None,
        tz: TimeZone | None = None,
        oldest_first: bool = False,
        exact: bool = True,
        max_items: int | None = None,
        resume: Checkpoint | None = None,
        concurrency: Concurrency | None = None,
        strict: bool | None = None,
        max_retries: int | None = None,
        **others: Unpack[OtherParameters],
    ) -> ListingT_co:
        """The agent's calls, as a listing that sends nothing until it is read.

        The first seven are the API's own parameters; the others, from `since` on, control how the client reads.

        Args:
            agent_id: The agent id, any text, escaped as one path segment; or the agent of `client.agents.list()`.
            page: The page to start from, 1-based, in pages of `limit`; by default the first.
            limit: Calls per page, 1 to 100; 100 by default, for `pages()`. Iterating calls chooses its own windows.
            search: Free text that the server searches for.
            sort: A field's name, with "-" in front for descending. By default the newest calls come first, if the
                server honours that; a listing of one page comes in the server's own order.
            is_test_call: True for only test calls, False for only live calls.
            status: Calls of this status only.
            since: Calls created at or after this moment only: an aware datetime, a date (its midnight), a duration
                before the iteration begins (a timedelta, or text such as "24h" or "24 hours"), "today", "yesterday", or
                ISO 8601 text. The API has no such filter: the client reads the calls and filters them.
            until: Calls created before this moment only; written like `since`.
            tz: The time zone of days, and of times that name no offset: a tzinfo, a name such as "Europe/Berlin", or
                "local" for this machine's. By default, days are those of UTC, and such times are refused.
            oldest_first: Request the oldest calls first, instead of `sort`. New calls then come after the others, so a
                reading that is resumed much later still joins. `pages()` and `page()` have this order once another
                reading of the client has found out the server's name for it.
            exact: Whether windows overlap, so that each call comes once even if the listing shifts. False reads plain
                pages with up to a fifth fewer requests, and proves nothing.
            max_items: Stop after this many calls.
            resume: Continue from the checkpoint of an earlier iteration with the same agent and query.
            concurrency: How many requests may be in flight at once, 1 to 64 or "auto"; by default the client's setting.
                Prefetch starts once half of the first answer is consumed.
            strict: Whether a page with a problem is an error; by default the client's setting.
            max_retries: How often each request is retried; by default the client's setting.
            others: Parameters that the contract has besides these, each by its name: see `OtherParameters`.

        Raises:
            ConfigurationError: The contract does not allow a value, or `since` is not before `until`; raised at once.

        Source: the operation `listCalls` of openapi.yaml.
        """
        query = CallQuery(
            agent_id=id_of(agent_id, Agent),
            page=page,
            limit=limit,
            search=search,
            sort=sort,
            is_test_call=is_test_call,
            status=status,
            others=checked_others(others, OtherParameters),
        )
        check_order(sort, oldest_first=oldest_first)
        options = ReadOptions(
            since=since,
            until=until,
            tz=tz,
            oldest_first=oldest_first,
            exact=exact,
            max_items=max_items,
            resume=resume,
            concurrency=concurrency,
            strict=strict,
            max_retries=max_retries,
        )
        return self._read(self._listing, query, options)

    def list_many(
        self,
        agent_ids: Iterable[str | Agent] | AsyncIterable[str | Agent],
        *,
        search: str | None = None,
        sort: str | None = None,
        is_test_call: bool | None = None,
        status: CallStatus | None = None,
        since: Moment | Mapping[str, Moment | None] | Callable[[str], Moment | None] | None = None,
        until: Moment | None = None,
        tz: TimeZone | None = None,
        oldest_first: bool = False,
        exact: bool = True,
        max_items: int | None = None,
        resume: Mapping[str, Checkpoint] | None = None,
        concurrency: Concurrency | None = None,
        strict: bool | None = None,
        max_retries: int | None = None,
        stop_on_error: bool = False,
        ordered: bool = False,
        on_agent: Callable[[AgentReport], object] | None = None,
        **others: Unpack[OtherParameters],
    ) -> ManyListingT_co:
        """The calls of many agents, as a listing of pairs (agent id, call) that sends nothing until it is read.

        Each agent is read as with `list`, and all agents share one window of requests in flight. The calls of one agent
        come in order. The calls of different agents mix, page by page, as answers arrive, unless `ordered` is set. The
        arguments of `list` mean the same here, for each agent.

        Args:
            agent_ids: The agents, by their ids or as `client.agents.list()` gives them, in any iterable. It is read
                only as far as requests are made, and each id is checked when it is reached. A repeated id is read once.
                A generator can be read only once, and so can its listing. `AsyncClient` also takes an asynchronous
                iterable, and reads it to its end first. The report is not complete if the agents' listing is not.
            search: As in `list`.
            sort: As in `list`.
            is_test_call: As in `list`.
            status: As in `list`.
            since: As in `list`; a duration counts back from the start of the iteration, the same moment for all agents.
                Or a mapping from agent ids to such moments, or a function of the agent id, asked when the agent is
                reached; an agent without a moment is read from its start.
            until: As in `list`.
            tz: As in `list`.
            oldest_first: As in `list`.
            exact: As in `list`.
            max_items: Stop each agent after this many calls.
            resume: Continue an earlier iteration: its `report.checkpoints`, by agent id. An agent without a checkpoint
                is read from its start. Checkpoints of other agents are ignored.
            concurrency: How many requests may be in flight at once for all agents together, 1 to 64 or "auto"; by
                default the client's setting. The first request is alone until half of its calls are taken.
            strict: As in `list`.
            max_retries: As in `list`.
            stop_on_error: Raise the first failure alone, at once. Otherwise the other agents are read to their end, and
                then all failures are raised as one `ExceptionGroup`, each with its `agent_id`.
            ordered: Keep the given order of agents: all calls of an agent come before the first call of the next agent.
                The next agents are prefetched; up to six pages wait in memory for each request that may be in flight.
            on_agent: Called with an `AgentReport` when an agent has ended or failed, even if it has no calls: after its
                last call was taken and, with `ordered`, before the next agent's first call.
            others: As in `list`.

        Raises:
            ConfigurationError: The contract does not allow a value, or `since` is not before `until`; raised at once. A
                moment of an agent's own is a failure of this agent.

        Source: the operation `listCalls` of openapi.yaml.
        """
        query = CallQuery(
            agent_id=_ANY_AGENT,
            search=search,
            sort=sort,
            is_test_call=is_test_call,
            status=status,
            others=checked_others(others, OtherParameters),
        )
        check_order(sort, oldest_first=oldest_first)
        own_since = own_moments(since)
        many = ManyOptions(
            agent_ids=Several("agent_ids", agent_ids, Agent),
            resume={} if resume is None else resume,
            since=own_since,
            stop_on_error=stop_on_error,
            ordered=ordered,
            on_agent=on_agent,
        )
        options = ReadOptions(
            since=None if own_since else cast("Moment | None", since),
            until=until,
            tz=tz,
            oldest_first=oldest_first,
            exact=exact,
            max_items=max_items,
            concurrency=concurrency,
            strict=strict,
            max_retries=max_retries,
        )
        return self._read(self._listing_of_many, query, options, many)


@frozen
class Agents(Listed[ListingT_co]):
    """The agents of the key's team."""

    def list(
        self,
        *,
        page: int | None = None,
        limit: int | None = None,
        search: str | None = None,
        sort: str | None = None,
        max_items: int | None = None,
        strict: bool | None = None,
        max_retries: int | None = None,
        **others: Unpack[OtherAgentParameters],
    ) -> ListingT_co:
        """The team's agents, as a listing that sends nothing until it is read.

        `client.calls.list_many(client.agents.list())` has the calls of all of them.

        Args:
            page: The page to start from, 1-based, in pages of `limit`; by default the first.
            limit: Agents per page, as in `Calls.list`.
            search: Free text that the server searches for, at most 255 characters.
            sort: A field's name, with "-" in front for descending, at most 64 characters. By default, a listing of more
                than one page comes newest first, if the server honours that.
            max_items: Stop after this many agents.
            strict: Whether a page with a problem is an error; by default the client's setting.
            max_retries: How often each request is retried; by default the client's setting.
            others: Parameters that the contract has besides these, each by its name: see `OtherAgentParameters`.

        Raises:
            ConfigurationError: The contract does not allow a value; raised at once.

        Source: the operation `listAgents` of openapi.yaml.
        """
        query = AgentQuery(
            page=page,
            limit=limit,
            search=search,
            sort=sort,
            others=checked_others(others, OtherAgentParameters),
        )
        options = ReadOptions(max_items=max_items, strict=strict, max_retries=max_retries)
        return self._read(self._listing, query, options)
