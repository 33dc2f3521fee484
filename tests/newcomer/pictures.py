"""The pictures of the README and the outputs in docs/start.md, made by the commands of that page: `make pictures`.

Each picture says what it shows, and a test compares that with what the commands say now: the SVG is text, and the PNG
carries a digest of the page that it was taken of.
"""

from __future__ import annotations

import hashlib
import io
import re
import struct
import tempfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.text import Text

from browser import launched
from contract.tool.contract import ROOT
from newcomer.walking import rewritten, settings_of, walked

if TYPE_CHECKING:
    from collections.abc import Sequence

    from newcomer.typing_in import Answer

START = ROOT / "docs" / "start.md"
TERMINAL = ROOT / "docs" / "pictures" / "terminal.svg"
REPORT = ROOT / "docs" / "pictures" / "report.png"

SHOWN = ("agentcalls stats ", "agentcalls list ", "agentcalls check ", "agentcalls export ")
"""How the commands of docs/start.md begin that are in the picture of the terminal."""
COLUMNS = 80
WIDE, HIGH = 1200, 1270
"""The part of the report that is in its picture, in pixels."""

_MADE = re.compile(r"Made at [\d :-]+\.")
# Rich's own asks another host for its font; the reader's has every sign that a table needs.
_SVG = re.sub(r"@font-face \{\{.*?\}\}", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)


def terminal_picture(answers: Sequence[Answer]) -> str:
    """An SVG of a terminal with the commands that are shown and what they printed, which loads nothing."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    for answer in answers:
        if answer.command.startswith(SHOWN):
            console.print(Text.assemble(("$ ", "bold green"), answer.command))
            console.print(Text.from_ansi(answer.text))
            console.print()
    return console.export_svg(title="agentcalls", code_format=_SVG, unique_id="terminal")


def shown_by(page: str) -> str:
    """A digest of what a report shows, but for the moment it was made at and the library that draws its charts."""
    page = _MADE.sub("", page)
    page = re.sub(r"<meta http-equiv[^>]*>", "", page)  # it has the digest of the library
    document, *scripts = page.split("<script>")
    return hashlib.sha256(f"{document}{scripts[-1]}".encode()).hexdigest()


def photograph(page: Path) -> bytes:
    """A PNG of a report's top in a desktop's window; it carries `shown_by` of the page."""
    text = page.read_text(encoding="utf-8")
    page.write_text(_MADE.sub("Made at 2026-11-23 12:00:00.", text), encoding="utf-8")
    with launched() as browser:
        tab = browser.new_page(viewport={"width": WIDE, "height": HIGH}, color_scheme="light")
        tab.goto(page.as_uri())
        # Each chart moves those below it once it is drawn.
        tab.wait_for_function(
            "[...document.querySelectorAll('.chart')].every(one => one.querySelector('svg'))"
        )
        png = tab.screenshot()
    note = b"tEXt" + b"Source\0" + shown_by(text).encode()
    chunk = struct.pack(">I", len(note) - 4) + note + struct.pack(">I", zlib.crc32(note))
    return png[:-12] + chunk + png[-12:]  # the last twelve bytes are a PNG's end


def carried_by(png: bytes) -> str:
    """What `photograph` wrote into a picture, or nothing."""
    found = re.search(rb"tEXtSource\0([0-9a-f]{64})", png)
    return found[1].decode() if found else ""


def main() -> None:
    """Write the outputs and the pictures."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        page = START.read_text(encoding="utf-8")
        answers = walked(page, home, settings_of(home), COLUMNS)
        START.write_text(rewritten(page, answers), encoding="utf-8")
        TERMINAL.parent.mkdir(exist_ok=True)
        TERMINAL.write_text(terminal_picture(answers), encoding="utf-8")
        report = home / "report.html"
        # Two photographs of one page differ by a shade; delete the old one to have it taken anew all the same.
        old = REPORT.read_bytes() if REPORT.exists() else b""
        if carried_by(old) != shown_by(report.read_text(encoding="utf-8")):
            REPORT.write_bytes(photograph(report))


if __name__ == "__main__":
    main()
