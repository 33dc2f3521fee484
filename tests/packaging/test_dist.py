from __future__ import annotations

import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

from contract.contract import ROOT

PACKAGES = ("agentcalls", "agentcalls_api", "agentcalls_mock")


@pytest.fixture(scope="session")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a wheel and an sdist of this tree."""
    folder = tmp_path_factory.mktemp("dist")
    run(Path(sys.executable).parent / "hatchling", "build", "--directory", folder, cwd=ROOT)
    return folder


def run(*command: object, cwd: Path | None = None) -> str:
    result = subprocess.run(
        [str(part) for part in command], cwd=cwd, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_wheel_has_the_three_packages_typed_and_nothing_else(dist: Path) -> None:
    with zipfile.ZipFile(next(dist.glob("*.whl"))) as archive:
        names = archive.namelist()
    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == set(PACKAGES)
    assert all(f"{package}/py.typed" in names for package in PACKAGES)
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_sdist_has_the_sources_and_the_contract(dist: Path) -> None:
    with tarfile.open(next(dist.glob("*.tar.gz"))) as archive:
        names = archive.getnames()
    inside = {name.split("/", 1)[1] for name in names if "/" in name}
    assert {"openapi.yaml", "pyproject.toml", "LICENSE", "wrappers/agentcalls/client.py"} <= inside
    assert not [name for name in inside if name.startswith(("tests", "node_modules", ".venv"))]


@pytest.mark.parametrize("form", ["*.whl", "*.tar.gz"])
def test_either_form_installs_into_an_empty_environment_and_imports(
    dist: Path, form: str, tmp_path: Path
) -> None:
    venv.create(tmp_path, with_pip=True)
    run(
        tmp_path / "bin" / "pip",
        "install",
        "-qq",
        "--disable-pip-version-check",
        next(dist.glob(form)),
    )
    code = "import agentcalls, agentcalls_api; print(agentcalls.Client, agentcalls.__version__)"
    assert "agentcalls.client.Client" in run(
        tmp_path / "bin" / "python", "-W", "error", "-c", code, cwd=tmp_path
    )
    mock = subprocess.run(
        [tmp_path / "bin" / "agentcalls-mock"], capture_output=True, text=True, check=False
    )
    assert mock.returncode != 0
    assert 'pip install ".[mock]"' in mock.stderr
