"""What a built site must be: no dead link, no lost anchor, no other host, each export and nothing private."""

from __future__ import annotations

import posixpath
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

LOADED = {
    "script": "src",
    "link": "href",
    "img": "src",
    "source": "srcset",
    "iframe": "src",
    "video": "src",
}
"""What a browser loads by itself, by the attribute that names it."""

WHOLE = {"contract.html"}
"""Pages that redocly makes; their script finds their anchors."""

_IN_CSS = re.compile(r"""url\(\s*["']?([^"')]+)|@import\s+["']([^"']+)""")
_ELSEWHERE = re.compile(r"(?:[a-z][a-z0-9+.-]*:)?//|[a-z][a-z0-9+.-]*:", re.IGNORECASE)


class Seen(HTMLParser):
    """The anchors of a page, its links, and what it loads."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep what names something."""
        known = {name: value or "" for name, value in attrs}
        self.ids += [
            known[name] for name in ("id", "name") if name in known and (name == "id" or tag == "a")
        ]
        if tag == "a" and "href" in known:
            self.links.append(known["href"])
        if LOADED.get(tag) in known:
            self.loaded.append(known[LOADED[tag]].split()[0])
        self.loaded += _in_css(known.get("style", ""))


def faults(site: Path, exported: Iterable[str]) -> Iterator[str]:
    """A line for each fault of the site."""
    pages = {
        str(file.relative_to(site)): Seen(file.read_text(encoding="utf-8"))
        for file in sorted(site.rglob("*.html"))
    }
    files = {str(file.relative_to(site)) for file in site.rglob("*") if file.is_file()}
    for page, seen in pages.items():
        yield from (f"{page}: loads {one}" for one in seen.loaded if elsewhere(one))
        targets = [*seen.loaded, *([] if page in WHOLE else seen.links)]
        yield from dead(page, [one for one in targets if not _ELSEWHERE.match(one)], pages, files)
        yield from (f"{page}: the anchor {one} is private" for one in seen.ids if private(one))
    for file in sorted(site.rglob("*.css")):
        found = _in_css(file.read_text(encoding="utf-8"))
        yield from (f"{file.relative_to(site)}: loads {one}" for one in found if elsewhere(one))
    shown = {
        one for page, seen in pages.items() if page.startswith("reference/") for one in seen.ids
    }
    yield from (f"the reference lacks {name}" for name in exported if name not in shown)


def elsewhere(target: str) -> bool:
    """Whether a browser would ask another host for it."""
    return bool(_ELSEWHERE.match(target)) and not target.startswith(("data:", "blob:"))


def private(anchor: str) -> bool:
    """Whether it is of a name of the code that is not public."""
    parts = anchor.split(".")
    return parts[0].startswith("agentcalls") and any(re.match(r"_(?!_)", part) for part in parts)


def dead(
    page: str, targets: Iterable[str], pages: Mapping[str, Seen], files: set[str]
) -> Iterator[str]:
    """A line for each link of a page that leads nowhere."""
    for target in targets:
        path, _, anchor = unquote(target).partition("#")
        path = path.partition("?")[0]
        # As a browser does: nothing is above the site, and 404.html names pages from there.
        whole = posixpath.join("/", posixpath.dirname(page), path)
        found = posixpath.normpath(whole).removeprefix("/") if path else page
        if found not in files:
            yield f"{page}: {target} does not exist"
        elif anchor and found in pages and found not in WHOLE and anchor not in pages[found].ids:
            yield f"{page}: {target} has no such anchor"


def _in_css(text: str) -> list[str]:
    return [first or second for first, second in _IN_CSS.findall(text)]
