"""How many requests a sync makes, in proportion to what `benchmarks` measures whole."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from agentcalls.mirror.databases.in_sqlite import InSQLite
from mirror.copies import current
from mirror.host import Host, row

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from agentcalls.mirror import Synced

pytestmark = pytest.mark.parametrize("copy", ["sqlite"], indirect=True)


def test_many_small_agents_cost_one_request_each(copy: Path, synced: Callable[..., Synced]) -> None:
    host = Host({f"a{k}": [row(60 * n, id=f"{k}_{n}") for n in range(40)] for k in range(250)})
    assert synced(host).asked <= 1.02 * 250
    host.now += timedelta(minutes=10)
    for k in range(0, 250, 3):
        host.calls[f"a{k}"].insert(0, row(-5, id=f"new_{k}"))
    assert synced(host).asked <= 1.05 * 250
    assert len(current(copy)) == 250 * 40 + 84


def test_large_agents_cost_little_more_than_one_request_each(
    copy: Path, synced: Callable[..., Synced]
) -> None:
    # Fifty calls an agent and day; a day later, as many are new, and as many of those before have changed.
    every = 24 * 60 // 50
    host = Host({f"a{k}": [row(every * n, id=f"{k}_{n}") for n in range(5000)] for k in range(5)})
    first = synced(host).asked
    host.now += timedelta(days=1)
    for k in range(5):
        changed = [row(every * n, id=f"{k}_{n}", end_reason="changed") for n in range(50)]
        new = [row(-every * n, id=f"new_{k}_{n}") for n in range(1, 51)]
        host.calls[f"a{k}"][:50] = [*new, *changed]
    second = synced(host)
    assert second.written.new == second.written.changed == 5 * 50
    assert second.asked <= 0.05 * first
    assert len(current(copy)) == 5 * 5050


def test_no_statement_goes_through_all_calls_for_the_sake_of_some(
    copy: Path, synced: Callable[..., Synced], monkeypatch: pytest.MonkeyPatch
) -> None:
    host = Host({f"a{k}": [row(n, id=f"{k}_{n}") for n in range(9)] for k in range(3)})
    synced(host)
    steps: list[str] = []
    real: Any = InSQLite.cursor

    def cursor(self: Any, statement: str, values: Any = ()) -> Any:
        if statement.lstrip().startswith(("UPDATE calls", "DELETE", "INSERT INTO calls")):
            steps.extend(one[3] for one in real(self, f"EXPLAIN QUERY PLAN {statement}", values))
        return real(self, statement, values)

    monkeypatch.setattr(InSQLite, "cursor", cursor)
    for options in ({}, {"full": True}):
        del host.calls["a1"][3]
        assert synced(host, **options).written.marked == 1
    assert len(current(copy)) == 25
    assert any("calls_order" in step for step in steps)
    assert any("seen_key" in step for step in steps)
    assert not {step for step in steps if step in {"SCAN calls", "SCAN seen"}}
