from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from contract.tool.contract import ROOT


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a wheel and an sdist of this tree."""
    folder = tmp_path_factory.mktemp("built")
    hatchling = Path(sys.executable).parent / "hatchling"
    subprocess.run([hatchling, "build", "--directory", folder], cwd=ROOT, check=True)
    return folder


@pytest.fixture(scope="session")
def wheel(built: Path) -> Path:
    (path,) = built.glob("*.whl")
    return path


@pytest.fixture(scope="session")
def sdist(built: Path) -> Path:
    (path,) = built.glob("*.tar.gz")
    return path
