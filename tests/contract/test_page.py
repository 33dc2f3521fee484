"""`make contract-page`: the contract as a page that needs no network and shows all that the contract has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from browser import launched
from contract.tool.contract import OPENAPI, ROOT
from contract.tool.generating import make
from contract.tool.redocly import REDOCLY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

pytestmark = pytest.mark.skipif(
    not REDOCLY.exists(),
    reason="node is not on this machine: make test sets up node_modules where it is",
)


@pytest.fixture(scope="module")
def asked() -> list[str]:
    """The addresses that the page asks for."""
    return []


@pytest.fixture(scope="module")
def said() -> list[str]:
    """The errors and warnings of the page on the console."""
    return []


@pytest.fixture(scope="module")
def page(asked: list[str], said: list[str]) -> Iterator[Page]:
    made = make("contract-page", ROOT, "-o", "node_modules/.ready")
    assert made.returncode == 0, made.stdout + made.stderr
    with launched() as browser:
        page = browser.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on(
            "console", lambda m: said.append(m.text) if m.type in ("error", "warning") else None
        )
        page.goto((ROOT / "build" / "contract.html").as_uri())
        yield page


@pytest.mark.parametrize("path", OPENAPI["paths"])
def test_the_page_shows_each_parameter_and_each_response(page: Page, path: str) -> None:
    operation = OPENAPI["paths"][path]["get"]
    place = f"{operation['tags'][0]}/{operation['operationId']}".lower()
    page.goto("about:blank")  # else it is the same page, at another place
    page.goto(f"{(ROOT / 'build' / 'contract.html').as_uri()}#{place}")
    section = page.locator(f"[id='{place}']")
    for parameter in operation["parameters"]:
        expect(section).to_contain_text(parameter["name"])
        expect(section).to_contain_text(parameter["description"])
    for status, response in operation["responses"].items():
        section.get_by_text(status, exact=True).first.click()
        expect(section.get_by_text(response["description"].split("`")[0]).first).to_be_visible()


def test_the_page_asks_for_nothing_and_nothing_in_it_fails(
    page: Page, asked: list[str], said: list[str]
) -> None:
    assert page.title() == OPENAPI["info"]["title"]
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
    assert said == []
