"""The progress of an export, as it is kept on disk."""

from __future__ import annotations

import json
from datetime import datetime  # noqa: TC003 (msgspec reads the annotations)
from typing import Literal

import msgspec
from attrs import field, frozen

from agentcalls.export.disk.operations import Identity  # noqa: TC001 (the same)


@frozen(kw_only=True)
class AgentFailure:
    """Why an agent could not be read to its end."""

    kind: str
    """The name of the error's class, such as `NotFoundError`."""
    status: int | None
    """The HTTP status; None if there was no answer."""
    message: str
    """The text of the error."""


@frozen(kw_only=True)
class Mark:
    """A position between two agents; an export can go back to it if its agents change."""

    agents_done: int
    prefix: str
    """A hash of the agents up to here, in their order."""
    calls: int = 0
    size: int = 0
    problems: int = 0


@frozen(kw_only=True)
class Journal:
    """The progress of an export."""

    version: Literal[2] = 2
    binding: str
    """A hash of the host, the filters and the format; a resumed export must have the same."""
    since: datetime | None = None
    until: datetime | None = None
    force: bool = False
    """Whether to replace an existing file."""
    agents_done: int = 0
    prefix: str = ""
    """A hash of the agents that are done, in their order."""
    agent_id: str | None = None
    """The next agent, if it was started."""
    checkpoint: str | None = None
    """The checkpoint in that agent's listing."""
    agent_calls: int = 0
    """Written calls of that agent."""
    calls: int = 0
    """Written calls of all agents."""
    size: int = 0
    """Bytes of `rows`."""
    problems: int = 0
    incomplete: dict[str, str] = field(factory=dict[str, str])
    """Why an agent's listing is not complete, by agent id."""
    failures: dict[str, AgentFailure] = field(factory=dict[str, AgentFailure])
    """The agents that failed, by id."""
    marks: list[Mark] = field(factory=list[Mark])
    """The earlier records between two agents."""
    stage: Literal["reading", "building", "made"] = "reading"
    """The next step: read calls, build the file from the rows, or move the finished file to its name."""
    made: Identity | None = None
    """The finished file."""

    @property
    def is_begun(self) -> bool:
        """Whether there is any progress to resume."""
        return self.calls > 0 or self.agents_done > 0 or self.stage != "reading"


def packed(journal: Journal) -> bytes:
    """A journal as JSON; an agent's id may be a text that UTF-8 cannot hold."""
    try:
        return msgspec.json.encode(journal)
    except UnicodeEncodeError:
        return json.dumps(msgspec.to_builtins(journal)).encode()


def unpacked(data: bytes) -> Journal:
    """The journal in such JSON; raises `ValueError` for anything else."""
    return msgspec.convert(json.loads(data), Journal)
