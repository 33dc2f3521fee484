"""Calls that arrive while the mock runs: each one's life, seen from outside, at any moments."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING

import pytest

from agentcalls_mock import Call, Seeding, open_store
from agentcalls_mock.arguments import parse_options
from agentcalls_mock.arrivals import Arrivals
from agentcalls_mock.data import CLOSED_STATUSES, live_call, timestamp
from agentcalls_mock.live import Live

if TYPE_CHECKING:
    from collections.abc import Generator

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
LIVES = {
    "ended": ["queued", "ringing", "answered", "ended"],
    "busy": ["queued", "busy"],
    "failed": ["queued", "ringing", "failed"],
    "cancelled": ["queued", "ringing", "cancelled"],
}


class Time:
    seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


class Rehearsal:
    """A mock whose ten calls a minute arrive as its clock is moved."""

    def __init__(self) -> None:
        seeding = Seeding(calls=10, now=NOW)
        self.time = Time()
        self.store = open_store(seeding)
        self.live = Live(self.store, seeding, Arrivals(10, 60), clock=self.time)

    def calls(self, after: float) -> list[Call]:
        """The calls that have come so many seconds after the start, newest first."""
        self.time.seconds = 1000 + after
        self.live.advance()
        fields = ", ".join(Call._fields)
        rows = self.store.connection.execute(
            f"SELECT {fields} FROM calls WHERE created_on >= ? AND agent = 1 ORDER BY created_on DESC",  # noqa: S608
            (timestamp(int(NOW.timestamp() * 1000)),),
        )
        return [Call(*row) for row in rows]


@pytest.fixture
def rehearsal() -> Generator[Rehearsal]:
    rehearsal = Rehearsal()
    yield rehearsal
    rehearsal.store.close()


def test_calls_arrive_evenly_and_change_until_they_end(rehearsal: Rehearsal) -> None:
    assert rehearsal.calls(5.9) == []
    assert [call.status for call in rehearsal.calls(6)] == ["queued"]
    lives: dict[str, list[str]] = {}
    for second in range(6, 400):
        for call in rehearsal.calls(second):
            seen = lives.setdefault(call.id, [])
            if call.status not in seen[-1:]:
                seen.append(call.status)
    found = rehearsal.calls(399)
    assert [call.created_on for call in reversed(found)] == [
        (NOW + timedelta(seconds=6 * number))
        .isoformat(timespec="milliseconds")
        .replace("+00:00", "Z")
        for number in range(1, 67)
    ]
    over = [call for call in found if call.status in CLOSED_STATUSES]
    assert len(over) > 45
    assert {call.status for call in over} == set(CLOSED_STATUSES)
    for call in over:
        # A failed call may have failed before it rang.
        assert [step for step in LIVES[call.status] if step in lives[call.id]] == lives[call.id]
    counts: Counter[str] = Counter(call.status for call in found)
    stored = rehearsal.store.connection.execute(
        "SELECT status, sum(total) FROM counts WHERE agent = 1 GROUP BY 1"
    ).fetchall()
    assert sum(total for _, total in stored) == 10 + 66
    assert all(dict(stored)[status] >= count for status, count in counts.items())


def test_calls_are_the_same_however_seldom_anybody_looks(rehearsal: Rehearsal) -> None:
    watched = [rehearsal.calls(second) for second in (10, 11, 40, 300)][-1]
    other = Rehearsal()
    assert other.calls(300) == watched
    other.store.close()


@pytest.mark.parametrize("seed", range(40))
def test_call_never_contradicts_itself(seed: int) -> None:
    created = int(NOW.timestamp() * 1000)
    life = [(age, live_call(created, age, Random(seed))) for age in range(0, 90_000, 500)]
    for age, call in life:
        moments = [call.created_on, *filter(None, [call.ringing_at, call.ended_at])]
        assert moments == sorted(moments)
        assert moments[-1] <= timestamp(created + age)
        assert (call.ended_at is not None) == (call.status in CLOSED_STATUSES)
        assert (call.ringing_at is None) == (call.status in ("queued", "busy")) or call.ended_at
        assert (call.duration_seconds is None) == (call.status != "ended")
        assert (call.error_reason is None) == (call.status != "failed")
    assert life[-1][1].status in CLOSED_STATUSES


def test_each_request_sees_the_calls_of_its_moment(rehearsal: Rehearsal) -> None:
    seen: list[int] = []

    async def app(*_: object) -> None:
        count = "SELECT count(*) FROM calls WHERE agent = 1"
        seen.append(rehearsal.store.connection.execute(count).fetchone()[0])

    async def main() -> None:
        for after in (0, 6, 6, 60):
            rehearsal.time.seconds = 1000 + after
            await rehearsal.live.before(app)({"type": "http"}, None, None)  # type: ignore[arg-type]

    asyncio.run(main())
    assert seen == [10, 11, 11, 20]


def test_rate_is_an_option_and_not_for_a_file_that_is_kept(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert parse_options(["--live", "10/1m"]).live == Arrivals(10, 60)
    assert parse_options([]).live is None
    for wrong, sentence in (
        (["--live", "10"], "'10' is not a number of calls and a time, such as 10/1m"),
        (["--live", "1/1s", "--database", "calls.db"], "leave one of them out"),
    ):
        with pytest.raises(SystemExit):
            parse_options(wrong)
        assert capsys.readouterr().err.endswith(f"{sentence}\n")
