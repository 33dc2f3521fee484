from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from contract.tool.lane import problems_of_a_run

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def lane(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[str], Path]:
    """The problems and the reports of a short run of schemathesis against the honest mock."""
    reports = tmp_path_factory.mktemp("lane") / "reports"
    return problems_of_a_run(reports, "--seed", "1", "--max-examples", "40"), reports
