"""docs/changing-the-contract.md, carried out: each change is made in a copy of the repository, by a patch beside it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from ruamel.yaml import YAML

from contract.tool.contract import ROOT
from contract.tool.defects import lint
from contract.tool.edits import edited
from contract.tool.generating import generate, make, tools_that_give
from contract.tool.redocly import REDOCLY
from drawn import drawn

if TYPE_CHECKING:
    from collections.abc import Callable

REHEARSAL = Path(__file__).parent / "rehearsal"
NEEDED = (
    "Makefile",
    "openapi.yaml",
    "generator-config.yaml",
    "generator-templates",
    "pyproject.toml",
    "generated",
    "wrappers",
)

# The handwritten lines that each change needs, those of docstrings included; the page says the same.
LINES = {"field": 0, "kinds": 0, "parameter": 0, "operation": 15}
# One of them, since each copy is generated, checked and run anew; all at night.
CHANGES = [change for (change,) in drawn(last=list(LINES))]
# Ours stay open: `make lint` refuses a closed set, and the vendor may send one.
NOT_LINTED = {change: ["redocly (rule/open-enum)"] for change in ("kinds", "parameter")}


def handwritten(change: str) -> int:
    """The lines that a patch adds outside of the contract; empty ones are none."""
    patch = (REHEARSAL / f"{change}.patch").read_text()
    _, *files = re.split(r"^diff --git ", patch, flags=re.MULTILINE)
    added = [file for file in files if not file.startswith("a/openapi.yaml")]
    return sum(len(re.findall(r"^\+(?!\+\+ ).*\S", file, re.MULTILINE)) for file in added)


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Copies of the repository in which a change of the contract is made, and the code generated anew."""
    copies: dict[str, Path] = {}

    def copy(change: str) -> Path:
        if change not in copies:
            folder = copies[change] = tmp_path_factory.mktemp(change)
            for name in NEEDED:
                if (ROOT / name).is_dir():
                    ignored = shutil.ignore_patterns("__pycache__")
                    shutil.copytree(ROOT / name, folder / name, ignore=ignored)
                else:
                    shutil.copy2(ROOT / name, folder / name)
            shutil.copy2(REHEARSAL / f"{change}.py", folder / f"{change}.py")
            patch = REHEARSAL / f"{change}.patch"
            # In a repository around it, git would look for the files at that one's top.
            alone = {**os.environ, "GIT_CEILING_DIRECTORIES": str(folder.parent)}
            subprocess.run(["git", "apply", "-C1", patch], cwd=folder, env=alone, check=True)
            new = tmp_path_factory.mktemp("new")
            tools = tools_that_give(generate(folder, new), new / "bin")
            generated = make("generate", folder, tools=tools)
            assert generated.returncode == 0, generated.stdout
        return copies[change]

    return copy


@pytest.fixture(scope="module")
def linted(changed: Callable[[str], Path]) -> dict[str, list[str]]:
    """The tools that each changed contract fails."""
    read = YAML(typ="safe").load
    return lint({change: edited({}, read(changed(change) / "openapi.yaml")) for change in CHANGES})


def run(folder: Path, *command: str) -> None:
    paths = os.pathsep.join(str(folder / root) for root in ("wrappers", "generated"))
    ran = subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.parametrize("change", CHANGES)
def test_change_works_in_both_flavours(changed: Callable[[str], Path], change: str) -> None:
    run(changed(change), f"{change}.py")


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What mypy knows of all that a change leaves as it is, where `make types` has run."""
    folder, known = tmp_path_factory.mktemp("mypy"), ROOT / ".mypy_cache"
    if known.exists():
        shutil.copytree(known, folder, dirs_exist_ok=True)
    return folder


@pytest.mark.parametrize("change", CHANGES)
def test_changed_client_passes_ruff_and_mypy_strict_with_what_uses_the_change(
    changed: Callable[[str], Path], change: str, cache: Path
) -> None:
    folder = changed(change)
    run(folder, *["-m", "ruff", "check", "--no-cache", "wrappers"])
    run(folder, *f"-m mypy --cache-dir={cache} wrappers generated {change}.py".split())


@pytest.mark.parametrize("change", LINES)
def test_change_is_of_the_lines_that_the_page_says(change: str) -> None:
    assert handwritten(change) == LINES[change]
    page = (ROOT / "docs" / "changing-the-contract.md").read_text()
    assert re.search(rf"^\| {change}\b.*\| {LINES[change]} \|$", page, re.MULTILINE)


@pytest.mark.skipif(
    not REDOCLY.exists(),
    reason="node is not on this machine: make test sets up node_modules where it is",
)
@pytest.mark.parametrize("change", CHANGES)
def test_changed_contract_passes_lint(linted: dict[str, list[str]], change: str) -> None:
    assert linted[change] == NOT_LINTED.get(change, [])
