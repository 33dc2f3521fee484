"""The page of promises names tests that exist."""

from __future__ import annotations

import ast
import re

from contract.tool.contract import ROOT


def test_each_promise_names_tests_that_exist() -> None:
    text = (ROOT / "docs/promises.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| ")][2:]
    assert len(rows) >= 12
    for row in rows:
        named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", row)
        assert named, row
        for file, name in named:
            tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
            assert name in {one.name for one in tree.body if isinstance(one, ast.FunctionDef)}, name
