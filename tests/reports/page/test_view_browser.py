"""The page of eight explainers in a headless Chromium: which curves are on, links to a view, gallery, seeds, print."""

import math
import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from roarbench.benchmark.matrix.plan import Matrix
from roarbench.benchmark.matrix.spec import Cell
from roarbench.benchmark.results.store import Outcome
from roarbench.reports.report import report
from tests.reports.page.conftest import filled
from tests.reports.page.test_curves import NAMES, falling
from tests.reports.page.test_gallery import kept

Page = Any
"""`playwright.sync_api.Page`, which may be missing."""

pytestmark = pytest.mark.whole

CHART = ".panel:not([hidden]) .chart >> nth=0"


def judged(cell: Cell) -> Outcome:
    """Curves with a little noise of each seed; all masks alone are at chance."""
    outcome = falling(cell)
    name = cell.ranking.explainer.name if cell.ranking else "random"
    noise = 0.002 * math.sin(7 * cell.training.seed + 3 * len(name))
    accuracy = 0.1 if cell.probe == "mask" else outcome.metrics["test_accuracy"] or 0.0
    return replace(outcome, metrics=outcome.metrics | {"test_accuracy": accuracy + noise})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a run with eight explainers, two fills and a gallery."""
    matrix = Matrix(
        explainers=NAMES, seeds=4, fractions=(0.0, 0.3, 0.6, 1.0), fills=("mean", "noisy_linear"), evaluator=False,
        unretrained_fills=(), mask_fractions=(0.9,), measures=(),
    )  # fmt: skip
    place = filled(tmp_path_factory.mktemp("view"), matrix, judged)
    for name in NAMES:
        kept(place, name, (2, 1, 8, 8))
    report(place)
    return place / "report"


def until(page: Page, condition: str) -> None:
    """Waits until a condition holds; the page forbids what playwright would poll with."""
    for _ in range(100):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"never true: {condition}")


def on(page: Page) -> set[str]:
    """Labels of the curves that are on."""
    return set(page.locator(".entry[aria-pressed=true]").all_inner_texts())


def test_six_curves_are_on_at_first(page: Page) -> None:
    assert on(page) == {"Random", "GB", "Input x GRAD", "Deviation", "Center", "Sobel"}
    assert page.locator(CHART).locator(".line:visible").count() == 6
    assert page.locator(CHART).locator(".band:visible").count() <= 6
    page.locator("#curves-all").click()
    assert len(on(page)) == len(NAMES)
    page.locator("#curves-default").click()
    assert len(on(page)) == 6


def test_the_search_narrows_the_explainers_and_enter_takes_the_first(page: Page) -> None:
    page.locator("#curve-search").fill("ig")
    assert page.locator(".entry:visible").all_inner_texts() == ["IG"]
    page.keyboard.press("Enter")
    assert "IG" in on(page) and page.locator("#curves-count").inner_text() == "7 of 8"


def test_families_are_switched_as_a_whole(page: Page) -> None:
    page.locator("#curves-none").click()
    for family, members in (("Base", {"GRAD", "GB", "IG", "Input x GRAD"}), ("Controls", {"Random", "Sobel"})):
        page.locator(".whole-family", has_text=family).click()
        assert members <= on(page)
    page.locator(".whole-family", has_text="Base").click()
    assert on(page) == {"Random", "Sobel", "Center", "Deviation"}


@pytest.mark.parametrize("width", [1920, 1280, 390])
def test_labels_stand_at_the_ends_of_curves_and_do_not_overlap(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    for button in ("#curves-default", "#curves-all"):
        page.locator(button).click()
        labels = page.locator(CHART).locator(".ends text")
        boxes = sorted((label.bounding_box() for label in labels.all()), key=lambda box: box["y"])
        assert len(boxes) == page.locator(CHART).locator(".line:visible").count()
        gaps = [below["y"] - above["y"] for above, below in pairwise(boxes)]
        size = labels.first.evaluate("label => parseFloat(getComputedStyle(label).fontSize) * label.getScreenCTM().a")
        assert min(gaps) >= size
        frame = page.locator(CHART).locator(".canvas").bounding_box()
        assert all(box["x"] + box["width"] <= frame["x"] + frame["width"] for box in boxes)


def test_charts_keep_their_size(page: Page) -> None:
    page.set_viewport_size({"width": 1920, "height": 900})
    assert page.locator(CHART).bounding_box()["width"] <= 640
    page.locator(".chart >> nth=1").evaluate("chart => chart.remove()")
    assert page.locator(CHART).bounding_box()["width"] <= 640


def test_a_link_restores_the_view(page: Page) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.locator("#curve-way").select_option("retrained, fill noisy_linear")
    page.locator("#curves-none").click()
    page.locator(".entry", has_text="Sobel").click()
    page.locator(".measure").select_option(index=2)
    page.locator("#board-1-table .sort", has_text="explainer").click()
    page.locator("#table-summary-kar summary").click()
    page.locator("#table-summary-kar .filter").fill("ra")
    page.locator("#gallery-share").fill("0.4")
    page.locator(".choice button", has_text="Sobel").click()
    page.locator("#copy-link").click()
    until(page, "document.querySelector('#said').textContent === 'Copied'")
    address = page.evaluate("navigator.clipboard.readText()")
    assert page.evaluate("location.href") == address
    other = page.context.new_page()
    other.goto(address)
    assert on(other) == {"Sobel"}
    assert other.locator(".panel:visible").get_attribute("data-way") == "retrained, fill noisy_linear"
    assert other.locator(".measure").evaluate("select => select.selectedIndex") == 2
    assert other.locator("#board-1-table th[aria-sort=ascending]").inner_text().startswith("explainer")
    assert (
        other.locator("#table-summary-kar tbody tr:visible").count()
        == page.locator("#table-summary-kar tbody tr:visible").count()
        < len(NAMES)
    )
    assert other.locator("#gallery-share-said").inner_text() == "0.40"
    shown = other.locator(".choice button[aria-pressed=true]").all_inner_texts()
    assert shown == page.locator(".choice button[aria-pressed=true]").all_inner_texts()
    assert other.locator("canvas[data-image='0']").count() == page.locator("canvas[data-image='0']").count()


def test_a_plain_link_leads_to_its_place_and_leaves_the_view(page: Page) -> None:
    page.locator(".entry", has_text="IG").click()
    before = on(page)
    page.locator("nav a", has_text="Validity").click()
    until(page, "location.hash.startsWith('#validity?curves=')")
    assert on(page) == before
    page.evaluate("location.hash = '#table-summary-kar'")
    page.wait_for_selector("#table-summary-kar[open]")


def test_every_heading_has_a_link_to_itself(page: Page) -> None:
    heads = page.locator("main h2[id], main h3[id]")
    assert heads.count() > 20
    assert heads.evaluate_all("all => all.every((h) => h.querySelector(`a[href='#${h.id}']`))")


def test_figures_are_enlarged_and_closed(page: Page) -> None:
    zoom = page.locator(".zoom").first
    assert page.locator(".figures figure").first.get_attribute("id") == "figure-difference"
    zoom.focus()
    page.keyboard.press("Enter")
    assert page.locator("#zoom").is_visible()
    assert page.locator("#zoom img").bounding_box()["width"] > zoom.bounding_box()["width"]
    first = page.locator("#zoom-caption").inner_text()
    page.keyboard.press("ArrowRight")
    assert page.locator("#zoom-caption").inner_text() != first
    page.keyboard.press("Escape")
    assert not page.locator("#zoom").is_visible()


def test_files_that_figures_lead_to_are_there(page: Page, folder: Path) -> None:
    addresses = page.locator(".files a").evaluate_all("all => all.map((a) => a.getAttribute('href'))")
    assert {"difference.svg", "curves.svg", "leaderboard.svg", "gallery-ranks.svg"} <= {*addresses}
    assert not [address for address in addresses if not (folder / address).is_file()]


def drawn(page: Page, image: int, place: int) -> str:
    """What a canvas of the gallery shows; place 0 is the input."""
    return str(page.locator(f"canvas[data-image='{image}'] >> nth={place}").evaluate("canvas => canvas.toDataURL()"))


def test_the_slider_removes_pixels(page: Page) -> None:
    before, whole = drawn(page, 0, 1), drawn(page, 0, 0)
    page.locator("#gallery-share").fill("0.5")
    half = drawn(page, 0, 1)
    assert half != before and drawn(page, 0, 0) == whole
    pixels = "canvas => [...canvas.getContext('2d').getImageData(0, 0, 8, 8).data].filter((_, i) => i % 4 === 0)"
    grey = page.locator("canvas[data-image='0'] >> nth=1").evaluate(pixels).count(140)
    assert grey == 32
    page.locator("#gallery-order").select_option("lerf")
    assert drawn(page, 0, 1) not in (half, before)
    page.locator("#gallery-heat").uncheck()
    assert page.locator("canvas[data-image='0'] >> nth=1").evaluate(pixels).count(140) == 32


def test_the_gallery_shows_at_most_six_explainers(page: Page) -> None:
    assert page.locator("canvas[data-image='0']").count() == 7  # and the input
    page.locator(".choice button[aria-pressed=false]").first.click()
    assert page.locator("canvas[data-image='0']").count() == 7
    assert page.locator(".row .title").first.inner_text() == "label 5, predicted 3"


def test_a_number_leads_to_its_seeds_and_on_to_the_gallery(page: Page) -> None:
    row = page.locator("#board-1-table tbody tr", has_text="IG").first
    row.locator("td", has_text=re.compile(r"^\d\d\.\d$")).last.click()
    box = page.locator("#seeds")
    assert box.is_visible() and box.locator("h2").inner_text() == "IG"
    asked = box.locator(".asked")
    assert asked.locator(".dot").count() == 4
    assert re.fullmatch(r"n = 4 \(seed 0: [\d.]+, seed 1: .*\)", asked.locator(".number").inner_text())
    box.locator(".to-gallery").click()
    assert not box.is_visible()
    assert "IG" in page.locator(".choice button[aria-pressed=true]").all_inner_texts()
    assert page.evaluate("location.hash").startswith("#gallery")


def test_the_keyboard_leads_from_a_name_to_its_seeds(page: Page) -> None:
    page.locator("#table-summary-roar .drill", has_text="GRAD").first.focus()
    page.keyboard.press("Enter")
    assert page.locator("#seeds").is_visible()
    page.keyboard.press("Escape")
    assert not page.locator("#seeds").is_visible()


def test_words_are_explained_under_the_keyboard(page: Page) -> None:
    page.locator("main abbr").first.focus()
    assert page.locator("#hint").is_visible() and len(page.locator("#hint").inner_text()) > 20
    page.keyboard.press("Escape")
    assert not page.locator("#hint").is_visible()
    page.locator("#board-1-table .group span", has_text="ROAR").first.focus()
    assert page.locator("#hint").inner_text().startswith("Remove And Retrain")


@pytest.mark.parametrize("width", [1920, 1280, 390])
def test_nothing_sticks_out_here_either(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.locator("#open-all").click()
    page.locator(".verdict summary").first.click()
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_columns_beyond_the_edge_are_announced(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 800})
    until(page, "!document.querySelector('#table-summary-roar .beyond').hidden")
    page.set_viewport_size({"width": 1920, "height": 800})
    until(page, "document.querySelector('#table-summary-roar .beyond').hidden")


def test_print_is_short_and_says_what_it_leaves_out(page: Page) -> None:
    paper = page.pdf(format="A4", print_background=True)
    assert len(re.findall(rb"/Type\s*/Page\b", paper)) <= 8
    page.emulate_media(media="print")
    assert page.locator("#gallery:visible, #glossary:visible, #methods:visible, dialog:visible").count() == 0
    assert page.locator(".figures figure:visible").count() == 2
    assert "more tables" in page.locator(".paper:visible").last.inner_text()
