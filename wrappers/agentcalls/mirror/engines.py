"""The calls of some agents as Arrow data, proven complete: for engines that call a function in other processes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict

from agentcalls import Agent, AgentCallsError, Client, OtherParameters
from agentcalls.checks import as_builtin
from agentcalls.table import arrow
from agentcalls.table.extras import need

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Mapping
    from typing import Unpack

    from agentcalls import AuthScheme, CallBatch, CallStatus, ManyListing, Moment, TimeZone
    from agentcalls.request.concurrency import Concurrency

COMPLETE = "_complete"
"""The column that `allow_incomplete` adds."""


class IncompleteError(AgentCallsError):
    """An agent's calls were read, and it could not be proven that these are all of them, each once."""

    advice = "Read again; allow_incomplete also returns unproven calls, and marks them."


class ClientSettings(TypedDict, total=False):
    """Settings of the client that reads, as in `Client`; the client is made where the function runs."""

    api_key: str | None
    base_url: str | None
    auth: AuthScheme | None
    allow_http: bool
    concurrency: Concurrency
    max_retries: int
    deadline: float


class ReadArguments(ClientSettings, OtherParameters, total=False):
    """These settings, and the filters of `client.calls.list`."""

    search: str | None
    is_test_call: bool | None
    status: CallStatus | None
    since: Moment | None
    until: Moment | None
    tz: TimeZone | None


def read(
    agents: str | Iterable[str | Agent],
    *,
    allow_incomplete: bool = False,
    **options: Unpack[ReadArguments],
) -> Any:
    """All calls of some agents, as a `pyarrow.Table` with the columns of `to_arrow`; see docs/scale.md.

    The function can be pickled, and needs nothing of the calling process: Dask and Ray run it in processes of theirs.

    Args:
        agents: An agent id, or several, or agents as `client.agents.list()` gives them. Without any, the table is
            empty, and nothing is sent.
        allow_incomplete: Also return calls that could not be proven complete, or were read before their agent failed.
            The column `_complete` then says whether the row's agent has all its calls, each once; the log names the
            other agents.
        options: Settings of the client (`api_key`, `base_url`, `auth`, `allow_http`, `concurrency`, `max_retries`,
            `deadline`), and filters (`search`, `is_test_call`, `status`, `since`, `until`, `tz`). Without `api_key`,
            the key is that of the environment where the function runs.

    Raises:
        IncompleteError: An agent's calls could not be proven complete; the message says which agent, and why.
        AgentCallsError: An agent failed. With `allow_incomplete`, only what affects every agent, such as a refused key
            or the rate limit.
        ConfigurationError: An argument cannot be used, or pyarrow is missing (the extra `arrow`); nothing was sent.
    """
    found = record_batches(agents, options, allow_incomplete=allow_incomplete)
    return need("pyarrow").Table.from_batches(
        found, arrow_schema(allow_incomplete=allow_incomplete)
    )


def arrow_schema(*, allow_incomplete: bool) -> Any:
    """The `pyarrow.Schema` of these tables."""
    found = arrow.schema()
    return found.append(need("pyarrow").field(COMPLETE, "bool")) if allow_incomplete else found


def record_batches(
    agents: str | Iterable[str | Agent], options: Mapping[str, Any], *, allow_incomplete: bool
) -> Generator[Any]:
    """The same as each `pyarrow.RecordBatch` of one agent, while it is read; it raises like `read`, perhaps at the end.

    With `allow_incomplete`, an agent's calls are held until its reading has ended.
    """
    need("pyarrow")
    several = [as_builtin(agents)] if isinstance(agents, str) else agents
    names = options.keys() & ClientSettings.__annotations__.keys()
    filters = {name: value for name, value in options.items() if name not in names}
    with Client(**{name: options[name] for name in names}) as client:
        many = client.calls.list_many(several, stop_on_error=not allow_incomplete, **filters)
        yield from (_marked if allow_incomplete else _proven)(many)


def _proven(many: ManyListing) -> Iterator[Any]:
    for batch in many.batches():
        if batch.done and not batch.report.complete:
            raise IncompleteError(batch.report.reason or "", agent_id=batch.agent_id)
        if batch.calls:
            yield batch.to_arrow()
    if not many.report.complete:  # the listing of the agents itself
        raise IncompleteError(many.report.reason or "")


def _marked(many: ManyListing) -> Iterator[Any]:
    held: dict[str, list[CallBatch]] = {}
    try:
        for batch in many.batches():
            held.setdefault(batch.agent_id, []).append(batch)
            if batch.done:
                yield from _with_mark(held.pop(batch.agent_id), complete=batch.report.complete)
    except ExceptionGroup:
        # Each of them is in the log. One that affects every agent comes alone, and is raised.
        for batches in held.values():
            yield from _with_mark(batches, complete=False)


def _with_mark(batches: list[CallBatch], *, complete: bool) -> Iterator[Any]:
    pa = need("pyarrow")
    for batch in batches:
        if batch.calls:
            mark = pa.repeat(pa.scalar(complete), len(batch.calls))
            yield batch.to_arrow().append_column(COMPLETE, mark)
