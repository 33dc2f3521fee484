"""Environments that hold one extra alone: the lock's versions of what it requires, and nothing that the day decides."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from importlib.metadata import Distribution, PathDistribution, distribution
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name
from uv import find_uv_bin

from contract.tool.contract import ROOT

if TYPE_CHECKING:
    from collections.abc import Sequence

LOCK = ROOT / "requirements.lock"


class Installed:
    """An environment, with a folder to work in and no settings but those given."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.work = folder / "work"
        self.bin = folder / "env" / "bin"
        self.work.mkdir()
        self.environ = {"PATH": str(self.bin), "HOME": str(self.work), **settings}

    def run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """What became of a program of this environment."""
        return subprocess.run(
            [self.bin / program, *arguments],
            cwd=self.work,
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def prints(self, program: str, *arguments: str) -> str:
        """What a program prints that ends well and warns of nothing."""
        ended = self.run(program, *arguments)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    def python(self, code: str) -> str:
        """What a Python program prints, in which warnings are errors."""
        return self.prints("python", "-W", "error", "-c", code)


def build(folder: Path) -> Path:
    """The folder, with a wheel and an sdist of this tree in it."""
    hatchling = Path(sys.executable).parent / "hatchling"
    subprocess.run([hatchling, "build", "--directory", folder], cwd=ROOT, check=True)
    return folder


def install(
    folder: Path, wheel: Path, extra: str, beside: Sequence[str] = (), **settings: str
) -> Installed:
    """A new environment with the wheel and what it requires with this extra, or several; "" is for none.

    `beside` names packages that somebody would have there anyway, such as pytest.
    """
    installed = Installed(folder, **settings)
    environment, wanted = folder / "env", folder / "wanted.txt"
    names = set[NormalizedName]().union(
        *(required(metadata_of(wheel), one) for one in extra.split(","))
    )
    for name in beside:
        names |= {canonicalize_name(name)} | required(distribution(name), "")
    wanted.write_text("\n".join(locked(names)))
    create(environment, wanted)
    add: list[str | Path] = ["pip", "install", "--quiet", "--no-config", "--offline", "--no-deps"]
    alone = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    _run([find_uv_bin(), *add, "--python", environment, wheel], env=alone)
    _run(
        [find_uv_bin(), "pip", "check", "--quiet", "--no-config", "--python", environment],
        env=alone,
    )
    return installed


def create(environment: Path, lock: Path) -> None:
    """A new environment of what a lock names, as the Makefile makes them, whatever this machine's settings are."""
    path = f"{Path(find_uv_bin()).parent}{os.pathsep}{os.environ['PATH']}"
    command: list[str | Path] = [
        ROOT / "environments" / "create",
        sys.executable,
        environment,
        lock,
    ]
    _run(command, env={**os.environ, "PATH": path}, cwd=environment.parent)


def metadata_of(wheel: Path) -> Distribution:
    """The metadata in a wheel."""
    name, version, _ = wheel.name.split("-", 2)
    return PathDistribution(zipfile.Path(wheel, f"{name}-{version}.dist-info/"))


def required(root: Distribution, extra: str) -> set[NormalizedName]:
    """The names of all that a distribution requires with this extra, by the metadata of what the tests run with."""
    names: set[NormalizedName] = set()
    seen: set[tuple[str, str]] = set()
    waiting = [(root, extra)]
    while waiting:
        requiring, of_extra = waiting.pop()
        for requirement in map(Requirement, requiring.requires or ()):
            if requirement.marker and not requirement.marker.evaluate({"extra": of_extra}):
                continue
            names.add(name := canonicalize_name(requirement.name))
            new = {(name, with_extra) for with_extra in ("", *requirement.extras)} - seen
            seen |= new
            waiting += [(distribution(name), with_extra) for _, with_extra in new]
    return names


def locked(names: set[NormalizedName]) -> list[str]:
    """The entries of the lock for these names, hashes included."""
    entries = {
        canonicalize_name(entry.partition("==")[0]): entry
        for entry in re.split(r"\n(?=\S)", LOCK.read_text())
    }
    return [entries[name] for name in sorted(names)]


def _run(command: Sequence[str | Path], **options: Any) -> None:
    ended = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    assert ended.returncode == 0, ended.stderr
