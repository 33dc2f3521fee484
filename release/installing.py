"""The wheel as people install it: on each Python of this machine, with what it brings."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

JOBS = Path(__file__).resolve().parent / "consumer" / "jobs.py"
VERSIONS = ("3.11", "3.12", "3.13", "3.14")
_COPYLEFT = re.compile(r"\b(A?GPL|General Public License|SSPL|EUPL|CC-BY-NC)", re.IGNORECASE)
_TOOLS = Path(sys.executable).parent


def pythons() -> dict[str, str]:
    """The Pythons of this machine that may be supported, by version."""
    found: dict[str, str] = {}
    for version in VERSIONS:
        homes = Path.home().glob(f".pyenv/versions/{version}.*/bin/python")
        for python in (shutil.which(f"python{version}"), *map(str, homes)):
            # A shim of pyenv may not start.
            if (
                python
                and not subprocess.run(
                    [python, "-c", ""], capture_output=True, check=False
                ).returncode
            ):
                found.setdefault(version, python)
    return found


def constraints(lock: str) -> str:
    """The versions of a lock, without their hashes: the wheel is a file of ours, and has none."""
    return "\n".join(re.findall(r"^[\w.-]+==[^\\\n]+", lock, re.MULTILINE))


def install(root: Path, wheel: Path, extra: str, python: str, folder: Path) -> str | None:
    """A new environment of the wheel with an extra, in the lock's versions; returns what went wrong."""
    uv = _TOOLS / "uv"
    limits = folder.with_suffix(".txt")
    limits.write_text(constraints((root / "requirements.lock").read_text(encoding="utf-8")))
    wanted = f"agentcalls[{extra}] @ {wheel.resolve().as_uri()}"
    commands: list[list[str | Path]] = [
        [uv, "venv", "--quiet", "--python", python, folder],
        [uv, "pip", "install", "--quiet", "--python", folder, "--constraint", limits, wanted],
        [
            folder / "bin/python",
            "-W",
            "error",
            "-c",
            "import agentcalls; agentcalls.Client, agentcalls.AsyncClient",
        ],
        [folder / "bin/agentcalls", "--help"],
    ]
    return _first_fault(commands)


def install_oldest(root: Path, wheel: Path, folder: Path) -> str | None:
    """All extras in the oldest versions that pyproject.toml allows, each of which does its first job."""
    uv = _TOOLS / "uv"
    oldest, work = folder.with_suffix(".txt"), folder / "work"
    work.mkdir(parents=True)
    resolve: list[str | Path] = [uv, "pip", "compile", "--quiet", "--extra", "all"]
    resolve += ["--resolution", "lowest-direct", "--python", sys.executable]
    commands: list[list[str | Path]] = [
        [*resolve, root / "pyproject.toml", "--output-file", oldest],
        [uv, "venv", "--quiet", "--allow-existing", "--python", sys.executable, folder],
        [uv, "pip", "install", "--quiet", "--python", folder, "--requirement", oldest, wheel],
        [folder.resolve() / "bin/python", JOBS],
    ]
    return _first_fault(commands[:-1]) or _first_fault(commands[-1:], cwd=work)


def _first_fault(commands: list[list[str | Path]], cwd: Path | None = None) -> str | None:
    for command in commands:
        ended = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            cwd=cwd,
            env=os.environ | {"UV_PYTHON_DOWNLOADS": "never"},
        )
        if ended.returncode:
            return f"{Path(command[0]).name} {command[1]}: {ended.stderr.strip()}"
    return None


def bill_of_materials(installed: Path, target: Path) -> dict[str, Any]:
    """The SBOM of an environment, as CycloneDX, which is also written."""
    command: list[str | Path] = [_TOOLS / "cyclonedx-py", "environment", installed / "bin/python"]
    command += ["--output-reproducible", "-o", target]
    subprocess.run(command, check=True, capture_output=True)
    bill: dict[str, Any] = json.loads(target.read_text(encoding="utf-8"))
    return bill


def licences(bill: dict[str, Any]) -> dict[str, str]:
    """The licence of each package of an SBOM; "" where it names none."""
    found: dict[str, str] = {}
    for component in bill["components"]:
        names = [
            one.get("expression") or one["license"].get("id") or one["license"].get("name") or ""
            for one in component.get("licenses", [])
        ]
        found[component["name"]] = ", ".join(filter(None, names))
    return found


def unlicensed(found: dict[str, str]) -> list[str]:
    """A sentence for each package without a licence, or with one that asks the same of who uses it."""
    return [
        f"{name} has {f'the licence {licence}' if licence else 'no licence'}."
        for name, licence in found.items()
        if not licence or _COPYLEFT.search(licence)
    ]


def vulnerable(report: dict[str, Any]) -> tuple[list[str], str]:
    """The known vulnerabilities of pip-audit's report, a sentence for each, and how many packages were asked about."""
    packages = report["dependencies"]
    asked = [package for package in packages if "vulns" in package]
    found = [
        f"{package['name']} {package['version']} has {flaw['id']}; mended in: {flaw['fix_versions']}."
        for package in asked
        for flaw in package["vulns"]
    ]
    return found, f"a registry knows {len(asked)} of {len(packages)} packages"


def audit(installed: Path) -> tuple[list[str], str]:
    """The same of an environment; nothing where no registry answers, which the second value says."""
    (site,) = installed.glob("lib/python*/site-packages")
    command: list[str | Path] = [_TOOLS / "pip-audit", "--path", site, "-f", "json"]
    command += ["--progress-spinner", "off", "--timeout", "20"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        return vulnerable(json.loads(ended.stdout))
    except json.JSONDecodeError:
        return [], "no registry answers"
