"""The pages of the site, from what a forge shows: docs/, the documents beside it, and the files that they link to."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HOMES = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "ARCHITECTURE.md": "architecture.md",
    "SECURITY.md": "security.md",
    "CODE_OF_CONDUCT.md": "code-of-conduct.md",
    "benchmarks/README.md": "benchmarks.md",
    "openapi.yaml": "contract.html",
}
"""Where files of the repository are on the site that are not in docs/."""

PICTURES = {".svg", ".png", ".webp", ".gif", ".jpg"}
LANGUAGES = {".py": "python", ".yaml": "yaml", ".toml": "toml", ".json": "json", ".sh": "sh"}

_CODE = re.compile(r"^( *)(`{3,})[^\n]*\n.*?^\1\2|`[^`\n]+`", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r'(?P<before>\]\(|\b(?:src|srcset|href)=")(?P<target>[^)"\s]+)')


def stage(root: Path, folder: Path) -> None:
    """Write the pages into a folder: each document, and each file that one links to."""
    waiting = [path for path in HOMES if path.endswith(".md")]
    waiting += [
        str(file.relative_to(root)) for file in (root / "docs").rglob("*") if file.is_file()
    ]
    done: set[str] = set()
    while waiting:
        path = waiting.pop()
        if path in done:
            continue
        done.add(path)
        target = folder / home_of(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        if Path(path).suffix in PICTURES:
            target.write_bytes((root / path).read_bytes())
            continue
        text = (root / path).read_text(encoding="utf-8")
        if path.endswith(".md"):
            linked = [one for one in links(text, path) if (root / one).is_file()]
            waiting += [one for one in linked if home_of(one) != HOMES["openapi.yaml"]]
            text = led(text, path, lambda one: (root / one).is_file())
        else:
            text = source_page(path, text)
        target.write_text(text, encoding="utf-8")


def home_of(path: str) -> str:
    """Where a file of the repository is on the site."""
    if path in HOMES:
        return HOMES[path]
    if path.startswith("docs/"):
        return path.removeprefix("docs/")
    return f"files/{path}" if Path(path).suffix in PICTURES else f"source/{path}.md"


def links(text: str, path: str) -> Iterator[str]:
    """The files of the repository that the document at `path` links to."""
    for prose in _CODE.split(text):
        for link in _LINK.finditer(prose or ""):
            if inside := _inside(link["target"], path):
                yield inside[0]


def led(text: str, path: str, exists: Callable[[str], bool]) -> str:
    """The document at `path`, with its links as its page on the site needs them; a dead link stays dead."""
    here = posixpath.dirname(home_of(path))

    def replaced(link: re.Match[str]) -> str:
        inside = _inside(link["target"], path)
        if inside is None or not exists(inside[0]):
            return link[0]
        target, anchor = inside
        return f"{link['before']}{posixpath.relpath(home_of(target), here or '.')}{anchor}"

    pieces, end = [], 0
    for code in _CODE.finditer(text):
        pieces += [_LINK.sub(replaced, text[end : code.start()]), code[0]]
        end = code.end()
    return "".join([*pieces, _LINK.sub(replaced, text[end:])])


def source_page(path: str, text: str) -> str:
    """A page that shows a file."""
    language = LANGUAGES.get(Path(path).suffix, "text")
    return (
        f"---\nsearch:\n  exclude: true\n---\n# {path}\n\n~~~~{language}\n{text.rstrip()}\n~~~~\n"
    )


def _inside(target: str, path: str) -> tuple[str, str] | None:
    """The file of the repository that a link names, and the anchor in it; None for a link that leaves it."""
    file, sign, anchor = target.partition("#")
    if not file or re.match(r"[a-z]+:", file):
        return None
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), file)), sign + anchor
