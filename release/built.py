"""The wheel and the sdist: the files that they hold, and whether they come out the same."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

IN_WHEEL = (
    "agentcalls/*.py",
    "agentcalls/cli/commands/report/page.css",
    "agentcalls/cli/commands/report/page.html",
    "agentcalls/cli/commands/report/page.js",
    "agentcalls/py.typed",
    "agentcalls_api/*.py",
    "agentcalls_api/py.typed",
    "agentcalls_mock/*.py",
    "agentcalls_mock/py.typed",
    "pyspark_agentcalls/*.py",
    "pyspark_agentcalls/py.typed",
    "agentcalls-*.dist-info/METADATA",
    "agentcalls-*.dist-info/RECORD",
    "agentcalls-*.dist-info/WHEEL",
    "agentcalls-*.dist-info/entry_points.txt",
    "agentcalls-*.dist-info/licenses/LICENSE",
)
"""The files that a wheel may hold; `*` stands for folders, too."""
_ROOTS = {
    "agentcalls": "wrappers",
    "agentcalls_api": "generated",
    "agentcalls_mock": "mock",
    "pyspark_agentcalls": "wrappers",
}
IN_SDIST = (
    *(f"{_ROOTS[name.split('/')[0]]}/{name}" for name in IN_WHEEL if "dist-info" not in name),
    ".gitignore",
    "CHANGELOG.md",
    "mock/Dockerfile*",
    "LICENSE",
    "PKG-INFO",
    "README.md",
    "openapi.yaml",
    "pyproject.toml",
)
"""The same of an sdist."""


def strays(names: list[str], listed: tuple[str, ...]) -> list[str]:
    """A sentence for each file that is not listed, and for each that is listed and not there."""
    found = [
        f"{name} is not listed."
        for name in names
        if not any(fnmatchcase(name, one) for one in listed)
    ]
    return found + [
        f"{one} is missing." for one in listed if not any(fnmatchcase(name, one) for name in names)
    ]


def untracked(root: Path, names: list[str]) -> list[str]:
    """A sentence for each file of a wheel that is not in the repository; none where that cannot be asked."""
    command = ["git", "-C", str(root), "ls-files", *_ROOTS.values()]
    listed = subprocess.run(command, capture_output=True, text=True, check=False).stdout.split("\n")
    tracked = {name.partition("/")[2] for name in listed}
    if tracked == {""}:
        return []
    return [
        f"{name} is not in the repository."
        for name in names
        if "dist-info" not in name and name not in tracked
    ]


def build(root: Path, folder: Path) -> tuple[Path, Path]:
    """The wheel and the sdist of a folder."""
    hatchling = Path(sys.executable).parent / "hatchling"
    command: list[str | Path] = [hatchling, "build", "--directory", folder.resolve()]
    subprocess.run(command, cwd=root, check=True, capture_output=True)
    return next(folder.glob("*.whl")), next(folder.glob("*.tar.gz"))


def unpacked(sdist: Path, folder: Path) -> Path:
    """The folder of what an sdist holds."""
    with tarfile.open(sdist) as archive:
        # Python 3.11 has filters from 3.11.4 on; this file is our own.
        archive.extraction_filter = getattr(tarfile, "data_filter", None)
        archive.extractall(folder)  # noqa: S202 (as said)
    return next(folder.iterdir())


def faults(root: Path, folder: Path) -> list[str]:
    """What is wrong with the wheel and the sdist of a checkout; `folder` is an empty one."""
    wheel, sdist = build(root, folder / "one")
    with zipfile.ZipFile(wheel) as archive:
        in_wheel = archive.namelist()
    with tarfile.open(sdist) as archive:
        in_sdist = [
            str(PurePosixPath(*PurePosixPath(one.name).parts[1:]))
            for one in archive
            if one.isfile()
        ]
    found = [f"{wheel.name}: {one}" for one in strays(in_wheel, IN_WHEEL)]
    found += [f"{wheel.name}: {one}" for one in untracked(root, in_wheel)]
    found += [f"{sdist.name}: {one}" for one in strays(in_sdist, IN_SDIST)]
    again = build(root, folder / "two")
    found += [
        f"{one.name} has other bytes when it is built again."
        for one, other in zip((wheel, sdist), again, strict=True)
        if one.read_bytes() != other.read_bytes()
    ]
    from_sdist, _ = build(unpacked(sdist, folder / "sdist"), folder / "three")
    if from_sdist.read_bytes() != wheel.read_bytes():
        found.append(f"{sdist.name} builds another wheel than the repository does.")
    return found
