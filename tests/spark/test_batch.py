"""`spark.read.format("agentcalls")`, compared with what the mock holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from spark.host import AGENTS

if TYPE_CHECKING:
    from spark.host import Host


def rows(frame: Any) -> list[tuple[str, str]]:
    return [(row.agent_id, row.id) for row in frame.select("agent_id", "id").collect()]


def test_each_call_of_each_agent_is_one_row(source: Any, host: Host) -> None:
    found = rows(source.option("agents", ", ".join(AGENTS)).load())
    truth = set().union(*map(host.calls, AGENTS))
    assert len(truth) == 250 + 3 * 25 + 1
    assert sorted(found) == sorted(truth)
