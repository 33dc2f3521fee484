"""`python -m website`: build the site into build/site/; end with 1 where anything in it is broken."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

from website import checking, navigation, readable, reference, staging

BUILD = Path("build")
SITE = BUILD / "site"
PAGES = BUILD / "pages"
CACHE = BUILD / ".cache"
QUIET = re.compile(r"Build started|No issues found|Build finished in .*")


def main() -> int:
    """Stage the pages, let Zensical build them, and check what it built."""
    root = Path.cwd()
    config = tomllib.loads((root / "website/zensical.toml").read_text(encoding="utf-8"))["project"]
    listed = list(navigation.entries(config["nav"]))
    shutil.rmtree(SITE, ignore_errors=True)
    staged(root)
    texts = {
        str(file.relative_to(PAGES)): file.read_text(encoding="utf-8")
        for file in PAGES.rglob("*.md")
    }
    pages = {page for page in texts if not page.startswith("source/")} | checking.WHOLE
    found = [*navigation.faults(listed, pages), *reference.faults(root)] or built(root)
    if not found:
        published(navigation.llms(config["site_name"], config["site_description"], listed, texts))
        found = [*checking.faults(SITE, reference.exported(root))]
    for line in found:
        print(line, file=sys.stderr)
    if not found:
        print(f"{SITE}/index.html is the documentation")
    return int(bool(found))


def staged(root: Path) -> None:
    """Write what Zensical reads."""
    shutil.rmtree(PAGES, ignore_errors=True)
    staging.stage(root, PAGES)
    for page, text in reference.pages(root):
        (PAGES / page).parent.mkdir(exist_ok=True)
        (PAGES / page).write_text(text, encoding="utf-8")
    shutil.copy(BUILD / "contract.html", PAGES)
    shutil.copy(root / "website/site.css", PAGES)
    shutil.copy(root / "website/zensical.toml", BUILD)


def built(root: Path) -> list[str]:
    """Build the site, and give each line that Zensical says beyond that it is done: any warning is a fault.

    Pages that it keeps are those of a build without a fault, from the same sources: each warning comes again.
    """
    kept, sources = CACHE / "sources", fingerprint(root)
    if not kept.exists() or kept.read_text(encoding="utf-8") != sources:
        shutil.rmtree(CACHE, ignore_errors=True)
    # It imports website.names.
    environ = {**os.environ, "PYTHONPATH": str(root)}
    command = [sys.executable, "-m", "zensical", "build", "--strict"]
    ended = subprocess.run(
        command, cwd=BUILD, env=environ, capture_output=True, text=True, check=False
    )
    said, _, trace = re.sub(r"\x1b\[[\d;]*m", "", ended.stdout + ended.stderr).partition(
        "Traceback"
    )
    found = [
        line for line in said.splitlines() if line.strip() and not QUIET.fullmatch(line.strip())
    ]
    found += re.findall(r"^\w+Error: .*", trace, re.MULTILINE)
    if found or ended.returncode:
        shutil.rmtree(CACHE, ignore_errors=True)
        return found or ["Zensical failed"]
    kept.write_text(sources, encoding="utf-8")
    return []


def fingerprint(root: Path) -> str:
    """What the reference and the look are made of; Zensical sees only whether a page has changed."""
    files = [root / "environments/docs.lock", *sorted((root / "website").glob("*.*"))]
    files += [
        file
        for folder in ("wrappers", "generated", "mock")
        for file in sorted((root / folder).rglob("*.py"))
    ]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def published(llms: str) -> None:
    """Put llms.txt beside the pages, and the Markdown of each page; make its tables readable."""
    for file in SITE.rglob("*.html"):
        if file.name not in checking.WHOLE:
            file.write_text(
                readable.made_readable(file.read_text(encoding="utf-8")), encoding="utf-8"
            )
    for file in PAGES.rglob("*.md"):
        shutil.copy(file, SITE / file.relative_to(PAGES))
    (SITE / "llms.txt").write_text(llms, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
