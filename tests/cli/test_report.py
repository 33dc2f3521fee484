from __future__ import annotations

import json
import os
import re
import sys
import time
from collections import Counter
from datetime import UTC, timedelta
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from agentcalls import ConfigurationError
from agentcalls.cli.commands.report.document import Scope, page_of
from agentcalls.cli.commands.report.numbers import MOST_FAILURES, STATUSES, Numbers
from agentcalls.cli.program import app
from agentcalls.cli.summary import MOST_GROUPS
from agentcalls.cli.zone import Zone
from agentcalls.export import written_whole
from cli.test_stats import ALSO, CALLS, HERE, disorder, moment
from cli.test_summary import NOON, call_of
from faults import changed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from typer.testing import Result

    from agentcalls import Call
    from faults import FaultServer

    Cli = Callable[..., Result]

HOSTILE = (
    "</script><script>window.hacked = 1</script><img src=x onerror='window.hacked = 1'>\"&\u202e"
)
NO_DOUBT = Scope(["agent_1"], {}, NOON, [])


class Page(HTMLParser):
    """The rows of each table, the heading of each, and all text but that of scripts and styles."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.html = html
        self.texts: list[str] = []
        self.rows: dict[str, list[list[str]]] = {}
        self._heading = ""
        self._tag = ""
        self.feed(html)
        start = html.index('id="charts">') + len('id="charts">')
        self.charts: dict[str, Any] = json.loads(html[start : html.index("</script>", start)])

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._tag = tag
        if tag == "h2":
            self._heading = ""
        if tag == "tr":
            self.rows.setdefault(self._heading, []).append([])
        if tag in {"td", "th"}:
            self.rows[self._heading][-1].append("")
        del attrs

    def handle_endtag(self, tag: str) -> None:
        del tag
        self._tag = ""

    def handle_data(self, data: str) -> None:
        if self._tag in {"script", "style"}:
            return
        self.texts.append(data)
        if self._tag == "h2":
            self._heading += data
        if self._tag in {"td", "th"}:
            self.rows[self._heading][-1][-1] += data

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())


def page_with(*calls: Call, show_numbers: bool = False, scope: Scope = NO_DOUBT) -> Page:
    numbers = Numbers(Zone(UTC), show_numbers)
    for call in calls:
        numbers.add("agent_1", call)
    return Page(page_of(numbers, scope))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, mock_url: str) -> Page:
    path = tmp_path_factory.mktemp("report") / "report.html"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AGENTCALLS_API_KEY", "sk_test_full")
        patch.setenv("AGENTCALLS_BASE_URL", mock_url)
        patch.setenv("TZ", "XXX-3")
        time.tzset()
        ended = CliRunner().invoke(app, ["report", "agent_demo", "agent_2", "-o", str(path)])
    time.tzset()
    assert (ended.exit_code, ended.stdout) == (0, "")
    assert ended.stderr == f"Wrote {path}: 275 calls.\n"
    assert [file.name for file in path.parent.iterdir()] == ["report.html"]
    return Page(path.read_text())


def test_the_tables_have_the_numbers_of_the_mocks_rows(made: Page) -> None:
    calls = [*CALLS, *ALSO]
    created = [moment(call.created_on).astimezone(HERE) for call in calls]
    head, *days = made.rows["Calls by day and status"]
    counts = Counter(
        (str(when.date()), call.status) for when, call in zip(created, calls, strict=True)
    )
    assert {
        (day, status): int(cell)
        for day, *cells in days
        for status, cell in zip(head[1:-1], cells[:-1], strict=True)
        if cell != "0"
    } == counts
    assert [int(day[-1]) for day in days] == [
        sum(count for (when, _), count in counts.items() if when == day[0]) for day in days
    ]
    _, *weekdays = made.rows["Busiest hours"]
    hours = Counter((f"{when:%A}", when.hour) for when in created)
    assert {
        (weekday, hour): int(cell)
        for weekday, *cells in weekdays
        for hour, cell in enumerate(cells)
        if cell != "0"
    } == hours
    failed = [call for call in calls if call.status == "failed"]
    reasons = {name: int(count) for name, count in made.rows["Failure reasons"][1:]}
    assert reasons == Counter(call.error_reason for call in failed)
    assert len(made.rows["Failed calls"]) == 1 + len(failed)
    times = [row[0] for row in made.rows["Failed calls"][1:]]
    assert times == sorted(times, reverse=True)
    assert {row[-1] for row in made.rows["Failed calls"][1:]} == {call.id for call in failed}
    assert {row[2] for row in made.rows["Failed calls"][1:]} == {"agent_demo", "agent_2"}


def test_durations_and_ringing_times_are_in_their_groups(made: Page) -> None:
    calls = [*CALLS, *ALSO]
    lasted = [call.duration_seconds for call in calls if call.duration_seconds is not None]
    found = dict(made.rows["Durations"][1:])
    assert int(found["under 10 s"]) == sum(seconds < 10 for seconds in lasted)
    assert int(found["1 to 2 min"]) == sum(60 <= seconds < 120 for seconds in lasted)
    assert sum(map(int, found.values())) == len(lasted)
    waited = [
        (moment(call.ringing_at) - moment(call.created_on)).total_seconds()
        for call in calls
        if call.ringing_at
    ]
    found = dict(made.rows["Ringing time"][1:])
    assert int(found["2 to 3 s"]) == sum(2 <= seconds < 3 for seconds in waited)
    assert sum(map(int, found.values())) == len(waited)


def test_the_charts_have_the_numbers_of_the_tables(made: Page) -> None:
    def values(name: str) -> list[dict[str, Any]]:
        return list(made.charts[name]["data"]["values"])

    names = ["groups", "days", "rates", "hours", "durations", "reasons", "ringing"]
    assert list(made.charts) == names
    for name, heading in (("groups", "Agents"), ("rates", "Failure rate by day")):
        rates = [[row.get("name", row.get("day")), f"{row['rate']:.1%}"] for row in values(name)]
        table = [[row[0], row[3]] for row in made.rows[heading][1:] if row[3] != "none"]
        assert rates == table
    assert sum(row["calls"] for row in values("days")) == 275
    assert sum(row["calls"] for row in values("hours")) == 275
    for name, heading in (
        ("durations", "Durations"),
        ("reasons", "Failure reasons"),
        ("ringing", "Ringing time"),
    ):
        rows = [[row["name"], str(row["calls"])] for row in values(name)]
        assert all(row["filter"] == row["name"] for row in values("reasons"))
        assert rows == made.rows[heading][1:]


def test_one_busy_hour_leaves_the_others_their_shades() -> None:
    calls = [
        call_of(created_on=NOON + timedelta(hours=hour)) for hour in range(20) for _ in range(hour)
    ]
    page = page_with(*calls, *[call_of()] * 1_000)
    shades = page.charts["hours"]["encoding"]["color"]["scale"]
    used = Counter(row["shade"] for row in page.charts["hours"]["data"]["values"])
    assert shades["domain"] == ["0", "1 to 4", "5 to 8", "9 to 12", "13 to 16", "17 to 1,000"]
    assert shades["range"] == [f"var(--heat-{shade})" for shade in range(6)]
    assert [used[shade] for shade in shades["domain"]] == [148, 4, 4, 4, 4, 4]


def test_hours_of_few_different_numbers_have_as_few_shades() -> None:
    scale = page_with(call_of()).charts["hours"]["encoding"]["color"]["scale"]
    assert (scale["domain"], scale["range"]) == (
        ["0", "1"],
        ["var(--heat-0)", "var(--heat-5)"],
    )


def test_the_page_says_what_it_is_about(made: Page) -> None:
    assert "Calls of agent_demo, agent_2" in made.text
    assert "Times are XXX (UTC+0300)" in made.text
    assert "Telephone numbers are masked." in made.text
    assert "Every failed call, the latest first." in made.text
    tests = sum(call.is_test_call for call in (*CALLS, *ALSO))
    assert f"275 {tests} of them test calls" in made.text


def test_the_page_is_small_and_names_no_other_host(made: Page) -> None:
    assert len(made.html.encode()) < 2_000_000
    own = re.sub(r"<script>.*</script>", "", made.html, flags=re.DOTALL)
    assert "://" not in own
    assert re.findall(r"<(?:link|img|iframe|object|embed|base)\b|\bsrc=| on[a-z]+=", own) == []


def test_numbers_are_masked_unless_shown(made: Page, cli: Cli, tmp_path: Path) -> None:
    numbers = {call.destination for call in CALLS} | {call.source for call in CALLS if call.source}
    own = re.sub(r"<script>.*</script>", "", made.html, flags=re.DOTALL)
    assert [number for number in numbers if number.removeprefix("+") in own] == []
    path = tmp_path / "whole.html"
    assert cli("report", "agent_demo", "-o", str(path), "--show-numbers").exit_code == 0
    page = Page(path.read_text())
    failed = [call for call in CALLS if call.status == "failed"]
    assert [row[4] for row in page.rows["Failed calls"][1:]] == [
        call.destination for call in failed
    ]
    assert "masked" not in page.text


def test_a_number_within_a_text_is_masked_too() -> None:
    reason = "no route to +1 (415) 555-0100 or 004915112345678"
    fields = {
        "status": "failed",
        "error_reason": reason,
        "end_reason": "SIP 503",
        "source": "12345",
    }
    page = page_with(call_of(**fields))
    row = page.rows["Failed calls"][1]
    assert row[1:5] == ["no route to … or …", "SIP 503", "…", "…678"]
    assert page.rows["Failure reasons"][1] == ["no route to … or …", "1"]
    assert page_with(call_of(**fields), show_numbers=True).rows["Failed calls"][1][1] == reason


def test_no_text_of_a_call_is_markup() -> None:
    names = ("id", "source", "destination", "direction", "error_reason", "end_reason")
    call = call_of(status="failed", **dict.fromkeys(names, HOSTILE))
    page = page_with(
        call, show_numbers=True, scope=Scope([HOSTILE], {"search": HOSTILE}, NOON, [HOSTILE])
    )
    assert "<script>window" not in page.html
    assert "<img" not in re.sub(r"<script>.*</script>", "", page.html, flags=re.DOTALL)
    shown = HOSTILE.replace("\u202e", "\N{REPLACEMENT CHARACTER}")
    assert page.rows["Failed calls"][1][1:] == [*[shown] * 5, "", shown]
    assert page.charts["reasons"]["data"]["values"][0]["name"] == shown


def test_the_latest_thousand_failures_are_listed_whatever_their_order() -> None:
    count = MOST_FAILURES + 500
    calls = [
        call_of(
            id=f"call_{number}",
            status="failed",
            created_on=NOON - timedelta(seconds=number * 7 % count),
        )
        for number in range(count)
    ]
    page = page_with(*calls, call_of(id="undated", status="failed", created_on=None))
    _, *rows = page.rows["Failed calls"]
    latest = sorted(calls, key=lambda call: call.created_on, reverse=True)[:MOST_FAILURES]
    assert [row[-1] for row in rows] == [call.id for call in latest]
    assert "The latest 1,000 of 1,501 failed calls." in page.text


def test_long_failures_and_more_days_than_fit_are_left_out_in_words() -> None:
    long = dict.fromkeys(("id", "source", "destination", "end_reason"), "&" * 900)
    calls = [
        call_of(status="failed", created_on=NOON - timedelta(days=number), **long)
        for number in range(MOST_GROUPS + 1)
    ]
    page = page_with(*calls, show_numbers=True)
    assert "More than 1,000 days are not shown, which leaves 1 call out." in page.text
    assert re.search(r"The latest \d+ of 1,001 failed calls", page.text)
    assert len(page.rows["Failed calls"]) < MOST_FAILURES


def test_a_failure_without_a_moment_is_listed_last() -> None:
    page = page_with(
        call_of(id="a", status="failed", created_on=None), call_of(id="b", status="failed")
    )
    assert [(row[0], row[-1]) for row in page.rows["Failed calls"][1:]] == [
        ("2026-11-23 12:00:00", "b"),
        ("", "a"),
    ]


def test_the_page_stays_small_whatever_the_calls_hold() -> None:
    calls = [
        call_of(
            id='"' * 900,
            source='"' * 900,
            destination="電" * 900,
            status=status,
            error_reason=f"{number}" + "'" * 900,
            end_reason="&" * 900,
            direction="<" * 900,
            created_on=NOON - timedelta(days=number),
        )
        for number in range(MOST_GROUPS + 100)
        for status in (*STATUSES, "new")
    ]
    page = page_with(*calls, show_numbers=True)
    assert len(page.html.encode()) < 2_000_000
    assert 50 < len(page.rows["Failed calls"]) < 500
    assert len(page.rows["Calls by day and status"]) == MOST_GROUPS + 1
    assert "More than 1,000 days are not shown, which leaves 800 calls out." in page.text
    assert len(page.rows["Failure reasons"]) == 1 + 15 + 1
    assert page.rows["Failure reasons"][-1] == ["all other reasons", "1,085"]
    assert re.search(r"The latest \d+ of 1,100 failed calls", page.text)


def test_a_status_that_is_new_is_shown_as_another() -> None:
    page = page_with(call_of(status="no_answer"), call_of(status="ended"))
    assert page.rows["Calls by day and status"] == [
        ["Day", "ended", "other", "all"],
        ["2026-11-23", "1", "1", "2"],
    ]


def test_an_empty_listing_is_a_page_without_charts(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "empty.html"
    assert cli("report", "agent_empty", "-o", str(path), "--utc").exit_code == 0
    page = Page(path.read_text())
    assert page.charts == {}
    assert page.rows == {}
    assert "There are no calls." in page.text
    assert "No call failed." in page.text
    assert "no call rang" in page.text


def test_filters_are_applied_and_told(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "some.html"
    options = (
        "--status",
        "ended",
        "--search",
        "+1",
        "--since",
        "2026-11-01",
        "--until",
        "2026-11-20",
    )
    assert cli("report", "agent_demo", "-o", str(path), "--live", *options).exit_code == 0
    text = Page(path.read_text()).text
    said = "status ended, search +1, since 2026-11-01, until 2026-11-20, calls live only."
    assert f"Filters: {said}" in text
    assert "0 of them test calls" in text
    assert cli("report", "agent_demo", "-o", str(path), "--test").exit_code == 0
    assert "Filters: calls test only." in Page(path.read_text()).text


def test_a_number_that_was_searched_for_is_masked_too(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "some.html"
    search = ("--search", "+14155550100")
    assert cli("report", "agent_demo", "-o", str(path), *search).exit_code == 0
    page = Page(path.read_text())
    assert "Filters: search …." in page.text
    assert "4155550100" not in page.html
    assert cli("report", "agent_demo", "-o", str(path), *search, "--show-numbers").exit_code == 0
    assert "Filters: search +14155550100." in Page(path.read_text()).text


def test_what_is_not_proven_complete_is_told_on_the_page(
    server: FaultServer, cli: Cli, tmp_path: Path
) -> None:
    server.fail(changed(disorder))
    path = tmp_path / "report.html"
    ended = cli("report", "agent_demo", "-o", str(path), "--since", "2020-01-01")
    assert ended.exit_code == 3
    assert "\nagent_demo: The rows do not come in order" in ended.stderr
    assert ended.stderr.endswith("\nError: Not proven complete: 1 of 1 listing.\n")
    assert "Not proven complete: agent_demo: " in Page(path.read_text()).text


@pytest.mark.parametrize("package", ["altair", "vl_convert", "jinja2"])
def test_a_missing_extra_is_named_before_anything_is_asked(
    package: str, cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.setenv("AGENTCALLS_BASE_URL", "http://127.0.0.1:1")
    ended = cli("report", "agent_demo", "-o", str(tmp_path / "report.html"))
    assert ended.exit_code == 1
    assert ended.stderr == (
        f'Error: {package} is not installed: pip install ".[report]" in a clone of agentcalls\n'
    )
    assert list(tmp_path.iterdir()) == []


def test_a_report_that_fails_leaves_the_one_before(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text("yesterday")
    ended = cli("report", "agent_of_nobody", "agent_other_team", "-o", str(path))
    assert ended.exit_code == 5
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [
        ("report.html", "yesterday")
    ]


def test_an_interrupted_file_is_gone(tmp_path: Path) -> None:
    def write(end: type[BaseException]) -> None:
        with written_whole(tmp_path / "file") as file:
            file.write("half")
            assert len(list(tmp_path.iterdir())) == 1
            raise end

    with pytest.raises(KeyboardInterrupt):
        write(KeyboardInterrupt)
    assert list(tmp_path.iterdir()) == []


def test_half_characters_do_not_stop_a_file(tmp_path: Path) -> None:
    with written_whole(tmp_path / "file") as file:
        file.write("a\ud800b")
    assert (tmp_path / "file").read_text() == "a?b"


@pytest.mark.parametrize(
    ("name", "what"),
    [("", "a folder"), ("missing/report.html", "no folder"), ("fifo", "not a regular file")],
)
def test_a_path_that_cannot_be_a_file_is_refused_at_once(
    name: str, what: str, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(ConfigurationError, match=what), written_whole(tmp_path / name):
        pytest.fail("the block ran")
    assert (tmp_path / "fifo").is_fifo()


def test_what_a_link_points_to_is_written_and_its_mode_kept(tmp_path: Path) -> None:
    path, link = tmp_path / "elsewhere" / "kept", tmp_path / "report.html"
    path.parent.mkdir()
    path.write_text("yesterday")
    path.chmod(0o600)
    link.symlink_to(path)
    with written_whole(link) as file:
        file.write("today")
        assert [entry.stat().st_mode & 0o777 for entry in path.parent.iterdir()] == [0o600] * 2
    assert link.is_symlink()
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("today", 0o600)


def test_equal_moments_keep_the_order_of_the_listing() -> None:
    calls = [call_of(id=str(number), status="failed") for number in range(5)]
    page = page_with(*calls)
    assert [row[-1] for row in page.rows["Failed calls"][1:]] == ["0", "1", "2", "3", "4"]


def test_moments_are_those_of_utc_where_asked() -> None:
    assert "Made at 2026-11-23 12:00:00" in page_with(call_of()).text
