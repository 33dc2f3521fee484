"""What the logger `agentcalls` says: retries at INFO, and what is wrong with pages at WARNING, once for each kind."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agentcalls.decode import Problem
    from agentcalls.retry import Retry

_logger = logging.getLogger("agentcalls")


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
