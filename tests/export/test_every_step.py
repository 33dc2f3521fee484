"""Exports and reports on a disk that fails, or is gone, at each call in turn: `make nightly` plays them all."""

from __future__ import annotations

import os
from itertools import product
from random import Random
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from agentcalls import Client
from agentcalls.export import export, written_whole
from disks import FAULTS, Disk, on_disk
from drawn import ALL
from exports import Row, rows_of
from many_agents import Agents

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

# The same lines again and again, which others prove.

_SHARE = 1
"""Of the calls and faults of a format and a way to export it, by day."""
_OLD = "mine, of before"

# How it is exported first, how it goes on, and what is there before.
WAYS: dict[str, tuple[list[str], list[str], dict[str, Any]]] = {
    "new": (["a", "b"], ["a", "b"], {}),
    "over": (["a", "b"], ["a", "b"], {"force": True}),
    "others": (["a", "bad", "b"], ["a", "c", "bad"], {"force": True, "keep_going": True}),
}


@pytest.fixture
def reader(page_body: Any) -> Generator[Client]:
    api = Agents(page_body["data"][0], {"a": 3, "b": 2, "c": 1})
    with (
        httpx.Client(transport=httpx.MockTransport(api)) as http,
        Client(api_key="sk_x", base_url="http://127.0.0.1:1", http_client=http) as client,
    ):
        yield client


def steps(calls: int) -> list[tuple[int, str]]:
    """Which calls fail in which way: all of them at night."""
    every = list(product(range(1, calls + 1), FAULTS))
    return every if ALL else Random(os.environ["AGENTCALLS_SEED"]).sample(every, _SHARE)


def emptied(folder: Path) -> Path:
    for entry in folder.iterdir():
        assert not entry.is_dir(), entry
        entry.unlink()
    return folder


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "ending",
    ["csv", "ndjson.gz", "json.zst", "ndjson", "json", "parquet", "arrow", "sqlite", "duckdb"],
)
def test_an_export_is_whole_or_absent_and_goes_on(
    ending: str, way: str, reader: Client, tmp_path: Path
) -> None:
    first, then, asked = WAYS[way]
    options: dict[str, Any] = {"journal_calls": 1, **asked}
    anew: dict[str, Any] = {**options, "force": True}
    whole, folder = tmp_path / f"whole.{ending}", tmp_path / "folder"
    path = folder / f"calls.{ending}"
    folder.mkdir()
    seen: list[tuple[bytes, list[Row]]] = []
    for agents in (first, then):
        export(reader, agents, whole, **anew)
        seen.append((whole.read_bytes(), rows_of(whole)))
    if options.get("force"):
        path.write_text(_OLD)
    counting = Disk(folder)
    with on_disk(counting):
        export(reader, first, path, **options)
    assert path.read_bytes() == seen[0][0] or "duckdb" in ending
    if ALL:
        print(ending, way, counting.calls, "calls")  # noqa: T201 (for the record)
    for at, fault in steps(counting.calls):
        emptied(folder)
        if options.get("force"):
            path.write_text(_OLD)
            path.chmod(0o640)
        disk, random = Disk(folder, fault, at), Random(f"{at} {fault}")
        with on_disk(disk):
            export(reader, first, path, **options)
        if "cut" in fault:
            disk.lose(random)
        disk.let_go()
        if not (options.get("force") and path.read_bytes() == _OLD.encode()):
            assert not path.exists() or rows_of(path) == seen[0][1], (at, fault)
        outcome = export(reader, then, path, resume=True, **options)
        assert outcome.calls == len(seen[1][1]), (at, fault)
        if "duckdb" in ending:
            assert rows_of(path) == seen[1][1], (at, fault)
        else:
            assert path.read_bytes() == seen[1][0], (at, fault)
        assert [entry.name for entry in folder.iterdir()] == [path.name], (at, fault)
        if options.get("force") and "cut" not in fault:
            assert path.stat().st_mode & 0o777 == 0o640, (at, fault)


@pytest.mark.parametrize("old", [None, _OLD])
def test_a_report_is_whole_or_what_it_was(old: str | None, tmp_path: Path) -> None:
    path = tmp_path / "report.html"

    def write(disk: Disk) -> None:
        with on_disk(disk), written_whole(path) as file:
            file.write("new" * 10_000)

    counting = Disk(tmp_path)
    write(counting)
    for at, fault in steps(counting.calls):
        for entry in tmp_path.iterdir():
            entry.unlink()
        if old:
            path.write_text(old)
        disk = Disk(tmp_path, fault, at)
        write(disk)
        if "cut" in fault:
            disk.lose(Random(f"{at} {fault}"))
        disk.let_go()
        left = path.read_text() if path.exists() else None
        assert left in {old, "new" * 10_000}, (at, fault)
        write(Disk(tmp_path))
        assert path.read_text() == "new" * 10_000
