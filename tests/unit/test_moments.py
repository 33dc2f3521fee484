from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from agentcalls import ConfigurationError
from agentcalls.reading.listing_options import ReadOptions
from agentcalls.reading.moments import resolved

NOW = datetime(2026, 11, 23, 12, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (None, None),
        ("500ms", NOW - timedelta(milliseconds=500)),
        ("90s", NOW - timedelta(seconds=90)),
        ("15m", NOW - timedelta(minutes=15)),
        ("10h", NOW - timedelta(hours=10)),
        ("24h", NOW - timedelta(days=1)),
        ("7d", NOW - timedelta(days=7)),
        ("2w", NOW - timedelta(days=14)),
        ("0s", NOW),
        (timedelta(hours=1), NOW - timedelta(hours=1)),
        ("today", datetime(2026, 11, 23, tzinfo=UTC)),
        ("yesterday", datetime(2026, 11, 22, tzinfo=UTC)),
        (NOW, NOW),
        (
            datetime(2026, 11, 23, 2, tzinfo=timezone(timedelta(hours=2))),
            datetime(2026, 11, 23, tzinfo=UTC),
        ),
        (date(2026, 11, 23), datetime(2026, 11, 23, tzinfo=UTC)),
        ("2026-11-23", datetime(2026, 11, 23, tzinfo=UTC)),
        ("2026-11-23T02:00:00+02:00", datetime(2026, 11, 23, tzinfo=UTC)),
        ("20261123T000000Z", datetime(2026, 11, 23, tzinfo=UTC)),
    ],
)
def test_moment_is_read_in_utc(moment: Any, expected: datetime | None) -> None:
    result = resolved("since", moment, NOW)
    assert result == expected
    assert result is None or result.tzinfo is UTC


@pytest.mark.parametrize(
    "moment",
    [
        "",
        "tomorrow",
        "24  h",
        "24 months",
        "-1h",
        "1.5h",
        "1y",
        "999999999w",
        "٣h",
        "2026-11-23T02:00:00",
        "2026-02-30",
        datetime(2026, 11, 23),  # noqa: DTZ001
        datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=2))),
        7,
        timedelta(hours=-1),
        True,
    ],
    ids=repr,
)
def test_anything_else_is_refused_by_name(moment: Any) -> None:
    with pytest.raises(ConfigurationError, match="since takes"):
        resolved("since", moment, NOW)


NEW_YORK = "America/New_York"  # five hours behind UTC in winter, four in summer


@pytest.mark.parametrize("tz", [NEW_YORK, ZoneInfo(NEW_YORK), "local"])
@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (date(2026, 11, 23), "2026-11-23T05:00Z"),
        ("2026-11-23", "2026-11-23T05:00Z"),
        ("2026-07-01", "2026-07-01T04:00Z"),
        ("today", "2026-11-23T05:00Z"),
        ("yesterday", "2026-11-22T05:00Z"),
        ("2026-11-23T10:00", "2026-11-23T15:00Z"),
        (datetime(2026, 11, 23, 10), "2026-11-23T15:00Z"),  # noqa: DTZ001
        ("2026-11-23T10:00+01:00", "2026-11-23T09:00Z"),
        (NOW, NOW.isoformat()),
        ("1h", (NOW - timedelta(hours=1)).isoformat()),
        # A day on which the clocks change has its own midnight before and after.
        ("2026-11-01", "2026-11-01T04:00Z"),
        ("2026-11-02", "2026-11-02T05:00Z"),
    ],
)
def test_days_and_times_without_an_offset_are_those_of_the_zone(
    monkeypatch: pytest.MonkeyPatch, tz: Any, moment: Any, expected: str
) -> None:
    monkeypatch.setenv("TZ", NEW_YORK if tz == "local" else "Asia/Tokyo")
    time.tzset()
    try:
        assert resolved("since", moment, NOW, tz) == datetime.fromisoformat(expected)
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize("hour", range(0, 24, 3))
@pytest.mark.parametrize("tz", [NEW_YORK, "Pacific/Kiritimati", "Pacific/Pago_Pago", "UTC"])
def test_today_is_the_readers_whatever_the_hour(tz: str, hour: int) -> None:
    now = NOW.replace(hour=hour)
    midnight = resolved("since", "today", now, tz)
    assert midnight
    there = midnight.astimezone(ZoneInfo(tz))
    assert (there.date(), there.hour) == (now.astimezone(ZoneInfo(tz)).date(), 0)


@pytest.mark.parametrize("tz", ["", "Mars/Phobos", "America", "/etc/localtime", "../x", 5, "a\0b"])
def test_zone_that_nobody_knows_is_refused_by_name(tz: Any) -> None:
    with pytest.raises(ConfigurationError, match="tz takes"):
        ReadOptions(tz=tz)
