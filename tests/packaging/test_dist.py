from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from typing import TYPE_CHECKING

from uv import find_uv_bin

from installing import install

if TYPE_CHECKING:
    from pathlib import Path


PACKAGES = ("agentcalls", "agentcalls_api", "agentcalls_mock", "pyspark_agentcalls")


def test_wheel_has_the_four_packages_typed_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == set(PACKAGES)
    assert all(f"{package}/py.typed" in names for package in PACKAGES)
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_sdist_has_the_sources_and_the_contract(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        names = archive.getnames()
    inside = {name.split("/", 1)[1] for name in names if "/" in name}
    assert {"openapi.yaml", "pyproject.toml", "LICENSE", "wrappers/agentcalls/client.py"} <= inside
    assert not [name for name in inside if name.startswith(("tests", "node_modules", ".venv"))]


def test_the_sdist_builds_a_wheel_that_imports_alone(sdist: Path, tmp_path: Path) -> None:
    build = ("build", "--quiet", "--wheel", "--no-build-isolation", "--python", sys.executable)
    wheels = tmp_path / "wheels"
    subprocess.run([find_uv_bin(), *build, "--offline", "--out-dir", wheels, sdist], check=True)
    empty = install(tmp_path, next(wheels.glob("*.whl")), "")
    code = "import agentcalls, agentcalls_api; print(agentcalls.Client, agentcalls.__version__)"
    assert "agentcalls.client.Client" in empty.python(code)
    mock = empty.run("agentcalls-mock")
    assert mock.returncode != 0
    assert 'pip install ".[mock]"' in mock.stderr
