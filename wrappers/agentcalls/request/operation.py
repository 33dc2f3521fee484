"""An operation as a value: whatever is true of one operation alone stands in it, and nowhere else.

The seam between the facade and the generated client, and the only module that reaches into `agentcalls_api.api`: the
generated functions build the request well, and are not used for what comes back (they raise on unknown statuses and on
bodies that are no JSON).
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar
from urllib.parse import urlencode

from attrs import evolve, field, frozen

from agentcalls.errors import UnexpectedResponseError
from agentcalls.request.decode.page import decode_page
from agentcalls.request.key import parsed, unechoed, without
from agentcalls.request.query import check_segment
from agentcalls.request.refusal import error_for
from agentcalls.settings import API_PREFIX
from agentcalls.values import Page, Problem, RateLimit
from agentcalls_api.api.calls import list_calls

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from agentcalls.request.retry import Answer
    from agentcalls_api.models import PageMeta

ResultT = TypeVar("ResultT")
Read: TypeAlias = "tuple[ResultT, tuple[Problem, ...]]"
"""What an answer was read into, and its problems."""


@frozen(kw_only=True)
class Received:
    """A good answer without the key, as an operation reads it."""

    content: bytes = field(repr=False)
    arguments: Mapping[str, Any]
    """What was asked, by the Python names of the parameters."""
    request_id: str | None
    rate_limit: RateLimit | None


@frozen(kw_only=True)
class Operation(Generic[ResultT]):
    """An operation of openapi.yaml, and what its good answer is read into."""

    method: str
    path: str
    """The path template, as the contract has it."""
    build: Callable[..., dict[str, Any]] = field(repr=False)
    """The generated function from arguments to the parts of the request."""
    success: int = 200
    """The status of a good answer."""
    result: str
    """What a good answer is, in an error's words: "page of calls"."""
    read: Callable[[Received], Read[ResultT]] = field(repr=False)
    """What reads a good answer, and says which problems it has. Raises ValueError, saying why, where it cannot."""
    idempotent: bool
    """Whether it may be tried again: it only reads, or the server knows a second attempt by its Idempotency-Key."""
    advice: Mapping[int, str] = field(factory=dict[int, str])
    """What to do about an error status that means something of its own here."""

    def outgoing(self, arguments: Mapping[str, Any]) -> Outgoing[ResultT]:
        """The request for these arguments, by the Python names of the parameters. Retries send it again as it is."""
        for place in re.findall(r"{(\w+)}", self.path):
            name = re.sub(r"(?=[A-Z])", "_", place).lower()
            check_segment(name, arguments[name])
        parts = self.build(**arguments)
        # As httpx would write them, at a third of the price.
        query = urlencode(
            {
                name: str(value).lower() if isinstance(value, bool) else value
                for name, value in parts.get("params", {}).items()
            }
        )
        headers, content = parts.get("headers", {}), b""
        if "json" in parts:
            content = json.dumps(parts["json"]).encode()
            headers = {**headers, "Content-Length": str(len(content))}
        return Outgoing(self, arguments, parts["url"], query, headers, content)


@frozen
class Outgoing(Generic[ResultT]):
    """A request as it is sent, but for the base URL and what every request carries."""

    operation: Operation[ResultT]
    arguments: Mapping[str, Any] = field(repr=False)
    path: str = field(repr=False)
    query: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    content: bytes = field(repr=False)

    @property
    def target(self) -> str:
        """What stands behind the base URL."""
        return f"{self.path}?{self.query}" if self.query else self.path

    def result_of(self, answer: Answer, *, strict: bool) -> Read[ResultT]:
        """What its answer holds, and the problems of that.

        Raises the `AgentCallsError` that any other answer stands for; with `strict`, one with a problem is another.
        """
        operation = self.operation
        if answer.status != operation.success:
            raise error_for(answer, operation)
        request_id = without(answer.secret, answer.headers.get("x-request-id", "")) or None
        try:
            result, problems = operation.read(
                Received(
                    content=unechoed(answer.content, answer.secret),
                    arguments=self.arguments,
                    request_id=request_id,
                    rate_limit=RateLimit.from_headers(answer.headers),
                )
            )
            if strict and problems:
                raise ValueError(_said(problems[0]))  # noqa: TRY301
        except ValueError as error:
            raise UnexpectedResponseError(
                f"The answer is no {operation.result}: {error}.",
                status=answer.status,
                request_id=request_id,
                body=parsed(answer.content, answer.secret),
                method=operation.method,
                path=operation.path,
            ) from None
        return result, problems


def _said(problem: Problem) -> str:
    where = "" if problem.row is None else f", in row {problem.row}"
    return f"{problem.field or 'the row'} {problem.why}{where}"


# The operations.


def _page(received: Received) -> Read[Page]:
    body = decode_page(received.content, received.arguments.get("agent_id"))
    number = received.arguments.get("page", 1)
    problems = tuple(evolve(problem, page=number) for problem in body.problems)
    doubts = tuple(_not_as_asked(body.meta, received.arguments, number))
    page = Page(
        data=body.data,
        meta=body.meta,
        message=body.message,
        request_id=received.request_id,
        rate_limit=received.rate_limit,
        problems=problems + doubts,
        additional_properties=body.extra,
    )
    # A host may count pages from elsewhere, and give smaller ones than were asked for: no reason to refuse them.
    return page, problems


def _not_as_asked(
    meta: PageMeta | None, arguments: Mapping[str, Any], number: int
) -> Iterator[Problem]:
    # What meta says of another page than the one asked for. The reference's own example says 0 and 0.
    for name, said in (("page", meta.current_page), ("limit", meta.limit)) if meta else ():
        asked = arguments.get(name)
        if asked is not None and type(said) is int and said > 0 and said != asked:
            place = {"page": "meta.current_page", "limit": "meta.limit"}[name]
            why = f"is not the {name} that was asked for, {asked}"
            yield Problem(page=number, field=place, raw=said, why=why)


LIST_CALLS = Operation(
    method="GET",
    path=f"{API_PREFIX}/agents/{{agentId}}/calls",
    build=list_calls._get_kwargs,  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    result="page of calls",
    read=_page,
    idempotent=True,
    advice={
        403: "Use a key with the scope conversations:read.",
        404: "Check the agent's id, and that the key belongs to its team.",
    },
)
