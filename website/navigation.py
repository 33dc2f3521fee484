"""The navigation of zensical.toml: which pages there are, and in which order."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

Entry = tuple[str, str, str]
"""The section, the title and the file of a page."""


def entries(nav: Iterable[Mapping[str, Any]], section: str = "") -> Iterator[Entry]:
    """The pages in order."""
    for item in nav:
        for title, inside in item.items():
            if isinstance(inside, str):
                yield section, title, inside
            else:
                yield from entries(inside, title)


def faults(listed: Iterable[Entry], pages: set[str]) -> Iterator[str]:
    """A line for each page that is not in the navigation, and for each entry without a page."""
    named = [file for _, _, file in listed]
    yield from (f"{page} is not in the navigation" for page in sorted(pages - set(named)))
    yield from (
        f"the navigation names {page}, which does not exist" for page in named if page not in pages
    )
    yield from (
        f"the navigation names {page} twice"
        for page in sorted({one for one in named if named.count(one) > 1})
    )


def llms(name: str, description: str, listed: Iterable[Entry], texts: Mapping[str, str]) -> str:
    """The text of llms.txt, https://llmstxt.org: each page with its first sentence, as Markdown if that has it all."""
    lines, last = [f"# {name}", "", f"> {description}"], None
    for section, title, file in listed:
        if section != last:
            lines += ["", f"## {section or name}", ""]
            last = section
        text = texts.get(file, "")
        said = summary(text)
        # What mkdocstrings writes is in the page alone.
        target = re.sub(r"\.md$", ".html", file) if "\n::: " in text else file
        lines.append(f"- [{title}]({target})" + (f": {said}" if said else ""))
    return "\n".join([*lines, ""])


def summary(text: str) -> str:
    """The first sentence of a page's prose."""
    prose = re.sub(r"\A---\n.*?\n---\n", "", text, flags=re.DOTALL)
    prose = re.sub(r"```.*?```", "", prose, flags=re.DOTALL)
    for block in re.split(r"\n\s*\n", prose):
        one = " ".join(block.split())
        if one and not re.match(r"[#|<!>\-:\d]", one):
            plain = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", one)
            return re.split(r"(?<=[.?!:])\s", plain, maxsplit=1)[0].rstrip(":")
    return ""
