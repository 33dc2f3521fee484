"""What a type checker makes of the wheel: each public symbol has a type, and a program of a user's passes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path
from typing import Any

CONSUMER = Path(__file__).parent / "consumer" / "program.py"


def environment(wheel: Path, folder: Path) -> Path:
    """A new environment of the wheel, over the packages of this one; nothing is downloaded."""
    dependencies = sysconfig.get_path("purelib")
    venv.create(folder, with_pip=False, symlinks=True)
    (site,) = folder.glob("lib/python*/site-packages")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    (site / "dependencies.pth").write_text(f"{dependencies}\n", encoding="utf-8")
    return folder


def incomplete(report: dict[str, Any]) -> list[str]:
    """The exported symbols whose type is not known, from the report of `pyright --verifytypes`."""
    completeness = report["typeCompleteness"]
    found = [
        f"{symbol['name']}: {symbol['diagnostics'][0]['message'].splitlines()[0]}"
        for symbol in completeness["symbols"]
        if symbol["isExported"] and not symbol["isTypeKnown"] and symbol["diagnostics"]
    ]
    if not found and completeness["completenessScore"] != 1:
        found.append(f"pyright knows {completeness['completenessScore']:.1%} of the types.")
    return found


def faults(root: Path, installed: Path, program: Path = CONSUMER) -> list[str]:
    """What is not typed in an environment, and what type checkers find in a program there."""
    # pyright takes the environment that PATH has: `--pythonpath` is not heard where types are verified.
    environ = os.environ | {"PATH": f"{installed / 'bin'}{os.pathsep}{os.environ['PATH']}"}
    pyright = root / "node_modules/.bin/pyright"
    verify: list[str | Path] = [
        pyright,
        "--verifytypes",
        "agentcalls",
        "--ignoreexternal",
        "--outputjson",
    ]
    ended = subprocess.run(
        verify, cwd=installed, env=environ, capture_output=True, text=True, check=False
    )
    found = incomplete(json.loads(ended.stdout))
    here = installed / program.name
    here.write_text(program.read_text(encoding="utf-8"), encoding="utf-8")
    python = installed / "bin/python"
    tools = Path(sys.executable).parent
    checkers: list[list[str | Path]] = [
        [pyright, "--pythonpath", python, here],
        [
            tools / "mypy",
            "--strict",
            "--python-executable",
            python,
            "--cache-dir",
            os.devnull,
            here,
        ],
        [tools / "ty", "check", "--python", installed, "--output-format", "concise", here],
    ]
    for command in checkers:
        ended = subprocess.run(command, cwd=installed, capture_output=True, text=True, check=False)
        if ended.returncode:
            found.append(
                f"{Path(command[0]).name}, of a user's program:\n{ended.stdout}{ended.stderr}"
            )
    return found
