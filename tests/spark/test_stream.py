"""`spark.readStream.format("agentcalls")`: a copy that is merged batch by batch, across restarts."""

# Spark is in an environment of its own.
# pyright: reportMissingImports=false
from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from spark.host import AGENTS, streamed

if TYPE_CHECKING:
    from pathlib import Path

    from spark.host import Host

Row = tuple[str, str, str | None]


class Copy:
    """What `foreachBatch` merges into: the last state of each call."""

    def __init__(self, session: Any, checkpoint: Path) -> None:
        self.session, self.checkpoint = session, checkpoint
        self.state: dict[tuple[str, str], str | None] = {}
        self.batches: list[int] = []

    def merge(self, frame: Any, _: int) -> None:
        found = [(row.agent_id, row.id, row.status) for row in frame.collect()]
        assert len({row[:2] for row in found}) == len(found)  # once in a batch
        self.state |= {(agent, call): status for agent, call, status in found}
        self.batches.append(len(found))

    def run(self, **options: str) -> None:
        """All that is there now, with a query that then ends."""
        source = self.session.readStream.format("agentcalls").option("agents", ",".join(AGENTS))
        sink = (
            source.options(every="0s", **options)
            .load()
            .writeStream.foreachBatch(self.merge)
            .option("checkpointLocation", str(self.checkpoint))
            .trigger(availableNow=True)
        )
        streamed(lambda: sink.start().awaitTermination())


def truth(host: Host) -> dict[tuple[str, str], str | None]:
    found = host.store.connection.execute(
        "SELECT a.id, c.id, c.status FROM calls c JOIN agents a ON c.agent = a.key"
    )
    return {(agent, call): status for agent, call, status in found if agent in AGENTS}


def change(host: Host) -> set[tuple[str, str]]:
    """A new call, a young one that has changed, an old one that has, and a young one that has gone.

    Returns the old one and the one that has gone, which a stream cannot know of.
    """
    store = host.store.connection
    newest = "FROM calls WHERE agent = (SELECT key FROM agents WHERE id = 'agent_demo')"
    young, gone = store.execute(f"SELECT id {newest} ORDER BY created_on DESC LIMIT 2").fetchall()
    (old,) = store.execute(f"SELECT id {newest} ORDER BY created_on LIMIT 1").fetchall()
    moment = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    names = [row[1] for row in store.execute("PRAGMA table_info(calls)")]
    kept = ", ".join(name for name in names if name not in {"key", "id", "created_on"})
    store.execute(
        f"INSERT INTO calls (id, created_on, {kept}) SELECT id || 'x', ?, {kept} FROM calls WHERE id = ?",  # noqa: S608
        (moment, *young),
    )
    store.execute("UPDATE calls SET status = 'changed' WHERE id IN (?, ?)", (*young, *old))
    store.execute("DELETE FROM calls WHERE id = ?", gone)
    return {("agent_demo", *old), ("agent_demo", *gone)}


def test_new_calls_and_young_changes_come_across_a_restart(
    session: Any, host: Host, tmp_path: Path
) -> None:
    copy = Copy(session, tmp_path / "checkpoint")
    copy.run()
    before = truth(host)
    assert copy.state == before
    unknown = change(host)
    copy.run(follow="24h")
    now = truth(host)
    differing = {call for call, _ in copy.state.items() ^ now.items()}
    assert differing == unknown
    assert len(now.items() - before.items()) == 3
    assert copy.batches[1] < copy.batches[0] == len(before)


def test_an_agent_that_fails_stops_the_stream_and_loses_nothing(
    session: Any, host: Host, tmp_path: Path
) -> None:
    from pyspark.errors import StreamingQueryException  # noqa: PLC0415  # absent in `make test`

    copy = Copy(session, tmp_path / "checkpoint")
    host.app.failing = {"agent_3": 1}
    with pytest.raises(StreamingQueryException, match="for agent_3: Not this one"):
        copy.run()
    assert copy.batches == []
    host.app.failing = {}
    copy.run()
    assert copy.state == truth(host)
