from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest

from agentcalls import ConfigurationError
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
        "yesterday",
        "24 h",
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
        timedelta(hours=1),
        True,
    ],
    ids=repr,
)
def test_anything_else_is_refused_by_name(moment: Any) -> None:
    with pytest.raises(ConfigurationError, match="since takes"):
        resolved("since", moment, NOW)
