"""The parts that make the site, with values: where links lead, what is a fault, what llms.txt says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from contract.tool.contract import ROOT
from website import checking, navigation, readable, reference, staging

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("README.md", "[a](docs/cli/list.md#x)", "[a](cli/list.md#x)"),
        ("README.md", "[a](CHANGELOG.md) [b](LICENSE)", "[a](changelog.md) [b](source/LICENSE.md)"),
        ("README.md", '<img src="docs/a.svg">', '<img src="a.svg">'),
        ("docs/cli/list.md", "[a](../many.md)", "[a](../many.md)"),
        ("docs/cli/list.md", "[a](../../README.md)", "[a](../index.md)"),
        ("docs/many.md", "[a](../openapi.yaml)", "[a](contract.html)"),
        ("docs/many.md", "[`a`](../tests/a.py)", "[`a`](source/tests/a.py.md)"),
        (
            "docs/many.md",
            "[a](#here) [b](https://a.example/b.md)",
            "[a](#here) [b](https://a.example/b.md)",
        ),
        ("docs/many.md", "`[a](../README.md)`", "`[a](../README.md)`"),
        ("docs/many.md", "```\n[a](../README.md)\n```", "```\n[a](../README.md)\n```"),
        ("docs/many.md", "[a](../gone.md)", "[a](../gone.md)"),
    ],
)
def test_links_lead_where_the_file_is_on_the_site(path: str, text: str, expected: str) -> None:
    assert staging.led(text, path, lambda one: one != "gone.md") == expected


def test_a_linked_file_and_a_picture_come_with_the_pages(tmp_path: Path) -> None:
    root, pages = tmp_path / "root", tmp_path / "pages"
    (root / "docs/cli").mkdir(parents=True)
    (root / "benchmarks").mkdir()
    for name in staging.HOMES:
        (root / name).write_text("# Title\n")
    (root / "code.py").write_text("print(1)  # `\n")
    (root / "a.png").write_bytes(b"\x89PNG")
    (root / "docs/b.svg").write_text("<svg/>")
    (root / "README.md").write_text("[a](code.py) ![b](a.png) [c](openapi.yaml) [d](docs)\n")
    staging.stage(root, pages)
    assert (pages / "index.md").read_text() == (
        "[a](source/code.py.md) ![b](files/a.png) [c](contract.html) [d](docs)\n"
    )
    assert "~~~~python\nprint(1)  # `\n~~~~" in (pages / "source/code.py.md").read_text()
    assert (pages / "files/a.png").read_bytes() == b"\x89PNG"
    assert (pages / "b.svg").exists()
    assert not (pages / "contract.html").exists()


@pytest.mark.parametrize(
    ("page", "fault"),
    [
        ('<a href="gone.html">', "a.html: gone.html does not exist"),
        ('<a href="b.html#lost">', "a.html: b.html#lost has no such anchor"),
        ('<a href="#lost">', "a.html: #lost has no such anchor"),
        ('<img src="gone.png">', "a.html: gone.png does not exist"),
        ('<script src="https://a.example/b.js"></script>', "a.html: loads https://a.example/b.js"),
        ('<link href="//a.example/b.css">', "a.html: loads //a.example/b.css"),
        (
            '<p style="background: url(http://a.example/b.png)">',
            "a.html: loads http://a.example/b.png",
        ),
        ('<source srcset="https://a.example/b.png 2x">', "a.html: loads https://a.example/b.png"),
        (
            '<h2 id="agentcalls.Client._close">',
            "a.html: the anchor agentcalls.Client._close is private",
        ),
        ('<a href="b.html#there"><a href="./b.html?q#there"><a href="https://a.example">', None),
        (
            '<img src="data:,"><h2 id="agentcalls.Client.__iter__"><h2 id="__skip"><a href="d/../b.html">',
            None,
        ),
    ],
)
def test_what_is_wrong_with_a_page_is_named(page: str, fault: str | None, tmp_path: Path) -> None:
    (tmp_path / "reference").mkdir()
    (tmp_path / "reference/c.html").write_text('<h2 id="agentcalls.Client">')
    (tmp_path / "b.html").write_text('<p id="there">')
    (tmp_path / "a.html").write_text(page)
    assert list(checking.faults(tmp_path, ["agentcalls.Client"])) == ([fault] if fault else [])


def test_what_a_style_loads_and_what_the_reference_lacks_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.css").write_text('@import "https://a.example/b.css"; p { src: url(data:,) }')
    assert list(checking.faults(tmp_path, ["agentcalls.Gone"])) == [
        "a.css: loads https://a.example/b.css",
        "the reference lacks agentcalls.Gone",
    ]


NAV = [{"Start": [{"Home": "index.md"}]}, {"More": [{"One": "one.md"}, {"Two": "two.md"}]}]


def test_the_navigation_has_each_page_once() -> None:
    listed = list(navigation.entries(NAV))
    assert listed == [
        ("Start", "Home", "index.md"),
        ("More", "One", "one.md"),
        ("More", "Two", "two.md"),
    ]
    assert list(navigation.faults(listed, {"index.md", "one.md", "two.md"})) == []
    assert list(navigation.faults([*listed, listed[0]], {"index.md", "one.md", "new.md"})) == [
        "new.md is not in the navigation",
        "the navigation names two.md, which does not exist",
        "the navigation names index.md twice",
    ]


def test_llms_txt_has_each_page_with_its_first_sentence() -> None:
    texts = {
        "index.md": "# Home\n\nWhat [it](a.md) is. And more.",
        "one.md": "---\na: b\n---\n# One\n\n```\ncode\n```\n\n| a | b |\n\nTwo\nlines: and so on",
        "two.md": "# Two\n\nA page.\n\n::: agentcalls.Client\n",
    }
    assert navigation.llms("name", "What it is", navigation.entries(NAV), texts) == (
        "# name\n\n> What it is\n\n## Start\n\n- [Home](index.md): What it is.\n\n## More\n\n"
        "- [One](one.md): Two lines\n- [Two](two.html): A page.\n"
    )


def test_the_reference_has_a_place_for_each_export() -> None:
    assert list(reference.faults(ROOT)) == []
    assert len(set(reference.exported(ROOT))) > 80


def test_a_table_scrolls_its_long_names_break_at_signs_and_its_prose_is_wide() -> None:
    name = "tests/a/test_b.py::test_c_d"
    page = f"<p><code>{name}</code></p><table><tr><td>{'word ' * 9}</td><td><code>{name}</code></td></tr></table>"
    assert readable.made_readable(page) == (
        f'<p><code>{name}</code></p><div class="scrolled" tabindex="0"><table><tr><td class="prose">{"word " * 9}</td>'
        "<td><code>tests/<wbr>a/<wbr>test_<wbr>b.<wbr>py::<wbr>test_<wbr>c_<wbr>d</code></td></tr></table></div>"
    )


def test_an_option_is_not_broken() -> None:
    assert readable.made_readable(
        "<p><code>--since</code><code>ab</code><code>a-very-long-name-of-something</code></p>"
    ) == (
        '<p><code class="option">--since</code><code>ab</code><code>a-very-long-name-of-something</code></p>'
    )
