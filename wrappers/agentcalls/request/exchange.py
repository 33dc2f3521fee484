"""One page, from the query to what `Client` or `AsyncClient` hands out: the steps that both take, waiting apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve

from agentcalls.errors import AgentCallsError
from agentcalls.request.log import log_problems, log_retry
from agentcalls.request.operation import operation_of, page_from
from agentcalls.request.retry import Gate, attempts

if TYPE_CHECKING:
    from collections.abc import Generator

    from agentcalls.reading.options import ReadOptions
    from agentcalls.request.query import CallQuery
    from agentcalls.request.retry import Answer, Retry, Send
    from agentcalls.settings import Config
    from agentcalls.values import Page


class Exchanges:
    """The exchanges of one client: they share its settings, its rate limit, and what was logged already."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._gate = Gate()
        self._said: set[tuple[str | None, str]] = set()

    def steps(
        self, query: CallQuery, options: ReadOptions
    ) -> Generator[float | Send, Answer | AgentCallsError | None, Page]:
        """The steps of one request with its retries, as `retry.attempts` has them; they return the page."""
        config = self._config
        policy, strict = config.retry, config.strict
        if options.max_retries is not None:
            policy = evolve(policy, max_retries=options.max_retries)
        if options.strict is not None:
            strict = options.strict
        try:
            page = yield from attempts(
                policy,
                self._gate,
                clock=config.clock,
                read=lambda answer: page_from(answer, query, strict=strict),
                on_retry=self._tell,
            )
        except AgentCallsError as error:
            vars(error).update(operation_of(query))
            raise
        log_problems(page.problems, self._said)
        return page

    def _tell(self, retry: Retry) -> None:
        log_retry(retry)
        if self._config.on_retry:
            self._config.on_retry(retry)
