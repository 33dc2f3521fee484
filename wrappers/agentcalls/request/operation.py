"""An operation as a value: its method, path, success status, reader, and the advice for its 403 and 404.

This is the seam between the facade and the generated client, and the only module that uses `agentcalls_api.api`. The
generated functions build the request well. They do not read the answer here, because they raise on unknown statuses and
on bodies that are not JSON.
"""

from __future__ import annotations

import json
import re
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar
from urllib.parse import quote_plus

from attrs import evolve
from msgspec import Struct
from msgspec.structs import replace

from agentcalls.errors import UnexpectedResponseError
from agentcalls.models import Agent, Call, CallDetail
from agentcalls.request.decode.page import decode_one, decode_page
from agentcalls.request.key import body_without_key, parsed_without_key
from agentcalls.request.query import checked_segment
from agentcalls.request.refusal import error_for
from agentcalls.settings import API_PREFIX
from agentcalls.values import Page, Problem, RateLimit
from agentcalls_api.api.agents import list_agents
from agentcalls_api.api.calls import get_call, list_calls

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from agentcalls.request.retry import Answer
    from agentcalls_api.models import PageMeta

ResultT = TypeVar("ResultT")
Read: TypeAlias = "tuple[ResultT, tuple[Problem, ...]]"
"""The result of reading an answer, and its problems."""


class GoodAnswer(Struct, kw_only=True, frozen=True):
    """A successful answer without the key, for the operation's reader."""

    content: bytes
    arguments: Mapping[str, Any]
    """The request's parameters, by their Python names."""
    request_id: str | None
    rate_limit: RateLimit | None

    __repr__ = object.__repr__


class Operation(Struct, Generic[ResultT], kw_only=True, frozen=True):
    """An operation of openapi.yaml, and how to read its answer."""

    method: str
    path: str
    """The contract's path template."""
    build: Callable[..., dict[str, Any]]
    """The generated function from arguments to the parts of the request."""
    success: int = 200
    """The status of a successful answer."""
    result: str
    """The name of a successful answer in error messages: "page of calls"."""
    read: Callable[[GoodAnswer], Read[ResultT]]
    """Reads a successful answer and its problems. Raises ValueError with the reason if it cannot."""
    idempotent: bool
    """Whether it may be retried: it only reads, or an Idempotency-Key lets the server detect a second attempt."""
    advice: Mapping[int, str] = {}
    """The advice for error statuses that have a special meaning here."""

    def outgoing(self, arguments: Mapping[str, Any]) -> Outgoing[ResultT]:
        """The request for these arguments, by the Python names of the parameters. Retries send it again as it is."""
        for name in _places(self.path):
            arguments = {**arguments, name: checked_segment(name, arguments[name])}
        parts = self.build(**arguments)
        # The same text as from httpx, at a tenth of the cost; the names are the contract's.
        query = "&".join(
            f"{name}={_quoted(one)}"
            for name, value in parts.get("params", {}).items()
            for one in (value if isinstance(value, list) else (value,))  # pyright: ignore[reportUnknownVariableType]
        )
        headers, content = parts.get("headers", {}), b""
        if "json" in parts:
            content = json.dumps(parts["json"]).encode()
            headers = {**headers, "Content-Length": str(len(content))}
        return Outgoing(self, arguments, parts["url"], query, headers, content)


class Outgoing(Struct, Generic[ResultT], frozen=True):
    """A request as it is sent, without the base URL and the headers of every request."""

    operation: Operation[ResultT]
    arguments: Mapping[str, Any]
    path: str
    query: str
    headers: Mapping[str, str]
    content: bytes

    __repr__ = object.__repr__

    @property
    def target(self) -> str:
        """The part after the base URL."""
        return f"{self.path}?{self.query}" if self.query else self.path

    def result_of(self, answer: Answer, *, strict: bool) -> Read[ResultT]:
        """The result of its answer, and the problems.

        Raises the `AgentCallsError` for any other answer; with `strict`, also for an answer with a problem.
        """
        operation = self.operation
        if answer.status != operation.success:
            raise error_for(answer, operation)
        try:
            result, problems = operation.read(
                GoodAnswer(
                    content=body_without_key(answer.content, answer.secret),
                    arguments=self.arguments,
                    request_id=answer.request_id,
                    rate_limit=RateLimit.from_headers(answer.headers),
                )
            )
            if strict and problems:
                raise ValueError(_said(problems[0]))  # noqa: TRY301
        except ValueError as error:
            raise UnexpectedResponseError(
                f"The answer is not a {operation.result}: {error}.",
                status=answer.status,
                request_id=answer.request_id,
                body=parsed_without_key(answer.content, answer.secret),
                method=operation.method,
                path=operation.path,
            ) from None
        return result, problems


@cache
def _places(path: str) -> list[str]:
    # The Python names of the parameters in a path template.
    return [re.sub(r"(?=[A-Z])", "_", place).lower() for place in re.findall(r"{(\w+)}", path)]


def _quoted(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int) else quote_plus(str(value))


def _said(problem: Problem) -> str:
    where = "" if problem.row is None else f", in row {problem.row}"
    return f"{problem.field or 'the row'} {problem.why}{where}"


# The operations.


def _page(
    received: GoodAnswer, model: type, rows: str, *, as_rows: bool = False
) -> Read[Page[Any]]:
    agent_id = received.arguments.get("agent_id")
    body = decode_page(received.content, agent_id, model, as_rows=as_rows)
    number = received.arguments.get("page", 1)
    problems = tuple(evolve(problem, page=number) for problem in body.problems)
    doubts = tuple(_not_as_asked(body.meta, received.arguments, number))
    page: Page[Any] = Page(
        data=body.data,
        meta=body.meta,
        message=body.message,
        request_id=received.request_id,
        rate_limit=received.rate_limit,
        problems=problems + doubts,
        rows=rows,
        additional_properties=body.extra,
    )
    # A host may number its pages otherwise, or send smaller ones: that is no reason to refuse a page.
    return page, problems


def _not_as_asked(
    meta: PageMeta | None, arguments: Mapping[str, Any], number: int
) -> Iterator[Problem]:
    # Problems if `meta` describes another page than the requested one. The reference's own example has 0 and 0.
    for name, said in (("page", meta.current_page), ("limit", meta.limit)) if meta else ():
        asked = arguments.get(name)
        if asked is not None and type(said) is int and said > 0 and said != asked:
            place = {"page": "meta.current_page", "limit": "meta.limit"}[name]
            why = f"is not the {name} that was asked for, {asked}"
            yield Problem(page=number, field=place, raw=said, why=why)


def _one(received: GoodAnswer, model: type, asked: str | None) -> Read[Any]:
    # `asked` names the parameter that holds the requested id.
    body = decode_one(received.content, received.arguments.get("agent_id"), model)
    thing = body.data[0]
    problems = [evolve(problem, row=None) for problem in body.problems]
    if asked and thing.id not in {None, received.arguments[asked]}:
        why = f"is not the {asked.removesuffix('_id')} that was asked for"
        problems.append(Problem(call_id=thing.id, field="id", raw=thing.id, why=why))
    if hasattr(model, "problems"):
        thing.problems = tuple(problems)
    return thing, tuple(problems)


_SCOPE = {403: "Use a key with the scope conversations:read."}
_ADVICE: dict[tuple[str, ...], dict[int, str]] = {
    (): {403: "Use a key that may read the team's agents."},
    ("agent_id",): _SCOPE
    | {404: "Check the agent's id, and that the key belongs to the agent's team."},
    ("agent_id", "call_id"): _SCOPE
    | {404: "Check both ids, and that the key belongs to the agent's team."},
}
"""The advice for a 403 and a 404, by the ids in the path."""


def _operation(
    path: str, module: Any, *, result: str, read: Any, method: str = "GET", success: int = 200
) -> Operation[Any]:
    # An operation of this module of the generated code.
    build = module._get_kwargs  # noqa: SLF001
    return Operation(
        method=method,
        path=f"{API_PREFIX}{path}",
        build=build,
        success=success,
        result=result,
        read=read,
        idempotent=method == "GET" or build.__annotations__.get("idempotency_key") in {str, "str"},
        advice=_ADVICE.get(tuple(_places(path)), {}),
    )


def _listing(path: str, module: Any, model: type[ResultT]) -> Operation[Page[ResultT]]:
    rows = path.rpartition("/")[2]
    read = partial(_page, model=model, rows=rows)
    return _operation(path, module, result=f"page of {rows}", read=read)


def _single(
    path: str, module: Any, model: type[ResultT], result: str, **options: Any
) -> Operation[ResultT]:
    asked = _places(path)[-1] if path.endswith("}") else None
    read = partial(_one, model=model, asked=asked)
    return _operation(path, module, result=result, read=read, **options)


LIST_CALLS = _listing("/agents/{agentId}/calls", list_calls, Call)

LIST_ROWS = replace(LIST_CALLS, read=partial(_page, model=Call, rows="calls", as_rows=True))
"""The same for a table: calls need not be `Call`s."""

LIST_AGENTS = _listing("/agents", list_agents, Agent)

GET_CALL = _single("/agents/{agentId}/calls/{callId}", get_call, CallDetail, "call")
