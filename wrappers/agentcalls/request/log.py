"""What the logger `agentcalls` says: retries at INFO, and what is wrong with pages at WARNING, once for each kind."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from agentcalls.request.key import without

if TYPE_CHECKING:
    from collections.abc import Generator

    from agentcalls.request.key import KeyAuth
    from agentcalls.request.retry import Retry
    from agentcalls.values import Problem

_logger = logging.getLogger("agentcalls")
_carried: ContextVar[KeyAuth | None] = ContextVar("_carried", default=None)


def _without_key(record: logging.LogRecord) -> bool:
    auth = _carried.get()
    if auth and auth.secret in record.getMessage():
        record.msg, record.args = without(auth.secret, record.getMessage()), None
    return True


# They log an answer's reason and headers as they are, where a server may echo the key.
for _name in (
    "httpx",
    "httpcore.connection",
    "httpcore.http11",
    "httpcore.http2",
    "httpcore.proxy",
):
    logging.getLogger(_name).addFilter(_without_key)


@contextmanager
def keyless_logs(auth: KeyAuth) -> Generator[None]:
    """Keeps the key out of what httpx and httpcore log meanwhile, in this thread or task."""
    token = _carried.set(auth)
    try:
        yield
    finally:
        _carried.reset(token)


def log_retry(retry: Retry) -> None:
    """Say that a request is about to be tried again."""
    _logger.info(
        "Attempt %d failed, next in %.1f s: %s", retry.attempt, retry.wait_seconds, retry.error
    )


def log_problems(problems: tuple[Problem, ...], said: set[tuple[str | None, str]]) -> None:
    """Say what is wrong with a page, each kind once (`said` remembers them). The raw values stay out of the log."""
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
