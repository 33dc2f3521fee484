"""`python -m website`: build the site into build/site/; end with 1 where anything in it is broken."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

from website import checking, navigation, reference, staging, tables

BUILD = Path("build")
SITE = BUILD / "site"
PAGES = BUILD / "pages"
QUIET = re.compile(r"Build started|No issues found|Build finished in .*")


def main() -> int:
    """Stage the pages, let Zensical build them, and check what it built."""
    root = Path.cwd()
    config = tomllib.loads((root / "website/zensical.toml").read_text(encoding="utf-8"))["project"]
    listed = list(navigation.entries(config["nav"]))
    staged(root)
    texts = {
        str(file.relative_to(PAGES)): file.read_text(encoding="utf-8")
        for file in PAGES.rglob("*.md")
    }
    pages = {page for page in texts if not page.startswith("source/")} | checking.WHOLE
    found = [*navigation.faults(listed, pages), *built()]
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


def built() -> list[str]:
    """Build the site, and give each line that Zensical says beyond that it is done: any warning is a fault."""
    shutil.rmtree(SITE, ignore_errors=True)
    command = [sys.executable, "-m", "zensical", "build", "--clean", "--strict"]
    # It imports website.names.
    environ = {**os.environ, "PYTHONPATH": str(Path.cwd())}
    ended = subprocess.run(command, cwd=BUILD, env=environ, capture_output=True, text=True, check=False)
    said = re.sub(r"\x1b\[[\d;]*m", "", ended.stdout + ended.stderr).splitlines()
    lines = [line for line in said if line.strip() and not QUIET.fullmatch(line.strip())]
    return lines or ["Zensical failed"] * bool(ended.returncode)


def published(llms: str) -> None:
    """Put llms.txt beside the pages, and the Markdown of each page; let long names in tables break."""
    for file in SITE.rglob("*.html"):
        if file.name not in checking.WHOLE:
            file.write_text(tables.breakable(file.read_text(encoding="utf-8")), encoding="utf-8")
    for file in PAGES.rglob("*.md"):
        shutil.copy(file, SITE / file.relative_to(PAGES))
    (SITE / "llms.txt").write_text(llms, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
