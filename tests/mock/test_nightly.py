"""The worked example of a tested program passes its own tests, and they find what is broken in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from contract.tool.contract import ROOT
from mock.test_pytest_plugin import PLUGIN, ran

if TYPE_CHECKING:
    from pathlib import Path

EXAMPLES = ROOT / "examples"
BREAKS = {
    "test_a_failing_night": ("resume=True", "resume=False"),
    "test_a_night_is_one_file": ("until=midnight + timedelta(days=1)", "until=None"),
    "test_a_key_that_is_refused": ("if error.retryable else 1", "if error else 1"),
}


@pytest.mark.share(pool="nightly")
def test_the_example_passes_its_tests(tmp_path: Path) -> None:
    (tmp_path / "nightly.py").write_text((EXAMPLES / "nightly.py").read_text())
    status, output = ran(tmp_path, (EXAMPLES / "test_nightly.py").read_text(), *PLUGIN)
    assert status == 0, output


@pytest.mark.share(pool="nightly")
@pytest.mark.parametrize("test", BREAKS)
def test_its_tests_find_what_is_broken(test: str, tmp_path: Path) -> None:
    right, wrong = BREAKS[test]
    program = (EXAMPLES / "nightly.py").read_text()
    assert right in program
    (tmp_path / "nightly.py").write_text(program.replace(right, wrong))
    status, output = ran(tmp_path, (EXAMPLES / "test_nightly.py").read_text(), *PLUGIN)
    assert status == 1, output
    assert f"::{test}" in output
