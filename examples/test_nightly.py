"""Nights that go well and nights that do not, for `nightly.py`: run `pytest` in this folder."""

from __future__ import annotations

import csv
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

import nightly

if TYPE_CHECKING:
    from pathlib import Path

    from agentcalls_mock import MockCallsAPI

AFTER_MIDNIGHT = datetime(2026, 11, 24, 0, 5, tzinfo=UTC)
DAY = datetime(2026, 11, 23, tzinfo=UTC)


@pytest.fixture
def calls_api(calls_api: MockCallsAPI) -> MockCallsAPI:
    """Two agents with 300 calls each on the day, and one on each of the days around it."""
    calls_api.now = AFTER_MIDNIGHT
    for agent in ("bookings", "front_desk"):
        calls_api.add_agent(agent)
        for minute in (-1, *range(0, 1440, 5), *range(1, 60, 5), 1440):
            created = DAY + timedelta(minutes=minute)
            calls_api.add_call(agent, id=f"{agent}-{minute}", created_on=created)
    return calls_api


def rows(folder: Path) -> set[str]:
    with (folder / "calls-2026-11-23.csv").open(newline="") as file:
        return {row["id"] for row in csv.DictReader(file)}


def of_the_day(calls_api: MockCallsAPI) -> set[str]:
    calls = [*calls_api.calls("bookings"), *calls_api.calls("front_desk")]
    return {call.id for call in calls if call.created_on.startswith("2026-11-23")}


def test_a_night_is_one_file(calls_api: MockCallsAPI, tmp_path: Path) -> None:
    assert nightly.nightly(calls_api.client(), tmp_path, DAY.date()) == 0
    assert rows(tmp_path) == of_the_day(calls_api)
    assert len(rows(tmp_path)) == 600


def test_a_short_outage_is_waited_for(calls_api: MockCallsAPI, tmp_path: Path) -> None:
    calls_api.fail(503, times=2, retry_after=30)
    assert nightly.nightly(calls_api.client(), tmp_path, DAY.date()) == 0
    assert rows(tmp_path) == of_the_day(calls_api)
    assert calls_api.now == AFTER_MIDNIGHT + timedelta(seconds=60)


def test_a_failing_night_leaves_no_file_and_is_made_up_for_in_the_morning(
    calls_api: MockCallsAPI, tmp_path: Path
) -> None:
    outage = calls_api.fail(503, agent_id="front_desk", after_page=2)
    assert nightly.nightly(calls_api.client(), tmp_path, DAY.date()) == 75
    assert not list(tmp_path.glob("*.csv"))
    outage.take_back()
    before = len(calls_api.requests)
    assert nightly.nightly(calls_api.client(), tmp_path, DAY.date()) == 0
    assert rows(tmp_path) == of_the_day(calls_api)
    # The calls of the first agent were kept.
    assert "bookings" not in {request.agent_id for request in calls_api.requests[before:]}


def test_a_key_that_is_refused_is_not_tried_again(calls_api: MockCallsAPI, tmp_path: Path) -> None:
    assert nightly.nightly(calls_api.client(api_key="sk_revoked"), tmp_path, DAY.date()) == 1
    assert [request.status for request in calls_api.requests] == [401]


def test_yesterday_is_the_day_unless_one_is_given(
    calls_api: MockCallsAPI, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENTCALLS_BASE_URL", calls_api.base_url)
    monkeypatch.setenv("AGENTCALLS_API_KEY", calls_api.api_key)
    assert nightly.main([str(tmp_path), "2026-11-23"]) == 0
    assert nightly.main([str(tmp_path)]) == 0
    assert len(list(tmp_path.glob("calls-*.csv"))) == 2
