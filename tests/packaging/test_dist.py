from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import zipfile
from importlib.metadata import Distribution, distribution, distributions
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from contract.contract import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

# One worker builds for all.
pytestmark = pytest.mark.xdist_group("packaging")

BIN = Path(sys.executable).parent
PACKAGES = ("agentcalls", "agentcalls_api", "agentcalls_mock")


@pytest.fixture(scope="session")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a wheel and an sdist of this tree."""
    folder = tmp_path_factory.mktemp("dist")
    run(BIN / "hatchling", "build", "--directory", folder, cwd=ROOT)
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


def installed(requirement: str) -> Iterator[Distribution]:
    """The distributions of this environment, which are the locked ones, that a requirement brings."""
    wanted, seen = [Requirement(requirement)], set[str]()
    while wanted:
        name = canonicalize_name(wanted.pop().name)
        if name not in seen:
            seen.add(name)
            found = distribution(name)
            yield found
            needs = map(Requirement, found.requires or ())
            wanted += [it for it in needs if not it.marker or it.marker.evaluate({"extra": ""})]


def copy(found: Distribution, target: Path) -> None:
    for file in found.files or ():
        if ".." not in file.parts and file.suffix != ".pyc":
            (target / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(str(file.locate()), target / file)


# Nothing is resolved and nothing fetched: what the package declares is laid beside it from this environment.
@pytest.mark.parametrize("form", ["*.whl", "*.tar.gz"])
def test_either_form_installs_into_an_empty_environment_and_imports(
    dist: Path, form: str, tmp_path: Path
) -> None:
    package = next(dist.glob(form))
    uv, empty, wheel = BIN / "uv", tmp_path / "empty", tmp_path / "wheel"
    if form == "*.tar.gz":
        build = ("build", "--wheel", "--no-build-isolation", "--python", sys.executable)
        run(uv, *build, "--offline", "--out-dir", wheel, package)
        package = next(wheel.glob("*.whl"))
    run(uv, "venv", "--offline", "--python", sys.executable, empty)
    python = empty / "bin" / "python"
    run(uv, "pip", "install", "--offline", "--no-deps", "--python", python, package)
    (site,) = empty.glob("lib/python*/site-packages")
    (ours,) = distributions(name="agentcalls", path=[str(site)])
    for requirement in ours.requires or ():
        if "extra ==" not in requirement:
            for found in installed(requirement):
                copy(found, site)
    run(uv, "pip", "check", "--python", python)
    code = "import agentcalls, agentcalls_api; print(agentcalls.Client, agentcalls.__version__)"
    assert "agentcalls.client.Client" in run(python, "-W", "error", "-c", code, cwd=tmp_path)
    mock = subprocess.run(
        [empty / "bin" / "agentcalls-mock"], capture_output=True, text=True, check=False
    )
    assert mock.returncode != 0
    assert 'pip install ".[mock]"' in mock.stderr
