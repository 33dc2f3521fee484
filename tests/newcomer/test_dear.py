"""What takes seconds: one of these tests by day, and all of them at night."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest

from agentcalls_mock import MockCallsAPI
from contract.tool.contract import ROOT
from installing import build, install
from newcomer.pictures import HIGH, REPORT, START, WIDE, carried_by, photograph, shown_by
from newcomer.readers import by_dlt, by_us, lost_and_repeated
from newcomer.walking import extras, rewritten, walked

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.share(pool="dear", one_in=3)


@pytest.fixture
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    (path,) = build(tmp_path_factory.mktemp("built")).glob("*.whl")
    return path


def test_newcomer_gets_from_the_readme_to_the_end_of_the_start(wheel: Path, tmp_path: Path) -> None:
    """With nothing but what these two pages install, in an empty home, in their order."""
    pages = [(ROOT / "README.md").read_text(encoding="utf-8"), START.read_text(encoding="utf-8")]
    wanted = set().union(*map(extras, pages))
    assert wanted >= {"cli", "mock", "report"}
    installed = install(tmp_path, wheel, ",".join(sorted(wanted)))
    settings = installed.environ | {"PATH": f"{installed.bin}:/usr/bin:/bin"}
    for page in pages:
        answers = walked(page, installed.work, settings)
        assert [(answer.command, answer.text) for answer in answers if answer.code] == []
        if pages.index(page):
            assert rewritten(page, answers) == page
        else:
            (program,) = [answer for answer in answers if answer.command.startswith("python ")]
            assert len(program.lines) > 100
    written = {path.name for path in installed.work.iterdir() if not path.name.startswith(".")}
    assert written >= {"calls.csv", "calls.parquet", "team.csv", "report.html", "first.py"}


def test_picture_is_taken_of_the_page(tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    page.write_text(
        "<!doctype html><p>Made at 2026-11-27 10:00:00.<div class=chart></div>"
        "<script>document.querySelector('div').innerHTML = '<svg width=9 height=9></svg>'</script>"
    )
    shown = shown_by(page.read_text())
    png = photograph(page)
    assert carried_by(png) == shown != carried_by(REPORT.read_bytes())
    for one in (png, REPORT.read_bytes()):
        assert struct.unpack(">II", one[16:24]) == (WIDE, HIGH)


@pytest.mark.parametrize("change", ["deletions", "inserts"])
def test_pages_that_shift_lose_and_repeat_calls_in_dlts_client_too(change: str) -> None:
    with MockCallsAPI() as api:
        lost, repeated = lost_and_repeated(api, change, by_dlt)
        assert (lost > 0, repeated > 0) == (change == "deletions", change == "inserts")
        assert lost_and_repeated(api, change, by_us) == (0, 0)


def test_dlt_has_more_than_a_dozen_destinations() -> None:
    from dlt import destinations  # noqa: PLC0415  # takes seconds

    names = set(destinations.__all__)
    assert names >= {"bigquery", "snowflake", "redshift", "postgres", "databricks", "clickhouse"}
    assert len(names) > 14
