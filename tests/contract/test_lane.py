from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from contract.tool.__main__ import main
from contract.tool.lane import KEYS, WANTED, files_with, not_seen, problems_of_a_run
from contract.tool.lying import Answered, Asked, Honest, lying
from contract.tool.mutants import ALL, fail, on_status

if TYPE_CHECKING:
    from pathlib import Path


FEWER = (
    "--seed",
    "1",
    "--max-examples",
    "5",
    "--phases",
    "examples,fuzzing",
)  # what each request shows


def entry(status: int, header: str, query: str = "", rows: int = 1) -> dict[str, Any]:
    body: dict[str, Any] = {"data": [{}] * rows} if status == 200 else {}
    return {
        "request": {
            "url": f"http://host/calls?{query}",
            "headers": [{"name": header, "value": "[Filtered]"}],
        },
        "response": {"status": status, "content": {"text": json.dumps(body)}},
    }


SEEN = [
    entry(200, "Authorization"),
    entry(200, "X-Api-Key"),
    entry(200, "X-Api-Key", "page=2"),
    entry(200, "X-Api-Key", "page=3", rows=0),
    *(entry(status, "X-Api-Key") for status in (400, 401, 403, 404, 429)),
]


def har(entries: list[dict[str, Any]]) -> str:
    return json.dumps({"log": {"entries": entries}})


def test_a_run_that_saw_everything_lacks_nothing() -> None:
    assert not_seen(har(SEEN)) == []
    assert not_seen(har([])) == WANTED


@pytest.mark.parametrize(
    ("without", "lacks"),
    [
        (0, ["a bearer token"]),
        (2, ["a later page"]),
        (3, ["an empty page"]),
        (4, ["400"]),
        (5, ["401"]),
        (6, ["403"]),
        (7, ["404"]),
        (8, ["429"]),
    ],
)
def test_what_a_run_did_not_see_is_named(without: int, lacks: list[str]) -> None:
    assert not_seen(har(SEEN[:without] + SEEN[without + 1 :])) == lacks


def test_a_run_leaves_reports_that_hold_no_key(lane: tuple[list[str], Path]) -> None:
    problems, reports = lane
    assert problems == []
    assert {path.name for path in reports.iterdir()} == {"junit.xml", "traffic.har", "html"}
    assert "[Filtered]" in (reports / "traffic.har").read_text()
    assert [path for key in KEYS for path in files_with(key, reports)] == []


def test_what_a_run_recorded_is_held_too(
    lane: tuple[list[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    _, reports = lane
    status = main(["live", "--from", str(reports / "traffic.har")], {})
    said = capsys.readouterr().out
    assert status == 0, said
    assert int(re.findall(r"har: (\d+) answers", said)[0]) > 50
    assert "of another method ignored" in said


def test_a_key_in_a_report_is_a_problem(tmp_path: Path) -> None:
    async def shows_the_key(asked: Asked, honest: Honest) -> Answered:
        answered = await honest(asked)
        answered.headers["x-request-id"] = asked.key or "none"
        if not answered.is_page:
            answered.body["request_id"] = "1"
        return answered

    problems = problems_of_a_run(tmp_path / "reports", *FEWER, spoil=lying(shows_the_key))
    assert f"{tmp_path / 'reports' / 'traffic.har'} holds a key." in problems


@pytest.mark.share
@pytest.mark.parametrize(
    ("status", "warning"), [(401, "Authentication failed"), (404, "Missing test data")]
)
def test_a_run_that_gets_nowhere_fails(tmp_path: Path, status: int, warning: str) -> None:
    problems = problems_of_a_run(
        tmp_path / "reports", *FEWER, spoil=lying(on_status(ALL, fail(status)))
    )
    assert warning.lower() in str(problems).lower()
