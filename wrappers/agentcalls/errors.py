"""The errors: one class for each way in which a request can fail.

AgentCallsError
├── ConfigurationError          refused before anything was sent; also a ValueError
├── APIConnectionError          no answer arrived
│   └── APITimeoutError         none arrived in time
├── APIStatusError              the API answered with an error status
│   ├── BadRequestError         400
│   ├── AuthenticationError     401
│   ├── PermissionDeniedError   403
│   ├── NotFoundError           404
│   ├── ConflictError           409
│   ├── RateLimitError          429
│   └── InternalServerError     5xx
└── UnexpectedResponseError     an answer outside the contract: a 2xx that cannot be read, or a 3xx
    └── PaginationError         pages that contradict each other

`request/refusal.py` maps an answer to its class.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agentcalls.settings import VARIABLES

if TYPE_CHECKING:
    from agentcalls.values import Checkpoint


class AgentCallsError(Exception):
    """The root of every error that this library raises on purpose.

    An unknown attribute is None. `message` says what went wrong, in the server's words if it sent any; `str(error)`
    adds the status, the host, the agent, the request and what to do.
    """

    _without_status = ""
    # What there is instead of a status.
    advice: str = ""
    """What to do."""
    status: int | None = None
    """The HTTP status."""
    code: str | None = None
    """The API's code, for instance `api_key_invalid`; the list is open."""
    field_errors: tuple[tuple[str, str], ...] = ()
    """One pair for each wrong parameter: (its path, what is wrong)."""
    request_id: str | None = None
    """Identifies the exchange for the vendor's support: from the body, otherwise from `X-Request-Id`."""
    retry_after: float | None = None
    """How many seconds the server asks to wait."""
    attempts: int | None = None
    """How often the request was sent."""
    retryable: bool = False
    """Whether the same request may succeed later; the client has already used all its retries."""
    affects_all_agents: bool = False
    """Whether every other agent would meet it, too: it is about the key, the client or its rate limit."""
    body: Any = None
    """The parsed JSON, or at most 2 KB of the text."""
    method: str | None = None
    """The HTTP method."""
    path: str | None = None
    """The path template of the operation, without the agent's id."""
    host: str | None = None
    """The host that was asked, with its port if the base URL names one."""
    agent_id: str | None = None
    """The agent that was asked for."""
    checkpoint: Checkpoint | None = None
    """Where this error stopped an iteration; `list(..., resume=checkpoint)` continues there."""

    def __init__(self, message: str, **known: Any) -> None:
        # Only the message goes to args: the rest is in __dict__, so pickle and copy need no code of ours.
        super().__init__(message)
        self.message = message
        self.__dict__.update(known)

    def __str__(self) -> str:
        parts = [
            self._without_status if self.status is None else str(self.status),
            self.code,
            self.host and f"from {self.host}",
            # An id that was refused may hold anything.
            self.agent_id
            and f"for {self.agent_id if self.agent_id.isprintable() else [self.agent_id]}",
        ]
        head = " ".join(filter(None, parts))
        text = f"{head[0].upper()}{head[1:]}: {self.message}" if head else self.message
        for path, what in self.field_errors:
            text += f" {path}: {what}."
        where = [f"{self.method} {self.path}"] if self.path else []
        if self.request_id:
            where.append(f"request id {self.request_id}")
        if self.attempts and self.attempts > 1:
            where.append(f"{self.attempts} attempts")
        if where:
            text += f" ({', '.join(where)})"
        return _one_line(f"{text} {self.advice}" if self.advice else text)


def _one_line(text: str) -> str:
    # A server's words may forge a line of a log, steer a terminal, or hold half a character, which no file takes.
    shown = (each if each.isprintable() else " " if each.isspace() else "\ufffd" for each in text)
    return "".join(shown)


class ConfigurationError(AgentCallsError, ValueError):
    """A setting or an argument cannot be used; nothing was sent."""

    affects_all_agents = True


class APIConnectionError(AgentCallsError):
    """No answer arrived: the host was not found, refused, or broke the connection."""

    _without_status = "No answer"
    advice = "Check the base URL and the network."
    retryable = True


class APITimeoutError(APIConnectionError):
    """No answer arrived in time."""

    _without_status = "No answer in time"
    advice = "Try again, or allow more time with timeout=… or deadline=…."


class APIStatusError(AgentCallsError):
    """The API answered with an error status; a status without its own class raises this one."""

    advice = "Check the base URL; if it persists, give the vendor's support the request id."


class BadRequestError(APIStatusError):
    """400: the query string is not valid."""

    advice = "Correct the named parameters."


class AuthenticationError(APIStatusError):
    """401: the key is missing, unknown or expired."""

    affects_all_agents = True
    advice: str = f"Check {VARIABLES['api_key']}, or the api_key that was passed."


class PermissionDeniedError(APIStatusError):
    """403: the key lacks a scope. Each operation has its own advice (`request/operation.py`)."""

    advice = "Use a key with the required scope."


class NotFoundError(APIStatusError):
    """404: the key's team has nothing with this id."""

    advice = "Check the id, and that the key belongs to the right team."


class ConflictError(APIStatusError):
    """409."""

    advice = "Try again; if it persists, give the vendor's support the request id."


class RateLimitError(APIStatusError):
    """429: too many requests; `retry_after` says how many seconds to wait."""

    affects_all_agents = True

    @property
    def advice(self) -> str:  # type: ignore[override]
        """How long to wait."""
        return (
            "Try again later."
            if self.retry_after is None
            else f"Try again in {self.retry_after:.0f} s."
        )


class InternalServerError(APIStatusError):
    """5xx: the server failed."""

    advice = "Try again later; if it persists, give the vendor's support the request id."


class UnexpectedResponseError(AgentCallsError):
    """An answer outside the contract: a 2xx that cannot be read, or a redirect."""

    advice = "Check that the base URL is the API's."


class PaginationError(AgentCallsError):
    """The server's pages contradict each other: reading on would never end, or would lose calls."""

    advice = "Read the listing again; if it persists, tell the vendor's support."
