"""The values that users are handed: pages, what is wrong with them, reports, and where to go on."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from attrs import field, frozen

from agentcalls.described import described
from agentcalls.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from agentcalls.errors import AgentCallsError
    from agentcalls.models import Call
    from agentcalls_api.models import PageMeta

_Count = Annotated[int, msgspec.Meta(ge=0)]
_Moment = Annotated[datetime, msgspec.Meta(tz=True)]


@described
@frozen(kw_only=True)
class Problem:
    """Something that a page holds and that the contract does not allow."""

    page: int | None = None
    """The page's number, 1-based, at the size that was asked for."""
    row: int | None = None
    """The row's place on its page, 0-based; None where it is about the page itself."""
    call_id: str | None = None
    """The id of the row's call, where it could be read."""
    field: str | None = None
    """The field's name in JSON, with the way to what is wrong within it (`labels[2]`); None for the whole row."""
    raw: object = None
    """What was sent: a text cut to 200 characters, a list or an object named with its length; None for nothing."""
    why: str
    """What is wrong with it, in a few words."""


@described
@frozen
class RateLimit:
    """What an answer's `X-RateLimit-*` headers say; an attribute is None where its header is absent or no number."""

    limit: int | None
    """Requests allowed in one window."""
    remaining: int | None
    """Requests left in this window."""
    reset: datetime | None
    """When the window resets, in UTC, by the server's clock."""

    @classmethod
    def from_headers(cls, headers: Mapping[str, str]) -> RateLimit | None:
        """The rate limit that these headers state, or None where they state nothing; asked for in lower case."""
        limit, remaining, reset = (
            _integer(headers.get(f"x-ratelimit-{name}")) for name in ("limit", "remaining", "reset")
        )
        if limit is None and remaining is None and reset is None:
            return None
        return cls(limit, remaining, None if reset is None else _moment(reset))


@described
@frozen(kw_only=True)
class Exchange:
    """One request and its answer, as `on_exchange` is told of them; the key is in none of it.

    Its repr holds nothing that was asked: neither the agent's id nor the parameters.
    """

    method: str
    """The HTTP method."""
    path: str
    """The path template of the operation, without the agent's id."""
    query: str = field(repr=False)
    """The parameters as they were sent, without the question mark."""
    attempt: int
    """Which attempt of its request it was, 1-based."""
    seconds: float
    """From sending it to the end of its answer."""
    status: int | None
    """The HTTP status; None where no answer began."""
    bytes: int
    """Bytes of the answer's body as they arrived, before decompression."""
    request_id: str | None
    """The `X-Request-Id` of the answer."""
    error: str | None
    """The class of the error that it stands for, such as "RateLimitError"; None for a good answer."""
    headers: Mapping[str, str] = field(repr=False)
    """The answer's headers, their names in lower case."""


@described
@frozen(eq=False, repr=False)
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
    """What the page holds that the contract does not allow; a field that is named here may be None, and what was sent
    for it is in the `additional_properties` of its call, of `meta` or of the page."""
    additional_properties: dict[str, Any] = field(factory=dict[str, "Any"])
    """The page's fields, beside its calls, that the contract does not know, or that could not be read."""

    def __iter__(self) -> Iterator[Call]:
        return iter(self.data)

    def __len__(self) -> int:
        return len(self.data)

    def __repr__(self) -> str:
        number = f" {self.meta.current_page}" if self.meta else ""
        problems = f", {len(self.problems)} problems" if self.problems else ""
        return f"<Page{number}: {len(self)} calls{problems}>"


@described
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
    proof: Literal["answer", "order", "count"] | None = None
    """What that rests on: one answer held the whole listing; the server honours the order that windows were joined in;
    or the server's count was the same throughout, and as many calls were read. None where it is not complete."""
    reason: str | None = None
    """Why it is not complete, in sentences; None where it is."""
    caveat: str | None = None
    """How the server's counts differ from what was read, although the order proves it; None where they do not."""
    problems: tuple[Problem, ...] = ()
    """What the pages held that the contract does not allow; the first thousand of it."""
    problem_count: int = 0
    """How much of that there was."""


@described
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
    """Rows a page."""
    direction: Literal[-1, 0, 1] = 0
    """The order of the keys; 0 where it is not known."""
    key: _Moment | None = None
    """`created_on` of the last row that was read."""
    at_key: tuple[str, ...] = ()
    """The ids that were delivered with this key."""
    recent: tuple[str, ...] = ()
    """The ids that came last."""
    opening: tuple[str, ...] = ()
    """The ids that were delivered before the order was asked for."""
    sort: str | None = None
    """The order that is asked for where the caller gave none."""
    ordered: bool = False
    """Whether the server was seen to honour the order."""
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


@described
@frozen(kw_only=True)
class AgentReport:
    """How one of many agents was read, up to now."""

    agent_id: str
    report: Report
    """What was read and proven."""
    error: AgentCallsError | None = None
    """What its reading failed with; None where it did not."""
    checkpoint: Checkpoint | None = None
    """Where its reading would go on; None where it has ended, or could not begin."""


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


def _integer(value: str | None) -> int | None:
    return (
        int(value.split(".")[0])
        if value is not None and re.fullmatch(r"[0-9]{1,18}(\.[0-9]*)?", value)
        else None
    )


def _moment(unix_seconds: int) -> datetime | None:
    try:
        return datetime.fromtimestamp(unix_seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None
