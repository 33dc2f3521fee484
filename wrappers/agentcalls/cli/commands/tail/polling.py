"""Poll an agent's calls; a temporary failure is retried without limit."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from agentcalls import (
    AgentCallsError,
    PaginationError,
    UnexpectedResponseError,
)
from agentcalls.cli.commands.tail.following import first_since, in_order
from agentcalls.cli.commands.tail.ticker import wait_while_read
from agentcalls.cli.failures import Code, Failure, sentence_of
from agentcalls.cli.show.output import say
from agentcalls.settings import MAX_LIMIT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agentcalls import Call, Client
    from agentcalls.cli.commands.tail.following import Event, Follower
    from agentcalls.cli.zone import Zone

_LONGEST_PAUSE = 30.0


class Polls:
    """The polls of one agent's calls, newest first."""

    def __init__(
        self,
        client: Client,
        agent: str,
        follower: Follower,
        *,
        filters: Mapping[str, Any],
        zone: Zone,
    ) -> None:
        self._client = client
        self._agent = agent
        self._follower = follower
        self._filters = filters
        self._zone = zone
        self._answered = _now()
        self._doubts: set[str | None] = set()

    def begin(self, earlier: int) -> list[Event]:
        """Give the existing calls to the follower; returns the latest `earlier` calls as events."""
        follower = self._follower
        page = self._listed(MAX_LIMIT)
        # A whole listing may come in any order.
        if len(page) == MAX_LIMIT and not _newest_first(page):
            raise Failure(
                "The server does not list the newest calls first: tail cannot follow them.",
                Code.SERVER,
            )
        since = first_since(page, follower.follow, _now())
        known = self._listed(follower.most, since=since)
        # A status may be rare, so these calls may be old. A page costs no more than a part of it.
        most = max(earlier, MAX_LIMIT)
        shown = in_order(self._listed(most, status=follower.status))[-earlier:] if earlier else []
        self._answered = _now()
        return follower.begin(known, shown, now=self._answered)

    def next(self, interval: float) -> list[Event]:
        """The events after one interval, or after more intervals until there is an answer.

        Raises the `AgentCallsError` of a permanent failure.
        """
        follower, failures, asked = self._follower, 0, None
        while True:
            wait_while_read(sys.stdout, pause(interval, failures, asked))
            try:
                # After a failure, one attempt per poll is enough.
                calls = self._listed(
                    follower.most, since=follower.since, max_retries=0 if failures else None
                )
            except AgentCallsError as error:
                if not _may_pass(error):
                    raise
                if not failures:
                    say(f"No answer since {self._last()}, trying again: {sentence_of(error)}")
                failures, asked = failures + 1, error.retry_after
                continue
            if failures:
                say("The server answers again.")
            if len(calls) == follower.most and not any(call.id in follower for call in calls):
                say(
                    f"More than {follower.most:,} calls since {self._last()}: older calls are left out."
                )
            self._answered = _now()
            return follower.accept(calls, now=self._answered)

    def _listed(self, most: int, **options: Any) -> list[Call]:
        listing = self._client.calls.list(
            self._agent,
            **self._filters,
            max_items=most,
            **options,
        )
        calls, report = listing.all(), listing.report
        if not report.complete and len(calls) < most and report.reason not in self._doubts:
            self._doubts.add(report.reason)
            say(f"Not proven that each call is seen: {report.reason}")
        return calls

    def _last(self) -> str:
        return f"{self._zone.of(self._answered):%Y-%m-%d %H:%M:%S}"


def pause(interval: float, failures: int, asked: float | None) -> float:
    """Seconds until the next poll after this many failures in a row; not less than the server `asked` for.

    The pause doubles up to 30 seconds, or stays at the interval if that is longer.
    """
    backoff = min(interval * 2.0 ** min(failures, 16), max(interval, _LONGEST_PAUSE))
    return max(backoff, asked or 0)


def _may_pass(error: AgentCallsError) -> bool:
    # A proxy without network answers with an HTML page.
    return error.retryable or isinstance(error, UnexpectedResponseError | PaginationError)


def _now() -> datetime:
    return datetime.now(UTC)


def _newest_first(calls: list[Call]) -> bool:
    moments = filter(None, (call.created_on for call in calls))
    return all(first >= second for first, second in pairwise(moments))
