from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from contract.tool.contract import ROOT
from environments.release import ADDRESSES, lacking, main

if TYPE_CHECKING:
    from pathlib import Path

WHOLE: dict[str, Any] = {
    "urls": dict.fromkeys(ADDRESSES, "https://example.org"),
    "maintainers": [{"name": "A person", "email": "person@example.org"}],
}
CHANGELOG = "# Changelog\n\n## [1.2.0] - 2026-11-27\n\n### Added\n"


def test_what_is_whole_lacks_nothing() -> None:
    assert lacking(WHOLE, "1.2.0", CHANGELOG) == []


@pytest.mark.parametrize(
    ("project", "version", "sentence"),
    [
        ({"urls": {"Homepage": "x", "Source": "x", "issues": "x"}}, "1.2.0", "address Changelog"),
        ({"maintainers": [], "authors": [{"name": "All"}]}, "1.2.0", "with an email address."),
        ({}, "1.2.1", "CHANGELOG.md has no section of 1.2.1 with its date."),
        ({}, "1.2", "CHANGELOG.md has no section of 1.2 with its date."),
    ],
)
def test_what_is_missing_is_named(project: dict[str, Any], version: str, sentence: str) -> None:
    (missing,) = lacking(WHOLE | project, version, CHANGELOG)
    assert sentence in missing


def test_a_checkout_that_lacks_something_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    package = tmp_path / "wrappers/agentcalls"
    package.mkdir(parents=True)
    (package / "_version.py").write_text((ROOT / "wrappers/agentcalls/_version.py").read_text())
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    (tmp_path / "CHANGELOG.md").write_text(CHANGELOG)
    assert main(tmp_path) == 1
    assert len(capsys.readouterr().out.splitlines()) == len(ADDRESSES) + 2
