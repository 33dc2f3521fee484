"""The browser that the tests look at the report with: `python tests/browser.py` says where it is, or fails."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

MISSING = "There is no Chromium on this machine"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


def chromium() -> str | None:
    """The path of a Chromium that starts: one on PATH, or the one that `playwright install` left."""
    for name in NAMES:
        path = shutil.which(name)
        if path and _starts(path):
            return path
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - slow, and mostly not needed

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() and _starts(path) else None


@contextmanager
def launched() -> Iterator[Browser]:
    """Yields the browser; where there is none, a test is skipped, and fails in CI."""
    import pytest  # noqa: PLC0415 - `make` asks for the path only
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - the same

    path = chromium()
    if path is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(MISSING)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path)
        yield browser
        browser.close()


def _starts(path: str) -> bool:
    """Whether it says its version; where Ubuntu has a snap in its place, it may only say what to install."""
    try:
        command = [path, "--version"]
        result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    except (OSError, subprocess.SubprocessError):
        return False
    return result.returncode == 0 and "Chrom" in result.stdout


if __name__ == "__main__":
    sys.exit(0 if chromium() else 1)
