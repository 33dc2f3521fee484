"""`tail` and `check` at a mock whose calls arrive and change: what docs/recipes.md rehearses, with a quick clock."""

from __future__ import annotations

import json
import signal
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

from agentcalls_mock import Seeding, create_app, open_store, serving
from agentcalls_mock.arrivals import Arrivals
from agentcalls_mock.live import Live
from cli.staged import at_work

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    import pytest
    from typer.testing import Result

SECONDS_A_REQUEST = 10


@contextmanager
def rehearsal(monkeypatch: pytest.MonkeyPatch) -> Generator[None]:
    """The calls of `mock --live 10/1m`; ten seconds pass with each request."""
    seeding = Seeding(calls=0, now=datetime.now(UTC) - timedelta(hours=2))
    ticks = count(0, SECONDS_A_REQUEST)
    with open_store(seeding) as store:
        live = Live(store, seeding, Arrivals(10, 60), clock=lambda: float(next(ticks)))
        with serving(live.before(create_app(store))) as url:
            monkeypatch.setenv("AGENTCALLS_BASE_URL", url)
            yield


def test_tail_shows_each_call_that_arrives_until_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    words = ("tail", "agent_demo", "-n", "0", "--interval", "100ms", "--json")
    lives: dict[str, list[str]] = {}
    with rehearsal(monkeypatch), at_work(*words) as process:
        assert process.stdout
        # In two minutes each call is over.
        while sum(is_over(life) for life in lives.values()) < 10:
            event: dict[str, Any] = json.loads(process.stdout.readline())
            call, before = event["call"], event["previous_status"]
            # What came before the first poll is only heard of when it changes.
            life = lives.setdefault(call["id"], [before] if before else [])
            assert (event["event"], before) == (("changed", life[-1]) if life else ("new", None))
            life.append(call["status"])
        process.send_signal(signal.SIGINT)
        assert process.wait() == 130
    assert {status for life in lives.values() for status in life} >= {"ringing", "ended"}
    assert any(len(life) > 1 for life in lives.values())


def is_over(life: list[str]) -> bool:
    return life[-1] not in {"queued", "ringing", "answered"}


def test_check_counts_the_calls_that_have_arrived(
    cli: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("check", "agent_demo", "--since", "3h", "--min-calls", "1", "--json")
    with rehearsal(monkeypatch):
        found = [json.loads(cli(*words, "--max-failure-rate", "100%").stdout) for _ in range(40)]
        totals = [result["total"] for result in found]
        seen = [total["calls"] + total["under_way"] for total in totals]
        assert seen == sorted(seen)
        assert seen[0] < seen[-1]
        assert {result["result"] for result in found[1:]} <= {"ok", "too_few"}
        assert totals[-1]["failed"] > 0
        alarm = cli(*words, "--max-failure-rate", "0%")
    assert alarm.exit_code == 9
