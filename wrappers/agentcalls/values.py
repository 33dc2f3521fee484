"""The values that users get: pages and their problems, reports, checkpoints."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Generic, Literal, TypeVar, cast

import msgspec
from attrs import field, frozen

from agentcalls.described import described, html_of
from agentcalls.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typing_extensions import (
        TypeVar as WithDefault,
    )  # of 3.13; type checkers have it everywhere

    from agentcalls.errors import AgentCallsError
    from agentcalls.models import Call
    from agentcalls_api.models import PageMeta

    RowT = WithDefault("RowT", default=Call)
else:
    RowT = TypeVar("RowT")

_MOST_DIGITS = 18
_Count = Annotated[int, msgspec.Meta(ge=0)]
_Moment = Annotated[datetime, msgspec.Meta(tz=True)]


@described
@frozen(kw_only=True)
class Problem:
    """Something in a page that the contract does not allow."""

    page: int | None = None
    """The page's number, 1-based, in pages of the requested size."""
    row: int | None = None
    """The row's position on its page, 0-based; None if the problem is in the page itself."""
    call_id: str | None = None
    """The id of the row's call; None if it could not be read."""
    field: str | None = None
    """The field's JSON name, with the path to the wrong part (`labels[2]`); None for the whole row."""
    raw: object = None
    """The raw value: a text cut to 200 characters, a list or an object as its type and length; None if missing."""
    why: str
    """What is wrong with it, in a few words."""


@described
@frozen
class RateLimit:
    """The values of an answer's `X-RateLimit-*` headers; None for a header that is absent or not a number."""

    limit: int | None
    """Requests allowed in one window."""
    remaining: int | None
    """Requests left in this window."""
    reset: datetime | None
    """When the window resets, in UTC, by the server's clock."""

    @classmethod
    def from_headers(cls, headers: Mapping[str, str]) -> RateLimit | None:
        """The rate limit in these headers, or None without one; header names are in lower case."""
        if not isinstance(cast("object", headers), Mapping):  # a caller may pass anything
            raise ConfigurationError(f"headers takes a mapping, not {type(headers).__name__}.")
        limit, remaining, reset = (
            _integer(headers.get(f"x-ratelimit-{name}")) for name in ("limit", "remaining", "reset")
        )
        if limit is None and remaining is None and reset is None:
            return None
        return cls(limit, remaining, None if reset is None else _moment(reset))


@described
@frozen(kw_only=True)
class Exchange:
    """One request and its answer, as `on_exchange` gets them, without the key.

    Its repr shows neither the agent's id nor the parameters.
    """

    method: str
    """The HTTP method."""
    path: str
    """The path template of the operation, without the agent's id."""
    query: str = field(repr=False)
    """The query string as it was sent, without the question mark."""
    attempt: int
    """The number of the attempt, 1-based."""
    seconds: float
    """The time from sending the request to the end of its answer."""
    status: int | None
    """The HTTP status; None if no answer began."""
    bytes: int
    """The size of the answer's body as it arrived, before decompression."""
    request_id: str | None
    """The `X-Request-Id` of the answer."""
    error: str | None
    """The class name of its error, such as "RateLimitError"; None for a good answer."""
    headers: Mapping[str, str] = field(repr=False)
    """The answer's headers, their names in lower case."""


@described
@frozen(eq=False, repr=False)
class Page(Generic[RowT]):
    """One page of calls, or of agents, as the server sent it; iterating it yields them."""

    data: list[RowT]
    """The calls, in the server's order; at most `limit`, and none past the end of the listing."""
    meta: PageMeta | None
    """The page's position in the listing; None if the server does not send it."""
    message: str | None
    """The server's message for people."""
    request_id: str | None
    """The `X-Request-Id` of the answer."""
    rate_limit: RateLimit | None
    """The rate limit in the answer's headers."""
    problems: tuple[Problem, ...] = ()
    """Everything in the page that the contract does not allow. A field named here may be None; its raw value is in the
    `additional_properties` of its call, of `meta` or of the page."""
    additional_properties: dict[str, Any] = field(factory=dict[str, "Any"])
    """The page's fields, apart from its calls, that the contract does not know or that could not be read."""
    rows: str = field(default="calls", kw_only=True)
    """What is on the page, as its repr calls them."""

    def __iter__(self) -> Iterator[RowT]:
        return iter(self.data)

    def __len__(self) -> int:
        return len(self.data)

    def __repr__(self) -> str:
        number = f" {self.meta.current_page}" if self.meta else ""
        problems = f", {len(self.problems)} problems" if self.problems else ""
        return f"<Page{number}: {len(self)} {self.rows}{problems}>"

    def _repr_html_(self) -> str:
        rows: Any = self.data
        return html_of(repr(self), [row.to_dict() for row in rows])


@described
@frozen(kw_only=True)
class Report:
    """How a listing was read so far; the counts continue when a walk is resumed."""

    pages: int = 0
    """The number of answers that were used."""
    requests: int = 0
    """The number of requests, including unused prefetches; retries are not counted."""
    repeats_dropped: int = 0
    """The number of rows that came again and were dropped, including the walk's own overlaps."""
    repairs: int = 0
    """How often the walk stepped back because the listing had shifted."""
    total_count_first: int | None = None
    """`total_count` of the first answer with a valid one."""
    total_count_last: int | None = None
    """`total_count` of the latest answer with a valid one."""
    complete: bool = False
    """Whether each call that existed and matched from the first request to the last was delivered exactly once.

    The first request is that of the first process where a walk was resumed. A call whose status changed meanwhile may
    be missing under a filter by status. A repeat is noticed within twenty thousand calls.
    """
    proof: Literal["answer", "order", "count"] | None = None
    """The reason for `complete`. "answer": one answer held the whole listing. "order": the server honours the order of
    the joined windows. "count": the rows came in order, and the server's count stayed the same and is the number of
    rows. None if it is not complete."""
    reason: str | None = None
    """Why it is not complete, in sentences; None if it is."""
    caveat: str | None = None
    """How the server's counts differ from the rows, although the order proves these; None if they agree."""
    problems: tuple[Problem, ...] = ()
    """The first thousand problems of the pages."""
    problem_count: int = 0
    """The number of all problems."""


@described
@frozen(kw_only=True)
class Checkpoint:
    """A walk's position after a certain call; another process can continue from the text of `to_json`.

    Callers should use only `binding`; the other attributes may change with the version.
    """

    version: Literal[1] = 1
    binding: str
    """The agent and query of the checkpoint, hashed."""
    position: _Count
    """The number of rows read so far, as the listing was then."""
    plain: bool = False
    """Whether pages are read without overlap."""
    size: Annotated[int, msgspec.Meta(ge=1)] = 100
    """Rows a page."""
    direction: Literal[-1, 0, 1] = 0
    """The order of the keys; 0 if unknown."""
    key: _Moment | None = None
    """`created_on` of the last row that was read."""
    at_key: tuple[str, ...] = ()
    """The ids of the delivered calls with this key."""
    recent: tuple[str, ...] = ()
    """The ids that came last."""
    opening: tuple[str, ...] = ()
    """The ids that were delivered before the order was requested."""
    sort: str | None = None
    """The order that is requested if the caller named none."""
    ordered: bool = False
    """Whether the server was seen to honour the order."""
    group: _Count = 0
    """Rows in the largest group of equal keys."""
    unread: bool = False
    """Whether `key` is where the time window begins, and nothing of it was read."""
    total: _Count | None = None
    """`total_count` when this position was reached."""
    most: _Count = 0
    """Rows in the largest answer."""
    since: _Moment | None = None
    until: _Moment | None = None
    doubts: tuple[str, ...] = ()
    """Why the walk can no longer be complete."""
    report: Report = Report()

    def to_json(self) -> str:
        """The checkpoint as one line of JSON, at most some kilobytes; of a call it holds only the id and the key."""
        # Not msgspec: it refuses lone surrogates, which an id in JSON may hold.
        return json.dumps(msgspec.to_builtins(self))

    @classmethod
    def from_json(cls, text: str) -> Checkpoint:
        """The checkpoint from the text of `to_json`; raises `ConfigurationError` for any other text."""
        if not isinstance(cast("object", text), str | bytes):  # the same
            raise ConfigurationError(f"text takes a string, not {type(text).__name__}.")
        try:
            checkpoint = msgspec.convert(json.loads(text), cls)
        except (msgspec.ValidationError, ValueError, TypeError, RecursionError) as error:
            raise ConfigurationError(f"Not a checkpoint of a listing: {error}") from error
        if checkpoint.key is not None and not checkpoint.direction:
            raise ConfigurationError("Not a checkpoint of a listing: a key without direction.")
        return checkpoint


@described
@frozen(kw_only=True)
class AgentReport:
    """How one of many agents was read so far."""

    agent_id: str
    report: Report
    """What was read and proven."""
    error: AgentCallsError | None = None
    """The error that ended its reading; None if there was none."""
    checkpoint: Checkpoint | None = None
    """Where its reading can continue; None if it has ended, or could not begin."""


@frozen(kw_only=True)
class ManyReport:
    """How the listings of many agents were read so far."""

    agents: Mapping[str, Report]
    """The report of each agent that was reached. All reports together keep a thousand problems; the counts are full."""
    failures: Mapping[str, AgentCallsError]
    """The agents that failed, each with its error."""
    checkpoints: Mapping[str, Checkpoint]
    """The checkpoint of each agent that was started but not finished, for `list_many(..., resume=checkpoints)`."""
    complete: bool
    """Whether all agents were reached, and the report of each is complete."""
    reason: str | None
    """Why it is not complete, in sentences; None if it is."""


def _integer(value: str | None) -> int | None:
    if value is None:
        return None
    whole, _, rest = value.partition(".")
    digits = whole + rest
    is_number = digits.isascii() and digits.isdigit() and 0 < len(whole) <= _MOST_DIGITS
    return int(whole) if is_number else None


def _moment(unix_seconds: int) -> datetime | None:
    try:
        return datetime.fromtimestamp(unix_seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None
