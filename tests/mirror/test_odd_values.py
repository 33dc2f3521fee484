"""Values that JSON may hold and a database may not: a sync takes them, and then finds nothing changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agentcalls.mirror.change import Written
from mirror.copies import current, query
from mirror.host import Host, row

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from agentcalls.mirror import Synced

    Sync = Callable[..., Synced]

LARGEST = 2**63 - 1


@pytest.mark.parametrize("id", ["x\ud800", "x\0y", "x'\"\n;--", "😀"])
def test_an_id_is_taken_whatever_it_holds(copy: Path, synced: Sync, id: str) -> None:
    host = Host({"a": [row(1, id=id), row(2)]})
    assert synced(host).written == Written(new=2)
    for full in (True, False):
        found = synced(host, full=full)
        assert (found.complete, found.written) == (True, Written())
    assert len(current(copy)) == 2


def test_ids_that_a_database_cannot_tell_apart_are_one_call(copy: Path, synced: Sync) -> None:
    host = Host({"a": [row(1, id="x\ud800"), row(2, id="x\ud801"), row(3)]})
    for full in (False, True):
        found = synced(host, full=full)
        assert (found.complete, found.written.marked, found.differing) == (True, 0, ["a"])
    assert len(current(copy)) == 2


def test_a_count_beyond_all_integers_is_none(copy: Path, synced: Sync) -> None:
    host = Host({"a": [row(1)]}, count=lambda _: 2**70)
    for _ in range(2):
        synced(host)
    assert query(copy, "SELECT server_count FROM agents") == [{"server_count": None}]
    assert len(current(copy)) == 1


def test_durations_that_no_integer_can_sum_spoil_no_view(copy: Path, synced: Sync) -> None:
    rows = [row(n, duration_seconds=LARGEST) for n in range(2)]
    synced(Host({"a": rows, "b": [row(3)], "c": [row(4, duration_seconds=None)]}))
    days = query(copy, "SELECT calls, seconds FROM calls_by_day ORDER BY agent_id")
    assert [one["calls"] for one in days] == [2, 1, 1]
    assert [one["seconds"] for one in days[1:]] == [42, None]
