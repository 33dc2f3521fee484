"""docs/schema.md says what is in a copy."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from agentcalls.mirror import schema
from agentcalls.table.lifecycle import FINAL
from contract.tool.contract import ROOT
from mirror.copies import query
from mirror.host import Host, row

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PAGE = (ROOT / "docs" / "schema.md").read_text(encoding="utf-8")
CELLS = re.compile(r"^\| `(\w+)` \| ([^|]+) \| ([^|]+) \|", re.MULTILINE)


def written(table: str, place: int) -> dict[str, str]:
    """The columns of a table and their types, as the page has them."""
    section = PAGE.split(f"\n## {table}\n")[1].split("\n## ")[0]
    return {found[0]: found[place].strip() for found in CELLS.findall(section)}


def columns(path: Path, name: str) -> dict[str, str]:
    if path.suffix == ".duckdb":
        found = query(
            path,
            "SELECT column_name AS name, data_type AS type FROM information_schema.columns"  # noqa: S608
            f" WHERE table_name = '{name}' ORDER BY ordinal_position",
        )
    else:
        found = query(path, f"PRAGMA table_info({name})")
    return {one["name"]: one["type"] for one in found}


def test_the_page_names_each_table_with_its_columns_and_types(
    copy: Path, synced: Callable[..., object]
) -> None:
    synced(Host({"a": [row(1)]}))
    place = 1 if copy.suffix == ".duckdb" else 2
    for table in schema.TABLES:
        found = columns(copy, table.name)
        assert list(found.items()) == list(written(table.name, place).items())
        assert tuple(found) == table.names


def test_the_page_names_each_view_with_its_columns(
    copy: Path, synced: Callable[..., object]
) -> None:
    failed = row(2, status="failed", ended_at=None)
    synced(Host({"a": [row(1), failed, row(3, status="queued", ended_at=None)]}))
    views = PAGE.split("\n## Views\n")[1]
    for view in schema.VIEWS:
        (said,) = re.findall(rf"^\| `{view}` \| ([^|]+) \|", views, re.MULTILINE)
        names = re.findall(r"`(\w+)`", said)
        assert list(query(copy, f"SELECT * FROM {view}")[0]) == (  # noqa: S608
            list(schema.CALLS.names) if names == ["calls"] else names
        )
    (rate,) = query(copy, "SELECT * FROM failure_rate")
    assert rate == {"agent_id": "a", "over": 2, "failed": 1, "rate": 0.5}
    (day,) = query(copy, "SELECT * FROM calls_by_day")
    assert (str(day["day"]), day["calls"], day["open"], day["seconds"]) == ("2026-11-23", 3, 1, 126)


def test_the_page_names_the_version_and_what_is_over() -> None:
    assert f"This is version {schema.VERSION}." in PAGE
    assert all(f"`{status}`" in written_open() for status in FINAL)


def written_open() -> str:
    return next(line for line in PAGE.splitlines() if line.startswith("| `open` |"))
