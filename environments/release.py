"""Says what a release lacks that only its makers can say, and fails where it lacks anything: `make check-release`."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path
from typing import Any

ADDRESSES = ("Homepage", "Source", "Issues", "Changelog")
"""The labels of [project.urls] that package indexes know, and readers look for."""


def lacking(project: dict[str, Any], version: str, changelog: str) -> list[str]:
    """What is missing, a sentence for each; nothing where a release may be made."""
    urls = {label.lower() for label in project.get("urls", {})}
    people = [*project.get("authors", []), *project.get("maintainers", [])]
    missing = [
        f"pyproject.toml has no address {label} in [project.urls]."
        for label in ADDRESSES
        if label.lower() not in urls
    ]
    if not any("email" in person for person in people):
        missing.append("pyproject.toml names no author or maintainer with an email address.")
    if not re.search(
        rf"^## \[?{re.escape(version)}\]?\s.*\d{{4}}-\d\d-\d\d", changelog, re.MULTILINE
    ):
        missing.append(f"CHANGELOG.md has no section of {version} with its date.")
    return missing


def main(root: Path) -> int:
    """Print what a checkout lacks, to be released as it is."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    written = (root / "wrappers/agentcalls/_version.py").read_text(encoding="utf-8")
    (version,) = re.findall(r'^__version__ = "(.+)"$', written, re.MULTILINE)
    missing = lacking(project, version, (root / "CHANGELOG.md").read_text(encoding="utf-8"))
    print("\n".join(missing) or f"Nothing is missing from {version}.")
    return int(bool(missing))


if __name__ == "__main__":
    sys.exit(main(Path(__file__).parents[1]))
