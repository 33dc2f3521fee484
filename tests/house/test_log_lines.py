"""docs/tracing.md has each line that the log may have, at its level."""

from __future__ import annotations

import ast
import logging
import re
from typing import TYPE_CHECKING

from agentcalls import Exchange, Problem
from agentcalls.request import log
from contract.tool.contract import ROOT

if TYPE_CHECKING:
    import pytest

PAGE = (ROOT / "docs/tracing.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| ([A-Z]+) \| .*? \| `(.*?)`", PAGE, flags=re.MULTILINE)


def templates() -> list[tuple[str, str]]:
    """The level and the template of each call of the logger."""
    tree = ast.parse((ROOT / "wrappers/agentcalls/request/log.py").read_text(encoding="utf-8"))
    found: list[tuple[str, str]] = []
    for node in ast.walk(tree):
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id="_logger"), attr=level),
                args=[ast.Constant(value=str(text)), *_],
            ):
                found.append((level.upper(), text))
            case _:
                pass
    return found


def shape(template: str) -> re.Pattern[str]:
    """What a line of this template looks like."""
    parts = re.split(r"%\.?\d*[srdf]", template)
    return re.compile(".+".join(map(re.escape, parts)))


def test_each_line_of_the_log_is_on_the_page_and_no_other() -> None:
    lines = templates()
    assert len(lines) == len(ROWS) == 6
    for level, template in lines:
        shown = [line for at, line in ROWS if at == level and shape(template).fullmatch(line)]
        assert shown, template


def test_no_other_module_has_a_line_of_its_own() -> None:
    others = [
        file
        for file in (ROOT / "wrappers/agentcalls").rglob("*.py")
        if 'getLogger("agentcalls' in file.read_text(encoding="utf-8") and file.name != "log.py"
    ]
    assert others == []


def test_the_lines_are_as_the_page_shows_them(caplog: pytest.LogCaptureFixture) -> None:
    exchange = Exchange(
        method="GET",
        path="/api/v1/console/agents/{agentId}/calls",
        query="",
        attempt=1,
        seconds=0.004,
        status=200,
        bytes=37120,
        request_id="agentcalls-6d8d5c0e7f1a-1",
        error=None,
        headers={},
    )
    problem = Problem(page=1, row=0, call_id="call_1", field="status", why="is null, not a string")
    with caplog.at_level(logging.DEBUG, logger="agentcalls"):
        log.log_exchange(exchange)
        log.log_problems((problem,), set())
        log.log_unlisted("status", "falied", "failed")
        log.log_foreign_ids()
    said = [(record.levelname, record.getMessage()) for record in caplog.records]
    assert len(said) == 4
    assert set(said) <= set(ROWS)
