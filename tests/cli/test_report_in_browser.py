from __future__ import annotations

from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from agentcalls.cli.commands.report.document import Scope, page_of
from agentcalls.cli.commands.report.numbers import STATUSES, Numbers
from agentcalls.cli.zone import Zone
from browser import launched
from cli.test_report import HOSTILE
from cli.test_summary import NOON, call_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage
    from playwright.sync_api import Page as Tab

    Open = Callable[..., "Watched"]

# The same lines again and again, which others prove.

DESK, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
AXE = files("axe_playwright_python") / "axe.min.js"
CHARTS = ["groups", "days", "rates", "hours", "durations", "reasons", "ringing"]
LONG_REASON = "SIP 503 Service Unavailable by the carrier"
TEXT_CONTRAST, GRAPHIC_CONTRAST = 4.5, 3  # WCAG 2.2, 1.4.3 and 1.4.11


class Watched:
    """A page in a tab, what it says on the console, and what it asks for."""

    def __init__(self, tab: Tab, address: str) -> None:
        self.tab = tab
        self.address = address
        self.said: list[str] = []
        self.requests: list[str] = []
        tab.on("console", self._hear)
        tab.on("pageerror", lambda error: self.said.append(str(error)))
        tab.on("request", lambda request: self.requests.append(request.url))
        tab.goto(address)

    def drawn(self) -> Watched:
        for name in CHARTS:
            expect(self.tab.locator(f"#{name} svg")).to_be_visible()
        return self

    def _hear(self, message: ConsoleMessage) -> None:
        self.said.append(message.text)


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report of ordinary calls, and one of hostile ones."""
    folder = tmp_path_factory.mktemp("pages")
    names = ("id", "source", "destination", "direction", "error_reason", "end_reason")
    hostile = [call_of(status="failed", **dict.fromkeys(names, HOSTILE)), call_of(status=HOSTILE)]
    hostile += [call_of(duration_seconds=5, ringing_at=NOON + timedelta(seconds=2))]
    first = datetime(1, 1, 1, tzinfo=UTC)
    odd = [call_of(status="failed", error_reason=LONG_REASON, created_on=first), *_ordinary()]
    for name, calls in (("report", list(_ordinary())), ("hostile", hostile), ("odd", odd)):
        numbers = Numbers(Zone(UTC), show_numbers=name == "hostile")
        for place, call in enumerate(calls):
            numbers.add(f"agent_{1 + place % 2}", call)
        title = HOSTILE if name == "hostile" else "agent_1"
        scope = Scope([title, "agent_2"], {"search": title}, NOON, [title])
        (folder / f"{name}.html").write_text(page_of(numbers, scope))
    return folder


def _ordinary() -> Iterator[Any]:
    for number in range(420):
        status = (*STATUSES, "new")[number % 8]
        # Some days have no failures.
        status = "ended" if status == "failed" and number > 200 else status
        created = NOON - timedelta(hours=number)
        yield call_of(
            id=f"call_{number}",
            status=status,
            source="+14155550100",
            created_on=created,
            duration_seconds=number if status == "ended" else None,
            ringing_at=created + timedelta(seconds=number % 30) if status != "busy" else None,
            error_reason=("SIP 503", "carrier rejected the call")[number % 3 % 2]
            if status == "failed"
            else None,
            end_reason=status,
        )


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launched() as browser:
        yield browser


@pytest.fixture
def opened(browser: Browser, pages: Path) -> Iterator[Open]:
    contexts: list[BrowserContext] = []

    def open_page(name: str = "report", **settings: Any) -> Watched:
        context = browser.new_context(**{"viewport": DESK, **settings})
        contexts.append(context)
        return Watched(context.new_page(), (pages / f"{name}.html").as_uri())

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture(scope="module")
def looked_at(browser: Browser, pages: Path) -> Iterator[Open]:
    """Opens a page that is drawn once, for all the tests that leave it as it is."""
    known: dict[tuple[str, ...], Watched] = {}

    def open_once(name: str = "report", scheme: str = "light") -> Watched:
        if (name, scheme) not in known:
            settings: dict[str, Any] = {"viewport": DESK, "color_scheme": scheme}
            context = browser.new_context(**settings)
            page = Watched(context.new_page(), (pages / f"{name}.html").as_uri())
            known[name, scheme] = page.drawn()
        return known[name, scheme]

    yield open_once
    for page in known.values():
        page.tab.context.close()


@pytest.mark.share("name")
@pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["report", "hostile"])
def test_it_draws_says_nothing_asks_nothing_overflows_nowhere_and_is_accessible(
    name: str, scheme: str, viewport: dict[str, int], opened: Open
) -> None:
    page = opened(name, color_scheme=scheme, viewport=viewport).drawn()
    tab = page.tab
    for chart in CHARTS:
        marks = tab.locator(f"#{chart} .mark-rect path")
        assert marks.count() > 0
        fills = marks.evaluate_all("marks => marks.map(mark => getComputedStyle(mark).fill)")
        assert all(fill.startswith("rgb(") for fill in fills)
        box = tab.locator(f"#{chart} svg").bounding_box()
        assert box
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= viewport["width"]
    assert tab.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
    for details in tab.locator("summary").all():
        details.click()
    assert tab.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
    tab.evaluate(AXE.read_text())
    found = tab.evaluate("axe.run()")
    assert [(each["id"], each["nodes"][0]["html"]) for each in found["violations"]] == []
    assert len(found["passes"]) > 20
    assert page.said == []
    assert page.requests == [page.address]
    assert tab.evaluate("window.hacked") is None


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_colours_of_texts_and_charts_stand_out(scheme: str, looked_at: Open) -> None:
    tab = looked_at(scheme=scheme).tab

    def contrast(front: str, back: str) -> float:
        lights = sorted(luminance(tab, f"var(--{name})") for name in (front, back))
        return (lights[1] + 0.05) / (lights[0] + 0.05)

    texts = [(text, back) for text in ("text", "muted") for back in ("page", "card")]
    for pair in [*texts, ("text", "warning")]:
        assert contrast(*pair) >= TEXT_CONTRAST, pair
    for graphic in (*STATUSES, "other", "accent", "focus", "heat-5"):
        assert contrast(graphic, "page") >= GRAPHIC_CONTRAST, graphic
    shades = [luminance(tab, f"var(--heat-{shade})") for shade in range(6)]
    assert shades == sorted(shades, reverse=scheme == "light")
    label = tab.locator("#days .role-axis-label text").first
    assert label.evaluate("it => getComputedStyle(it).fill") == colour(tab, "var(--text)")


def test_a_change_of_scheme_recolours_the_charts(opened: Open) -> None:
    tab = opened(color_scheme="light").drawn().tab
    bar = tab.locator("#durations .mark-rect path").first
    before = bar.evaluate("it => getComputedStyle(it).fill")
    tab.emulate_media(color_scheme="dark")
    assert bar.evaluate("it => getComputedStyle(it).fill") != before


def test_it_is_used_with_the_keyboard_alone(opened: Open) -> None:
    tab = opened().drawn().tab
    tab.keyboard.press("Tab")
    expect(tab.get_by_text("Skip to the numbers")).to_be_focused()
    expect(tab.get_by_text("Skip to the numbers")).to_be_in_viewport()
    tab.keyboard.press("Enter")
    expect(tab.locator("main")).to_be_focused()
    for name in ("The numbers as a table: Agents", "Table: Agents"):
        tab.keyboard.press("Tab")
        assert name in tab.evaluate(
            "document.activeElement.ariaLabel || document.activeElement.textContent"
        )
    tab.keyboard.press("Tab")
    status = tab.get_by_role("combobox", name="Status")
    expect(status).to_be_focused()
    assert tab.evaluate("getComputedStyle(document.activeElement).outlineWidth") == "3px"
    marks = tab.locator("#days .mark-rect path")
    before = marks.count()
    tab.keyboard.press("f")
    expect(status).to_have_value("failed")
    expect(marks).not_to_have_count(before)
    tab.keyboard.press("Tab")
    tab.keyboard.press("Enter")
    expect(tab.get_by_role("region", name="Table: Calls by day and status")).to_be_visible()
    tab.keyboard.press("Tab")
    expect(tab.get_by_role("region", name="Table: Calls by day and status")).to_be_focused()


def test_a_chosen_status_keeps_all_days(opened: Open) -> None:
    tab = opened().drawn().tab
    days = tab.locator("#days .role-axis-label text").filter(has_text="Nov")
    before = days.count()
    tab.get_by_role("combobox", name="Status").select_option("failed")
    expect(tab.locator("#days .mark-rect path")).to_have_count(18)
    assert days.count() == before


@pytest.mark.parametrize("chart", ["groups", "rates", "days", "reasons"])
def test_a_click_on_a_bar_filters_the_failures_and_a_second_one_ends_that(
    chart: str, opened: Open
) -> None:
    tab = opened().drawn().tab
    found = tab.locator("#found")
    bars = tab.locator(f"#{chart} .mark-rect path")
    bar = bars.first if chart == "groups" else bars.last  # the worst group; the latest day
    bar.click(force=True)
    text = tab.locator("#search").input_value()
    rows = tab.locator("#failures tbody tr")
    shown = [row for row in rows.all() if row.is_visible()]
    assert text
    assert all(text in row.inner_text() for row in shown)
    expect(found).to_have_text(f"{len(shown)} of {rows.count()}")
    bar.click(force=True)
    expect(found).to_have_text(f"{rows.count()} of {rows.count()}")
    assert tab.locator("#search").input_value() == ""


def test_the_failures_are_searched_by_words(opened: Open) -> None:
    tab = opened().drawn().tab
    rows = tab.locator("#failures tbody tr")
    found = tab.locator("#found")
    everything = rows.count()
    tab.get_by_label("Search the failed calls").fill("REJECTED carrier")
    expect(found).to_have_text(f"{rows.filter(visible=True).count()} of {everything}")
    assert 0 < rows.filter(visible=True).count() < everything
    assert "carrier rejected" in rows.filter(visible=True).first.inner_text()
    tab.get_by_label("Search the failed calls").fill("call_6 nothing")
    expect(found).to_have_text(f"0 of {everything}")
    tab.get_by_label("Search the failed calls").fill("")
    expect(rows.filter(visible=True)).to_have_count(everything)


def test_on_a_phone_what_failed_is_read_whole(opened: Open) -> None:
    tab = opened("odd", viewport=PHONE).drawn().tab
    labels = tab.locator("#reasons .role-axis-label text")
    assert LONG_REASON in labels.all_text_contents()
    reason = tab.locator("#failures tbody tr").last.locator("td").nth(1)
    box = reason.bounding_box()
    assert box
    assert box["x"] + box["width"] <= PHONE["width"]
    assert reason.inner_text() == LONG_REASON


def test_no_label_is_turned_or_cut_and_a_day_of_the_year_1_has_its_name(looked_at: Open) -> None:
    tab = looked_at("odd").tab
    assert tab.locator("#days .role-axis-label text").first.text_content() == "1 Jan"
    for chart in CHARTS:
        for label in tab.locator(f"#{chart} .role-axis-label text").all():
            assert "rotate" not in (label.get_attribute("transform") or "")
            assert not (label.text_content() or "").endswith("…")


def test_a_bar_tells_its_number_when_pointed_at(looked_at: Open) -> None:
    tab = looked_at("hostile").tab
    tab.locator("#reasons .mark-rect path").first.hover()
    tooltip = tab.locator("#vg-tooltip-element")
    expect(tooltip).to_be_visible()
    expect(tooltip).to_contain_text("window.hacked = 1</script><img")
    assert tab.evaluate("window.hacked") is None


def test_hostile_texts_are_read_as_they_are(looked_at: Open) -> None:
    tab = looked_at("hostile").tab
    expect(tab.locator("#failures tbody td").nth(1)).to_contain_text("<img src=x onerror=")
    expect(tab.locator("h1")).to_contain_text("</script><script>")
    expect(tab).to_have_title(f"Calls of {HOSTILE}, agent_2")


@pytest.mark.parametrize(
    ("attempt", "directive"),
    [
        ("fetch('http://127.0.0.1:1/')", "connect-src"),
        ("new Image().src = 'http://127.0.0.1:1/'", "img-src"),
        ("document.body.append(Object.assign(document.createElement('script'), {text: 'x'}))", "script-src-elem"),
        ("document.body.setAttribute('onclick', 'x'); document.body.click()", "script-src-attr"),
        ("setTimeout('x')", "script-src"),
    ],
)  # fmt: skip
def test_the_page_allows_itself_no_request_and_no_other_script(
    attempt: str, directive: str, looked_at: Open
) -> None:
    tab = looked_at().tab
    refused = tab.evaluate(f"""() => new Promise(done => {{
        setTimeout(() => done("nothing"), 5_000);
        document.addEventListener("securitypolicyviolation", event => done(event.effectiveDirective));
        Promise.resolve().then(() => {{ {attempt}; }}).catch(() => {{}});
    }})""")
    assert refused == directive


def test_it_prints_light_whole_and_without_what_a_screen_is_for(opened: Open) -> None:
    tab = opened(color_scheme="dark").drawn().tab
    tab.emulate_media(media="print", color_scheme="dark")
    tab.set_viewport_size({"width": 680, "height": 1000})
    assert colour(tab, "var(--page)") == "rgb(255, 255, 255)"
    assert tab.evaluate("document.documentElement.scrollWidth") <= 680
    for controls in ("#days-controls", "#search"):
        expect(tab.locator(controls)).to_be_hidden()
    expect(tab.locator("summary").first).to_be_hidden()
    expect(tab.locator("#failures tbody tr").last).to_be_visible()
    assert tab.locator("#failures").evaluate(
        "it => it.parentElement.scrollHeight <= it.parentElement.clientHeight"
    )
    assert tab.pdf().startswith(b"%PDF-")


def test_without_javascript_the_tables_are_there(opened: Open) -> None:
    tab = opened(java_script_enabled=False).tab
    assert tab.locator("#failures tbody tr").count() > 10
    tab.get_by_text("The numbers as a table: Durations").click()
    expect(tab.get_by_role("region", name="Table: Durations")).to_contain_text("1 to 2 min")


def colour(tab: Tab, css: str) -> str:
    return str(
        tab.evaluate(
            """css => {
                const probe = document.body.appendChild(document.createElement("i"));
                probe.style.color = css;
                return getComputedStyle(probe).color;
            }""",
            css,
        )
    )


def luminance(tab: Tab, css: str) -> float:
    parts = [int(part) / 255 for part in colour(tab, css)[4:-1].split(",")]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return sum(share * part for share, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
