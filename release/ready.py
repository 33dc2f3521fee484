"""What a release lacks that only its makers can say: addresses, people, a section of the changelog."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

ADDRESSES = ("Homepage", "Source", "Issues", "Changelog")
"""The labels of [project.urls] that package indexes know, and readers look for."""
PLACEHOLDER = "TO BE FILLED IN BY THE OWNER"
"""Stands where an address belongs that nobody has given yet."""
_WITH_ADDRESSES = ("SECURITY.md", "CODE_OF_CONDUCT.md")


def version_of(root: Path) -> str:
    """The version that a checkout would be released as."""
    written = (root / "wrappers/agentcalls/_version.py").read_text(encoding="utf-8")
    (version,) = re.findall(r'^__version__ = "(.+)"$', written, re.MULTILINE)
    return str(version)


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


def unfilled(name: str, text: str) -> list[str]:
    """The placeholders of a document, a sentence for each, which says what belongs there."""
    return [
        f"{name}, line {number}: the owner must fill in {line.partition(PLACEHOLDER)[2].strip(' :.()')}."
        for number, line in enumerate(text.splitlines(), 1)
        if PLACEHOLDER in line
    ]


def faults(root: Path) -> list[str]:
    """What a checkout lacks, to be released as it is."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    changelog = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    found = lacking(project, version_of(root), changelog)
    for name in _WITH_ADDRESSES:
        path = root / name
        if path.is_file():
            found += unfilled(name, path.read_text(encoding="utf-8"))
        else:
            found.append(f"There is no {name}.")
    return found
