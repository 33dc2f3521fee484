"""The logger `agentcalls`: exchanges (DEBUG), retries and listings (INFO), each kind of problem once (WARNING)."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from agentcalls.described import quantity
from agentcalls.request.key import without_key

if TYPE_CHECKING:
    from collections.abc import Generator

    from agentcalls.request.key import KeyAuth
    from agentcalls.request.retry import Retry
    from agentcalls.values import Exchange, Problem, Report

_logger = logging.getLogger("agentcalls")
_carried: ContextVar[KeyAuth | None] = ContextVar("_carried", default=None)


def _without_key(record: logging.LogRecord) -> bool:
    auth = _carried.get()
    if auth and auth.secret in record.getMessage():
        record.msg, record.args = without_key(auth.secret, record.getMessage()), None
    return True


# They log an answer's reason and headers unchanged, and a server may echo the key there.
_PARTS = ("connection", "http11", "http2", "proxy")
for _name in ("httpx", *(f"httpcore.{part}" for part in _PARTS)):
    logging.getLogger(_name).addFilter(_without_key)


@contextmanager
def keyless_logs(auth: KeyAuth) -> Generator[None]:
    """Keep the key out of the logs of httpx and httpcore within the block, in this thread or task."""
    token = _carried.set(auth)
    try:
        yield
    finally:
        _carried.reset(token)


def log_unlisted(name: str, value: str, meant: str) -> None:
    """Log an argument that the contract does not list, and the listed one that it resembles."""
    _logger.warning("%s %r is not in the contract: did you mean %r?", name, value, meant)


def log_retry(retry: Retry) -> None:
    """Log that a request is about to be retried."""
    _logger.info(
        "Attempt %d failed, next in %.1f s: %s", retry.attempt, retry.wait_seconds, retry.error
    )


def log_listing(
    reader: object, report: Report, error: object = None, *, ended: bool = True
) -> None:
    """Log how the reading of a listing ended; a reader's repr says what it has read."""
    proven = "complete" if report.complete else f"not proven complete: {report.reason}"
    _logger.info(
        "Read %r, %s; %s",
        reader,
        quantity(report.requests, "request"),
        f"failed: {error}" if error else proven if ended else "ended early",
    )


def log_foreign_ids() -> None:
    """Log that the ids of answers do not identify them."""
    _logger.info("The host, or a gateway, answers with request ids of its own (said once)")


def hears_exchanges() -> bool:
    """Whether the log level shows exchanges."""
    return _logger.isEnabledFor(logging.DEBUG)


def log_exchange(exchange: Exchange) -> None:
    """Log the result of a request."""
    _logger.debug("%s", exchange)


def log_problems(problems: tuple[Problem, ...], said: set[tuple[str | None, str]]) -> None:
    """Log the problems of a page, each kind once (`said` remembers them), without the raw values."""
    for problem in problems:
        kind = (problem.field, problem.why)
        if kind not in said:
            said.add(kind)
            _logger.warning(
                "%s %s (call %s, page %s, row %s; said once, see page.problems)",
                problem.field or "A row",
                problem.why,
                problem.call_id,
                problem.page,
                problem.row,
            )
