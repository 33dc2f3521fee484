"""`make docs` in a clean copy: what it builds, what makes it fail, and how the pages look in a browser."""

from __future__ import annotations

import functools
import http.server
import os
import re
import shutil
import threading
import tomllib
from collections import Counter
from html.parser import HTMLParser
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import pytest
from markdown_it import MarkdownIt

import agentcalls
import agentcalls_mock
from agentcalls import AgentCallsError, export, mirror, testing
from browser import launched
from contract.tool.contract import ROOT
from contract.tool.generating import make
from contract.tool.redocly import REDOCLY
from website import navigation
from website.checking import Seen, private

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

DOCS = ROOT / ".cache" / "docs"
NAV = tomllib.loads((ROOT / "website/zensical.toml").read_text(encoding="utf-8"))["project"]["nav"]
PAGES = [re.sub(r"\.md$", ".html", file) for _, _, file in navigation.entries(NAV)]
AXE = files("axe_playwright_python") / "axe.min.js"
MODULES = (agentcalls, export, mirror, testing, agentcalls_mock)

pytestmark = pytest.mark.skipif(
    not (os.environ.get("CI") or (DOCS.exists() and REDOCLY.exists())),
    reason="make docs sets up its environment, and node_modules where node is on this machine",
)


def make_docs(folder: Path) -> subprocess.CompletedProcess[str]:
    """`make docs` in a folder, with the environments of this checkout."""
    return make("docs", folder, f"DOCS={DOCS}", "-o", f"{DOCS}/.ready", "-o", "node_modules/.ready")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the site of this checkout."""
    ended = make_docs(ROOT)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return shutil.copytree(ROOT / "build/site", tmp_path_factory.mktemp("docs") / "site")


@pytest.fixture(scope="module")
def reference(site: Path) -> list[str]:
    """The anchors of the API reference."""
    pages = sorted((site / "reference").glob("*.html"))
    return [one for page in pages for one in Seen(page.read_text(encoding="utf-8")).ids]


@pytest.mark.parametrize("module", MODULES, ids=[module.__name__ for module in MODULES])
def test_each_export_is_in_the_reference_with_its_members(
    module: Any, reference: list[str]
) -> None:
    """An error's are those of its own: its page does not repeat what they inherit."""
    names = list(module.__all__)
    for name in module.__all__:
        if isinstance(one := getattr(module, name), type):
            kinds = [kind for kind in one.__mro__ if kind.__module__.startswith("agentcalls")]
            kinds = kinds[:1] if issubclass(one, AgentCallsError) else kinds
            names += [
                f"{name}.{key}" for kind in kinds for key in vars(kind) if not key.startswith("_")
            ]
    assert len(names) >= len(module.__all__)
    assert {f"{module.__name__}.{name}" for name in names} - set(reference) == set()


def test_nothing_private_is_in_the_reference(reference: list[str]) -> None:
    assert len(reference) > 300
    assert [one for one in reference if private(one)] == []


def test_the_errors_are_a_tree(site: Path) -> None:
    page = re.sub(r"<[^>]+>", "", (site / "reference/errors.html").read_text(encoding="utf-8"))
    assert "│   └── APITimeoutError" in page
    assert "│   ├── BadRequestError         400" in page


def test_signatures_name_values_and_types_that_users_know(site: Path) -> None:
    """And they wrap: a parameter on each line."""
    page = re.sub(r"<[^>]+>", "", (site / "reference/client.html").read_text(encoding="utf-8"))
    assert "\n    api_key: ApiKey | None = None,\n" in page
    assert "\n    api_key: AsyncApiKey | None = None,\n" in page
    assert "\n    max_retries: int = 4,\n" in page
    assert "KeyT" not in page
    page = re.sub(r"<[^>]+>", "", (site / "reference/values.html").read_text(encoding="utf-8"))
    assert "\nid: str\n" in page


def test_llms_txt_lists_each_page_with_a_sentence(site: Path) -> None:
    lines = (site / "llms.txt").read_text(encoding="utf-8").splitlines()
    listed = [re.match(r"- \[.+\]\(([^)]+)\)(: .{10})?", line) for line in lines]
    targets = [one[1] for one in listed if one]
    assert [re.sub(r"\.md$", ".html", one) for one in targets] == PAGES
    assert [one[0] for one in listed if one and not one[2] and one[1] != "contract.html"] == []
    assert [one for one in targets if not (site / one).exists()] == []


Faults = dict[str, tuple[str, str]]
"""For each file of a copy, a text that stands in it once, and what is put in its place."""

NO_FAULT: Faults = {}
# These need no build, and are looked for before one.
NO_PLACE: Faults = {
    "website/zensical.toml": ('        { "Tracing" = "tracing.md" },\n', ""),
    "wrappers/agentcalls/__init__.py": ('    "Checkpoint",\n', '    "Bookmark",\n'),
}
NO_TARGET: Faults = {
    "docs/errors.md": ("# When", "[gone](gone.md) and [lost](paging.md#lost)\n\n# When")
}


@pytest.mark.share(pool="clean copy")
@pytest.mark.parametrize(
    ("faults", "said"),
    [
        pytest.param(NO_FAULT, [], id="none"),
        pytest.param(
            NO_PLACE,
            [
                "tracing.md is not in the navigation",
                "website/reference.py has agentcalls.Checkpoint, which is not exported",
                "website/reference.py lacks agentcalls.Bookmark",
            ],
            id="no place",
        ),
        pytest.param(NO_TARGET, ["page does not exist", "anchor does not exist"], id="no target"),
    ],
)
def test_a_clean_copy_builds_and_what_is_broken_on_purpose_fails(
    faults: Faults, said: list[str], tmp_path: Path
) -> None:
    folder = tmp_path / "copy"
    made = ("__pycache__", ".*", "build", "dist", "reports", "node_modules")
    shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(*made))
    (folder / "node_modules").symlink_to(ROOT / "node_modules")
    for name, (old, new) in faults.items():
        text = (folder / name).read_text(encoding="utf-8")
        assert text.count(old) == 1
        (folder / name).write_text(text.replace(old, new), encoding="utf-8")
    ended = make_docs(folder)
    assert [one for one in said if one not in ended.stderr] == []
    assert bool(ended.returncode) == bool(faults), ended.stdout + ended.stderr
    assert (folder / "build/site/index.html").exists() or faults


SHAPES = {
    "h1",
    "h2",
    "h3",
    "h4",
    "ol",
    "ul",
    "li",
    "table",
    "th",
    "td",
    "pre",
    "blockquote",
    "code",
    "em",
    "strong",
}


class Shapes(HTMLParser):
    """How many headings, lists, tables and so on some HTML has."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.counts: Counter[str] = Counter()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.counts[tag] += tag in SHAPES and "linenos" not in str(attrs)


def test_a_page_is_made_of_the_same_parts_as_on_a_forge(site: Path) -> None:
    """Python's Markdown wants lists and tables otherwise than CommonMark, and is silent where it reads others."""
    forge = MarkdownIt("commonmark").enable("table")
    compared = 0
    for page in [*site.glob("*.md"), *site.glob("cli/*.md")]:
        html = page.with_suffix(".html").read_text(encoding="utf-8")
        (article,) = re.findall(r"<article.*</article>", html, flags=re.DOTALL)
        expected = Shapes(forge.render(page.read_text(encoding="utf-8"))).counts
        assert +Shapes(article).counts == +expected, page.name
        compared += 1
    assert compared > 40


class Watched:
    """A page in a tab, what it says on the console, and what it asks other hosts for."""

    def __init__(self, tab: Page, host: str, page: str) -> None:
        self.tab = tab
        self.said: list[str] = []
        self.elsewhere: list[str] = []
        tab.on("console", lambda message: self.said.append(message.text))
        tab.on("pageerror", lambda error: self.said.append(str(error)))
        tab.on("request", lambda request: self._ask(request.url, host))
        tab.goto(f"{host}/{page}")

    def _ask(self, url: str, host: str) -> None:
        if not url.startswith((host, "data:", "blob:")):
            self.elsewhere.append(url)


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # its name in the base
        """Say nothing."""


@pytest.fixture(scope="module")
def host(site: Path) -> Iterator[str]:
    """The site over HTTP: from a file, a browser starts no search."""
    handler = functools.partial(Quiet, directory=str(site))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launched() as browser:
        yield browser


BROKEN_WORDS = """() => {
  const broken = [];
  for (const cell of document.querySelectorAll("article :is(td, th)")) {
    const texts = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
      for (const word of texts.currentNode.data.matchAll(/[\\p{L}\\p{N}_]+/gu)) {
        const range = document.createRange();
        range.setStart(texts.currentNode, word.index);
        range.setEnd(texts.currentNode, word.index + word[0].length);
        if (new Set([...range.getClientRects()].map(box => Math.round(box.top))).size > 1) broken.push(word[0]);
      }
    }
  }
  return broken;
}"""
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.mark.share(one_in=50, pool="pages")
@pytest.mark.parametrize("page", [page for page in PAGES if page != "contract.html"])
def test_a_page_fits_breaks_no_word_says_nothing_and_asks_nobody_else(
    page: str, host: str, browser: Browser
) -> None:
    for scheme, palette in (("light", "default"), ("dark", "slate")):
        settings: dict[str, Any] = {
            "color_scheme": scheme,
            "viewport": {"width": 360, "height": 780},
        }
        with browser.new_context(**settings) as context:
            watched = Watched(context.new_page(), host, page)
            tab = watched.tab
            assert tab.evaluate("document.body.dataset.mdColorScheme") == palette
            for width in (360, 1280):
                tab.set_viewport_size({"width": width, "height": 900})
                assert tab.evaluate(OVERFLOW) <= 0
                assert tab.evaluate(BROKEN_WORDS) == []
            assert watched.said == []
            assert watched.elsewhere == []


# axe takes seconds for each, and more for the large ones, so that one is drawn.
@pytest.mark.share(pool="axe")
@pytest.mark.parametrize(
    ("scheme", "width"), [("light", 360), ("dark", 1280), ("light", 1280), ("dark", 360)]
)
@pytest.mark.parametrize("page", PAGES)
def test_axe_finds_nothing_serious(
    page: str, scheme: Any, width: int, host: str, browser: Browser
) -> None:
    settings: dict[str, Any] = {"color_scheme": scheme, "reduced_motion": "reduce"}
    with browser.new_context(viewport={"width": width, "height": 900}, **settings) as context:
        tab = Watched(context.new_page(), host, page).tab
        tab.wait_for_selector("h1")  # a script writes the page of the contract
        tab.add_script_tag(content=AXE.read_text(encoding="utf-8"))
        found = tab.evaluate("axe.run()")["violations"]
    serious = [one for one in found if one["impact"] in {"serious", "critical"}]
    assert [
        (one["id"], node["target"], node["html"]) for one in serious for node in one["nodes"]
    ] == []
