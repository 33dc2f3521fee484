"""The arguments of the tools, named as those of the library. A name that a tool does not take is an error."""

from __future__ import annotations

from typing import Annotated, ClassVar

from attrs import fields
from pydantic import BaseModel, ConfigDict, Field

from agentcalls import Call
from agentcalls.cli.groups import By
from agentcalls.settings import CALL_STATUSES

MOST_CALLS = 100
"""The most calls that one answer lists."""
_CALLS = 20

_WHEN = (
    "24h or 7d ago (s, m, h, d, w), today, yesterday, a day such as 2026-11-23, or a time such as "
    "2026-11-23T10:00. Days and times are those of the server's time zone unless an offset is given."
)
_SORTS = "|".join(
    field.name for field in fields(Call) if field.name not in {"agent_id", "additional_properties"}
)
AgentId = Annotated[str, Field(description="The agent's id, as list_agents has it.")]
AgentIds = Annotated[
    list[str] | None,
    Field(
        min_length=1,
        description="The agents' ids; by default all agents that this server may read.",
    ),
]
Since = Annotated[
    str | None, Field(description=f"Only calls created at or after this moment: {_WHEN}")
]
Until = Annotated[
    str | None, Field(description="Only calls created before this moment; written like since.")
]


class Arguments(BaseModel):
    """The arguments of a tool."""

    # A filter under another name would be ignored, and the counts would be those of all calls.
    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid")


class Filters(Arguments):
    """What chooses calls, besides their time."""

    status: Annotated[
        str | None,
        Field(
            min_length=1,
            description=f"Only calls with this status: {', '.join(CALL_STATUSES)}, or another.",
        ),
    ] = None
    search: Annotated[str | None, Field(description="Free text that the API searches for.")] = None
    is_test_call: Annotated[
        bool | None, Field(description="True for only test calls, false for only live calls.")
    ] = None


class ListAgents(Arguments):
    """The arguments of `list_agents`."""

    search: Annotated[str | None, Field(description="Free text that the API searches for.")] = None
    status: Annotated[
        str | None,
        Field(min_length=1, description="Only agents with this status, such as live or paused."),
    ] = None


class ListCalls(Filters):
    """The arguments of `list_calls`."""

    agent_id: AgentId
    since: Since = None
    until: Until = None
    sort: Annotated[
        str | None,
        Field(
            # The API ignores any other, and its order would be taken for the one that was asked for.
            pattern=f"^-?({_SORTS})$",
            description='A field\'s name, with "-" in front for descending; newest first by default.',
        ),
    ] = None
    max_items: Annotated[
        int, Field(ge=1, le=MOST_CALLS, description="The most calls in the answer.")
    ] = _CALLS


class GetCall(Arguments):
    """The arguments of `get_call`."""

    agent_id: AgentId
    call_id: Annotated[str, Field(description="The call's id, as list_calls has it.")]


class SummarizeCalls(Filters):
    """The arguments of `summarize_calls`."""

    agent_ids: AgentIds = None
    since: Since = None
    until: Until = None
    by: Annotated[By, Field(description="What the groups are of.")] = By.STATUS


class CompareWindows(Filters):
    """The arguments of `compare_windows`."""

    agent_ids: AgentIds = None
    since: Annotated[str, Field(description=f"Where the later window begins: {_WHEN}")]
    until: Annotated[str | None, Field(description="Where it ends, exclusive; by default now.")] = (
        None
    )
    earlier_since: Annotated[
        str | None,
        Field(
            description="Where the earlier window begins; by default as long before its end as the later one is long."
        ),
    ] = None
    earlier_until: Annotated[
        str | None,
        Field(description="Where it ends, exclusive; by default where the later one begins."),
    ] = None


class Doctor(Arguments):
    """The arguments of `doctor`."""

    agent_id: Annotated[
        str | None, Field(description="An agent whose calls are checked against the contract.")
    ] = None
