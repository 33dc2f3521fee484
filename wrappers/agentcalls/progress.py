"""What a walk tells about itself: how far it came, what it proved, and how to go on in another process."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
from attrs import frozen

from agentcalls.decode import Problem  # noqa: TC001 (as above)
from agentcalls.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agentcalls.errors import AgentCallsError

_Count = Annotated[int, msgspec.Meta(ge=0)]
_Moment = Annotated[datetime, msgspec.Meta(tz=True)]


@frozen(kw_only=True)
class Report:
    """How a listing was read, up to now; counts go on over a resumed walk."""

    pages: int = 0
    """Answers that were used."""
    requests: int = 0
    """Requests for windows, those fetched ahead in vain included; retries are not counted."""
    repeats_dropped: int = 0
    """Rows that arrived again and were not delivered again; the walk's own overlaps are among them."""
    repairs: int = 0
    """How often the listing had shifted so far that the walk stepped back."""
    total_count_first: int | None = None
    """`total_count` of the first answer that had a possible one."""
    total_count_last: int | None = None
    """`total_count` of the latest answer that had a possible one."""
    complete: bool = False
    """Whether each call that existed and matched from the first request to the last was delivered exactly once."""
    reason: str | None = None
    """Why it is not complete, in sentences; None where it is."""
    problems: tuple[Problem, ...] = ()
    """What the pages held that the contract does not allow; the first thousand of it."""
    problem_count: int = 0
    """How much of that there was."""


@frozen(kw_only=True)
class Checkpoint:
    """Where a walk stood after a certain call; the text of `to_json` goes on in another process.

    Only `binding` is of use to a caller; what else there is may change with the version.
    """

    version: Literal[1] = 1
    binding: str
    """The agent and query that it belongs to."""
    position: _Count
    """Rows of the listing up to where it was read, as the listing stood then."""
    plain: bool = False
    """Whether pages are read without overlap."""
    size: Annotated[int, msgspec.Meta(ge=1)] = 100
    """Rows a plain page."""
    direction: Literal[-1, 0, 1] = 0
    """The order of the keys; 0 where it is not known."""
    key: _Moment | None = None
    """`created_on` of the last row that was read."""
    at_key: tuple[str, ...] = ()
    """The ids that were delivered with this key."""
    recent: tuple[str, ...] = ()
    """The ids that came last."""
    group: _Count = 0
    """Rows in the largest group of equal keys."""
    total: _Count | None = None
    """`total_count` when this position was reached."""
    most: _Count = 0
    """Rows in the largest answer."""
    since: _Moment | None = None
    until: _Moment | None = None
    doubts: tuple[str, ...] = ()
    """Why the walk cannot be complete any more."""
    report: Report = Report()

    def to_json(self) -> str:
        """The checkpoint as one line of JSON; some kilobytes at most, no call but its id and key."""
        # Not msgspec's, which refuses the half characters that JSON may hold, an id among them.
        return json.dumps(msgspec.to_builtins(self))

    @classmethod
    def from_json(cls, text: str) -> Checkpoint:
        """The checkpoint that `to_json` gave; raises `ConfigurationError` for any other text."""
        try:
            checkpoint = msgspec.convert(json.loads(text), cls)
        except (msgspec.ValidationError, ValueError, TypeError, RecursionError) as error:
            raise ConfigurationError(f"This is no checkpoint of a listing: {error}") from error
        if checkpoint.key is not None and not checkpoint.direction:
            raise ConfigurationError("This is no checkpoint of a listing: a key without direction.")
        return checkpoint


@frozen(kw_only=True)
class ManyReport:
    """How the listings of many agents were read, up to now."""

    agents: Mapping[str, Report]
    """Each agent that was reached. Of their problems a thousand are kept in all, and the counts of each."""
    failures: Mapping[str, AgentCallsError]
    """The agents whose reading failed, each with its error."""
    checkpoints: Mapping[str, Checkpoint]
    """Where `list_many(..., resume=checkpoints)` goes on: each agent that was begun and not read to its end."""
    complete: bool
    """Whether all agents were reached, and the report of each is complete."""
    reason: str | None
    """Why it is not complete, in sentences; None where it is."""
