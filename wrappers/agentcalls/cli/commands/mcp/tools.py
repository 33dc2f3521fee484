"""The tools: what an assistant may ask. Each reads; none writes."""

from __future__ import annotations

import re
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from attrs import field, frozen

import agentcalls
from agentcalls.cli.commands.doctor.diagnosis import Attempt, findings, shown
from agentcalls.cli.commands.mcp import results
from agentcalls.cli.commands.mcp.progress import Progress
from agentcalls.cli.commands.mcp.reading import Reading, groups, moment, span
from agentcalls.cli.commands.mcp.texts import presented
from agentcalls.cli.connect import made
from agentcalls.cli.failures import Code, Failure
from agentcalls.cli.show.conversation import row_of
from agentcalls.cli.show.phone_numbers import call_without_numbers, without_numbers_within
from agentcalls.cli.summary import Summary
from agentcalls.settings import CALL_STATUSES

if TYPE_CHECKING:
    from collections.abc import Collection, Generator, Mapping, Sequence

    from agentcalls import Agent, AsyncClient, Call, Exchange
    from agentcalls.cli.commands.mcp import arguments
    from agentcalls.cli.connect import Profile, Setting
    from agentcalls.cli.zone import Zone

_NOBODY = "agentcalls-doctor"  # not a real agent: a valid key gets a 404
_NO_NUMBERS = {"id", "workflow_id", "logo", "created_at", "updated_at"}
_MOST_MESSAGES = 100
"""At the beginning of a transcript, and as many at its end."""


class AgentNotAllowedError(Failure):
    """The server may not read this agent."""


@frozen
class Scope:
    """What a server may do, as its command line says."""

    profile: Profile
    settings: Mapping[str, Setting]
    allowed: Sequence[str]
    """The agents that may be asked about; all of the team if it names none."""
    zone: Zone
    show_numbers: bool
    debug: bool = False

    def check(self, *agent_ids: str) -> None:
        """Raises `Failure` for an agent that may not be asked about."""
        for agent_id in agent_ids:
            if self.allowed and agent_id not in self.allowed:
                raise AgentNotAllowedError(
                    f"This server may not read the agent {agent_id!r}: list_agents has the agents that it may read.",
                    Code.DENIED,
                )


@frozen
class Tools:
    """The tools of a server; the docstring of each is its description."""

    scope: Scope
    client: AsyncClient
    progress: Progress = field(factory=Progress)
    """Of the question that is answered."""

    async def list_agents(self, asked: arguments.ListAgents) -> results.Agents:
        """The agents that may be asked about, with their ids, names and statuses."""
        listing = self.client.agents.list(
            search=asked.search, **_given(asked, agentcalls.OtherAgentParameters)
        )
        agents = await listing.all()
        if self.scope.allowed:
            agents = [agent for agent in agents if agent.id in self.scope.allowed]
        statuses: set[object] = {agent.status for agent in agents}
        return results.Agents(
            agents=[self._agent(agent) for agent in agents if asked.status in {None, agent.status}],
            complete=listing.report.complete,
            incomplete_reason=listing.report.reason,
            hint=presented(_unlisted(asked.status, statuses, "agents")),
        )

    async def list_calls(self, asked: arguments.ListCalls) -> results.Calls:
        """Some calls of one agent, the newest first. To count calls, use summarize_calls."""
        self.scope.check(asked.agent_id)
        filters = self._filters(asked)
        since, until = await span(self.client, asked.agent_id, filters)
        listing = self.client.calls.list(
            asked.agent_id, **filters, sort=asked.sort, max_items=asked.max_items + 1
        )
        calls = await listing.all()
        return results.Calls(
            calls=[self._call(call) for call in calls[: asked.max_items]],
            has_more=len(calls) > asked.max_items,
            since=moment(since),
            until=moment(until),
            hint=_unlisted(asked.status, CALL_STATUSES, "calls"),
        )

    async def get_call(self, asked: arguments.GetCall) -> results.OneCall:
        """One call of an agent, with its transcript."""
        self.scope.check(asked.agent_id)
        others: Any = _given(asked, agentcalls.OtherCallParameters)
        found = await self.client.calls.get(asked.agent_id, asked.call_id, **others)
        row = row_of(found, asked.call_id, show_numbers=self.scope.show_numbers)
        left_out = _shorten(row)
        return results.OneCall(
            call=presented(row),
            messages_left_out=left_out,
            problems=presented([f"{one.field} {one.why}" for one in found.problems]),
        )

    async def summarize_calls(self, asked: arguments.SummarizeCalls) -> results.Summary:
        """Count calls of agents: how many failed and why, how many were answered, how long they lasted.

        It reads every such call, and says whether it is proven that none was missed.
        """
        agents, doubt = await self._agents(asked.agent_ids)
        filters = self._filters(asked)
        summary = Summary(asked.by.value, self.scope.zone)
        reading = Reading(
            summary, agents, *await span(self.client, agents[0], filters), doubt=doubt
        )
        await reading.read(self.client, filters, self.progress)
        window = reading.window(show_numbers=self.scope.show_numbers)
        rows = groups(summary, show_numbers=self.scope.show_numbers)
        return results.Summary(
            **presented(window),
            agents=len(agents),
            time_zone=None if summary.last is None else self.scope.zone.name(summary.last),
            first_created_on=moment(summary.first),
            last_created_on=moment(summary.last),
            by=summary.by,
            groups=presented(rows),
            calls_in_other_groups=window["total"]["calls"] - sum(row["calls"] for row in rows),
            hint=_unlisted(asked.status, CALL_STATUSES, "calls"),
        )

    async def compare_windows(self, asked: arguments.CompareWindows) -> results.Comparison:
        """Count the calls of two spans of time: one, and the one before, or another that is named."""
        agents, doubt = await self._agents(asked.agent_ids)
        now = datetime.now(UTC)
        filters = self._filters(asked) | {"until": asked.until or now}
        since, until = await span(self.client, agents[0], filters)
        begin: str | datetime | None = asked.earlier_since
        end = asked.earlier_until or since
        with _naming_the_earlier():
            if begin is None:
                of_end = filters | {"since": None, "until": end}
                _, before = await span(self.client, agents[0], of_end)
                begin = _earlier(before, until, since)
            filters |= {"since": begin, "until": end}
            earlier_span = await span(self.client, agents[0], filters)
        spans = {"later": (since, until), "earlier": earlier_span}
        windows: dict[str, results.Window] = {}
        for name, moments in spans.items():
            reading = Reading(Summary("status", self.scope.zone), agents, *moments, doubt=doubt)
            await reading.read(self.client, filters, self.progress)
            window = reading.window(show_numbers=self.scope.show_numbers)
            windows[name] = results.Window(**presented(window))
        later, earlier = windows["later"].total, windows["earlier"].total
        return results.Comparison(
            **windows,
            calls_change=later.calls - earlier.calls,
            failed_change=later.failed - earlier.failed,
            failure_rate_change=_difference(later.failure_rate, earlier.failure_rate),
            answer_rate_change=_difference(later.answer_rate, earlier.answer_rate),
            hint=_unlisted(asked.status, CALL_STATUSES, "calls"),
        )

    async def doctor(self, asked: arguments.Doctor) -> results.Checklist:
        """Check the settings, the host, the key, the answers and the clock, with one request."""
        if asked.agent_id is not None:
            self.scope.check(asked.agent_id)
        heard: list[Exchange] = []
        page = error = None
        try:
            client = made(
                agentcalls.AsyncClient,
                self.scope.settings,
                debug=self.scope.debug,
                hear=heard.append,
            )
            async with client:
                listing = client.calls.list(asked.agent_id or _NOBODY, max_retries=0)
                page = await listing.page(1)
        except agentcalls.AgentCallsError as refusal:
            error = refusal
        headers = heard[-1].headers if heard else dict[str, str]()
        attempt = Attempt(
            agent=asked.agent_id, page=page, error=error, headers=headers, at=datetime.now(UTC)
        )
        return results.Checklist(
            settings=presented(shown(self.scope.settings)),
            checks=[
                results.Check(name=one.name, standing=one.standing, detail=presented(one.detail))
                for one in findings(attempt, self.scope.profile)
            ],
        )

    async def _agents(self, agent_ids: Sequence[str] | None) -> tuple[list[str], str | None]:
        # The agents that are asked about, and why there may be more of them.
        if agent_ids is not None or self.scope.allowed:
            named = list(dict.fromkeys(agent_ids or self.scope.allowed))
            self.scope.check(*named)
            return named, None
        listing = self.client.agents.list()
        agents = [agent.id for agent in await listing.all()]
        if not agents:
            raise Failure("The team has no agents.", Code.NOT_FOUND)
        reason = listing.report.reason
        return agents, reason and f"The listing of the agents is not proven complete: {reason}"

    def _filters(self, asked: Any) -> dict[str, Any]:
        names = ("status", "search", "is_test_call", "since", "until")
        own = {name: getattr(asked, name) for name in names} | {"tz": self.scope.zone.asked}
        return {**own, **_given(asked, agentcalls.OtherParameters)}

    def _agent(self, agent: Agent) -> dict[str, Any]:
        row = agent.to_dict()
        hidden = row if self.scope.show_numbers else without_numbers_within(row, _NO_NUMBERS)
        return dict(presented(hidden))

    def _call(self, call: Call) -> dict[str, Any]:
        row = {"agent_id": call.agent_id, **call.to_dict()}
        return dict(presented(row if self.scope.show_numbers else call_without_numbers(row)))


def _given(asked: Any, parameters: type) -> Any:
    # The parameters that no argument of ours is for.
    return {name: getattr(asked, name) for name in parameters.__annotations__}


def _unlisted(status: str | None, known: Collection[object], of: str) -> str | None:
    # The sets are open, so it is asked for all the same. Zero calls would be taken for an answer.
    if status is None or status in known:
        return None
    names = sorted(one for one in known if isinstance(one, str))
    return f"The statuses of {of} are {', '.join(names)}, and perhaps others."


def _shorten(row: dict[str, Any]) -> int:
    # Leaves out the middle of a long transcript; returns how many messages that is.
    messages = row.get("conversation_logs")
    if not isinstance(messages, list):
        return 0
    said = cast("list[Any]", messages)  # type: ignore[redundant-cast]  # pyright sees a list of anything
    row["conversation_logs"] = (
        said
        if len(said) <= 2 * _MOST_MESSAGES
        else [*said[:_MOST_MESSAGES], *said[-_MOST_MESSAGES:]]
    )
    return len(said) - len(row["conversation_logs"])


@contextmanager
def _naming_the_earlier() -> Generator[None]:
    # A refusal names the arguments of the library.
    try:
        yield
    except agentcalls.ConfigurationError as error:
        named = re.sub(r"\b(since|until)(?= takes |=…)", r"earlier_\1", str(error))
        raise agentcalls.ConfigurationError(named) from None


def _earlier(
    before: datetime | None, until: datetime | None, since: datetime | None
) -> datetime | None:
    # As long before its end as the later window is long.
    try:
        return before and until and since and before - (until - since)
    except OverflowError:
        return None


def _difference(later: float | None, earlier: float | None) -> float | None:
    return None if later is None or earlier is None else round(later - earlier, 4)
