"""The set-up takes what the locks say, whatever was released since: made-up packages, a made-up lock, no network."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import requires, version
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from contract.tool.contract import ROOT
from installing import create

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

UV = Path(sys.executable).with_name("uv")
LOCKS = ["requirements.lock", "environments/demo.lock", "benchmarks/requirements.lock"]
OTHERS = [
    "environments/docs.lock",
    "environments/release.lock",
    "environments/spark.lock",
    "environments/uv.lock",
    "tests/packaging/old-pip.lock",
]

NEEDS = {"app": "helper[fast]", "helper": "engine; extra == 'fast'", "engine": ""}
"""What each made-up package needs: `engine` is reached through an extra alone."""

BACKEND = """
import zipfile

def build_editable(folder, config_settings=None, metadata_directory=None):
    name = "project-1.0-py3-none-any.whl"
    info = "project-1.0.dist-info/"
    with zipfile.ZipFile(f"{folder}/{name}", "w") as wheel:
        wheel.writestr(info + "METADATA", "Metadata-Version: 2.1\\nName: project\\nVersion: 1.0\\n")
        wheel.writestr(info + "WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr(info + "RECORD", "")
    return name
"""


def wheel(folder: Path, name: str, number: str, needs: str = "", **scripts: str) -> str:
    """The lock's line for a wheel that is made in `folder`; `scripts` by their name."""
    path = folder / f"{name}-{number}-py3-none-any.whl"
    info = f"{name}-{number}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {number}\n"
    metadata += f"Requires-Dist: {needs}\n" * bool(needs)
    metadata += "Provides-Extra: fast\n" * (name == "helper")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}.py", "")
        archive.writestr(f"{info}/METADATA", metadata)
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        for script, text in scripts.items():
            info_of = zipfile.ZipInfo(f"{name}-{number}.data/scripts/{script}")
            info_of.external_attr = 0o100755 << 16
            archive.writestr(info_of, text)
        archive.writestr(f"{info}/RECORD", "")
    return f"{name}=={number} --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The Makefile and its script, with locks of made-up packages of which an index has newer releases."""
    folder = tmp_path / "checkout"
    shutil.copytree(ROOT / "environments", folder / "environments")
    for name in ("Makefile", "openapi.yaml"):
        shutil.copy(ROOT / name, folder)
    (folder / "backend.py").write_text(BACKEND)
    (folder / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
        '[project]\nname = "project"\nversion = "1.0"\n'
    )
    index = tmp_path / "index"
    index.mkdir()
    lock = "".join(wheel(index, name, "1.0", needs) for name, needs in NEEDS.items())
    for name, needs in NEEDS.items():
        wheel(index, name, "2.0", needs)
    (folder / "benchmarks").mkdir()
    for name in LOCKS:
        (folder / name).write_text(lock)
    own = wheel(index, "uv", "1.0", uv=f'#!/bin/sh\nexec {UV} "$@"\n')
    (folder / "environments" / "uv.lock").write_text(own)
    return folder


def set_up(
    checkout: Path,
    target: str,
    path: str,
    python: object = sys.executable,
    without: Iterable[str] = (),
    **more: str,
) -> subprocess.CompletedProcess[str]:
    """`make TARGET` with nothing but the made-up index, `path` before the system's own."""
    index = checkout.parent / "index"
    home = checkout.parent / "home"
    home.mkdir(exist_ok=True)
    environ = {
        "HOME": str(home),
        "PATH": f"{path}:/usr/bin:/bin",
        **dict.fromkeys(("PIP_NO_INDEX", "UV_NO_INDEX"), "1"),
        **dict.fromkeys(("PIP_FIND_LINKS", "UV_FIND_LINKS"), str(index)),
        "PIP_CONFIG_FILE": os.devnull,
        **more,
    }
    for name in without:
        del environ[name]
    command = ["make", "-C", str(checkout), target, f"PYTHON={python}"]
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=False)


def installed(environment: Path) -> dict[str, str]:
    """Each distribution of an environment and its version."""
    names = environment.glob("lib/python*/site-packages/*.dist-info")
    return dict(path.name.removesuffix(".dist-info").split("-") for path in names)


@pytest.fixture
def with_uv(tmp_path: Path) -> str:
    folder = tmp_path / "uv-on-path"
    folder.mkdir()
    (folder / "uv").symlink_to(UV)
    return str(folder)


@pytest.fixture
def with_shim(tmp_path: Path) -> str:
    """A uv that does not run, as pyenv leaves one for each tool of another Python."""
    folder = tmp_path / "shims"
    folder.mkdir()
    (folder / "uv").write_text("#!/bin/sh\necho 'uv: command not found' >&2\nexit 127\n")
    (folder / "uv").chmod(0o755)
    return str(folder)


@pytest.fixture
def with_pip(tmp_path: Path) -> Path:
    """A Python with the pip of 3.11.0, which does not hold what an extra brings to the locked version."""
    folder = tmp_path / "pip"
    create(folder, ROOT / "tests/packaging/old-pip.lock")
    return folder / "bin" / "python"


LOCKED = {"app": "1.0", "helper": "1.0", "engine": "1.0"}


@pytest.mark.share
@pytest.mark.parametrize(
    ("target", "folder", "project"),
    [
        (".venv/.ready", ".venv", {"project": "1.0"}),
        (".cache/demo/.ready", ".cache/demo", {"project": "1.0"}),
        (".cache/bench-venv/.ready", ".cache/bench-venv", {}),
    ],
)
def test_uv_takes_no_release_newer_than_the_lock(
    checkout: Path, with_uv: str, target: str, folder: str, project: Mapping[str, str]
) -> None:
    result = set_up(checkout, target, with_uv)
    assert result.returncode == 0, result.stderr
    assert installed(checkout / folder) == {**LOCKED, **project}
    assert "by uv" in result.stdout
    assert not (checkout / ".cache/uv").exists()


@pytest.mark.share(pool="uv", one_in=4)
def test_without_a_uv_that_runs_one_is_fetched_as_its_lock_says(
    checkout: Path, with_shim: str
) -> None:
    wheel(checkout.parent / "index", "uv", "2.0", uv="#!/bin/sh\nexit 1\n")
    result = set_up(checkout, ".venv/.ready", with_shim)
    assert result.returncode == 0, result.stderr
    assert installed(checkout / ".venv") == {**LOCKED, "project": "1.0"}
    assert installed(checkout / ".cache/uv") == {"uv": "1.0"}
    assert "by uv" in result.stdout


@pytest.mark.share(pool="pip")
def test_pip_takes_no_release_newer_than_the_lock(
    checkout: Path, with_shim: str, with_pip: Path
) -> None:
    next((checkout.parent / "index").glob("uv-1.0*")).unlink()
    result = set_up(checkout, ".venv/.ready", with_shim, with_pip)
    assert result.returncode == 0, result.stderr
    assert installed(checkout / ".venv") == {**LOCKED, "project": "1.0"}
    assert "by pip" in result.stdout


OLDER_PIP = "import sys; sys.exit('no such option: --python' if '--python' in sys.argv else 0)"


@pytest.mark.share(pool="pip")
@pytest.mark.parametrize("its_pip", ["missing", "older than --python"])
def test_a_pip_that_cannot_be_used_is_replaced_by_one_beside_it(
    checkout: Path, with_shim: str, its_pip: str
) -> None:
    next((checkout.parent / "index").glob("uv-1.0*")).unlink()
    environment, beside = checkout.parent / "environment", checkout / ".cache/pip"
    bare = [sys.executable, "-m", "venv", "--without-pip"]
    subprocess.run([*bare, environment], check=True)
    if its_pip == "missing":
        subprocess.run([*bare, beside], check=True)  # as one that was interrupted leaves it
    else:
        (site,) = environment.glob("lib/python*/site-packages")
        (site / "pip").mkdir()
        (site / "pip/__main__.py").write_text(OLDER_PIP)
        (beside / "bin").mkdir(parents=True)
        (beside / "bin/python").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
        (beside / "bin/python").chmod(0o755)
    result = set_up(checkout, ".venv/.ready", with_shim, environment / "bin/python")
    assert result.returncode == 0, result.stderr
    assert installed(checkout / ".venv") == {**LOCKED, "project": "1.0"}
    assert "by pip" in result.stdout


@pytest.mark.parametrize("python", ["python3 -X dev", ""])
def test_a_python_with_options_is_refused_in_a_sentence(
    checkout: Path, with_uv: str, python: str
) -> None:
    result = set_up(checkout, ".venv/.ready", with_uv, python)
    assert result.returncode != 0
    assert f"PYTHON= names one command, without options and spaces, and not: {python}" in (
        result.stderr
    )
    assert not (checkout / ".venv").exists()


@pytest.mark.share(pool="uv", one_in=4)
def test_settings_of_the_machine_do_not_change_what_is_installed(
    checkout: Path, with_uv: str
) -> None:
    loose = checkout.parent / "loose.txt"
    loose.write_text("engine==2.0\n")
    names = ("UV_CONSTRAINT", "UV_OVERRIDE", "PIP_CONSTRAINT")
    more = {**dict.fromkeys(names, str(loose)), "UV_SYSTEM_PYTHON": "1", "PIP_USER": "1"}
    more |= {"UV_EXCLUDE_NEWER": "2001-01-01", "PYTHONPATH": str(checkout), "UV_TARGET": "/nowhere"}
    result = set_up(checkout, ".venv/.ready", with_uv, **more)
    assert result.returncode == 0, result.stderr
    assert "by pip" not in result.stdout
    assert installed(checkout / ".venv") == {**LOCKED, "project": "1.0"}


PIP_CONF = "[global]\nconstraint = {loose}\nuser = true\n[install]\ntarget = {outside}\n"
UV_TOML = {
    "read": '[pip]\ntarget = "{outside}"\npython-platform = "windows"\n',
    "not to be read": "[pip\n",
}


@pytest.mark.share
@pytest.mark.parametrize("uv_toml", UV_TOML)
@pytest.mark.parametrize("by", ["uv", "a fetched uv", "pip"])
def test_files_of_settings_do_not_change_what_is_installed_or_where(
    checkout: Path, with_uv: str, with_shim: str, uv_toml: str, by: str
) -> None:
    outside, loose = checkout.parent / "outside", checkout.parent / "loose.txt"
    loose.write_text("engine==2.0\n")
    for name, text in (("pip/pip.conf", PIP_CONF), ("uv/uv.toml", UV_TOML[uv_toml])):
        file = checkout.parent / "home/.config" / name
        file.parent.mkdir(parents=True)
        file.write_text(text.replace("{loose}", str(loose)).replace("{outside}", str(outside)))
    if by == "pip":
        next((checkout.parent / "index").glob("uv-1.0*")).unlink()
    path = with_uv if by == "uv" else with_shim
    result = set_up(checkout, ".venv/.ready", path, without=["PIP_CONFIG_FILE"])
    assert result.returncode == 0, result.stderr
    assert ("by pip" in result.stdout) == (by == "pip")
    assert installed(checkout / ".venv") == {**LOCKED, "project": "1.0"}
    assert not outside.exists()


@pytest.mark.share(pool="uv", one_in=4)
def test_files_of_settings_say_where_packages_come_from(
    checkout: Path, with_uv: str, with_shim: str
) -> None:
    index = str(checkout.parent / "index")
    uv_toml = checkout.parent / "home/.config/uv/uv.toml"
    uv_toml.parent.mkdir(parents=True)
    uv_toml.write_text(f'[pip]\nno-index = true\nfind-links = ["{index}"]\n')
    pip_conf = checkout.parent / "pip.conf"
    pip_conf.write_text(f"[global]\nno-index = true\nfind-links = {index}\n")
    none = dict.fromkeys(("PIP_NO_INDEX", "UV_NO_INDEX", "PIP_FIND_LINKS", "UV_FIND_LINKS"))
    for path in (with_uv, with_shim):
        shutil.rmtree(checkout / ".venv", ignore_errors=True)
        result = set_up(checkout, ".venv/.ready", path, PIP_CONFIG_FILE=str(pip_conf), without=none)
        assert result.returncode == 0, result.stderr
        assert "by uv" in result.stdout
        assert "by pip" not in result.stdout
        assert installed(checkout / ".venv") == {**LOCKED, "project": "1.0"}


@pytest.mark.share(pool="uv", one_in=4)
def test_what_is_on_pythons_path_of_the_shell_is_not_run(checkout: Path, with_uv: str) -> None:
    (checkout / "sitecustomize.py").write_text("raise SystemExit('taken from PYTHONPATH')")
    result = set_up(checkout, ".venv/.ready", with_uv, PYTHONPATH=str(checkout))
    assert result.returncode == 0, result.stderr
    show = "--eval=show: ; @echo path=$${PYTHONPATH-none}"
    environ = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(checkout)}
    command: list[str | Path] = ["make", "-C", checkout, show, "show"]
    shown = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
    assert "path=none\n" in shown.stdout


@pytest.mark.share(pool="uv", one_in=4)
def test_an_environment_that_was_interrupted_is_made_anew(checkout: Path, with_uv: str) -> None:
    stopping = checkout.parent / "stopping"
    stopping.mkdir()
    (stopping / "uv").write_text(f'#!/bin/sh\n[ "$1" = venv ] && kill -9 $PPID\nexec {UV} "$@"\n')
    (stopping / "uv").chmod(0o755)
    assert set_up(checkout, ".venv/.ready", str(stopping)).returncode != 0
    assert (checkout / ".venv").exists()
    assert set_up(checkout, ".venv/.ready", with_uv).returncode == 0
    assert installed(checkout / ".venv") == {**LOCKED, "project": "1.0"}


@pytest.mark.share(pool="uv", one_in=4)
def test_an_environment_of_another_place_or_python_is_made_anew(
    checkout: Path, with_uv: str
) -> None:
    assert set_up(checkout, ".venv/.ready", with_uv).returncode == 0
    moved = checkout.rename(checkout.with_name("moved"))
    assert "Setting up" in set_up(moved, ".venv/.ready", with_uv).stdout
    other = moved.parent / "python"
    other.symlink_to(sys.executable)
    assert "Setting up" in set_up(moved, ".venv/.ready", with_uv, python=other).stdout
    assert "Setting up" not in set_up(moved, ".venv/.ready", with_uv, python=other).stdout


@pytest.mark.share
@pytest.mark.parametrize("break_it", ["another file", "a line is missing"])
def test_a_lock_that_is_not_complete_or_not_right_sets_nothing_up(
    checkout: Path, with_uv: str, break_it: str
) -> None:
    lock = checkout / "requirements.lock"
    if break_it == "another file":
        wheel(checkout.parent / "index", "engine", "1.0", extra="changed since it was locked")
    else:
        lock.write_text(
            "".join(x for x in lock.read_text().splitlines(keepends=True) if "helper" not in x)
        )
    result = set_up(checkout, ".venv/.ready", with_uv)
    assert result.returncode != 0
    assert ("engine" if break_it == "another file" else "helper") in result.stderr + result.stdout
    assert not (checkout / ".venv/.ready").exists()


@pytest.mark.share(pool="uv", one_in=4)
def test_an_environment_whose_python_has_gone_is_made_anew(checkout: Path, with_uv: str) -> None:
    assert set_up(checkout, ".venv/.ready", with_uv).returncode == 0
    again = set_up(checkout, ".venv/.ready", with_uv)
    assert "Setting up" not in again.stdout
    for link in (checkout / ".venv/bin").glob("python*"):
        link.unlink()
    assert "Setting up" in set_up(checkout, ".venv/.ready", with_uv).stdout
    assert (checkout / ".venv/bin/python").exists()


def test_an_environment_of_somebody_else_is_left_alone(checkout: Path, with_uv: str) -> None:
    (checkout / ".venv").mkdir()
    (checkout / ".venv/mine").touch()
    result = set_up(checkout, ".venv/.ready", with_uv)
    assert result.returncode != 0
    assert ".venv was not made by this Makefile" in result.stderr
    assert (checkout / ".venv/mine").exists()


@pytest.mark.parametrize("locale", ["C", "POSIX", "C.UTF-8"])
def test_a_locale_in_which_python_cannot_read_every_path_is_left_out(locale: str) -> None:
    said = subprocess.run(
        ["make", "-s", "-C", ROOT, "--eval", "say: ; @echo [$${LC_ALL-}]", "say"],
        env={**os.environ, "LC_ALL": locale},
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.strip() == ("[C.UTF-8]" if locale == "C.UTF-8" else "[]")


def locked(name: str) -> dict[str, tuple[str, list[str]]]:
    """Each package of a lock, its version and hashes; a line of another form fails."""
    packages = {}
    for entry in re.split(r"\n(?=\S)", (ROOT / name).read_text().strip()):
        found = re.fullmatch(
            r"([a-z0-9-]+)==(\S+)(?: ; [^\n]+?)?((?: \\\n    --hash=sha256:[0-9a-f]{64})+)", entry
        )
        assert found, entry.splitlines()[0]
        packages[found[1]] = (found[2], found[3].split(" \\\n    --hash=")[1:])
    return packages


@pytest.mark.parametrize("lock", LOCKS + OTHERS)
def test_locks_hold_names_versions_and_hashes_alone(lock: str) -> None:
    packages = locked(lock)
    assert packages
    assert all(hashes for _, hashes in packages.values())


def asked_for(*groups: str) -> Iterator[Requirement]:
    """What pyproject.toml names itself in its dependencies, all extras but Spark's, and some groups."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    extras = project["project"]["optional-dependencies"]
    for listed in (
        project["project"]["dependencies"],
        *(named for extra, named in extras.items() if extra != "spark"),
        *(project["dependency-groups"][group] for group in groups),
    ):
        for line in listed:
            if not isinstance(line, dict) and not line.startswith("agentcalls["):
                yield Requirement(line)


def test_the_lock_lacks_nothing_that_its_packages_need() -> None:
    """By the metadata of what is installed, extras of extras included, which no package manager's check looks at."""
    packages = locked("requirements.lock")
    open_ends = list(asked_for("dev", "demo"))
    seen: set[tuple[str, str]] = set()
    while open_ends:
        requirement = open_ends.pop()
        name = canonicalize_name(requirement.name)
        assert name in packages
        for extra in {"", *requirement.extras} - {extra for known, extra in seen if known == name}:
            seen.add((name, extra))
            open_ends += [
                needed
                for needed in map(Requirement, requires(name) or [])
                if not needed.marker or needed.marker.evaluate({"extra": extra})
            ]
    assert any(extra for _, extra in seen)


def test_the_lock_lacks_nothing_that_pyproject_names() -> None:
    packages = locked("requirements.lock")
    for requirement in asked_for("dev", "demo"):
        number, _ = packages[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(number), requirement


def test_the_smaller_locks_have_the_versions_of_the_tests() -> None:
    tests = locked("requirements.lock")
    for lock in ("environments/demo.lock", "environments/uv.lock"):
        assert locked(lock).items() <= tests.items()
    spark = locked("environments/spark.lock")
    assert spark.keys() - tests.keys() == {"pyspark", "py4j"}
    assert {name: tests[name] for name in spark.keys() & tests.keys()}.items() <= spark.items()


def test_the_tests_run_with_what_the_lock_says() -> None:
    packages = locked("requirements.lock")
    assert {name: version(name) for name in ("pytest", "httpx", "uv")} == {
        name: packages[name][0] for name in ("pytest", "httpx", "uv")
    }
