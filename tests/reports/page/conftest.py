"""A matrix of four explainers for the laws of the page, and a browser for the laws of its scripts."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from roarbench.benchmark.matrix.plan import Matrix, cells
from roarbench.benchmark.matrix.spec import Cell
from roarbench.benchmark.results.store import Outcome, Store

EXPLAINERS = ("random", "gradient", "integrated_gradients", "sobel")


@pytest.fixture
def wide() -> Matrix:
    return Matrix(
        explainers=EXPLAINERS, seeds=4, fractions=(0.0, 0.3, 0.6, 1.0), evaluator=False, unretrained_fills=(),
        mask_fractions=(0.9,), measures=(),
    )  # fmt: skip


def filled(place: Path, matrix: Matrix, judge: Callable[[Cell], Outcome]) -> Path:
    """A store with an outcome for every cell of a matrix."""
    store = Store(place, create=True)
    store.plan(asdict(matrix), cells(matrix))
    store.record_all({cell: judge(cell) for cell in cells(matrix)})
    store.close()
    return place


CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
NEEDED = "the browser test needs Chromium on the PATH (apt-get install chromium) and playwright (pip install -e .[dev])"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A headless Chromium."""
    if CHROMIUM is None:
        pytest.skip(NEEDED)
    with pytest.importorskip("playwright.sync_api", reason=NEEDED).sync_playwright() as playwright:
        try:
            started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        except Exception as error:
            pytest.skip(f"{CHROMIUM} does not start: {str(error).splitlines()[0]}")
        yield started
        started.close()


@pytest.fixture
def page(browser: Any, folder: Path) -> Iterator[Any]:
    """The page of a report in a fresh window; it fails on errors and on whatever is asked of a network.

    A module that uses it defines `folder`, where the report lies.
    """
    context = browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme="light", offline=True)
    errors: list[str] = []
    asked: list[str] = []
    context.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    context.on("weberror", lambda error: errors.append(str(error.error)))
    context.on("request", lambda request: asked.append(request.url))
    opened = context.new_page()
    opened.goto((folder / "index.html").as_uri())
    yield opened
    context.close()
    assert not errors
    addresses = {url.partition("#")[0] for url in asked if not url.startswith("data:")}
    assert addresses == {(folder / "index.html").as_uri()}
