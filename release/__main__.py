"""`python -m release PART...`: the checks of a release, part by part.

`files` is true of any commit, and needs neither a network nor other tools than the tests do: it is part of CI. `types`
needs the environment of releases, and what `files` builds; so does `installed`, and a network. `ready` is what only the
makers of a release can say.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from release import api, built, installing, ready, typed

if TYPE_CHECKING:
    from collections.abc import Iterator

WORK = Path("build/release")
Faults = list[str]


def files(root: Path) -> Iterator[tuple[str, Faults]]:
    """What is built, and the API: each check's name, and what it found."""
    yield "the wheel and the sdist", built.faults(root, WORK / "built")
    yield "the public API", api.faults(root)


def types(root: Path) -> Iterator[tuple[str, Faults]]:
    """What type checkers make of the wheel."""
    wheel = next((WORK / "built/one").glob("*.whl"))
    installed = typed.environment(wheel, (WORK / "typed").resolve())
    yield "the types", typed.faults(root, installed)


def installed(root: Path) -> Iterator[tuple[str, Faults]]:
    """What is installed, on each Python of this machine."""
    wheel = next((WORK / "built/one").glob("*.whl"))
    whole = WORK.resolve() / "whole"
    for version, python in installing.pythons().items():
        fault = installing.install(root, wheel, "cli", python, WORK.resolve() / f"py{version}")
        yield f"an installation on Python {version}", [fault] if fault else []
    fault = installing.install_oldest(root, wheel, WORK.resolve() / "oldest")
    yield "all extras in their oldest versions", [fault] if fault else []
    fault = installing.install(root, wheel, "all", sys.executable, whole)
    yield "an installation with all extras", [fault] if fault else []
    if not fault:
        bill = installing.bill_of_materials(whole, WORK / "sbom.json")
        found = installing.licences(bill)
        lines = [f"{name}: {licence}" for name, licence in sorted(found.items())]
        (WORK / "licences.txt").write_text("\n".join([*lines, ""]), encoding="utf-8")
        yield f"licences ({WORK}/licences.txt, sbom.json)", installing.unlicensed(found)
        flaws, asked = installing.audit(whole)
        yield f"known vulnerabilities ({asked})", flaws


def makers(root: Path) -> Iterator[tuple[str, Faults]]:
    """What its makers must say."""
    yield "what its makers must say", ready.faults(root)


PARTS = {"files": files, "types": types, "installed": installed, "ready": makers}


def main(parts: list[str]) -> int:
    """Print what each check of these parts found; 1 if one found something."""
    root = Path.cwd()
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(parents=True)
    bad = 0
    for part in parts:
        for name, faults in PARTS[part](root):
            bad += bool(faults)
            print(f"{'failed' if faults else 'ok':8}{name}", flush=True)
            for fault in faults:
                print(f"        {fault}", flush=True)
    return int(bool(bad))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
