"""The page opened from disk in a headless Chromium: sorted, filtered, toggled, copied, by mouse and by keyboard."""

import re
from pathlib import Path
from typing import Any

import pytest

from roarbench.benchmark.matrix.plan import Matrix
from roarbench.reports.report import report
from tests.reports.page.conftest import filled
from tests.reports.page.test_page import measured

Page = Any
"""`playwright.sync_api.Page`, which may be missing."""

pytestmark = pytest.mark.whole

SUMMARY = "#table-summary-roar"
BOARD = "#leaderboard .board"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a run with two fills."""
    matrix = Matrix(
        explainers=("random", "gradient", "integrated_gradients", "sobel"), seeds=4, fractions=(0.0, 0.3, 0.6, 1.0),
        fills=("mean", "noisy_linear"), evaluator=False, unretrained_fills=(), mask_fractions=(0.9,), measures=(),
    )  # fmt: skip
    place = filled(tmp_path_factory.mktemp("browser"), matrix, measured)
    report(place)
    return place / "report"


def names(page: Page, table: str = SUMMARY) -> list[str]:
    """The first cells of the rows that can be seen."""
    rows = page.locator(f"{table} tbody tr th")
    return [row.inner_text() for row in rows.all() if row.is_visible()]


def test_columns_sort_both_ways_and_gaps_come_last(page: Page) -> None:
    head, planned = page.locator(f"{SUMMARY} th", has_text="gain"), names(page)
    head.locator("button").click()
    assert head.get_attribute("aria-sort") == "ascending"
    assert names(page) == ["GRAD", "Sobel", "IG", "Random"]
    head.locator("button").click()
    assert head.get_attribute("aria-sort") == "descending"
    assert names(page) == ["IG", "Sobel", "GRAD", "Random"]
    head.locator("button").click()
    assert head.get_attribute("aria-sort") == "none"
    assert names(page) == planned


def test_the_keyboard_sorts(page: Page) -> None:
    page.locator(f"{SUMMARY} .copy[data-what=csv]").focus()
    page.keyboard.press("Tab")  # the link to the table
    page.keyboard.press("Tab")  # the box that scrolls
    page.keyboard.press("Tab")  # its first column
    page.keyboard.press("Enter")
    assert page.locator(f"{SUMMARY} th").first.get_attribute("aria-sort") == "ascending"
    assert names(page) == ["GRAD", "IG", "Random", "Sobel"]


def test_the_filter_hides_rows(page: Page) -> None:
    page.locator(f"{SUMMARY} .filter").fill("ra")
    assert names(page) == ["Random", "GRAD"]
    assert page.locator(f"{SUMMARY} .count").inner_text() == "2 of 4 rows"
    page.locator(f"{SUMMARY} .filter").fill("")
    assert len(names(page)) == 4


def test_a_curve_is_toggled(page: Page) -> None:
    entry = page.locator(".entry", has_text="IG")
    curve = page.locator(".panel:not([hidden]) .line[data-series='2']").first
    assert (entry.get_attribute("aria-pressed"), curve.is_visible()) == ("true", True)
    entry.click()
    assert (entry.get_attribute("aria-pressed"), curve.is_visible()) == ("false", False)
    page.locator("#curves-none").click()
    assert page.locator(".panel:not([hidden]) .line:visible").count() == 0
    page.locator("#curves-all").click()
    assert page.locator(".entry[aria-pressed=false]").count() == 0


def test_a_setting_is_chosen(page: Page) -> None:
    assert page.locator(".panel:visible").count() == 1
    page.locator("#curve-way").select_option("retrained, fill noisy_linear")
    assert page.locator(".panel:visible h3").inner_text().endswith("retrained, fill noisy_linear")


def test_values_are_shown_under_the_pointer_and_the_keyboard(page: Page) -> None:
    chart = page.locator(".panel:not([hidden]) .chart").first
    chart.scroll_into_view_if_needed()
    point = chart.locator(".line[data-series='2'] circle").nth(1)
    box = point.bounding_box()
    page.mouse.move(box["x"] + 2, box["y"] + 2)
    assert chart.locator(".tip").inner_text() == point.get_attribute("aria-label")
    assert re.fullmatch(r"IG at t = 0\.3: 6[89]\.\d ± 0\.\d % \(n = 4\)", point.get_attribute("aria-label"))
    page.mouse.move(1, 1)
    assert not chart.locator(".tip").is_visible()
    chart.locator(".canvas > svg").focus()
    first = chart.locator(".tip").inner_text()
    page.keyboard.press("ArrowRight")
    assert chart.locator(".tip").inner_text() != first
    assert "t = 0.3" in chart.locator(".tip").inner_text()
    assert page.locator("#said").inner_text() == chart.locator(".tip").inner_text()


def test_latex_is_copied(page: Page, folder: Path) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.locator(f"{SUMMARY} .copy[data-what=latex]").click()
    page.wait_for_function("document.querySelector('#said').textContent === 'Copied'")
    latex = (folder / "summary-roar.tex").read_text(encoding="utf-8")
    assert page.evaluate("navigator.clipboard.readText()") == latex


def test_csv_is_copied_where_the_clipboard_is_closed(page: Page, folder: Path) -> None:
    page.evaluate("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    page.evaluate("document.addEventListener('copy', (event) => { window.copied = event.target.value; })")
    page.locator(f"{SUMMARY} .copy[data-what=csv]").click()
    page.wait_for_function("window.copied")
    assert page.evaluate("window.copied") == (folder / "summary-roar.csv").read_text(encoding="utf-8")
    assert page.locator(f"{SUMMARY} .copy[data-what=csv]").inner_text() == "Copied"


def test_the_theme_turns(page: Page) -> None:
    colour = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(colour)
    page.locator("#theme").click()
    assert page.locator("#theme").get_attribute("aria-pressed") == "true"
    assert page.evaluate(colour) != light
    page.locator("#theme").click()
    assert page.evaluate(colour) == light


def test_the_first_tab_leads_past_the_contents(page: Page) -> None:
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the answer"
    outline = "getComputedStyle(document.activeElement).outlineStyle"
    assert page.evaluate(outline) == "solid"


@pytest.mark.parametrize("width", [1920, 1280, 390])
def test_nothing_sticks_out(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.locator("#open-all").click()
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_way_of_measuring_is_chosen(page: Page) -> None:
    chart = page.locator(".forest:visible")
    assert chart.count() == 1
    assert chart.locator(".name").all_inner_texts() == ["IG ⚑", "Sobel", "GRAD"]
    page.locator(".measure").select_option("KAR, retrained, fill noisy_linear")
    assert chart.count() == 1
    assert chart.get_attribute("aria-label").startswith("KAR, retrained, fill noisy_linear; digits")
    assert chart.locator(".name").first.inner_text() == "GRAD"


def test_without_scripts_all_charts_are_shown(browser: Any, folder: Path) -> None:
    context = browser.new_context(java_script_enabled=False, offline=True)
    opened = context.new_page()
    opened.goto((folder / "index.html").as_uri())
    assert opened.locator(".forest:visible .way:visible").count() == 4
    assert opened.locator(".measure:visible, .family:visible").count() == 0
    context.close()


def test_a_family_is_chosen(page: Page) -> None:
    page.locator(".family").select_option("Base")
    assert sorted(names(page, BOARD)) == ["GRAD", "IG"]
    assert page.locator(f"{BOARD} .count").inner_text() == "2 of 4 rows"
    page.locator(".family").select_option("all")
    assert len(names(page, BOARD)) == 4


def test_the_leaderboard_is_sorted_by_rank_first(page: Page) -> None:
    ranked = names(page, BOARD)
    head = page.locator(f"{BOARD} th[aria-sort]", has_text="fill mean").first  # of ROAR
    assert page.locator(f"{BOARD} th[aria-sort=ascending]").inner_text().startswith("rank")
    head.locator("button").click()
    assert names(page, BOARD)[0] == "IG"
    assert page.locator(f"{BOARD} th[aria-sort=ascending]").inner_text().startswith("fill mean")
    head.locator("button").click()
    head.locator("button").click()
    assert names(page, BOARD) == ranked


@pytest.mark.parametrize("width", [1920, 1280, 390])
def test_charts_are_legible_at_every_width(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    plot = page.locator(".forest:visible .plot")
    assert plot.bounding_box()["width"] <= min(width, 960)
    sizes = plot.locator("span, b").evaluate_all("all => all.map((e) => parseFloat(getComputedStyle(e).fontSize))")
    assert min(sizes) >= 11
    assert plot.locator(".track").first.bounding_box()["width"] >= 100
    assert plot.evaluate("plot => plot.scrollWidth <= plot.clientWidth")


def test_paper_is_white_and_has_no_controls(page: Page) -> None:
    page.locator("#theme").click()
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.locator("button.copy:visible, nav:visible, #theme:visible, select:visible").count() == 0
